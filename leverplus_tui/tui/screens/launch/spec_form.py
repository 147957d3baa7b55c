"""The fields of a specification as a form, made from the specification itself: field docstrings are the help texts.

What is set first stands open, the rest is folded by topic, and `/` finds a field by its name. One line for each field in
one table, and one text field that lies over the line being edited and offers what is known of its values: a form of eighty
fields opens as quickly as one of five.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from textual.app import ComposeResult
from textual.message import Message
from textual.widgets import Input, Static

from db.specs import JobSpec
from leverplus_tui.jobs.named_paths import FIELDS
from leverplus_tui.tui.screens.launch.field_table import LABEL_WIDTH, FieldEditor, FieldTable
from leverplus_tui.tui.screens.launch.form_lines import FormLines
from leverplus_tui.tui.screens.launch.topics import Topic
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.widgets.picking.offers import Entry, Source, narrowed
from leverplus_tui.tui.widgets.picking.paths import is_path, paths
from leverplus_tui.tui.widgets.spec_fields import Field
from leverplus_tui.tui.widgets.table import GUTTER, LineTable

Known = Callable[[Field], Sequence[Entry]]
"""What is known of a field's values; called in a thread."""
FEW = 3
"""Allowed values that letters jump between; among more of them the one that is meant is typed."""


