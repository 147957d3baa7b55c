"""What people say of runs: `leverplus tag`, `rename`, `note` and `delete`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from db import store
from db.session import reading, writing
from db.specs import UserError
from leverplus_tui.commands.database import find_run_id, find_run_ids, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunArgument, RunsArgument, YesOption
from leverplus_tui.jobs.away import must_not_be_away
from leverplus_tui.text.output import put, put_json, say


def tag(
    run: RunArgument,
    tags: Annotated[
        list[str],
        typer.Argument(
            metavar="TAG", help="Words to put on the run; a leading minus takes one off (write -- before it)."
        ),
    ],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Tag a run with words; `leverplus runs --where tag:baseline` lists the runs that have one.

    Example:
    leverplus tag r12 baseline paper
    leverplus tag r12 -- -paper
    """
    _, database = open_home(home)
    with writing(database) as session:
        run_id = find_run_id(session, run)
        taken_off = [word[1:] for word in tags if word.startswith("-")]
        _carried(store.run_rows(session, run_ids=[run_id])[0].tags, taken_off, f"r{run_id}")
        store.tag(session, run_id=run_id, tags=[word for word in tags if not word.startswith("-")])
        store.untag(session, run_id=run_id, tags=taken_off)
        now = store.run_rows(session, run_ids=[run_id])[0].tags
    if as_json:
        put_json({"run": f"r{run_id}", "tags": list(now)})
    else:
        put(f"r{run_id} {' '.join(now)}".rstrip())


def _carried(tags: Sequence[str], words: Sequence[str], run: str) -> None:
    """Raises UserError for a word that cannot be taken off, because the run does not have it."""
    absent = [word for word in words if word not in tags]
    if absent:
        has = f"it has {', '.join(tags)}" if tags else "it has none"
        raise UserError(f"{run} has no tag '{absent[0]}' ({has}): nothing was changed")


def rename(
    run: RunArgument,
    name: Annotated[str, typer.Argument(metavar="NAME", help="The new name; in quotes where it has blanks.")],
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Give a run another name; its number stays.

    Example:
    leverplus rename r12 baseline
    """
    _, database = open_home(home)
    with writing(database) as session:
        run_id = find_run_id(session, run)
        store.rename(session, run_id=run_id, name=name)
        renamed = store.get_run(session, run_id=run_id).name
    if as_json:
        put_json({"run": f"r{run_id}", "name": renamed})
    else:
        put(f"r{run_id} {renamed}")


def note(
    run: RunArgument,
    text: Annotated[
        list[str] | None, typer.Argument(metavar="TEXT", help='What to write; "" takes the note away.')
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Write a note about a run in place of the one it has, or, without TEXT, print it. `show` and the run's page show it.

    Example:
    leverplus note r12 "the figures of table 2"
    leverplus note r12
    """
    _, database = open_home(home)
    with writing(database) if text else reading(database) as session:
        run_id = find_run_id(session, run)
        if text:
            store.note(session, run_id=run_id, text=" ".join(text))
        written = store.note_of(session, run_id=run_id)
    if as_json:
        put_json({"run": f"r{run_id}", "note": written})
    elif written:
        put(written)
    else:
        say(f"r{run_id} has no note: `leverplus note r{run_id} TEXT` writes one")


def delete(
    runs: RunsArgument,
    yes: YesOption = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring deleted runs back.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Put runs into the trash: no list shows them. Nothing is erased before `leverplus trash empty`.

    Example:
    leverplus delete r3 r4
    leverplus delete r3 --undo
    """
    place, database = open_home(home)
    with writing(database) as session:
        run_ids = find_run_ids(session, runs, deleted=True)
    refs = [f"r{run_id}" for run_id in run_ids]
    if not undo:
        must_not_be_away(place, run_ids, "deleted")
    if not undo and not yes:
        _confirm(refs)
    with writing(database) as session:
        if undo:
            store.restore(session, run_ids=run_ids)
        else:
            store.soft_delete(session, run_ids=run_ids)
    if as_json:
        put_json({"runs": refs, "deleted": not undo})
        return
    put(f"{', '.join(refs)} {'restored' if undo else 'deleted'}")
    if not undo:
        say(f"`leverplus trash restore {' '.join(refs)}` brings {'it' if len(refs) == 1 else 'them'} back")


def _confirm(refs: Sequence[str]) -> None:
    if not typer.get_text_stream("stdin").isatty():
        raise UserError(
            f"{', '.join(refs)} {'was' if len(refs) == 1 else 'were'} not deleted, because there is no terminal to ask on: "
            f"`leverplus delete {' '.join(refs)} --yes` deletes without asking"
        )
    typer.confirm(f"Delete {', '.join(refs)}?", abort=True, err=True)
