"""Reads a pickle without executing anything: a small stack machine over the operations, in which every global is an inert name.

Python's own unpickler calls what the file names. Here nothing is ever imported or called: `torch._utils._rebuild_tensor_v2`
becomes a `TensorRef`, an `OrderedDict` a dict, and any other object an `Inert` that remembers its name, arguments and state.
What makes no sense is noted and passed over as long as Python's unpickler would go on too, so that no global hides behind it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from engine.weights.pickle_names import TENSOR_GLOBALS, WRAPPER_GLOBALS, is_harmless
from engine.weights.pickle_operations import CODES, PickleProblem, operations
from engine.weights.pickle_values import GlobalName, Inert, StorageRef, TensorRef, hashable

MAX_OPERATIONS = 2_000_000
"""Of all pickles of a file together. A tensor takes about 30, so honest files stay far below."""
MAX_PICKLE_BYTES = 64 * 1024 * 1024
MAX_DIMENSIONS = 64
COMPUTED = "a name that the file computes"
"""Stands for a global whose name is itself the result of a call."""


class TooManyOperations(PickleProblem):
    """The pickle asks for more operations than are looked at: what its later ones do is not known."""


@dataclass(slots=True)
class Budget:
    """How many operations may still be looked at, in all pickles of a file together."""

    left: int = MAX_OPERATIONS

    def spend(self, number: int) -> None:
        """Take `number` off. Raises TooManyOperations."""
        self.left -= number
        if self.left < 0:
            raise TooManyOperations(f"more than {MAX_OPERATIONS:,} operations, which no honest checkpoint has")


@dataclass(slots=True)
class Unpickled:
    """What a pickle holds, which globals it named, whether it called any, and where it ended."""

    value: Any
    globals_named: list[GlobalName]
    end: int
    problem: PickleProblem | None = None
    """Why the value cannot be trusted; the globals are those up to where Python's unpickler would stop."""
    calls: bool = False
    stopped: bool = False
    """Whether it has an end, behind which another may begin."""

    @property
    def unsafe_globals(self) -> list[str]:
        """Globals outside the list of those that occur in honest checkpoints."""
        return sorted({asked.name for asked in self.globals_named if not is_harmless(asked.module, asked.attribute)})


def read_pickle(data: bytes, start: int = 0) -> Unpickled:
    """Read one pickle from `data` at `start`. Raises PickleProblem on anything but a well-formed, reasonable pickle."""
    unpickled = look_through(data, start, Budget())
    if unpickled.problem is not None:
        raise unpickled.problem
    return unpickled


def look_through(data: bytes, start: int, budget: Budget) -> Unpickled:
    """`read_pickle` of a pickle that may break off: what it named until then counts, and `problem` says what is wrong."""
    machine, end, problem, stopped = _Machine(budget), start, None, False
    try:
        for code, argument, end in operations(data, start):  # noqa: B007
            budget.spend(1)
            if code == _STOP:
                machine.stop()
                stopped = True
                break
            _STEPS[code](machine, argument)
        else:
            raise PickleProblem("the pickle has no sound end")
    except PickleProblem as raised:
        problem = raised
    except (ValueError, IndexError, KeyError, TypeError, RecursionError):
        problem = PickleProblem(f"not a readable pickle (damaged before byte {end:,})")
    if problem is None and machine.noted:
        problem = PickleProblem(machine.noted)
    return Unpickled(machine.result, machine.globals_named, end, problem, machine.calls, stopped)


_MARK = object()
_STOP = CODES["STOP"]
_RENAMED = {("builtins", "long"): "int", ("builtins", "unicode"): "str"}
"""Old protocols, torch's among them, call types by their Python 2 names, as they do the module `builtins`."""


