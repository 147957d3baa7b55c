"""What the values of a pickle become where nothing is executed: names, tensors without their numbers, and inert objects."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class GlobalName:
    """A name that the pickle asks for; it is never looked up."""

    module: str
    attribute: str

    @property
    def name(self) -> str:
        """As it would be written in code."""
        return f"{self.module}.{self.attribute}" if self.module else self.attribute


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


def hashable(key: Any) -> Any:
    """A key that a dictionary can have: as it is, or in words."""
    if isinstance(key, int) and key.bit_length() > 64:
        return f"<integer of {key.bit_length()} bits>"
    return key if isinstance(key, str | int | float | bool | bytes | type(None)) else f"<{named(key)}>"


def named(value: Any) -> str:
    """What a value of a pickle is, in a user's words: the class that was pickled, never one of ours."""
    if isinstance(value, Inert):
        return class_of(value)
    if isinstance(value, GlobalName):
        return value.name
    return {TensorRef: "tensor", StorageRef: "storage"}.get(type(value), type(value).__name__)


def class_of(value: Inert) -> str:
    """The class whose object was pickled; of one that a helper makes (`copyreg._reconstructor`), its first argument."""
    first = value.args[0] if isinstance(value.args, tuple) and value.args else None
    return first.name if value.name.startswith("copyreg.") and isinstance(first, GlobalName) else value.name
