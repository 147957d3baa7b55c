"""The job process: load the run, look its recipe up, store each row it yields, say how it ended.

`python -m engine.job.worker --home DIR RUN...`, several runs where they train as one batch. Standard output and error are
the log of the first. The only module that knows both the recipes and the store.
"""

from __future__ import annotations

import argparse
import errno
import faulthandler
import importlib
import os
import signal
import sys
from collections.abc import Generator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

from loguru import logger
from pydantic import ValidationError

from db import store
from db.home import Home
from db.rows import Row
from db.session import writing
from db.specs import UserError, read_spec
from engine.common.files.atomic import make_folder, stands
from engine.common.importing import no_collections
from engine.job.claims import Claimed, Job, claim
from engine.job.identity import Identity
from engine.job.known import Known
from engine.job.recorder import LAST_WORD_BYTES, RESERVE_BYTES, Recorder, Reserve, in_database
from engine.job.reporting import Once, Reporter, hear_libraries
from engine.recipes.changed import Changed
from engine.recipes.run_context import RunContext, Stop
from engine.serving.notices import notify
from engine.vlm.opening import begin

RECIPES: dict[str, tuple[str, str]] = {
    "eval": ("engine.recipes.evaluate", "evaluate"),
    "rce": ("engine.recipes.train", "train"),
    "grpo": ("engine.recipes.train", "train"),
    "generate": ("engine.recipes.generate", "generate"),
    "embed": ("engine.recipes.embed", "embed"),
    "import": ("engine.recipes.import_answers", "import_answers"),
    "ask": ("engine.recipes.ask", "ask"),
}
TOGETHER = dict.fromkeys(("rce", "grpo"), ("engine.recipes.train", "train_many"))
"""Recipes that take several runs at once."""
THIS_RUN = "<run>"
LIBRARIES_LOADED = (0, 1, 100)
"""Numbers of rows at which libraries that recipes import may have brought handlers along."""
STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE_S = 10
"""Seconds between a request to stop and breaking into a recipe that yields nothing meanwhile."""
LOG_FORMAT = "{time:YYYY-MM-DD HH:mm:ss} | {level: <7} | {message}"


class Stopped(BaseException):
    """The run was asked to stop. Not an Exception, so that no recipe swallows it."""


@dataclass(frozen=True)
class Outcome:
    """How a job ended: state of the run, exit code of the process, one sentence."""

    state: str
    exit_code: int
    reason: str = ""


class StopRequest(Stop):
    """SIGTERM and SIGINT: noted, obeyed between two rows, and after a while by breaking into the recipe."""

    def __init__(self) -> None:
        super().__init__()
        self._may_break_in = True
        signal.signal(signal.SIGTERM, self._ask)
        signal.signal(signal.SIGINT, self._ask)
        signal.signal(signal.SIGALRM, self._break_in)
        # held back by the launcher, so that one that came during the imports is heard here
        signal.pthread_sigmask(signal.SIG_UNBLOCK, STOP_SIGNALS)

    def check(self) -> None:
        """Raise Stopped when a stop was asked for, unless the recipe is about to hand over what it has begun."""
        if self.asked and not self.deferred:
            raise Stopped

    def recipe_ended(self) -> None:
        """From here on only the last rows are stored: a signal hurries that, and does not disturb it."""
        self._may_break_in = False
        signal.setitimer(signal.ITIMER_REAL, 0)

    def _ask(self, _: int, __: FrameType | None) -> None:
        self.asked = True
        if self._may_break_in:
            signal.setitimer(signal.ITIMER_REAL, GRACE_S)

    def _break_in(self, _: int, __: FrameType | None) -> None:
        if self._may_break_in:
            raise Stopped


def main(arguments: Sequence[str] | None = None) -> int:
    """Entry point; the exit code is 0 for done and stopped, that of the error for the user's fault, else 1."""
    parser = argparse.ArgumentParser(prog="python -m engine.job.worker", description="Work on one run.")
    parser.add_argument("--home", required=True, type=Path, help="home folder")
    parser.add_argument("runs", nargs="+", metavar="run", help="run, such as r12")
    asked = parser.parse_args(arguments)
    faulthandler.enable()
    logger.remove()
    logger.add(sys.stderr, format=LOG_FORMAT, level="INFO", backtrace=False, diagnose=False)
    stop = StopRequest()
    try:
        return work([claim(Home(asked.home), run) for run in asked.runs], stop).exit_code
    except UserError as error:
        logger.error("{}", error)
        return error.exit_code
    except OSError as error:
        logger.error("{}: {}", error.filename or asked.home, error.strerror or error)
        return 1


def work(jobs: Sequence[Claimed], stop: StopRequest) -> Outcome:
    """Run the recipe to its end, store everything it yielded, then say how it ended; several jobs are one batch."""
    recorders = []
    for job in jobs:
        run_dir = job.home.run_dir(job.run_id)
        stands(job.home.root)
        make_folder(run_dir)
        reserves = Reserve(run_dir / "reserve", RESERVE_BYTES), Reserve(run_dir / "reserve-last-word", LAST_WORD_BYTES)
        logger.info("{}: {} begins, process {}", job.label, job.kind, os.getpid())
        sink = in_database(job.database, job.run_id, job.process_id)
        recorder = Recorder(sink, reserve=reserves[0], hurried=lambda: stop.asked)
        recorders.append((recorder, reserves))
    outcome = carry_out(jobs, [recorder for recorder, _ in recorders], stop)
    stop.recipe_ended()
    for job, (recorder, reserves) in zip(jobs, recorders, strict=True):
        outcome = _end(job, recorder, reserves, outcome)
    return outcome


