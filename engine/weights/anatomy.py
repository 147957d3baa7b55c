"""What a weight file consists of: format, tensor names, shapes, types, and where the numbers lie, from headers alone."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from engine.weights.averages import bare, parted
from engine.weights.pickle_names import COMPILED, MAPPING_GLOBALS, TORCH_DTYPES
from engine.weights.pickle_values import Inert, StorageRef, TensorRef, named

if TYPE_CHECKING:  # its import takes longer than reading a header
    import numpy.typing as npt

MAX_DEPTH = 8
MOST_GROUPS = 100

DTYPES = {
    "DoubleStorage": "float64", "FloatStorage": "float32", "HalfStorage": "float16", "BFloat16Storage": "bfloat16",
    "LongStorage": "int64", "IntStorage": "int32", "ShortStorage": "int16", "CharStorage": "int8",
    "ByteStorage": "uint8", "ComplexFloatStorage": "complex64", "ComplexDoubleStorage": "complex128",
    "BoolStorage": "bool", "UntypedStorage": "uint8", "QInt8Storage": "qint8", "QUInt8Storage": "quint8",
    "QInt32Storage": "qint32", "QUInt4x2Storage": "quint4x2", "QUInt2x4Storage": "quint2x4",
    "F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16", "I64": "int64", "I32": "int32",
    "I16": "int16", "I8": "int8", "U64": "uint64", "U32": "uint32", "U16": "uint16", "U8": "uint8", "BOOL": "bool",
    "C64": "complex64", "F8_E4M3": "float8_e4m3fn", "F8_E5M2": "float8_e5m2", "F8_E8M0": "float8_e8m0fnu",
    "F6_E2M3": "float6_e2m3", "F6_E3M2": "float6_e3m2", "F4": "float4_e2m1",
}  # fmt: skip
"""Types as torch's storages and safetensors name them. Those without an item size are real, but not read here."""
ITEM_SIZE = {
    "float64": 8, "float32": 4, "float16": 2, "bfloat16": 2, "int64": 8, "int32": 4, "int16": 2, "int8": 1,
    "uint64": 8, "uint32": 4, "uint16": 2, "uint8": 1, "bool": 1, "complex64": 8, "complex128": 16,
}  # fmt: skip
"""Bytes per element of the types whose numbers can be read."""
FLOATS = ("float64", "float32", "float16", "bfloat16")
"""Types that weights and features are loaded from."""
KNOWN_TYPES = frozenset({*DTYPES.values(), *TORCH_DTYPES})
"""Types that torch or safetensors have."""
WEIGHTS = ("model_state_dict", "state_dict", "")
"""Containers of weights; of a file's, the first is read."""
MOST_EXPANDED = 64 * 1024 * 1024
"""A tensor may repeat its stored numbers (stride 0), but beyond this many bytes no honest one does."""


