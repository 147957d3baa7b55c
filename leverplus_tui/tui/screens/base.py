"""What the four modes and the run screen share: bars, the too-small sentence, refreshing while in view, errors to the app."""

from __future__ import annotations

import time
from typing import ClassVar

from textual import events, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.geometry import Size
from textual.screen import Screen
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import DatabaseReady, DataChanged, GoingOn, LogGrew, View, Viewed
from leverplus_tui.tui.widgets.charts.bars import KeyBar, ModeBar
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.kept import keep_lines

SMALLEST = (60, 15)
LEAST_PANE = (24, 4)
"""Cells and lines that either pane keeps."""
REST = 9
"""A screen rests this many times as long as its last reading took, so that reading never takes more than a tenth."""
LONGEST_REST_S = 2.0
AGE_S = 30.0
"""How often a page in view writes its ages again when nothing else makes it."""


class PageScreen(TellsFailures, Screen[None]):
    """A full page; subclasses fill `body()` and read in `reload()`."""

    MODE: ClassVar[str] = "runs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("plus", "grow(1)", "larger pane", tooltip="give the second pane more room", show=False, id="pane.grow"),
        Binding(
            "underscore",
            "grow(-1)",
            "smaller pane",
            tooltip="give the second pane less room",
            show=False,
            id="pane.shrink",
        ),
        Binding(
            "right_curly_bracket",
            "scroll_pane(1)",
            "scroll the pane",
            tooltip="scroll the second pane down",
            show=False,
            id="pane.down",
        ),
        Binding(
            "left_curly_bracket",
            "scroll_pane(-1)",
            "scroll the pane back",
            tooltip="scroll the second pane up",
            show=False,
            id="pane.up",
        ),
        Binding("escape", "back", "back", show=False, id="back"),
    ]
    PANE: ClassVar[str] = ""
    """The pane beside or below the first one, whose size can be changed."""

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        self.mode = self.MODE
        self._stale = True
        self._reading = False
        self._read_at = 0.0
        self._cost = 0.0
        self._again: Timer | None = None
        self._has_read = False

    def compose(self) -> ComposeResult:
        """Bars around the body; one line instead of everything where there is no room."""
        yield ModeBar(self.mode, self.library.jobs, self.library.errands, read_only=self.library.read_only)
        with Container(id="body"):
            yield from self.body()
        yield Static("", id="too-small", markup=False)
        yield KeyBar()

    def body(self) -> ComposeResult:
        """The page between the bars."""
        yield from ()

    async def reload(self) -> None:
        """Read from the database (in a thread) and show."""

    def fit(self, size: Size) -> None:
        """The page has this size now."""

    def keeps_back(self, key: str) -> bool:  # others know keys that need not wait
        """Whether a key waits because the page has nothing to act on yet."""
        return not self._has_read

    # Size

    def on_resize(self, event: events.Resize) -> None:
        """Below 60x15 ask for more room, and for nothing else."""
        width, height = event.size
        small = width < SMALLEST[0] or height < SMALLEST[1]
        self.set_class(small, "-tiny")
        self.set_class(height < 30, "-low")
        words = shown(
            f"leverplus needs {SMALLEST[0]}x{SMALLEST[1]} cells, this is {width}x{height}: enlarge the window"
        )
        self.query_one("#too-small", Static).update(words)
        self.fit(event.size)
        self.call_after_refresh(self._size_pane)

    # Panes

    def _second(self) -> tuple[Widget, str] | None:
        """The second pane, and the name under which its size is remembered: lines of one below, cells of one beside."""
        found = self.query(self.PANE) if self.PANE else None
        if not found or not found.first().region:
            return None
        pane = found.first()
        beside = (
            pane.region.x > self.region.x and pane.region.y <= pane.parent.region.y + 1
            if isinstance(pane.parent, Widget)
            else False
        )
        return pane, f"{type(self).__name__}.{'width' if beside else 'height'}"

    def action_grow(self, step: int) -> None:
        """Give the second pane more or less room; the size is remembered."""
        if (found := self._second()) is None:
            self.notify("This page has no second pane in view")
            return
        pane, name = found
        now = pane.outer_size.width if name.endswith("width") else pane.outer_size.height
        panes = self.library.memory.now.panes
        self.library.memory.keep(panes={**panes, name: now + step * (6 if name.endswith("width") else 2)})
        self._size_pane()

    def action_scroll_pane(self, step: int) -> None:
        """Scroll the second pane by half of what is in view of it."""
        if (found := self._second()) is None:
            self.notify("This page has no second pane in view")
            return
        for part in found[0].walk_children(Widget, with_self=True):
            if part.max_scroll_y and not part.has_focus:
                part.scroll_relative(y=step * max(1, part.size.height // 2), animate=False)

    def _size_pane(self) -> None:
        if (found := self._second()) is None:
            return
        pane, name = found
        if (wanted := self.library.memory.now.panes.get(name)) is None:
            return
        if name.endswith("width"):
            pane.styles.width = max(LEAST_PANE[0], min(wanted, self.size.width - LEAST_PANE[0]))
        else:
            pane.styles.height = max(LEAST_PANE[1], min(wanted, self.size.height - LEAST_PANE[1] - 4))

    # Coming and going

    def on_mount(self) -> None:
        """Ages grow while nothing happens; what stands still is not drawn again."""
        keep_lines([self, *self.query()])
        self.set_interval(AGE_S, self._grow_older)

    def _grow_older(self) -> None:
        if self.is_current and self.library.is_open:
            self.show_ages()

    def show_ages(self) -> None:
        """Write what says how long ago something was, from what was read before."""

    @property
    def view(self) -> View | None:
        """What `-` comes back to; None for pages that lead nowhere else."""
        return View(self.mode) if self is self.app.screen_stack[0] else None

    def meant_runs(self) -> tuple[int, ...]:
        """Runs that a report or the like is about; none where the page is about something else."""
        return ()

    @property
    def meant_path(self) -> str:
        """The file that the page is about, or its cursor is on."""
        return ""

    @property
    def holds_changes(self) -> bool:
        """Whether leaving the page would lose something; `action_back` then asks."""
        return False

    def offers(self, action: str) -> bool:
        """Whether a key that is allowed is worth naming below, by the state of what is under the cursor now.

        Pressed all the same it is not mute: it says why there is nothing to do.
        """
        return True

    # Reading

    @property
    def bar(self) -> ModeBar:
        """The line above."""
        return self.query_one(ModeBar)

    def on_screen_resume(self) -> None:
        """Coming into view: show what changed meanwhile."""
        if (view := self.view) is not None:
            self.post_message(Viewed(view))
        if self._stale:
            self.refresh_data()
        else:
            self._grow_older()

    def on_data_changed(self, event: DataChanged) -> None:
        """Read again if in view, later if not."""
        event.stop()
        self._stale = True
        if self.is_current:
            self.refresh_data()

    def on_going_on(self, event: GoingOn) -> None:
        """The line above says it."""
        event.stop()
        self.bar.jobs, self.bar.errands = event.jobs, event.errands

    def on_log_grew(self, event: LogGrew) -> None:
        """Lines of a log that this page may have asked for."""
        event.stop()
        self.log_grew(event)

    def log_grew(self, event: LogGrew) -> None:
        """A page that shows a log takes its lines here."""

    def on_database_ready(self, event: DatabaseReady) -> None:
        """The first reading."""
        event.stop()
        self.refresh_data()

    def refresh_data(self) -> None:
        """Read now, or after a rest in proportion to what the last reading cost."""
        if not self.library.is_open or self._reading or self._again is not None:
            self._stale = True
            return
        wait = self._read_at + min(REST * self._cost, LONGEST_REST_S) - time.monotonic()
        if wait > 0.02:
            self._again = self.set_timer(wait, self._rested)
            return
        self._stale, self._reading = False, True
        self._read_at = time.monotonic()
        self._read()

    @property
    def is_reading(self) -> bool:
        """Whether the page is read, or will be after a rest."""
        return self._reading or self._stale or self._again is not None

    def _rested(self) -> None:
        self._again = None
        if self.is_current:
            self.refresh_data()

    @work(exclusive=True, group="page", exit_on_error=False)
    async def _read(self) -> None:
        """One reading; what changed meanwhile is read next."""
        try:
            await self.reload()
        finally:
            self._cost = time.monotonic() - self._read_at
            self._reading = False
            self._has_read = True
            self.call_after_refresh(self._size_pane)
        if self._stale and self.is_current:
            self.refresh_data()

    def action_back(self) -> None:
        """One step back: the page below; from the first page of a mode to the runs."""
        if len(self.app.screen_stack) > 1:
            self.dismiss()
        elif self.mode != "runs":
            self.call_later(self.run_action, "app.mode('runs')")
