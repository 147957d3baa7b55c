"""Compare: two or more runs side by side, differences with intervals and verdicts in words, settings that differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.widgets import Static

from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import SYNTHETIC, doubts, marks
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText, OpenCurves, OpenRun
from leverplus_tui.tui.reading.rows import SideBySide
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.comparing.lines import Beside, Line, folded, lines
from leverplus_tui.tui.screens.comparing.said import head, line_row, said
from leverplus_tui.tui.screens.files.exports import comparison_text, exporting_comparison
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Column, LineTable

if TYPE_CHECKING:
    from db.store import RunRow
    from leverplus_tui.results.comparison import Comparison

STEP_S = 0.3
RUN_WIDTH = 21
"""Cells of a run at least; figures and differences that are longer get what they need."""
LABEL = Column("label", "", 22, flex=28)


class CompareScreen(PageScreen):
    """Runs as columns; the first column and the baseline stay put."""

    MODE = "compare"
    PANE = "#words"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "b",
            "baseline",
            "baseline",
            tooltip="choose the run that the others are judged against",
            id="compare.baseline",
        ),
        Binding(
            "d", "differences", "differences", tooltip="only lines that tell the runs apart", id="compare.differences"
        ),
        Binding("x", "export", "export", tooltip="export as Markdown, CSV or JSON", id="compare.export"),
        Binding("right,l", "shift(1)", "runs at the right", show=False, id="compare.right"),
        Binding("left,h", "shift(-1)", "runs at the left", show=False, id="compare.left"),
        Binding("right_square_bracket", "next_difference", "next difference", show=False, id="compare.next-difference"),
        Binding("D", "drop", "drop a run from the comparison", show=False, id="compare.drop"),
        Binding("C", "curves", "curves", tooltip="their curves, in one colour each", id="compare.curves"),
        Binding("y", "copy", "copy", tooltip="copy the comparison as Markdown", id="compare.copy"),
    ]

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
        yield Static("", id="words")

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

    def show_runs(self, run_ids: tuple[int, ...]) -> None:
        """Compare these; the first is the baseline."""
        self.run_ids, self.base, self.first, self.found = tuple(dict.fromkeys(run_ids)), f"r{run_ids[0]}", 0, None
        self.compared, self._beside = False, Beside()
        self._show_empty(False)
        for part in ("#sides", "#words"):
            self.query_one(part).display = False
        self.query_one("#summary", Static).update(f"reading {plural(len(self.run_ids), 'run')}, esc leaves")
        self.refresh_data()

    @property
    def is_opening(self) -> bool:
        """Until figures are there; what is compared comes later."""
        return bool(self.run_ids) and self.found is None

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys that need a comparison are not offered before there is one."""
        needs = ("baseline", "differences", "export", "shift", "next_difference", "drop", "copy", "curves")
        return self.found is not None or action not in needs

    # Reading

    async def reload(self) -> None:
        """Figures and settings at once, then what is compared; again, because a run went on."""
        if len(self.run_ids) < 2:
            return
        ids, base, first = self.run_ids, self.base, self.found is None
        self._sides = await asyncio.to_thread(self.library.database.side_by_side, ids)
        self._beside = replace(self._beside, checkpoints=self._sides.checkpoints)
        if first:
            self._show(self._sides.found, first=True)
        compared = await asyncio.to_thread(self.library.database.compared, ids, self._counting(ids, "comparing"))
        if compared is None or not self._wants(ids):
            self._stale = True  # whoever comes back finds it compared
            return
        self.compared = True
        self._show(compared, first=False)
        beside = await asyncio.to_thread(
            self.library.database.beside, ids, base, self._counting(ids, "reading answers")
        )
        if beside is None or not self._wants(ids):
            self._stale = True
            return
        self._step = ""
        self._beside = replace(self._beside, choices=beside[0], copying=beside[1])
        self._fill()

    def _counting(self, ids: tuple[int, ...], words: str) -> Callable[[], bool]:
        """Whether to go on; each asking is a step that the line above counts."""
        steps = 0

        def go_on() -> bool:
            nonlocal steps
            steps += 1
            self._step = f"{words}, step {steps}, esc leaves"
            return self._wants(ids)

        return go_on

    def _tell_step(self) -> None:
        if self._step and self.found is not None and self.is_current:
            self._summarise()

    def _wants(self, ids: tuple[int, ...]) -> bool:
        """Whether anybody still waits for the comparison of these: leaving the page (`esc`) ends it."""
        return self.is_mounted and self.is_current and self.run_ids == ids

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
        parts = [f"baseline {self.base}", f"{differing} of {len(self._made)} lines differ"]
        if self.only_different:
            parts.append("only those are shown (d shows all)")
        shown = sum(1 for run in self.found.runs if run.id in self.table.shown_columns)
        if shown < len(self.run_ids):
            parts.append(f"{shown} of {len(self.run_ids)} runs in view (left, right)")
        if self._step or not self.compared:
            parts.append(self._step or "comparing, esc leaves")
        if any(SYNTHETIC in marks(row) for row in self._known.values()):
            parts.append("synthetic figures")
        self.query_one("#summary", Static).update("\n".join(head(parts, self.found.notes, self.size.width - 2)))

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
        line, words = self._line(), self.query_one("#words", Static)
        width = 24 if self.size.width < 100 else 40
        words.update("" if line is None or self.found is None else said(self.found, line, self.base, width))

    # Keys

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter folds a group, opens the answers behind a figure, draws the curves of a metric."""
        event.stop()
        line = self._lines[event.key]
        if line.heading:
            self.closed ^= {line.group}
            self._fill()
        elif line.figure is not None:
            self._open_answers(line)
        elif line.metric:
            self.post_message(OpenCurves(self.run_ids, line.metric))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def _open_answers(self, line: Line) -> None:
        assert line.figure is not None, "only figures have answers"
        others = [run for run in line.figure.accuracy if run != self.base]
        chosen: str | None = others[0] if len(others) == 1 else None
        if len(others) > 1:
            chosen = await self.app.push_screen_wait(
                Choose(
                    "Whose answers beside the baseline's?",
                    [(run, f"{run} {clean(self._known[run].name)}") for run in others],
                )
            )
        if chosen:
            beside = int(self.base[1:]) if self.base in line.figure.accuracy else None
            self.post_message(
                OpenRun(int(chosen[1:]), "answers", shot=line.figure.shot, subset=line.figure.subset, beside=beside)
            )

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_baseline(self) -> None:
        """Choose the baseline."""
        if self.found is None:
            return
        choices = [(run.id, f"{run.id} {clean(run.name)}") for run in self.found.runs]
        chosen = await self.app.push_screen_wait(Choose("Judge the others against", choices, current=self.base))
        if chosen:
            self.base, self.first = chosen, 0
            self._beside = replace(self._beside, choices=())  # they are against the baseline before
            self._fill()
            self.refresh_data()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_drop(self) -> None:
        """Drop a run from the comparison."""
        if self.found is None or len(self.run_ids) < 3:
            self.notify("A comparison needs two runs")
            return
        choices = [(run.id, f"{run.id} {clean(run.name)}") for run in self.found.runs if run.id != self.base]
        chosen = await self.app.push_screen_wait(Choose("Leave out", choices))
        if chosen:
            self.run_ids = tuple(run_id for run_id in self.run_ids if f"r{run_id}" != chosen)
            self.refresh_data()

    def meant_runs(self) -> tuple[int, ...]:
        """All that are compared."""
        return self.run_ids

    def action_curves(self) -> None:
        """Curves of all of these runs."""
        self.post_message(OpenCurves(self.run_ids))

    def action_differences(self) -> None:
        """Leave out what does not tell the runs apart, or show it again."""
        self.only_different = not self.only_different
        if self.found is not None:
            self._fill()

    def action_shift(self, step: int) -> None:
        """Bring other runs into view."""
        others = len(self.run_ids) - 1
        if self.found is not None and others > 0:
            self.first = (self.first + step) % others
            self._fill()

    def action_next_difference(self) -> None:
        """Go to the next line that tells the runs apart."""
        after = [*range(self.table.cursor + 1, len(self._lines)), *range(self.table.cursor)]
        found = next((index for index in after if self._lines[index].differs and not self._lines[index].heading), None)
        if found is not None:
            self.table.cursor = found

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Write the comparison to a file."""
        if self.found is None:
            return
        choices = [
            ("md", "Markdown"),
            ("csv", "CSV, one line per pair"),
            ("json", "JSON, as `leverplus compare --json`"),
        ]
        kind = await self.app.push_screen_wait(Choose("Export as", choices))
        if kind:
            self.post_message(exporting_comparison(self, self.run_ids, kind))

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the comparison as Markdown."""
        if self.found is not None:
            text = await asyncio.to_thread(comparison_text, self.library, self.run_ids, "md")
            self.post_message(CopyText(text, "the comparison"))
