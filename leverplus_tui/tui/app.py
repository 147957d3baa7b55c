"""The terminal program: four modes over one database. It shows, asks and launches; jobs are other processes."""

from __future__ import annotations

import asyncio
import gc
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import events, work
from textual.binding import Binding, BindingType
from textual.filter import LineFilter
from textual.types import AnimationLevel

from db.user_error import UserError
from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.language import shown
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.going import MODES, GoingApp
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Tell
from leverplus_tui.tui.theme import Sheet, fallbacks
from leverplus_tui.tui.watcher import Watcher
from leverplus_tui.tui.widgets.kept import forget_the_gone
from leverplus_tui.tui.widgets.plain_lines import PlainLines

if TYPE_CHECKING:
    from db.home import Home


def settle_memory() -> None:
    """What is loaded by now stays until the end: looking through it for garbage stopped the screen for 200 ms at a time."""
    gc.freeze()
    gc.enable()


class LeverplusApp(GoingApp):
    """Modes on 1-4, pages pushed on top of them, one watcher, one place where errors are shown."""

    TITLE = "leverplus"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = True
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("1", "mode('runs')", "runs", tooltip="go to runs", show=False, id="mode.runs"),
        Binding("2", "mode('compare')", "compare", tooltip="go to compare", show=False, id="mode.compare"),
        Binding("3", "mode('data')", "data", tooltip="go to data", show=False, id="mode.data"),
        Binding("4", "mode('jobs')", "jobs", tooltip="go to jobs", show=False, id="mode.jobs"),
        Binding(
            "Q",
            "page('queue')",
            "queue",
            tooltip="queue: what runs, what waits and for what",
            show=False,
            id="page.queue",
        ),
        Binding(
            "W",
            "page('sweeps')",
            "sweeps",
            tooltip="sweeps: how far they are, and what is best",
            show=False,
            id="page.sweeps",
        ),
        Binding(
            "T",
            "page('trash')",
            "trash",
            tooltip="trash: bring deleted runs back (restore), or erase them",
            show=False,
            id="page.trash",
        ),
        Binding(
            "P",
            "task('report')",
            "report",
            tooltip="report of these runs: Markdown, HTML, LaTeX, CSV",
            show=False,
            id="task.report",
        ),
        Binding(
            "U",
            "task('publish')",
            "publish",
            tooltip="publish these runs: mlflow, wandb, tensorboard, trackio, hub",
            show=False,
            id="task.publish",
        ),
        Binding(
            "O",
            "task('doctor')",
            "doctor",
            tooltip="doctor: what is wrong with a file or run, and what to do",
            show=False,
            id="task.doctor",
        ),
        Binding("minus", "last_view", "the view before this one", show=False, id="view.last"),
        Binding("question_mark", "help", "keys", tooltip="help: the keys that work here", show=False, id="help"),
        Binding("m", "messages", "messages so far", show=False, id="messages"),
        Binding("ctrl+p", "command_palette", "every view and key by name", show=False, id="palette"),
        Binding(
            "percent_sign",
            "mouse",
            "mouse",
            tooltip="leave the mouse to the terminal, or take it back",
            show=False,
            id="mouse",
        ),
        Binding(
            "equals_sign",
            "settings",
            "settings",
            tooltip="colours, keys, files, what is remembered",
            show=False,
            id="settings",
        ),
        Binding("q,ctrl+q", "quit", "quit (jobs go on)", show=False, id="quit"),
    ]

    def __init__(
        self,
        home: Home,
        *,
        run: str | None = None,
        compare: str | Sequence[str] = (),
        read_only: bool = False,
        said: str = "",
        pictures: str = "",
    ) -> None:
        """`said` is told when the database is open: why the program begins anew."""
        super().__init__(Library(home, read_only=read_only))
        self.pictures_asked = pictures
        self.watcher: Watcher | None = None
        self._run = run
        self._compare = compare.split(",") if isinstance(compare, str) else list(compare)
        self._said = said
        self._begun = False
        self._plain = PlainLines()
        forget_the_gone()
        self.recall()
        self.stylesheet = Sheet(self.get_css_variables())
        if os.environ.get("SSH_CONNECTION"):
            self.animation_level: AnimationLevel = "none"

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Colours that our style sheets name and other themes lack."""
        return fallbacks(ansi=self.current_theme.ansi, dark=self.current_theme.dark)

    def get_line_filters(self) -> Sequence[LineFilter]:
        """Textual's, and ASCII in the place of its frames where that is asked for."""
        filters = super().get_line_filters()
        return [*filters, self._plain] if ascii_only() else filters

    # Start and end

    @property
    def is_starting(self) -> bool:
        """Until the database is open, or refused."""
        return not self._begun

    async def on_mount(self) -> None:
        """Show the runs; the database opens after the first frame."""
        await self.switch_mode("runs")
        self.call_after_refresh(self.begin_pictures)
        self.call_after_refresh(self._open)

    @work(group="database", exclusive=True, exit_on_error=False)
    async def _open(self) -> None:
        try:
            await asyncio.to_thread(self.library.open)
        except UserError as error:
            for page in self._pages():
                page.post_message(messages.DatabaseRefused(str(error)))
            self.push_screen(Tell("The database cannot be used", str(error), error=True))
            settle_memory()
            self._begun = True
            return
        self.watcher = Watcher(
            tell=self.post_message,
            version=self.library.database.version,
            mark_lost=self.library.tend,
            failed=self._blind,
        )
        self.watcher.start()
        for page in self._pages():
            page.post_message(messages.DatabaseReady())
        self._tell_notice()
        for problem in self.key_problems:
            self.notify(problem, severity="warning", timeout=10)
        self._count_jobs()
        await self._open_links()
        self._begun = True
        if not self.is_headless:
            settle_memory()

    def _tell_notice(self) -> None:
        """Why the program begins anew; a window that may not change anything leaves it to the next that may."""
        memory = self.library.memory
        if said := self._said or ("" if self.library.read_only else memory.now.notice):
            self.notify(said, timeout=20)
            memory.keep(notice="")

    async def _open_links(self) -> None:
        """What the command line asked for, a run or runs side by side; else what was in view at the end of the last time."""
        try:
            if not self._run and not self._compare:
                await self._reopen()
            if self._compare:
                ids = [await asyncio.to_thread(self.library.database.find_run, text) for text in self._compare]
                self.post_message(messages.CompareRuns(tuple(ids)))
            if self._run:
                self.post_message(messages.OpenRun(await asyncio.to_thread(self.library.database.find_run, self._run)))
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)

    async def _reopen(self) -> None:
        if self.library.memory.problem:
            self.notify(self.library.memory.problem, severity="warning")
        mode, run, tab = self._left
        compared = self.library.memory.now.compared
        known = {
            row.id
            for row in await asyncio.to_thread(self.library.database.run_rows, [*compared, *([run] if run else [])])
        }
        if mode == "compare" and len(known & set(compared)) > 1:
            self.post_message(messages.CompareRuns(tuple(one for one in compared if one in known)))
        elif mode != self.current_mode and mode in MODES:
            await self.switch_mode(mode)
        if run in known and run is not None:
            self.post_message(messages.OpenRun(run, tab or "overview"))

    def on_unmount(self) -> None:
        """Stop looking; jobs go on."""
        if self.watcher is not None:
            self.watcher.stop()
        self.end_pictures()
        self.library.memory.write()
        self.library.close()

    def _blind(self, error: Exception) -> None:
        self.call_from_thread(
            self.notify, shown(f"Changes cannot be seen at the moment: {error}"), severity="warning", markup=False
        )

    async def on_event(self, event: events.Event) -> None:
        """Whoever presses a key or a button looks for what comes of it at once."""
        if self.watcher is not None and isinstance(event, events.Key | events.Paste | events.MouseDown):
            self.watcher.touched()
        await super().on_event(event)

    # What the watcher tells

    def on_data_changed(self, event: messages.DataChanged) -> None:
        """Every page learns that it is stale; the one in view reads."""
        for page in self._pages():
            page.post_message(messages.DataChanged(event.version))
        if self._started_runs:
            self._tell_ends()
        self._count_jobs()

    def on_log_grew(self, event: messages.LogGrew) -> None:
        """The page in view shows it."""
        page = next((page for page in reversed(self.screen_stack) if isinstance(page, PageScreen)), None)
        if page is not None:
            page.post_message(messages.LogGrew(event.path, event.lines, event.restarted, event.skipped))

    def on_watch_log(self, event: messages.WatchLog) -> None:
        """A page wants to see a log, or no longer."""
        if self.watcher is not None:
            self.watcher.watch_log(event.path)
