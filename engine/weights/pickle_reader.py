"""Reads a pickle without executing anything: a small stack machine over the opcodes, in which every global is an inert name.

Python's own unpickler calls what the file names. Here nothing is ever imported or called: `torch._utils._rebuild_tensor_v2`
becomes a `TensorRef`, an `OrderedDict` a dict, and any other object an `Inert` that remembers its name, arguments and state.
"""

from __future__ import annotations

import io
import pickletools
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from engine.weights.pickle_names import TENSOR_GLOBALS, WRAPPER_GLOBALS, is_harmless

MAX_OPERATIONS = 5_000_000
MAX_PICKLE_BYTES = 64 * 1024 * 1024


class PickleProblem(Exception):
    """The bytes are not a pickle that can be read, or ask for more than is reasonable."""


@dataclass(frozen=True, slots=True)
class GlobalName:
    """A name that the pickle asks for; it is never looked up."""

    module: str
    attribute: str

    @property
    def name(self) -> str:
        """As it would be written in code."""
        return f"{self.module}.{self.attribute}"


@dataclass(frozen=True, slots=True)
class StorageRef:
    """Where a tensor's numbers are: the key of a storage, its type name and its length in elements."""

    key: str
    type_name: str
    numel: int


@dataclass(frozen=True, slots=True)
class TensorRef:
    """A tensor as the pickle describes it, without its numbers."""

    storage: StorageRef
    offset: int
    shape: tuple[int, ...]
    stride: tuple[int, ...]
    dtype: str = ""
    """Said beside an untyped storage (types younger than storages with a type); else the storage's type holds."""


@dataclass(slots=True)
class Inert:
    """An object that the pickle would have built by calling something; nothing was called."""

    name: str
    args: Any = ()
    state: Any = None
    items: list[Any] = field(default_factory=list)


@dataclass(slots=True)
class Unpickled:
    """What a pickle holds, which globals it named, and where it ended."""

    value: Any
    globals_named: list[GlobalName]
    end: int

    @property
    def unsafe_globals(self) -> list[str]:
        """Globals outside the list of those that occur in honest checkpoints."""
        return sorted({asked.name for asked in self.globals_named if not is_harmless(asked.module, asked.attribute)})


