"""Random faults over a home with a queue and a sweep: everything that ends processes, holds locks, fills disks, spoils files.

`Chaos(folder, seed).run(faults)` returns what was done; `verify` says what is not as it should be. Jobs are real processes
with a recipe of ours (`python -m tests.helpers_chaos job`), and so are dispatchers (`... dispatcher`).
"""

from __future__ import annotations

import hashlib
import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

from db import store
from db.copying import check_copy
from db.fingerprint import content_sha
from db.home import Home
from db.rows import Artifact, Cell, Fact, Prediction, Progress, Question, Row, Settle, Subset
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec, UserError
from engine.job import worker
from engine.job.claims import claim
from engine.recipes.run_context import RunContext
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.keeping import backup
from leverplus_tui.keeping.check import check
from leverplus_tui.keeping.disk import free, usage
from leverplus_tui.queue import dispatcher, lock
from leverplus_tui.queue.grid import grid
from leverplus_tui.queue.submit import Entry, Wish, requeue, submit, tend
from leverplus_tui.queue.sweep import prepare, queue_sweep
from tests.helpers_people import END, People, bring_back

QUESTIONS = 40
STEP_S = 0.02
"""Seconds that a job takes for an answer, so that faults meet it at work."""
JOB = (sys.executable, "-m", "tests.helpers_chaos", "job")
PERSON = (sys.executable, "-m", "tests.helpers_people")
DISPATCHER = (sys.executable, "-m", "tests.helpers_chaos", "dispatcher")
FULL = "disk-is-full"
"""While this file is in the home, SQLite finds no room for another page."""
CLOCK = "clock"
"""This file in the home says by how many microseconds the clock of jobs and dispatchers is wrong."""
SMALL_DISK = 1 << 30
"""Bytes of a disk that is there to be filled to the last one."""
PATIENCE_S = 300.0


def evaluate(spec: EvalSpec, context: RunContext) -> Iterator[Row]:
    """Answers that depend on the question alone, and a file whose hash is stored."""
    ids = tuple(range(1, QUESTIONS + 1))
    sha = hashlib.sha256(b"chaos").hexdigest()
    yield Fact("retriever", "random")
    yield Subset("world", "val", "all", {}, ids, sha)
    yield from (Question("world", "val", q, q, f"question {q}?", ("a",) * 10, "a", "") for q in ids)
    for q in ids:
        if (q, 2) in context.answered:
            continue
        time.sleep(STEP_S)
        request = f"{spec.seed}-{q}"
        known = context.find_answers([request])
        source = known[request].source if known else context.run_id
        yield Prediction(q, 2, (1, 2), f"p{q}", request, f"a{q}", f"a{q}", q % 2, False, bool(known), "", source, "")
        yield Progress(q, len(ids), "questions")
    yield Settle()
    path = context.run_dir / "out.json"
    path.write_text(f'{{"seed": {spec.seed}}}')
    yield Artifact("results", str(path), content_sha(path), {})
    yield Cell(sha, 2, len(ids), len(ids), 50.0, 35.0, 65.0, {2: len(ids)}, len(ids))


