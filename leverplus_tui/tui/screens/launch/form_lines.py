"""The lines of a form: fields with their values, topics that are folded, and `/`, which finds a field by its name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from textual.containers import Container
from textual.content import Content
from textual.message import Message
from textual.widgets import Static

from leverplus_tui.jobs.named_paths import FIELDS
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.screens.launch.field_table import FieldTable, field_row, topic_row
from leverplus_tui.tui.screens.launch.topics import Lines, Topic
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.widgets.spec_fields import Field
from leverplus_tui.tui.widgets.table import LineTable, Row

LONGEST_SHOWN = 20
"""Letters of a search that are shown."""


class FormLines(Container):
    """Values and lines of a form for one kind of job; subclasses say how a field is edited."""

    @dataclass
    class Changed(Message):
        """Some field has another value."""

    @dataclass
    class Entered(Message):
        """The cursor is on a field, or on the title of a topic."""

        line: Field | Topic

    def __init__(self, held: FormValues, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.held = held
        self.fields = held.fields
        self.lines = Lines(held.kind, list(self.fields))
        self._came_from: int | None = None
        """Where the cursor was before the search."""

    def on_mount(self) -> None:
        """Show the values."""
        self._fill()

    @property
    def table(self) -> FieldTable:
        """The lines."""
        return self.query_one(FieldTable)

    @property
    def values(self) -> Mapping[str, str]:
        """The text of every field."""
        return self.held.texts

    def set_value(self, path: str, text: str) -> None:
        """Give a field a value, as if it had been typed."""
        self.held.put(path, text)
        self._draw()
        self.post_message(self.Changed())

    def reset(self) -> None:
        """Put the default of the field under the cursor back."""
        if self.field is not None:
            self.set_value(self.field.path, self.field.default)

    def begin(self, text: str) -> None:
        """Edit the field under the cursor, with this text in it."""
        raise NotImplementedError

    # Drawing

    def _fill(self) -> None:
        """Draw all lines anew, and show those that are in view now."""
        self._draw()
        self.table.set_keys(self.lines.shown())

    def _draw(self) -> None:
        self.table.marked = [self.lines.key(path) for path in self.fields if self.held.changed(path)]
        self.table.put_rows({key: self._row(line) for key, line in enumerate(self.lines.all)})

    def _row(self, line: str | Topic) -> Row:
        if isinstance(line, Topic):
            return topic_row(line, sum(map(self.held.changed, line.paths)), opened=line.title in self.lines.opened)
        indented = not self.lines.sought and self.lines.topic(line) is not None
        told = self.held.told(line) if self.held.changed(line) else ""
        return field_row(self.fields[line], self.values[line], told, indented=indented)

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

    # Going to a line

    def go_to(self, path: str) -> None:
        """Put the cursor on a field, and open its topic."""
        topic = self.lines.topic(path)
        if topic is not None:
            self.lines.fold(topic, opened=True)
        self.lines.sought = None
        self.query_one("#sought", Static).display = False
        self._fill()
        self.table.move_to(self.lines.key(path))

    def fold(self, topic: Topic, opened: bool | None = None) -> None:
        """Open or close a topic."""
        self.lines.fold(topic, opened)
        self._fill()

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """Tell which line the cursor is on, for its help text."""
        event.stop()
        if self.line is not None:
            self.post_message(self.Entered(self.line))

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
        found = (
            plural(len(self.table.keys), "field") if self.table.keys else shown(f"no such field{self._value_meant()}")
        )
        told.update(
            Content.assemble(
                ("/", "bold $primary"),
                (text[-LONGEST_SHOWN:], "bold"),
                (" ", "reverse"),
                (shown(f"  {found}, esc leaves"), "$faint"),
            )
        )

    def _takes_path(self) -> Field | None:
        """The field from which the search began, where it takes paths: a path begins as a search does."""
        field = self._at(self._came_from)
        return field if isinstance(field, Field) and field.path in FIELDS else None

    def _value_meant(self) -> str:
        field = self._takes_path()
        return shown(f"; enter sets {field.path}, tab completes") if field is not None else ""

    def found(self, key: int | None) -> None:
        """End the search on a line; the topic of a field is opened."""
        line = self._at(key)
        if isinstance(line, Field):
            self.go_to(line.path)
            return
        self.lines.sought = None
        self._fill()
        if key is not None:
            self.table.move_to(key)
        self.query_one("#sought", Static).display = False

    def searches(self, key: str, letter: str | None) -> bool:
        """Whether a key belongs to the search: `/` begins it, arrows go through what was found, enter goes there."""
        sought = self.lines.sought
        if sought is None:
            if letter != "/":
                return False
            self.seek("")
        elif letter:
            self.seek(sought + letter)
        elif key == "backspace":
            self.seek(sought[:-1]) if sought else self.found(self._came_from)
        elif key in ("enter", "tab"):
            self._end_search(sought, complete=key == "tab")
        elif key == "escape":
            self.found(self._came_from)
        else:
            return False
        return True

    def _end_search(self, sought: str, *, complete: bool) -> None:
        found, field = self.table.cursor_key, self._takes_path()
        if found is None and field is None:
            return
        self.found(self._came_from if found is None else found)
        if found is None and field is not None:
            self.begin(f"/{sought}") if complete else self.set_value(field.path, f"/{sought}")
