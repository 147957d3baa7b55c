"""Speed of the store: `python benchmarks/store.py [RUNS]` fills a scratch database and prints medians.

Listing is measured over RUNS runs (10,000 unless told otherwise) with three nested subsets of four shots each.
"""

from __future__ import annotations

import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

from db import rows, store
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec, Finding

ROUNDS = 7
"""In which both sides take turns."""
SHOTS = (1, 2, 3, 4)
SUBSETS = (200, 400, 800)
LISTS: dict[str, dict[str, Any]] = {
    "newest": {},
    "sorted by acc@2": {"sort": "acc@2 desc"},
    "acc@2>60 -tag:smoke": {"where": "acc@2>60 -tag:smoke"},
    "kind:eval state:done": {"where": "kind:eval state:done"},
    '"text" nowhere': {"where": '"no run says this"'},
    "sorted by duration": {"sort": "duration"},
    "sorted by last.rce_loss": {"sort": "last.rce_loss asc"},
}


def median_ms(work: Callable[[], object], repeats: int = 15) -> float:
    """Median wall time of a call in milliseconds, after one to warm up."""
    work()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return statistics.median(times) * 1000


def fill(engine: DatabaseFile, runs: int) -> None:
    """Runs with a matrix, ten metrics, tags, a finding and a process each."""
    for first in range(0, runs, 500):
        with writing(engine) as session:
            for number in range(first, min(first + 500, runs)):
                run = store.create_run(session, spec=EvalSpec(seed=number), environment={"commit": "0" * 40})
                store.start_process(
                    session,
                    run_id=run.id,
                    pid=1,
                    pid_start=str(number),
                    boot_id="b/n",
                    host="elsewhere",
                    argv=[],
                    log_path="",
                )
                store.add_rows(session, run_id=run.id, process_id=None, rows=some_rows(number))
                process = store.processes(session, run_id=run.id)[0]
                store.end_process(session, process_id=process.id, state="done", exit_code=0)
                store.tag(session, run_id=run.id, tags=["smoke"] if number % 3 else ["kept", "paper"])


def some_rows(number: int) -> list[rows.Row]:
    """Subsets, cells, metrics, progress and a finding of one run."""
    made: list[rows.Row] = [
        rows.Subset("dataset", "val", f"first {n}", {"first": n}, tuple(range(n)), f"subset {n}") for n in SUBSETS
    ]
    for n in SUBSETS:
        for shot in SHOTS:
            accuracy = 30 + (number * 7919 + shot * 31 + n) % 4000 / 100
            made.append(rows.Cell(f"subset {n}", shot, n, n, accuracy, accuracy - 3, accuracy + 3, {shot: n}, n))
    made += [rows.Metric("rce", epoch, 0, f"m{m}", 1 / epoch) for m in range(9) for epoch in range(1, 6)]
    made += [rows.Metric("rce", epoch, 0, "rce_loss", number / epoch) for epoch in range(1, 6)]
    made.append(rows.Progress(800, 800, "questions"))
    made.append(Finding(code="within-noise", severity="info", subject="matrix", message="close"))
    return made


def batches(engine: DatabaseFile, run_id: int, rows_made: Sequence[rows.Row], size: int) -> float:
    """Rows a second of CPU time when stored in transactions of `size` rows."""
    start = time.process_time()
    for first in range(0, len(rows_made), size):
        with writing(engine) as session:
            store.add_rows(session, run_id=run_id, process_id=None, rows=rows_made[first : first + size])
    return len(rows_made) / (time.process_time() - start)


def plain_speed(points: list[rows.Metric], size: int) -> float:
    """Points a second of CPU time that plain SQLite stores in transactions of `size`, in a table of the same key."""
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(sqlite3.connect(Path(folder) / "plain.db", isolation_level=None)) as file,
    ):
        file.execute("PRAGMA journal_mode = WAL")
        file.execute("PRAGMA synchronous = NORMAL")
        key = "PRIMARY KEY (run, phase, name, epoch, step)"
        file.execute(
            f"CREATE TABLE metric (run INT, phase TEXT, name TEXT, epoch INT, step INT, value REAL, {key}) WITHOUT ROWID"
        )
        start = time.process_time()
        for first in range(0, len(points), size):
            file.execute("BEGIN IMMEDIATE")
            values = [(1, p.phase, p.name, p.epoch, p.step, p.value) for p in points[first : first + size]]
            file.executemany("INSERT INTO metric VALUES (?, ?, ?, ?, ?, ?)", values)
            file.execute("COMMIT")
        return len(points) / (time.process_time() - start)


def a_prediction(question_id: int) -> rows.Prediction:
    """A prediction of usual size."""
    sha = f"{question_id:064x}"
    shown = (question_id, question_id + 1)
    return rows.Prediction(question_id, 2, shown, sha, sha, "a red bird", "red bird", 0.6, False, False, "", 1, "")


def write_speed(engine: DatabaseFile, run_id: int) -> None:
    """Print rows a second for points and answers, first and repeated."""
    points = [rows.Metric("grpo", 1, step, f"m{m}", step / 7) for step in range(10_000) for m in range(10)]
    answers: list[rows.Row] = [a_prediction(question_id) for question_id in range(20_000)]
    for name, made, size in (
        ("points, 1,000 a transaction", points, 1000),
        ("points, 10 a transaction", points[:20_000], 10),
        ("answers, 500 a transaction", answers, 500),
        ("answers, 8 a transaction", answers[:4_000], 8),
    ):
        shares = []
        for _ in range(ROUNDS):
            with writing(engine) as session:
                run = store.create_run(session, spec=EvalSpec(), environment={})
            first, again = batches(engine, run.id, made, size), batches(engine, run.id, made, size)
            if name.startswith("points"):
                shares.append(first / plain_speed(points[: len(made)], size))
        print(f"{name:38} {first:12,.0f} rows/s first {again:12,.0f} rows/s repeated")
        if shares:
            share, low, high = statistics.median(shares), min(shares), max(shares)
            print(f"{'  as a share of plain SQLite':38} {share:12.2f} ({low:.2f} to {high:.2f} in {ROUNDS} rounds)")


def main(runs: int) -> None:
    """Fill, measure, print."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "leverplus.db"
        engine = open_database(path)
        start = time.perf_counter()
        fill(engine, runs)
        print(f"filled {runs:,} runs in {time.perf_counter() - start:.1f} s, {path.stat().st_size / 1e6:.0f} MB")
        for name, arguments in LISTS.items():
            with reading(engine) as session:
                page = median_ms(lambda: store.list_runs(session, limit=50, **arguments))  # noqa: B023
                count = median_ms(lambda: store.count_runs(session, where=arguments.get("where")))  # noqa: B023
            print(f"page of 50, {name:26} {page:8.2f} ms    count {count:8.2f} ms")
        print(f"{'open a current file':38} {median_ms(lambda: open_database(path).dispose()):8.2f} ms")
        print(f"{'data_version':38} {median_ms(lambda: engine.version()):8.3f} ms")
        write_speed(engine, 1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
