"""A vision-language model in this process, answering through the packed engine. See `docs/engine.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import lru_cache
from itertools import chain, count, islice, repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db.specs.base import Finding, canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.images import MISSING_SHA, ImageProblem, image_sha, load_image
from engine.packed.agreement import Agreement
from engine.packed.assembly import build
from engine.packed.decoding import Decoding
from engine.packed.engine import PROMPTS_AT_ONCE, Ask, Engine, Reply, TooLong
from engine.packed.images.reading import ImageFile
from engine.packed.model.source import Source
from engine.packed.prefixes import Path as PromptPath
from engine.packed.prefixes import cut
from engine.vlm.local.findings import fp8_prefill
from engine.vlm.local.loading import Loaded
from engine.vlm.local.plain import LocalVLM
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Answer, always

BLOCK = 3 * PROMPTS_AT_ONCE
"""Prompts whose prefixes are sought together; those of the next block are made ready meanwhile."""
FIRST_BLOCKS = (64, 128, PROMPTS_AT_ONCE)
"""The first ones are small, so that the processor starts at once; each is made ready while it computes the one before."""
PIECES = 10
"""A block is made ready in so many: a large one by 50 to 90 ms of work where its images are new; a GPU takes longer for a pass."""
BLOCKS_AT_ONCE = 4
"""Blocks worth handing over together."""


class PackedVLM(LocalVLM):
    """See `engine.vlm.protocol.VLM`. In float32 it answers as `LocalVLM` does, and shares its answers."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        decode: DecodeSpec,
        batch_size: int,
        pixels: tuple[int, int],
        memory: int | None = None,
        shared: tuple[int, int] | None = None,
        source: Source | None = None,
        disk: Path | None = None,
    ) -> None:
        """`memory`: bytes for keys and values, in place of a share of what is free. `shared`: see `engine.packed.images.shared`.
        `source`: what the engine is built of, in place of transformers' model. `disk`: see `engine.packed.assembly.build`."""
        super().__init__(loaded, decode=decode, batch_size=batch_size, pixels=pixels)
        self._decode = decode
        decoding = Decoding(decode, loaded.end_tokens)
        source = source or Source.of_model(loaded.model)
        self.engine: Engine = build(source, loaded.processor, decoding, memory_bytes=memory, shared=shared, disk=disk)
        self.distance: float | None = None
        """What the self-test found."""
        self.whole_because = ""
        """Why each start loads transformers' model too (`engine.vlm.local.quick`); empty where that is not known to be so."""
        self.agreement: Agreement | None = None
        """How answers agree with those of bfloat16, where prompts are read in fp8 (`engine.vlm.local.fp8`)."""
        self._card = torch.cuda.get_device_name(loaded.device) if loaded.device.type == "cuda" else ""
        self._tokens = lru_cache(maxsize=1 << 16)(self._tokenized)

    @property
    def at_once(self) -> int:
        """Prompts worth handing over together."""
        return BLOCKS_AT_ONCE * BLOCK

    @property
    def requests_sha(self) -> str:
        """In half precision also over the engine, whose rounding is its own, and over fp8."""
        rounding = [*(["packed"] if self.loaded.dtype != torch.float32 else []), *(["fp8"] if self.agreement else [])]
        return sha256_text(canonical_json([self.sha, *rounding])) if rounding else self.sha

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the model and of what the engine did."""
        batches = ("vlm_batch_size", "vlm_batch_size_asked")
        plain = {name: value for name, value in super().facts().items() if name not in batches}
        tested = {} if self.distance is None else {"vlm_engine_distance": float(f"{self.distance:.3g}")}
        whole = {"vlm_start_reason": self.whole_because} if self.whole_because else {}
        read = {"vlm_prefill": "fp8", "vlm_prefill_agreement": asdict(self.agreement)} if self.agreement else {}
        return {**plain, "vlm_engine": "packed", **tested, **whole, **read, **self.engine.counts.facts(self._card)}

    def findings(self) -> Sequence[Finding]:
        """How far answers are others than bfloat16's, where prompts are read in fp8."""
        return (fp8_prefill(self.name, self.agreement),) if self.agreement else super().findings()

    def tokens_for(self, prompt: Prompt) -> int | None:
        """See `LocalVLM`; through transformers' model, which may have to be loaded for it."""
        if self.loaded.model is not None:
            return super().tokens_for(prompt)
        return LocalVLM(
            self.loaded.whole(), decode=self._decode, batch_size=self.batches.asked, pixels=self._pixels
        ).tokens_for(prompt)

    @property
    def _embedding(self) -> Tensor:
        return self.engine.language.weights.embedding

    def measures(self) -> Mapping[str, float]:
        """See `engine.vlm.protocol.Measured`."""
        return self.engine.counts.measures(self._card)

    def _image_facts(self) -> dict[str, str]:
        return {}  # the engine counts the images that it encoded

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, group by group; prompts with a common beginning are in one group."""
        shards = iter([prompts])
        for _, answers in self.answer_shards(lambda: next(shards, None), go_on):
            yield answers

    def answer_shards(
        self, following: Callable[[], Sequence[Prompt] | None], go_on: Callable[[], bool] = always
    ) -> Iterator[tuple[int, dict[int, Answer]]]:
        """The same for shards of prompts that come one after the other, without a pause between them: number of the shard,
        and answers by position in it. `following` gives the next shard, or None while there is none."""
        blocks = _Blocks(self._make_ready, following)
        numbers = count()
        given: dict[int, _Block] = {}
        refused: list[tuple[int, dict[int, Answer]]] = []

        def take() -> list[Ask] | None:
            if (block := blocks.take()) is None:
                return None
            given[next(numbers)] = block
            if block.broken:
                refused.append((block.shard, block.broken))
            return list(block.asked.values())

        try:
            for number, replies in self.engine.answer_blocks(take, go_on, blocks.prepare):
                for done in [one for one in given if one < number]:
                    del given[done]
                while refused:
                    yield refused.pop(0)
                yield given[number].shard, self._answers(replies, given[number].asked)
            yield from refused
        except TooLong:
            self._refuse_size()
        finally:
            self.engine.features.forget()

    def _make_ready(self, block: _Block, most: int) -> None:
        """What to ask for the next so many prompts, whose images are read from now on."""
        fresh: dict[int, Ask] = {}
        for place in islice(block.left, most):
            prompt = block.prompts[place]
            try:
                references = tuple(map(self._tokens, prompt.references))
                fresh[place] = Ask(self.path(prompt), prompt.decoded, references)
            except ImageProblem as problem:
                block.broken[place] = Answer("", error=str(problem))
        block.asked |= fresh
        self.engine.features.announce([one.image for ask in fresh.values() for one in ask.path])

    def path(self, prompt: Prompt) -> PromptPath:
        """The prompt cut at its images. Raises ImageProblem, and UserError where the model does not read as much."""
        keys = [self._key(image, prompt) for image in prompt.images]
        grids = [self.engine.features.grid(key, self.engine.features.sources[key]) for key in keys]
        placeholder, token = self.encoder.placeholder, self.engine.image_token
        first, *texts = self.encoder.render(prompt).split(placeholder)
        ids = [*self._tokens(first)]
        for (rows, columns), text in zip(grids, texts, strict=True):
            ids += [token] * (rows * columns)
            ids += self._tokens(text)
        self._check_length(len(ids))
        return cut(ids, keys, grids, token)

    def _key(self, path: Path, prompt: Prompt) -> str:
        """What identifies an image as the model sees it: content and pixel caps."""
        sha = image_sha(path)
        if sha == MISSING_SHA:
            load_image(path)  # raises the reason
        key = f"{sha}:{prompt.min_pixels}:{prompt.max_pixels}"
        self.engine.features.sources.setdefault(key, ImageFile(path, prompt.min_pixels, prompt.max_pixels))
        return key

    def _tokenized(self, text: str) -> tuple[int, ...]:
        """Tokens of a text between images, which no token spans because their placeholders are tokens of their own."""
        return tuple(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _answers(self, replies: Mapping[int, Reply], asked: Mapping[int, Ask]) -> dict[int, Answer]:
        """Replies by their place among those asked, as answers by position."""
        places = list(asked)
        texts = self.encoder.decode([list(one.tokens) for one in replies.values()])
        ends = frozenset(self.loaded.end_tokens)
        return {
            places[at]: Answer("", error=str(reply.problem))
            if reply.problem
            else replace(
                self._spoken(text, cut=ends.isdisjoint(reply.tokens)) if asked[places[at]].answer else Answer(""),
                log_probs=_means(reply.log_probs, asked[places[at]].references),
            )
            for (at, reply), text in zip(replies.items(), texts, strict=True)
        }

    def _visual_tokens(self, paths: Sequence[Path]) -> Sequence[Tensor]:
        features = self.engine.features
        caps = Prompt("", (), (), *self._pixels)
        keys = [self._key(path, caps) for path in paths]
        for key in keys:
            features.grid(key, features.sources[key])
        features.announce(keys)
        found, problems = features.tokens(keys)
        for problem in problems.values():
            raise problem
        return [found[key][0] for key in keys]


def _means(sums: Sequence[float], references: Sequence[Sequence[int]]) -> tuple[float, ...]:
    """Log-probabilities over the tokens that they are of."""
    return tuple(one / len(tokens) for one, tokens in zip(sums, references, strict=True))


@dataclass
class _Block:
    """Prompts whose prefixes are sought together."""

    shard: int
    prompts: Sequence[Prompt]
    """All of the shard."""
    left: Iterator[int]
    """Positions of those of this block that are not ready yet."""
    piece: int
    """How many are made ready at a time."""
    asked: dict[int, Ask] = field(default_factory=dict)
    """Those that are, by position."""
    broken: dict[int, Answer] = field(default_factory=dict)
    """Answers of those with a bad image."""


class _Blocks:
    """Cuts shards into blocks, and makes the next one ready while a GPU computes."""

    def __init__(
        self, make_ready: Callable[[_Block, int], None], following: Callable[[], Sequence[Prompt] | None]
    ) -> None:
        self._make_ready, self._following = make_ready, following
        self._sizes = chain(FIRST_BLOCKS, repeat(BLOCK))
        self._number = -1
        self._shard: Sequence[Prompt] = ()
        self._from = 0
        self._next: _Block | None = None

    def prepare(self) -> None:
        """Makes a piece of the next block ready."""
        if (block := self._begun()) is not None:
            self._make_ready(block, block.piece)

    def take(self) -> _Block | None:
        """The next block; None where no shard follows."""
        if (block := self._begun()) is not None:
            self._make_ready(block, BLOCK)
        self._next = None
        return block

    def _begun(self) -> _Block | None:
        if self._next is None:
            while self._from >= len(self._shard):
                shard = self._following()
                if shard is None:
                    return None
                self._number, self._shard, self._from = self._number + 1, shard, 0
            end = min(self._from + next(self._sizes), len(self._shard))
            self._next = _Block(
                self._number, self._shard, iter(range(self._from, end)), -(-(end - self._from) // PIECES)
            )
            self._from = end
        return self._next
