"""A window with a few lines to fill in: text is typed, choices are stepped through, enter does it. What was said is remembered."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, cast

from rich.cells import cell_len
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
from leverplus_tui.text.language import shown
from leverplus_tui.tui.screens.choosing import AROUND
from leverplus_tui.tui.screens.dialogs import keys_line
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.picking.field import PickField, PickInput
from leverplus_tui.tui.widgets.picking.offers import Entry, Source

Values = Mapping[str, str]
NARROWEST, WIDEST = 15, 26
"""Cells for the titles of lines."""


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
    source: Source | None = None
    """What is offered below while it is typed."""
    listed: bool = False
    """Several are typed, with commas between them."""


class Pick(Static, can_focus=True):
    """One of several values, stepped through with left, right and blank."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,l,space", "step(1)", "next", tooltip="next of the choices", id="sheet.next"),
        Binding("left,h", "step(-1)", "previous", tooltip="previous of the choices", show=False, id="sheet.previous"),
    ]

    def __init__(self, line: Line, changed: Callable[[], None], name: str) -> None:
        super().__init__(id=name)
        self.choices, self._changed = tuple(line.choices), changed
        values = [value for value, _ in self.choices]
        self.place = values.index(line.value) if line.value in values else 0

    @property
    def value(self) -> str:
        """The value that is chosen."""
        return self.choices[self.place][0]

    def render(self) -> Content:
        """The words between the signs that say that there are others."""
        return Content(f"{glyph('left')} {shown(self.choices[self.place][1])} {glyph('right')}")

    def action_step(self, step: int) -> None:
        """Take another one."""
        self.place = (self.place + step) % len(self.choices)
        self.refresh(layout=True)
        self._changed()


class LineField(PickField):
    """A field with a list, in one line. The list would lie over the lines below, so it comes when something is typed, or tab."""

    def make_input(self, value: str, placeholder: str) -> PickInput:
        """The text field."""
        return PickInput(value, placeholder=placeholder, select_on_focus=False, compact=True)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Offer nothing yet."""
        event.prevent_default()


Field = Input | PickField | Pick


class Sheet(ModalScreen[dict[str, str] | None]):
    """Asks for several lines at once; returns what they say, or nothing."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "cancel", id="sheet.cancel"),
        Binding("down", "line(1, 'down')", "next line", show=False, priority=True, id="sheet.down"),
        Binding(
            "tab",
            "line(1, 'tab')",
            "next line",
            tooltip="complete a path, or next line",
            show=False,
            priority=True,
            id="sheet.tab",
        ),
        Binding("up", "line(-1, 'up')", "line above", show=False, priority=True, id="sheet.up"),
        Binding("shift+tab", "line(-1, '')", "line above", show=False, priority=True, id="sheet.back"),
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
        self.refused = ""
        """What is wrong with the lines, as it stands below them."""

    def compose(self) -> ComposeResult:
        """Heading, lines, what is said of them, keys."""
        with Vertical(classes="dialog sheet"):
            yield Static(_heading(self.heading, self.detail))
            with VerticalScroll(can_focus=False):
                for line in self.lines:
                    with Horizontal(classes="line"):
                        yield self._title(line)
                        yield self._field(line)
            yield Static("", id="told", markup=False)
            yield Static("", id="problem", markup=False)
            yield keys_line(("enter", "do it"), (f"{glyph('left')} {glyph('right')}", "change"), ("esc", "cancel"))

    def _title(self, line: Line) -> Static:
        title = Static(shown(line.title), classes="title", markup=False)
        title.styles.width = min(WIDEST, max(NARROWEST, *(cell_len(shown(one.title)) + 2 for one in self.lines)))
        return title

    def _field(self, line: Line) -> Widget:
        name = f"sheet-{line.name}"
        if line.choices:
            return Pick(line, self._picked, name)
        if line.source is not None:
            offered = LineField(line.source, line.value, placeholder=shown(line.help), id=name)
            offered.listed = line.listed
            return offered
        return Input(line.value, placeholder=shown(line.help), compact=True, id=name, select_on_focus=line.fresh)

    @property
    def fields(self) -> list[Field]:
        """What can be filled in, from top to bottom."""
        return [cast(Field, self.query_one(f"#sheet-{line.name}")) for line in self.lines]

    @property
    def here(self) -> int:
        """The line that is typed into."""
        focused = self.focused
        return next((place for place, one in enumerate(self.fields) if focused in (one, *one.children)), 0)

    def _go(self, place: int) -> None:
        field = self.fields[place]
        self.set_focus(field.input if isinstance(field, PickField) else field)
        if isinstance(field, PickField) and self.lines[place].fresh:
            field.input.select_all()

    @property
    def values(self) -> dict[str, str]:
        """What the lines say now."""
        return {line.name: field.value.strip() for line, field in zip(self.lines, self.fields, strict=True)}

    @property
    def offers(self) -> Sequence[Entry]:
        """What is offered for the line that is typed into."""
        field = self.fields[self.here]
        return field.entries if isinstance(field, PickField) else ()

    def on_mount(self) -> None:
        """Begin where typing is meant to, else at the first line that is a text: a choice has a value already."""
        fields = self.fields
        meant = [place for place, line in enumerate(self.lines) if line.first]
        texts = [place for place, field in enumerate(fields) if not isinstance(field, Pick)]
        self._go((meant or texts or [0])[0])
        self._say()

    def on_resize(self) -> None:
        """Lines scroll where there is no room for all of them and for the keys below."""
        self.query_one(VerticalScroll).styles.max_height = max(3, self.size.height * 9 // 10 - AROUND)

    async def action_line(self, step: int, key: str) -> None:
        """Go to another line, unless the key was meant for the list below this one."""
        field = self.fields[self.here]
        if not (isinstance(field, PickField) and key and await field.takes(key)):
            self._go((self.here + step) % len(self.lines))
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
            text = field.input if isinstance(field, PickField) else field
            if isinstance(text, Input) and text.value.strip() != adapted[line.name]:
                text.value = adapted[line.name]
        self._say()

    def _say(self) -> None:
        told = self.query_one("#told", Static)
        words = self._told(self.values)
        told.update(words)
        told.display = bool(words)
        self._refuse("")

    def _refuse(self, sentence: str) -> None:
        self.refused = sentence = in_app(shown(sentence))
        problem = self.query_one("#problem", Static)
        problem.update(sentence)
        problem.display = bool(sentence)

    async def action_done(self) -> None:
        """Close with what the lines say, unless something is wrong with it; a line of the list is taken first."""
        field = self.fields[self.here]
        if isinstance(field, PickField) and field.in_list:
            if not await field.takes("enter"):
                self._go(min(self.here + 1, len(self.lines) - 1))
            return
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
    return Content.assemble((shown(heading), "bold"), (f"\n{shown(detail)}" if detail else "", "$faint"))
