"""Curves: all metrics of one or several runs as small charts, one colour for each run, read together at one step."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from math import ceil, floor
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Input, Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number, plural
from leverplus_tui.text.states import STATE_ROLES
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText, OpenRun, View
from leverplus_tui.tui.reading.system import System
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.charts.axes import Look
from leverplus_tui.tui.widgets.charts.chart import SERIES_COLOURS, legend_sign
from leverplus_tui.tui.widgets.charts.curve_grid import CurveGrid
from leverplus_tui.tui.widgets.charts.curves import Series

if TYPE_CHECKING:
    from leverplus_tui.tui.reading.curve_rows import Curves

SMOOTH = (0.0, 0.6, 0.9, 0.97)
SYSTEM_S = 2.0
MOST_NAMED = 8
Part = str | tuple[str, str]


class CurvesScreen(PageScreen):
    """A grid of charts, its legend, and what is read under the cursor."""

    AUTO_FOCUS = "CurveGrid"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", tooltip="only metrics whose names hold these words", id="curves.filter"),
        Binding(
            "left_square_bracket,comma",
            "cursor(-1)",
            "earlier",
            tooltip="read all runs earlier, or another bar of a histogram",
            id="curves.earlier",
        ),
        Binding(
            "right_square_bracket,full_stop", "cursor(1)", "later", tooltip="read all runs later", id="curves.later"
        ),
        Binding("L", "log", "log", tooltip="logarithmic axes, or plain ones", id="curves.log"),
        Binding("s", "smooth", "smooth", tooltip="smooth more, and not at all again", id="curves.smooth"),
        Binding("z", "zoom(1)", "zoom", tooltip="zoom in on the steps around the cursor", id="curves.zoom"),
        Binding("Z", "zoom(-1)", "zoom out", show=False, id="curves.zoom-out"),
        Binding(
            "B", "bands", "bands", tooltip="one curve with its interval for runs that differ by seed", id="curves.bands"
        ),
        Binding(
            "H", "counts", "histogram", tooltip="how often each value came, or the curves again", id="curves.histogram"
        ),
        Binding("o", "open", "open run", tooltip="open one of these runs", id="curves.open"),
        Binding("y", "copy", "copy", tooltip="copy the values under the cursor", id="curves.copy"),
        Binding("escape", "back", "back", show=False, id="back"),
    ]

    def __init__(self, library: Library, run_ids: tuple[int, ...], metric: str = "") -> None:
        super().__init__(library)
        self.run_ids = run_ids
        self._first = metric
        self.found: Curves | None = None
        self.by_seed = False
        self._words = ""
        self._system = System()

    def body(self) -> ComposeResult:
        """Legend, filter, charts, values."""
        yield Static("", id="curves-legend")
        field = Input(placeholder="loss reward", id="filter", compact=True)
        field.display = False
        yield field
        yield CurveGrid(id="grid")
        yield Static("", id="curves-values")
        yield Static("", id="curves-system", markup=False)

    def on_mount(self) -> None:
        """As charts were looked at last."""
        kept = self.library.memory.now.charts
        smooth = kept.get("smooth", "")
        self.grid.look = Look(
            log=kept.get("log") == "yes",
            smooth=next((one for one in SMOOTH if str(one) == smooth), 0.0),
            numbers=self.app.no_color or len(self.run_ids) > SERIES_COLOURS,
        )
        self.by_seed = kept.get("bands") == "yes"
        self.set_interval(SYSTEM_S, self._ask_system)

    @property
    def grid(self) -> CurveGrid:
        """The charts."""
        return self.query_one(CurveGrid)

    @property
    def view(self) -> View | None:
        """Left by escape, not come back to by the key of the view before."""
        return None

    async def reload(self) -> None:
        """Read the curves of all runs."""
        self.found = await asyncio.to_thread(self.library.database.curves, self.run_ids, by_seed=self.by_seed)
        self._show()

    def _show(self) -> None:
        if self.found is None:
            return
        words = self._words.lower().split()
        named = [(chart, f"{chart.metric} {shown(chart.metric)}".lower()) for chart in self.found.charts]
        charts = [chart for chart, name in named if all(word in name for word in words)]
        empty = (
            shown(f"No metric has {self._words} in its name")
            if self.found.charts
            else shown("These runs have no metrics yet")
        )
        self.grid.show(charts, empty)
        if self._first:
            self.grid.enlarge(self._first)
            self._first = ""
        self._legend()

    def _legend(self) -> None:
        assert self.found is not None, "told after reading"
        parts: list[Part] = []
        for place, (name, state) in enumerate(self.found.runs):
            colour = f"$series-{place % SERIES_COLOURS + 1}"
            parts += [(f"{legend_sign(place, numbers=self.grid.look.numbers)} {name}", colour)]
            parts += [(f" {state}", COLOURS[STATE_ROLES.get(state, "")]) if state != "done" else "", "   "]
        self.query_one("#curves-legend", Static).update(Content.assemble(*parts))
        self.bar.status = plural(len(self.run_ids), "run")

    @on(CurveGrid.Changed)
    def looked(self, event: CurveGrid.Changed) -> None:
        """Say what is read, and what a level means."""
        event.stop()
        panel, look = self.grid.here, self.grid.look
        parts: list[Part] = []
        if panel is not None:
            at, values = self.grid.read_off()
            parts += [(f"{shown(panel.metric)}  ", "bold"), (f"{at}  ", "$faint")]
            for one, value in list(zip(panel.series, values, strict=True))[:MOST_NAMED]:
                place = one.look or 0
                parts += [(f"{one.name.split()[0]} {value}  ", f"$series-{place % SERIES_COLOURS + 1}")]
            if len(panel.series) > MOST_NAMED:
                parts.append((shown(f"first {MOST_NAMED} of {len(panel.series)}  "), "$faint"))
            rules = dict.fromkeys(rule for one in panel.series for rule in one.rules)
            parts += [(f"{rule.name} {number(rule.value)}  ", "$faint") for rule in list(rules)[:4]]
            if any(one.band for one in panel.series):
                parts.append((shown("bands: 95 % of the mean over seeds  "), "$faint"))
            parts += [(f"{words}  ", "$faint") for words in _notes(panel.series)]
        state = [shown("how often each value came")] if self.grid.bars else []
        state += [shown(f"smoothed {look.smooth}")] if look.smooth else []
        state += (
            [shown(f"zoomed to {number(round(look.zoom[0]))} - {number(round(look.zoom[1]))}")] if look.zoom else []
        )
        parts += [(", ".join(state), "$warning")] if state else []
        self.query_one("#curves-values", Static).update(Content.assemble(*parts))

    # Keys

    def action_back(self) -> None:
        """Escape leaves the filter, then the large chart, then the page."""
        field = self.query_one("#filter", Input)
        if field.display or self._words:
            field.value, self._words, field.display = "", "", False
            self.set_focus(self.grid)
            self._show()
        elif self.grid.large:
            self.grid.action_large()
        else:
            super().action_back()

    def action_filter(self) -> None:
        """Type what metrics are called."""
        field = self.query_one("#filter", Input)
        field.display = True
        self.set_focus(field)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Filter while typing."""
        event.stop()
        self._words = event.value
        self._show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Back to the charts."""
        event.stop()
        event.input.display = bool(self._words)
        self.set_focus(self.grid)

    def action_cursor(self, direction: int) -> None:
        """Read all curves at an earlier or later step."""
        self.grid.move_cursor(direction)

    def action_log(self) -> None:
        """Logarithmic or plain."""
        self._draw(replace(self.grid.look, log=not self.grid.look.log))

    def action_smooth(self) -> None:
        """The next smoothing."""
        place = SMOOTH.index(self.grid.look.smooth) if self.grid.look.smooth in SMOOTH else 0
        self._draw(replace(self.grid.look, smooth=SMOOTH[(place + 1) % len(SMOOTH)]))

    def action_zoom(self, direction: int) -> None:
        """Half, or twice, as many steps around the cursor."""
        ends = self.grid.ends()
        if ends is None:
            return
        first, last = self.grid.look.zoom or ends
        middle = (first + last) / 2 if self.grid.look.cursor is None else self.grid.look.cursor
        half = (last - first) / 2 * (0.5 if direction > 0 else 2)
        zoom = (max(ends[0], floor(middle - half)), min(ends[1], ceil(middle + half)))
        self._draw(replace(self.grid.look, zoom=None if zoom == ends else zoom))

    def _draw(self, look: Look) -> None:
        self.grid.look_again(look)
        kept = {"log": "yes" if look.log else "no", "smooth": str(look.smooth)}
        self.library.memory.keep(charts={**self.library.memory.now.charts, **kept})

    def action_bands(self) -> None:
        """Runs of one recipe as one curve, or each for itself."""
        self.by_seed = not self.by_seed
        kept = {"bands": "yes" if self.by_seed else "no"}
        self.library.memory.keep(charts={**self.library.memory.now.charts, **kept})
        self.notify("one curve for runs that differ by their seed alone" if self.by_seed else "one curve for each run")
        self._stale = True
        self.refresh_data()

    def action_counts(self) -> None:
        """Histograms, or curves."""
        self.grid.look_again(self.grid.look, bars=not self.grid.bars)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_open(self) -> None:
        """Open one of the runs."""
        chosen: str | None = str(self.run_ids[0])
        if len(self.run_ids) > 1:
            rows = await asyncio.to_thread(self.library.database.run_rows, self.run_ids)
            choices = [(str(row.id), f"{row.ref} {row.name}") for row in rows]
            chosen = await self.app.push_screen_wait(Choose("Open which run?", choices))
        if chosen:
            self.post_message(OpenRun(int(chosen)))

    def action_copy(self) -> None:
        """The values under the cursor as lines of text."""
        panel, look = self.grid.here, self.grid.look
        if panel is not None:
            at = "last" if look.cursor is None else str(round(look.cursor))
            lines = [f"run\tstep\t{panel.metric}"]
            for one in panel.series:
                value = one.points[-1][1] if look.cursor is None and one.points else one.at(look.cursor or 0.0)
                lines.append(f"{one.name}\t{at}\t{'' if value is None else value}")
            if bars := self.grid.read_bars():
                lines = ["\t".join(["from", "to", *(one.name for one in panel.series)])]
                lines += ["\t".join(map(str, [low, high, *counts])) for low, high, counts in bars]
            self.post_message(CopyText("\n".join(lines), panel.metric))

    # The machine

    def _ask_system(self) -> None:
        if self.is_current and self.found is not None:
            if self.found.live:
                self._read_system()
            self.query_one("#curves-system").display = self.found.live

    @work(group="system", exclusive=True, exit_on_error=False)
    async def _read_system(self) -> None:
        line = await asyncio.to_thread(self._system.line)
        self.query_one("#curves-system", Static).update(line)


def _notes(series: Sequence[Series]) -> list[str]:
    """What is to be known of histograms, once for all runs of which it is the same."""
    runs: dict[tuple[str, ...], list[str]] = {}
    for one in series:
        runs.setdefault(one.notes, []).append(one.name.split()[0])
    told = {", ".join(map(shown, notes)): names for notes, names in runs.items() if notes}
    return list(told) if len(runs) == 1 else [f"{' '.join(names)}: {words}" for words, names in told.items()]
