"""The fields of a specification as a form, made from the specification itself: field docstrings are the help texts.

One line for each field in one table, and one text field that lies over the line being edited: a form of eighty fields
opens as quickly as one of five.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Literal, get_args, get_origin

from pydantic.fields import FieldInfo
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from db.specs import SPEC_OF_KIND, JobSpec, Spec
from leverplus_tui.spec_options import flatten, from_text, options, validated
from leverplus_tui.theme import glyph
from leverplus_tui.widgets.table import GUTTER, Cell, Column, LineTable, Row
from leverplus_tui.widgets.text import clean

FIRST: Mapping[str, tuple[str, ...]] = {
    "eval": ("dataset", "split", "shots", "limit", "first", "vlm", "retriever", "selector", "seed"),
    "rce": ("rl_data", "embeddings", "init", "variant", "rce_epochs", "rce_lr", "seed"),
    "grpo": ("rl_data", "embeddings", "init", "variant", "rce_epochs", "grpo_epochs", "grpo_lr", "kl_beta", "seed"),
    "generate": ("dataset", "queries", "shots", "vlm", "selector", "pool", "pool_size", "max_candidates", "seed"),
    "embed": ("dataset", "encoder", "vlm", "use_image", "use_text"),
}
"""What people change most stands first; every other field follows."""


LABEL_WIDTH = 27
COLUMNS = (Column("field", "field", LABEL_WIDTH), Column("value", "value", 20, flex=200))
NAME = "name"
"""The run's name stands first; it belongs to the run and not to its specification."""


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
    name = Field(NAME, "what lists call the run; made from the fields when empty", (), "", str, False)
    return [name, *sorted(found, key=lambda field: rank.get(field.path, len(first)))]


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


