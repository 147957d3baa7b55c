"""Loading a vision-language model from a complete local directory: strictly, and without the network."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import Tensor

from db.specs.base import UserError, canonical_json, sha256_text
from engine.common.importing import hide_broken, no_collections
from engine.common.models.fingerprint import model_sha
from engine.common.models.memory import memory_of_machine, too_large, weight_bytes
from engine.common.models.model_files import end_tokens, go_offline, require_family
from engine.vlm.local.adapted import merged, without_adapter
from engine.vlm.local.image_only import load_processor
from engine.vlm.local.processor import check_prompts

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}
SMALL_MODEL = 20_000_000
"""Parameters below which a model answers faster on one thread."""


@dataclass(frozen=True)
class Described:
    """What is told of a model and its processor."""

    model: str
    """Class."""
    parameters: int
    attention: str
    image_processor: str
    """Class."""

    @classmethod
    def of(cls, model: Any, processor: Any) -> Described:
        """That of transformers' own."""
        return cls(
            type(model).__name__,
            model.num_parameters(),
            model.config._attn_implementation,
            type(processor.image_processor).__name__,
        )


@dataclass(frozen=True)
class Loaded:
    """A model on its device with its processor."""

    name: str
    model: Any
    """transformers' model; None where a packed engine was built of the files alone."""
    processor: Any
    sha: str
    """Content hash of its files."""
    device: torch.device
    dtype: torch.dtype
    unused: int
    """Tensors in the files that this model has no place for."""
    end_tokens: tuple[int, ...]
    """Tokens that end an answer: the tokenizer's, and every one that the model's own configuration states."""
    adapter: str
    """The adapter that was merged into its weights, in words; empty where there is none."""
    config: Any
    described: Described
    again: Callable[[], Loaded] | None = None
    """Loads it with transformers' model, where that is not there."""

    def whole(self) -> Loaded:
        """The same with transformers' model. Raises UserError where it does not fit into memory beside this one."""
        return self if self.again is None else self.again()

    @property
    def answers_sha(self) -> str:
        """Hash of what decides answers beside prompt and decoding. Precision does: what bfloat16 answered is not taken for
        float32's answer. End tokens do where there are others than the tokenizer's."""
        held: list[object] = [self.sha, str(self.dtype)]
        if self.end_tokens != (self.processor.tokenizer.eos_token_id,):
            held.append({"end_tokens": self.end_tokens})
        return sha256_text(canonical_json(held))

    def place(self, value: Tensor) -> Tensor:
        """The tensor on the model's device; numbers that are not indices in its precision."""
        value = value.to(self.device)
        return value.to(self.dtype) if value.is_floating_point() else value


def devices(device: str) -> list[str]:
    """Each device that is meant: `cuda:all` is every GPU here, `cuda:0,cuda:1` a list. Raises UserError for an empty one."""
    if device == "cuda:all":
        return [f"cuda:{number}" for number in range(torch.cuda.device_count())] or [device]
    found = [one.strip() for one in device.split(",")]
    if not all(found):
        raise UserError(f"device: {device} names an empty device; give a list such as cuda:0,cuda:1, or cuda:all.")
    return found


def choose_device(device: str) -> torch.device:
    """`auto` is the first GPU where there is one; of several the first. Raises UserError for a device that this machine has
    not."""
    device = devices(device)[0]
    if device == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device("cuda:0" if device == "cuda:all" else device)
    except RuntimeError:
        raise UserError(
            f"device: {device} is no device; give auto, cpu, cuda, cuda:1, cuda:all or a list such as cuda:0,cuda:1."
        ) from None
    if chosen.type == "cuda" and (chosen.index or 0) >= torch.cuda.device_count():
        raise UserError(f"device: {device} was asked for, but this machine shows {torch.cuda.device_count()} GPUs.")
    if chosen.index is not None and chosen.type == "cuda":
        torch.cuda.set_device(chosen)  # steps are recorded and kernels launched on the process's GPU
    return chosen


def choose_dtype(dtype: str, device: torch.device) -> torch.dtype:
    """`auto` is float32 on a CPU and bfloat16 on a GPU. Where it is float32, convolutions of this process compute in it from now
    on, as products do: left alone they take TF32."""
    chosen = (torch.bfloat16 if device.type == "cuda" else torch.float32) if dtype == "auto" else DTYPES[dtype]
    if chosen == torch.float32:
        torch.backends.cudnn.allow_tf32 = False
    return chosen


