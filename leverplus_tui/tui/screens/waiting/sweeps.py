"""Sweeps: runs of one kind over every combination of some settings, and how far each of them is."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import short_word
from leverplus_tui.text.times import age
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.screens.waiting.sweep import SWEEP_KEYS, SweepPage, SweepScreen
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable
from leverplus_tui.tui.widgets.text import bar

if TYPE_CHECKING:
    from db.store import SweepRow
    from leverplus_tui.tui.reading.rows import Sweep

BAR = 10
COLUMNS = (
    Column("id", "id", 4),
    Column("name", "name", 14, flex=24),
    Column("kind", "kind", 4, priority=4),
    Column("axes", "varies", 16, flex=50, priority=2),
    Column("bar", "done", BAR, priority=3),
    Column("runs", "runs", 18, flex=16),
    Column("created", "made", 11, align="right", priority=1),
)


class SweepsScreen(SweepPage):
    """One line for each sweep; enter shows its runs and what is best."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "n", "app.sweep", "new", tooltip="new sweep: vary settings of a run or of the defaults", id="sweeps.new"
        ),
        *SWEEP_KEYS,
    ]

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._sweeps: dict[int, Sweep] = {}

    def body(self) -> ComposeResult:
        """The list, and what an empty one means."""
        yield Static("", id="summary", markup=False)
        yield Empty("Reading the sweeps", id="empty")
        yield LineTable(COLUMNS, id="sweeps")

    def on_mount(self) -> None:
        """Nothing is read yet."""
        self.table.display = False

    @property
    def table(self) -> LineTable:
        """The sweeps."""
        return self.query_one("#sweeps", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a sweep are not offered before there is one."""
        return bool(self._sweeps) or action not in ("stop_all", "resume_missing")

    async def reload(self) -> None:
        """Read the sweeps."""
        found = await asyncio.to_thread(self.library.database.sweeps)
        first = not self._sweeps
        self._sweeps = {one.row.id: one for one in found}
        self.refresh_bindings()
        self.query_one("#empty").display = not found
        self.query_one("#empty", Empty).say(
            "No sweeps yet",
            [
                "A sweep is runs of one kind over every combination of some settings, such as three retrievers and three seeds"
            ],
            [("n", "new sweep"), ("esc", "back")],
        )
        self.table.display = bool(found)
        self.show_ages()
        self.table.set_keys(list(self._sweeps))
        open_ones = sum(one.count("running", "queued") > 0 for one in found)
        words = f"{plural(len(found), 'sweep')}" + (shown(f", {open_ones} not finished") if open_ones else "")
        self.query_one("#summary", Static).update(words if found else "")
        self.bar.status = "sweeps"
        if first and found:
            self.table.focus()

    def show_ages(self) -> None:
        """Write the rows again."""
        self.table.put_rows({key: _row(one) for key, one in self._sweeps.items()}, fresh=True)

    def sweep_here(self) -> SweepRow | None:
        """The sweep under the cursor."""
        key = self.table.cursor_key
        return self._sweeps[key].row if key in self._sweeps and key is not None else None

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter shows the runs."""
        event.stop()
        page = SweepScreen(self.library, event.key)
        page.mode = self.mode
        self.app.push_screen(page)


def _row(one: Sweep) -> dict[str, Cell | str]:
    done, total = one.count("done"), len(one.states)
    return {
        "id": Cell(one.row.ref, "accent"),
        "name": clean(one.row.name),
        "kind": Cell(short_word(one.row.kind), "faint"),
        "axes": clean(" x ".join(f"{name} ({len(values)})" for name, values in one.row.axes.items())),
        "bar": Cell(bar(done / max(1, total), BAR), "good" if done == total else "accent"),
        "runs": Cell(counts(one), "bad" if one.count("failed", "lost") else ""),
        "created": Cell(age(one.row.created), "faint"),
    }


def counts(one: Sweep) -> str:
    """`8 of 12, 1 running, 3 wait`."""
    parts = [shown(f"{one.count('done')} of {len(one.states)}")]
    words = (("running", "running"), ("queued", "wait"), ("failed", "failed"), ("lost", "lost"), ("stopped", "stopped"))
    return ", ".join(parts + [f"{number} {word}" for state, word in words if (number := one.count(state))])
