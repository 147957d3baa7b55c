"""Holds a home against itself: the database, files against hashes, figures against answers, states against processes."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from db import store
from db.copying import check_copy
from db.errors import DatabaseDamaged
from db.fingerprint import content_sha
from db.home import Home
from db.salvage import salvage
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import Finding, UserError
from engine.common.findings import error, info, warning
from engine.statistics.intervals import interval
from leverplus_tui.keeping.backup import alone
from leverplus_tui.keeping.disk import Waste, free, run_folders, usage
from leverplus_tui.text.numbers import plural

MOST_NAMED = 4
"""Series that are named; more are counted."""


@dataclass(frozen=True)
class Checked:
    """What is wrong with a home."""

    findings: tuple[Finding, ...]
    repaired: tuple[str, ...]

    @property
    def sound(self) -> bool:
        """Nothing is left that takes something away from the figures or the files."""
        return not any(finding.severity == "error" for finding in self.findings)


def check(home: Home, *, repair: bool = False, deep: bool = True) -> Checked:
    """Look at everything; with `repair`, mend what can be mended and say so. `deep` also reads every promised file."""
    if not home.database.exists():
        raise UserError(f"there is no database in {home.root}: nothing to check")
    repaired: list[str] = []
    lost: list[str] = []
    try:
        check_copy(home.database)
    except DatabaseDamaged as damage:
        if not repair:
            fix = (
                "`leverplus fsck --repair` copies the rows that can still be read into a new database, and keeps the damaged "
                "file; rows on pages that are damaged or missing are in backups alone: `leverplus restore` one that is new enough"
            )
            return Checked((error("database-damaged", str(home.database), f"{damage}.", fix),), ())
        lock = alone(home, "mend the database")
        try:
            told, lost = _rebuild(home)
        finally:
            if lock is not None:
                os.close(lock)
        repaired += told
    database = open_database(home.database)
    found = [
        *_lost(home, lost),
        *_database(database),
        *_states(database, repair, repaired),
        *_files(database, repair, repaired, deep),
        *_figures(database, repair, repaired),
        *_series(database, repair, repaired),
        *_folders(home, database, repair, repaired),
    ]
    return Checked(tuple(found), tuple(repaired))


def _lost(home: Home, tables: list[str]) -> Iterator[Finding]:
    """Said once, by the repair itself: afterwards nothing in the home tells that there was more."""
    if tables:
        text = f"Rows of {', '.join(tables)} could not be read, are not in the mended database and are not to be had from the file."
        fix = "`leverplus restore` a backup that has them, or `leverplus resume` the runs that lack answers"
        yield error("rows-lost", str(home.database), text, fix)


def _rebuild(home: Home) -> tuple[list[str], list[str]]:
    """A new database from what can be read, in words, and the tables that lost rows; the damaged one stays beside it.
    Nobody else may be at work: what is open goes on in the damaged one."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%S%f}"
    fresh = home.root / f"salvaged-{stamp}.db"
    try:
        told = salvage(home.database, fresh)
    except BaseException as failure:
        for end in ("", "-journal"):
            fresh.with_name(fresh.name + end).unlink(missing_ok=True)
        if not isinstance(failure, DatabaseDamaged):
            raise
        raise UserError(
            f"nothing of {home.database} can be read, so nothing was changed: `leverplus restore FILE` puts a backup in its "
            "place, or move it away"
        ) from None
    kept = home.root / f"leverplus-damaged-{stamp}.db"
    for end in ("", "-wal", "-shm"):
        source = home.database.with_name(home.database.name + end)
        if source.exists():
            os.replace(source, kept.with_name(kept.name + end))
    os.replace(fresh, home.database)
    rows = sum(count for count, _ in told.values())
    lost = [table for table, (_, broken) in told.items() if broken]
    holes = f"; rows are missing from {', '.join(lost)}" if lost else ""
    words = [f"{home.database}: {rows} rows copied from the damaged file, which is now {kept}{holes}"]
    return words + (_set_aside(home) if lost else []), lost


def _set_aside(home: Home) -> list[str]:
    """Folders of runs whose rows are lost, under a name that no later run takes and `gc` does not free."""
    with reading(open_database(home.database)) as session:
        known = store.run_states(session)
    told = []
    for run_id, folder in run_folders(home):
        if run_id not in known:
            kept = folder.rename(folder.with_name(f"lost-{folder.name}-{time.time_ns()}"))
            told.append(f"{folder}: its run is lost, so what it wrote is kept as {kept}")
    return told


