"""From text to the fields of a specification: options derived from them, values as people type them, refusals.

Everything typed by hand goes through `from_text`, so a flag, a `--set` and a form field mean the same.
"""

from __future__ import annotations

import difflib
import re
import types
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import ValidationError
from pydantic.fields import FieldInfo

from db.specs import SPEC_OF_KIND, UNREPEATED, JobSpec, Spec, UserError
from engine.common.files.gate import parse_toml
from engine.common.wording import LAYOUT, printable

GRPO_EPOCHS = 10
NAMES = {"rl_data": "data"}
"""Fields whose option has another name."""


SENTENCES = {
    **dict.fromkeys(("int_parsing", "int_type", "int_from_float", "int_parsing_size"), "must be a whole number"),
    **dict.fromkeys(("float_parsing", "float_type", "finite_number"), "must be a number"),
    **dict.fromkeys(("bool_parsing", "bool_type"), "must be true or false"),
    "string_type": "must be text",
    "tuple_type": "must be a list, such as 2,4",
    "too_short": "give at least one value",
    **dict.fromkeys(("model_type", "model_attributes_type"), "must be a table, such as {num_beams = 1}"),
}
"""What is wrong with a value, by pydantic's name for it; other faults have sentences of their own."""


class FieldRefused(UserError):
    """What is wrong with one field."""

    def __init__(self, sentence: str, field: str) -> None:
        super().__init__(sentence)
        self.field = field
        """Its dotted name; empty where several are at odds."""


@dataclass(frozen=True)
class SpecOption:
    """One field of a specification as a command-line option."""

    field: str
    flag: str
    help: str
    kind: Literal["text", "list", "flag"]
    choices: tuple[str, ...]
    default: str
    """As it would be typed; empty where the field must be given or is off."""
    metavar: str
    """What stands for the value in help texts: the choices, or `N`, `X` or `TEXT`."""


@cache
def options(kind: str) -> tuple[SpecOption, ...]:
    """The options of a kind of job, in the order of its fields. Nested fields are reached by `--set`."""
    fields, ground = SPEC_OF_KIND[kind].model_fields, defaults(kind)
    shown = {name: info for name, info in fields.items() if name != "kind" and nested(info) is None}
    return tuple(_option(kind, name, info, ground.get(name)) for name, info in shown.items())


LONGEST_QUOTE = 200
LONGEST_RANGE = 1000


def validated(kind: str, values: Mapping[str, Any]) -> JobSpec:
    """A specification from plain values, or one sentence about the first thing that is wrong with them."""
    model = SPEC_OF_KIND[kind]
    try:
        spec = model.model_validate({**values, "kind": kind})
    except ValidationError as error:
        first = error.errors()[0]
        raise FieldRefused(explain(kind, model, first), blamed(model, first)) from None
    _refuse_unstorable(spec)
    return spec  # type: ignore[return-value]  # SPEC_OF_KIND holds JobSpecs


def refusals(kind: str, values: Mapping[str, Any]) -> dict[str, str]:
    """What is wrong with each field that is refused whatever the others hold, by its dotted name."""
    model = SPEC_OF_KIND[kind]
    try:
        model.model_validate({**values, "kind": kind})
    except ValidationError as error:
        return {blamed(model, one): explain(kind, model, one) for one in error.errors() if one["loc"]}
    return {}


def blamed(model: type[Spec], error: Mapping[str, Any]) -> str:
    """The field to be mended: the one that is refused, else the first that the reason speaks of."""
    path = path_of(error)
    known = [name for name, info in field_paths(model) if nested(info) is None]
    if path in known:
        return path
    below = {name.removeprefix(f"{path}.").rpartition(".")[2]: name for name in known if name.startswith(path)}
    words = re.findall(r"\w+", _said(error["msg"], error.get("ctx", {})))
    return next((below[word] for word in words if word in below), path)


def path_of(error: Mapping[str, Any]) -> str:
    """The field that one of pydantic's errors is about; which item of a list is seen by its value."""
    return ".".join(part for part in error["loc"] if isinstance(part, str))


