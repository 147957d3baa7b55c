"""The devices of this machine on which queued jobs take turns, and which of them a job may have."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from engine.common.where import MEMORY, ON, RAY

CPU = "cpu"
ALL = "cuda:all"
VISIBLE = "CUDA_VISIBLE_DEVICES"
PATIENCE_S = 10


@dataclass(frozen=True)
class Gpu:
    """A card, or a part of one (MIG), that jobs started from here can use."""

    name: str
    """The lane: `cuda:0`."""
    word: str
    """How `CUDA_VISIBLE_DEVICES` calls it. By its own identity where nobody said otherwise: the driver counts cards by their
    slots, and CUDA the fastest first."""
    memory_mb: int
    """0 where the driver does not tell it."""


@dataclass(frozen=True)
class _Card:
    index: str
    uuid: str
    memory_mb: int


def lanes(before: Mapping[str, int] = {}) -> dict[str, int]:
    """Devices and their memory in MB: the processor, and each GPU that jobs started from here can see; those of `before` while the
    driver does not answer."""
    found = gpus(os.environ)
    if found is None:
        return {CPU: _cpu_memory(), **before}
    return {CPU: _cpu_memory()} | {gpu.name: gpu.memory_mb for gpu in found}


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


def too_big(memory_mb: int, taken: Sequence[str], known: Mapping[str, int]) -> bool:
    """Whether a job declares more than one of the devices has that it would take together; one of unknown size it takes alone."""
    return any(0 < known[lane] < memory_mb for lane in taken)


def refusal(device: str, memory_mb: int, known: Mapping[str, int]) -> str:
    """Why a job can never run here, whatever else is done; empty where it can, or where this machine has no such device now."""
    possible = choices(device, list(known))
    if not possible or not all(too_big(memory_mb, taken, known) for taken in possible):
        return ""
    most = max(min(known[lane] for lane in taken) for taken in possible)
    names = (" and " if device == ALL else " or ").join(dict.fromkeys(lane for taken in possible for lane in taken))
    return f"declares {memory_mb} MB, and {names} has {most} MB: queue it with less --memory"


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
    words = {gpu.name: gpu.word for gpu in gpus(here) or ()}
    return {VISIBLE: words.get(lane[0], lane[0].partition(":")[2])}


def _cpu_memory() -> int:
    """Of the machine, or of the container where that has less."""
    # pages show lanes before anything needs specifications
    from engine.common.models.memory import memory_of_machine

    if told := memory_of_machine():
        return told[0] >> 20
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 20
    except (ValueError, OSError):
        return 0


def gpus(here: Mapping[str, str]) -> list[Gpu] | None:
    """What the driver lists and `CUDA_VISIBLE_DEVICES` leaves visible, in its order; None while the driver does not answer."""
    if shutil.which("nvidia-smi") is None:
        return []
    cards = _cards()
    if cards is None:
        return None
    parts = _parts() if "MIG-" in here.get(VISIBLE, "MIG-") else []
    if VISIBLE in here:
        return _visible(here[VISIBLE], cards, [part for _, part in parts])
    cut = {uuid for uuid, _ in parts}
    whole = [Gpu(f"cuda:{card.index}", card.uuid, card.memory_mb) for card in cards if card.uuid not in cut]
    first = 1 + max((int(card.index) for card in cards), default=-1)
    return whole + [replace(part, name=f"cuda:{first + i}") for i, (_, part) in enumerate(parts)]


def _visible(words: str, cards: Sequence[_Card], parts: Sequence[Gpu]) -> list[Gpu]:
    """As CUDA reads the list: what stands behind the first word that names nothing is not visible either."""
    found: list[Gpu] = []
    for word in (one.strip() for one in words.split(",")):
        named = [card.memory_mb for card in cards if word == card.index or (word and card.uuid.startswith(word))]
        named += [part.memory_mb for part in parts if word.startswith("MIG-") and part.word.startswith(word)]
        if not named and not word.startswith("MIG-"):  # not every driver lists its parts
            break
        found.append(Gpu(f"cuda:{len(found)}", word, named[0] if named else 0))
    return found


def _cards() -> list[_Card] | None:
    """Each card that answers; one that has fallen off its slot has a line of words, and none of values."""
    told = _told("--query-gpu=index,uuid,memory.total", "--format=csv,noheader,nounits")
    lines = [[part.strip() for part in line.split(",")] for line in told.splitlines()]
    found = [line for line in lines if len(line) == 3 and line[0].isdigit() and line[1].startswith("GPU-")]
    if not found and "No devices were found" not in told:
        return None
    return [_Card(index, uuid, int(memory) if memory.isdigit() else 0) for index, uuid, memory in found]


def _parts() -> list[tuple[str, Gpu]]:
    """Parts of cards, each with the card that it is of and the memory that its profile names."""
    found, card = [], ""
    for line in _told("-L").splitlines():
        if of := re.match(r"GPU \d+: .*\(UUID: (GPU-[^)]+)\)", line):
            card = of[1]
        elif part := re.match(r"\s+MIG (\S+)\s+Device\s+\d+: \(UUID: (MIG-[^)]+)\)", line):
            size = re.search(r"(\d+)gb", part[1])
            found.append((card, Gpu("", part[2], 1024 * int(size[1]) if size else 0)))
    return found


def _told(*asked: str) -> str:
    """What the driver says, also of the other cards where one does not answer."""
    try:
        done = subprocess.run(["nvidia-smi", *asked], capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout
