"""Opens weight files of every kind (torch zip, old torch pickle, safetensors, sharded folders) by their headers, within bounds."""

from __future__ import annotations

import json
import math
import struct
import zipfile
from pathlib import Path
from typing import Any

from engine.doctor.anatomy import DTYPES, ITEM_SIZE, Anatomy, TensorInfo, Unreadable, collect
from engine.doctor.pickle_reader import MAX_PICKLE_BYTES, PickleProblem, Unpickled, read_pickle

MAX_ENTRIES = 100_000
MAX_HEADER = 100 * 1024 * 1024
MAX_DIRECTORY = 64 * 1024 * 1024
TORCH_MAGIC = 0x1950A86A20F9469CFC6C
INDEX_FILES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
SINGLE_FILES = ("model.safetensors", "pytorch_model.bin", "selector.safetensors", "adapter_model.safetensors")


def open_weights(path: Path) -> Anatomy:
    """Take a weight file or folder apart without reading its numbers and without executing anything.

    Raises Unreadable with the finding's code and one sentence when it is no weight file or is damaged.
    """
    if path.is_dir():
        return _folder(path)
    if not path.exists():
        raise Unreadable("not-a-checkpoint", f"{path} does not exist")
    size = path.stat().st_size
    if size == 0:
        raise Unreadable("truncated", f"{path} is empty (0 bytes); copy it again")
    with path.open("rb") as file:
        head = file.read(512)
    if head.startswith(b"PK"):
        return _torch_zip(path)
    if reason := _not_weights(head):
        raise Unreadable("not-a-checkpoint", f"{path} is {reason}")
    if _looks_like_safetensors(head, size):
        return _safetensors(path, size)
    if head[:1] == b"\x80":
        return _torch_legacy(path, size)
    raise Unreadable(
        "not-a-checkpoint", f"{path} is neither a torch file nor safetensors (it starts with {head[:8]!r})"
    )


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


def _looks_like_safetensors(head: bytes, size: int) -> bool:
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
    tensors = {}
    for name, entry in header.items():
        info, problem = _safetensor(path, str(name), entry, 8 + length, size)
        tensors[str(name)] = info
        if problem:
            anatomy.problems.append(("truncated", f"tensor {name} {problem}"))
    anatomy.containers[""] = tensors
    return anatomy


def _json(path: Path, data: bytes) -> dict[str, Any]:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise Unreadable("not-a-checkpoint", f"{path}: the header is not JSON ({str(error)[:80]})") from error
    if not isinstance(value, dict):
        raise Unreadable("not-a-checkpoint", f"{path}: the header is a {type(value).__name__}, not an object")
    return value


def _unfold(metadata: Any) -> dict[str, Any]:
    """safetensors metadata is text; values that are JSON are read as such."""
    unfolded = {}
    for key, text in metadata.items() if isinstance(metadata, dict) else ():
        try:
            unfolded[str(key)] = json.loads(text)
        except (ValueError, TypeError, RecursionError):
            unfolded[str(key)] = text
    return unfolded


def _safetensor(path: Path, name: str, entry: Any, base: int, size: int) -> tuple[TensorInfo, str]:
    try:
        shape = tuple(entry["shape"])
        begin, end = entry["data_offsets"]
        dtype = DTYPES.get(entry["dtype"], str(entry["dtype"]))
        sane = all(type(n) is int and 0 <= n < 2**62 for n in (*shape, begin, end)) and len(shape) < 32
    except (KeyError, TypeError, ValueError) as error:
        raise Unreadable("not-a-checkpoint", f"{path}: the header entry of {name} is malformed") from error
    if not sane:
        raise Unreadable("not-a-checkpoint", f"{path}: tensor {name} has an impossible shape or place")
    stride = tuple(math.prod(shape[i + 1 :]) for i in range(len(shape)))
    needed = math.prod(shape) * ITEM_SIZE.get(dtype, 1)
    problem = ""
    if end - begin != needed:
        problem = f"says it has {end - begin:,} bytes, but its shape and type need {needed:,}"
    elif base + end > size:
        problem = f"ends at byte {base + end:,}, but the file has {size:,}"
    return TensorInfo(name, dtype, shape, stride, path, None if problem else base + begin), problem


