"""Keeping a home in order: `leverplus trash`, `gc`, `backup`, `restore` and `fsck`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from db import store
from db.home import resolve_home
from db.session import reading, writing
from db.specs import UserError
from db.specs.base import findings_json
from leverplus_tui.commands.database import find_run_ids, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunsArgument, YesOption, confirmed
from leverplus_tui.keeping.backup import back_up, put_back
from leverplus_tui.keeping.check import check
from leverplus_tui.keeping.disk import free, usage
from leverplus_tui.keeping.trash import erase, thrown
from leverplus_tui.queue.submit import tend
from leverplus_tui.text.numbers import plural, size
from leverplus_tui.text.output import answer, finding_lines, say, table
from leverplus_tui.text.times import iso, moment

MOST = 20


def trash_list(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List deleted runs, what they hold on disk, and what still uses files of them.

    Example:
    leverplus trash list
    """
    place, database = open_home(home)
    rows = thrown(place, database)
    document = [
        {"run": store.ref(one.run_id), "name": one.name, "kind": one.kind, "deleted": iso(one.deleted),
         "bytes": one.size, "used_by": list(one.used_by)}
        for one in rows
    ]  # fmt: skip
    lines = [
        (store.ref(one.run_id), one.name, one.kind, moment(one.deleted), size(one.size), ", ".join(one.used_by))
        for one in rows
    ]
    if not rows:
        answer(document, as_json, [], [f"the trash of {place.root} is empty"])
        return
    answer(
        document,
        as_json,
        [table(("run", "name", "kind", "deleted", "on disk", "used by"), lines, right=(4,))],
        [f"`leverplus trash restore {store.ref(rows[0].run_id)}` brings one back, `leverplus trash empty` erases them"],
    )


