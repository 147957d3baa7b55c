"""A window with a few lines to fill in: text is typed, choices are stepped through, enter does it. What was said is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from db.user_error import UserError
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.tui.screens.dialogs import keys_line

Values = Mapping[str, str]


@dataclass(frozen=True)
class Line:
    """One thing that is asked for."""

    name: str
    title: str
    value: str = ""
    choices: Sequence[tuple[str, str]] = ()
    """(value, words); none is a text."""
    help: str = ""
    first: bool = False
    """Typing begins here."""
    fresh: bool = True
    """What is typed replaces the value; else it is added, as to a path."""


class Pick(Static, can_focus=True):
    """One of several values, stepped through with left, right and blank."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "next", tooltip="next of the choices", id="sheet.next"),
        Binding("left,h", "step(-1)", "previous", tooltip="previous of the choices", show=False, id="sheet.previous"),
    ]

    def __init__(self, line: Line, changed: Callable[[], None]) -> None:
        super().__init__(id=f"sheet-{line.name}")
        self.choices, self._changed = tuple(line.choices), changed
        values = [value for value, _ in self.choices]
        self.place = values.index(line.value) if line.value in values else 0

    @property
    def value(self) -> str:
        """The value that is chosen."""
        return self.choices[self.place][0]

    def render(self) -> Content:
        """The words between the signs that say that there are others."""
        return Content(f"{glyph('left')} {self.choices[self.place][1]} {glyph('right')}")

    def action_step(self, step: int) -> None:
        """Take another one."""
        self.place = (self.place + step) % len(self.choices)
        self.refresh(layout=True)
        self._changed()


class Sheet(ModalScreen[dict[str, str] | None]):
    """Asks for several lines at once; returns what they say, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "cancel", id="sheet.cancel"),
        Binding("down,tab", "line(1)", "next line", show=False, priority=True, id="sheet.down"),
        Binding("up,shift+tab", "line(-1)", "line above", show=False, priority=True, id="sheet.up"),
        Binding("enter", "done", "do it", priority=True, id="sheet.done"),
    ]

    def __init__(
        self,
        heading: str,
        lines: Sequence[Line],
        *,
        detail: str = "",
        check: Callable[[Values], str | None] = lambda _: None,
        told: Callable[[Values], str] = lambda _: "",
        adapt: Callable[[Values], Values] = dict,
    ) -> None:
        """`check` raises UserError, or says what is wrong, before the window closes; `told` says more with every change, and
        `adapt` gives the values after a choice was changed."""
        super().__init__()
        self.heading, self.lines, self.detail = heading, tuple(lines), detail
        self._check, self._told, self._adapt = check, told, adapt

    def compose(self) -> ComposeResult:
        """Heading, lines, what is said of them, keys."""
        with Vertical(classes="dialog sheet"):
            yield Static(_heading(self.heading, self.detail))
            with VerticalScroll(can_focus=False):
                for line in self.lines:
                    with Horizontal(classes="line"):
                        yield Static(line.title, classes="title", markup=False)
                        yield self._field(line)
            yield Static("", id="told", markup=False)
            yield Static("", id="problem", markup=False)
            yield keys_line(("enter", "do it"), (f"{glyph('left')} {glyph('right')}", "change"), ("esc", "cancel"))

    def _field(self, line: Line) -> Widget:
        if line.choices:
            return Pick(line, self._picked)
        return Input(
            line.value, placeholder=line.help, compact=True, id=f"sheet-{line.name}", select_on_focus=line.fresh
        )

    @property
    def fields(self) -> list[Input | Pick]:
        """What can be filled in, from top to bottom."""
        return [field for field in self.query("Input, Pick") if isinstance(field, Input | Pick)]

    @property
    def values(self) -> dict[str, str]:
        """What the lines say now."""
        return {line.name: field.value.strip() for line, field in zip(self.lines, self.fields, strict=True)}

    def on_mount(self) -> None:
        """Begin where typing is meant to, else at the first line that is a text: a choice has a value already."""
        fields = self.fields
        meant = [field for line, field in zip(self.lines, fields, strict=True) if line.first]
        texts = [field for field in fields if isinstance(field, Input)]
        self.set_focus((meant or texts or fields)[0])
        self._say()

    def action_line(self, step: int) -> None:
        """Go to another line."""
        fields = self.fields
        here = next((place for place, field in enumerate(fields) if field is self.focused), 0)
        self.set_focus(fields[(here + step) % len(fields)])
        self._say()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Say more."""
        event.stop()
        self._say()

    def on_click(self, event: events.Click) -> None:
        """A click on a choice takes the next one."""
        if isinstance(event.widget, Pick):
            event.widget.action_step(1)

    def _picked(self) -> None:
        adapted = self._adapt(self.values)
        for line, field in zip(self.lines, self.fields, strict=True):
            if isinstance(field, Input) and field.value.strip() != adapted[line.name]:
                field.value = adapted[line.name]
        self._say()

    def _say(self) -> None:
        told = self.query_one("#told", Static)
        words = self._told(self.values)
        told.update(words)
        told.display = bool(words)
        self._refuse("")

    def _refuse(self, sentence: str) -> None:
        problem = self.query_one("#problem", Static)
        problem.update(sentence)
        problem.display = bool(sentence)

    def action_done(self) -> None:
        """Close with what the lines say, unless something is wrong with it."""
        values = self.values
        try:
            wrong = self._check(values)
        except UserError as error:
            wrong = str(error)
        if wrong:
            self._refuse(wrong)
        else:
            self.dismiss(values)


def _heading(heading: str, detail: str) -> Content:
    return Content.assemble((heading, "bold"), (f"\n{detail}" if detail else "", "$faint"))