class Chaos:
    """A home that is not left in peace. What happens is drawn from the seed; when it meets a job is not."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.random = random.Random(seed)
        self.home = Home(folder / "home")
        self.database = open_database(self.home.database)
        self.spoilt: set[str] = set()
        self.seed = 0
        """Of the runs that are added."""
        self.needs: dict[int, tuple[int, ...]] = {}
        """Run -> those that it waits for."""
        self.done: Counter[str] = Counter()
        self.faults: dict[str, Callable[[], bool]] = {
            "kill a job": lambda: self._signal(signal.SIGKILL),
            "stop a job": lambda: self._signal(signal.SIGTERM),
            "freeze a job": self._freeze,
            "kill the dispatcher": self._kill_dispatcher,
            "second dispatcher": self._second_dispatcher,
            "second process of a run": self._second_process,
            "busy database": self._busy,
            "full disk": self._full,
            "spoil a file": self._spoil,
            "set the clock": self._clock,
            "move the home": self._move,
            "back up": self._back_up,
            "free the disk": self._gc,
        } | People(self.home, seed).does
        self.crowd: list[subprocess.Popen[bytes]] = []

    def run(self, faults: int, runs: int = 6, crowd: int = 0) -> Counter[str]:
        """Queue runs and a sweep, and do so many things to them, beside a crowd of other terminals; returns how often each was
        done."""
        submit(
            self.home,
            [_entry(seed) for seed in (2001, 2002)],
            Wish(memory_mb=1),
        )
        self.heal()  # so that there are files to spoil
        entries = [_entry(seed) for seed in range(runs)]
        first = submit(self.home, entries, Wish(memory_mb=1, retries=2))
        self._chain(first[-1], 3000)
        with suppress(UserError):
            swept = grid("eval", {"vlm": "chaos", "device": "cpu"}, None, [], f"{runs}")
            queue_sweep(self.home, swept, prepare(self.home, swept, "chaos", quiet=True), Wish(memory_mb=1), "chaos")
        for number in range(crowd):
            words = ["--home", str(self.home.root), "--seed", str(self.random.random())[2:]]
            self.crowd.append(launcher.spawn([*PERSON, *words], self.home.root / f"person-{number}.log"))
        names = [name for name in self.faults if not (crowd and name == "move the home")]
        while self.done.total() < faults:
            self._until_one_works()
            name = self.random.choice(names)
            with suppress(UserError):  # such as: it has just ended
                if self.faults[name]():
                    self.done[name] += 1
            time.sleep(self.random.uniform(0, 0.2))
        return self.done

    def _chain(self, needed: int, seed: int) -> int:
        """Queue a run that waits for another one, and one that waits for both."""
        (second,) = submit(self.home, [_entry(seed)], Wish(memory_mb=1, retries=2, needs=(needed,)))
        (third,) = submit(self.home, [_entry(seed + 1)], Wish(memory_mb=1, retries=2, needs=(needed, second)))
        self.needs |= {second: (needed,), third: (needed, second)}
        return third

    def _until_one_works(self) -> None:
        """Faults meet jobs: wait for one, and queue more where nothing is left to do."""
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and self._job() is None:
            with suppress(UserError):
                tend(self.home, self.database)
                with reading(self.database) as session:
                    waits = [t for t in store.tickets(session) if not t.paused]
                if not waits:
                    self.seed += 3
                    (run_id,) = submit(self.home, [_entry(10_000 + self.seed)], Wish(memory_mb=1, retries=2))
                    self._chain(run_id, 10_001 + self.seed)
            time.sleep(0.05)

    def heal(self) -> None:
        """Let everything come to its end: no fault any more, everything that is missing queued again."""
        for name in (FULL, CLOCK):
            (self.home.root / name).unlink(missing_ok=True)
        (self.home.root / END).touch()
        left = [one.args for one in self.crowd if one.wait(PATIENCE_S)]
        assert not left, (
            f"a terminal ended with an error: {[path.read_text() for path in self.home.root.glob('person-*.log')]}"
        )
        (self.home.root / END).unlink()
        self.crowd = []
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            bring_back(self.home)
            with reading(self.database) as session:
                states = store.run_states(session)
                held = [t.run_id for t in store.tickets(session) if t.paused and t.state == "queued"]
            if all(state == "done" for state in states.values()):
                return
            if held:
                with suppress(UserError), writing(self.database) as session:
                    store.pause(session, run_ids=held, paused=False)
            for run_id, state in states.items():
                if state in store.UNFINISHED:
                    with suppress(UserError):
                        requeue(self.home, run_id, Wish(memory_mb=1))
            time.sleep(0.1)

    def verify(self) -> list[str]:
        """What is not as it should be; empty where nothing was lost, doubled or untrue."""
        wrong = []
        with reading(self.database) as session:
            states = store.run_states(session)
            wrong += [f"r{run} is {state}" for run, state in states.items() if state != "done"]
            for run in states:
                rows = store.predictions(session, run_id=run, shot=2)
                if [(r.question_id, r.answer, r.score) for r in rows] != [
                    (q, f"a{q}", q % 2) for q in range(1, QUESTIONS + 1)
                ]:
                    wrong.append(f"r{run} has {len(rows)} answers, or others than it was given")
            for run, needed in self.needs.items():
                began = min(row.id for row in store.processes(session, run_id=run))
                early = [n for n in needed if max(row.id for row in store.processes(session, run_id=n)) > began]
                wrong += [f"r{run} began before r{n} was done, for which it waits" for n in early]
            living = [f"r{p.run_id}" for p in store.active_processes(session)]
            wrong += [f"{run} has a process" for run in living]
        log = self.home.root / "queue.log"
        if "Traceback" in (told := log.read_text() if log.exists() else ""):
            wrong.append(f"a dispatcher died: {told[told.index('Traceback') :]}")
        found = check(self.home)
        named = {finding.subject for finding in found.findings if finding.severity != "info"}
        wrong += [f"fsck says {finding.message}" for finding in found.findings if finding.subject in named - self.spoilt
                  and finding.severity != "info"]  # fmt: skip
        wrong += [f"fsck does not see {path}" for path in self.spoilt - named]
        return wrong

    def cut_off(self) -> list[str]:
        """The database loses its end: what is saved of it must be sound, and a backup must bring back the rest."""
        deadline = time.monotonic() + PATIENCE_S
        while (held := lock.take(self.home)) is None and time.monotonic() < deadline:
            time.sleep(0.05)  # the dispatcher sees that nothing waits, and ends
        if held is not None:
            os.close(held)
        target = self.home.root.parent / "last.tar"
        backup.back_up(self.home, target)
        self.database.dispose()
        with closing(sqlite3.connect(self.home.database)) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        os.truncate(self.home.database, self.home.database.stat().st_size * 8 // 10 // 4096 * 4096)
        with suppress(UserError):  # where nothing at all can be read, which changes nothing
            check(self.home, repair=True)
            check_copy(self.home.database)
        backup.put_back(self.home, target)
        self.database = open_database(self.home.database)
        return [f"after restore: {text}" for text in self.verify()]

    # Faults: each says whether there was anything to be done.

    def _job(self) -> store.ProcessRow | None:
        with reading(self.database) as session:
            rows = [row for row in store.active_processes(session) if row.ended is None and store.is_alive(row)]
        return self.random.choice(rows) if rows else None

    def _signal(self, number: signal.Signals) -> bool:
        row = self._job()
        if row is not None:
            launcher.signal_job(row, number)
        return row is not None

    def _freeze(self) -> bool:
        row = self._job()
        if row is None:
            return False
        launcher.signal_job(row, signal.SIGSTOP)
        time.sleep(self.random.uniform(0, 0.2))
        launcher.signal_job(row, signal.SIGCONT)
        return True

    def _kill_dispatcher(self) -> bool:
        found = _processes_with("helpers_chaos dispatcher", str(self.home.root))
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        return bool(found)

    def _second_dispatcher(self) -> bool:
        launcher.spawn([*DISPATCHER, "--home", str(self.home.root)], self.home.root / "queue.log")
        return True

    def _second_process(self) -> bool:
        row = self._job()
        if row is None:
            return False
        launcher.spawn([*JOB, "--home", str(self.home.root), f"r{row.run_id}"], self.home.log(row.run_id))
        return True

    def _busy(self) -> bool:
        with closing(sqlite3.connect(self.home.database, isolation_level=None, timeout=10)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            time.sleep(self.random.uniform(0, 0.3))
            connection.execute("ROLLBACK")
        return True

    def _full(self) -> bool:
        """On a small disk every byte is taken; on another one SQLite is told that there is no room."""
        disk = os.statvfs(self.home.root)
        filled = disk.f_blocks * disk.f_frsize < SMALL_DISK
        path = self.home.root.parent / "filler" if filled else self.home.root / FULL
        path.touch()
        with suppress(OSError), path.open("wb", buffering=0) as file:
            while filled:
                file.write(bytes(1 << 16))
        time.sleep(self.random.uniform(0.1, 0.6))
        path.unlink(missing_ok=True)
        return True

    def _spoil(self) -> bool:
        with reading(self.database) as session:
            paths = [one.path for one in store.promised_files(session) if one.state == "done"]
        fresh = [path for path in paths if path not in self.spoilt]
        if not fresh:
            return False
        Path(fresh[0]).write_text("spoilt")
        self.spoilt.add(fresh[0])
        return True

    def _clock(self) -> bool:
        """The clock of jobs and dispatchers jumps by years; and stored times are as one leaves them that was wrong before."""
        ahead = self.random.choice((-1, 1)) * 10**15
        (self.home.root / CLOCK).write_text(str(self.random.choice((-ahead, 0, ahead))))
        with writing(self.database) as session:
            session.run(f"UPDATE ticket SET not_before = not_before + {ahead} WHERE not_before > 0")
            session.run(f"UPDATE process SET heartbeat_at = heartbeat_at + {ahead} WHERE ended_at IS NULL")
        return True

    def _move(self) -> bool:
        """Away for a moment: jobs and the dispatcher end, and nothing is begun in the old place."""
        away = self.home.root.with_name("away")
        self.home.root.rename(away)
        time.sleep(self.random.uniform(0, 2))
        away.rename(self.home.root)
        return True

    def _back_up(self) -> bool:
        target = self.home.root.parent / "backup.tar"
        backup.back_up(self.home, target)
        place = self.home.root.parent / "unpacked"
        place.mkdir(exist_ok=True)
        backup._unpack(target, place)
        check_copy(place / backup.DATABASE)
        return True

    def _gc(self) -> bool:
        free(usage(self.home, self.database).waste)
        return True


def _entry(seed: int) -> Entry:
    return Entry(EvalSpec(vlm="chaos", device="cpu", seed=seed))


def prepare_world(set_: Callable[[Any, str, Any], None]) -> None:
    """Jobs and dispatchers of this file in place of the real ones; `set_` sets an attribute."""
    set_(launcher, "WORKER", JOB)
    set_(lock, "DISPATCHER", DISPATCHER)
    set_(preflight, "check", lambda spec, place, quiet=False, on="": preflight.Checked(()))


def _processes_with(*words: str) -> list[int]:
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            line = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
            if all(word in line for word in words):
                found.append(int(folder.name))
    return found


def _no_room(database: DatabaseFile, home: Path) -> None:
    """SQLite's own error for a full disk, while the file is there."""

    take = database._take

    def limited(begin: str) -> Any:
        connection = take(begin)
        connection.execute(f"PRAGMA max_page_count = {1 if (home / FULL).exists() else 2**30}")
        return connection

    setattr(database, "_take", limited)  # noqa: B010 -- a method of one object


def _move_clock(path: Path) -> None:
    true = time.time_ns

    def told() -> int:
        try:
            return true() + 1000 * int(path.read_text() or 0)
        except FileNotFoundError:
            return true()

    setattr(time, "time_ns", told)  # noqa: B010 -- what every stored time comes from


def main(arguments: list[str]) -> int:
    """A job, or a dispatcher."""
    what, *rest = arguments
    prepare_world(setattr)
    _move_clock(Path(rest[rest.index("--home") + 1]) / CLOCK)
    if what == "dispatcher":
        setattr(dispatcher, "lanes", lambda _: {"cpu": 3})  # noqa: B010 - three jobs of 1 MB each
        dispatcher.FIRST_PAUSE_S = 0.1

        def limited(path: Path, **how: Any) -> DatabaseFile:
            database = open_database(path, **how)
            _no_room(database, path.parent)
            return database

        setattr(dispatcher, "open_database", limited)  # noqa: B010 - the engine of this dispatcher alone
        return dispatcher.main(rest)
    worker.RECIPES["eval"] = ("tests.helpers_chaos", "evaluate")

    def claimed(home: Home, name: str) -> Any:
        job = claim(home, name)
        _no_room(job.database, home.root)
        return job

    setattr(worker, "claim", claimed)  # noqa: B010 - the engine of this job alone
    return worker.main(rest)


def chaos(folder: Path, seed: int, faults: int, runs: int = 6, crowd: int = 0) -> tuple[Counter[str], list[str]]:
    """One home: faults, then healing; what was done, and what is wrong afterwards."""
    one = Chaos(folder, seed)
    done = one.run(faults, runs, crowd)
    one.heal()
    wrong = one.verify()
    return done, wrong or one.cut_off()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