def trash_restore(runs: RunsArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Bring deleted runs back into all lists.

    Example:
    leverplus trash restore r3 r4
    """
    place, database = open_home(home)
    with writing(database) as session:
        run_ids = find_run_ids(session, runs, deleted=True)
        store.restore(session, run_ids=run_ids)
    tend(place, database)  # others may wait for one of them
    refs = [store.ref(run_id) for run_id in run_ids]
    answer({"runs": refs, "deleted": False}, as_json, [f"{', '.join(refs)} restored"])


def trash_empty(
    runs: Annotated[list[str] | None, typer.Argument(metavar="[RUN]...", help="These only; else all.")] = None,
    yes: YesOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Erase deleted runs with their answers, checkpoints and logs. Those whose files other runs or data use stay.

    Example:
    leverplus trash empty
    leverplus trash empty r3 --yes
    """
    place, database = open_home(home)
    there = {one.run_id: one for one in thrown(place, database)}
    run_ids = list(there)
    if runs:
        with reading(database) as session:
            run_ids = find_run_ids(session, runs, deleted=True)
        for run_id in run_ids:
            if run_id not in there:
                raise UserError(f"r{run_id} is not in the trash: `leverplus delete r{run_id}` puts it there")
    if run_ids and not yes:
        names = ", ".join(f"r{run_id}" for run_id in run_ids[:MOST]) + (" ..." if len(run_ids) > MOST else "")
        confirmed(f"Erase {names} for ever?", f"{names} not erased", "leverplus trash empty --yes")
    gone, kept = erase(place, database, run_ids)
    answer(
        {"erased": [f"r{one.run_id}" for one in gone], "kept": {f"r{one.run_id}": list(one.used_by) for one in kept}},
        as_json,
        [f"{plural(len(gone), 'run')} erased, {size(sum(one.size for one in gone))} free"],
        [f"r{one.run_id} stays: its files are used by {', '.join(one.used_by)}" for one in kept],
    )


def gc(
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be deleted.")] = False,
    cache: Annotated[bool, typer.Option("--cache", help="Also delete the cache, which is computed again.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what lies on the disk, by run, and delete what nobody needs: drafts and reserves of dead processes, states of
    finished trainings, folders of no run, visual tokens that no run has read for 30 days. What anything refers to stays.

    Example:
    leverplus gc --dry-run
    leverplus gc --cache
    """
    place, database = open_home(home)
    with reading(database) as session:
        if cache and store.active_processes(session):
            raise UserError("jobs are at work and use the cache: stop them first, or leave --cache out")
    found = usage(place, database, cache=cache)
    biggest = sorted(found.runs.items(), key=lambda item: -item[1])
    with reading(database) as session:
        names = store.names_of(session, run_ids=[run for run, _ in biggest[:MOST]])
    freed = 0 if dry_run else free(found.waste)
    document = {
        "database": found.database, "cache": found.cache, "visual_tokens": found.visual_tokens, "backups": found.backups,
        "runs": {store.ref(run): bytes_ for run, bytes_ in biggest},
        "waste": [{"path": str(one.path), "bytes": one.size, "why": one.why} for one in found.waste],
        "freeable": found.freeable, "freed": freed,
    }  # fmt: skip
    rows = [(store.ref(run), names.get(run, "of no run"), size(bytes_)) for run, bytes_ in biggest[:MOST]]
    lines = [table(("run", "name", "on disk"), rows, right=(2,))]
    if len(biggest) > MOST:
        lines.append(f"the {MOST} largest of {len(biggest)}, together {size(sum(found.runs.values()))}")
    images = f" ({size(found.visual_tokens)} of it visual tokens)" if found.visual_tokens else ""
    lines.append(f"database {size(found.database)}, cache {size(found.cache)}{images}, backups {size(found.backups)}")
    lines += [f"  {size(one.size).rjust(9)}  {one.path}: {one.why}" for one in found.waste]
    lines.append(f"{size(found.freeable)} can go: leverplus gc" if dry_run else f"{size(freed)} freed")
    answer(document, as_json, lines)


def backup(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to; .gz compresses it.")],
    database_only: Annotated[
        bool, typer.Option("--database-only", help="Without checkpoints, logs and exports.")
    ] = False,
    yes: YesOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write the whole home into one file, also while jobs write: database, checkpoints, RL data, logs. The cache is left out.
    A folder that is missing is made for it, and that is said.

    Example:
    leverplus backup ~/leverplus-monday.tar.gz
    """
    place, _ = open_home(home)
    target = file.expanduser().absolute()
    if target.exists() and not yes:
        confirmed(
            f"Put a new backup in the place of {file}?", f"{file} stays as it is", f"leverplus backup {file} --yes"
        )
    is_new = not target.parent.exists()
    made = back_up(place, target, files=not database_only)
    if is_new:
        say(f"{target.parent} was not there and was made for it")
    document = {
        "file": str(made.path),
        "runs": made.runs,
        "files": made.files,
        "bytes": made.size,
        "changed": [*made.changed],
    }
    answer(
        document,
        as_json,
        [f"{made.path}: {plural(made.runs, 'run')}, {plural(made.files, 'file')}, {size(made.size)}"],
        [f"{path} was written anew meanwhile; its run is at work, and goes on from there" for path in made.changed],
    )


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `leverplus backup` wrote.")],
    yes: YesOption = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Put a backup in the place of the home, which is kept beside it. Refused while jobs live; waiting runs come back paused.

    Example:
    leverplus restore ~/leverplus-monday.tar.gz
    """
    place = resolve_home(home)
    source = file.expanduser().absolute()
    if not source.is_file():
        raise UserError(f"there is no backup {file}: give a file that `leverplus backup` wrote")
    if place.root.exists() and not yes:
        confirmed(
            f"Put {file} in the place of {place.root}?", "nothing was restored", f"leverplus restore {file} --yes"
        )
    kept = put_back(place, source)
    answer(
        {"home": str(place.root), "kept": None if kept is None else str(kept)},
        as_json,
        [f"{place.root} is what {file} holds"],
        [] if kept is None else [f"the home of before is {kept}"],
    )


def fsck(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended.")] = False,
    quick: Annotated[bool, typer.Option("--quick", help="Do not read files to compare their hashes.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Check the home: database, files against their hashes, figures against answers, states against processes.

    --repair copies the rows of a damaged database that can be read into a new one, computes figures from their answers, ends
    runs whose process is gone, and offers nobody a checkpoint that is gone or changed. What lay on damaged or missing pages,
    and the content of such a file, it cannot bring back: a backup can. Exits with 1 where something is wrong and not mended.

    Example:
    leverplus fsck
    leverplus fsck --repair
    """
    place = resolve_home(home)
    found = check(place, repair=repair, deep=not quick)
    lines = [*(f"mended: {line}" for line in found.repaired), *finding_lines(found.findings)]
    document = {"findings": findings_json(found.findings), "repaired": list(found.repaired)}
    answer(document, as_json, lines if found.findings else [*lines, f"{place.root} is sound"])
    if not found.sound:
        raise typer.Exit(1)
