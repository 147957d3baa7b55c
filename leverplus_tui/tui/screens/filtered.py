"""A page of a list that is filtered and sorted: the filter opens with `/` and applies while typing, `s` and `S` sort."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual import work
from textual.app import ComposeResult
from textual.timer import Timer
from textual.widgets import Input, Static

from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.widgets.table import LineTable

TYPING_S = 0.15


class FilteredPage(PageScreen):
    """Subclasses yield `filter_line()`, have a `table`, name their `sort_fields`, read again in `select_again()`, and say in
    `answered()` that it was done."""

    AUTO_FOCUS = "LineTable"
    """Not the line, which would be the first: hidden as it is, it would take the first keys."""
    ASCENDING: ClassVar[frozenset[str]] = frozenset()
    """Fields that begin with the least; the others begin with the greatest."""
    where: str = ""
    sort: str = ""
    """A field, then `asc` or `desc`: what `--sort` takes."""
    _typing: Timer | None = None
    _from_top = False
    _entered = False
    """Enter was pressed in the line: back to the list, unless the filter is refused."""
    _answered: object = None
    """What was asked of the list in view."""

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

    @property
    def sort_fields(self) -> Sequence[str]:
        """What the list can be sorted by."""
        raise NotImplementedError

    def select_again(self) -> None:
        """`where` or `sort` is another one."""
        raise NotImplementedError

    def list_keys(self, keys: Sequence[int]) -> None:
        """Show these lines, after another sort from the first one on."""
        self.table.set_keys(keys)
        if self._from_top:
            self._from_top = False
            self.table.action_end(-1)

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
        """Enter goes back to the list once the filter is read."""
        event.stop()
        self._entered = True
        self._apply(again=True)

    def _apply(self, *, again: bool = False) -> None:
        if self._typing is not None:
            self._typing.stop()
        where = self.query_one("#filter", Input).value.strip()
        if where != self.where or again:
            self.where = where
            self.select_again()

    @property
    def asked(self) -> object:
        """What the list is to show, and how."""
        return self.where, self.sort

    def answered(self, asked: object, wrong: str = "") -> bool:
        """Whether what was read is what is asked for now; `wrong` refuses the filter. A list that comes late is no answer."""
        self._answered = asked
        if asked == self.asked:
            self.refuse_filter(wrong)
        return asked == self.asked

    def keeps_back(self, key: str) -> bool:
        """Keys wait for the list that was asked for, letters of the filter do not."""
        is_late = self.is_reading and self._answered not in (None, self.asked)
        return self._entered or (is_late and not self.query_one("#filter").has_focus) or super().keeps_back(key)

    def refuse_filter(self, sentence: str) -> None:
        """Name what is wrong with the filter, and stay in its line; nothing when it is right."""
        line = self.query_one("#filter-error", Static)
        line.update(sentence)
        line.display = bool(sentence)
        if self._entered:
            self._entered = False
            if not sentence:
                self.show_filter()
                self.table.focus()

    def show_filter(self) -> None:
        """Show the line where there is a filter, with the filter in it."""
        field = self.query_one("#filter", Input)
        with field.prevent(Input.Changed):
            field.value = self.where
        field.display = bool(self.where)

    def leave_filter(self) -> bool:
        """Clear the filter and close its line; False where there is none."""
        field = self.query_one("#filter", Input)
        if not field.display and not self.where:
            return False
        field.value, self.where, field.display = "", "", False
        self.refuse_filter("")
        self.table.focus()
        self.select_again()
        return True

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_sort(self) -> None:
        """Choose what to sort by."""
        fields = [(field, field) for field in self.sort_fields]
        field = await self.app.push_screen_wait(Choose("Sort by", fields, current=self.sort.split()[0]))
        if field:
            self.sort = f"{field} {'asc' if field in self.ASCENDING else 'desc'}"
            self._from_top = True
            self.select_again()

    def action_reverse(self) -> None:
        """Turn the order round."""
        field, direction = self.sort.split()
        self.sort = f"{field} {'asc' if direction == 'desc' else 'desc'}"
        self.select_again()
