"""A vision-language model in this process: loading, strictly, and answering in batches by transformers' generate."""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db.specs.base import UserError, canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.fingerprint import model_sha
from engine.images import ImageProblem
from engine.model_files import go_offline
from engine.processor import Encoded, PatchEncoder, PromptEncoder, load_processor
from engine.prompt import Prompt, request_sha
from engine.vision import VisionTower
from engine.vlm import Answer

TEXTS_AT_ONCE = 512
DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Loaded:
    """A model on its device with its processor."""

    name: str
    model: Any
    processor: Any
    sha: str
    """Content hash of its files."""
    device: torch.device
    dtype: torch.dtype

    def place(self, value: Tensor) -> Tensor:
        """The tensor on the model's device; numbers that are not indices in its precision."""
        value = value.to(self.device)
        return value.to(self.dtype) if value.is_floating_point() else value


def choose_device(device: str) -> torch.device:
    """`auto` is the first GPU where there is one. Raises UserError for a device that this machine has not."""
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(device)
    except RuntimeError:
        raise UserError(f"device: {device} is no device; give auto, cpu, cuda or cuda:1.") from None
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device: {device} was asked for, but this machine shows {torch.cuda.device_count()} GPUs.")
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """`auto` is float32 on a CPU and bfloat16 on a GPU."""
    if dtype == "auto":
        return torch.bfloat16 if device.type == "cuda" else torch.float32
    return DTYPES[dtype]


def load_model(directory: Path, *, name: str, dtype: str, device: str, cache_dir: Path | None = None) -> Loaded:
    """The model in a directory known to be complete. Strict: weights that the files do not hold are an error (UserError)."""
    go_offline()
    from transformers import AutoConfig, AutoModelForImageTextToText

    chosen = choose_device(device)
    precision = choose_dtype(dtype, chosen)
    try:
        config = AutoConfig.from_pretrained(directory, local_files_only=True, trust_remote_code=False)
        if type(config) not in AutoModelForImageTextToText._model_mapping:
            raise UserError(
                f"vlm: {name} is a {config.model_type} model, which takes no images; give a vision-language model."
            )
        model, report = AutoModelForImageTextToText.from_pretrained(
            directory, dtype=precision, local_files_only=True, trust_remote_code=False, output_loading_info=True
        )
        processor = load_processor(directory, config)
    except (OSError, ValueError, RuntimeError, KeyError, ImportError) as error:
        raise UserError(f"vlm: {name} cannot be loaded from {directory}: {_first_line(error)}") from error
    if report["missing_keys"]:
        missing = sorted(report["missing_keys"])
        raise UserError(
            f"vlm: the weights of {name} lack {len(missing)} tensors of a {config.model_type} model, such as {missing[0]}, "
            "which would stay random; download the model again or give the right directory."
        )
    sha = model_sha(directory, cache_dir)
    return Loaded(name, model.eval().requires_grad_(False).to(chosen), processor, sha, chosen, precision)


def _first_line(error: Exception) -> str:
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)


