"""A synthetic home of many runs and predictions: its size, and how long lists, filters, backup, gc and fsck take.

    python -m benchmarks.scale [--runs 20000] [--answers 1000000] [--folder DIR]

Rows are written past the store, as nobody would live to see them otherwise; what is measured afterwards is the program.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from db import store
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import EvalSpec
from leverplus_tui.keeping.backup import back_up
from leverplus_tui.keeping.check import check
from leverplus_tui.keeping.disk import usage

QUESTIONS = 500


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took."""
    begun = time.perf_counter()
    yield
    print(f"{what:44} {time.perf_counter() - begun:9.3f} s", flush=True)


def build(home: Home, runs: int, answers: int) -> None:
    """Runs of which as many have answers as it takes, each with a figure, a process and a tag."""
    open_database(home.database).dispose()
    with closing(sqlite3.connect(home.database, isolation_level=None)) as db:
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        spec = EvalSpec()
        text = spec.canonical()
        ids = json.dumps(list(range(QUESTIONS)))
        db.execute("INSERT INTO dataset (id, sha, name, created_at) VALUES (1, 'world', 'world', 0)")
        db.execute("INSERT INTO subset VALUES (1, 1, 'val', 'all', 'all', '{}', ?, ?, 0)", (QUESTIONS, ids))
        db.executemany(
            "INSERT INTO question VALUES (1, 'val', ?, ?, ?, '[\"a\"]', 'a', '')",
            [(q, q // 2, f"question {q}?") for q in range(QUESTIONS)],
        )
        columns = (
            "id, name, kind, state, spec, spec_sha, environment, forced, dataset, vlm, retriever, selector, variant, seed, split, "
            "progress_done, progress_total, progress_unit, progress_note, progress_from, created_at, started_at, ended_at"
        )
        db.executemany(
            f"INSERT INTO run ({columns}) VALUES ({', '.join('?' * 23)})",
            [
                (run, f"run {run}", "eval", "done", text, f"{run:064x}", "{}", False, "world", f"model {run % 7}", "random", "",
                 "", run % 5, "val", QUESTIONS, QUESTIONS, "answers", "", 0, run * 10**6, run * 10**6, run * 10**6 + 5)
                for run in range(1, runs + 1)
            ],
        )  # fmt: skip
        db.executemany(
            "INSERT INTO process (run_id, state, pid, pid_start, boot_id, host, argv, log_path, started_at, heartbeat_at, "
            "promise_s, ended_at, exit_code, reason) VALUES (?, 'done', 1, '1', 'b', 'h', '[]', '', ?, ?, 60, ?, 0, '')",
            [(run, run, run + 5, run + 5) for run in range(1, runs + 1)],
        )
        asked = min(runs, answers // QUESTIONS)
        for run in range(1, asked + 1):
            sha = hashlib.sha256(str(run).encode()).hexdigest()
            db.executemany(
                "INSERT INTO prediction (run_id, shot, question_id, process_id, demonstrations, prompt_sha, request_sha, raw, "
                "answer, score, cut, reused, error, created_at, source_run, reasoning) "
                "VALUES (?, 2, ?, 1, '[1,2]', ?, ?, 'a cat', 'cat', ?, 0, 0, '', 0, ?, '')",
                [(run, q, f"{sha[:40]}{q:06}", f"{sha[:40]}{q:06}r", (q * run) % 2, run) for q in range(QUESTIONS)],
            )
        db.execute(
            "INSERT INTO cell SELECT run_id, 2, 1, count(*), count(*), 100 * avg(score), 40, 60, '{\"2\": 500}', 5, 0 "
            "FROM prediction GROUP BY run_id"
        )
        db.executemany("INSERT INTO tag VALUES (?, 'paper')", [(run,) for run in range(1, runs + 1, 100)])
        db.execute("COMMIT")
        print(f"{runs} runs, {asked * QUESTIONS} answers")


def measure(home: Home) -> None:
    """What people wait for."""
    megabytes = home.database.stat().st_size / 1e6
    print(f"{'database':44} {megabytes:9.0f} MB")
    with timed("open"):
        database = open_database(home.database)
    for what, where, sort in (
        ("first 50 of all, newest first", None, "created desc"),
        ("first 50 by accuracy", None, "acc@2 desc"),
        ("first 50 with a tag, by accuracy", "tag:paper", "acc@2 desc"),
        ("first 50 whose name holds a word", '"run 77"', "created desc"),
    ):
        with timed(what), reading(database) as session:
            store.list_runs(session, where=where, sort=sort, limit=50)
    with timed("all ids of the list, as the screen reads them"), reading(database) as session:
        store.run_ids(session)
    with timed("one run's 500 answers"), reading(database) as session:
        store.predictions(session, run_id=7, shot=2)
    with timed("one tag stored, committed"), writing(database) as session:
        store.tag(session, run_id=1, tags=["x"])
    with timed("gc, looking"):
        usage(home, database)
    with timed("backup (database alone)"):
        back_up(home, home.root.parent / "backup.tar", files=False)
    with timed("fsck"):
        print("  ", len(check(home).findings), "findings")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=20_000)
    parser.add_argument("--answers", type=int, default=1_000_000)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        home = Home(Path(folder) / "home")
        with timed("building it"):
            build(home, asked.runs, asked.answers)
        measure(home)


if __name__ == "__main__":
    main()
