"""The fields of a specification as a form, made from the specification itself: field docstrings are the help texts.

What is set first stands open, the rest is folded by topic, and `/` finds a field by its name. One line for each field in
one table, and one text field that lies over the line being edited: a form of eighty fields opens as quickly as one of five.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from textual.app import ComposeResult
from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Input, Static

from db.specs import JobSpec
from leverplus_tui.jobs.named_paths import FIELDS
from leverplus_tui.jobs.spec_options import flatten, from_text, validated
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.screens.launch.field_table import LABEL_WIDTH, Editor, FieldTable, field_row, topic_row
from leverplus_tui.tui.screens.launch.topics import Lines, Topic
from leverplus_tui.tui.widgets.spec_fields import AUTO, NAME, Field, fields, typed
from leverplus_tui.tui.widgets.table import GUTTER, LineTable, Row

LONGEST_SHOWN = 20
"""Letters of a search that are shown."""


class SpecForm(Container):
    """A form for one kind of job; `to_spec` and `load_spec` are its two ends."""

    DEFAULT_CSS = """
    SpecForm { height: 1fr; layers: below above; }
    SpecForm > FieldTable { layer: below; }
    SpecForm > #sought { layer: below; dock: bottom; height: 1; padding: 0 1; background: $surface; display: none; }
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
        """The cursor is on a field, or on the title of a topic."""

        line: Field | Topic

    def __init__(self, kind: str, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.kind = kind
        self.fields = {field.path: field for field in fields(kind)}
        self.values = {path: field.default for path, field in self.fields.items()}
        self.lines = Lines(kind, list(self.fields))
        self._came_from: int | None = None
        """Where the cursor was before the search."""
        self._hidden: dict[str, Any] = {}
        self._editing: str | None = None
        self._before = ""
        """The value of the field that is edited, as it was before."""

    def compose(self) -> ComposeResult:
        """The lines, and the text field that is laid over one of them."""
        yield FieldTable(self)
        yield Static("", id="sought", markup=False)
        yield Editor(self._leave, self._restore)

    def on_mount(self) -> None:
        """Show the values."""
        self._fill()

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
        self.load_values({path: typed(leaves[path]) for path in self.fields if path in leaves})

    def _shows(self, name: str) -> bool:
        return any(path == name or path.startswith(name + ".") for path in self.fields)

    def load_values(self, values: Mapping[str, str]) -> None:
        """Show some values as they would be typed."""
        for path, text in values.items():
            if path in self.fields:
                self.values[path] = text or (AUTO if AUTO in self.fields[path].choices else text)
        if self.is_mounted:
            self._fill()
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

    def _fill(self) -> None:
        """Draw all lines anew, and show those that are in view now."""
        self._draw()
        self.table.set_keys(self.lines.shown())

    def _draw(self) -> None:
        self.table.marked = [self.lines.key(path) for path in self.fields if self.changed(path)]
        self.table.put_rows({key: self._row(line) for key, line in enumerate(self.lines.all)})

    def changed(self, path: str) -> bool:
        """Whether a field has another value than its default."""
        return self.values[path] != self.fields[path].default

    def _row(self, line: str | Topic) -> Row:
        if isinstance(line, Topic):
            return topic_row(line, sum(map(self.changed, line.paths)), opened=line.title in self.lines.opened)
        indented = not self.lines.sought and self.lines.topic(line) is not None
        return field_row(self.fields[line], self.values[line], indented=indented)

    @property
    def line(self) -> Field | Topic | None:
        """The field, or the topic, under the cursor; None where no field has the name that is sought."""
        return self._at(self.table.cursor_key)

    def _at(self, key: int | None) -> Field | Topic | None:
        line = None if key is None else self.lines.all[key]
        return self.fields[line] if isinstance(line, str) else line

    @property
    def field(self) -> Field | None:
        """The field under the cursor."""
        return self.line if isinstance(self.line, Field) else None

    def set_value(self, path: str, text: str) -> None:
        """Give a field a value, as if it had been typed."""
        self.values[path] = text
        self._draw()
        self.post_message(self.Changed())

    def reset(self) -> None:
        """Put the default of the field under the cursor back."""
        if self.field is not None:
            self.set_value(self.field.path, self.field.default)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Tell which line the cursor is on, for its help text."""
        event.stop()
        if self.line is not None:
            self.post_message(self.Entered(self.line))

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Enter edits what is there, takes the next allowed value, or opens a topic and closes it."""
        event.stop()
        if self.lines.sought is not None:
            self._found(self.table.cursor_key)
        elif isinstance(self.line, Topic):
            self._fold(self.line)
        elif self.field is not None and self.field.choices:
            self.step(1)
        elif self.field is not None:
            self._edit(self.values[self.field.path])

    def _fold(self, topic: Topic, opened: bool | None = None) -> None:
        self.lines.fold(topic, opened)
        self._fill()

    def step(self, step: int) -> None:
        """The next allowed value, round the end; on a topic: open (1) or close (-1)."""
        field = self.field
        if isinstance(self.line, Topic):
            self._fold(self.line, step > 0)
        elif field is not None and field.choices:
            place = field.choices.index(self.values[field.path])
            self.set_value(field.path, field.choices[(place + step) % len(field.choices)])

    def type_text(self, text: str) -> None:
        """A letter jumps to the next allowed value that begins with it, or begins to replace the text of the field."""
        field = self.field
        if self.lines.sought is not None:
            self.seek(self.lines.sought + text)
        elif isinstance(self.line, Topic):
            if text.strip():
                self.seek(text)
            elif text:
                self._fold(self.line)
        elif field is None:
            return
        elif field.choices:
            self._jump(field, text)
        elif self._editing == field.path:
            self.editor.insert_text_at_cursor(text)  # typed so quickly that the text field had no focus yet
            self._take()
        else:
            self._edit(text)

    # Searching

    def seek(self, text: str) -> None:
        """Show the fields whose names hold this; what is typed next is added to it."""
        if self.lines.sought is None:
            self._came_from = self.table.cursor_key
        self.lines.sought = text
        self._fill()
        self.table.cursor = 0
        told = self.query_one("#sought", Static)
        told.display = True
        found = plural(len(self.table.keys), "field") if self.table.keys else f"no such field{self._value_meant()}"
        told.update(
            Content.assemble(
                ("/", "bold $primary"),
                (text[-LONGEST_SHOWN:], "bold"),
                (" ", "reverse"),
                (f"  {found}, esc leaves", "$faint"),
            )
        )

    def _value_meant(self) -> str:
        """A path begins as a search does: enter then takes it for a value."""
        field = self._at(self._came_from)
        return f"; enter sets {field.path}" if isinstance(field, Field) and field.path in FIELDS else ""

    def _found(self, key: int | None) -> None:
        """End the search on a line; the topic of a field is opened."""
        field = self._at(key)
        topic = self.lines.topic(field.path) if isinstance(field, Field) else None
        if topic is not None:
            self.lines.fold(topic, opened=True)
        self.lines.sought = None
        self._fill()
        if key is not None:
            self.table.move_to(key)
        self.query_one("#sought", Static).display = False

    def seeks(self, key: str, letter: str | None) -> bool:
        """Whether a key belongs to the search: `/` begins it, arrows go through what was found, enter goes there."""
        sought = self.lines.sought
        if sought is None:
            if letter != "/" or self._editing is not None:
                return False
            self.seek("")
        elif letter:
            self.seek(sought + letter)
        elif key == "backspace":
            self.seek(sought[:-1]) if sought else self._found(self._came_from)
        elif key in ("enter", "tab"):
            self._end_search(sought)
        elif key == "escape":
            self._found(self._came_from)
        else:
            return False
        return True

    def _end_search(self, sought: str) -> None:
        found, meant = self.table.cursor_key, self._value_meant()
        if found is None and not meant:
            return
        self._found(self._came_from if found is None else found)
        if found is None and self.field is not None:
            self.set_value(self.field.path, f"/{sought}")

    def _jump(self, field: Field, text: str) -> None:
        start = field.choices.index(self.values[field.path]) + 1
        ahead = [*field.choices[start:], *field.choices[:start]]
        found = ahead[0] if text == " " else next((value for value in ahead if text and value.startswith(text)), None)
        if found is not None:
            self.set_value(field.path, found)

    # Editing

    def _edit(self, text: str) -> None:
        """Lay the text field over the line of the field under the cursor."""
        if self.field is None:
            return
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
