"""A page with a filter line above its list: opened with `/`, applied while typing, its bad terms named below it."""

from __future__ import annotations

from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input, Static

from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.widgets.table import LineTable

TYPING_S = 0.15


class FilteredPage(PageScreen):
    """Subclasses yield `filter_line()`, have a `table`, and read again in `filter_changed()`."""

    AUTO_FOCUS = "LineTable"
    """Not the line, which would be the first: hidden as it is, it would take the first keys."""
    where: str = ""
    _typing: Timer | None = None

    def filter_line(self, placeholder: str) -> ComposeResult:
        """The line, and place for what is wrong with it."""
        field = Input(placeholder=placeholder, id="filter", compact=True)
        field.display = False
        yield field
        yield Static("", id="filter-error", markup=False)

    @property
    def table(self) -> LineTable:
        """The list below the line."""
        raise NotImplementedError

    def filter_changed(self) -> None:
        """`where` is another one."""
        raise NotImplementedError

    def open_filter(self) -> None:
        """Show the line and type into it."""
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)  # at once: `focus()` lets the next letters pass for commands

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing, a moment after the last letter."""
        event.stop()
        if self._typing is not None:
            self._typing.stop()
        self._typing = self.set_timer(TYPING_S, self._apply)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter goes back to the list."""
        event.stop()
        self._apply()
        self.query_one("#filter").display = bool(self.where)
        self.table.focus()

    def _apply(self) -> None:
        where = self.query_one("#filter", Input).value.strip()
        if where != self.where:
            self.where = where
            self.filter_changed()

    def refuse_filter(self, sentence: str) -> None:
        """Name what is wrong with the filter; nothing when it is right."""
        line = self.query_one("#filter-error", Static)
        line.update(sentence)
        line.display = bool(sentence)

    def leave_filter(self) -> bool:
        """Clear the filter and close its line; False where there is none."""
        field = self.query_one("#filter", Input)
        if not field.display and not self.where:
            return False
        field.value, self.where, field.display = "", "", False
        self.refuse_filter("")
        self.table.focus()
        self.filter_changed()
        return True
