"""Where the time of a device's process goes: spans of what the engine does and, if asked for, kernels and calls of the driver.

`benchmarks.vlm_devices` has this module run in place of `engine.vlm.spread`, with a folder and `spans` or `kernels` in front of its
arguments. Each stream of shards then writes a file there. Kernels take a percent or two of the time.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import wraps
from pathlib import Path
from typing import Any

import torch
from torch.profiler import ProfilerActivity, profile

from engine.packed import engine
from engine.packed.blocks import Blocks
from engine.packed.images import encoding, kept, shared
from engine.packed.prefill import Prefixes
from engine.vlm.local.packed import PackedVLM
from engine.vlm.spread.answering import Device, serve

LOOKED_AT: tuple[tuple[Any, tuple[str, ...]], ...] = (
    (engine.Engine, ("_begin", "_finish", "_images", "_replies", "_schedule")),
    (engine, ("decode",)),
    (Blocks, ("prepare", "next_group")),
    (Prefixes, ("read", "drop")),
    (encoding.Features, ("_encode",)),
    (encoding.Reader, ("take",)),
    (encoding.Pixels, ("patches",)),
    (kept.Kept, ("put", "get")),
    (shared.Shared, ("_write",)),
    (PackedVLM, ("_make_ready", "_answers")),
)
LONG_NS = 200_000
"""Calls of the driver that take longer are told one by one, and all that take memory."""


class Spans:
    """Name, begin and end of each call that is looked at, in nanoseconds of the clock on the wall."""

    def __init__(self) -> None:
        self.rows: list[tuple[str, int, int]] = []
        for owner, names in LOOKED_AT:
            for name in names:
                self._note(owner, name)

    def _note(self, owner: Any, name: str) -> None:
        inner = getattr(owner, name)
        label = f"{owner.__name__.rpartition('.')[2]}.{name}"

        @wraps(inner)
        def outer(*args: Any, **more: Any) -> Any:
            begin = time.time_ns()
            try:
                return inner(*args, **more)
            finally:
                self.rows.append((label, begin, time.time_ns()))

        setattr(owner, name, outer)


def tell_streams(folder: Path, spans: Spans, *, kernels: bool) -> None:
    """Has each stream of shards write a file."""
    inner: Callable[..., Iterator[Any]] = Device._answered
    activity = ProfilerActivity.CUDA if torch.cuda.is_available() else ProfilerActivity.CPU

    def outer(self: Device, vlm: PackedVLM, first: Any) -> Iterator[Any]:
        counts, before = vlm.engine.counts, vlm.engine.counts.seconds
        spans.rows.clear()
        recorder = profile(activities=[activity]) if kernels else None
        if recorder is not None:
            recorder.__enter__()  # type: ignore[no-untyped-call]
        begin = time.time_ns()
        yield from inner(self, vlm, first)
        told = {
            "device": str(vlm.engine.device), "begin": begin, "end": time.time_ns(), "counted": counts.seconds - before,
            "answers": counts.answers, "images encoded": counts.images_encoded, "spans": spans.rows[:], "memory": _memory(),
        }  # fmt: skip
        if recorder is not None:
            recorder.__exit__(None, None, None)  # type: ignore[no-untyped-call]
            told |= _events(recorder)
        (folder / f"{os.getpid()}-{begin}.json").write_text(json.dumps(told))

    Device._answered = outer  # type: ignore[method-assign, assignment]


def _memory() -> dict[str, Any]:
    """What allocators tell: bytes of the device, page-locked ones of the host, and how often either was asked for more."""
    if not torch.cuda.is_available():
        return {}
    host = torch.cuda.host_memory_stats() if hasattr(torch.cuda, "host_memory_stats") else {}
    return {
        "device": torch.cuda.memory_reserved(), "device asked": torch.cuda.memory_stats().get("num_device_alloc"),
        "host": host.get("allocated_bytes.current"), "host asked": host.get("num_host_alloc"),
    }  # fmt: skip


def _events(recorder: Any) -> dict[str, Any]:
    """Kernels as (number of the name, begin, length), and calls of the driver by name."""
    names: dict[str, int] = {}
    kernels: list[tuple[int, int, int]] = []
    calls: dict[str, list[tuple[int, int]]] = defaultdict(list)
    for one in recorder.profiler.kineto_results.events():
        begin, length = one.start_ns(), one.duration_ns()
        if "CUDA" in str(one.device_type()):
            kernels.append((names.setdefault(one.name(), len(names)), begin, length))
        elif length > LONG_NS or "Alloc" in one.name():
            calls[one.name()].append((begin, length))
    return {"names": list(names), "kernels": kernels, "calls": calls}


if __name__ == "__main__":
    where, what, pipe, _, *rest = sys.argv[1:]
    tell_streams(Path(where), Spans(), kernels=what == "kernels")
    serve(int(pipe), whole="whole" in rest)