class Unreadable(Exception):
    """The file cannot be read as weights; `code` is the finding to report."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.unsafe_globals: list[str] = []
        """Code that loading it the usual way would run all the same."""


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

    def stored(self) -> dict[str, TensorInfo]:
        """All tensors of the container that holds the weights (`model_state_dict`, `state_dict` or the bare dict)."""
        return next((self.containers[name] for name in WEIGHTS if self.containers.get(name)), {})

    def tensors(self) -> dict[str, TensorInfo]:
        """The tensors of that container, without averages of them that stand beside them under a prefix."""
        return parted(self.stored())[0]

    def second_sets(self) -> list[str]:
        """Where the names of the weights stand once more, all of them: other containers, or a prefix (`model_ema.`)."""
        own, prefixes = parted(self.stored())
        taken = set(bare(own))
        others = {name: tensors for name, tensors in self.containers.items() if name not in WEIGHTS}
        return prefixes + [name for name, tensors in others.items() if taken and taken <= set(bare(tensors))]

    @property
    def taken(self) -> str:
        """The container that is read, in words."""
        place = next((name for name in WEIGHTS if name and self.containers.get(name)), "the bare tensors")
        return f"{place} without such a prefix" if parted(self.stored())[1] else place


def collect(anatomy: Anatomy, value: Any, storages: Mapping[str, tuple[int, int]]) -> None:
    """Sort an unpickled top-level object into tensors and plain metadata.

    `storages` maps a storage key to (start in file, bytes there); a tensor that does not fit its storage is a problem.
    """
    if isinstance(value, TensorRef):
        value = {"tensor": value}
    if not isinstance(value, dict):
        raise Unreadable("not-a-checkpoint", f"{anatomy.path}: {_no_dictionary(anatomy.path, value)}")
    bare = {str(k): v for k, v in value.items() if isinstance(v, TensorRef)}
    groups = {str(k): v for k, v in value.items() if isinstance(v, dict)}
    if bare:
        anatomy.containers[""] = _infos(anatomy, bare, storages)
    for name, group in groups.items():
        for place, inner in _one_deeper(name, group):
            tensors = {str(k): v for k, v in inner.items() if isinstance(v, TensorRef)}
            if tensors:
                anatomy.containers[place] = _infos(anatomy, tensors, storages)
    for key, item in value.items():
        if not isinstance(item, TensorRef) and str(key) not in anatomy.containers:
            anatomy.metadata[str(key)] = plain(item)


def _one_deeper(name: str, group: dict[Any, Any]) -> Iterator[tuple[str, dict[Any, Any]]]:
    """A group and the groups in it: averages of weights are kept as `ema: {module: {...}}` as well."""
    yield name, group
    if len(group) <= MOST_GROUPS:
        yield from ((f"{name}.{key}"[:200], inner) for key, inner in group.items() if isinstance(inner, dict))


def _no_dictionary(path: Path, value: Any) -> str:
    """What a file holds in place of a dictionary of tensors, in words, with the way out for a whole model."""
    name = named(value)
    if not _is_module(value):
        held = f"an object of {name}" if isinstance(value, Inert) else f"a {name}"
        return f"it holds {held}, not a dictionary of tensors"
    if name.split(".", 1)[0] == COMPILED:
        return (
            f"it is a TorchScript archive of class {name.removeprefix(f'{COMPILED}.')}, compiled code beside weights; whoever "
            f"trusts its author gets them with torch.save(torch.jit.load({path.name!r}).state_dict(), 'weights.pt')"
        )
    return (
        f"a whole Module of class {name} was pickled; its weights can be had by whoever has that class and trusts the author: "
        f"torch.save(torch.load({path.name!r}, weights_only=False).state_dict(), 'weights.pt')"
    )


def _is_module(value: Any) -> bool:
    """Whether a pickled object is a model of torch: modules keep their parts under these names."""
    state = value.state if isinstance(value, Inert) else None
    told = isinstance(state, dict) and ("_modules" in state or "training" in state)
    return told or (isinstance(value, Inert) and named(value).split(".", 1)[0] == COMPILED)


def _infos(
    anatomy: Anatomy, tensors: Mapping[str, TensorRef], storages: Mapping[str, tuple[int, int]]
) -> dict[str, TensorInfo]:
    infos = {}
    for name, tensor in tensors.items():
        dtype = tensor.dtype or DTYPES.get(tensor.storage.type_name, tensor.storage.type_name)
        start, problem = _place(tensor, dtype, storages)
        if problem:
            anatomy.problems.append((problem[0], f"tensor {name} {problem[1]}"))
        infos[name] = TensorInfo(name, dtype, tensor.shape, tensor.stride, anatomy.path, start)
    return infos


def _place(
    tensor: TensorRef, dtype: str, storages: Mapping[str, tuple[int, int]]
) -> tuple[int | None, tuple[str, str] | None]:
    size = ITEM_SIZE.get(dtype)
    if size is None:
        known = dtype in KNOWN_TYPES
        return None, None if known else ("not-a-checkpoint", f"is of the type {dtype!r}, which torch does not have")
    if tensor.storage.key not in storages:
        return None, ("truncated", f"has no data in the file (storage {tensor.storage.key} is missing)")
    start, available = storages[tensor.storage.key]
    if problem := _storage_problem(tensor.storage, size, available):
        return None, ("truncated", problem)
    last = tensor.offset + sum((n - 1) * s for n, s in zip(tensor.shape, tensor.stride, strict=True))
    needed = (last + 1) * size if math.prod(tensor.shape) else 0
    if needed > available:
        text = f"needs {needed:,} bytes of storage {tensor.storage.key}, which has {available:,}"
        return None, ("truncated", text)
    if math.prod(tensor.shape) * size > max(available, MOST_EXPANDED):
        text = f"claims {math.prod(tensor.shape):,} values, but its storage has {available:,} bytes"
        return None, ("not-a-checkpoint", text)
    return start + tensor.offset * size, None


def _storage_problem(storage: StorageRef, size: int, available: int) -> str:
    expected = storage.numel * (1 if storage.type_name == "UntypedStorage" else size)
    if expected != available:
        return f"says its storage has {expected:,} bytes, but there are {available:,}"
    return ""


def plain(value: Any) -> Any:
    """A small printable copy of unpickled metadata: long things are cut, and objects become what they hold or their names."""
    return _Copier().copy(value, 0)


class _Copier:
    """Copies within a budget for the whole: shared parts would multiply without one (200 dictionaries six deep: 64 trillion)."""

    def __init__(self, budget: int = 5_000) -> None:
        self.left = budget

    def copy(self, value: Any, depth: int) -> Any:
        self.left -= 1
        if depth > MAX_DEPTH or self.left < 0:
            return "..."
        if isinstance(value, Inert):
            value = _held(value)
        if isinstance(value, dict):
            return {str(k)[:200]: self.copy(v, depth + 1) for k, v in self.some(value.items(), 200)}
        if isinstance(value, list | tuple):
            return [self.copy(item, depth + 1) for item in self.some(value, 50)]
        return _leaf(value)

    def some(self, items: Iterable[Any], most: int) -> Iterator[Any]:
        return itertools.takewhile(lambda _: self.left > 0, itertools.islice(items, most))


def bounded_int(text: str) -> int | str:
    """A whole number of JSON; those of thousands of digits stay text, because Python refuses to print them."""
    return int(text) if len(text) < 20 else text


def _leaf(value: Any) -> Any:
    if isinstance(value, str):
        return value[:500]
    if isinstance(value, int) and value.bit_length() > 64:
        return f"<integer of {value.bit_length()} bits>"  # Python refuses to print thousands of digits
    if isinstance(value, bool | int | float | type(None)):
        return value
    return f"<a whole Module of class {named(value)}>" if _is_module(value) else f"<{named(value)}>"


def _held(value: Inert) -> Any:
    """What a known object holds: OmegaConf's containers and nodes, and dictionaries under another name."""
    state = value.state if isinstance(value.state, dict) else {}
    if value.name in MAPPING_GLOBALS:
        pairs = [item for item in value.items if isinstance(item, tuple) and len(item) == 2]
        return state | {key: inner for key, inner in pairs if isinstance(key, str)}
    if value.name.startswith("omegaconf."):
        return state.get("_content", state.get("_val", f"<{value.name}>"))
    return value


def read_values(info: TensorInfo) -> npt.NDArray[Any]:
    """The numbers of one tensor, shaped; bfloat16 is widened to float32.

    The file is memory-mapped, so only this tensor's bytes are read. Raises Unreadable where they are not in the file, or of
    a type (such as float8) that is not read here.
    """
    import numpy as np  # 80 ms; names and shapes are judged without it

    if info.dtype not in ITEM_SIZE:
        text = f"tensor {info.name} in {info.file} is of the type {info.dtype}, whose values are not read here"
        raise Unreadable("dtype-narrow", text)
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
