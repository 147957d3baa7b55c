"""Settings: what the program can be told, what it was told, and in which files that stands."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events, on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.language import shown
from leverplus_tui.tui.screens.dialogs import keys_line
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable, Row

AROUND = 10
"""Lines of the window that are not the table's."""
Setting = tuple[str, str, str, Callable[[], object] | None]
"""Name, value, how it is changed, and what enter does."""


class SettingsScreen(ModalScreen[None]):
    """One line for each setting; enter changes it where that is done here."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q", "dismiss", "close", id="settings.close")]

    def __init__(self, settings: Callable[[], list[Setting]]) -> None:
        super().__init__()
        self._settings = settings
        self._shown: list[Setting] = []

    def compose(self) -> ComposeResult:
        """The lines."""
        with Vertical(classes="dialog wide"):
            yield Static(Content(shown("Settings")).stylize("bold"))
            yield LineTable([Column("name", "", 14, flex=4), Column("value", "", 14, flex=60)])
            yield Static("", id="how", markup=False)
            yield keys_line(("enter", "change"), ("esc", "close"))

    def on_mount(self) -> None:
        """Show the present state."""
        self.fill()
        self.query_one(LineTable).focus()

    def on_resize(self, event: events.Resize) -> None:
        """The lines scroll where there is no room for all."""
        self.query_one(LineTable).styles.height = max(3, min(len(self._shown) + 1, event.size.height - AROUND))

    def on_screen_resume(self) -> None:
        """Back from a choice."""
        self.fill()

    def fill(self) -> None:
        """Show the present state."""
        self._shown = self._settings()
        rows: list[Row] = [
            {"name": shown(name), "value": Cell(shown(value), "accent")} for name, value, _, _ in self._shown
        ]
        self.query_one(LineTable).fill(rows)

        self.tell_how()

    @on(LineTable.Moved)
    def tell_how(self) -> None:
        """How the line under the cursor is changed stands below the lines, whole."""
        index = self.query_one(LineTable).cursor_key or 0
        self.query_one("#how", Static).update(shown(self._shown[index][2]))

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """Change it."""
        event.stop()
        act = self._shown[event.key][3]
        if act is not None:
            act()
            self.fill()


def glyph_words() -> str:
    """Which signs are drawn."""
    return "ASCII" if ascii_only() else "Unicode"
