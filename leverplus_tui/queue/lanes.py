"""The devices of this machine on which queued jobs take turns, and which of them a job may have."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence

from engine.common.where import MEMORY, ON, RAY

CPU = "cpu"
ALL = "cuda:all"
PATIENCE_S = 10


def lanes() -> dict[str, int]:
    """Devices and their memory in MB: the processor, and each GPU that jobs started from here can see."""
    return {CPU: _cpu_memory()} | {f"cuda:{i}": memory for i, memory in enumerate(_gpus())}


def choices(device: str, known: Sequence[str]) -> tuple[tuple[str, ...], ...]:
    """What a job that asks for `device` may be given, best first: each choice is the devices that it takes together.

    Empty where this machine has no such device.
    """
    gpus = tuple(name for name in known if name != CPU)
    if device == ALL:
        return (gpus,) if gpus else ()
    if device in ("auto", "cuda"):
        one_each = tuple((gpu,) for gpu in gpus)
        return one_each or (((CPU,),) if device == "auto" else ())
    return ((device,),) if device in known else ()


def usual(device: str, known: Sequence[str]) -> tuple[str, ...]:
    """Where a job runs that was started at once, without asking the queue: `auto` and `cuda` are the first GPU."""
    found = choices(device, known)
    return found[0] if found else ()


def environment(device: str, lane: Sequence[str], here: Mapping[str, str], memory_mb: int = 0) -> dict[str, str]:
    """What tells a job which GPU it was given, where it left the choice open, or on which cluster it answers."""
    if lane and lane[0].startswith(RAY):
        return {ON: lane[0], MEMORY: str(memory_mb)}
    if device not in ("auto", "cuda") or len(lane) != 1 or lane[0] == CPU:
        return {}
    number = int(lane[0].partition(":")[2])
    visible = [name for name in here.get("CUDA_VISIBLE_DEVICES", "").split(",") if name]
    return {"CUDA_VISIBLE_DEVICES": visible[number] if number < len(visible) else str(number)}


def _cpu_memory() -> int:
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (ValueError, OSError):
        return 0


def _gpus() -> list[int]:
    """Memory of each visible GPU in MB, asked of the driver; 0 for a part of one, which it does not list by itself."""
    if shutil.which("nvidia-smi") is None:
        return []
    asked = ["nvidia-smi", "--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits"]
    try:
        told = subprocess.run(asked, capture_output=True, text=True, timeout=PATIENCE_S, check=True).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    found = [[part.strip() for part in line.split(",")] for line in told.splitlines() if line.count(",") == 2]
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is None:
        return [_megabytes(memory) for _, _, memory in found]
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return [
        next((_megabytes(memory) for index, uuid, memory in found if name == index or uuid.startswith(name)), 0)
        for name in names
    ]


def _megabytes(text: str) -> int:
    """0 where a driver does not tell it: such a device is shared by nobody."""
    return int(text) if text.isdigit() else 0
