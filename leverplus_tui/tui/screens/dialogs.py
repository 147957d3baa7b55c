"""Small windows that ask or tell one thing, each typed by what it returns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any, ClassVar, TypeVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Input, Static

from db.user_error import UserError
from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.picking.field import PathField


def keys_line(*pairs: tuple[str, str]) -> Static:
    """The keys of a window, at its foot."""
    parts: list[str | tuple[str, str]] = []
    for key, word in pairs:
        parts += [(key, "bold $primary"), f" {shown(word)}    "]
    return Static(Content.assemble(*parts), classes="keys")


Answer = TypeVar("Answer")


class YesOrNo(ModalScreen[Answer]):
    """A question that enter does not answer, for it may have been meant for what stood there before."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("enter", "neither", show=False)]

    def action_neither(self) -> None:
        """Say which keys answer."""
        self.notify("y says yes, n says no")


class Confirm(YesOrNo[bool]):
    """Asks before something stops or is deleted; only `y` says yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "yes", id="confirm.yes"),
        Binding("n,escape", "answer(False)", "no", key_display="n", id="confirm.no"),
    ]

    def __init__(self, question: str, detail: str = "") -> None:
        super().__init__()
        self.question, self.detail = shown(question), shown(detail)

    def compose(self) -> ComposeResult:
        """The question, what follows from yes, the keys."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble((self.question, "bold"), "\n\n", (self.detail, "$faint")))
            yield keys_line(("y", "yes"), ("n", "no"))

    def action_answer(self, yes: bool) -> None:
        """Close with the answer."""
        self.dismiss(yes)


class Ask(TellsFailures, ModalScreen[str | None]):
    """Asks for one line of text. With `take`, what is done with it is done here: what is refused keeps window and text."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "dismiss", "cancel", id="ask.cancel")]

    def __init__(
        self,
        question: str,
        *,
        detail: str = "",
        value: str = "",
        placeholder: str = "",
        may_be_empty: bool = False,
        take: Callable[[str], object] | None = None,
    ) -> None:
        """`take` is called in a thread with the text; a UserError of it is told here. What it gives is `taken`."""
        super().__init__()
        self.question, self.detail, self.value, self.placeholder = shown(question), shown(detail), value, placeholder
        self.may_be_empty = may_be_empty
        self._take = take
        self.taken: Any = None

    def compose(self) -> ComposeResult:
        """The question and a field."""
        with Vertical(classes="dialog"):
            yield Static(Content.assemble((self.question, "bold"), "\n", (self.detail, "$faint")))
            yield self.field()
            yield Static("", id="refused", markup=False)
            yield self.keys()

    def field(self) -> Widget:
        """Where the text is typed."""
        return Input(self.value, placeholder=self.placeholder)

    def keys(self) -> Static:
        """The keys, in words."""
        return keys_line(("enter", "ok"), ("esc", "cancel"))

    def on_input_changed(self, event: Input.Changed) -> None:
        """What was refused is being mended."""
        event.stop()
        self._tell("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Do it, then close with the text; nothing typed is no answer, unless it may be one."""
        event.stop()
        text = event.value.strip()
        if not text and not self.may_be_empty:
            self.dismiss(None)
        elif self._take is None:
            self.dismiss(text)
        else:
            self._try(text, self._take)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def _try(self, text: str, take: Callable[[str], object]) -> None:
        self._tell(shown("working, esc leaves"))
        try:
            self.taken = await asyncio.to_thread(take, text)
        except UserError as error:
            self._tell(in_app(shown(str(error))), refused=True)
        else:
            self.dismiss(text)

    def _tell(self, sentence: str, *, refused: bool = False) -> None:
        told = self.query_one("#refused", Static)
        told.update(sentence)
        told.set_class(refused, "-refused")
        told.display = bool(sentence)


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
        self.heading, self.text, self.error = shown(heading), shown(text), error

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
