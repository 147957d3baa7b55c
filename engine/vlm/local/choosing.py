"""Which engine answers: the packed one where it can run and agrees with transformers, else transformers' generate, loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from loguru import logger

from db.specs.base import UserError
from db.specs.evaluate import DecodeSpec, Prefill, PromptSpec
from engine.common.models.fingerprint import model_sha
from engine.packed.images.reading import READERS, begin_processes, end_begun
from engine.packed.model.weights import unsupported
from engine.vlm.local import findings, fp8
from engine.vlm.local.loading import Loaded, choose_device, choose_dtype, in_a_line, load_model
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.quick import NotQuick, learn, load
from engine.vlm.local.selftest import LIMITS, distance
from engine.vlm.local.starts import Start, Starts


def open_local(
    *,
    name: str,
    directory: Path,
    decode: DecodeSpec,
    prompt: PromptSpec,
    dtype: str,
    device: str,
    batch_size: int,
    engine: str,
    cache_dir: Path | None,
    prefill: Prefill = "dtype",
    shared: tuple[int, int] | None = None,
    quick: bool = True,
) -> LocalVLM:
    """The model of a directory that is known to be complete, on one device. `shared`: see `engine.packed.assembly.build`; `quick`
    and `prefill`: see `engine.vlm.opening.open_vlm`. Raises UserError."""
    chosen = choose_device(device)
    precision = choose_dtype(dtype, chosen)
    if prefill == "fp8":
        fp8.refuse(chosen, precision)
    if engine != "plain" and chosen.type == "cuda":
        begin_processes(READERS)
    more: dict[str, Any] = {
        "decode": decode, "batch_size": batch_size, "pixels": (prompt.min_pixels, prompt.max_pixels)
    }  # fmt: skip
    vlm: LocalVLM | None = None
    if quick and not _against(engine, decode, chosen, precision):
        starts = Starts(model_sha(directory, cache_dir), precision, chosen, cache_dir)
        if (known := starts.get()) is not None:
            vlm = _quick(name, directory, known, starts, shared, more)
    if vlm is None:
        loaded = load_model(directory, name=name, dtype=dtype, device=device, cache_dir=cache_dir)
        vlm = choose_engine(loaded, engine, directory, cache_dir, shared, **more)
    if prefill == "fp8":
        fp8.switch(vlm, Starts(vlm.loaded.sha, precision, chosen, cache_dir))
    return vlm


def choose_engine(
    loaded: Loaded, asked: str, directory: Path, cache_dir: Path | None, shared: tuple[int, int] | None, **more: Any
) -> LocalVLM:
    """The model with the engine asked for (`auto`, `packed`, `plain`); `more` goes to it. What came of `auto` or `packed`
    stands in its facts, and where the engine was refused in its findings. `cache_dir` keeps what a start found."""
    if asked == "plain":
        return LocalVLM(loaded, **more)
    reason = unsupported(loaded.model, loaded.processor) or _against(asked, more["decode"], loaded.device, loaded.dtype)
    if reason:
        end_begun()
        told = [findings.unsupported(loaded.name, reason)] if asked == "packed" else []
        return LocalVLM(loaded, **more, findings=told, engine_reason=reason)
    return _tested(loaded, directory, cache_dir, shared, **more)


def _against(asked: str, decode: DecodeSpec, device: torch.device, dtype: torch.dtype) -> str:
    """What of a request speaks against the packed engine, whatever the model; empty where nothing does."""
    if asked == "plain":
        return "it was not asked for"
    if decode.do_sample:
        return "what is drawn is seeded request by request"
    if asked == "auto" and device.type != "cuda" and dtype != torch.float32:
        return f"without a GPU it is taken in float32 only, not in {str(dtype).removeprefix('torch.')}"
    return ""


def _quick(
    name: str, directory: Path, known: Start, starts: Starts, shared: tuple[int, int] | None, more: dict[str, Any]
) -> PackedVLM | None:
    """The model from its files alone, where an earlier start found that to be equal; else None."""
    if known.quick is None or known.distance > LIMITS[starts.dtype]:
        return None
    try:
        loaded, source = load(
            directory, known.quick, name=name, sha=starts.sha, dtype=starts.dtype, device=starts.device,
            cache_dir=starts.cache_dir,
        )  # fmt: skip
        vlm = PackedVLM(loaded, **more, shared=shared, source=source, disk=starts.visual_tokens)
    except _failures(UserError) as error:  # a whole start says so, where it is the user's fault
        logger.info("{} is loaded whole, because a quick start failed: {}", name, in_a_line(error))
        return None
    vlm.distance = known.distance
    return vlm


def _tested(
    loaded: Loaded, directory: Path, cache_dir: Path | None, shared: tuple[int, int] | None, **more: Any
) -> LocalVLM:
    limit = LIMITS[loaded.dtype]
    starts = Starts(loaded.sha, loaded.dtype, loaded.device, cache_dir)
    try:
        vlm = PackedVLM(loaded, **more, shared=shared, disk=starts.visual_tokens)
        before = starts.get()
        vlm.distance = distance(vlm) if before is None else before.distance
        if vlm.distance <= limit:
            if before is None and cache_dir is not None:
                before = _learnt(vlm.distance, loaded, directory)
                starts.put(before)
            vlm.whole_because = before.reason if before is not None else ""
            return vlm
        reason = f"its scores differ from the model's own by {vlm.distance:.2g} (limit {limit:g})"
    except _failures() as error:
        reason = f"its self-test failed: {in_a_line(error)}"
    end_begun()
    return LocalVLM(loaded, **more, findings=[findings.differs(loaded.name, reason)], engine_reason=reason)


def _learnt(distance: float, loaded: Loaded, directory: Path) -> Start:
    """What the next start may know; where it must be whole again, the reason."""
    try:
        return Start(distance, learn(loaded, directory))
    except _failures(NotQuick, UserError) as reason:
        logger.info("{} will be loaded whole each time: {}", loaded.name, in_a_line(reason))
        return Start(distance, None, in_a_line(reason))


def _failures(*more: type[Exception]) -> tuple[type[Exception], ...]:
    """What kernels raise that do not run on a machine; a lack of memory among it."""
    known: tuple[type[Exception], ...] = (
        RuntimeError, ValueError, TypeError, AttributeError, ImportError, NotImplementedError, AssertionError, KeyError,
        OSError, *more,
    )  # fmt: skip
    try:
        from triton import TritonError
    except ImportError:
        return known
    return (*known, TritonError)
