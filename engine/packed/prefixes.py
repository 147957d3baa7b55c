"""Prompts as paths of a tree: what two prompts have in common at their start is one path, computed once.

A prompt is cut where its images begin: first the system text, then each image with the text after it. Two prompts share a
segment when all segments before it are shared and its tokens and image are equal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Segment:
    """An image with the text behind it, or the text that a prompt begins with."""

    image: str
    """Key of the image; empty for none."""
    grid: tuple[int, int]
    """Rows and columns of the tokens that the image takes."""
    text: tuple[int, ...]
    """Tokens behind the image."""

    @property
    def places(self) -> int:
        """Tokens that the image takes."""
        return self.grid[0] * self.grid[1]

    def __len__(self) -> int:
        return self.places + len(self.text)


Path = tuple[Segment, ...]
"""A whole prompt."""


def cut(ids: Sequence[int], images: Sequence[str], grids: Sequence[tuple[int, int]], image_token: int) -> Path:
    """The segments of a prompt whose `ids` hold `image_token` once for every token of every image, in order."""
    first = ids.index(image_token) if images else len(ids)
    segments = [Segment("", (0, 0), tuple(ids[:first]))] if first else []
    start = first
    for at, (image, grid) in enumerate(zip(images, grids, strict=True)):
        text = start + grid[0] * grid[1]
        end = ids.index(image_token, text) if at + 1 < len(images) else len(ids)
        assert set(ids[start:text]) == {image_token}, "an image's tokens stand together"
        segments.append(Segment(image, grid, tuple(ids[text:end])))
        start = end
    return tuple(segments)


def joined(path: Path, image_token: int) -> list[int]:
    """The tokens of a prompt again: the other way round of `cut`."""
    return [token for one in path for token in (*([image_token] * one.places), *one.text)]


@dataclass(eq=False, slots=True)
class Node:
    """A segment behind its prefix."""

    segment: Segment
    parent: Node | None
    children: dict[Segment, Node] = field(default_factory=dict)
    prompts: list[int] = field(default_factory=list)
    """Positions of the prompts that end here."""

    @property
    def path(self) -> list[Node]:
        """The nodes from the root to this one."""
        nodes: list[Node] = []
        node: Node | None = self
        while node is not None:
            nodes.append(node)
            node = node.parent
        return nodes[::-1]

    @property
    def depth(self) -> int:
        """Nodes before this one."""
        return len(self.path) - 1


class Tree:
    """All prompts of a call. This is the place where a prefix is found again."""

    def __init__(self, prompts: Sequence[Path]) -> None:
        self.roots: dict[Segment, Node] = {}
        for place, prompt in enumerate(prompts):
            self._add(place, prompt)

    def _add(self, place: int, prompt: Path) -> None:
        level, node = self.roots, None
        for segment in prompt:
            if segment not in level:
                level[segment] = Node(segment, node)
            node = level[segment]
            level = node.children
        assert node is not None, "a prompt has at least one segment"
        node.prompts.append(place)

    def ends(self) -> Iterator[Node]:
        """The nodes where prompts end, so that those of one prefix stand together."""
        waiting = list(self.roots.values())[::-1]
        while waiting:
            node = waiting.pop()
            if node.prompts:
                yield node
            waiting.extend(list(node.children.values())[::-1])
