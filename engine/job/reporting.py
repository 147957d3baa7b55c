"""What a run's log says while it works: a line for each percent and epoch, rates, time left, findings, each warning once."""

from __future__ import annotations

import logging
import time
import warnings
from collections.abc import Callable

from loguru import logger

from db.rows import Cell, Checkpoint, Metric, Progress, Row
from db.specs import Finding

LINE_S = 1.0
"""From one line about progress, or about an epoch, to the next at least: quick epochs would fill the disk."""
LEVELS = {"error": "ERROR", "warning": "WARNING", "info": "INFO"}
MOST_WARNINGS = 10_000


class Reporter:
    """Sees each row of a run before it is stored, and writes what a person wants to read. `clock` in seconds."""

    def __init__(self, run: str, clock: Callable[[], float] = time.monotonic) -> None:
        self._run, self._clock = run, clock
        self._percent, self._said = -1, -LINE_S
        self._first: tuple[float, int] | None = None
        self._epoch: tuple[str, int] | None = None
        self._values: dict[str, float] = {}
        self._epoch_said = -LINE_S

    def see(self, row: Row) -> None:
        """Say what is worth a line."""
        if isinstance(row, Metric):
            self._metric(row)
        elif isinstance(row, Progress):
            self._progress(row)
        elif isinstance(row, Finding):
            logger.log(LEVELS[row.severity], "{}: {}: {}", self._run, row.code, row.message)
        elif isinstance(row, Checkpoint):
            self._end_epoch(always=True)
            best = "best so far, " if row.is_best else ""
            logger.info("{}: {}epoch {} of {} saved in {}", self._run, best, row.epoch, row.phase, row.path)
        elif isinstance(row, Cell) and row.accuracy is not None and row.n_done == row.n:
            logger.info(
                "{}: {} shots: {:.2f} % [{:.1f}, {:.1f}], n={}",
                self._run, row.shot, row.accuracy, row.ci_low, row.ci_high, row.n,
            )  # fmt: skip

    def end(self) -> None:
        """Say what the last epoch measured."""
        self._end_epoch(always=True)

    def _progress(self, row: Progress) -> None:
        now = self._clock()
        if self._first is None:
            self._first = now, row.done
        percent = 100 * row.done // row.total if row.total else 0
        if percent == self._percent or (now - self._said < LINE_S and row.done < row.total):
            return
        self._percent, self._said = percent, now
        since, before = self._first
        done, seconds = row.done - before, now - since
        told = ""
        if done > 0 and seconds > 0:
            rate = done / seconds
            told = f", {rate:.3g}/s, {_left((row.total - row.done) / rate)} left"
        note = f" ({row.note})" if row.note else ""
        logger.info("{}: {} %, {} of {} {}{}{}", self._run, percent, row.done, row.total, row.unit, told, note)

    def _metric(self, row: Metric) -> None:
        if self._epoch is not None and self._epoch != (row.phase, row.epoch):
            self._end_epoch()
        self._epoch = row.phase, row.epoch
        self._values[row.name] = row.value

    def _end_epoch(self, *, always: bool = False) -> None:
        now = self._clock()
        if self._epoch is None or not (always or now - self._epoch_said >= LINE_S):
            self._values.clear()
            return
        told = ", ".join(f"{name} {value:.4g}" for name, value in self._values.items())
        logger.info("{}: {} epoch {}: {}", self._run, *self._epoch, told)
        self._epoch, self._epoch_said = None, now
        self._values.clear()


def _left(seconds: float) -> str:
    whole = max(0, round(seconds))
    if whole < 60:
        return f"{whole}s"
    return f"{whole // 60}m{whole % 60:02d}" if whole < 3600 else f"{whole // 3600}h{whole % 3600 // 60:02d}"


class Once(logging.Handler):
    """Warnings of libraries, each once; what they say below a warning is not for this log."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._seen: set[tuple[int, str]] = set()

    def emit(self, record: logging.LogRecord) -> None:
        """Write one that is new."""
        text = " ".join(record.getMessage().split())
        key = record.levelno, text
        if key in self._seen or len(self._seen) > MOST_WARNINGS:
            return
        self._seen.add(key)
        logger.log("ERROR" if record.levelno >= logging.ERROR else "WARNING", "{}: {}", record.name, text)


def hear_libraries(handler: Once) -> None:
    """Lead what libraries log and warn to the run's log; called again once they are imported, for they bring handlers along."""
    logging.captureWarnings(True)
    warnings.simplefilter("default")
    logging.root.handlers = [handler]
    for known in list(logging.root.manager.loggerDict.values()):
        if isinstance(known, logging.Logger):
            known.handlers = [one for one in known.handlers if type(one) is not logging.StreamHandler]
            known.propagate = True
