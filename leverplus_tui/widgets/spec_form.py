"""The fields of a specification as a form, made from the specification itself: field docstrings are the help texts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.message import Message
from textual.widgets import Input, Static

from db.specs import SPEC_OF_KIND, JobSpec, Spec
from leverplus_tui.spec_options import flatten, from_text, options, validated
from leverplus_tui.theme import glyph
from leverplus_tui.widgets.choice import Choice

FIRST: Mapping[str, tuple[str, ...]] = {
    "eval": ("dataset", "split", "shots", "limit", "first", "vlm", "retriever", "selector", "seed"),
    "rce": ("rl_data", "embeddings", "init", "variant", "rce_epochs", "rce_lr", "seed"),
    "grpo": ("rl_data", "embeddings", "init", "variant", "rce_epochs", "grpo_epochs", "grpo_lr", "kl_beta", "seed"),
    "generate": ("dataset", "queries", "shots", "vlm", "selector", "pool", "pool_size", "max_candidates", "seed"),
    "embed": ("dataset", "encoder", "vlm", "use_image", "use_text"),
}
"""What people change most stands first; every other field follows."""


@dataclass(frozen=True)
class Field:
    """One field as the form shows it; values are as they would be typed."""

    path: str
    help: str
    choices: tuple[str, ...]
    default: str
    annotation: Any
    required: bool


def fields(kind: str) -> list[Field]:
    """All fields of a kind of job, the usual ones first, nested ones under dotted names."""
    model = SPEC_OF_KIND[kind]
    grounds = {option.field: option.default for option in options(kind)}
    found = [_field(path, info, grounds.get(path)) for path, info in _walk(model)]
    first = FIRST[kind]
    rank = {path: index for index, path in enumerate(first)}
    return sorted(found, key=lambda field: rank.get(field.path, len(first)))


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
    if choices and type(None) in members:
        choices = ("none", *choices)
    if info.annotation is bool:
        choices = ("false", "true")
    default = ground or typed(None if info.is_required() else info.get_default(call_default_factory=True))
    if choices and default not in choices:
        default = choices[0]
    return Field(
        path, (info.description or path).splitlines()[0], choices, default, info.annotation, info.is_required()
    )


def typed(value: Any) -> str:
    """A value as it would be typed into the form."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)


class SpecForm(VerticalScroll):
    """A form for one kind of job; `to_spec` and `load_spec` are its two ends."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,enter", "app.focus_next", "next field", show=False, id="form.next"),
        Binding("up", "app.focus_previous", "previous field", show=False, id="form.previous"),
    ]
    DEFAULT_CSS = """
    SpecForm {
        & > Horizontal { height: 1; }
        & Static.label { width: 28; color: $faint; }
        & Static.label.-changed { color: $foreground; text-style: bold; }
        & Input { width: 1fr; height: 1; border: none; padding: 0; background: $surface; }
        & Input:focus { background: $block-cursor-background; }
        & Static.group { color: $primary; margin-top: 1; }
    }
    """

    @dataclass
    class Changed(Message):
        """Some field has another value."""

    @dataclass
    class Entered(Message):
        """A field has the focus."""

        field: Field

    def __init__(self, kind: str, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, can_focus=False)
        self.kind = kind
        self.fields = {field.path: field for field in fields(kind)}
        self._values = {path: field.default for path, field in self.fields.items()}
        self._hidden: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """One line for each field."""
        for index, (path, field) in enumerate(self.fields.items()):
            if index == len(FIRST[self.kind]):
                yield Static("more", classes="group")
            with Horizontal():
                yield Static(path, classes="label", markup=False, id=f"label-{_id(path)}")
                value = self._values[path]
                if field.choices:
                    yield Choice(field.choices, value, id=_id(path))
                else:
                    yield Input(value, id=_id(path), placeholder="required" if field.required else "", compact=True)

    def on_mount(self) -> None:
        """Mark what differs from the defaults."""
        for path in self.fields:
            self._label(path)

    # The two ends

    def load_spec(self, spec: JobSpec) -> None:
        """Show this specification; parts of it that the form does not show are kept."""
        dumped = spec.model_dump(mode="json")
        leaves = dict(flatten(dumped))
        self._hidden = {name: dumped[name] for name in dumped if name != "kind" and not self._shows(name)}
        self.load_values({path: typed(leaves[path]) for path in self.fields if path in leaves})

    def _shows(self, name: str) -> bool:
        return any(path == name or path.startswith(name + ".") for path in self.fields)

    def load_values(self, values: Mapping[str, str]) -> None:
        """Show some values as they would be typed."""
        for path, text in values.items():
            if path not in self.fields:
                continue
            self._values[path] = text or ("none" if "none" in self.fields[path].choices else text)
            if self.is_mounted:
                self._editor(path).value = self._values[path]

    def _editor(self, path: str) -> Choice | Input:
        return (
            self.query_one(f"#{_id(path)}", Choice)
            if self.fields[path].choices
            else self.query_one(f"#{_id(path)}", Input)
        )

    def to_spec(self) -> JobSpec:
        """The specification that the fields say. Raises UserError naming the first field that is wrong."""
        values: dict[str, Any] = dict(self._hidden)
        for path, field in self.fields.items():
            text = self._values[path]
            if field.required and not text.strip():
                continue  # so that it is reported as missing
            target = values
            *outer, name = path.split(".")
            for part in outer:
                target = target.setdefault(part, {})
            target[name] = self._value(field, text)
        return validated(self.kind, values)

    def _value(self, field: Field, text: str) -> Any:
        if not text.strip() and type(None) in get_args(field.annotation):
            return None
        return text if field.annotation is str else from_text(field.annotation, text)

    # Events

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing changes a value."""
        event.stop()
        self._take(event.input.id or "", event.value)

    def on_choice_changed(self, event: Choice.Changed) -> None:
        """So does choosing."""
        event.stop()
        self._take(event.choice.id or "", event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on."""
        event.stop()
        self.screen.focus_next()

    def on_descendant_focus(self) -> None:
        """Tell which field has the focus, for its help text."""
        focused = self.screen.focused
        field = self.fields.get(_path(focused.id or "")) if focused is not None else None
        if field is not None:
            self.post_message(self.Entered(field))

    def _take(self, identity: str, value: str) -> None:
        path = _path(identity)
        if self._values.get(path) == value:
            return
        self._values[path] = value
        self._label(path)
        self.post_message(self.Changed())

    def _label(self, path: str) -> None:
        changed = self._values[path] != self.fields[path].default
        label = self.query_one(f"#label-{_id(path)}", Static)
        label.set_class(changed, "-changed")
        label.update(f"{glyph('dot')} {path}" if changed else f"  {path}")


def _id(path: str) -> str:
    return "field-" + path.replace(".", "--")


def _path(identity: str) -> str:
    return identity.removeprefix("field-").replace("--", ".")
