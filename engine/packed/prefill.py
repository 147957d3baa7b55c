"""Reading prefixes: the nodes of one level of the tree are packed into few forward passes, each behind its own path."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

import torch
from torch import Tensor

from engine.packed.model.language import Language
from engine.packed.prefixes import Node, Segment
from engine.packed.transfer import send, send_numbers

TOKENS_AT_ONCE = 16_384
"""Tokens in one forward pass."""


@dataclass(frozen=True)
class Prefix:
    """A path whose keys and values are in memory."""

    slots: Tensor
    """(length,) int32 on the CPU: those of all its tokens, in order."""
    position: int
    """Rotary position of the token behind it."""


NOTHING = Prefix(torch.empty(0, dtype=torch.int32), 0)


class Prefixes:
    """The prefixes in memory, by the node that they end at."""

    def __init__(self, language: Language, device: torch.device) -> None:
        self._language = language
        self._device = device
        self._known: dict[Node, Prefix] = {}

    def of(self, node: Node | None) -> Prefix:
        """The prefix that ends at a node; nothing for none."""
        return NOTHING if node is None else self._known[node]

    def read(
        self,
        levels: Sequence[Sequence[Node]],
        images: Mapping[str, Tensor],
        ends: Sequence[Node],
        meanwhile: Callable[[], object] = bool,
    ) -> Tensor:
        """Reads the nodes of all levels, parents first; hidden states (n, D) behind the `ends`, which are among them.

        `meanwhile` is called behind each pass, which a GPU has only begun by then.
        """
        places = {end: at for at, end in enumerate(ends)}
        hidden = self._language.weights.embedding.new_empty(len(ends), self._language.weights.embedding.shape[1])
        for level in levels:
            for nodes in _chunks(level):
                asked = [at for at, node in enumerate(nodes) if node in places]
                rows = send_numbers([places[nodes[at]] for at in asked], self._device)
                hidden[rows] = self._read(nodes, images, asked)
                meanwhile()
        return hidden

    def drop(self, nodes: Sequence[Node]) -> None:
        """Gives the slots of these nodes back, with what they alone held."""
        for node in nodes:
            slots = self._known.pop(node).slots
            self._language.memory.give_back(slots[len(slots) - len(node.segment) :])

    def clear(self) -> None:
        """Drops all."""
        self.drop(list(self._known))

    def _read(self, nodes: Sequence[Node], images: Mapping[str, Tensor], asked: Sequence[int]) -> Tensor:
        lengths = [len(node.segment) for node in nodes]
        slots = self._language.memory.take(sum(lengths))
        positions = []
        for node, own in zip(nodes, torch.split(slots, lengths), strict=True):
            before = self.of(node.parent)
            moved, span = relative_positions(node.segment.grid, len(node.segment.text))
            positions.append(moved + before.position)
            self._known[node] = Prefix(torch.cat((before.slots, own)), before.position + span)
        plan = self._language.attention.reading(lengths, [self._known[node].slots for node in nodes])
        x, added = self._embedded([node.segment for node in nodes], images)
        ends = torch.tensor(lengths).cumsum(0) - 1
        return self._language.prefill(
            x, send(torch.cat(positions, 1), self._device), send(slots, self._device, torch.long), plan,
            send(ends[list(asked)], self._device), added, self._language.reading,
        )  # fmt: skip

    def _embedded(
        self, segments: Sequence[Segment], images: Mapping[str, Tensor]
    ) -> tuple[Tensor, tuple[Tensor, Tensor] | None]:
        """What the language model reads (T, D), and what deeper layers add to the rows of images."""
        ids = [token for one in segments for token in (*((0,) * one.places), *one.text)]
        x = self._language.weights.embedding[send_numbers(ids, self._device)]
        shown = [images[one.image] for one in segments if one.image]  # (depth, places, D) each
        if not shown:
            return x, None
        values = torch.cat(shown, 1).to(x.dtype)
        rows = send(torch.cat(list(_image_rows(segments))), self._device)
        x[rows] = values[0]
        return x, (rows, values[1:]) if len(values) > 1 else None


def _chunks(nodes: Sequence[Node]) -> Iterator[Sequence[Node]]:
    start = tokens = 0
    for at, node in enumerate(nodes):
        if at > start and tokens + len(node.segment) > TOKENS_AT_ONCE:
            yield nodes[start:at]
            start, tokens = at, 0
        tokens += len(node.segment)
    yield nodes[start:]


def _image_rows(segments: Sequence[Segment]) -> Iterator[Tensor]:
    start = 0
    for one in segments:
        if one.places:
            yield torch.arange(start, start + one.places)
        start += len(one)


@lru_cache(maxsize=4096)
def relative_positions(grid: tuple[int, int], text: int) -> tuple[Tensor, int]:
    """(3, T) positions of a segment's tokens in time, height and width, and where the next segment begins.

    An image takes max(rows, columns) positions, in which its tokens differ by row and column only (multimodal rotary
    positions of Qwen2-VL).
    """
    rows, columns = grid
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    image = torch.stack((torch.zeros_like(row), row, column)).reshape(3, -1)
    behind = torch.arange(text).expand(3, -1) + max(grid)
    return torch.cat((image, behind), 1), max(grid) + text
