"""A list of 10,000 runs with 40 columns: how long it takes to filter, sort and paint it, and to compare two of its runs.

Run by `python -m benchmarks.terminal --only wide`. What is asked of the database and what is drawn of it are measured together,
from asking to the screen in which the new lines stand: processor time of all threads, without a terminal behind it.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Callable

from db.home import Home
from db.specs import EvalSpec
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.tui.app import LeverplusApp, settle_memory
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.messages import CompareRuns
from leverplus_tui.tui.screens.comparing.page import CompareScreen
from leverplus_tui.tui.screens.runs.page import RunsScreen

COLUMNS, REPEATS = 40, 9
VIEWS = {
    "sorted by name": ListView(sort="name asc"),
    "sorted by a setting": ListView(sort="decode.num_beams desc"),
    "filtered by a setting": ListView(where="seed<5000"),
    "filtered by a word": ListView(where='"number-77"'),
    "as it was": ListView(),
}


def measure_wide(home: Home) -> None:
    """Print what each takes."""
    asyncio.run(_measured(home))


async def _measured(home: Home) -> None:
    (home.root / "terminal.json").unlink(missing_ok=True)
    app = LeverplusApp(home)
    async with app.run_test(size=(480, 50)):  # as wide as it takes to show them all
        await _until(lambda: app.watcher is not None and isinstance(app.screen, RunsScreen) and app.screen.listing.ids)
        page = app.screen
        assert isinstance(page, RunsScreen)
        settle_memory()
        known = [column.key for column in page.every_column()]
        settings = [name for name, _ in flatten(EvalSpec().model_dump(mode="json")) if name not in known]
        columns = tuple([*known, *settings][:COLUMNS])
        for what, view in VIEWS.items():
            taken = []
            for _ in range(REPEATS):
                taken.append(await _listed(app, page, ListView(view.where, view.sort, columns)))
                await _listed(app, page, ListView(columns=columns))
            size = f"{len(page.listing.ids)} runs, {len(page.table.shown_columns)} columns"
            print(f"{what:28} {statistics.median(taken):.0f} ms CPU: {size}")
        taken = [await _compared(app, (first + 1, first + 100)) for first in range(REPEATS)]
        print(f"{'two of them compared':28} {statistics.median(taken):.0f} ms CPU, first time {taken[0]:.0f}")


async def _compared(app: LeverplusApp, run_ids: tuple[int, int]) -> float:
    """Milliseconds from asking for a comparison to its differences on the screen."""
    start = time.process_time()
    app.post_message(CompareRuns(run_ids))
    await _until(
        lambda: isinstance(app.screen, CompareScreen) and app.screen.run_ids == run_ids and app.screen.compared
    )
    await _until(lambda: not app.screen._dirty_widgets)
    return 1000 * (time.process_time() - start)


async def _listed(app: LeverplusApp, page: RunsScreen, view: ListView) -> float:
    """Milliseconds from asking for a view to its lines on the screen."""
    start, before = time.process_time(), page.listing
    page._read_at = 0.0  # without the rest that follows a reading
    page.library.memory.keep(view=view)
    page.select_again()
    await _until(lambda: page.listing is not before and not page._reading and not app.screen._dirty_widgets)
    return 1000 * (time.process_time() - start)


async def _until(condition: Callable[[], object]) -> None:
    while not condition():
        await asyncio.sleep(0.02)
