"""Takes torch's own files apart, zip archive or the older sequence of pickles, without torch and without executing anything."""

from __future__ import annotations

import struct
import zipfile
from pathlib import Path
from typing import Any

from engine.weights.anatomy import DTYPES, ITEM_SIZE, Anatomy, Unreadable, collect
from engine.weights.archive import ZIP_ERRORS, open_archive
from engine.weights.pickle_operations import PickleProblem
from engine.weights.pickle_reader import MAX_PICKLE_BYTES, TooManyOperations, Unpickled, read_pickle
from engine.weights.pickle_values import TensorRef

MAX_ENTRIES = 100_000
TORCH_MAGIC = 0x1950A86A20F9469CFC6C


def torch_zip(path: Path) -> Anatomy:
    """The zip archive of torch 1.6 and later. Raises Unreadable."""
    with path.open("rb") as file:
        try:
            archive = open_archive(file)
        except ZIP_ERRORS as error:
            size = path.stat().st_size
            reason = f"{path} is cut at byte {size:,} (no readable end record: {str(error)[:80]}); copy it again"
            raise Unreadable("truncated", reason) from error
        anatomy = Anatomy(path, "torch-zip")
        entries = _entries(anatomy, archive)
        pickle_entry = _pickle_entry(path, entries)
        prefix = pickle_entry.filename.removesuffix("data.pkl")
        unpickled = _read(path, _bounded(path, archive, pickle_entry))
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


def _pickle_entry(path: Path, entries: list[zipfile.ZipInfo]) -> zipfile.ZipInfo:
    """The one data.pkl; of two, torch might load the one that was not looked at."""
    found = [e for e in entries if e.filename == "data.pkl" or e.filename.endswith("/data.pkl")]
    if not found:
        raise Unreadable("not-a-checkpoint", f"{path} is a zip file without data.pkl, so not written by torch.save")
    if len(found) > 1:
        raise Unreadable("not-a-checkpoint", f"{path} holds {len(found)} entries data.pkl; torch.save writes one")
    return found[0]


def _bounded(path: Path, archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    if entry.file_size > MAX_PICKLE_BYTES:
        raise Unreadable("not-a-checkpoint", f"{path}: data.pkl claims {entry.file_size:,} bytes, more than reasonable")
    try:
        with archive.open(entry) as file:
            return file.read(MAX_PICKLE_BYTES)
    except ZIP_ERRORS as error:
        raise Unreadable("truncated", f"{path}: data.pkl cannot be read ({str(error)[:80]}); copy it again") from error


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
        code = "not-a-checkpoint" if isinstance(error, TooManyOperations) else "truncated"
        raise Unreadable(code, f"{path}: {error}") from error


def torch_legacy(path: Path, size: int) -> Anatomy:
    """The format before torch 1.6: magic, protocol and system pickles, the object, storage keys, then raw storages."""
    with path.open("rb") as file:
        data = file.read(min(size, MAX_PICKLE_BYTES))
    first = _read(path, data)
    if first.value != TORCH_MAGIC:
        raise Unreadable(
            "not-a-checkpoint", f"{path} is a plain pickle, not written by torch.save; it was not executed"
        )
    pickles, end = [first], first.end
    for _ in ("protocol", "system", "content", "keys of storages"):
        pickles.append(_read(path, data, end))
        end = pickles[-1].end
    content, keys = pickles[3].value, pickles[4].value
    if not isinstance(keys, list):
        raise Unreadable("truncated", f"{path}: the list of storages is missing; copy it again")
    anatomy = Anatomy(path, "torch-legacy")
    collect(anatomy, content, _legacy_storages(path, size, end, keys, content))
    return anatomy


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
    groups = [value, *value.values()] if isinstance(value, dict) else [value]
    found = [item for group in groups if isinstance(group, dict) for item in group.values()]
    return [item for item in [*groups, *found] if isinstance(item, TensorRef)]
