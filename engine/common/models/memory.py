"""What a model's weights take in memory, from the headers of their files, against what this machine has."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.common.files.gate import MOST_JSON, opened, parse_json, size_of
from engine.common.models.model_files import weight_files

BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
_STORED = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2}
"""Numbers that are brought to the precision of a run; all others stay as they are."""
_CGROUPS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
_MEMINFO = Path("/proc/meminfo")
GIGABYTE = 1e9


def weight_bytes(directory: Path, dtype: str) -> int:
    """Bytes of a model's weights in `float32`, `bfloat16` or `float16`. Files that hold no header count as they are."""
    return sum(_of_file(file, BYTES[dtype]) for file in weight_files(directory))


def _of_file(file: Path, width: int) -> int:
    if file.suffix != ".safetensors":
        return size_of(file)
    with opened(file) as stream:
        [length] = struct.unpack("<Q", stream.read(8))
        header = parse_json(stream.read(min(length, MOST_JSON)))
    return sum(_of_tensor(entry, width) for name, entry in header.items() if name != "__metadata__")


def _of_tensor(entry: dict[str, Any], width: int) -> int:
    if entry["dtype"] in _STORED:
        return int(math.prod(entry["shape"])) * width
    start, end = entry["data_offsets"]
    return int(end) - int(start)


def memory_of_machine() -> tuple[int, int] | None:
    """(all, available now) in bytes: of the machine, or of the container where that is less; None where it is not told."""
    told = dict(_meminfo())
    if not {"MemTotal", "MemAvailable"} <= told.keys():
        return None
    whole = min([told["MemTotal"], *_limits()])
    return whole, min(whole, told["MemAvailable"])


def _meminfo() -> Iterator[tuple[str, int]]:
    try:
        lines = _MEMINFO.read_text(encoding="ascii").splitlines()
    except OSError:  # not Linux
        return
    for line in lines:
        name, _, rest = line.partition(":")
        if rest.strip().endswith("kB"):
            yield name, int(rest.split()[0]) * 1024


def _limits() -> Iterator[int]:
    for path in _CGROUPS:
        try:
            yield int(path.read_text(encoding="ascii"))
        except (OSError, ValueError):  # not there, or `max`
            continue


def too_large(name: str, needed: int, there: int, where: str, dtype: str) -> str:
    """The sentence for weights that do not fit, with the way on last."""
    way = "serve the model elsewhere (--vlm http://host/v1), or give a smaller one"
    if dtype == "float32":
        way = f"give --set dtype=bfloat16 ({needed / 2 / GIGABYTE:.1f} GB), {way}"
    taken, room = (f"{size / GIGABYTE:.1f} GB" for size in (needed, there))
    return f"vlm: the weights of {name} take {taken} in {dtype}, and {where} has {room}; {way}"
