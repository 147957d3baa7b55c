"""What a form asks for: the fields of a kind of job, read from its specification."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any, Literal, get_args, get_origin

from pydantic.fields import FieldInfo

from db.specs import SPEC_OF_KIND, Spec
from leverplus_tui.jobs.spec_options import options
from leverplus_tui.queue.wishes import Wishes

FIRST: Mapping[str, tuple[str, ...]] = {
    "eval": ("dataset", "vlm", "shots", "limit", "retriever", "selector"),
    "rce": ("rl_data", "embeddings", "variant", "rce_epochs", "seed"),
    "grpo": ("rl_data", "embeddings", "init", "rce_epochs", "grpo_epochs", "seed"),
    "generate": ("dataset", "vlm", "queries", "shots", "selector", "seed"),
    "embed": ("dataset", "encoder", "vlm"),
}
"""What people set first for a kind of job; every other field follows."""


NAME = "name"
"""The run's name stands first; it belongs to the run and not to its specification."""
SEEDS = "seeds"
"""How often a run is repeated; it makes a sweep of it, and belongs to no specification."""
THEN = "then"
"""What is run on what it wrote."""
WAITING = (*Wishes.model_fields, THEN)
"""When a run starts, what it may take, and what comes after it: asked of the queue, and no part of a specification."""
SWEPT = ("eval", "rce", "grpo", "generate")
"""Kinds of job that sweeps are made of."""
AUTO = "auto"
"""How a choice that is left out is written: nothing chosen means that the job chooses, not that there is none."""


@dataclass(frozen=True)
class Field:
    """One field as the form shows it; values are as they would be typed."""

    path: str
    help: str
    choices: tuple[str, ...]
    default: str
    annotation: Any
    required: bool
    in_spec: bool = True
    """Whether it belongs to the specification, and not to this run of it alone."""


def fields(kind: str) -> list[Field]:
    """All fields of a kind of job, the usual ones first, nested ones under dotted names."""
    model = SPEC_OF_KIND[kind]
    grounds = {option.field: option.default for option in options(kind)}
    found = [_field(path, info, grounds.get(path)) for path, info in _walk(model)]
    first = FIRST[kind]
    rank = {path: index for index, path in enumerate(first)}
    name = Field(NAME, "what lists call the run; made from the fields when empty", (), "", str, False, False)
    seeds = Field(
        SEEDS, "repeat it with so many seeds, or with these: 7,11; empty for one run", (), "", str, False, False
    )
    waiting = [replace(_field(path, info, None), in_spec=False) for path, info in _walk(Wishes)]
    then = Field(
        THEN,
        "run this on what it wrote, when it is done: eval --shot 2; several have ; between",
        (),
        "",
        str,
        False,
        False,
    )
    ordered = sorted(found, key=lambda field: rank.get(field.path, len(first)))
    opened = [name, *ordered[: len(first)], *([seeds] if kind in SWEPT else ())]
    return [*opened, *ordered[len(first) :], *waiting, then]


@cache
def auto_fields(kind: str) -> frozenset[str]:
    """Fields of a kind of job that choose for themselves when they are left out."""
    if kind not in FIRST:
        return frozenset()
    return frozenset(field.path for field in fields(kind) if type(None) in get_args(field.annotation) and field.choices)


def _walk(model: type[Spec], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        if name == "kind" and not prefix:
            continue
        if isinstance(info.annotation, type) and issubclass(info.annotation, Spec):
            yield from _walk(info.annotation, f"{prefix}{name}.")
        elif not _holds_spec(info.annotation):
            yield prefix + name, info


def _holds_spec(annotation: Any) -> bool:
    return any(isinstance(member, type) and issubclass(member, Spec) for member in get_args(annotation))


def _field(path: str, info: FieldInfo, ground: str | None) -> Field:
    members = get_args(info.annotation) if get_origin(info.annotation) is not Literal else (info.annotation,)
    literal = next((member for member in members if get_origin(member) is Literal), None)
    choices = tuple(str(value) for value in get_args(literal)) if literal is not None else ()
    if bool in (info.annotation, *members):
        choices = ("false", "true")
    if choices and type(None) in members:
        choices = (AUTO, *choices)
    default = ground or typed(None if info.is_required() else info.get_default(call_default_factory=True))
    if choices and default not in choices:
        default = choices[0]
    help_text = " ".join((info.description or path).split())
    return Field(path, help_text, choices, default, info.annotation, info.is_required())


def typed(value: Any) -> str:
    """A value as it would be typed into the form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
