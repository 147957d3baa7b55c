"""The fields of a specification as a form, made from the specification itself: field docstrings are the help texts.

One line for each field in one table, and one text field that lies over the line being edited: a form of eighty fields
opens as quickly as one of five.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, get_args

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.message import Message
from textual.widgets import Input

from db.specs import JobSpec
from leverplus_tui.jobs.spec_options import flatten, from_text, validated
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.words import clean
from leverplus_tui.tui.widgets.spec_fields import AUTO, NAME, Field, fields, typed
from leverplus_tui.tui.widgets.table import GUTTER, Cell, Column, LineTable, Row

LABEL_WIDTH = 27
COLUMNS = (Column("field", "field", LABEL_WIDTH), Column("value", "value", 20, flex=200))
STEPS = {"down": 1, "tab": 1, "enter": 1, "up": -1, "shift+tab": -1}
"""Keys that end editing, and by how many lines they move."""


class FieldTable(LineTable, inherit_bindings=False):
    """The lines of a form: letters are typed into fields, so that only arrows move.

    Keys are handled where they arrive and not as actions, which come later than the letters typed after them.
    """

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

    def __init__(
        self, columns: Sequence[Column], *, typed: Callable[[str], None], stepped: Callable[[int], None]
    ) -> None:
        super().__init__(columns)
        self._typed, self._stepped = typed, stepped

    def action_step(self, step: int) -> None:
        """Ask for the next or previous allowed value."""
        self._stepped(step)

    def action_typed(self, text: str) -> None:
        """Tell what was typed; nothing empties the field."""
        self._typed(text)

    def on_key(self, event: events.Key) -> None:
        """Letters, digits and signs begin to edit; `?` alone still asks for the keys."""
        if event.is_printable and event.character and event.character != "?":
            event.stop()
            self._typed(event.character)
        elif event.key in ("down", "up", "tab", "shift+tab"):
            event.stop()
            event.prevent_default()
            self.action_move(STEPS[event.key])

    def on_paste(self, event: events.Paste) -> None:
        """A pasted text is typed text."""
        event.stop()
        self._typed(event.text.replace("\n", " "))


class Editor(Input):
    """The text field that lies over a line; arrows, tab and enter keep what was typed, escape what was there before."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "keep", "keep", tooltip="keep what was typed and go on", id="form.keep"),
        Binding("escape", "restore", "restore", tooltip="put back what was there before", id="form.restore"),
    ]

    def __init__(self, left: Callable[[int], None], restored: Callable[[], None]) -> None:
        super().__init__(id="editor", compact=True, select_on_focus=False)
        self._left, self._restored = left, restored

    def action_keep(self) -> None:
        """Keep what was typed."""
        self._left(STEPS["enter"])

    def action_restore(self) -> None:
        """Put back what was there before."""
        self._restored()

    async def _on_key(self, event: events.Key) -> None:
        if event.key in STEPS:
            event.stop()
            event.prevent_default()
            self._left(STEPS[event.key])
        elif event.key == "escape":
            event.stop()
            event.prevent_default()
            self._restored()
        else:
            await super()._on_key(event)


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
        self._editing: str | None = None
        self._before = ""
        """The value of the field that is edited, as it was before."""

    def compose(self) -> ComposeResult:
        """The lines, and the text field that is laid over one of them."""
        yield FieldTable(COLUMNS, typed=self._type, stepped=self._step)
        yield Editor(self._leave, self._restore)

    def on_mount(self) -> None:
        """Show the values."""
        self.table.fill([self._row(path) for path in self._paths])

    @property
    def table(self) -> FieldTable:
        """The lines."""
        return self.query_one(FieldTable)

    @property
    def editor(self) -> Editor:
        """The text field."""
        return self.query_one(Editor)

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
                self.values[path] = text or (AUTO if AUTO in self.fields[path].choices else text)
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
        if text.strip() in ("", AUTO) and type(None) in get_args(field.annotation):
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

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Enter edits what is there, or takes the next allowed value."""
        event.stop()
        if self.field.choices:
            self._step(1)
        else:
            self._edit(self.values[self.field.path])

    def _step(self, step: int) -> None:
        """The next allowed value, round the end."""
        field = self.field
        if field.choices:
            place = field.choices.index(self.values[field.path])
            self.set_value(field.path, field.choices[(place + step) % len(field.choices)])

    def _type(self, text: str) -> None:
        """A letter jumps to the next allowed value that begins with it, or begins to replace the text of the field."""
        field = self.field
        if field.choices:
            self._jump(field, text)
        elif self._editing == field.path:
            self.editor.insert_text_at_cursor(text)  # typed so quickly that the text field had no focus yet
            self._take()
        else:
            self._edit(text)

    def _jump(self, field: Field, text: str) -> None:
        start = field.choices.index(self.values[field.path]) + 1
        ahead = [*field.choices[start:], *field.choices[:start]]
        found = ahead[0] if text == " " else next((value for value in ahead if text and value.startswith(text)), None)
        if found is not None:
            self.set_value(field.path, found)

    # Editing

    def _edit(self, text: str) -> None:
        """Lay the text field over the line of the field under the cursor."""
        self._take()
        self._editing = self.field.path
        self._before = self.values[self._editing]
        line = self.table.cursor + 1 - self.table.scroll_offset.y
        left = GUTTER + LABEL_WIDTH + 1
        self.editor.styles.offset = (left, line)
        self.editor.styles.width = max(10, self.table.scrollable_content_region.width - left)
        with self.editor.prevent(Input.Changed):
            self.editor.value = text
        self.editor.cursor_position = len(text)
        self.editor.display = True
        self.screen.set_focus(self.editor)
        self._take()

    def _take(self) -> None:
        """What is in the text field counts at once, so that the command follows."""
        if self._editing is not None and self.values[self._editing] != self.editor.value:
            self.set_value(self._editing, self.editor.value)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing."""
        event.stop()
        self._take()

    def _restore(self) -> None:
        """Close the text field and put back what was there before."""
        self.editor.value = self._before
        self._leave(0)

    def _leave(self, step: int) -> None:
        """Close the text field and go on by lines."""
        self._take()
        self._editing = None
        self.editor.display = False
        self.screen.set_focus(self.table)
        self.table.action_move(step)
