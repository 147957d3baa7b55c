"""The engine: groups of prompts are read level by level, answered together, and leave only the prefixes that are needed on."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import torch
from torch import Tensor

from engine.common.images import ImageProblem
from engine.packed.answering import decode, read_forced
from engine.packed.blocks import Block, Blocks
from engine.packed.counts import Counts
from engine.packed.decoding import Decoding
from engine.packed.images.encoding import PATCHES_AT_ONCE, Features
from engine.packed.model.language import Language
from engine.packed.prefill import TOKENS_AT_ONCE, Prefixes
from engine.packed.prefixes import Node, Path, Segment, Tree, joined
from engine.packed.references import log_probabilities
from engine.packed.schedule import Group, Schedule
from engine.packed.transfer import fetch

PROMPTS_AT_ONCE = 384
"""Prompts in a group at most. While they are answered a GPU waits for launches, the less the more they are."""
LOGITS_BYTES = 4 << 30
"""Memory for scores of all words, of which decoding holds a few copies."""

USUAL_GRID = (34, 46)
"""Rows and columns of patches of an image of 640x480 pixels."""


@dataclass(frozen=True)
class Reply:
    """What became of a prompt."""

    tokens: tuple[int, ...] = ()
    """Of its answer, the end token included where there is one."""
    log_probs: tuple[float, ...] = ()
    """Log-probability of each reference answer asked for, all its tokens together."""
    problem: ImageProblem | None = None
    """Why there is no answer."""


@dataclass(frozen=True)
class Ask:
    """A prompt and what is wanted of it."""

    path: Path
    answer: bool = True
    """Whether to decode an answer."""
    references: tuple[tuple[int, ...], ...] = ()
    """Answers whose log-probability is wanted, as tokens."""


@dataclass(frozen=True)
class Begun:
    """A group on its way."""

    block: Block[Ask]
    group: Group
    hidden: Tensor | None = None
    """States behind its prompts, which a GPU may still be computing; None where memory ran short."""
    problems: Mapping[str, ImageProblem] = field(default_factory=dict)
    """What is wrong with images that have no visual tokens; then nothing was read."""


class TooLong(Exception):
    """Not even one prompt fits into memory."""


@dataclass
class Engine:
    """Answers prompts. See `docs/engine.md`."""

    language: Language
    features: Features
    decoding: Decoding
    device: torch.device
    image_token: int
    counts: Counts = field(default_factory=Counts)
    at_once: int = PROMPTS_AT_ONCE
    """Prompts in a group at most; halved where memory runs short."""
    ahead: bool = False
    """Whether the next group is read while the caller looks at replies: only a GPU does two things at a time."""

    def __post_init__(self) -> None:
        vocabulary = len(self.language.weights.head.weight)
        fitting = LOGITS_BYTES // (16 * vocabulary * self.decoding.width)
        self.at_once = max(1, min(self.at_once, fitting))
        self._prefixes = Prefixes(self.language, self.device)

    def answer(
        self, asked: Sequence[Ask], go_on: Callable[[], bool], meanwhile: Callable[[], object] = bool
    ) -> Iterator[dict[int, Reply]]:
        """A reply for each by its position, group by group; see `answer_blocks`."""
        blocks = iter([asked])
        for _, replies in self.answer_blocks(lambda: next(blocks, None), go_on, meanwhile):
            yield replies

    @torch.inference_mode()
    def answer_blocks(
        self,
        following: Callable[[], Sequence[Ask] | None],
        go_on: Callable[[], bool],
        meanwhile: Callable[[], object] = bool,
    ) -> Iterator[tuple[int, dict[int, Reply]]]:
        """Number of a block and replies by position in it, group by group, for blocks that come one after the other. Raises
        TooLong.

        `following` gives the next block, or None while there is none. Once `go_on` says no, no further group is answered.
        `meanwhile` is called whenever a GPU has just been given much to do: the moment to make a little of what comes next ready.
        """
        blocks = Blocks(following, self._schedule)
        try:
            self.counts.start()
            begun = self._begin(blocks, meanwhile)
            while begun is not None and go_on():
                replies = self._finish(begun, blocks)
                number = begun.block.number
                begun = self._begin(blocks, meanwhile) if self.ahead else None
                if begun is None:
                    self.counts.pause()
                if replies:
                    yield number, replies
                if begun is None:
                    self.counts.start()
                    begun = None if self.ahead else self._begin(blocks, meanwhile)
        finally:
            self.counts.pause()
            self._prefixes.clear()

    def _schedule(self, asked: Sequence[Ask]) -> Schedule:
        ends = list(Tree([one.path for one in asked]).ends())
        scored = max((sum(map(len, _references(asked, end))) for end in ends), default=0)
        beyond = self.decoding.width * (self.decoding.spec.max_new_tokens - 1) + scored
        schedule = Schedule(ends, self.language.memory.size, beyond, self.at_once)
        self.features.announce([one.segment.image for end in schedule.ends for one in end.path])
        return schedule

    def _begin(self, blocks: Blocks[Ask], meanwhile: Callable[[], object]) -> Begun | None:
        """The next group, on its way through the tower and the language model; None where none follows."""
        found = blocks.next_group()
        if found is None:
            return None
        block, group = found
        try:
            tokens, problems = self._images(group, meanwhile)
            hidden = None if problems else self._prefixes.read(group.levels, tokens, group.ends, meanwhile)
        except torch.OutOfMemoryError:
            return Begun(block, group)
        if hidden is not None:
            block.schedule.computed(group)
        return Begun(block, group, hidden, problems)

    def _finish(self, begun: Begun, blocks: Blocks[Ask]) -> dict[int, Reply]:
        """Replies of the group; none where it did not fit and smaller ones follow."""
        block, group = begun.block, begun.group
        if begun.problems:
            return self._refuse(block.schedule, begun.problems)
        replies = None
        if begun.hidden is not None:
            blocks.prepare(group)
            operations = self._operations(group)
            with suppress(torch.OutOfMemoryError):  # the memory is free only once the exception is gone
                replies = self._replies(block.asked, group.ends, begun.hidden)
        if replies is None:
            self._split(block.schedule, group)
            return {}
        self._count(group, operations)
        self._prefixes.drop(block.schedule.finish(group))
        return replies

    def _images(
        self, group: Group, meanwhile: Callable[[], object] = bool
    ) -> tuple[Mapping[str, Tensor], Mapping[str, ImageProblem]]:
        keys = [node.segment.image for level in group.levels for node in level if node.segment.image]
        return self.features.tokens(keys, meanwhile)

    def _refuse(self, schedule: Schedule, problems: Mapping[str, ImageProblem]) -> dict[int, Reply]:
        """Replies of the prompts with a bad image, which leave the schedule."""
        replies: dict[int, Reply] = {}
        kept: list[Node] = []
        for end in schedule.ends[schedule.position :]:
            bad = [problems[one.segment.image] for one in end.path if one.segment.image in problems]
            if bad:
                replies.update((prompt, Reply(problem=bad[0])) for prompt in end.prompts)
            else:
                kept.append(end)
        schedule.ends = [*schedule.ends[: schedule.position], *kept]
        return replies

    def _split(self, schedule: Schedule, group: Group) -> None:
        if len(group.ends) == 1:
            raise TooLong(f"{sum(len(node.segment) for node in group.ends[0].path)} tokens do not fit into memory")
        self.counts.splits += 1
        schedule.start_over(group)
        self.at_once = schedule.most
        self._drop_all()

    def _drop_all(self) -> None:
        self._prefixes.clear()
        if self.device.type == "cuda":
            torch.cuda.empty_cache()

    def _replies(self, asked: Sequence[Ask], ends: Sequence[Node], hidden: Tensor) -> dict[int, Reply]:
        wanted = [at for at, end in enumerate(ends) if any(asked[prompt].answer for prompt in end.prompts)]
        tokens: dict[int, tuple[int, ...]] = {}
        if wanted:
            prefixes = [self._prefixes.of(ends[at]) for at in wanted]
            rows = hidden if len(wanted) == len(ends) else hidden[wanted]
            found = decode(self.language, self.decoding, prefixes, self._seen([ends[at] for at in wanted]), rows)
            tokens = {wanted[place]: answer for place, answer in found.items()}
        references = [_references(asked, end) for end in ends]
        scores = log_probabilities(self.language, [self._prefixes.of(end) for end in ends], hidden, references)
        known = [dict(zip(some, found, strict=True)) for some, found in zip(references, scores, strict=True)]
        return {
            prompt: Reply(tokens.get(at, ()), tuple(known[at][one] for one in asked[prompt].references))
            for at, end in enumerate(ends)
            for prompt in end.prompts
        }

    def _seen(self, ends: Sequence[Node]) -> list[list[int]]:
        """All tokens of each prompt, where repetitions are punished."""
        if self.decoding.spec.repetition_penalty == 1:
            return [[]] * len(ends)
        return [joined(tuple(one.segment for one in end.path), self.image_token) for end in ends]

    def _operations(self, group: Group) -> float:
        """Multiplications and additions for reading the group's nodes."""
        nodes = (node for level in group.levels for node in level)
        weights = self.language.weights
        return sum(weights.operations(len(one.segment), len(self._prefixes.of(one.parent).slots)) for one in nodes)

    def _count(self, group: Group, operations: float) -> None:
        counts, features = self.counts, self.features
        paths = [(end.path, len(end.prompts)) for end in group.ends]
        counts.answers += sum(number for _, number in paths)
        counts.images += sum(number for path, number in paths for one in path if one.segment.image)
        counts.tokens += sum(number * len(one.segment) for path, number in paths for one in path)
        counts.tokens_computed += group.new_tokens
        counts.images_encoded, counts.images_from_disk = features.encoded, features.from_disk
        counts.reading += operations
        counts.operations = counts.reading + features.operations

    @torch.inference_mode()
    def warm_up(self) -> None:
        """A pass of usual size through everything, over a grey image: a GPU loads its kernels at their first use, which takes a
        second that may pass before the first question is asked. Where memory is too short for it, nothing is loaded."""
        with suppress(torch.OutOfMemoryError):
            self._warm_up()
            self._prefixes.clear()
            return
        self._drop_all()

    def _warm_up(self) -> None:
        pixels, merge = self.features.reader.pixels, self.features.tower.merge
        high, wide = (side // merge for side in USUAL_GRID)
        image = torch.full((USUAL_GRID[0] * pixels.patch, USUAL_GRID[1] * pixels.patch, 3), 127, dtype=torch.uint8)
        count = PATCHES_AT_ONCE // (USUAL_GRID[0] * USUAL_GRID[1])
        patches = [pixels.patches([image] * count) for _ in range(2)]  # two, so that two buffers are pinned
        tokens = self.features.tower(patches[0], [USUAL_GRID] * count)
        fetch(tokens)
        paths = [(Segment("grey", (high, wide), (at,)),) for at in range(TOKENS_AT_ONCE // (high * wide + 1))]
        ends = list(Tree(paths).ends())
        hidden = self._prefixes.read([ends], {"grey": tokens[0]}, ends)
        decode(self.language, self.decoding, [self._prefixes.of(end) for end in ends], self._seen(ends), hidden)

    @torch.inference_mode()
    def logits(self, asked: Sequence[Path], tokens: Tensor | None = None) -> Tensor:
        """Scores of all words behind each prompt, all in one group: (n, V) float32. With continuations `tokens` (n, W, S)
        those behind each of their tokens: (n, W, S, V). Raises ImageProblem."""
        ends = list(Tree(asked).ends())
        schedule = Schedule(ends, self.language.memory.size, 0, len(ends))
        group = schedule.next_group()
        assert group is not None, "there are prompts"
        assert len(group.ends) == len(ends), "few prompts fit into one group"
        images, problems = self._images(group)
        for problem in problems.values():
            raise problem
        hidden = self._prefixes.read(group.levels, images, ends)
        places = [next(row for row, end in enumerate(ends) if at in end.prompts) for at in range(len(asked))]
        if tokens is None:
            scores = self.language.logits(hidden[places])
        else:
            scores = read_forced(self.language, [self._prefixes.of(ends[at]) for at in places], tokens)
        self._prefixes.clear()
        return scores


def _references(asked: Sequence[Ask], end: Node) -> list[tuple[int, ...]]:
    """Every text that one of the prompts with this end wants scored, once."""
    return list(dict.fromkeys(one for prompt in end.prompts for one in asked[prompt].references))
