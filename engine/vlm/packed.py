"""A vision-language model in this process, answering through the packed engine. See `docs/engine.md`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache, lru_cache, partial
from itertools import chain, pairwise, repeat
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db.specs.base import canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.images import MISSING_SHA, ImageProblem, image_sha, load_image
from engine.packed.assembly import build
from engine.packed.decoding import Decoding
from engine.packed.engine import Ask, Engine, Reply, TooLong
from engine.packed.prefixes import Path as PromptPath
from engine.packed.prefixes import cut
from engine.packed.reading import Source
from engine.vlm.loading import Loaded
from engine.vlm.local import LocalVLM
from engine.vlm.prompt import Prompt, request_sha
from engine.vlm.protocol import Answer, always

BLOCK = 1024
"""Prompts whose prefixes are sought together; those of the next block are made ready meanwhile."""
FIRST_BLOCKS = (32, 256)
"""The first ones are small, so that the processor starts at once."""
BLOCKS_AT_ONCE = 4
"""Blocks worth handing over together."""


Asks = tuple[dict[int, Ask], dict[int, Answer]]
"""By position."""


class PackedVLM(LocalVLM):
    """See `engine.vlm.protocol.VLM`. In float32 it answers as `LocalVLM` does, and shares its answers."""

    def __init__(
        self, loaded: Loaded, *, decode: DecodeSpec, batch_size: int, pixels: tuple[int, int], memory: int | None = None
    ) -> None:
        """`memory`: bytes for keys and values, in place of a share of what is free."""
        super().__init__(loaded, decode=decode, batch_size=batch_size, pixels=pixels)
        decoding = Decoding(decode, loaded.end_tokens)
        self.engine: Engine = build(loaded.model, loaded.processor, decoding, memory_bytes=memory)
        self.distance: float | None = None
        """What the self-test found."""
        self._tokens = lru_cache(maxsize=1 << 16)(self._tokenized)

    @property
    def at_once(self) -> int:
        """Prompts worth handing over together."""
        return BLOCKS_AT_ONCE * BLOCK

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over model, prompt and decoding; in half precision also over the engine, whose rounding is its own."""
        if self.loaded.dtype == torch.float32:
            return super().request_sha(prompt)
        return request_sha(sha256_text(canonical_json([self.sha, "packed"])), prompt.sha, self.decode_sha)

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the model and of what the engine did."""
        batches = ("vlm_batch_size", "vlm_batch_size_asked")
        plain = {name: value for name, value in super().facts().items() if name not in batches}
        tested = {} if self.distance is None else {"vlm_engine_distance": float(f"{self.distance:.3g}")}
        return {**plain, "vlm_engine": "packed", **tested, **self.engine.counts.facts(plain["vlm_device"])}

    def _image_facts(self) -> dict[str, str]:
        return {}  # the engine counts the images that it encoded

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, group by group; prompts with a common beginning are in one group."""
        blocks: list[Callable[[], Asks]] = [cache(partial(self._asks, prompts, one)) for one in _blocks(len(prompts))]
        try:
            for block, following in pairwise([*blocks, _nothing]):
                asked, broken = block()
                if broken:
                    yield broken
                yield from self._answer_block(asked, go_on, meanwhile=following)
                if not go_on():
                    return
        finally:
            self.engine.features.reader.forget()

    def _asks(self, prompts: Sequence[Prompt], block: range) -> Asks:
        """What to ask for each prompt, whose images are read from now on, and the answers of those with a bad image."""
        asked: dict[int, Ask] = {}
        broken: dict[int, Answer] = {}
        for place in block:
            try:
                asked[place] = Ask(self.path(prompts[place]))
            except ImageProblem as problem:
                broken[place] = Answer("", error=str(problem))
        self.engine.features.announce([one.image for ask in asked.values() for one in ask.path])
        return asked, broken

    def _answer_block(
        self, asked: Mapping[int, Ask], go_on: Callable[[], bool], meanwhile: Callable[[], object]
    ) -> Iterator[dict[int, Answer]]:
        places = list(asked)
        try:
            for replies in self.engine.answer(list(asked.values()), go_on, meanwhile):
                yield self._answers({places[at]: reply for at, reply in replies.items()})
        except TooLong:
            self._refuse_size()

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
        self.engine.features.sources.setdefault(key, Source(path, prompt.min_pixels, prompt.max_pixels))
        return key

    def _tokenized(self, text: str) -> tuple[int, ...]:
        """Tokens of a text between images, which no token spans because their placeholders are tokens of their own."""
        return tuple(self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"])

    def _answers(self, replies: Mapping[int, Reply]) -> dict[int, Answer]:
        texts = self.encoder.decode([list(one.tokens) for one in replies.values()])
        end = self.encoder.tokenizer.eos_token_id
        return {
            place: Answer("", error=str(reply.problem))
            if reply.problem
            else self._spoken(text, cut=end not in reply.tokens)
            for (place, reply), text in zip(replies.items(), texts, strict=True)
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


def _nothing() -> Asks:
    return {}, {}


def _blocks(count: int) -> Iterator[range]:
    """Ranges over so many prompts."""
    start = 0
    for size in chain(FIRST_BLOCKS, repeat(BLOCK)):
        if start >= count:
            return
        yield range(start, min(start + size, count))
        start += size