class LocalVLM:
    """A loaded model with its decoding; see `engine.vlm.VLM`."""

    def __init__(self, loaded: Loaded, *, decode: DecodeSpec, batch_size: int, pixels: tuple[int, int]) -> None:
        self.name = loaded.name
        # Precision decides answers too: what bfloat16 answered is not taken for float32's answer.
        self.sha = sha256_text(canonical_json([loaded.sha, str(loaded.dtype)]))
        self.features_sha = sha256_text(canonical_json([loaded.sha, *pixels]))
        self.decode_sha = decode.sha()
        self.batch_size = batch_size  # halved where memory runs short
        self._asked = batch_size
        self._loaded = loaded
        self._pixels = pixels
        self._encoder, self._tower = _encoder_and_tower(loaded)
        self._generation = _generation_config(decode, self._encoder.tokenizer)
        # generate() fills fields that are unset from the checkpoint's own file: leave it nothing to fill in.
        loaded.model.generation_config = type(self._generation)()

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over model, prompt and decoding."""
        return request_sha(self.sha, prompt.sha, self.decode_sha)

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the model."""
        model = self._loaded.model
        return {
            "vlm": self.name,
            "vlm_files_sha": self._loaded.sha,
            "vlm_class": type(model).__name__,
            "vlm_parameters": model.num_parameters(),
            "vlm_dtype": str(self._loaded.dtype).removeprefix("torch."),
            "vlm_device": _describe(self._loaded.device),
            "vlm_attention": model.config._attn_implementation,
            "vlm_image_processor": type(self._loaded.processor.image_processor).__name__,
            "vlm_batch_size": self.batch_size,
            "vlm_batch_size_asked": self._asked,
        }

    def answer(self, prompts: Sequence[Prompt]) -> list[Answer]:
        """One answer per prompt, in the same order; batches are made of prompts of like length, the longest first."""
        answers: dict[int, Answer] = {}
        ready: list[tuple[int, Encoded]] = []
        for place, prompt in enumerate(prompts):
            try:
                ready.append((place, self._encoder.encode(prompt)))
            except ImageProblem as problem:
                answers[place] = Answer("", error=str(problem))
        ready.sort(key=lambda one: -one[1].length)
        places = [place for place, _ in ready]
        answers |= zip(places, self._answer_all([encoded for _, encoded in ready]), strict=True)
        return [answers[place] for place in range(len(prompts))]

    def _answer_all(self, ready: Sequence[Encoded]) -> Iterator[Answer]:
        start = 0
        while start < len(ready):
            batch = ready[start : start + self.batch_size]
            try:
                yield from self._answer_batch(batch)
            except torch.OutOfMemoryError:
                self._halve(len(batch))
                continue
            start += len(batch)

    def _halve(self, tried: int) -> None:
        """Smaller batches from now on; `facts` tells the size in use."""
        if tried == 1:
            raise UserError(
                f"The memory of {self._loaded.device} does not hold a single prompt of {self.name}; give fewer pixels "
                "(--set prompt.max_pixels=200704), fewer shots, or fewer beams."
            )
        self.batch_size = tried // 2
        if torch.cuda.is_available():
            torch.cuda.empty_cache()

    @torch.inference_mode()
    def _answer_batch(self, batch: Sequence[Encoded]) -> list[Answer]:
        inputs = self._inputs(batch)
        tokens = self._loaded.model.generate(**inputs, generation_config=self._generation)
        new = tokens[:, inputs["input_ids"].shape[1] :].tolist()  # (B, new tokens)
        end = self._generation.eos_token_id
        texts = self._encoder.tokenizer.batch_decode(new, skip_special_tokens=True, clean_up_tokenization_spaces=False)
        return [Answer(text, cut=end not in row) for text, row in zip(texts, new, strict=True)]

    def _inputs(self, batch: Sequence[Encoded]) -> dict[str, Any]:
        """What generate() takes: with a tower, visual tokens instead of pixels."""
        if self._tower is None:
            return {name: self._loaded.place(value) for name, value in self._encoder.inputs(batch).items()}
        from transformers.modeling_outputs import BaseModelOutputWithPooling

        keys = [key for one in batch for key in one.images]
        tensors = self._tower.encoder.text_inputs(batch) | {"image_grid_thw": self._tower.encoder.grids(keys)}
        seen = BaseModelOutputWithPooling(pooler_output=tuple(self._tower.tokens(keys)))
        return {name: self._loaded.place(value) for name, value in tensors.items()} | {
            "mm_encoder_outputs": {"image": seen}
        }

    @torch.inference_mode()
    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens as the language model reads them (after the merger), (n, d) float32."""
        pooled = []
        for start in range(0, len(paths), self.batch_size):
            visual = self._visual_tokens(paths[start : start + self.batch_size])
            pooled += [tokens.float().flatten(0, -2).mean(0).cpu() for tokens in visual]
        return torch.stack(pooled) if pooled else torch.empty(0, self._width)

    def _visual_tokens(self, paths: Sequence[Path]) -> Sequence[Tensor]:
        if self._tower is not None:
            return self._tower.tokens([self._encoder.key(path, *self._pixels) for path in paths])
        inputs = self._encoder.images(paths, *self._pixels)
        features = self._loaded.model.get_image_features(**{k: self._loaded.place(v) for k, v in inputs.items()})
        return list(features.pooler_output)

    @torch.inference_mode()
    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32: order plays no part, equal words mean likeness."""
        table = self._loaded.model.get_input_embeddings().weight
        pooled = [torch.empty(0, self._width)]
        for start in range(0, len(texts), TEXTS_AT_ONCE):
            ids = self._encoder.tokenizer(list(texts[start : start + TEXTS_AT_ONCE]), add_special_tokens=False)[
                "input_ids"
            ]
            lengths = torch.tensor([len(one) for one in ids], device=table.device)
            rows = table[torch.tensor([token for one in ids for token in one], device=table.device, dtype=torch.long)]
            owner = torch.arange(len(ids), device=table.device).repeat_interleave(lengths)
            sums = torch.zeros(len(ids), self._width, device=table.device).index_add_(0, owner, rows.float())
            pooled.append((sums / lengths.clamp(min=1)[:, None]).cpu())
        return torch.cat(pooled)

    @property
    def _width(self) -> int:
        return int(self._loaded.model.get_input_embeddings().weight.shape[1])


def _encoder_and_tower(loaded: Loaded) -> tuple[PromptEncoder, VisionTower | None]:
    """The tower where images are rows of patches and generate() takes visual tokens ready made."""
    if not hasattr(loaded.processor.image_processor, "merge_size"):
        return PromptEncoder(loaded.processor), None
    encoder = PatchEncoder(loaded.processor)
    takes_tokens = "mm_encoder_outputs" in inspect.signature(loaded.model.forward).parameters
    return encoder, VisionTower(loaded.model, encoder, loaded.place) if takes_tokens else None


def _generation_config(decode: DecodeSpec, tokenizer: Any) -> Any:
    """Every field that decides an answer, stated."""
    from transformers import GenerationConfig

    sampling = {"temperature": decode.temperature, "top_p": decode.top_p, "top_k": decode.top_k}
    beams = {"length_penalty": decode.length_penalty, "early_stopping": False}
    pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id
    return GenerationConfig(
        max_new_tokens=decode.max_new_tokens,
        min_new_tokens=decode.min_new_tokens,
        num_beams=decode.num_beams,
        do_sample=decode.do_sample,
        repetition_penalty=decode.repetition_penalty,
        no_repeat_ngram_size=0,
        num_return_sequences=1,
        use_cache=True,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=pad,
        **(beams if decode.num_beams > 1 else {}),
        **(sampling if decode.do_sample else {}),
    )


def _describe(device: torch.device) -> str:
    return f"{device} ({torch.cuda.get_device_name(device)})" if device.type == "cuda" else str(device)
