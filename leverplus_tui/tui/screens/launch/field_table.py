"""The lines of a form and the text field over them, how a line is drawn, and which keys do what in them."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, Protocol

from textual import events
from textual.binding import Binding, BindingType
from textual.widgets import Input

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.launch.topics import Topic
from leverplus_tui.tui.widgets.picking.field import PickField, PickInput
from leverplus_tui.tui.widgets.picking.offers import Source
from leverplus_tui.tui.widgets.spec_fields import Field
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable, Row

LABEL_WIDTH = 27
COLUMNS = (
    Column("field", "field", LABEL_WIDTH),
    Column("value", "value", 16, flex=12),
    Column("told", "came from", 22, priority=1, flex=80),
)
STEPS = {"down": 1, "tab": 1, "enter": 1, "up": -1, "shift+tab": -1}
"""Keys that end editing, and by how many lines they move."""

SIGNS = ("minus", "plus", "underscore", "equals_sign", "percent_sign", "slash", "space", "comma", "full_stop")
"""Keys that bindings call by name, and that are typed here."""


class Form(Protocol):
    """What the lines ask of the form that they stand in."""

    def step(self, step: int) -> None:
        """Take the next or previous allowed value; open or close a topic."""

    def type_text(self, text: str) -> None:
        """Take what was typed; nothing empties the field."""

    def reset(self) -> None:
        """Put the default back."""

    def seek(self, text: str) -> None:
        """Search for a field."""

    def seeks(self, key: str, letter: str | None) -> bool:
        """Whether a key belongs to a search."""


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
        Binding(
            "enter",
            "choose",
            "edit",
            tooltip="edit this field; letters and digits replace its text, so that 1 to 4 lead to no page from here",
            id="form.edit",
        ),
        Binding(
            "right",
            "step(1)",
            "change",
            key_display="left right",
            tooltip="next of the allowed values",
            id="form.change",
        ),
        Binding("left", "step(-1)", "previous of the allowed values", show=False, id="form.change-back"),
        Binding("slash", "seek", "find", key_display="/", tooltip="find a field by its name", id="form.find"),
        Binding("ctrl+z", "reset", "default", tooltip="put the default of this field back", id="form.default"),
        Binding("backspace,delete", "typed('')", "empty the field", show=False, id="form.empty"),
    ]

    def __init__(self, form: Form) -> None:
        super().__init__(COLUMNS)
        self._form = form

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """What is typed here is text: help and footer leave out the keys of page and program that are letters, digits or signs."""
        return key in SIGNS or (character is not None and character.isprintable() and character != "?")

    def action_step(self, step: int) -> None:
        """Take the next or previous allowed value; open or close a topic."""
        self._form.step(step)

    def action_typed(self, text: str) -> None:
        """Tell what was typed; nothing empties the field."""
        self._form.type_text(text)

    def action_seek(self) -> None:
        """Begin to search."""
        self._form.seek("")

    def action_reset(self) -> None:
        """Put the default back."""
        self._form.reset()

    def on_key(self, event: events.Key) -> None:
        """Letters, digits and signs begin to edit or to search; `?` alone still asks for the keys."""
        letter = event.character if event.is_printable and event.character != "?" else None
        if self._form.seeks(event.key, letter):
            event.stop()
            event.prevent_default()
        elif letter:
            event.stop()
            self._form.type_text(letter)
        elif event.key in ("down", "up", "tab", "shift+tab"):
            event.stop()
            event.prevent_default()
            self.action_move(STEPS[event.key])

    def on_paste(self, event: events.Paste) -> None:
        """A pasted text is typed text."""
        event.stop()
        self._form.type_text(event.text.replace("\n", " "))


class EditorInput(PickInput):
    """The text in it; what the list does not take keeps what was typed (enter, tab, arrows) or puts back what was there before."""

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

    async def handle(self, event: events.Key) -> bool:
        """Whether the key was one of ours."""
        if event.key == "escape":
            self._restored()
        elif event.key in STEPS:
            self._left(STEPS[event.key])
        return event.key == "escape" or event.key in STEPS


class FieldEditor(PickField):
    """The text field that lies over a line; arrows, tab and enter keep what was typed, escape what was there before."""

    def __init__(self, left: Callable[[int], None], restored: Callable[[], None]) -> None:
        super().__init__(lambda _: ())
        self._left, self._restored = left, restored

    def make_input(self, value: str, placeholder: str) -> PickInput:
        """The text field, which also knows how to be left."""
        return EditorInput(self._left, self._restored)

    def open(self, source: Source, text: str, *, closed: bool, untouched: bool) -> None:
        """Begin with this text. `untouched`: until it is changed all is offered, and not only what begins like it."""
        self.source, self.closed, self.listed = source, closed, True
        self.untouched = text if untouched else None
        with self.input.prevent(Input.Changed):
            self.input.value = text
        self.input.cursor_position = len(text)
        self.display = True
        self.look()

    def close(self) -> None:
        """Go out of sight."""
        self.close_list()
        self.display = False


def topic_row(topic: Topic, changed: int, *, opened: bool) -> Row:
    """The title of a topic, with how many of its fields were changed."""
    count = plural(len(topic.paths), "field")
    told = Cell(shown(f"{changed} of {len(topic.paths)} changed"), "accent") if changed else Cell(count, "faint")
    return {"field": Cell(f"{glyph('open' if opened else 'closed')} {shown(topic.title)}", "strong"), "value": told}


def field_row(field: Field, text: str, told: str, *, indented: bool) -> Row:
    """A field and its value; one that was changed in another colour, with what it came from beside it."""
    role = "accent" if told else ""
    words = f"{glyph('left')} {text} {glyph('right')}" if text in field.choices else clean(text)
    value = (
        Cell(words, role)
        if words
        else Cell(shown("required") if field.required else "-", "warn" if field.required else "faint")
    )
    return {
        "field": Cell(f"  {field.path}" if indented else field.path, role),
        "value": value,
        "told": Cell(clean(told), "faint"),
    }
