"""What a weight file consists of: format, tensor names, shapes, types, and where the numbers lie, from headers alone."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from engine.doctor.pickle_reader import StorageRef, TensorRef

DTYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8",
    "BoolStorage": "bool", "UntypedStorage": "uint8",
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U8": "uint8", "BOOL": "bool",
}  # fmt: skip
ITEM_SIZE = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1, "uint8": 1,
    "bool": 1,
}  # fmt: skip


class Unreadable(Exception):
    """The file cannot be read as weights; `code` is the finding to report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class TensorInfo:
    """One tensor: what the header says of it and where its storage starts in the file (None: not known to be there)."""

    name: str
    dtype: str
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    file: Path
    start: int | None

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)


@dataclass(slots=True)
class Anatomy:
    """A weight file taken apart. `containers` maps each container (such as `model_state_dict`) to its tensors."""

    path: Path
    format: str
    containers: dict[str, dict[str, TensorInfo]] = field(default_factory=dict)
    metadata: dict[str, Any] = field(default_factory=dict)
    unsafe_globals: list[str] = field(default_factory=list)
    problems: list[tuple[str, str]] = field(default_factory=list)
    """(finding code, sentence) for what is wrong with the container itself."""

    def tensors(self) -> dict[str, TensorInfo]:
        """All tensors of the container that holds the weights (`model_state_dict`, `state_dict` or the bare dict)."""
        for name in ("model_state_dict", "state_dict", ""):
            if self.containers.get(name):
                return self.containers[name]
        return {}


def collect(anatomy: Anatomy, value: Any, storages: Mapping[str, tuple[int, int]]) -> None:
    """Sort an unpickled top-level object into tensors and plain metadata.

    `storages` maps a storage key to (start in file, bytes there); a tensor that does not fit its storage is a problem.
    """
    if isinstance(value, TensorRef):
        value = {"tensor": value}
    if not isinstance(value, dict):
        raise Unreadable("not-a-checkpoint", f"the file holds a {type(value).__name__}, not a dictionary of tensors")
    bare = {str(k): v for k, v in value.items() if isinstance(v, TensorRef)}
    groups = {str(k): v for k, v in value.items() if isinstance(v, dict)}
    if bare:
        anatomy.containers[""] = _infos(anatomy, bare, storages)
    for name, group in groups.items():
        tensors = {str(k): v for k, v in group.items() if isinstance(v, TensorRef)}
        if tensors:
            anatomy.containers[name] = _infos(anatomy, tensors, storages)
    for key, item in value.items():
        if not isinstance(item, TensorRef) and str(key) not in anatomy.containers:
            anatomy.metadata[str(key)] = plain(item)


def _infos(
    anatomy: Anatomy, tensors: Mapping[str, TensorRef], storages: Mapping[str, tuple[int, int]]
) -> dict[str, TensorInfo]:
    infos = {}
    for name, tensor in tensors.items():
        dtype = DTYPES.get(tensor.storage.type_name, tensor.storage.type_name)
        start, problem = _place(tensor, dtype, storages)
        if problem:
            anatomy.problems.append(("truncated", f"tensor {name} {problem}"))
        infos[name] = TensorInfo(name, dtype, tensor.shape, tensor.stride, anatomy.path, start)
    return infos


def _place(tensor: TensorRef, dtype: str, storages: Mapping[str, tuple[int, int]]) -> tuple[int | None, str]:
    size = ITEM_SIZE.get(dtype)
    if size is None:
        return None, f"has the unknown storage type {dtype}"
    if tensor.storage.key not in storages:
        return None, f"has no data in the file (storage {tensor.storage.key} is missing)"
    start, available = storages[tensor.storage.key]
    if problem := _storage_problem(tensor.storage, size, available):
        return None, problem
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride, strict=True))
    needed = (last + 1) * size if math.prod(tensor.shape) else 0
    if needed > available:
        return None, f"needs {needed:,} bytes of storage {tensor.storage.key}, which has {available:,}"
    return start + tensor.offset * size, ""


def _storage_problem(storage: StorageRef, size: int, available: int) -> str:
    expected = storage.numel * (1 if storage.type_name == "UntypedStorage" else size)
    if expected != available:
        return f"says its storage has {expected:,} bytes, but there are {available:,}"
    return ""


def plain(value: Any, depth: int = 0) -> Any:
    """A small printable copy of unpickled metadata: long things are cut, objects become their names."""
    if depth > 4:
        return "..."
    if isinstance(value, dict):
        return {str(k)[:200]: plain(v, depth + 1) for k, v in list(value.items())[:200]}
    if isinstance(value, list | tuple):
        return [plain(item, depth + 1) for item in value[:50]]
    if isinstance(value, str):
        return value[:500]
    if isinstance(value, bool | int | float | type(None)):
        return value
    return f"<{getattr(value, 'name', type(value).__name__)}>"


def read_values(info: TensorInfo) -> npt.NDArray[Any]:
    """The numbers of one tensor, shaped; bfloat16 is widened to float32.

    The file is memory-mapped, so only this tensor's bytes are read. Raises Unreadable where they are not in the file.
    """
    if info.start is None:
        raise Unreadable("truncated", f"the numbers of tensor {info.name} are not in {info.file}")
    if not info.numel:
        return np.zeros(info.shape, dtype=np.float32)
    raw = np.dtype("uint16" if info.dtype == "bfloat16" else info.dtype)
    span = 1 + sum((n - 1) * s for n, s in zip(info.shape, info.stride, strict=True))
    try:
        flat = np.memmap(info.file, dtype=raw, mode="r", offset=info.start, shape=(span,))
    except (OSError, ValueError) as error:
        raise Unreadable("truncated", f"the numbers of tensor {info.name} are not in {info.file}: {error}") from error
    strides = tuple(s * raw.itemsize for s in info.stride)
    view = np.lib.stride_tricks.as_strided(flat, info.shape, strides, writeable=False)
    if info.dtype == "bfloat16":
        return (view.astype(np.uint32) << 16).view(np.float32)
    return np.array(view)
