"""Small windows that ask or tell one thing, each typed by what it returns."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from leverplus_tui.tui.widgets.picking.field import PathField


def keys_line(*pairs: tuple[str, str]) -> Static:
    """The keys of a window, at its foot."""
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
            yield keys_line(("y", "yes"), ("n", "no"))

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
            yield self.field()
            yield self.keys()

    def field(self) -> Widget:
        """Where the text is typed."""
        return Input(self.value, placeholder=self.placeholder)

    def keys(self) -> Static:
        """The keys, in words."""
        return keys_line(("enter", "ok"), ("esc", "cancel"))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Close with the text; nothing typed is no answer, unless it may be one."""
        event.stop()
        text = event.value.strip()
        self.dismiss(text if text or self.may_be_empty else None)


class AskPath(Ask):
    """Asks for a path of this machine; tab completes it."""

    def field(self) -> Widget:
        """A field that offers files and folders."""
        return PathField(self.value, placeholder=self.placeholder)

    def keys(self) -> Static:
        """Tab is worth a word."""
        return keys_line(("tab", "complete"), ("enter", "ok"), ("esc", "cancel"))


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
