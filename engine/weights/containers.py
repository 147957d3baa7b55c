"""Opens weight files of every kind (torch zip, old torch pickle, safetensors, sharded folders) by their headers, within bounds."""

from __future__ import annotations

import json
import math
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from engine.common.files.gate import NotReadable, is_folder, opened, parse_json, read_bytes
from engine.common.wording import counted
from engine.weights.anatomy import DTYPES, ITEM_SIZE, Anatomy, TensorInfo, Unreadable, bounded_int
from engine.weights.foreign import refuse_file, refuse_folder
from engine.weights.pickle_scan import unsafe_globals
from engine.weights.torch_files import torch_legacy, torch_zip

MAX_HEADER = 16 * 1024 * 1024
MAX_TENSORS = 50_000
"""The largest models that are published have some thousand."""
SAFETENSORS_TYPES = {name for name in DTYPES if not name.endswith("Storage")}
INDEX_FILES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLE_FILES = ("model.safetensors", "pytorch_model.bin", "selector.safetensors", "adapter_model.safetensors")


def open_weights(path: Path) -> Anatomy:
    """Take a weight file or folder apart without reading its numbers and without executing anything.

    Raises Unreadable with the finding's code and one sentence when it is no weight file or is damaged. The code that a file
    would run is looked for first and told either way.
    """
    if is_folder(path):
        return _folder(path)
    try:
        unsafe = unsafe_globals(path)
    except NotReadable as error:
        raise Unreadable("not-a-checkpoint", str(error)) from error
    try:
        refuse_file(path, None)
        anatomy = _taken_apart(path)
        refuse_file(path, anatomy)
    except Unreadable as failure:
        failure.unsafe_globals = unsafe
        raise
    anatomy.unsafe_globals = unsafe
    return anatomy


def _taken_apart(path: Path) -> Anatomy:
    with opened(path) as file:
        size, head = os.fstat(file.fileno()).st_size, file.read(512)
    if size == 0:
        raise Unreadable("truncated", f"{path} is empty (0 bytes); copy it again")
    if head.startswith(b"PK"):
        return torch_zip(path)
    if reason := _not_weights(head):
        raise Unreadable("not-a-checkpoint", f"{path} is {reason}")
    if looks_like_safetensors(head):
        return _safetensors(path, size)
    if head[:1] == b"\x80":
        return torch_legacy(path, size)
    raise Unreadable(
        "not-a-checkpoint", f"{path} is neither a torch file nor safetensors (it starts with {head[:8]!r})"
    )


def files_of(path: Path) -> list[Path]:
    """The files that a checkpoint consists of, in the order of their names: itself, or a folder's index and its shards."""
    if not path.is_dir():
        return [path] if path.is_file() else []
    for name in INDEX_FILES:
        if (path / name).is_file():
            try:
                shards = _shards(_weight_map(path / name))
            except Unreadable:
                return []
            return sorted({path / name, *(path / s for s in shards if Path(s).name == s and (path / s).is_file())})
    return [path / name for name in SINGLE_FILES if (path / name).is_file()][:1]


def _not_weights(head: bytes) -> str:
    text = head.lstrip().lower()
    if head.startswith(b"version https://git-lfs"):
        return "a git-lfs pointer, not the file itself; run `git lfs pull`"
    if text.startswith((b"<!doctype", b"<html")):
        return "a web page, not weights; the download was answered with HTML"
    if head[257:262] == b"ustar":
        return "a tar archive; unpack it first"
    if head.startswith(b"\x1f\x8b"):
        return "gzip-compressed; unpack it first"
    if text[:1] in (b"{", b"[") and b'"' in text[:80]:
        return "JSON text, not weights"
    return ""


def looks_like_safetensors(head: bytes) -> bool:
    """Whether a file that begins so is safetensors, which has no magic number: a length, then JSON."""
    if len(head) < 9:
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return head[8:9] == b"{" and length >= 2


def _safetensors(path: Path, size: int) -> Anatomy:
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > MAX_HEADER:
            raise Unreadable(
                "not-a-checkpoint", f"{path}: the header claims {length:,} bytes, more than any honest file"
            )
        if 8 + length > size:
            raise Unreadable(
                "truncated", f"{path} is cut: the header needs {8 + length:,} bytes, the file has {size:,}"
            )
        header = _json(path, file.read(length))
    anatomy = Anatomy(path, "safetensors")
    anatomy.metadata.update(_unfold(header.pop("__metadata__", {})))
    if len(header) > MAX_TENSORS:
        raise Unreadable("not-a-checkpoint", f"{path} lists {len(header):,} tensors, more than any honest file")
    tensors = {}
    for name, entry in header.items():
        info, problem = _safetensor(path, str(name), entry, 8 + length, size)
        tensors[str(name)] = info
        if problem:
            anatomy.problems.append((problem[0], f"tensor {name} {problem[1]}"))
    anatomy.containers[""] = tensors
    return anatomy


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        value = parse_json(data)
    except ValueError as error:
        raise Unreadable("not-a-checkpoint", f"{path}: the header is not JSON ({str(error)[:80]})") from error
    if not isinstance(value, dict):
        raise Unreadable("not-a-checkpoint", f"{path}: the header is a {type(value).__name__}, not an object")
    return value


