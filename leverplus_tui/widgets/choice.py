"""One line that holds one of a few values: left and right change it, a letter jumps to the next value that begins with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.message import Message
from textual.reactive import reactive
from textual.widget import Widget

from leverplus_tui.theme import glyph


class Choice(Widget, can_focus=True):
    """`‹ random ›`"""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("right,space", "step(1)", "next value", key_display="space", id="choice.next"),
        Binding("left", "step(-1)", "previous value", show=False, id="choice.previous"),
    ]
    DEFAULT_CSS = """
    Choice { height: 1; width: 1fr; background: $surface; }
    Choice:focus { background: $block-cursor-background; color: $block-cursor-foreground; }
    """

    value: reactive[str] = reactive("")

    @dataclass
    class Changed(Message):
        """Another value was chosen."""

        choice: Choice
        value: str

        @property
        def control(self) -> Choice:
            """Where it was chosen."""
            return self.choice

    def __init__(self, values: Sequence[str], value: str = "", *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.values = tuple(values)
        self.set_reactive(Choice.value, value if value in self.values else self.values[0])

    def watch_value(self, value: str) -> None:
        """Tell the new value."""
        self.post_message(self.Changed(self, value))

    def action_step(self, step: int) -> None:
        """Go to the next or previous value, round the end."""
        self.value = self.values[(self.values.index(self.value) + step) % len(self.values)]

    def on_key(self, event: events.Key) -> None:
        """A letter jumps."""
        if event.character is None or not event.character.isalnum():
            return
        start = self.values.index(self.value) + 1
        ahead = [*self.values[start:], *self.values[:start]]
        found = next((value for value in ahead if value.startswith(event.character)), None)
        if found is not None:
            event.stop()
            self.value = found

    def on_click(self) -> None:
        """A click goes to the next value."""
        self.action_step(1)

    def render(self) -> Content:
        """The value between two signs."""
        return Content.assemble((f"{glyph('left')} ", "$faint"), self.value or "none", (f" {glyph('right')}", "$faint"))
