"""The program of a node: works on the run in a folder with the recipe that home would run, and writes its rows to a file there.

`python -m engine.job.elsewhere.node FOLDER [PARENT]`. It opens no database. A request to stop comes as a signal, or as the file
`stop` where no signal reaches it; what is written before is gone on from by the next attempt, here or on another node.
"""

from __future__ import annotations

import faulthandler
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

from loguru import logger

from db.rows import Row
from db.specs import UserError
from engine.common.files.atomic import make_folder
from engine.common.where import ON
from engine.job.claims import surroundings
from engine.job.elsewhere.parcel import LOG, STOP, Parcel
from engine.job.elsewhere.row_files import Ended, Surroundings, Writer
from engine.job.recorder import FLUSH_S, RESERVE_BYTES, Recorder, Reserve
from engine.job.worker import LOG_FORMAT, THIS_RUN, Outcome, StopRequest, carry_out

BEAT_S = 10.0
"""Longest silence of a row file while its process lives."""
LOOK_S = 1.0
ENOUGH = "ENOUGH"
"""What stands in place of a signal where the file `stop` asked."""


class NodeStop(StopRequest):
    """Also listens to what a queue sends before it ends a job; which signal it was decides how the run is judged."""

    def __init__(self, folder: Path, parent: int | None) -> None:
        super().__init__()
        self.signal = ""
        self._folder, self._parent = folder, parent
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2):
            signal.signal(number, self._hear)
        signal.signal(signal.SIGCONT, signal.SIG_DFL)
        threading.Thread(target=self._look, name="stop", daemon=True).start()

    def _hear(self, number: int, frame: FrameType | None) -> None:
        self.signal = self.signal or signal.Signals(number).name
        self._ask(number, frame)

    def _look(self) -> None:
        """For the file, and for the death of whoever this process works for."""
        while not (self._folder / STOP).exists() and self._parent in (None, os.getppid()):
            time.sleep(LOOK_S)
        self.signal = self.signal or ENOUGH
        os.kill(os.getpid(), signal.SIGTERM)


def work(folder: Path, parent: int | None = None) -> int:
    """One attempt at a run; the exit code is that of a job at home. What it says goes to the log of the folder. With
    `parent`, it stops when it is no longer a child of that process."""
    os.environ.pop(ON, None)  # this is where the run was sent: nothing is spread from here
    with _speaking_to(folder / LOG):
        stop = NodeStop(folder, parent)
        parcel = Parcel.read(folder)
        known = parcel.known()
        writer = Writer(folder)
        logger.info("{}: {} begins on {}, attempt {}", parcel.label, parcel.kind, os.uname().nodename, writer.number)
        logger.info("{} answers, {} facts are known", len(known.answered) + len(known.candidates), len(known.facts))
        writer.append([Surroundings(*surroundings(Path.cwd()))])
        outcome = _worked(parcel, writer, stop)
        logger.info("{}: {} {}", parcel.label, outcome.state, outcome.reason.replace(THIS_RUN, parcel.label))
        writer.append([Ended(outcome.state, outcome.exit_code, outcome.reason, stop.signal)])
        writer.close()
        return outcome.exit_code


def _worked(parcel: Parcel, writer: Writer, stop: NodeStop) -> Outcome:
    if parcel.foreign:
        return Outcome("failed", 2, parcel.foreign)
    run_dir = parcel.home.run_dir(parcel.run_id)
    make_folder(run_dir)
    reserve = Reserve(run_dir / "reserve", RESERVE_BYTES)
    # each batch is flushed to a network disk that a hundred nodes may share
    recorder = Recorder(_in_file(writer), reserve=reserve, hurried=lambda: stop.asked, soon_s=FLUSH_S)
    outcome = carry_out([parcel], [recorder], stop)
    stop.recipe_ended()
    try:
        recorder.close()
    except UserError as error:
        return Outcome("failed", error.exit_code, str(error))
    finally:
        reserve.release()
    return outcome


def _in_file(writer: Writer) -> Callable[[Sequence[Row]], None]:
    """Rows at once, and now and then a sign of life."""
    said = time.monotonic()

    def add(batch: Sequence[Row]) -> None:
        nonlocal said
        if batch or time.monotonic() - said >= BEAT_S:
            writer.append(batch)
            said = time.monotonic()

    return add


@contextmanager
def _speaking_to(log: Path) -> Iterator[None]:
    """Everything that this process says, the interpreter and libraries included, goes to one file."""
    file = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o644)
    before = {stream: os.dup(stream) for stream in (1, 2)}
    for stream in before:
        os.dup2(file, stream)
    faulthandler.enable()
    logger.remove()
    logger.add(sys.stderr, format=LOG_FORMAT, level="INFO", backtrace=False, diagnose=False)
    try:
        yield
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        for stream, kept in before.items():
            os.dup2(kept, stream)


class Node:
    """A run as submitit pickles it: a name of a folder, and no more."""

    def __init__(self, folder: str, parent: int | None = None) -> None:
        self._folder, self._parent = folder, parent

    def __call__(self) -> int:
        return work(Path(self._folder), self._parent)


if __name__ == "__main__":
    sys.exit(work(Path(sys.argv[1]), *map(int, sys.argv[2:])))
