"""The pane below the list: what the run under the cursor is, what was found about it, its figures or its curve."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from rich.cells import cell_len
from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, VerticalScroll
from textual.content import Content
from textual.timer import Timer

from db.run_states import ACTIVE, FAILED, UNFINISHED
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import finding_words, said, shown
from leverplus_tui.text.numbers import accuracy, count, plural
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.states import MARK_WORDS, SEVERITY_ROLES, SYNTHETIC, marks
from leverplus_tui.text.times import duration
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.charts.chart import SERIES_COLOURS, Chart
from leverplus_tui.tui.widgets.charts.curves import Series
from leverplus_tui.tui.widgets.charts.whisker import whisker
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.lines import Lines
from leverplus_tui.tui.widgets.run_view import how
from leverplus_tui.tui.widgets.text import bar, pad

if TYPE_CHECKING:
    from db.specs import Finding
    from db.store import CellRow, RunDetail, RunRow
    from leverplus_tui.results.since_last import Since
    from leverplus_tui.tui.reading.rows import Group

DEBOUNCE_S = 0.08
LOOK_BACK_S = 0.3
"""How long the cursor rests before a run is compared with an earlier one: with thousands of questions that is half a second."""
CURVES = ("grpo_loss", "rce_loss", "val_loss", "uniform_loss", "greedy_reward", "random_reward", "oracle_reward")
"""Series worth a first look, in this order: losses against the uniform policy, rewards between a random and the best pick."""
Part = str | tuple[str, str]


class RunInfo(TellsFailures, Horizontal):
    """Facts at the left, figures or curve at the right."""

    DEFAULT_CSS = """
    RunInfo { height: 1fr; }
    RunInfo #facts { width: 1fr; padding: 0 1; }
    RunInfo #figures { width: 1fr; padding: 0 1; border-left: solid $rule; }
    RunInfo #about, RunInfo #whiskers { min-height: 100%; }
    RunInfo #curve { width: 1fr; border-left: solid $rule; padding: 0 1; }
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        self._row: RunRow | None = None
        self._timer: Timer | None = None
        self._read_id = 0
        self._told: Since | None = None
        self._told_of = 0
        """The run that `_told` is of: it stays in view while it is read again."""

    def compose(self) -> ComposeResult:
        """Both sides; only one of the right ones is shown."""
        with VerticalScroll(id="facts", can_focus=False):
            yield Lines(id="about")
        with VerticalScroll(id="figures", can_focus=False):
            yield Lines(id="whiskers")
        yield Chart(id="curve", empty=shown("Reading the curves"))

    def on_mount(self) -> None:
        """The curve is for training runs."""
        self.query_one("#curve").display = False

    def show(self, row: RunRow) -> None:
        """Show a run when the cursor rests: holding a key down must cost the list and nothing else."""
        if row == self._row and row.state not in ACTIVE:
            return
        self._row = row
        if self._timer is not None:
            self._timer.stop()
        self._timer = self.set_timer(DEBOUNCE_S, self._rested)

    def show_group(self, group: Group) -> None:
        """Show what runs have in common that stand in one line."""
        if self._timer is not None:
            self._timer.stop()
        self.workers.cancel_group(self, "info")
        self._row = None
        with self.app.batch_update():
            self.query_one("#curve").display, self.query_one("#figures").display = False, True
            self.query_one("#about", Lines).show(Content.assemble(*together(group)))
            self.query_one("#whiskers", Lines).show(Content(", ".join(f"r{run_id}" for run_id in group.ids)))

    def _rested(self) -> None:
        """Read, then draw once: each drawing of the pane is half of what a key costs."""
        if self._row is not None:
            self._read()

    @work(exclusive=True, group="info", exit_on_error=False)
    async def _read(self) -> None:
        if self._row is None:
            return
        detail = await asyncio.to_thread(self.library.database.detail, self._row.id)
        training = detail.row.kind in ("rce", "grpo")
        with self.app.batch_update():
            self._draw(detail, training=training)
        await self._read_since(detail, training=training)
        if training:
            names = curves(detail)
            series = await asyncio.to_thread(self.library.database.series, detail.row.id, names)
            self.query_one("#curve", Chart).show(drawn(series), shown("No metrics yet"))

    async def _read_since(self, detail: RunDetail, *, training: bool) -> None:
        """What changed since the last run like it, which takes longer to read."""
        run_id = detail.row.id
        if self._told_of != run_id:
            await asyncio.sleep(LOOK_BACK_S)
        told = await asyncio.to_thread(self.library.database.since, run_id, lambda: self._shows(run_id))
        if self._shows(run_id):
            self._told, self._told_of = told, run_id
            if told is not None:
                with self.app.batch_update():
                    self._draw(detail, training=training)

    def _shows(self, run_id: int) -> bool:
        return self._row is not None and self._row.id == run_id

    def _draw(self, detail: RunDetail, *, training: bool) -> None:
        told = self._told if self._told_of == detail.row.id else None
        about = Content.assemble(
            *title(detail.row), *reason(detail), *summary(detail.row), *found(detail.findings), *since(told)
        )
        if self.query_one("#curve").display != training or self.query_one("#figures").display == training:
            self.query_one("#curve").display = training
            self.query_one("#figures").display = not training
        self.query_one("#about", Lines).show(about)
        if not training:
            self.query_one("#whiskers", Lines).show(figures(detail.row, self.size.width // 2 - 6))
        elif detail.row.id != self._read_id:
            self.query_one("#curve", Chart).show([], shown("Reading the curves"))
        self._read_id = detail.row.id


def drawn(series: Mapping[str, tuple[tuple[float, float], ...]]) -> list[Series]:
    """Curves with their units."""
    return [Series(name, points, unit_of(name)) for name, points in series.items()]


def unit_of(name: str) -> str:
    """What a series is measured in, by its name: only series of one unit may share an axis."""
    endings = {"loss": "loss", "reward": "reward", "rate": "share", "agreement": "share", "share": "share"}
    return endings.get(name.rsplit("_", 1)[-1], "advantage" if name.endswith("advantage") else name)


def curves(detail: RunDetail, most: int = SERIES_COLOURS) -> list[str]:
    """Names of the series to draw first; those of the first unit stand first."""
    names = [metric.name for metric in detail.metrics]
    known = [name for name in CURVES if name in names]
    return (known or list(dict.fromkeys(names)))[:most]


def title(row: RunRow) -> list[Part]:
    """Id, name and kind."""
    return [(f"{row.ref} ", "bold $accent"), (clean(row.name), "bold"), (f"  {row.kind}", "$faint"), "\n"]


def together(group: Group) -> list[Part]:
    """Runs of one line: how many, their settings, and what the figures of the line are."""
    parts: list[Part] = [(plural(len(group.ids), "run"), "bold $accent"), "\n"]
    for name, value in group.values:
        parts += [(f"{name} ", "$faint"), clean(value), "\n"]
    if any(mean.mean is None for mean in group.means.values()):
        parts += [(shown("unlike: they answered unlike questions, so that there is no mean of them"), "$warning"), "\n"]
    if any(mean.spread is not None for mean in group.means.values()):
        parts += [(shown("figures are means over the runs, sd is how far these lie apart"), "$faint"), "\n"]
    return [*parts, ("enter", "bold $primary"), (shown(" opens and closes"), "$faint")]


def summary(row: RunRow) -> list[Part]:
    """What the run is, in a few lines."""
    parts: list[Part] = [(shown("by "), "$faint"), how(row), (shown("  on "), "$faint"), short_name(row.dataset)]
    if row.vlm:
        parts += [(shown("  with "), "$faint"), short_name(row.vlm)]
    if row.seed is not None:
        parts += [(shown("  seed "), "$faint"), str(row.seed)]
    parts.append("\n")
    for mark in marks(row):
        colour = "$secondary" if mark == SYNTHETIC else "$warning"
        parts += [(f"{mark} ", f"bold {colour}"), (shown(MARK_WORDS.get(mark, "")), colour), "\n"]
    return parts + standing(row)


def standing(row: RunRow) -> list[Part]:
    """What a run waits for, how far one is that is not done, how one that ended early goes on."""
    if row.waiting:
        return [(clean(in_app(shown(row.waiting))), "$warning"), "\n"]
    progress = row.progress
    if progress is None or not progress.total:
        again = shown(
            " starts it again; what is wrong first has to be put right" if row.state == "failed" else " starts it again"
        )
        return [("R", "bold $primary"), (again, "$faint"), "\n"] if row.state in UNFINISHED else []
    if row.state in UNFINISHED:
        far = shown(f"{count(progress.done)} of {count(progress.total)} {clean(progress.unit)}")
        return [
            (shown(f"{shown(row.state)} at {far}; "), "$faint"),
            ("R", "bold $primary"),
            (shown(" goes on from there"), "$faint"),
            "\n",
        ]
    if row.state != "running":
        return []
    parts: list[Part] = [(bar(progress.done / progress.total, 24), "$accent")]
    parts.append(f" {count(progress.done)}/{count(progress.total)} {clean(progress.unit)}")
    if progress.eta_s is not None:
        parts.append((shown(f"  {duration(progress.eta_s)} left"), "$faint"))
    if progress.note:
        parts.append((f"  {clean(progress.note)}", "$faint"))
    return [*parts, "\n"]


def reason(detail: RunDetail) -> list[Part]:
    """Why it did not end well, under a heading of its own: the first thing to be known of such a run."""
    if detail.row.state not in FAILED:
        return []
    words = detail.processes[-1].reason if detail.processes else ""
    heading = f"{glyph(detail.row.state)} {shown('Failed' if detail.row.state == 'failed' else 'Lost')}"
    return [
        (heading, "bold $error"),
        "  ",
        (clean(in_app(words)) or shown("no reason was stored: the log says more"), "$error"),
        "\n",
    ]


VERDICT_ROLES = {"better": "$success", "worse": "$error"}


def since(told: Since | None) -> list[Part]:
    """What changed since the last run like it, and what that did to the figures."""
    if told is None:
        return []
    parts: list[Part] = [(shown(told.heading), "bold $secondary"), "\n"]
    for what, words in told.lines():
        verdict = words.rpartition(": ")[2].partition(" (")[0]
        parts += [(f"  {shown(what)} ", "$faint"), (shown(words), VERDICT_ROLES.get(verdict, "")), "\n"]
    return parts


def found(findings: tuple[Finding, ...], way: Callable[[str], str] = in_app, most: int = 20) -> list[Part]:
    """Findings in sentences, each with its way out; `way` names it by what is at hand."""
    parts: list[Part] = []
    for finding in findings[:most]:
        colour = COLOURS[SEVERITY_ROLES[finding.severity]]
        parts += [(f"{glyph(finding.severity)} {finding.code} ", f"bold {colour}"), clean(finding_words(finding)), "\n"]
        if finding.fix:
            parts += [(f"  {glyph('arrow')} {clean(way(said(finding.fix)))}", "$faint"), "\n"]
    if len(findings) > most:
        parts += [(shown(f"first {most} of {len(findings)} findings\n"), "$faint")]
    return parts


def figures(row: RunRow, width: int) -> Content:
    """Accuracies by shots as intervals on one axis in `width` cells, each subset under its own heading."""
    if not row.cells:
        waiting = shown("Figures appear as answers come in") if row.state in ACTIVE else shown("No figures")
        return Content.styled(waiting, "$faint")
    low, high = min(cell.ci_low for cell in row.cells), max(cell.ci_high for cell in row.cells)
    parts: list[Part] = []
    for label in dict.fromkeys(cell.subset for cell in row.cells):
        cells = [cell for cell in row.cells if cell.subset == label]
        parts += [(f"{clean(label)}", "bold"), (f"  n={count(cells[0].n)}, 95 %", "$faint"), "\n"]
        texts = [accuracy(cell.accuracy, cell.ci_low, cell.ci_high) for cell in cells]
        room = max(12, *map(len, texts))
        for cell, text in zip(cells, texts, strict=True):
            parts += _line(cell, pad(text, room, "right"), (low, high), width)
    return Content.assemble(*parts)


def _line(cell: CellRow, text: str, axis: tuple[float, float], width: int) -> list[Part]:
    done = "" if cell.n_done >= cell.n else f" ? {count(cell.n_done)}/{count(cell.n)}"
    drawn = whisker(
        cell.ci_low,
        cell.accuracy,
        cell.ci_high,
        axis,
        max(6, width - 4 - cell_len(plural(0, "shot")) - len(text) - len(done)),
    )
    shots = pad(shots_words(cell.shot), cell_len(plural(0, "shot")))
    return [(f"{shots} ", "$faint"), f"{text}  ", (drawn, "$primary"), (done, "$warning"), "\n"]