def _torch_zip(path: Path) -> Anatomy:
    try:
        archive = zipfile.ZipFile(path)
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError, UnicodeDecodeError) as error:
        size = path.stat().st_size
        raise Unreadable(
            "truncated", f"{path} is cut at byte {size:,} (no readable end record); copy it again"
        ) from error
    with archive:
        anatomy = Anatomy(path, "torch-zip")
        entries = _entries(anatomy, archive)
        pickle_entry = next((e for e in entries if e.filename == "data.pkl" or e.filename.endswith("/data.pkl")), None)
        if pickle_entry is None:
            raise Unreadable("not-a-checkpoint", f"{path} is a zip file without data.pkl, so not written by torch.save")
        prefix = pickle_entry.filename.removesuffix("data.pkl")
        unpickled = _read(path, _bounded(path, archive, pickle_entry))
        anatomy.unsafe_globals = unpickled.unsafe_globals
        collect(anatomy, unpickled.value, _storages(path, entries, f"{prefix}data/"))
    return anatomy


def _entries(anatomy: Anatomy, archive: zipfile.ZipFile) -> list[zipfile.ZipInfo]:
    entries = archive.infolist()
    if len(entries) > MAX_ENTRIES:
        raise Unreadable(
            "not-a-checkpoint", f"{anatomy.path} has {len(entries):,} entries, more than honest files have"
        )
    tricks = [e.filename for e in entries if e.filename.startswith(("/", "\\")) or ".." in Path(e.filename).parts]
    if tricks:
        anatomy.problems.append(("not-a-checkpoint", f"entry {tricks[0]!r} points outside the archive"))
    bombs = [
        e for e in entries if e.compress_type != zipfile.ZIP_STORED and e.file_size > 100 * max(e.compress_size, 1)
    ]
    if bombs:
        sizes = f"{bombs[0].compress_size:,} bytes into {bombs[0].file_size:,}"
        anatomy.problems.append(("not-a-checkpoint", f"entry {bombs[0].filename!r} would unpack {sizes} (a zip bomb)"))
    return entries