def _refuse_unstorable(spec: Spec) -> None:
    """What neither the database nor the job can hold: numbers beyond 64 bits, and text that is not UTF-8."""
    for field, value in flatten(spec.model_dump(mode="python")):
        for one in value if isinstance(value, tuple | list) else (value,):
            if isinstance(one, int) and not -(2**63) <= one < 2**63:
                raise FieldRefused(f"{field} = {shown(one)}: must be a whole number of at most 64 bits", field)
            if isinstance(one, str) and not one.isprintable() and printable(one, LAYOUT) != one:
                raise FieldRefused(f"{field} = {shown(one)}: must be text without control characters, in UTF-8", field)


def shown(value: Any) -> str:
    """A rejected value as it is quoted: at most 200 characters of it."""
    if isinstance(value, int) and value.bit_length() > 600:
        return f"a number of {value.bit_length():,} bits"
    text = repr(value)
    return text if len(text) <= LONGEST_QUOTE else f"{text[: LONGEST_QUOTE - 3]}..."


def from_text(annotation: Any, text: Any) -> Any:
    """What a person typed, in the shape that the annotation wants; wrong values are passed on for pydantic to name."""
    kinds = members(annotation)
    if isinstance(text, (list, tuple)):
        return [item for part in text for item in _items(str(part), kinds)]
    if type(None) in kinds and text.strip().lower() in ("none", "null"):
        return None
    if any(get_origin(member) is tuple for member in kinds):
        return _items(text, kinds)
    if any(_is_spec(member) for member in kinds):
        return _toml(text)
    return _unquoted(text)


def explain(kind: str, model: type[Spec], first: Mapping[str, Any]) -> str:
    """One sentence about one of pydantic's errors: field, value, what is allowed."""
    path = path_of(first)
    top = str(first["loc"][0]) if first["loc"] else ""
    if first["type"] == "missing":
        return f"`run {kind}` needs {flag_of(kind, top)}: {_description(model, top).rstrip('.')}"
    if first["type"] == "extra_forbidden":
        return unknown_field(path, model)
    reason = SENTENCES.get(first["type"]) or _said(first["msg"], first.get("ctx", {}))
    if not path:
        return reason
    if first["type"] == "too_short":
        return f"{path} is empty: {reason}, such as {flag_of(kind, top)} 2"
    return f"{path} = {shown(first['input'])}: {reason}"


def _said(message: str, context: Mapping[str, Any]) -> str:
    """The validator's own sentence, without what pydantic puts around it."""
    text = str(context.get("error") or message).removeprefix("Value error, ")
    return text.replace("Input should be", "must be")


def unknown_field(path: str, model: type[Spec], others: Iterable[str] = ()) -> str:
    """There is no such field; name the nearest ones, also of `others` that would be understood."""
    known = [name for name, _ in field_paths(model)]
    last = path.rpartition(".")[2]
    near = [name for name in known if len(last) > 2 and (last in name.rpartition(".")[2].split("_") or last == name)]
    near = near or difflib.get_close_matches(path, dict.fromkeys([*known, *others]), n=3, cutoff=0.7)
    hint = f"did you mean {' or '.join(near)}?" if near else f"known are {', '.join(known)}"
    return f"there is no field {path}: {hint}"


def flag_of(kind: str, field: str) -> str:
    """The option that sets a field."""
    return next((option.flag for option in options(kind) if option.field == field), f"--set {field}=...")


def defaults(kind: str) -> dict[str, Any]:
    """Plain default values of a kind of run, of one that no form starts too; fields that must be given are absent."""
    fields = {**SPEC_OF_KIND, **UNREPEATED}[kind].model_fields
    values = {
        name: info.get_default(call_default_factory=True) for name, info in fields.items() if not info.is_required()
    }
    if kind == "grpo":
        values |= {"grpo_epochs": GRPO_EPOCHS, "rce_epochs": 0}
    return {name: _json(value) for name, value in values.items()}