class _Machine:
    """The pickle stack machine, less everything that calls or imports."""

    def __init__(self, budget: Budget) -> None:
        self.budget = budget
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.globals_named: list[GlobalName] = []
        self.calls = False
        self.noted = ""
        self.result: Any = None

    def note(self, problem: str) -> None:
        """Remember what makes no sense; the first such counts."""
        self.noted = self.noted or problem

    def stop(self) -> None:
        """The value on top is what the pickle holds."""
        result = self.stack.pop()
        if result is _MARK:
            raise PickleProblem("the pickle has no sound end")
        self.result = result

    def op_literal(self, argument: Any) -> None:
        self.stack.append(argument)

    def op_ignored(self, _: Any) -> None:
        """Nothing on the stack changes."""

    def op_none(self, _: Any) -> None:
        self.stack.append(None)

    def op_newtrue(self, _: Any) -> None:
        self.stack.append(True)

    def op_newfalse(self, _: Any) -> None:
        self.stack.append(False)

    def op_empty_list(self, _: Any) -> None:
        self.stack.append([])

    def op_empty_dict(self, _: Any) -> None:
        self.stack.append({})

    def op_empty_tuple(self, _: Any) -> None:
        self.stack.append(())

    def op_empty_set(self, _: Any) -> None:
        self.stack.append(set())

    def op_next_buffer(self, _: Any) -> None:
        self.stack.append(Inert("a buffer beside the file"))

    def op_ext(self, argument: int) -> None:
        self.push_global("copyreg", f"extension {argument}")

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
        self.stack.append(self.pairs(self.since_mark()))

    def op_frozenset(self, _: Any) -> None:
        self.stack.append(tuple(self.since_mark()))

    def op_append(self, _: Any) -> None:
        item = self.stack.pop()
        self.extend(self.stack[-1], [item])

    def op_appends(self, _: Any) -> None:
        items = self.since_mark()
        self.extend(self.stack[-1], items)

    op_additems = op_appends

    def op_setitem(self, _: Any) -> None:
        value, key = self.stack.pop(), self.stack.pop()
        self.update(self.stack[-1], {hashable(key): value})

    def op_setitems(self, _: Any) -> None:
        pairs = self.pairs(self.since_mark())
        self.update(self.stack[-1], pairs)

    def op_get(self, index: int) -> None:
        self.stack.append(self.memo[index])

    op_binget = op_long_binget = op_get

    def op_put(self, index: int) -> None:
        self.memo[index] = self.stack[-1]

    op_binput = op_long_binput = op_put

    def op_memoize(self, _: Any) -> None:
        self.memo[len(self.memo)] = self.stack[-1]

    def op_global(self, argument: tuple[str, str]) -> None:
        self.push_global(*argument)

    def op_stack_global(self, _: Any) -> None:
        name, module = self.stack.pop(), self.stack.pop()
        if isinstance(name, str) and isinstance(module, str):
            self.push_global(module, name)
        elif isinstance(name, str | Inert) and isinstance(module, str | Inert):
            self.push_global("", COMPUTED)
        else:
            raise PickleProblem("a global has no name")

    def push_global(self, module: str, name: str = "") -> None:
        module = "builtins" if module == "__builtin__" else module
        asked = GlobalName(module, _RENAMED.get((module, name), name))
        self.globals_named.append(asked)
        self.stack.append(asked)

    def op_reduce(self, _: Any) -> None:
        args, function = self.stack.pop(), self.stack.pop()
        self.stack.append(self.rebuild(function, args))

    op_newobj = op_reduce

    def op_newobj_ex(self, _: Any) -> None:
        self.stack.pop()
        self.op_reduce(None)

    def op_inst(self, argument: tuple[str, str]) -> None:
        args = tuple(self.since_mark())
        self.push_global(*argument)
        self.stack.append(self.rebuild(self.stack.pop(), args))

    def op_obj(self, _: Any) -> None:
        function, *args = self.since_mark()
        self.stack.append(self.rebuild(function, tuple(args)))

    def op_build(self, _: Any) -> None:
        state = self.stack.pop()
        if isinstance(self.stack[-1], Inert):
            self.stack[-1].state = state

    def op_persid(self, argument: Any) -> None:
        self.stack.append(Inert("persistent id", (argument,)))

    def op_binpersid(self, _: Any) -> None:
        self.stack.append(self.storage(self.stack.pop()))

    def pairs(self, items: list[Any]) -> dict[Any, Any]:
        if len(items) % 2:
            raise PickleProblem("a key has no value")
        return {hashable(key): value for key, value in zip(items[::2], items[1::2], strict=True)}

    def extend(self, target: Any, items: list[Any]) -> None:
        if isinstance(target, list):
            target.extend(items)
        elif isinstance(target, set):
            target.update(hashable(item) for item in items)
        elif isinstance(target, Inert):
            target.items.extend(items)
        else:
            self.note("items are added to something that is no collection")

    def update(self, target: Any, pairs: dict[Any, Any]) -> None:
        if isinstance(target, dict):
            target.update(pairs)
        elif isinstance(target, Inert):
            target.items.extend(pairs.items())
        else:
            self.note("keys are set on something that is no mapping")

    def rebuild(self, function: Any, args: Any) -> Any:
        name = function.name if isinstance(function, GlobalName | Inert) else "an object"
        self.calls = True
        if name in TENSOR_GLOBALS:
            return self.tensor(name, args)
        if name in WRAPPER_GLOBALS and isinstance(args, tuple) and args and isinstance(args[0], TensorRef):
            return args[0]
        if name == "collections.OrderedDict":
            return self.ordered(args)
        return Inert(name, args)

    def ordered(self, args: Any) -> dict[Any, Any]:
        pairs = args[0] if isinstance(args, tuple) and args and isinstance(args[0], list | tuple) else []
        self.budget.spend(len(pairs))  # one list may be given again and again
        return {hashable(pair[0]): pair[1] for pair in pairs if isinstance(pair, tuple | list) and len(pair) == 2}

    def tensor(self, name: str, args: Any) -> Any:
        if not isinstance(args, tuple) or len(args) < 4 or not isinstance(args[0], StorageRef):
            self.note("a tensor is described without its storage")
            return Inert(name, args)
        offset, shape, stride = args[1:4]
        if not (_sizes((offset,)) and _sizes(shape) and _sizes(stride) and len(shape) == len(stride)):
            self.note("a tensor has a shape, stride or offset that is not a list of sizes")
            return Inert(name, args)
        told = args[6] if len(args) > 6 else None
        dtype = told.attribute if isinstance(told, GlobalName) else ""
        return TensorRef(args[0], offset, tuple(shape), tuple(stride), dtype)

    def storage(self, persistent_id: Any) -> Any:
        """`('storage', type, key, location, numel, ...)`, the persistent id that torch writes for a storage."""
        if isinstance(persistent_id, tuple) and len(persistent_id) == 4 and persistent_id[0] == "module":
            return persistent_id[1]  # the class of a model, beside its source, in torch's format before 1.6
        if not (isinstance(persistent_id, tuple) and len(persistent_id) >= 5 and persistent_id[0] == "storage"):
            return Inert("persistent id", (persistent_id,))
        _, kind, key, _, numel = persistent_id[:5]
        if not isinstance(kind, GlobalName) or not isinstance(key, str | int) or not _sizes((numel,)):
            self.note("a storage has no type, no key or no length")
            return Inert("persistent id", (persistent_id,))
        return StorageRef(str(key), kind.name.rsplit(".", 1)[-1], numel)


_LITERALS = {
    "INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "LONG4", "FLOAT", "BINFLOAT", "STRING", "BINSTRING",
    "SHORT_BINSTRING", "BINBYTES", "SHORT_BINBYTES", "BINBYTES8", "BYTEARRAY8", "UNICODE", "BINUNICODE",
    "SHORT_BINUNICODE", "BINUNICODE8",
}  # fmt: skip
_IGNORED = {"PROTO", "FRAME", "READONLY_BUFFER"}
_KINDS = dict.fromkeys(_LITERALS, "literal") | dict.fromkeys(_IGNORED, "ignored")
_KINDS |= dict.fromkeys(("EXT1", "EXT2", "EXT4"), "ext")
_STEPS: dict[int, Callable[[_Machine, Any], None]] = {
    code: getattr(_Machine, f"op_{_KINDS.get(name, name.lower())}") for name, code in CODES.items() if name != "STOP"
}
"""What each operation does."""


def _sizes(value: Any) -> bool:
    few = isinstance(value, tuple | list) and len(value) <= MAX_DIMENSIONS
    return few and all(type(size) is int and 0 <= size < 2**62 for size in value)