def _unfold(metadata: Any) -> dict[str, Any]:
    """safetensors metadata is text; values that are JSON are read as such."""
    unfolded = {}
    for key, text in metadata.items() if isinstance(metadata, dict) else ():
        try:
            unfolded[str(key)] = json.loads(text, parse_int=bounded_int)
        except (ValueError, TypeError, RecursionError):
            unfolded[str(key)] = text
    return unfolded


def _safetensor(path: Path, name: str, entry: Any, base: int, size: int) -> tuple[TensorInfo, tuple[str, str] | None]:
    try:
        shape = tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        dtype = entry["dtype"]
        sane = (
            isinstance(dtype, str)
            and all(type(n) is int and 0 <= n < 2**62 for n in (*shape, begin, end))
            and len(shape) < 32
        )
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("not-a-checkpoint", f"{path}: the header entry of {name} is malformed") from error
    if not sane:
        raise Unreadable("not-a-checkpoint", f"{path}: tensor {name} has an impossible type, shape or place")
    stride = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    problem = _misplaced(dtype, shape, end - begin, base + end, size)
    return TensorInfo(name, DTYPES.get(dtype, dtype), shape, stride, path, None if problem else base + begin), problem


def _misplaced(dtype: str, shape: tuple[int, ...], stored: int, end: int, size: int) -> tuple[str, str] | None:
    if dtype not in SAFETENSORS_TYPES:
        return "not-a-checkpoint", f"is of the type {dtype!r}, which safetensors do not have"
    item = ITEM_SIZE.get(DTYPES[dtype])
    if item and stored != math.prod(shape) * item:
        needed = math.prod(shape) * item
        return "truncated", f"says it has {stored:,} bytes, but its shape and type need {needed:,}"
    return ("truncated", f"ends at byte {end:,}, but the file has {size:,}") if end > size else None


def _folder(path: Path) -> Anatomy:
    refuse_folder(path)
    for name in INDEX_FILES:
        if (path / name).is_file():
            return _sharded(path, path / name)
    for name in SINGLE_FILES:
        if (path / name).is_file():
            return open_weights(path / name)
    raise Unreadable("not-a-checkpoint", f"{path} holds none of {', '.join((*INDEX_FILES, *SINGLE_FILES))}")


def _sharded(folder: Path, index: Path) -> Anatomy:
    weight_map = _weight_map(index)
    anatomy = Anatomy(folder, "sharded", containers={"": {}})
    for shard in _shards(weight_map):
        if Path(shard).name != shard:
            anatomy.problems.append(("not-a-checkpoint", f"shard {shard!r} points outside the folder"))
        elif not (folder / shard).is_file():
            anatomy.problems.append(("truncated", f"shard {shard} is missing"))
        else:
            _add_shard(anatomy, folder / shard)
    missing = [name for name in weight_map if name not in anatomy.containers[""]]
    if missing:
        verb = "is" if len(missing) == 1 else "are"
        text = f"{counted(len(missing), 'tensor')} of the index {verb} in no shard, such as {missing[0]}"
        anatomy.problems.append(("truncated", text))
    return anatomy


def _weight_map(index: Path) -> dict[str, Any]:
    try:
        weight_map = _json(index, read_bytes(index, MAX_HEADER)).get("weight_map")
    except NotReadable as error:
        raise Unreadable("not-a-checkpoint", str(error)) from error
    if not isinstance(weight_map, dict):
        raise Unreadable("not-a-checkpoint", f"{index} has no weight_map")
    return weight_map


def _shards(weight_map: Mapping[str, Any]) -> list[str]:
    return sorted({name for name in weight_map.values() if isinstance(name, str)})


def _add_shard(anatomy: Anatomy, shard: Path) -> None:
    try:
        part = open_weights(shard)
    except Unreadable as error:
        anatomy.problems.append((error.code, str(error)))
        anatomy.unsafe_globals.extend(error.unsafe_globals)
        return
    anatomy.containers[""].update(part.stored())
    anatomy.problems.extend(part.problems)
    anatomy.unsafe_globals.extend(part.unsafe_globals)
