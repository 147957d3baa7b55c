"""Watches one run from the command line: a bar on a terminal, a line every few seconds elsewhere, until the run ends."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

from db import store
from db.home import Home
from db.run_states import ENDED
from db.session import DatabaseFile, reading
from leverplus_tui.jobs.away import goes_on
from leverplus_tui.jobs.dead_jobs import bury_dead
from leverplus_tui.text.output import say
from leverplus_tui.text.times import duration

LOOK_S = 0.2
PROOF_S = 1.0
"""How often the process itself is looked at; its rows are looked at whenever the database changes."""
LINE_S = 5.0
COLLECTED_S = 60.0
"""How long a run that another machine works on may be without anybody who collects its rows, before it counts as lost."""
BETWEEN = "its collector is gone, another takes over"


@dataclass(frozen=True)
class Standing:
    """Where a run stands."""

    state: str
    done: int
    total: int
    unit: str
    note: str


class Display(Protocol):
    """Something that shows a standing."""

    def show(self, standing: Standing) -> None:
        """Bring what is seen up to date."""


def follow(
    database: DatabaseFile, run_id: int, *, quiet: bool = False, tend: Callable[[DatabaseFile], None] = bury_dead
) -> str:
    """Show a run's progress on standard error until it ends; returns the state it ended in.

    A process that died without a word ends the run as lost, by `tend`, which also sees to it that rows from elsewhere are
    collected.
    """
    with _display(run_id, quiet) as display:
        seen, proved, collected = -1, time.monotonic(), time.monotonic()
        while True:
            if (version := database.version()) != seen:
                seen = version
                standing = _standing(database, run_id)
                display.show(standing)
                if standing.state in ENDED:
                    return standing.state
            if standing.note != BETWEEN:
                collected = time.monotonic()
            elif time.monotonic() - collected > COLLECTED_S:
                return "lost"
            if time.monotonic() - proved > PROOF_S:
                proved = time.monotonic()
                tend(database)
            time.sleep(LOOK_S)


def _standing(database: DatabaseFile, run_id: int) -> Standing:
    with reading(database) as session:
        run = store.get_run(session, run_id=run_id)
        if goes_on(Home(database.path.parent), run_id, run.state):
            return Standing("running", run.progress_done, run.progress_total, run.progress_unit, BETWEEN)
        return Standing(run.state, run.progress_done, run.progress_total, run.progress_unit, run.progress_note)


@contextmanager
def _display(run_id: int, quiet: bool) -> Iterator[Display]:
    if quiet:
        yield _Silence()
    elif sys.stderr.isatty():
        with _Bar(run_id) as bar:
            yield bar
    else:
        yield _Lines(run_id)


class _Silence:
    def show(self, standing: Standing) -> None:
        """Nothing."""


class _Lines:
    """For pipes and log files."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._began = self._said = time.monotonic()
        self._state = ""

    def show(self, standing: Standing) -> None:
        now = time.monotonic()
        if standing.state == self._state and now - self._said < LINE_S:
            return
        self._said, self._state = now, standing.state
        part = f" {standing.done}/{standing.total} {standing.unit}".rstrip() if standing.total else ""
        note = f" ({standing.note})" if standing.note else ""
        say(f"r{self._run_id} {standing.state}{part}{note}, {duration(now - self._began)}")


class _Bar:
    def __init__(self, run_id: int) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(bar_width=None),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            TimeElapsedColumn(),
            TextColumn("left"),
            TimeRemainingColumn(),
            console=Console(stderr=True),
            transient=True,
        )
        self._run_id = run_id
        self._task = self._progress.add_task(f"r{run_id} queued", total=None, unit="")

    def __enter__(self) -> _Bar:
        self._progress.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._progress.stop()

    def show(self, standing: Standing) -> None:
        self._progress.update(
            self._task,
            description=f"r{self._run_id} {standing.note or standing.state}",
            completed=standing.done,
            total=standing.total or None,
            unit=standing.unit,
        )
