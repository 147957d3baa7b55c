"""A page with the log of a run on it: tailed while in view, searched, and read in the pager."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path

from textual import work
from textual.app import SuspendNotSupported
from textual.screen import ModalScreen

from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import LogGrew, WatchLog
from leverplus_tui.tui.screens.dialogs import Ask
from leverplus_tui.tui.screens.run.actions import RunActions
from leverplus_tui.tui.widgets.log import LogView

EMPTY = "Nothing logged yet"


class LogPage(RunActions):
    """Subclasses say which run's log is in view."""

    _watched: int | None = None

    @property
    def log_run(self) -> int | None:
        """The run whose log is in view."""
        return None

    @property
    def log_view(self) -> LogView:
        """Where it is shown."""
        return self.query_one(LogView)

    def watch_log(self, run_id: int | None) -> None:
        """Show this run's log from now on; None shows none."""
        self._watched = run_id
        path = self.library.log_path(run_id) if run_id is not None else None
        if path is not None:
            self.log_view.clear(shown("Reading the log") if _size(path) else EMPTY)
        self.post_message(WatchLog(path))

    def log_grew(self, event: LogGrew) -> None:
        """New lines of the log in view."""
        if self.log_run is None or event.path != self.library.log_path(self.log_run):
            return
        if event.restarted:
            self.log_view.clear(EMPTY)
        self.log_view.add(event.lines)

    def on_screen_suspend(self) -> None:
        """Nobody looks: nothing is tailed. Behind a small window the log goes on, and keeps its place."""
        if not isinstance(self.app.screen, ModalScreen):
            self._watched = None
            self.post_message(WatchLog(None))

    def on_screen_resume(self) -> None:
        """Back in view: tail again."""
        if self._watched != self.log_run:
            self.watch_log(self.log_run)

    # Keys

    def action_follow(self) -> None:
        """Follow the log, or stop following."""
        self.log_view.action_follow()

    def action_first_error(self) -> None:
        """Go to the first error of the log."""
        self.log_view.action_first_error()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_find(self) -> None:
        """Ask for a text and go to the first line after the top one that has it."""
        text = await self.app.push_screen_wait(
            Ask("Find in the log", detail="capitals do not matter; n goes to the next, N to the one before",
                value=self.log_view.needle)
        )  # fmt: skip
        if text:
            self.log_view.find(text)

    def action_match(self, step: int) -> None:
        """Go to the next or previous line that has the text."""
        self.log_view.action_match(step)

    def action_pager(self) -> None:
        """Read the whole log in $PAGER."""
        if self.log_run is None:
            return
        path = self.library.log_path(self.log_run)
        if not path.exists():
            self.notify(f"r{self.log_run} has no log yet")
            return
        pager = shlex.split(os.environ.get("PAGER") or "less")
        try:
            with self.app.suspend():
                subprocess.run([*pager, str(path)], check=False)
        except SuspendNotSupported:
            self.notify(f"A pager needs a terminal of its own: the log is {path}", severity="warning")
        except OSError as error:
            self.notify(f"PAGER={pager[0]} cannot be started ({error.strerror}): the log is {path}", severity="warning")


def _size(path: Path) -> int:
    return path.stat().st_size if path.exists() else 0