def load_model(directory: Path, *, name: str, dtype: str, device: str, cache_dir: Path | None = None) -> Loaded:
    """The model in a directory known to be complete. Strict: weights that the files do not hold are an error (UserError)."""
    go_offline()
    hide_broken("torchvision")
    require_family(directory, name)
    with no_collections():
        # seconds that training does not need, and hub access is cut before
        from transformers import AutoConfig, AutoModelForImageTextToText

    chosen = choose_device(device)
    precision = choose_dtype(dtype, chosen)
    offline = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(directory, **offline)
        if type(config) not in AutoModelForImageTextToText._model_mapping:
            raise UserError(
                f"vlm: {name} is a {config.model_type} model, which takes no images; give a vision-language model."
            )
        processor = load_processor(directory, config)
        check_prompts(processor, name)  # before the weights, which take long
        check_memory(directory, name, precision, chosen)
        with without_adapter(directory) as own, no_collections():  # the model's class is imported here
            model, report = AutoModelForImageTextToText.from_pretrained(
                own, dtype=precision, output_loading_info=True, ignore_mismatched_sizes=True, **offline
            )
    except unloadable() as error:
        raise UserError(f"vlm: {name} cannot be loaded from {directory}: {in_a_line(error)}") from error
    check_weights(name, config.model_type, report, field="vlm")
    try:
        model, adapter = merged(model, directory, name)
    except unloadable() as error:
        raise UserError(f"vlm: the adapter in {directory} cannot be applied: {in_a_line(error)}") from error
    sha = model_sha(directory, cache_dir)
    spare_threads(model.num_parameters(), chosen)
    unused = len(report["unexpected_keys"])
    model = model.eval().requires_grad_(False).to(chosen)
    ends = end_tokens_of(directory, processor.tokenizer)
    described = Described.of(model, processor)
    return Loaded(name, model, processor, sha, chosen, precision, unused, ends, adapter, model.config, described)


def check_memory(directory: Path, name: str, precision: torch.dtype, device: torch.device) -> None:
    """Raises UserError where the weights alone take more than the GPU has free, or the machine has at all."""
    there = memory_of_machine()
    room = torch.cuda.mem_get_info(device)[0] if device.type == "cuda" else there[0] if there else None
    dtype = str(precision).removeprefix("torch.")
    needed = weight_bytes(directory, dtype)
    if room is not None and needed > room:
        raise UserError(too_large(name, needed, room, str(device), dtype))


def end_tokens_of(directory: Path, tokenizer: Any) -> tuple[int, ...]:
    """Tokens that end an answer, ascending; a number beyond the vocabulary can end nothing."""
    own = {tokenizer.eos_token_id} - {None}
    return tuple(sorted(own | {token for token in end_tokens(directory) if token < len(tokenizer)}))


def spare_threads(parameters: int, device: torch.device) -> None:
    """Products of a tiny model are too small to share: a second thread costs more than it computes, the more so when
    another job wants the core. Larger models keep all threads."""
    if device.type == "cpu" and parameters < SMALL_MODEL:
        torch.set_num_threads(1)


def unloadable() -> tuple[type[Exception], ...]:
    """What transformers raises for files that are damaged, do not fit together, or are of no kind that it knows."""
    # 0.5 s that training does not need
    from huggingface_hub.errors import StrictDataclassError

    known = (OSError, ValueError, RuntimeError, KeyError, TypeError, AttributeError, ImportError, AssertionError)
    return (*known, StrictDataclassError, SafetensorError)


def check_weights(name: str, kind: str, report: Mapping[str, Any], *, field: str) -> None:
    """Raises UserError where tensors of the model are not in the files, or in another shape: they would stay random."""
    wrong = sorted(report["missing_keys"]) + sorted(str(key[0]) for key in report["mismatched_keys"])
    if wrong:
        raise UserError(
            f"{field}: the weights of {name} lack {len(wrong)} tensors of its {kind} configuration or have them in another "
            f"shape, such as {wrong[0]}, which would stay random; download the model again or give the right directory."
        )


def in_a_line(error: Exception) -> str:
    """A library's message, of whatever length, in one line."""
    return " ".join(str(error).split())[:300] or type(error).__name__
