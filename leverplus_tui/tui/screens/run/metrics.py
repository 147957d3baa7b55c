"""The metrics tab: every series with its last, least and greatest value; those that are marked are drawn."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.widgets import Static

from leverplus_tui.results.distributions import UNTOLD, Distribution, distributions, is_untold
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number, plural
from leverplus_tui.text.shares import FEW_QUERIES
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.screens.run.info import curves, drawn
from leverplus_tui.tui.widgets.charts.chart import MOST, Chart
from leverplus_tui.tui.widgets.charts.curves import Series
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.store import MetricRow, RunDetail

COLUMNS = (
    Column("name", "series", 16, flex=8),
    Column("value", "last", 9, align="right"),
    Column("low", "least", 9, align="right", priority=2),
    Column("high", "greatest", 9, align="right", priority=2),
    Column("n", "points", 6, align="right", priority=3),
)
NARROW = 100


class Metrics(TellsFailures, Vertical):
    """What the figures rest on; below it the list at the left, curves at the right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "draw", tooltip="draw this series as well, or no more", id="metrics.mark"),
    ]
    DEFAULT_CSS = """
    Metrics { height: 1fr; }
    Metrics #series { width: 56; max-width: 45%; }
    Metrics #chart { width: 1fr; padding: 0 1; border-left: solid $rule; }
    Metrics.-narrow #series { max-width: 38%; }
    Metrics > #rests-on { height: auto; max-height: 3; padding: 0 1; color: $faint; }
    Metrics.-narrow > #rests-on { max-height: 2; }
    Metrics > #no-metrics { display: none; padding: 1 2; color: $faint; }
    Metrics.-empty > #no-metrics { display: block; }
    Metrics.-empty > #rests-on, Metrics.-empty > Horizontal { display: none; }
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        self._run_id = 0
        self._names: list[str] = []
        self._told: dict[str, Distribution] = {}

    def compose(self) -> ComposeResult:
        """The list, the chart, and what it means that there is nothing."""
        yield Static("", id="no-metrics", markup=False)
        yield Static("", id="rests-on", markup=False)
        with Horizontal():
            yield LineTable(COLUMNS, choosable=False, id="series")
            yield Chart(id="chart", empty=shown("Reading the curves"))

    def on_resize(self, event: events.Resize) -> None:
        """Where there is little room, the curves get more of it."""
        self.set_class(event.size.width < NARROW, "-narrow")

    def show(self, detail: RunDetail) -> None:
        """Show a run's series; at first those that tell most are drawn."""
        first = self._run_id != detail.row.id
        self._run_id = detail.row.id
        self.query_one("#no-metrics", Static).update(
            shown("No metrics: training writes them as it goes" if detail.row.kind in ("rce", "grpo", "generate")
            else f"A run of kind {detail.row.kind} writes no metrics but the packed engine's; its figures are on the first tab")
        )  # fmt: skip
        self._told = {one.name: one for one in distributions(detail)}
        self.set_class(not detail.metrics and not self._told, "-empty")
        words = [rests_on(detail.facts.get("groups")), _left_out(self._told.values())]
        words += [shown(UNTOLD)] if is_untold(detail) else []
        self.query_one("#rests-on", Static).update("; ".join(filter(None, words)))
        rows: dict[str, MetricRow] = {metric.name: metric for metric in detail.metrics}
        self._names = [*rows, *self._told]
        table = self.query_one("#series", LineTable)
        table.fill([*map(_row, rows.values()), *map(_counted, self._told.values())])
        if first:
            table.marked = [self._names.index(name) for name in (*curves(detail), *self._told)]
        self._draw()

    def action_mark(self) -> None:
        """Draw, or stop drawing, the series under the cursor."""
        table = self.query_one("#series", LineTable)
        if table.cursor_key not in table.marked and len(table.marked) >= MOST:
            self.notify(f"{MOST} curves at most: unmark one with space")
            return
        table.toggle_mark()
        self._draw()

    @work(exclusive=True, group="series", exit_on_error=False)
    async def _draw(self) -> None:
        names = [self._names[index] for index in self.query_one("#series", LineTable).marked]
        told = [self._told[name] for name in names if name in self._told]
        names = [name for name in names if name not in self._told]
        found = await asyncio.to_thread(self.library.database.series, self._run_id, names)
        bars = [Series(shown(one.name), (), shown(one.name), histogram=one.histogram) for one in told]
        self.query_one("#chart", Chart).show([*drawn(found), *bars], shown("Mark a series with space"))


def rests_on(groups: object) -> str:
    """How many queries stand behind the figures of validation; nothing where the run did not say."""
    if not isinstance(groups, dict) or "val" not in groups:
        return ""
    n = int(groups["val"])
    words = shown(f"val_loss, entropy and rewards are means over {plural(n, 'validation query', 'validation queries')}")
    return words + (shown(": too few to tell small differences") if n < FEW_QUERIES else "")


def _row(metric: MetricRow) -> dict[str, Cell | str]:
    return {
        "name": metric.name,
        "value": Cell(number(metric.value), "bad" if metric.n_bad else ""),
        "low": Cell(number(metric.lowest), "faint"),
        "high": Cell(number(metric.highest), "faint"),
        "n": Cell(number(metric.n), "faint"),
    }


def _counted(one: Distribution) -> dict[str, Cell | str]:
    """A histogram: in place of the last value the mean, and how many candidates it counts."""
    least, mean, greatest = map(number, one.histogram.ends)
    cells = {"value": mean, "low": least, "high": greatest, "n": number(one.histogram.n)}
    return {"name": shown(one.name)} | {name: Cell(text, "faint") for name, text in cells.items()}


def _left_out(told: Iterable[Distribution]) -> str:
    """What the histograms say of their groups; what the first one says is not said again."""
    said: list[str] = []
    first: tuple[str, ...] = ()
    for one in told:
        said.append(", ".join(shown(note) for note in one.notes if note not in first))
        first = first or one.notes
    return "; ".join(said)
