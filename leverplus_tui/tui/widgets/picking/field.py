"""A text field that offers what it takes: a list below it that follows what is typed, and tab, which completes like a shell."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import ClassVar

from rich.cells import cell_len
from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.content import Content
from textual.widgets import Input, OptionList
from textual.widgets.option_list import Option
from textual.worker import Worker

from leverplus_tui.text.language import shown
from leverplus_tui.tui.widgets.picking.offers import Entry, Source, agreed
from leverplus_tui.tui.widgets.picking.paths import paths
from leverplus_tui.tui.widgets.text import pad, shorten_path

SHOWN = 200
"""Entries that are drawn; more are narrowed by typing."""
LIST_KEYS = ("down", "up", "tab", "enter")
WIDEST = 44
"""Cells of an entry's value, before what it is."""


class Offered(OptionList, can_focus=False):
    """The list that lies below a field, over what stands there."""

    DEFAULT_CSS = """
    Offered {
        overlay: screen;
        constrain: inside inflect;
        display: none;
        height: auto;
        max-height: 9;
        min-width: 36;
        padding: 0;
        border: none;
        background: $panel;
        text-wrap: nowrap;
        text-overflow: ellipsis;
        & > .option-list--option-highlighted { background: $row-cursor; text-style: $row-cursor-style; color: $foreground; }
    }
    """

    def show(self, entries: Sequence[Entry]) -> None:
        """Show these, none of them chosen."""
        self.clear_options()
        width = min(WIDEST, max((cell_len(entry.shown) for entry in entries[:SHOWN]), default=0))
        lines = [_line(entry, width) for entry in entries[:SHOWN]]
        self.styles.width = min(self.screen.size.width - 2, max((line.cell_length + 2 for line in lines), default=0))
        self.add_options(Option(line) for line in lines)
        self.highlighted = None
        self.display = bool(entries)


def _line(entry: Entry, width: int) -> Content:
    return Content.assemble(pad(shorten_path(entry.shown, width), width), ("  " + shown(entry.about), "$faint"))


def waits(key: str, looking: Worker[None] | None) -> bool:
    """Whether this is a key of a list that is still being looked for."""
    return key in LIST_KEYS and looking is not None and not looking.is_finished


class PickInput(Input):
    """The text of a `PickField`. Keys of the list are taken here first; what they leave is handled as in any text field."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "complete", "complete", tooltip="complete what is typed, as a shell does", id="pick.complete"),
        Binding("down", "offered(1)", "choose", key_display="down up", tooltip="go through the list", id="pick.down"),
        Binding("up", "offered(-1)", "back in the list", show=False, id="pick.up"),
    ]

    async def _on_key(self, event: events.Key) -> None:
        field = self.parent
        if (isinstance(field, PickField) and await field.takes(event.key)) or await self.handle(event):
            event.stop()
            event.prevent_default()
        else:
            await super()._on_key(event)

    async def handle(self, event: events.Key) -> bool:
        """Whether a key that the list left was taken otherwise than in any text field."""
        return False

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """The list's keys are offered while there is a list."""
        field = self.parent
        if action in ("complete", "offered"):
            return isinstance(field, PickField) and bool(field.entries)
        return True

    def action_complete(self) -> None:
        """Handled where the key arrives, so that letters typed after it come after it."""

    def action_offered(self, _: int) -> None:
        """As above."""