def _bounded(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_PICKLE_BYTES:
        raise Unreadable("not-a-checkpoint", f"{path}: data.pkl claims {entry.file_size:,} bytes, more than reasonable")
    try:
        with archive.open(entry) as file:
            return file.read(MAX_PICKLE_BYTES)
    except (zipfile.BadZipFile, OSError, EOFError, NotImplementedError, RuntimeError, ValueError) as error:
        raise Unreadable("truncated", f"{path}: data.pkl cannot be read ({str(error)[:80]}); copy it again") from error
    except Exception as error:
        # zlib, lzma and bz2 each raise their own class on damaged bytes.
        if type(error).__name__ not in ("error", "LZMAError"):
            raise
        raise Unreadable("truncated", f"{path}: data.pkl is damaged ({str(error)[:80]}); copy it again") from error


def _storages(path: Path, entries: list[zipfile.ZipInfo], prefix: str) -> dict[str, tuple[int, int]]:
    """Where each stored (never compressed) entry's bytes begin: local headers have their own name and extra lengths."""
    size, places = path.stat().st_size, {}
    with path.open("rb") as file:
        for entry in entries:
            if not entry.filename.startswith(prefix) or entry.compress_type != zipfile.ZIP_STORED:
                continue
            file.seek(entry.header_offset)
            header = file.read(30)
            if len(header) < 30 or header[:4] != b"PK\x03\x04":
                continue
            name_length, extra_length = struct.unpack("<HH", header[26:30])
            start = entry.header_offset + 30 + name_length + extra_length
            if start + entry.file_size <= size:
                places[entry.filename.removeprefix(prefix)] = (start, entry.file_size)
    return places


def _read(path: Path, data: bytes, start: int = 0) -> Unpickled:
    try:
        return read_pickle(data, start)
    except PickleProblem as error:
        raise Unreadable("truncated", f"{path}: {error}") from error


def _torch_legacy(path: Path, size: int) -> Anatomy:
    """The format before torch 1.6: magic, protocol and system pickles, the object, storage keys, then raw storages."""
    with path.open("rb") as file:
        data = file.read(min(size, MAX_PICKLE_BYTES))
    first = _read(path, data)
    if first.value != TORCH_MAGIC:
        return _bare_pickle(path, first)
    protocol = _read(path, data, first.end)
    system = _read(path, data, protocol.end)
    content = _read(path, data, system.end)
    keys = _read(path, data, content.end)
    if not isinstance(keys.value, list):
        raise Unreadable("truncated", f"{path}: the list of storages is missing; copy it again")
    anatomy = Anatomy(path, "torch-legacy", unsafe_globals=content.unsafe_globals)
    collect(anatomy, content.value, _legacy_storages(path, size, keys.end, keys.value, content.value))
    return anatomy


def _bare_pickle(path: Path, first: Unpickled) -> Anatomy:
    if first.unsafe_globals:
        anatomy = Anatomy(path, "pickle", unsafe_globals=first.unsafe_globals)
        anatomy.problems.append(("not-a-checkpoint", "a plain pickle, not written by torch.save"))
        return anatomy
    raise Unreadable("not-a-checkpoint", f"{path} is a plain pickle, not written by torch.save; it was not executed")


def _legacy_storages(path: Path, size: int, position: int, keys: list[Any], value: Any) -> dict[str, tuple[int, int]]:
    item_sizes = {}
    for tensor in _tensor_refs(value):
        item_sizes[tensor.storage.key] = ITEM_SIZE.get(DTYPES.get(tensor.storage.type_name, ""), 1)
    places = {}
    with path.open("rb") as file:
        for key in map(str, keys[:MAX_ENTRIES]):
            file.seek(position)
            header = file.read(8)
            if len(header) < 8:
                break
            bytes_here = struct.unpack("<Q", header)[0] * item_sizes.get(key, 1)
            if position + 8 + bytes_here > size:
                break
            places[key] = (position + 8, bytes_here)
            position += 8 + bytes_here
    return places


def _tensor_refs(value: Any) -> list[Any]:
    from engine.doctor.pickle_reader import TensorRef

    groups = [value, *value.values()] if isinstance(value, dict) else [value]
    found = [item for group in groups if isinstance(group, dict) for item in group.values()]
    return [item for item in [*groups, *found] if isinstance(item, TensorRef)]


def _folder(path: Path) -> Anatomy:
    for name in INDEX_FILES:
        if (path / name).is_file():
            return _sharded(path, path / name)
    for name in SINGLE_FILES:
        if (path / name).is_file():
            return open_weights(path / name)
    raise Unreadable("not-a-checkpoint", f"{path} holds none of {', '.join((*INDEX_FILES, *SINGLE_FILES))}")


def _sharded(folder: Path, index: Path) -> Anatomy:
    if index.stat().st_size > MAX_HEADER:
        raise Unreadable("not-a-checkpoint", f"{index} is larger than any honest index")
    weight_map = _json(index, index.read_bytes()).get("weight_map")
    if not isinstance(weight_map, dict):
        raise Unreadable("not-a-checkpoint", f"{index} has no weight_map")
    anatomy = Anatomy(folder, "sharded", containers={"": {}})
    for shard in sorted({str(name) for name in weight_map.values()}):
        if Path(shard).name != shard:
            anatomy.problems.append(("not-a-checkpoint", f"shard {shard!r} points outside the folder"))
        elif not (folder / shard).is_file():
            anatomy.problems.append(("truncated", f"shard {shard} is missing"))
        else:
            _add_shard(anatomy, folder / shard)
    missing = [name for name in weight_map if name not in anatomy.containers[""]]
    if missing:
        anatomy.problems.append(
            ("truncated", f"{len(missing)} tensors of the index are in no shard, such as {missing[0]}")
        )
    return anatomy


def _add_shard(anatomy: Anatomy, shard: Path) -> None:
    try:
        part = open_weights(shard)
    except Unreadable as error:
        anatomy.problems.append((error.code, str(error)))
        return
    anatomy.containers[""].update(part.tensors())
    anatomy.problems.extend(part.problems)
    anatomy.unsafe_globals.extend(part.unsafe_globals)