class FieldTable(LineTable, inherit_bindings=False):
    """The lines of a form: letters are typed into fields, so that only arrows move."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,tab", "move(1)", "next field", key_display="tab", id="form.next"),
        Binding("up,shift+tab", "move(-1)", "previous field", show=False, id="form.previous"),
        Binding("pagedown", "page(1)", "page down", show=False, id="form.page-down"),
        Binding("pageup", "page(-1)", "page up", show=False, id="form.page-up"),
        Binding("home", "end(-1)", "first field", show=False, id="form.first"),
        Binding("end", "end(1)", "last field", show=False, id="form.last"),
        Binding("enter", "choose", "edit", tooltip="edit this field; typing replaces it", id="form.edit"),
        Binding(
            "right",
            "step(1)",
            "change",
            key_display="left right",
            tooltip="next of the allowed values",
            id="form.change",
        ),
        Binding("left", "step(-1)", "previous of the allowed values", show=False, id="form.change-back"),
        Binding("backspace,delete", "typed('')", "empty the field", show=False, id="form.empty"),
    ]

    @dataclass
    class Typed(Message):
        """A letter was typed on a line (or, when empty, its content deleted)."""

        text: str

    @dataclass
    class Stepped(Message):
        """Another of the allowed values is wanted."""

        step: int

    def action_step(self, step: int) -> None:
        """Ask for the next or previous allowed value."""
        self.post_message(self.Stepped(step))

    def action_typed(self, text: str) -> None:
        """Tell what was typed."""
        self.post_message(self.Typed(text))

    def on_key(self, event: events.Key) -> None:
        """Letters, digits and signs begin to edit; `?` alone still asks for the keys."""
        if event.is_printable and event.character and event.character != "?":
            event.stop()
            self.post_message(self.Typed(event.character))


class SpecForm(Container):
    """A form for one kind of job; `to_spec` and `load_spec` are its two ends."""

    DEFAULT_CSS = """
    SpecForm { height: 1fr; layers: below above; }
    SpecForm > FieldTable { layer: below; }
    SpecForm > #editor {
        layer: above;
        position: absolute;
        height: 1;
        border: none;
        padding: 0;
        display: none;
        background: $block-cursor-background;
        color: $block-cursor-foreground;
    }
    """

    @dataclass
    class Changed(Message):
        """Some field has another value."""

    @dataclass
    class Entered(Message):
        """The cursor is on a field."""

        field: Field

    def __init__(self, kind: str, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.kind = kind
        self.fields = {field.path: field for field in fields(kind)}
        self.values = {path: field.default for path, field in self.fields.items()}
        self._paths = list(self.fields)
        self._hidden: dict[str, Any] = {}

    def compose(self) -> ComposeResult:
        """The lines, and the text field that is laid over one of them."""
        yield FieldTable(COLUMNS)
        yield Input(id="editor", compact=True, select_on_focus=False)

    def on_mount(self) -> None:
        """Show the values."""
        self.table.fill([self._row(path) for path in self._paths])

    @property
    def table(self) -> FieldTable:
        """The lines."""
        return self.query_one(FieldTable)

    @property
    def editor(self) -> Input:
        """The text field."""
        return self.query_one("#editor", Input)

    # The two ends

    def load_spec(self, spec: JobSpec) -> None:
        """Show this specification; parts of it that the form does not show are kept."""
        dumped = spec.model_dump(mode="json")
        leaves = dict(flatten(dumped))
        self._hidden = {name: dumped[name] for name in dumped if name != "kind" and not self._shows(name)}
        self.load_values({path: typed(leaves[path]) for path in self._paths if path in leaves})

    def _shows(self, name: str) -> bool:
        return any(path == name or path.startswith(name + ".") for path in self._paths)

    def load_values(self, values: Mapping[str, str]) -> None:
        """Show some values as they would be typed."""
        for path, text in values.items():
            if path in self.fields:
                self.values[path] = text or ("none" if "none" in self.fields[path].choices else text)
        if self.is_mounted:
            self.table.put_rows({index: self._row(path) for index, path in enumerate(self._paths)})
            self.post_message(self.Changed())

    def to_spec(self) -> JobSpec:
        """The specification that the fields say. Raises UserError naming the first field that is wrong."""
        values: dict[str, Any] = dict(self._hidden)
        for path, field in self.fields.items():
            text = self.values[path]
            if path == NAME or (field.required and not text.strip()):
                continue  # a required field that is left out is reported as missing
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

    @property
    def run_name(self) -> str:
        """The name that was typed; empty for none."""
        return self.values[NAME].strip()

    # Lines

    def _row(self, path: str) -> Row:
        field, text = self.fields[path], self.values[path]
        changed = text != field.default
        shown = f"{glyph('left')} {text} {glyph('right')}" if field.choices else clean(text)
        if not shown:
            return {
                "field": Cell(path),
                "value": Cell("required" if field.required else "-", "warn" if field.required else "faint"),
            }
        return {"field": Cell(path, "accent" if changed else ""), "value": Cell(shown, "accent" if changed else "")}

    @property
    def field(self) -> Field:
        """The field under the cursor."""
        return self.fields[self._paths[self.table.cursor]]

    def set_value(self, path: str, text: str) -> None:
        """Give a field a value, as if it had been typed."""
        self.values[path] = text
        self.table.put_rows({self._paths.index(path): self._row(path)})
        self.post_message(self.Changed())

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Tell which field the cursor is on, for its help text."""
        event.stop()
        self.post_message(self.Entered(self.field))

    def on_field_table_stepped(self, event: FieldTable.Stepped) -> None:
        """The next allowed value, round the end."""
        event.stop()
        field = self.field
        if field.choices:
            place = field.choices.index(self.values[field.path])
            self.set_value(field.path, field.choices[(place + event.step) % len(field.choices)])

    def on_field_table_typed(self, event: FieldTable.Typed) -> None:
        """A letter jumps to the next allowed value that begins with it, or begins to replace the text."""
        event.stop()
        field = self.field
        if not field.choices:
            self._edit(event.text)
            return
        start = field.choices.index(self.values[field.path]) + 1
        ahead = [*field.choices[start:], *field.choices[:start]]
        if event.text == " ":
            self.set_value(field.path, ahead[0])
        elif found := next((value for value in ahead if event.text and value.startswith(event.text)), None):
            self.set_value(field.path, found)

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Enter edits what is there, or takes the next allowed value."""
        event.stop()
        field = self.field
        if field.choices:
            self.table.action_step(1)
        else:
            self._edit(self.values[field.path])

    # Editing

    def _edit(self, text: str) -> None:
        """Lay the text field over the line of the field under the cursor."""
        line = self.table.cursor + 1 - self.table.scroll_offset.y
        left = GUTTER + LABEL_WIDTH + 1
        self.editor.styles.offset = (left, line)
        self.editor.styles.width = max(10, self.table.scrollable_content_region.width - left)
        self.editor.value = text
        self.editor.cursor_position = len(text)
        self.editor.display = True
        self.editor.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """What is typed counts at once, so that the command follows."""
        event.stop()
        if self.editor.display and self.values[self.field.path] != event.value:
            self.set_value(self.field.path, event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes on to the next field."""
        event.stop()
        self._done(1)

    def on_key(self, event: events.Key) -> None:
        """Arrows and tab leave the text field for the lines around it, escape for its own."""
        steps = {"down": 1, "tab": 1, "up": -1, "shift+tab": -1, "escape": 0}
        if self.editor.has_focus and event.key in steps:
            event.stop()
            event.prevent_default()
            self._done(steps[event.key])

    def _done(self, step: int) -> None:
        self.editor.display = False
        self.table.focus()
        self.table.action_move(step)
