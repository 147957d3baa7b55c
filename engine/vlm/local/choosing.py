"""Which engine answers: the packed one where it can run and agrees with transformers, else transformers' generate, loudly."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from db.specs.base import Finding
from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.packed.images.reading import READERS, begin_processes, end_begun
from engine.packed.model.weights import unsupported
from engine.vlm.local.loading import Loaded, choose_device, in_a_line, load_model
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.selftest import LIMITS, KnownDistances, distance


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
    shared: tuple[int, int] | None = None,
) -> LocalVLM:
    """The model of a directory that is known to be complete, on one device. `shared`: see `engine.packed.assembly.build`.
    Raises UserError."""
    if engine != "plain" and choose_device(device).type == "cuda":
        begin_processes(READERS)
    loaded = load_model(directory, name=name, dtype=dtype, device=device, cache_dir=cache_dir)
    caps = prompt.min_pixels, prompt.max_pixels
    return choose_engine(loaded, engine, cache_dir, shared, decode=decode, batch_size=batch_size, pixels=caps)


def choose_engine(
    loaded: Loaded, asked: str, cache_dir: Path | None, shared: tuple[int, int] | None, **more: Any
) -> LocalVLM:
    """The model with the engine asked for (`auto`, `packed`, `plain`); `more` goes to it. What came of `auto` or `packed`
    stands in its facts, and where the engine was refused in its findings. `cache_dir` keeps what self-tests found."""
    if asked == "plain":
        return LocalVLM(loaded, **more)
    reason = unsupported(loaded.model, loaded.processor)
    if not reason and more["decode"].do_sample:
        reason = "what is drawn is seeded request by request"
    if not reason and asked == "auto" and loaded.device.type != "cuda" and loaded.dtype != torch.float32:
        reason = f"without a GPU it is taken in float32 only, not in {str(loaded.dtype).removeprefix('torch.')}"
    if reason:
        end_begun()
        findings = [_unsupported(loaded.name, reason)] if asked == "packed" else []
        return LocalVLM(loaded, **more, findings=findings, engine_reason=reason)
    return _tested(loaded, cache_dir, shared, **more)


def _tested(loaded: Loaded, cache_dir: Path | None, shared: tuple[int, int] | None, **more: Any) -> LocalVLM:
    limit = LIMITS[loaded.dtype]
    known = KnownDistances(loaded, cache_dir)
    try:
        vlm = PackedVLM(loaded, **more, shared=shared)
        before = known.get()
        vlm.distance = distance(vlm) if before is None else before
        if vlm.distance <= limit:
            known.put(vlm.distance)
            return vlm
        reason = f"its scores differ from the model's own by {vlm.distance:.2g} (limit {limit:g})"
    except _failures() as error:
        reason = f"its self-test failed: {in_a_line(error)}"
    end_begun()
    return LocalVLM(loaded, **more, findings=[_differs(loaded.name, reason)], engine_reason=reason)


def _failures() -> tuple[type[Exception], ...]:
    """What kernels raise that do not run on a machine; a lack of memory among it."""
    known: tuple[type[Exception], ...] = (
        RuntimeError, ValueError, TypeError, AttributeError, ImportError, NotImplementedError, AssertionError,
    )  # fmt: skip
    try:
        from triton import TritonError
    except ImportError:
        return known
    return (*known, TritonError)


def _differs(name: str, reason: str) -> Finding:
    return Finding(
        code="engine-differs",
        severity="warning",
        subject=name,
        message=f"The packed engine is not used for {name}, because {reason}; transformers' generate answers, many times slower.",
        fix="run with --engine plain to leave the test out, and report the model, its precision and the device",
    )


def _unsupported(name: str, reason: str) -> Finding:
    return Finding(
        code="engine-differs",
        severity="warning",
        subject=name,
        message=f"The packed engine was asked for but cannot run {name}: {reason}; transformers' generate answers.",
        fix="give --engine auto or plain",
    )
