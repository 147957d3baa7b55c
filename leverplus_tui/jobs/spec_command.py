"""A specification as the shortest command line that gives it."""

from __future__ import annotations

import shlex
from collections.abc import Collection, Mapping, Sequence
from functools import cache
from typing import Any

from db.specs import Spec
from db.specs.selector import PUBLISHED, SelectorParts
from leverplus_tui.jobs.spec_options import SpecOption, defaults, flatten, options, plain


def command_of(spec: Spec) -> list[str]:
    """The shortest `leverplus run ...` that gives this specification."""
    return ["leverplus", "run", *_said(spec)]


def sweep_command(spec: Spec, varied: Mapping[str, Sequence[str]], seeds: str = "", more: Sequence[str] = ()) -> str:
    """The `leverplus sweep ...` over these values of one specification's fields, as one line for a shell; `more` are options
    beside them, such as a name."""
    sets = [word for field, values in varied.items() for word in ("--set", f"{field}={','.join(map(_listed, values))}")]
    named = [*(["--seeds", seeds] if seeds else ()), *more]
    left_out = {*varied, *(["seed"] if seeds and "," in seeds else ())}
    return shlex.join(["leverplus", "sweep", *_said(spec, left_out), *sets, *named])


def _listed(value: str) -> str:
    """A value in a list of values; quoted where a comma of its own would end it."""
    return f'"{value}"' if "," in value and not value.startswith(("[", '"')) else value


def _said(spec: Spec, left_out: Collection[str] = ()) -> list[str]:
    kind = str(spec.model_dump()["kind"])
    words = [kind]
    ground = _ground(kind)
    known = {option.field: option for option in options(kind)}
    values = spec.model_dump(mode="json")
    ground = ground | _parts_left_out(values)
    for path, value in flatten(values):
        if path != "kind" and path not in left_out and value != ground.get(path, ...):
            words += _typed(known.get(path), path, value)
    return words


def _parts_left_out(values: dict[str, Any]) -> dict[str, Any]:
    """Parts that need not be said, because others are: those of the variant."""
    if not values.get("parts"):
        return {}
    base = PUBLISHED.get(values["variant"], SelectorParts()).model_dump(mode="json")
    return {f"parts.{name}": value for name, value in base.items()} if base != values["parts"] else {}


@cache
def _ground(kind: str) -> dict[str, Any]:
    """The defaults of a kind of job under dotted names; not to be changed."""
    return dict(flatten(defaults(kind)))


def command_text(spec: Spec) -> str:
    """`command_of` as one line for a shell."""
    return shlex.join(command_of(spec))


def _typed(option: SpecOption | None, path: str, value: Any) -> list[str]:
    if option is None or value == []:
        return ["--set", f"{path}={plain(value)}"]
    if option.kind == "flag":
        return [option.flag if value else option.flag.replace("--", "--no-", 1)]
    if option.kind == "list":
        return [word for item in value for word in (option.flag, plain(item))]
    return [option.flag, plain(value)]
