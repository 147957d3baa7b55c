"""Browsing large RL data: makes files of 300 MB and 1 GB, and measures first sight, index, pages, sorts, filters and memory.

python benchmarks/rl_browse.py make FILE --queries 59927
python benchmarks/rl_browse.py measure FILE
"""

from __future__ import annotations

import argparse
import asyncio
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

CANDIDATES = 40
TRAIN = 200_000
POOL = 64
METHODS = ("beam", "beam", "sample", "random", "retrieval", "retrieval")
SUBJECTS = ("bird", "dog", "train", "kitchen", "street", "player", "vase", "sign", "horse", "boat")
ASKED = ("What is the {} famous for?", "What colour is the {}?", "How many parts has this {}?", "Where is the {} going?",
         "Who would use the {} in this picture?")  # fmt: skip
ANSWERS = ("talking", "red", "blue", "two", "north", "left", "children", "wood", "sport", "tabby cat")


def make(path: Path, queries: int, seed: int = 0) -> None:
    """Write an RL file of the third published kind: stored pools, local and global pointers, every score field."""
    rng = random.Random(seed)
    with path.open("w", encoding="utf-8") as file:
        file.write('{"_meta": {"version": "k64", "vqa_model": "Qwen/Qwen2.5-VL-3B-Instruct", "synthetic": true}')
        for query_id in range(queries):
            file.write(f',\n"{query_id}": {_record(rng, query_id)}')
        file.write("}\n")


def _record(rng: random.Random, query_id: int) -> str:
    pool = rng.sample(range(query_id + 1, TRAIN), POOL)  # above the query's own row, which it must not be shown
    right = rng.choice((0.0, 0.0, 0.2, 0.5, 0.9, 1.0))
    answer = rng.choice(ANSWERS)
    group = ", ".join(_candidate(rng, rank, pool, answer, right) for rank in range(CANDIDATES))
    question = rng.choice(ASKED).format(rng.choice(SUBJECTS))
    said = ", ".join([f'"{answer}"'] * 6 + [f'"{rng.choice(ANSWERS)}"'] * 4)
    about = (
        f'{{"query_id": {query_id}, "question_id": {10 * query_id + 5}, "image_id": {query_id // 2}, '
        f'"question": "{question}", "gt_answers_raw": [{said}], "gt_answers_norm": [{said}]}}'
    )
    return f'{{"query": {about}, "candidate_pool_ids": {pool}, "pointer_candidates": [{group}]}}'


def _candidate(rng: random.Random, rank: int, pool: list[int], answer: str, right: float) -> str:
    first, second = rng.sample(range(POOL), 2)
    accuracy = rng.choice((0.6, 1.0)) if rng.random() < right else 0.0
    said = answer if accuracy else rng.choice(ANSWERS)
    method = METHODS[rank % len(METHODS)]
    return (
        f'{{"pointer": [{first}, {second}], "pointer_global": [{pool[first]}, {pool[second]}], "gen_method": "{method}", '
        f'"beam_rank": {rank if method == "beam" else "null"}, "beam_score": {rng.random():.6f}, '
        f'"logprob_score": {-9 * rng.random():.6f}, "temperature": null, "similarity_score": null, '
        f'"vqa_pred_answer": "{said}", "vqa_raw_generation": "{said}.", "vqa_gt_prob": {rng.random() * 1e-6:.3e}, '
        f'"vqa_correct": {int(accuracy > 0)}, "vqa_acc_score": {accuracy}, "vqa_rel_score": {1.0 if accuracy else 0.15}, '
        '"vqa_eval_mode": "vqaEval", "eval_split_used": "train", "eval_failed": false}'
    )


LISTS = (
    ("", "id"), ("", "best desc"), ("", "mean asc"), ("", "question"), ("positive:0", "id"), ("gen:beam", "id"),
    ("n>10 best>=0.6 class:mixed", "spread desc"), ('"bird"', "id"), ('"what"', "mean desc"), ('"e"', "id"),
    ('positive:0 gen:beam n>10 "bird"', "best desc"), ("answer:red", "id"), ("answer=red", "id"), ("said:red", "id"),
    ("mark:duplicate", "id"), ("-class:mixed", "id"),
)  # fmt: skip