def read_pickle(data: bytes, start: int = 0) -> Unpickled:
    """Read one pickle from `data` at `start`. Raises PickleProblem on anything but a well-formed, reasonable pickle."""
    machine = _Machine()
    try:
        end = machine.run(_operations(data, start))
    except (ValueError, IndexError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise PickleProblem(f"not a readable pickle ({type(error).__name__}: {str(error)[:120]})") from error
    return Unpickled(machine.result, machine.globals_named, end)


def _operations(data: bytes, start: int) -> Iterator[tuple[str, Any, int]]:
    if len(data) - start > MAX_PICKLE_BYTES:
        data = data[: start + MAX_PICKLE_BYTES]
    stream = io.BytesIO(data)
    stream.seek(start)
    for count, (opcode, argument, _) in enumerate(pickletools.genops(stream)):
        if count >= MAX_OPERATIONS:
            raise PickleProblem(f"more than {MAX_OPERATIONS} operations")
        yield opcode.name, argument, stream.tell()


_MARK = object()
_CONSTANTS: dict[str, Any] = {"NONE": None, "NEWTRUE": True, "NEWFALSE": False}
_EMPTY: dict[str, Callable[[], Any]] = {"EMPTY_LIST": list, "EMPTY_DICT": dict, "EMPTY_TUPLE": tuple, "EMPTY_SET": set}
_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_RENAMED = {("builtins", "long"): "int", ("builtins", "unicode"): "str"}
"""Old protocols, torch's among them, call types by their Python 2 names, as they do the module `builtins`."""
_IGNORED = {"PROTO", "FRAME", "READONLY_BUFFER"}


class _Machine:
    """The pickle stack machine, less everything that calls or imports."""

    def __init__(self) -> None:
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.globals_named: list[GlobalName] = []
        self.result: Any = None

    def run(self, operations: Iterator[tuple[str, Any, int]]) -> int:
        for name, argument, end in operations:
            if name == "STOP":
                self.result = self.stack.pop()
                if self.result is _MARK:
                    break
                return end
            self.step(name, argument)
        raise PickleProblem("the pickle has no sound end")

    def step(self, name: str, argument: Any) -> None:
        if name in _LITERALS:
            self.stack.append(argument)
        elif name in _CONSTANTS:
            self.stack.append(_CONSTANTS[name])
        elif name in _EMPTY:
            self.stack.append(_EMPTY[name]())
        elif name in _IGNORED:
            return
        else:
            operation = getattr(self, f"op_{name.lower()}", None)
            if operation is None:
                raise PickleProblem(f"operation {name} does not occur in checkpoints")
            operation(argument)

    def since_mark(self) -> list[Any]:
        for depth in range(len(self.stack) - 1, -1, -1):
            if self.stack[depth] is _MARK:
                items = self.stack[depth + 1 :]
                del self.stack[depth:]
                return items
        raise PickleProblem("a mark is missing")

    def op_mark(self, _: Any) -> None:
        self.stack.append(_MARK)

    def op_pop(self, _: Any) -> None:
        self.stack.pop()

    def op_pop_mark(self, _: Any) -> None:
        self.since_mark()

    def op_dup(self, _: Any) -> None:
        self.stack.append(self.stack[-1])

    def op_tuple(self, _: Any) -> None:
        self.stack.append(tuple(self.since_mark()))

    def op_tuple1(self, _: Any) -> None:
        self.stack[-1:] = [tuple(self.stack[-1:])]

    def op_tuple2(self, _: Any) -> None:
        self.stack[-2:] = [tuple(self.stack[-2:])]

    def op_tuple3(self, _: Any) -> None:
        self.stack[-3:] = [tuple(self.stack[-3:])]

    def op_list(self, _: Any) -> None:
        self.stack.append(self.since_mark())

    def op_dict(self, _: Any) -> None:
        self.stack.append(_pairs(self.since_mark()))

    def op_frozenset(self, _: Any) -> None:
        self.stack.append(tuple(self.since_mark()))

    def op_append(self, _: Any) -> None:
        item = self.stack.pop()
        _extend(self.stack[-1], [item])

    def op_appends(self, _: Any) -> None:
        items = self.since_mark()
        _extend(self.stack[-1], items)

    op_additems = op_appends

    def op_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        _update(self.stack[-1], {_hashable(key): value})

    def op_setitems(self, _: Any) -> None:
        pairs = _pairs(self.since_mark())
        _update(self.stack[-1], pairs)

    def op_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    op_binget = op_long_binget = op_get

    def op_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    op_binput = op_long_binput = op_put

    def op_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def op_global(self, argument: str) -> None:
        self.push_global(*argument.split(" ", 1))

    def op_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        self.push_global(str(module), str(name))

    def push_global(self, module: str, name: str = "") -> None:
        module = "builtins" if module == "__builtin__" else module
        asked = GlobalName(module, _RENAMED.get((module, name), name))
        self.globals_named.append(asked)
        self.stack.append(asked)

    def op_reduce(self, _: Any) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self.stack.append(_rebuild(function, args))

    op_newobj = op_reduce

    def op_newobj_ex(self, _: Any) -> None:
        self.stack.pop()
        self.op_reduce(None)

    def op_inst(self, argument: str) -> None:
        args = tuple(self.since_mark())
        self.push_global(*argument.split(" ", 1))
        self.stack.append(_rebuild(self.stack.pop(), args))

    def op_obj(self, _: Any) -> None:
        function, *args = self.since_mark()
        self.stack.append(_rebuild(function, tuple(args)))

    def op_build(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Inert):
            self.stack[-1].state = state

    def op_persid(self, argument: Any) -> None:
        self.stack.append(Inert("persistent id", (argument,)))

    def op_binpersid(self, _: Any) -> None:
        self.stack.append(_storage(self.stack.pop()))


def _pairs(items: list[Any]) -> dict[Any, Any]:
    return {_hashable(key): value for key, value in zip(items[::2], items[1::2], strict=True)}


def _hashable(key: Any) -> Any:
    if isinstance(key, int) and key.bit_length() > 64:
        return f"<integer of {key.bit_length()} bits>"
    return key if isinstance(key, str | int | float | bool | bytes | type(None)) else repr(type(key).__name__)


def _extend(target: Any, items: list[Any]) -> None:
    if isinstance(target, list):
        target.extend(items)
    elif isinstance(target, set):
        target.update(_hashable(item) for item in items)
    elif isinstance(target, Inert):
        target.items.extend(items)
    else:
        raise PickleProblem("items are added to something that is no collection")


def _update(target: Any, pairs: dict[Any, Any]) -> None:
    if isinstance(target, dict):
        target.update(pairs)
    elif isinstance(target, Inert):
        target.items.extend(pairs.items())
    else:
        raise PickleProblem("keys are set on something that is no mapping")


def _rebuild(function: Any, args: Any) -> Any:
    name = function.name if isinstance(function, GlobalName | Inert) else "an object"
    if name in TENSOR_GLOBALS:
        return _tensor(args)
    if name in WRAPPER_GLOBALS and isinstance(args, tuple) and args and isinstance(args[0], TensorRef):
        return args[0]
    if name == "collections.OrderedDict":
        return _ordered(args)
    return Inert(name, args)


def _ordered(args: Any) -> dict[Any, Any]:
    pairs = args[0] if isinstance(args, tuple) and args else []
    return {_hashable(pair[0]): pair[1] for pair in pairs if isinstance(pair, tuple | list) and len(pair) == 2}


def _tensor(args: Any) -> Any:
    if not isinstance(args, tuple) or len(args) < 4 or not isinstance(args[0], StorageRef):
        raise PickleProblem("a tensor is described without its storage")
    offset, shape, stride = args[1:4]
    if not (_sizes((offset,)) and _sizes(shape) and _sizes(stride) and len(shape) == len(stride)):
        raise PickleProblem("a tensor has a shape, stride or offset that is not a list of sizes")
    told = args[6] if len(args) > 6 else None
    return TensorRef(
        args[0], offset, tuple(shape), tuple(stride), told.attribute if isinstance(told, GlobalName) else ""
    )


def _sizes(value: Any) -> bool:
    return isinstance(value, tuple | list) and all(type(size) is int and 0 <= size < 2**62 for size in value)


def _storage(persistent_id: Any) -> Any:
    """`('storage', type, key, location, numel, ...)`, the persistent id that torch writes for a storage."""
    if not (isinstance(persistent_id, tuple) and len(persistent_id) >= 5 and persistent_id[0] == "storage"):
        return Inert("persistent id", (persistent_id,))
    _, kind, key, _, numel = persistent_id[:5]
    if not isinstance(kind, GlobalName) or not _sizes((numel,)):
        raise PickleProblem("a storage has no type or no length")
    return StorageRef(str(key), kind.name.rsplit(".", 1)[-1], numel)