class PickField(Container):
    """A text field with a list of what it takes. The field's own messages (`Input.Changed`, `Input.Submitted`) come through.

    Anything can be typed; `closed` says that one of the entries is meant, so that enter takes the first that fits.
    """

    DEFAULT_CSS = """
    PickField { height: auto; }
    """
    KIND: ClassVar[type[PickInput]] = PickInput

    def __init__(
        self,
        source: Source,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(id=id)
        self.source = source
        self.closed = False
        self.listed = False
        """Whether several are typed with commas between them; the last one is being typed."""
        self.untouched: str | None = None
        """A text that stood here before: until it is changed everything is offered."""
        self.entries: Sequence[Entry] = ()
        self._begin, self._placeholder = value, placeholder
        self._looking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """The text, and the list below it."""
        yield self.make_input(self._begin, self._placeholder)
        yield Offered()

    def make_input(self, value: str, placeholder: str) -> PickInput:
        """The text field."""
        return PickInput(value, placeholder=placeholder, select_on_focus=False)

    @property
    def input(self) -> PickInput:
        """The text field."""
        return self.query_one(PickInput)

    @property
    def offered(self) -> Offered:
        """The list."""
        return self.query_one(Offered)

    @property
    def value(self) -> str:
        """What is typed."""
        return self.input.value

    @property
    def in_list(self) -> bool:
        """Whether one of the entries is under the cursor."""
        return self.offered.highlighted is not None

    # What is offered

    def on_input_changed(self, _: Input.Changed) -> None:
        """Follow what is typed."""
        self.look()

    def on_descendant_focus(self, _: events.DescendantFocus) -> None:
        """Offer what there is."""
        self.look()

    def on_descendant_blur(self, _: events.DescendantBlur) -> None:
        """Nothing is offered where nothing is typed."""
        self.close_list()

    def close_list(self) -> None:
        """Take the list away."""
        self.entries = ()
        self.offered.show(())

    def look(self) -> None:
        """Show what goes on from here."""
        self._looking = self._look()

    def keeps_back(self, key: str) -> bool:
        """Keys of the list wait for what is offered for the letters before them."""
        return waits(key, self._looking)

    @work(group="offers", exclusive=True, exit_on_error=False)
    async def _look(self) -> None:
        text = self.value
        entries = await asyncio.to_thread(self.source, self._sought(text))
        if text == self.value and self.input.has_focus:
            self._offer(entries)

    def _sought(self, text: str) -> str:
        return "" if text == self.untouched else self._split(text)[1]

    def _offer(self, entries: Sequence[Entry]) -> None:
        word = self._split(self.value)[1]
        told = [entry for entry in entries if entry.value != word]
        self.entries = told
        self.offered.show(told)
        if self.closed and word and told and len(told) == len(entries) and self.value != self.untouched:
            self.offered.highlighted = 0
        self.input.refresh_bindings()

    def _split(self, text: str) -> tuple[str, str]:
        """What is typed already, and the part that is being typed."""
        if not self.listed or "," not in text:
            return "", text
        head, _, word = text.rpartition(",")
        return f"{head},{word[: len(word) - len(word.lstrip())]}", word.lstrip()

    # Keys

    async def takes(self, key: str) -> bool:
        """Whether a key was meant for the list."""
        if key == "tab":
            return await self._complete()
        if key in ("down", "up"):
            return self._move(1 if key == "down" else -1)
        return key == "enter" and self._choose()

    async def _complete(self) -> bool:
        """Put in what all agree on; then go through them. False where there is nothing to complete."""
        head, word = self._split(self.value)
        entries = await asyncio.to_thread(self.source, word)
        further = agreed(entries, word)
        if further != word:
            self._put(head + further)
            return True
        self._offer(entries)
        return bool(self.entries) and not any(entry.value == word for entry in entries) and self._move(1)

    def _move(self, step: int) -> bool:
        """Move in the list; up from its first line leads out of it."""
        offered = self.offered
        if not self.entries or (offered.highlighted is None and step < 0):
            return False
        place = -1 if offered.highlighted is None else offered.highlighted
        place += step
        offered.highlighted = None if place < 0 else min(place, offered.option_count - 1)
        return True

    def _choose(self) -> bool:
        """Take the line under the cursor of the list; a folder is gone into, anything else goes on as enter does."""
        place = self.offered.highlighted
        if place is None or place >= len(self.entries):
            return False
        return self._take(self.entries[place])

    def _take(self, entry: Entry) -> bool:
        self._put(self._split(self.value)[0] + entry.value)
        self.close_list()
        if entry.goes_on:
            self.look()
        return entry.goes_on

    def _put(self, text: str) -> None:
        self.input.value = text
        self.input.cursor_position = len(text)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """A click takes a line."""
        event.stop()
        if event.option_index < len(self.entries):
            self._take(self.entries[event.option_index])
        self.screen.set_focus(self.input)


class PathField(PickField):
    """A text field for a path of this machine."""

    def __init__(
        self,
        value: str = "",
        *,
        placeholder: str = "",
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(paths, value, placeholder=placeholder, id=id)