def flatten(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """Leaves of nested mappings under dotted names; lists are leaves."""
    if not isinstance(value, Mapping):
        yield path, value
        return
    for name, inner in value.items():
        yield from flatten(inner, f"{path}.{name}" if path else str(name))


def plain(value: Any) -> str:
    """A plain value as it would be typed."""
    if value is None:
        return "none"
    if isinstance(value, bool):
        return str(value).lower()
    return ",".join(plain(item) for item in value) if isinstance(value, list) else str(value)


def _option(kind: str, name: str, info: FieldInfo, default: Any) -> SpecOption:
    kinds = members(info.annotation)
    form: Literal["text", "list", "flag"] = "text"
    if bool in kinds:
        form = "flag"
    elif any(get_origin(member) is tuple for member in kinds):
        form = "list"
    shown = NAMES.get(name, "shot" if name == "shots" and form == "list" else name)
    choices = tuple(str(value) for member in kinds if get_origin(member) is Literal for value in get_args(member))
    text = "" if default is None or default in ("", []) else plain(default)
    metavar = "|".join(choices) or _metavar(kinds)
    help_text = _description(SPEC_OF_KIND[kind], name)
    return SpecOption(name, f"--{shown.replace('_', '-')}", help_text, form, choices, text, metavar)


def _metavar(kinds: Sequence[Any]) -> str:
    inner = [member for kind in kinds for member in (kind, *get_args(kind))]
    return "N" if int in inner else "X" if float in inner else "TEXT"


def _json(value: Any) -> Any:
    if isinstance(value, Spec):
        return value.model_dump(mode="json")
    return list(value) if isinstance(value, tuple) else value


def _items(text: str, kinds: Sequence[Any]) -> list[str]:
    """`0,2,4`; of numbers also `0 2 4`, of whole numbers also `0-4`."""
    inner = {item for kind in kinds if get_origin(kind) is tuple for item in get_args(kind)} - {...}
    stripped = text.strip().removeprefix("[").removesuffix("]")
    parts = re.split(r"[,\s]+" if inner and inner <= {int, float} else ",", stripped)
    items = [_unquoted(part.strip()) for part in parts if part.strip()]
    return [one for item in items for one in whole_range(item)] if inner == {int} else items


def whole_range(text: str) -> list[str]:
    """`0-4` is `0 1 2 3 4`; what is no rising range, or too long a one, stays as it is, to be refused by its words."""
    ends = re.fullmatch(r"(\d{1,9})-(\d{1,9})", text, re.ASCII)
    numbers = range(int(ends[1]), int(ends[2]) + 1) if ends else range(0)
    return [str(number) for number in numbers] if 0 < len(numbers) <= LONGEST_RANGE else [text]


def _unquoted(text: str) -> str:
    return text[1:-1] if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"" else text


def _toml(text: str) -> Any:
    try:
        return parse_toml(f"value = {text}")["value"]
    except ValueError:
        return text


def members(annotation: Any) -> list[Any]:
    if get_origin(annotation) is Annotated:
        return members(get_args(annotation)[0])
    if get_origin(annotation) in (Union, types.UnionType):
        return [inner for member in get_args(annotation) for inner in members(member)]
    return [annotation]


def _is_spec(member: Any) -> bool:
    return isinstance(member, type) and issubclass(member, Spec)


def nested(info: FieldInfo) -> type[Spec] | None:
    """The specification that a field holds, if it does."""
    return next((member for member in members(info.annotation) if _is_spec(member)), None)


def annotation(model: type[Spec], field: str) -> Any:
    """The type of a field."""
    return model.model_fields[field].annotation


def _description(model: type[Spec], field: str) -> str:
    return " ".join((model.model_fields[field].description or field).split())


def field_paths(model: type[Spec], prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Fields under dotted names, those inside others after them."""
    for name, info in model.model_fields.items():
        inner = nested(info)
        if name == "kind":
            continue
        yield prefix + name, info
        if inner is not None:
            yield from field_paths(inner, f"{prefix}{name}.")
