"""The trash: deleted runs, what they hold on disk, bringing them back and erasing them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural, size
from leverplus_tui.text.times import age
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import OpenRun, Outcome, Work
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.run.actions import named
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from leverplus_tui.keeping.trash import Thrown

COLUMNS = (
    Column("id", "id", 5),
    Column("name", "name", 20, flex=30),
    Column("kind", "kind", 8, priority=2),
    Column("deleted", "deleted", 11, align="right", priority=1),
    Column("size", "on disk", 9, align="right"),
    Column("used", "used by", 12, flex=30, priority=3),
)


class TrashScreen(PageScreen):
    """Deleted runs, the newest first."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="trash.mark"),
        Binding("R", "bring_back", "bring back", tooltip="bring the run back, or all that are marked", id="trash.restore"),
        Binding("X", "erase", "erase", tooltip="erase the run for ever, or all that are marked (asks)", id="trash.erase"),
        Binding("E", "empty", "empty", tooltip="empty the trash: erase all for ever (asks first)", id="trash.empty"),
    ]  # fmt: skip

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._thrown: dict[int, Thrown] = {}

    def body(self) -> ComposeResult:
        """What it holds, in a line and in a list."""
        yield Static("", id="summary", markup=False)
        yield Empty("Looking into the trash", id="empty")
        yield LineTable(COLUMNS, id="thrown")

    def on_mount(self) -> None:
        """Nothing is read yet."""
        self.table.display = False

    @property
    def table(self) -> LineTable:
        """The deleted runs."""
        return self.query_one("#thrown", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """An empty trash has nothing to bring back."""
        return bool(self._thrown) or action not in ("mark", "bring_back", "erase", "empty")

    async def reload(self) -> None:
        """Read the trash."""
        found = await asyncio.to_thread(self.library.database.thrown, self.library.home)
        first = not self._thrown
        self._thrown = {one.run_id: one for one in found}
        self.refresh_bindings()
        self.query_one("#empty").display = not found
        self.query_one("#empty", Empty).say("The trash is empty", ["D on a run puts it here"], [("esc", "back")])
        self.table.display = bool(found)
        self.show_ages()
        self.table.set_keys(list(self._thrown))
        total = size(sum(one.size for one in found))
        kept = sum(bool(one.used_by) for one in found)
        words = shown(f"{plural(len(found), 'deleted run')}, {total} on disk") + (
            shown(f", {kept} used by others") if kept else ""
        )
        self.query_one("#summary", Static).update(words if found else "")
        self.bar.status = "trash"
        if first and found:
            self.table.focus()

    def show_ages(self) -> None:
        """Write the rows again."""
        self.table.put_rows({one.run_id: _row(one) for one in self._thrown.values()}, fresh=True)

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the run, which can be read until it is erased."""
        event.stop()
        self.post_message(OpenRun(event.key))

    def action_mark(self) -> None:
        """Mark or unmark."""
        self.table.toggle_mark()

    def _meant(self) -> tuple[int, ...]:
        here = self.table.cursor_key
        return tuple(self.table.marked) or (() if here is None else (here,))

    @work(group="restore", exclusive=True, exit_on_error=False)
    async def action_bring_back(self) -> None:
        """Bring runs back into all lists."""
        if run_ids := self._meant():
            await asyncio.to_thread(self.library.database.restore, run_ids)
            self.notify(f"{named(run_ids)} brought back")

    def action_erase(self) -> None:
        """Erase what is meant."""
        self._erase(self._meant())

    def action_empty(self) -> None:
        """Erase everything."""
        self._erase(tuple(self._thrown))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def _erase(self, run_ids: tuple[int, ...]) -> None:
        found = [self._thrown[run_id] for run_id in run_ids]
        if not found:
            return
        kept = [
            shown(f"r{one.run_id} stays: its files are used by {', '.join(one.used_by)}")
            for one in found
            if one.used_by
        ]
        total = size(sum(one.size for one in found))
        detail = shown(f"{total} with all answers, checkpoints and logs. Nothing brings them back.")
        question = Confirm(f"Erase {named(run_ids)} for ever?", "\n".join([detail, *kept]))
        if await self.app.push_screen_wait(question):
            self.post_message(self._erasing(run_ids))

    def _erasing(self, run_ids: tuple[int, ...]) -> Work:
        database, home = self.library.database, self.library.home

        def erase() -> Outcome:
            gone, kept = database.erase(home, run_ids)
            words = shown(f"{plural(len(gone), 'run')} erased, {size(sum(one.size for one in gone))} free")
            stay = [shown(f"r{one.run_id} stays: its files are used by {', '.join(one.used_by)}") for one in kept]
            return Outcome("\n".join([words, *stay]), brief=True)

        return Work(f"Erasing {named(run_ids)}", erase, self, "erasing")


def _row(one: Thrown) -> dict[str, Cell | str]:
    return {
        "id": Cell(f"r{one.run_id}", "accent"),
        "name": clean(one.name),
        "kind": Cell(one.kind, "faint"),
        "deleted": Cell(age(one.deleted), "faint"),
        "size": size(one.size),
        "used": Cell(", ".join(one.used_by), "warn"),
    }