class SpecForm(FormLines):
    """A form for one kind of job; `to_spec` and `load_spec` are its two ends."""

    DEFAULT_CSS = """
    SpecForm { height: 1fr; layers: below above; }
    SpecForm > FieldTable { layer: below; }
    SpecForm > #sought { layer: below; dock: bottom; height: 1; padding: 0 1; background: $surface; display: none; }
    SpecForm > FieldEditor {
        layer: above;
        position: absolute;
        height: 1;
        display: none;
        & > PickInput {
            height: 1;
            border: none;
            padding: 0;
            background: $block-cursor-background;
            color: $block-cursor-foreground;
        }
    }
    """

    @dataclass
    class Refused(Message):
        """A field was to be left with a text that it cannot have; it is still being edited. An empty sentence: no more."""

        sentence: str

    def __init__(self, held: FormValues, known: Known, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(held, id=id)
        self._known = known
        self._entries: dict[str, Sequence[Entry]] = {}
        self._editing: str | None = None
        self._before = ""
        """The value of the field that is edited, as it was before."""

    def compose(self) -> ComposeResult:
        """The lines, the line of a search, and the text field that is laid over one of the lines."""
        yield FieldTable(self)
        yield Static("", id="sought", markup=False)
        yield FieldEditor(self._leave, self._restore)

    @property
    def editor(self) -> FieldEditor:
        """The text field."""
        return self.query_one(FieldEditor)

    # The two ends

    def load_spec(self, spec: JobSpec, source: str = "before") -> None:
        """Show this specification; parts of it that the form does not show are kept."""
        self.held.load_spec(spec, source)
        self._loaded()

    def load_values(self, values: Mapping[str, str], source: str = "before") -> None:
        """Show some values as they would be typed."""
        self.held.load(values, source)
        self._loaded()

    def _loaded(self) -> None:
        self._fill()
        self.post_message(self.Changed())

    def to_spec(self) -> JobSpec:
        """The specification that the fields say, of a sweep the first one. Raises FieldRefused."""
        return self.held.spec()

    # Keys on a line

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Enter edits what is there, takes the next allowed value, or opens a topic and closes it."""
        event.stop()
        field = self.field
        if self.lines.sought is not None:
            self.found(self.table.cursor_key)
        elif isinstance(self.line, Topic):
            self.fold(self.line)
        elif field is not None and 0 < len(field.choices) <= FEW and self.values[field.path] in field.choices:
            self.step(1)
        elif field is not None:
            self._edit(self.values[field.path], untouched=True)

    def step(self, step: int) -> None:
        """The next allowed value, round the end; on a topic: open (1) or close (-1)."""
        field = self.field
        if isinstance(self.line, Topic):
            self.fold(self.line, step > 0)
        elif field is not None and field.choices:
            now = self.values[field.path]
            place = field.choices.index(now) if now in field.choices else -max(0, step)
            self.set_value(field.path, field.choices[(place + step) % len(field.choices)])

    def type_text(self, text: str) -> None:
        """Begin to replace the text of the field; among few allowed values a letter takes the next that begins with it."""
        field = self.field
        if self.lines.sought is not None:
            self.seek(self.lines.sought + text)
        elif isinstance(self.line, Topic):
            if text.strip():
                self.seek(text)
            elif text:
                self.fold(self.line)
        elif field is None:
            return
        elif self._editing == field.path:
            self.editor.input.insert_text_at_cursor(text)  # typed so quickly that the text field had no focus yet
            self._take()
        elif field.choices and text == ",":
            self._edit(f"{self.values[field.path]},")
        elif field.choices and (text.isspace() or not text or len(field.choices) <= FEW):
            self._jump(field, text)
        else:
            self._edit(text)

    def seeks(self, key: str, letter: str | None) -> bool:
        """Whether a key belongs to a search."""
        return self._editing is None and self.searches(key, letter)

    def _jump(self, field: Field, text: str) -> None:
        now = self.values[field.path]
        start = field.choices.index(now) + 1 if now in field.choices else 0
        ahead = [*field.choices[start:], *field.choices[:start]]
        found = ahead[0] if text == " " else next((value for value in ahead if text and value.startswith(text)), None)
        if found is not None:
            self.set_value(field.path, found)

    # Editing

    def begin(self, text: str) -> None:
        """Edit the field under the cursor, with this text in it."""
        self._edit(text)

    def _edit(self, text: str, *, untouched: bool = False) -> None:
        """Lay the text field over the line of the field under the cursor."""
        field = self.field
        if field is None:
            return
        self._take()
        self._editing = field.path
        self._before = self.values[field.path]
        line = self.table.cursor + 1 - self.table.scroll_offset.y
        left = GUTTER + LABEL_WIDTH + 1
        self.editor.styles.offset = (left, line)
        self.editor.styles.width = max(10, self.table.scrollable_content_region.width - left)
        self.editor.display = True
        self.editor.open(self._offers(field), text, closed=bool(field.choices), untouched=untouched)
        self.screen.set_focus(self.editor.input)
        if untouched and text and (field.choices or text == field.default):
            self.editor.input.select_all()  # nobody adds letters to it: what is typed takes its place
        self._take()

    def _offers(self, field: Field) -> Source:
        """What can be put into a field: what is known, or files where a path is typed."""

        def offers(text: str) -> Sequence[Entry]:
            if field.path in FIELDS and is_path(text):
                return paths(text)
            if field.path not in self._entries:
                self._entries[field.path] = self._known(field)
            return narrowed(self._entries[field.path], text)

        return offers

    def _take(self) -> None:
        """What is in the text field counts at once, so that the command follows; of allowed values, when one is whole."""
        if self._editing is None or self.values[self._editing] == self.editor.value:
            return
        if not self.fields[self._editing].choices or self._is_whole(self._editing, self.editor.value):
            self.set_value(self._editing, self.editor.value)

    def _is_whole(self, path: str, text: str) -> bool:
        return "," in text or text in self.fields[path].choices

    def on_input_changed(self, event: Input.Changed) -> None:
        """Typing."""
        event.stop()
        self._take()
        self.post_message(self.Refused(""))

    def _restore(self) -> None:
        """Close the text field and put back what was there before."""
        if self._editing is not None:
            self.set_value(self._editing, self._before)
        self._close(0)

    def _leave(self, step: int) -> None:
        """Close the text field and go on by lines; a text that the field cannot have stays in it."""
        if self._editing is None:
            return
        path, text = self._editing, self.editor.value
        if self.fields[path].choices and not text.strip():
            self.set_value(path, self._before)
        elif self.values[path] != text:
            self.set_value(path, text)
        if sentence := self.held.refusal(path):
            self.post_message(self.Refused(sentence))
            return
        self._close(step)

    def _close(self, step: int) -> None:
        self._editing = None
        self.editor.close()
        self.screen.set_focus(self.table)
        self.table.action_move(step)
        self.post_message(self.Refused(""))

    def refuse(self, path: str) -> None:
        """Go to a field that is wrong, and edit it."""
        if path not in self.fields:
            return
        if self._editing is not None:
            self._close(0)
        self.go_to(path)
        if self.fields[path].choices and self.values[path] in self.fields[path].choices:
            self.screen.set_focus(self.table)
        else:
            self._edit(self.values[path], untouched=True)