def rss_mb() -> float:
    """Memory of this process that is in use now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 2**20


def times_ms(work: Callable[[], object], repeats: int = 15) -> tuple[float, float]:
    """(median, worst) wall time of a call in milliseconds."""
    taken = []
    for _ in range(repeats):
        start = time.perf_counter()
        work()
        taken.append(1000 * (time.perf_counter() - start))
    return statistics.median(taken), max(taken)


def measure(path: Path) -> None:
    """Print every figure; the application is driven without a terminal, in a home that is thrown away."""
    with tempfile.TemporaryDirectory() as folder:
        asyncio.run(_in_the_application(path, Path(folder) / "home"))
        _build(path, Path(folder) / "cache")
        _lists(path, Path(folder) / "cache")


def _build(path: Path, cache: Path) -> None:
    start, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "engine.rl.index.build", str(path), "--cache", str(cache)]
    subprocess.run(command, check=True)
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = used.ru_utime + used.ru_stime - before.ru_utime - before.ru_stime
    side = next((cache / "rl-data").glob("*.sqlite"))
    wall = time.perf_counter() - start
    print(f"index: {wall:.1f} s wall, {cpu:.1f} CPU s, peak {used.ru_maxrss / 1024:.0f} MB with the pages of the file, "
          f"side file {side.stat().st_size / 1e6:.1f} MB")  # fmt: skip


def _lists(path: Path, cache: Path) -> None:
    from engine.rl.index.browse import Browse

    start = time.perf_counter()
    browse = Browse.of(path, cache)
    assert browse is not None, "the index was just built"
    print(f"open the index: {1000 * (time.perf_counter() - start):.1f} ms, {len(browse):,} queries, "
          f"{browse.health['candidates']:,} candidates")  # fmt: skip
    worst = 0.0
    for where, sort in LISTS:

        def work(where: str = where, sort: str = sort) -> list[int]:
            browse._orders.clear()  # a sort is kept once asked for; here it is measured each time
            return browse.select(where, sort)

        first = times_ms(work, 1)[0]
        median, slowest = times_ms(work)
        worst = max(worst, median)
        print(
            f"{where or '(all)':36} {sort:12} first {first:6.2f}  median {median:6.2f}  max {slowest:6.2f} ms  {len(work()):,}"
        )
    ids = browse.select("", "mean desc")
    middle = len(ids) // 2
    for name, reading in {
        "page of 200": lambda: browse.rows(ids[middle : middle + 200]),
        "one query with its candidates": lambda: browse.group(ids[middle]),
    }.items():
        median, slowest = times_ms(reading)
        worst = max(worst, median)
        print(f"{name:49} median {median:6.2f}  max {slowest:6.2f} ms")
    print(f"slowest median {worst:.2f} ms")


def _start_nothing(self: Any) -> None:
    """So that the next opening finds no index either."""


def _has_rows(page: Any) -> bool:
    return page.is_mounted and bool(page.table.keys)


async def _in_the_application(path: Path, root: Path) -> None:
    from db import store
    from db.home import Home
    from db.session import open_database, writing
    from leverplus_tui.data.rl_files import Indexing
    from leverplus_tui.tui.app import LeverplusApp, settle_memory
    from leverplus_tui.tui.screens.rl.page import RLDataScreen

    root.mkdir(parents=True)
    home = Home(root)
    engine = open_database(home.database)
    with writing(engine) as session:
        store.add_data(session, path=path, kind="rl-data", size=path.stat().st_size, sha256="0" * 64)
    engine.dispose()
    app = LeverplusApp(home)
    async with app.run_test(size=(120, 36)) as pilot:

        async def until(condition: Callable[[], Any]) -> None:
            while not condition():
                await asyncio.sleep(0.002)

        await until(lambda: app.watcher is not None)
        await pilot.press("3")
        await pilot.pause(1.0)
        settle_memory()  # which the application does where there is a terminal
        base = rss_mb()
        row = app.library.database.data_files()[0]
        page = RLDataScreen(app.library, row)
        start_builder, taken, seen = Indexing.start, [], 0
        for last in (False,) * 8 + (True,):
            Indexing.start = start_builder if last else _start_nothing  # type: ignore[method-assign]
            page = RLDataScreen(app.library, row)
            start = time.perf_counter()
            app.push_screen(page)
            await until(partial(_has_rows, page))
            taken.append(1000 * (time.perf_counter() - start))
            seen = len(page.table.keys)
            await pilot.pause(0.5)
            if not last:
                page.dismiss()
                await pilot.pause(0.3)
        print(f"first {seen} queries on screen without an index: {taken[0]:.0f} ms after the first enter of the program, "
              f"median of nine {statistics.median(taken):.0f} ms, worst {max(taken):.0f} ms")  # fmt: skip
        again = times_ms(page.source.read_head)[0]
        print(f"of these, decoding: {again:.0f} ms")
        await until(lambda: page.source.browse is not None)
        await pilot.pause(1.0)
        print(f"terminal: {base:.0f} MB with the list of files, {rss_mb():.0f} MB with the index")
        for where, sort in LISTS:
            page.where, page.sort = where, sort
            await page._select()
            await pilot.press("G", "g")
        page.where = ""
        await page._select()
        await pilot.press("enter")
        await pilot.pause(1.0)
        print(
            f"terminal after every filter and sort above and an opened query: {rss_mb():.0f} MB, {rss_mb() - base:.0f} MB more"
        )


def main() -> None:
    """Make a file, or measure one."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("make", "measure"))
    parser.add_argument("file", type=Path)
    parser.add_argument("--queries", type=int, default=59_927)
    arguments = parser.parse_args()
    if arguments.what == "make":
        make(arguments.file, arguments.queries)
    else:
        measure(arguments.file)


if __name__ == "__main__":
    main()