def _database(database: DatabaseFile) -> Iterator[Finding]:
    with reading(database) as session:
        problems = store.refers_to_nothing(session)
    for text in problems:
        yield error(
            "database-damaged", "database", f"SQLite says: {text}.", "`leverplus restore` a backup, or fsck --repair"
        )


def _states(database: DatabaseFile, repair: bool, repaired: list[str]) -> Iterator[Finding]:
    with reading(database) as session:
        dead = [row for row in store.active_processes(session) if row.ended is None and not store.is_alive(row)]
    if dead and repair:
        with writing(database) as session:
            repaired += [f"{store.ref(run)}: lost, its process is gone" for run in store.lost_runs(session)]
        return
    for row in dead:
        name = store.ref(row.run_id)
        text = f"{name} is shown as at work, but process {row.pid} is gone."
        yield warning("state-untrue", name, text, f"`leverplus runs` corrects it, `leverplus resume {name}` goes on")


def _files(database: DatabaseFile, repair: bool, repaired: list[str], deep: bool) -> Iterator[Finding]:
    with reading(database) as session:
        promised = store.promised_files(session)
    for one in promised:
        problem = _problem(one, deep) if one.state not in store.ACTIVE else ""
        if not problem:
            continue
        name = store.ref(one.run_id)
        if one.table == "checkpoint" and repair:
            with writing(database) as session:
                store.note_gone(session, checkpoint_id=one.id)
            repaired.append(f"{name}: {one.path} {problem}; nobody is offered it any more")
            continue
        code = "file-missing" if problem == "is gone" else "file-changed"
        yield error(
            code,
            one.path,
            f"{one.kind} of {name} {problem}.",
            f"Put the file of a backup back, or `leverplus rerun {name}`",
        )


def _problem(one: store.PromisedFile, deep: bool) -> str:
    path = Path(one.path)
    if not path.exists():
        return "is gone"
    if not deep:
        return ""
    try:
        return "" if content_sha(path) == one.sha256 else "has another content than was written"
    except OSError as failure:
        return f"cannot be read ({failure.strerror})"


def _figures(database: DatabaseFile, repair: bool, repaired: list[str]) -> Iterator[Finding]:
    with reading(database) as session:
        wrong = store.wrong_cells(session)
    for cell in wrong:
        name = store.ref(cell.run_id)
        found = interval(cell.scores, cell.images)
        if repair:
            with writing(database) as session:
                store.set_cell(
                    session, cell=cell, n_done=found.n, accuracy=found.mean, ci_low=found.low, ci_high=found.high
                )
            repaired.append(
                f"{name} at {plural(cell.shot, 'shot')}: {found.mean:.2f} over {plural(found.n, 'answer')}, as they are stored"
            )
            continue
        before = "none" if cell.accuracy is None else f"{cell.accuracy:.2f}"
        yield error(
            "figure-untrue",
            name,
            f"{name} shows {before} over {plural(cell.n_done, 'answer')} at {plural(cell.shot, 'shot')}; its answers say "
            f"{found.mean:.2f} over {found.n}.",
            "`leverplus fsck --repair` computes it from the answers",
        )


def _series(database: DatabaseFile, repair: bool, repaired: list[str]) -> Iterator[Finding]:
    """What lists show of each series, against its points."""
    with reading(database) as session:
        untrue = store.untrue_series(session)
    if not untrue:
        return
    some = ", ".join(f"{name} of {store.ref(run)}" for run, _, name in untrue[:MOST_NAMED])
    told = some + (f" and {len(untrue) - MOST_NAMED} more" if len(untrue) > MOST_NAMED else "")
    if repair:
        with writing(database) as session:
            store.sum_up(session, series=[key for _, key, _ in untrue])
        repaired.append(f"{told}: last values and extremes, from the points as they are stored")
        return
    fix = "`leverplus fsck --repair` computes them from the points"
    yield error("figure-untrue", "metrics", f"What lists show of {told} is not what the points say.", fix)


def _folders(home: Home, database: DatabaseFile, repair: bool, repaired: list[str]) -> Iterator[Finding]:
    waste: tuple[Waste, ...] = usage(home, database).waste
    if waste and repair:
        repaired.append(
            f"{plural(len(waste), 'file or folder', 'files and folders')} that nobody needs, {free(waste)} bytes, deleted"
        )
    elif waste:
        text = f"Nobody needs {plural(len(waste), 'file or folder', 'files and folders')} ({sum(one.size for one in waste)} bytes)."
        yield info("waste", str(home.root), text, "`leverplus gc` lists and deletes them")
