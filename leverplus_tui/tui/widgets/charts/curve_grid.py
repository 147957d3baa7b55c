"""Small charts side by side, one for each metric, or one of them alone; drawn again only when something changed."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number
from leverplus_tui.tui.widgets.charts.chart import Coloured, legend_sign, read_off
from leverplus_tui.tui.widgets.charts.curves import Series, histogram
from leverplus_tui.tui.widgets.charts.plot import FAINT, PLAIN, Look, Parts, plot
from leverplus_tui.tui.widgets.text import bar, pad

NARROWEST, LOWEST = 38, 9
CURSOR_STEPS = 60


@dataclass(frozen=True)
class Panel:
    """A metric of all runs that have it."""

    metric: str
    series: tuple[Series, ...]


class CurveGrid(Coloured, can_focus=True):
    """Panels; arrows choose one, enter makes it large, the cursor reads all of them at one step."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "go(-1,0)", "chart at the left; in a large one the cursor", show=False, id="curves.left"),
        Binding("right,l", "go(1,0)", "chart at the right; in a large one the cursor", show=False, id="curves.right"),
        Binding("up,k", "go(0,-1)", "chart above", show=False, id="curves.up"),
        Binding("down,j", "go(0,1)", "chart below", show=False, id="curves.down"),
        Binding("home,g", "end(-1)", "first chart", show=False, id="curves.first"),
        Binding("end,G", "end(1)", "last chart", show=False, id="curves.last"),
        Binding("enter", "large", "large", tooltip="one chart alone, or all again", id="curves.large"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"curve-grid--title", "curve-grid--here"}
    DEFAULT_CSS = """
    CurveGrid {
        height: 1fr;
        background: $background;
        & > .curve-grid--title { text-style: bold; }
        & > .curve-grid--here { color: $background; background: $secondary; text-style: bold; }
    }
    """

    @dataclass
    class Changed(Message):
        """Another chart, size or step is looked at."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.panels: tuple[Panel, ...] = ()
        self.place = 0
        self.large = False
        self.bars = False
        """Whether values are counted instead of drawn by step."""
        self.look = Look()
        self.empty = shown("Reading the curves")
        self._lines: list[Strip] = []
        self._drawn: tuple[object, ...] = ()
        self._kept: dict[tuple[object, ...], list[Strip]] = {}

    def show(self, panels: Sequence[Panel], empty: str) -> None:
        """Draw these; the one looked at stays by its name."""
        here = self.here
        self.panels, self.empty = tuple(panels), empty
        names = [panel.metric for panel in panels]
        self.place = names.index(here.metric) if here is not None and here.metric in names else 0
        self._again()

    @property
    def here(self) -> Panel | None:
        """The chart that is looked at."""
        return self.panels[self.place] if self.place < len(self.panels) else None

    def look_again(self, look: Look, *, bars: bool | None = None) -> None:
        """Draw otherwise."""
        self.look = look
        self.bars = self.bars if bars is None else bars
        self._again()

    def _again(self) -> None:
        self._drawn = ()
        self.refresh()
        self.post_message(self.Changed())

    # Keys

    def action_go(self, across: int, down: int) -> None:
        """Look at another chart; in a large one the cursor goes left and right."""
        if self.large and across:
            self.move_cursor(across)
            return
        step = across + down * (1 if self.large else self._layout()[0])
        if 0 <= self.place + step < len(self.panels):
            self.place += step
            self._again()

    def action_end(self, direction: int) -> None:
        """Look at the first or last chart."""
        self.place = 0 if direction < 0 else max(0, len(self.panels) - 1)
        self._again()

    def action_large(self) -> None:
        """One chart alone, or all again."""
        if self.panels:
            self.large = not self.large
            self._again()

    def enlarge(self, metric: str) -> None:
        """Show this metric alone, where it is there."""
        names = [panel.metric for panel in self.panels]
        if metric in names:
            self.place, self.large = names.index(metric), True
            self._again()

    def move_cursor(self, direction: int) -> None:
        """Read all curves at an earlier or later step."""
        ends = self.ends()
        if ends is None:
            return
        first, last = self.look.zoom or ends
        at = last if self.look.cursor is None else self.look.cursor + direction * (last - first) / CURSOR_STEPS
        self.look_again(Look(**{**vars(self.look), "cursor": max(first, min(last, at))}))

    def ends(self) -> tuple[float, float] | None:
        """First and last step of the chart that is looked at."""
        if self.here is None:
            return None
        steps = [one.points[end][0] for one in self.here.series if one.points for end in (0, -1)]
        return (min(steps), max(steps)) if steps else None

    # Drawing

    def _layout(self) -> tuple[int, int]:
        """Charts beside each other, and lines of each."""
        across = max(1, min(len(self.panels), self.size.width // NARROWEST))
        rows = math.ceil(len(self.panels) / across)
        return across, max(LOWEST, min(16, self.size.height // max(1, rows)))

    def render_line(self, y: int) -> Strip:
        """A line of the cached drawing."""
        state = (self.size, self.place, self.large, self.has_focus, tuple(self.colours()))
        if self._drawn != state:
            self._drawn = state
            self._redraw()
        return self._lines[y] if y < len(self._lines) else Strip.blank(self.size.width, self.rich_style)

    def _redraw(self) -> None:
        width, height = self.size
        if not self.panels:
            self._lines = [self.strip([(pad(self.empty, width), FAINT)], width)]
        elif self.large and self.here is not None:
            self._lines = self._panel(self.here, width, height, here=True)
        else:
            across, tall = self._layout()
            top = max(0, self.place // across - max(1, height // tall) + 1)
            self._lines = []
            for row in range(top, math.ceil(len(self.panels) / across)):
                if len(self._lines) >= height:
                    break
                self._lines += self._row(row, across, tall, width)

    def _row(self, row: int, across: int, tall: int, width: int) -> list[Strip]:
        each = width // across
        drawn = [
            self._panel(self.panels[place], each - 1, tall - 1, here=place == self.place)
            for place in range(row * across, min((row + 1) * across, len(self.panels)))
        ]
        blank = Strip.blank(1, self.rich_style)
        lines = [Strip.join([part for strips in drawn for part in (strips[line], blank)]) for line in range(tall - 1)]
        return [
            *(line.adjust_cell_length(width, self.rich_style) for line in lines),
            Strip.blank(width, self.rich_style),
        ]

    def _panel(self, panel: Panel, width: int, height: int, *, here: bool) -> list[Strip]:
        key = (panel, width, height, here and self.has_focus, self.look, self.bars, tuple(self.colours()))
        if key not in self._kept:
            if len(self._kept) > 200:
                self._kept.clear()
            self._kept[key] = self._drawn_panel(panel, width, height, here=here and self.has_focus)
        return self._kept[key]

    def _drawn_panel(self, panel: Panel, width: int, height: int, *, here: bool) -> list[Strip]:
        title = "curve-grid--here" if here else "curve-grid--title"
        style = self.rich_style + self.get_component_rich_style(title, partial=True)
        words = f" {panel.metric}{' (log)' if self.look.log and not self.bars else ''} "
        parts = [Segment(words, style), Segment(" ", self.rich_style)]
        for one in panel.series:
            text = f"{legend_sign(one.look or 0, numbers=self.look.numbers)}{read_off(one, self.look)} "
            parts.append(Segment(text, self.part_style(one.look or 0)))
        lines = [Strip(parts).adjust_cell_length(width, self.rich_style)]
        body = (
            self._counted(panel, width, height - 1) if self.bars else plot(panel.series, width, height - 1, self.look)
        )
        body = body or [[(shown("nothing to draw on this scale"), FAINT)]]
        lines += [self.strip(part, width) for part in body[: height - 1]]
        return lines + [Strip.blank(width, self.rich_style)] * (height - len(lines))

    def _counted(self, panel: Panel, width: int, height: int) -> list[Parts]:
        """How often each value came, over all steps and runs in view."""
        bins = histogram((y for one in panel.series for _, y in one.points), max(2, height - 1))
        most = max((n for *_, n in bins), default=1)
        room = max((len(number(low)) for low, *_ in bins), default=1)
        head: Parts = [(shown("how often each value came"), FAINT)]
        return [head] + [
            [(f"{number(low).rjust(room)} ", FAINT), (bar(n / most, max(4, width - room - 8)), 0), (f" {n}", PLAIN)]
            for low, _, n in bins
        ]
