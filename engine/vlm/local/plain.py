"""A vision-language model in this process, answering in batches by transformers' generate."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any, NoReturn

import torch
from torch import Tensor

from db.specs.base import Finding, UserError, canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.images import ImageProblem
from engine.common.reasoning import MOST_TOKENS, begun
from engine.vlm.local.batches import Batches
from engine.vlm.local.embedding import text_means
from engine.vlm.local.forced import mean_log_probabilities
from engine.vlm.local.generation import generation_config
from engine.vlm.local.loading import Loaded
from engine.vlm.local.processor import UNTRIED, Encoded, PatchEncoder, probe_images, prompt_encoder
from engine.vlm.local.vision import NotSeparable, VisionTower
from engine.vlm.prompt import Prompt, request_sha, sampling_seed
from engine.vlm.protocol import Answer, always, spoken

BATCHES_AT_ONCE = 4
"""Batches worth handing over together."""
WINDOW = 8
"""Batches whose prompts are sorted together; their images are held in memory."""


class LocalVLM:
    """A loaded model with its decoding; see `engine.vlm.protocol.VLM`."""

    def __init__(
        self,
        loaded: Loaded,
        *,
        decode: DecodeSpec,
        batch_size: int,
        pixels: tuple[int, int],
        findings: Sequence[Finding] = (),
        engine_reason: str = "",
    ) -> None:
        """`engine_reason`: why not the packed engine answers, where that was asked for; `findings` say so loudly."""
        self.name = loaded.name
        self.encoder, self._image_reason = prompt_encoder(loaded.processor)
        form = self.encoder.form.described
        self.sha = sha256_text(canonical_json([loaded.answers_sha, form])) if form else loaded.answers_sha
        self.features_sha = sha256_text(canonical_json([loaded.sha, *pixels]))
        self.decode_sha = decode.sha()
        self.batches = Batches(batch_size, self._refuse_size)
        self._findings = findings
        self._engine_reason = engine_reason
        self.loaded = loaded
        self._pixels = pixels
        self._generation = generation_config(decode, self.encoder.tokenizer, loaded.end_tokens)
        # generate() fills fields that are unset from the checkpoint's own file: leave it nothing to fill in.
        if loaded.model is not None:
            loaded.model.generation_config = type(self._generation)()

    @property
    def requests_sha(self) -> str:
        """What of a request's hash is the model's part."""
        return self.sha

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over model, prompt and decoding."""
        return request_sha(self.requests_sha, prompt.sha, self.decode_sha)

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the model."""
        described = self.loaded.described
        return {
            "vlm": self.name,
            "vlm_files_sha": self.loaded.sha,
            "vlm_class": described.model,
            "vlm_parameters": described.parameters,
            "vlm_unused_tensors": self.loaded.unused,
            "vlm_dtype": str(self.loaded.dtype).removeprefix("torch."),
            "vlm_device": _describe(self.loaded.device),
            "vlm_end_tokens": list(self.loaded.end_tokens),
            "vlm_attention": described.attention,
            "vlm_image_processor": described.image_processor,
            **({"vlm_prompt_form": self.encoder.form.described} if self.encoder.form.described else {}),
            **self._image_facts(),
            "vlm_batch_size": self.batches.size,
            "vlm_batch_size_asked": self.batches.asked,
            "vlm_engine": "plain",
            **({"vlm_adapter": self.loaded.adapter} if self.loaded.adapter else {}),
            **({"vlm_engine_reason": self._engine_reason} if self._engine_reason else {}),
        }

    def _image_facts(self) -> dict[str, str]:
        return {"vlm_images": "encoded once" if self._tower else f"with every prompt: {self._image_reason}"}

    @cached_property
    def _tower(self) -> VisionTower | None:
        """The tower where it gives images one by one and generate() takes what it gave."""
        encoder, model = self.encoder, self.loaded.model
        if not isinstance(encoder, PatchEncoder):
            return None
        if "mm_encoder_outputs" not in inspect.signature(model.forward).parameters:
            self._image_reason = "this version of transformers takes no visual tokens for this family"
            return None
        tower = VisionTower(model, encoder, self.loaded.place)
        try:
            with torch.inference_mode(), probe_images() as images:
                tower.check([encoder.key(image, *self._pixels) for image in images])
        except (NotSeparable, *UNTRIED) as reason:
            self._image_reason = " ".join(str(reason).split())[:200] or type(reason).__name__
            return None
        return tower

    def findings(self) -> Sequence[Finding]:
        """Why another engine than the one asked for answers, where that is so."""
        return self._findings

    @property
    def at_once(self) -> int:
        """Prompts worth handing over together, so that they can be sorted by length."""
        return BATCHES_AT_ONCE * self.batches.asked

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, batch by batch; a batch has prompts of like length, the longest first."""
        window, sampled = WINDOW * self.batches.size, self._generation.do_sample
        for start in range(0, len(prompts), window):
            places = range(start, min(start + window, len(prompts)))
            ready, broken = self._encoded([(place, prompts[place]) for place in places])
            if broken:
                yield broken
            asked = [one for one in ready if prompts[one[0]].decoded]
            answering = self._sample_all(asked, prompts, go_on) if sampled else self._answer_all(asked, go_on)
            scored = self._score_all([one for one in ready if not prompts[one[0]].decoded], go_on)
            encoded = dict(ready)
            for answers in chain(answering, scored):
                yield self._with_references(answers, encoded, prompts)

    def _encoded(self, prompts: Sequence[tuple[int, Prompt]]) -> tuple[list[tuple[int, Encoded]], dict[int, Answer]]:
        """(position and encoding of each prompt, the longest first; the answers of those with a bad image)."""
        broken: dict[int, Answer] = {}
        ready: list[tuple[int, Encoded]] = []
        for place, prompt in prompts:
            try:
                ready.append((place, self.encoder.encode(prompt)))
            except ImageProblem as problem:
                broken[place] = Answer("", error=str(problem))
        ready.sort(key=lambda one: -one[1].length)
        return ready, broken

    def _answer_all(
        self, ready: Sequence[tuple[int, Encoded]], go_on: Callable[[], bool]
    ) -> Iterator[dict[int, Answer]]:
        for batch, answers in self.batches.each(ready, self._answer_batch, go_on):
            yield {place: answer for (place, _), answer in zip(batch, answers, strict=True)}

    def _sample_all(
        self, ready: Sequence[tuple[int, Encoded]], prompts: Sequence[Prompt], go_on: Callable[[], bool]
    ) -> Iterator[dict[int, Answer]]:
        """One by one, each from a seed of its own: what is drawn in a batch depends on what else is in it."""
        device = self.loaded.device
        for place, encoded in ready:
            with torch.random.fork_rng([device] if device.type == "cuda" else []):
                torch.manual_seed(sampling_seed(self.request_sha(prompts[place])))
                yield from self._answer_all([(place, encoded)], go_on)

    def _score_all(
        self, ready: Sequence[tuple[int, Encoded]], go_on: Callable[[], bool]
    ) -> Iterator[dict[int, Answer]]:
        """Nothing said of prompts whose references alone are wanted, in batches of like length."""
        for start in range(0, len(ready), self.batches.size):
            if go_on():
                yield {place: Answer("") for place, _ in ready[start : start + self.batches.size]}

    def _with_references(
        self, answers: Mapping[int, Answer], encoded: Mapping[int, Encoded], prompts: Sequence[Prompt]
    ) -> dict[int, Answer]:
        """The answers with the log-probabilities of their prompts' references."""
        rows = [(encoded[place], text) for place in answers for text in prompts[place].references]
        means = chain.from_iterable(scores for _, scores in self.batches.each(rows, self._mean_log_probabilities))
        return {
            place: replace(one, log_probs=tuple(next(means) for _ in prompts[place].references))
            for place, one in answers.items()
        }

    @torch.inference_mode()
    def _mean_log_probabilities(self, rows: Sequence[tuple[Encoded, str]]) -> list[float]:
        """Of each text behind its prompt."""
        texts = [self.encoder.tokenizer(text, add_special_tokens=False)["input_ids"] for _, text in rows]
        inputs = self._inputs([encoded for encoded, _ in rows])
        return mean_log_probabilities(self.loaded.model, inputs, texts, self._generation.pad_token_id)

    def _refuse_size(self) -> NoReturn:
        raise UserError(
            f"The memory of {self.loaded.device} does not hold a single prompt of {self.name}; give fewer pixels "
            "(--set prompt.max_pixels=200704), fewer shots, or fewer beams."
        )

    @torch.inference_mode()
    def _answer_batch(self, batch: Sequence[tuple[int, Encoded]]) -> list[Answer]:
        inputs = self._inputs([encoded for _, encoded in batch])
        self._check_length(inputs["input_ids"].shape[1])
        tokens = self.loaded.model.generate(**inputs, generation_config=self._generation)
        new = tokens[:, inputs["input_ids"].shape[1] :].tolist()  # (B, new tokens)
        ends = frozenset(self.loaded.end_tokens)
        texts = self.encoder.decode(new)
        return [self._spoken(text, cut=ends.isdisjoint(row)) for text, row in zip(texts, new, strict=True)]

    def _spoken(self, text: str, *, cut: bool) -> Answer:
        return spoken(text, cut=cut, inside=self._reasons)

    @cached_property
    def _reasons(self) -> bool:
        """Whether every prompt ends inside the reasoning, which the chat template has opened."""
        return begun(self.encoder.render(Prompt("", ("?",), (Path("image"),), 1, 1)))

    @torch.inference_mode()
    def tokens_for(self, prompt: Prompt) -> int | None:
        """New tokens that a whole answer to the prompt takes; None where `MOST_TOKENS` are not enough, or do not fit."""
        inputs = self._inputs([self.encoder.encode(prompt)])
        length = inputs["input_ids"].shape[1]
        most = min(MOST_TOKENS, (self._reads_at_most or length + MOST_TOKENS) - length)
        config = type(self._generation).from_dict(self._generation.to_dict() | {"max_new_tokens": most})
        try:
            new = self.loaded.model.generate(**inputs, generation_config=config)[0, length:].tolist()
        except torch.OutOfMemoryError:
            return None
        return None if frozenset(self.loaded.end_tokens).isdisjoint(new) else len(new)

    @property
    def _reads_at_most(self) -> int | None:
        """Tokens of prompt and answer together."""
        limit: int | None = getattr(self.loaded.config.get_text_config(), "max_position_embeddings", None)
        return limit

    def _check_length(self, length: int) -> None:
        limit = self._reads_at_most
        if limit is not None and length + self._generation.max_new_tokens > limit:
            raise UserError(
                f"A prompt has {length} tokens, but {self.name} reads at most {limit}; give fewer shots, or fewer pixels "
                "(--set prompt.max_pixels=200704)."
            )

    def _inputs(self, batch: Sequence[Encoded]) -> dict[str, Any]:
        """What generate() takes: with a tower, visual tokens instead of pixels."""
        if self._tower is None:
            return {name: self.loaded.place(value) for name, value in self.encoder.inputs(batch).items()}
        keys = [key for one in batch for key in one.images]
        tensors = self._tower.encoder.text_inputs(batch) | {"image_grid_thw": self._tower.encoder.grids(keys)}
        placed: dict[str, Any] = {name: self.loaded.place(value) for name, value in tensors.items()}
        return placed | {"mm_encoder_outputs": {"image": self._tower.output(keys)}}

    @torch.inference_mode()
    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens as the language model reads them (after the merger), (n, d) float32."""
        pooled = []
        for start in range(0, len(paths), self.batches.size):
            visual = self._visual_tokens(paths[start : start + self.batches.size])
            pooled += [tokens.float().mean(0).cpu() for tokens in visual]
        return torch.stack(pooled) if pooled else torch.empty(0, self._embedding.shape[1])

    def _visual_tokens(self, paths: Sequence[Path]) -> Sequence[Tensor]:
        if self._tower is not None:
            return self._tower.tokens([self.encoder.key(path, *self._pixels) for path in paths])
        return [self._tokens_of(path) for path in paths]

    def _tokens_of(self, path: Path) -> Tensor:
        """(places, width): all of an image that a family may cut into tiles, told apart from the next one by being alone."""
        inputs = self.encoder.images([path], *self._pixels)
        features = self.loaded.model.get_image_features(**{k: self.loaded.place(v) for k, v in inputs.items()})
        return torch.cat([part.flatten(0, -2) for part in features.pooler_output])

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32."""
        return text_means(self.encoder.tokenizer, self._embedding, texts)

    @property
    def _embedding(self) -> Tensor:
        """(words, width)."""
        table: Tensor = self.loaded.model.get_input_embeddings().weight
        return table


def _describe(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
