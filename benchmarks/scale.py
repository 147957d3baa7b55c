"""A synthetic home of many runs and predictions: its size, and how long lists, filters, backup, gc and fsck take.

    python -m benchmarks.scale [--runs 20000] [--answers 1000000] [--from-schema N] [--folder DIR]

With `--from-schema` the home is one of an older version: a process that brings it up to date is killed in the middle, what it
left is checked, and another one is timed, with the room that it takes.

Rows are written past the store, as nobody would live to see them otherwise; what is measured afterwards is the program.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

from db import store
from db.copying import check_copy
from db.home import Home
from db.migrations.upgrade import run_steps
from db.schema import SCHEMA
from db.session import open_database, reading, writing
from db.specs import EvalSpec
from leverplus_tui.keeping.backup import back_up
from leverplus_tui.keeping.check import check
from leverplus_tui.keeping.disk import usage

QUESTIONS = 500
SOME_BYTES = 1 << 20
MIGRATION = (
    "import sys; from pathlib import Path; from db.session import open_database; open_database(Path(sys.argv[1]))"
)


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took."""
    begun = time.perf_counter()
    yield
    print(f"{what:44} {time.perf_counter() - begun:9.3f} s", flush=True)


def put(db: sqlite3.Connection, table: str, columns: str, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows; columns that an older version does not have are left out."""
    known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    names = columns.split()
    kept = [place for place, name in enumerate(names) if name in known]
    sql = f"INSERT INTO {table} ({', '.join(names[i] for i in kept)}) VALUES ({', '.join('?' * len(kept))})"
    db.executemany(sql, rows if len(kept) == len(names) else ([row[i] for i in kept] for row in rows))


def build(home: Home, runs: int, answers: int, schema: int) -> None:
    """Runs of which as many have answers as it takes, each with a figure, a process and a tag."""
    home.root.mkdir()
    run_steps(home.database, 10, schema)
    with closing(sqlite3.connect(home.database, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = OFF")
        db.execute("BEGIN")
        spec = EvalSpec()
        text = spec.canonical()
        ids = json.dumps(list(range(QUESTIONS)))
        db.execute("INSERT INTO dataset (id, sha, name, created_at) VALUES (1, 'world', 'world', 0)")
        db.execute("INSERT INTO subset VALUES (1, 1, 'val', 'all', 'all', '{}', ?, ?, 0)", (QUESTIONS, ids))
        put(db, "question", "dataset_id split question_id image_id question answers label image",
            [(1, "val", q, q // 2, f"question {q}?", '["a"]', "a", "") for q in range(QUESTIONS)])  # fmt: skip
        put(
            db, "run",
            "id name kind state spec spec_sha environment forced dataset vlm retriever selector variant seed split "
            "progress_done progress_total progress_unit progress_note progress_from created_at started_at ended_at",
            [
                (run, f"run {run}", "eval", "done", text, f"{run:064x}", "{}", False, "world", f"model {run % 7}", "random", "",
                 "", run % 5, "val", QUESTIONS, QUESTIONS, "answers", "", 0, run * 10**6, run * 10**6, run * 10**6 + 5)
                for run in range(1, runs + 1)
            ],
        )  # fmt: skip
        put(
            db, "process",
            "run_id state pid pid_start boot_id host argv log_path started_at heartbeat_at promise_s ended_at exit_code reason",
            [
                (run, "done", 1, "1", "b", "h", "[]", str(home.log(run)), run, run + 5, 60, run + 5, 0, "")
                for run in range(1, runs + 1)
            ],
        )  # fmt: skip
        asked = min(runs, answers // QUESTIONS)
        for run in range(1, asked + 1):
            sha = hashlib.sha256(str(run).encode()).hexdigest()
            put(
                db, "prediction",
                "run_id shot question_id process_id demonstrations prompt_sha request_sha raw answer score cut reused error "
                "created_at source_run reasoning",
                [
                    (run, 2, q, 1, "[1,2]", f"{sha[:40]}{q:06}", f"{sha[:40]}{q:06}r", "a cat", "cat", (q * run) % 2, 0, 0, "", 0,
                     run, "")
                    for q in range(QUESTIONS)
                ],
            )  # fmt: skip
        db.execute(
            "INSERT INTO cell SELECT run_id, 2, 1, count(*), count(*), 100 * avg(score), 40, 60, '{\"2\": 500}', 5, 0 "
            "FROM prediction GROUP BY run_id"
        )
        db.executemany("INSERT INTO tag VALUES (?, 'paper')", [(run,) for run in range(1, runs + 1, 100)])
        db.execute("COMMIT")
        print(f"{runs} runs, {asked * QUESTIONS} answers")


def migrate(home: Home) -> None:
    """Bring an older home up to date in another process: killed in the middle, looked at, and then to its end."""
    before = size(home)
    argv = [sys.executable, "-c", MIGRATION, str(home.database)]
    killed = subprocess.Popen(argv)
    log, copies = home.database.with_name("leverplus.db-wal"), home.root / "backups"
    while killed.poll() is None and not (any(copies.glob("*.db")) and log.stat().st_size > SOME_BYTES):
        time.sleep(0.01)  # until the copy is whole, and the steps have written something
    killed.kill()
    how = "killed in the middle" if killed.wait() else "ended before it was killed"
    with timed("looking at what it left"):
        print(f"{f'  {how}, schema':44} {check_copy(home.database):9}")
    most, begun = 0, time.perf_counter()
    process = subprocess.Popen(argv)
    while process.poll() is None:
        most = max(most, size(home))
        time.sleep(0.1)
    print(f"{'migration, with its copy':44} {time.perf_counter() - begun:9.3f} s")
    for words, size_now in (("home before it", before), ("most while it went on", most), ("home after it", size(home))):
        print(f"{words:44} {size_now / 1e6:9.0f} MB")


def size(home: Home) -> int:
    """Bytes of the files in a home, its copies among them."""
    total = 0
    for path in home.root.rglob("*"):
        with suppress(OSError):
            total += path.stat().st_size
    return total


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
    parser.add_argument("--from-schema", type=int, default=SCHEMA)
    parser.add_argument("--folder", type=Path)
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=asked.folder) as folder:
        home = Home(Path(folder) / "home")
        with timed("building it"):
            build(home, asked.runs, asked.answers, asked.from_schema)
        if asked.from_schema < SCHEMA:
            migrate(home)
        measure(home)


if __name__ == "__main__":
    main()
