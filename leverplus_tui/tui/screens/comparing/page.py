"""Compare: two or more runs side by side, differences with intervals and verdicts in words, settings that differ."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui.messages import CopyText, OpenCurves, OpenRun
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.comparing.lines import Beside, Line
from leverplus_tui.tui.screens.comparing.shown import ShownComparison
from leverplus_tui.tui.screens.files.exports import comparison_text, exporting_comparison
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    pass


class CompareScreen(ShownComparison):
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

    def show_runs(self, run_ids: tuple[int, ...]) -> None:
        """Compare these; the first is the baseline."""
        self.run_ids, self.base, self.first, self.found = tuple(dict.fromkeys(run_ids)), f"r{run_ids[0]}", 0, None
        self.compared, self._beside = False, Beside()
        self._show_empty(False)
        for part in ("#sides", "#words"):
            self.query_one(part).display = False
        self.query_one("#summary", Static).update(shown(f"reading {plural(len(self.run_ids), 'run')}, esc leaves"))
        self.refresh_data()

    def keeps_back(self, key: str) -> bool:  # every key
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
            self.library.database.beside, ids, base, self._counting(ids, shown("reading answers"))
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
            self._step = shown(f"{words}, step {steps}, esc leaves")
            return self._wants(ids)

        return go_on

    def _wants(self, ids: tuple[int, ...]) -> bool:
        """Whether anybody still waits for the comparison of these: leaving the page (`esc`) ends it."""
        return self.is_mounted and self.is_current and self.run_ids == ids

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
        assert line.figure is not None, shown("only figures have answers")
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
            ("csv", shown("CSV, one line per pair")),
            ("json", shown("JSON, as `leverplus compare --json`")),
        ]
        kind = await self.app.push_screen_wait(Choose("Export as", choices))
        if kind:
            self.post_message(exporting_comparison(self, self.run_ids, kind))

    @work(group="copy", exclusive=True, exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the comparison as Markdown."""
        if self.found is not None:
            text = await asyncio.to_thread(comparison_text, self.library, self.run_ids, "md")
            self.post_message(CopyText(text, shown("the comparison")))
