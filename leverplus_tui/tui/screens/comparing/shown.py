"""Runs side by side as the page shows them: a line above, the lines, the line under the cursor in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from textual import on
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.geometry import Size
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import SYNTHETIC, doubts, marks
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.reading.rows import SideBySide
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.comparing.lines import Beside, Line, folded, lines, note_words
from leverplus_tui.tui.screens.comparing.said import head, line_row, said
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Column, LineTable

if TYPE_CHECKING:
    from db.store import RunRow
    from leverplus_tui.results.comparison import Comparison

STEP_S = 0.3
RUN_WIDTH = 21
"""Cells of a run at least; figures and differences that are longer get what they need."""
LABEL = Column("label", "", 22, flex=28)


class ShownComparison(PageScreen):
    """Shows; what is read and what is done with it is the page's."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.run_ids: tuple[int, ...] = ()
        self.base = ""
        self.only_different = False
        self.closed: set[str] = {"settings that agree"}
        self.first = 0
        self.found: Comparison | None = None
        self.compared = False
        """Whether `found` holds differences and verdicts; its figures are shown before."""
        self._sides: SideBySide | None = None
        self._beside = Beside()
        self._step = ""
        """What is being worked on, for the line above."""
        self._made: list[Line] = []
        self._lines: list[Line] = []

    def body(self) -> ComposeResult:
        """Summary, table, the line under the cursor in words."""
        yield Static("", id="summary", markup=False)
        yield Empty("Nothing to compare yet", ["Two or more runs stand side by side here"],
                    [("1", "go to the runs"), ("space", "mark two or more there"), ("v", "compare them")], id="empty")  # fmt: skip
        yield LineTable(id="sides")
        with VerticalScroll(id="words", can_focus=False):
            yield Static("", id="said")

    def on_mount(self) -> None:
        """Nothing is compared yet, unless the page was made for it."""
        self._show_empty(not self.library.to_compare)
        self.set_interval(STEP_S, self._tell_step)

    def _show_empty(self, empty: bool) -> None:
        self.query_one("#empty").display = empty
        for part in ("#summary", "#sides", "#words"):
            self.query_one(part).display = not empty

    @property
    def table(self) -> LineTable:
        """The lines."""
        return self.query_one("#sides", LineTable)

    def _show(self, found: Comparison, *, first: bool) -> None:
        self.found = found
        self._show_empty(False)
        self._fill()
        if first:
            self.table.cursor = min(1, len(self._lines) - 1)
        self.table.focus()
        self.refresh_bindings()

    def _fill(self) -> None:
        assert self.found is not None, "filled after reading"
        made = self._made = lines(
            self.found, self._known, self._sides.agreeing if self._sides else {}, self.base, self._beside
        )
        self._lines = folded(made, self.closed, self.only_different)
        self.table.set_columns(self._columns())
        self.table.fill([line_row(line) for line in self._lines])
        self.bar.status = plural(len(self.run_ids), "run")
        self._say()
        self.call_after_refresh(self._summarise)

    @property
    def _known(self) -> Mapping[str, RunRow]:
        return self._sides.rows if self._sides is not None else {}

    def _summarise(self) -> None:
        assert self.found is not None, "summarised after reading"
        differing = sum(1 for line in self._made if line.differs)
        parts = [shown(f"baseline {self.base}"), shown(f"{differing} of {len(self._made)} lines differ")]
        if self.only_different:
            parts.append(shown("only those are shown (d shows all)"))
        in_view = sum(1 for run in self.found.runs if run.id in self.table.shown_columns)
        if in_view < len(self.run_ids):
            parts.append(shown(f"{in_view} of {len(self.run_ids)} runs in view (left, right)"))
        if self._step or not self.compared:
            parts.append(self._step or shown("comparing, esc leaves"))
        if any(SYNTHETIC in marks(row) for row in self._known.values()):
            parts.append(shown("synthetic figures"))
        self.query_one("#summary", Static).update(
            "\n".join(head(parts, [note_words(note) for note in self.found.notes], self.size.width - 2))
        )

    def _columns(self) -> list[Column]:
        assert self.found is not None, "filled after reading"
        others = [run for run in self.found.runs if run.id != self.base]
        others = others[self.first :] + others[: self.first]
        base = next(run for run in self.found.runs if run.id == self.base)
        columns = [LABEL, Column(base.id, self._title(base.id, "base", base.name), self._width(base.id), flex=8)]
        for index, run in enumerate(others):
            columns.append(
                Column(
                    run.id, self._title(run.id, "", run.name), self._width(run.id), priority=index + (index > 0), flex=8
                )
            )
        return columns

    def _width(self, run: str) -> int:
        numbers = [line.cells[run].text for line in self._lines if line.figure is not None and run in line.cells]
        return max([RUN_WIDTH, *map(len, numbers)])

    def _title(self, run: str, role: str, name: str) -> str:
        return " ".join(word for word in (run, role, *doubts(self._known.get(run)), clean(name)) if word)

    def show_ages(self) -> None:
        """Write the lines again."""
        if self.found is not None:
            self._fill()

    def fit(self, size: Size) -> None:
        """More or fewer runs fit."""
        if self.found is not None:
            self.call_after_refresh(self._fill)

    def _tell_step(self) -> None:
        if self._step and self.found is not None and self.is_current:
            self._summarise()

    # The line in words

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The words follow the cursor."""
        event.stop()
        self._say()

    def _line(self) -> Line | None:
        key = self.table.cursor_key
        return self._lines[key] if key is not None and key < len(self._lines) else None

    def _say(self) -> None:
        line, words = self._line(), self.query_one("#said", Static)
        width = 24 if self.size.width < 100 else 40
        words.update("" if line is None or self.found is None else said(self.found, line, self.base, width))
        self.query_one("#words", VerticalScroll).scroll_home(animate=False)
