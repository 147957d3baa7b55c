"""The list of runs as it is read and shown: ids first, a row when it comes into view, groups as lines of their own."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from textual import on, work
from textual.widgets import Static

from db.user_error import UserError
from leverplus_tui.text.figures import unlike_questions
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.reading.rows import Group, Listing
from leverplus_tui.tui.screens.runs.columns import Value, chosen_columns, group_row, value_cells, value_widths
from leverplus_tui.tui.screens.runs.looking import LookedAt
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.run_view import figure_widths, hidden_words, run_columns, run_row
from leverplus_tui.tui.widgets.table import Column, LineTable

if TYPE_CHECKING:
    from db.store import RunRow

SHOTS_BEFORE_ANY = (0, 1, 2)
HELD = 400
"""Rows that are held; beyond, those that scrolled out of view are read again: each new one looks at all held for the columns."""
GROUPED = len("48.55 sd 2.10")
"""Cells of a mean with its spread."""


class ListedRuns(LookedAt):
    """Reads and shows; what is done with the runs is the page's."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.listing = Listing((), 0, (), 0, 0, 0)
        self._rows: dict[int, RunRow] = {}
        self._values: dict[int, dict[str, Value]] = {}
        self._newest = 0
        self._loaded = False
        self._launched: int | None = None
        self._open: set[tuple[tuple[str, str], ...]] = set()
        """Groups whose runs are shown, by their values."""
        self._names: frozenset[str] = frozenset()
        self._said = ""
        self._emptiness: tuple[bool, bool] | None = None
        """Whether there is no run, and whether there is a filter: the keys that are offered hang on it."""
        self._widths: dict[int, int] = {}

    @property
    def table(self) -> LineTable:
        """The list."""
        return self.query_one("#runs", LineTable)

    def row_shown(self) -> None:
        """The row under the cursor is there, or is another one."""

    def listed(self) -> None:
        """Other runs are listed."""

    async def reload(self) -> None:
        """Read ids, then the rows in view."""
        asked = self.asked
        try:
            await self._read_list(asked)
        except UserError as error:
            if not self._refused(asked, str(error)):
                raise
        except Exception:
            self.answered(asked)
            raise

    async def _read_list(self, asked: object) -> None:
        memory = self.library.memory.now
        listing = await asyncio.to_thread(self.library.database.listing, self.looked, memory.pinned, self.table.marked)
        if not self.answered(asked):
            return  # the next reading is on its way
        first = not self._loaded
        self._show_listing(listing)
        keys = self.table.visible_keys() if not first else self._keys()[:60]
        rows, values = await asyncio.to_thread(self._rows_of, keys)
        self._take(rows, values, fresh=True)
        if first:
            self.table.focus()

    def _refused(self, asked: object, sentence: str) -> bool:
        """Say what is wrong with the filter; an order or a column that this version does not know is put aside."""
        if not ("cannot sort" in sentence or "is no field of a run" in sentence):
            self.answered(asked, sentence)
            return bool(self.where)
        plain = ListView(where=self.where)
        if self.looked == plain:
            return False
        self.library.memory.keep(view=plain)
        self.notify(f"{sentence}; the list is shown without it", severity="warning")
        self.call_after_refresh(self.select_again)
        return True

    def _rows_of(self, keys: Sequence[int]) -> tuple[list[RunRow], dict[int, dict[str, Value]]]:
        ids = [key for key in keys if key > 0]
        return self.library.database.run_rows(ids), self.library.database.values(ids, self.extra)

    def _keys(self) -> tuple[int, ...]:
        """Lines of the table: pinned runs, then runs, or groups with the runs of those that are open."""
        listing = self.listing
        if not listing.groups:
            return listing.ids
        keys = list(listing.pinned)
        for group in listing.groups:
            keys += [group.key, *(group.ids if group.values in self._open else ())] if len(group.ids) > 1 else group.ids
        return tuple(keys)

    def _show_listing(self, listing: Listing) -> None:
        self._loaded, self.listing = True, listing
        self._newest = max(listing.ids, default=0)
        self._forget(listing.gone)
        self.table.pinned = frozenset(listing.pinned)
        self._list()
        self._go_to_launched()
        empty = not listing.ids
        if (empty, bool(self.where)) != self._emptiness:
            self._emptiness = empty, bool(self.where)
            self.refresh_bindings()
        self.query_one("#empty").display = empty
        self.table.display = not empty
        if empty:
            self._say_why()
        self.listed()

    def _go_to_launched(self) -> None:
        """The cursor goes to a run that was started from here, once; out of a closed group, and not out of a filter."""
        run_id = self.library.launched
        if run_id is None or run_id == self._launched:
            return
        self._launched = run_id
        if run_id not in self.listing.ids:
            self.notify(f"r{run_id} is none of those that the filter shows: / changes it, esc clears it")
            return
        self._open |= {group.values for group in self.listing.groups if run_id in group.ids}
        self._list()
        self.table.move_to(run_id)

    @property
    def _shots(self) -> tuple[int, ...]:
        return self.listing.shots or SHOTS_BEFORE_ANY

    def _list(self) -> None:
        self.list_keys(self._keys())
        self.table.put_rows(
            {group.key: group_row(group, is_open=group.values in self._open) for group in self.listing.groups}
        )

    def _forget(self, gone: frozenset[int]) -> None:
        """Marks and pins on runs that are deleted mean nothing."""
        if gone:
            memory = self.library.memory
            self.table.marked = [key for key in self.table.marked if key not in gone]
            memory.keep(marked=list(self.table.marked), pinned=[run for run in memory.now.pinned if run not in gone])

    def _set_columns(self) -> None:
        rows = {run.id: run_row(run, self._shots, self._names) for run in self._rows.values()}
        extra = value_widths(self.extra, self._values.values())
        if self.listing.groups:
            extra = {field: max(width, GROUPED) for field, width in extra.items()}
            rows |= {group.key: group_row(group, is_open=False) for group in self.listing.groups[:100]}
        self.table.set_columns(chosen_columns(self.every_column(), self.looked.columns, rows, extra, self.size.width))

    def every_column(self) -> list[Column]:
        """Columns that the list has without settings and metrics."""
        listing = self.listing
        widths = {shot: max(width, GROUPED if listing.groups else 0) for shot, width in self._widths.items()}
        return run_columns(self._shots, self._newest, listing.largest, widths)

    @on(LineTable.Fitted)
    def columns_fitted(self, event: LineTable.Fitted) -> None:
        """The head line says what has no room."""
        event.stop()
        self._summarise()

    def _say_why(self) -> None:
        empty = self.query_one("#empty", Empty)
        if self.listing.total or self.where:
            empty.say(f"No runs match {self.where}", (), [("esc", "clear the filter"), ("/", "change it")])
            return
        empty.say(
            "No runs yet",
            [f"They are kept in {self.library.home.root}"],
            [("d", "demo: two small real runs on the built-in world"), ("e", "evaluate a model"),
             ("n", "train a selector"), ("o", "add a data folder or file"), ("?", "keys")],
        )  # fmt: skip

    def _summarise(self) -> None:
        parts = [
            shown(f"{len(self.listing.ids)} of {self.listing.total}")
            if self.where
            else plural(self.listing.total, "run")
        ]
        if self.listing.ids and (hidden := hidden_words(self.table.hidden_columns)):
            parts.append(hidden)
        elif self.looked.columns:
            parts.append(shown("chosen columns (c)"))
        if groups := self.listing.groups:
            parts.append(shown(f"{plural(len(groups), 'group')} by {', '.join(map(shown, self.looked.groups))} (b)"))
        parts.append(shown(f"sort {self.sort}"))
        if note := unlike_questions(self._rows.values(), self.sort):
            parts.append(shown(note))
        if marked := self.table.marked:
            unseen = len(set(marked) - set(self.table.keys))
            parts.append(
                shown(f"{len(marked)} marked{shown(f', {unseen} not in view') if unseen else ''} (v compares)")
            )
        if self.where:
            parts.append(shown(f"filter {self.where} (esc clears)"))
        if (words := "   ".join(parts)) != self._said:
            self._said = words
            self.query_one("#summary", Static).update(words, layout=False)

    @on(LineTable.Wanted)
    def rows_wanted(self, event: LineTable.Wanted) -> None:
        """Read rows that came into view."""
        event.stop()
        if any(key > 0 for key in event.keys):
            self._read_rows(event.keys)

    @work(exclusive=True, group="rows", exit_on_error=False)
    async def _read_rows(self, keys: tuple[int, ...]) -> None:
        self._take(*await asyncio.to_thread(self._rows_of, keys))

    def _take(self, rows: list[RunRow], values: Mapping[int, dict[str, Value]], *, fresh: bool = False) -> None:
        if fresh:
            self._rows.clear()
            self._values.clear()
        elif len(self._rows) > HELD:
            near, fresh = set(self.table.visible_keys()), True
            self._rows = {key: row for key, row in self._rows.items() if key in near}
            self._values = {key: held for key, held in self._values.items() if key in near}
        self._rows.update({row.id: row for row in rows})
        self._values.update(values)
        names = frozenset(name for row in self._rows.values() for name in (row.dataset, row.vlm))
        others = names != self._names
        self._names = names
        self._widths = figure_widths(self._rows.values(), self._shots)
        self._set_columns()
        self._put(self._rows.values() if others or fresh else rows, fresh=fresh)
        self._summarise()
        self.row_shown()

    def _put(self, rows: Iterable[RunRow], *, fresh: bool = False) -> None:
        lines = {
            row.id: {**run_row(row, self._shots, self._names), **value_cells(self._values.get(row.id, {}))}
            for row in rows
        }
        groups = {group.key: group_row(group, is_open=group.values in self._open) for group in self.listing.groups}
        self.table.put_rows({**lines, **groups}, fresh=fresh)

    def show_ages(self) -> None:
        """Write the rows again."""
        self._put(self._rows.values())

    def _group(self) -> Group | None:
        """The group under the cursor."""
        key = self.table.cursor_key
        return self.listing.groups[-1 - key] if key is not None and key < 0 else None