def _end(job: Claimed, recorder: Recorder, reserves: Sequence[Reserve], outcome: Outcome) -> Outcome:
    try:
        recorder.close()
    except UserError as error:
        outcome = Outcome("failed", error.exit_code, str(error))
    finally:
        for reserve in reserves:
            reserve.release()
    level = "ERROR" if outcome.state == "failed" else "INFO"
    reason = outcome.reason.replace(THIS_RUN, job.label)
    logger.log(level, "{}: {} {}", job.label, outcome.state, reason)
    with writing(job.database) as session:
        store.end_process(
            session, process_id=job.process_id, state=outcome.state, exit_code=outcome.exit_code, reason=reason
        )
        store.set_state(session, run_id=job.run_id, state=outcome.state)
        name = store.get_run(session, run_id=job.run_id).name
    ended = {"run": job.label, "name": name, "state": outcome.state, "reason": reason}
    if job.kind != "ask" and (told := notify(ended)):  # whoever asks looks at it
        logger.warning("{}", told)
    return outcome


def carry_out(jobs: Sequence[Job], recorders: Sequence[Recorder], stop: StopRequest) -> Outcome:
    """Draw the recipe's rows until it ends, is stopped, or fails."""
    labels = ", ".join(job.label for job in jobs)
    try:
        stop.check()
        known = [job.known() for job in jobs]
        with closing(_rows(jobs, known, stop)) as rows:
            stop.check()  # its imports take seconds
            identities = [
                Identity(one.began or job.label, inputs=one.inputs, facts=one.facts)
                for job, one in zip(jobs, known, strict=True)
            ]
            reporters = [Reporter(job.label) for job in jobs]
            libraries = Once()
            hear_libraries(libraries)
            for number, (run, row) in enumerate(rows):
                if number in LIBRARIES_LOADED:
                    hear_libraries(libraries)
                _put(recorders[run], identities[run], row)
                reporters[run].see(row)
                stop.check()
            for reporter in reporters:
                reporter.end()
    except Stopped:
        return Outcome("stopped", 0, f"`leverplus resume {THIS_RUN}` goes on from here")
    except UserError as error:
        return Outcome("failed", error.exit_code, str(error))
    except Exception as error:  # the last line of defence: whatever it was, the run must say so
        logger.opt(exception=True).error("{} failed", labels)
        return Outcome("failed", 1, _sentence(error))
    return Outcome("done", 0)


def _put(recorder: Recorder, identity: Identity, row: Row) -> None:
    """Hand a row over, unless it shows that the run cannot go on."""
    try:
        for admitted in identity.admit(row):
            recorder.put(admitted)
    except Changed as change:
        recorder.put(change.finding)
        raise


def _rows(jobs: Sequence[Job], known: Sequence[Known], stop: Stop) -> Generator[tuple[int, Row], None, None]:
    """(number of the job, row) of one recipe."""
    together = jobs[0].kind if len(jobs) > 1 else ""
    module, function = TOGETHER[together] if together else RECIPES[jobs[0].kind]
    specs = [settled(_spec(job), one.facts) for job, one in zip(jobs, known, strict=True)]
    contexts = [_context(job, one, stop) for job, one in zip(jobs, known, strict=True)]
    if jobs[0].kind != "import" and (vlm := getattr(specs[0], "vlm", "")):  # an import only names who answered
        begin(vlm, specs[0].device, jobs[0].home.cache)
    with no_collections():
        recipe = getattr(importlib.import_module(module), function)
    if together:
        yield from recipe(specs, contexts)
        return
    with closing(recipe(specs[0], contexts[0])) as rows:
        for row in rows:
            yield 0, row


def _context(job: Job, known: Known, stop: Stop) -> RunContext:
    make_folder(job.home.cache)
    return RunContext(
        run_dir=job.home.run_dir(job.run_id),
        cache_dir=job.home.cache,
        run_id=job.run_id,
        find_answers=job.find_answers,
        own_answers=known.answers,
        answered=known.answered,
        stop=stop,
        candidates={(candidate.query_id, candidate.pointer): candidate for candidate in known.candidates},
        trials=job.trials(),
    )


def settled(spec: Any, facts: Mapping[str, Any]) -> Any:
    """The specification with the precision and the engine that the first process settled, where they were left open: they
    decide answers."""
    used = {"dtype": facts.get("vlm_dtype") or facts.get("encoder_dtype"), "engine": facts.get("vlm_engine")}
    left_open = {name: value for name, value in used.items() if value and getattr(spec, name, "") == "auto"}
    return spec.model_copy(update=left_open) if left_open else spec


def _spec(job: Job) -> Any:
    try:
        return read_spec(job.kind, job.spec_text)
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        raise UserError(
            f"{job.label} was stored by another version of leverplus ({field}: {first['msg']}): start it anew"
        ) from None


def _sentence(error: Exception) -> str:
    """One line for the run's row; the traceback is in the log."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return f"no space left for {error.filename or 'a file'}: free some, then resume; nothing stored is lost"
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return "out of memory: lower batch_size or max_pixels, or use a smaller precision (dtype)"
    first = str(error).strip().splitlines()[:1]
    return f"{type(error).__name__}: {first[0]}" if first else type(error).__name__


if __name__ == "__main__":
    sys.exit(main())
