"""Small windows that ask or tell one thing, each typed by what it returns."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.widgets.bars import KeyBar
from leverplus_tui.tui.widgets.table import Column, LineTable


def _keys(*pairs: tuple[str, str]) -> Static:
    parts: list[str | tuple[str, str]] = []
    for key, word in pairs:
        parts += [(key, "bold $primary"), f" {word}    "]
    return Static(Content.assemble(*parts), classes="keys")


class Confirm(ModalScreen[bool]):
    """Asks before something stops or is deleted; only `y` and enter on purpose say yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "no", key_display="n", id="confirm.no"),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        self.question, self.detail = question, detail

    def compose(self) -> ComposeResult:
        """The question, what follows from yes, the keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble((self.question, "bold"), "\n\n", (self.detail, "$faint")))
            yield _keys(("y", "yes"), ("n", "no"))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class Ask(ModalScreen[str | None]):
    """Asks for one line of text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "cancel", id="ask.cancel")]

    def __init__(
        self, question: str, *, detail: str = "", value: str = "", placeholder: str = "", may_be_empty: bool = False
    ) -> None:
        super().__init__()
        self.question, self.detail, self.value, self.placeholder = question, detail, value, placeholder
        self.may_be_empty = may_be_empty

    def compose(self) -> ComposeResult:
        """The question and a field."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble((self.question, "bold"), "\n", (self.detail, "$faint")))
            yield Input(self.value, placeholder=self.placeholder)
            yield _keys(("enter", "ok"), ("esc", "cancel"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text; nothing typed is no answer, unless it may be one."""
        event.stop()
        text = event.value.strip()
        self.dismiss(text if text or self.may_be_empty else None)


class Choose(ModalScreen[str | None]):
    """Asks for one of a few things."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "cancel", id="choose.cancel"),
        Binding("j", "option(1)", show=False),
        Binding("k", "option(-1)", show=False),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, str]], *, current: str = "") -> None:
        super().__init__()
        self.question, self.choices, self.current = question, tuple(choices), current

    def compose(self) -> ComposeResult:
        """The question and the list; `choices` are (value, words)."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question).stylize("bold"))
            yield OptionList(*(Option(Content(words), id=value) for value, words in self.choices))

    def on_mount(self) -> None:
        """Begin at the present choice."""
        values = [value for value, _ in self.choices]
        if self.current in values:
            self.query_one(OptionList).highlighted = values.index(self.current)

    def action_option(self, step: int) -> None:
        """j and k, as everywhere."""
        options = self.query_one(OptionList)
        options.action_cursor_down() if step > 0 else options.action_cursor_up()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Close with the choice."""
        event.stop()
        self.dismiss(event.option_id)


class ChooseMany(ModalScreen[frozenset[str] | None]):
    """Asks for some of several things; each has the sign of a mark while it is taken."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="choose-many.mark"),
        Binding("escape", "dismiss", "cancel", id="choose-many.cancel"),
    ]

    def __init__(self, question: str, choices: Sequence[tuple[str, str]], chosen: Collection[str]) -> None:
        super().__init__()
        self.question, self.choices, self.chosen = question, tuple(choices), chosen

    def compose(self) -> ComposeResult:
        """The question and the list; `choices` are (value, words)."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question).stylize("bold"))
            yield LineTable([Column("words", "", 20, flex=40)])
            yield _keys(("space", "take or leave"), ("enter", "ok"), ("esc", "cancel"))

    def on_mount(self) -> None:
        """Mark what is taken now."""
        table = self.query_one(LineTable)
        table.fill([{"words": words} for _, words in self.choices])
        table.marked = [place for place, (value, _) in enumerate(self.choices) if value in self.chosen]
        table.styles.height = min(len(self.choices) + 1, max(4, self.app.size.height - 10))
        table.focus()

    def action_mark(self) -> None:
        """Take or leave what is under the cursor."""
        self.query_one(LineTable).toggle_mark()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Close with what is marked."""
        event.stop()
        self.dismiss(frozenset(self.choices[place][0] for place in event.table.marked))


class Tell(ModalScreen[None]):
    """Tells something at length: an error with the place of its traceback, a list of past messages."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "close", key_display="esc", id="tell.close"),
        Binding("y", "copy", "copy", id="tell.copy"),
    ]

    def __init__(self, heading: str, text: str, *, error: bool = False) -> None:
        super().__init__()
        self.heading, self.text, self.error = heading, text, error

    def compose(self) -> ComposeResult:
        """Heading, text, keys."""
        with Vertical(classes="dialog wide"):
            yield Static(Content.assemble((self.heading, "bold $error" if self.error else "bold")))
            with VerticalScroll():
                yield Static(self.text, markup=False)
            yield KeyBar()

    def action_copy(self) -> None:
        """Copy the whole text."""
        self.post_message(CopyText(self.text, "text"))
