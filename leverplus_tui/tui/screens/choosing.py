"""Windows that ask for one or several of many things; long lists are narrowed by typing."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from leverplus_tui.text.language import shown
from leverplus_tui.tui.screens.dialogs import keys_line
from leverplus_tui.tui.widgets.table import Column, LineTable

FEW = 14
"""Choices that are seen at once; more are narrowed by typing."""
AROUND = 10
"""Lines of a window (nine tenths of the terminal at most) beside its list: frame, question, narrowing, keys."""


class Narrow(Input):
    """A line that narrows a list; blanks and arrows are the list's."""

    def __init__(self) -> None:
        super().__init__(placeholder=shown("type to narrow"), compact=True)

    def check_consume_key(self, key: str, character: str | None) -> bool:
        """Letters are typed; a blank is a key of the list."""
        return key != "space" and super().check_consume_key(key, character)

    async def _on_key(self, event: events.Key) -> None:
        if event.key == "space":
            event.prevent_default()


def _narrowed(choices: Sequence[tuple[str, str]], text: str) -> list[int]:
    """Places of the choices whose words hold all of these words."""
    parts = text.lower().split()
    return [index for index, (_, words) in enumerate(choices) if all(part in words.lower() for part in parts)]


class Choose(ModalScreen[str | None]):
    """Asks for one of several things."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "cancel", id="choose.cancel"),
        Binding("down,j", "option(1)", show=False),
        Binding("up,k", "option(-1)", show=False),
        Binding("g", "end(-1)", show=False),
        Binding("G", "end(1)", show=False),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, str]], *, current: str = "") -> None:
        super().__init__()
        self.question, self.choices, self.current = question, tuple(choices), current

    def compose(self) -> ComposeResult:
        """The question and the list; `choices` are (value, words)."""
        with Vertical(classes="dialog"):
            yield Static(Content(shown(self.question)).stylize("bold"))
            if len(self.choices) > FEW:
                yield Narrow()
            yield OptionList(*(Option(Content(words), id=value) for value, words in self.choices))

    def on_mount(self) -> None:
        """Begin at the present choice, or at the first."""
        values = [value for value, _ in self.choices]
        self.query_one(OptionList).highlighted = values.index(self.current) if self.current in values else 0

    def on_input_changed(self, event: Input.Changed) -> None:
        """Leave what the words hold."""
        event.stop()
        options = self.query_one(OptionList)
        options.clear_options()
        shown = [self.choices[index] for index in _narrowed(self.choices, event.value)]
        options.add_options(Option(Content(words), id=value) for value, words in shown)
        options.highlighted = 0 if shown else None

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes the choice under the cursor."""
        event.stop()
        if self.query_one(OptionList).highlighted is None:
            self.notify("Nothing here holds these words")
        self.query_one(OptionList).action_select()

    def action_option(self, step: int) -> None:
        """Arrows, j and k, as everywhere."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    def action_end(self, direction: int) -> None:
        """The first or the last choice."""
        options = self.query_one(OptionList)
        options.action_last() if direction > 0 else options.action_first()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the choice."""
        event.stop()
        self.dismiss(event.option_id)


class ChooseMany(ModalScreen[tuple[str, ...] | None]):
    """Asks for some of several things; each has the sign of a mark while it is taken. Returns them in the order of taking."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="choose-many.mark"),
        Binding("escape", "dismiss", "cancel", id="choose-many.cancel"),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, str]], chosen: Collection[str]) -> None:
        super().__init__()
        self.question, self.choices = question, tuple(choices)
        self.taken = [value for value, _ in choices if value in chosen]
        self._may_be_none = bool(self.taken)
        """Taking all of them off is an answer; where none was taken, none is no answer."""
        if isinstance(chosen, Sequence):
            self.taken.sort(key=list(chosen).index)

    def compose(self) -> ComposeResult:
        """The question and the list; `choices` are (value, words)."""
        with Vertical(classes="dialog"):
            yield Static(Content(shown(self.question)).stylize("bold"))
            if len(self.choices) > FEW:
                yield Narrow()
            yield LineTable([Column("words", "", 20, flex=60)])
            yield keys_line(("space", "take or leave"), ("enter", "ok"), ("esc", "cancel"))

    def on_mount(self) -> None:
        """Mark what is taken now."""
        self.table.put_rows({place: {"words": words} for place, (_, words) in enumerate(self.choices)})
        self.table.styles.height = min(len(self.choices) + 1, max(4, self.app.size.height * 9 // 10 - AROUND))
        self._show("")
        if len(self.choices) <= FEW:
            self.table.focus()

    @property
    def table(self) -> LineTable:
        """The list."""
        return self.query_one(LineTable)

    def _show(self, text: str) -> None:
        self.table.set_keys(_narrowed(self.choices, text))
        self.table.marked = [place for place in self.table.keys if self.choices[place][0] in self.taken]
        self.table.refresh()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Leave what the words hold."""
        event.stop()
        self._show(event.value)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with what is taken."""
        event.stop()
        self._close()

    def action_move(self, step: int) -> None:
        """Arrows move in the list while something is typed."""
        self.table.action_move(step)

    def action_mark(self) -> None:
        """Take or leave what is under the cursor."""
        place = self.table.cursor_key
        if place is None:
            return
        value = self.choices[place][0]
        if value in self.taken:
            self.taken.remove(value)
        else:
            self.taken.append(value)
        self.table.toggle_mark()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Close with what is taken."""
        event.stop()
        self._close()

    def _close(self) -> None:
        if self.taken or self._may_be_none:
            self.dismiss(tuple(self.taken))
        else:
            self.notify("Nothing is taken yet: space takes the line under the cursor")
