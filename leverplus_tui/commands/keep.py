"""`leverplus tag` and `delete`."""

from __future__ import annotations

from typing import Annotated

import typer

from db import store
from db.session import writing
from db.specs import UserError
from leverplus_tui.commands.opened import numbers, opened
from leverplus_tui.commands.options import HomeOption, RunArgument, RunsArgument, YesOption
from leverplus_tui.output import put, say


def tag(
    run: RunArgument,
    tags: Annotated[
        list[str], typer.Argument(metavar="TAG", help="Words; a leading minus takes one off (write -- before it).")
    ],
    home: HomeOption = None,
) -> None:
    """Put words on a run; they can be filtered by (`--where tag:baseline`).

    Example:
    leverplus tag r12 baseline paper
    leverplus tag r12 -- -paper
    """
    _, database = opened(home)
    with writing(database) as session:
        run_id = numbers(session, [run])[0]
        store.tag(session, run_id=run_id, tags=[word for word in tags if not word.startswith("-")])
        store.untag(session, run_id=run_id, tags=[word[1:] for word in tags if word.startswith("-")])
        put(f"r{run_id} {' '.join(store.run_detail(session, run_id=run_id).row.tags)}".rstrip())


def delete(
    runs: RunsArgument,
    yes: YesOption = False,
    undo: Annotated[bool, typer.Option("--undo", help="Bring deleted runs back.")] = False,
    home: HomeOption = None,
) -> None:
    """Hide runs from all lists. Nothing is erased: `--undo` brings them back.

    Example:
    leverplus delete r3 r4
    leverplus delete r3 --undo
    """
    _, database = opened(home)
    with writing(database) as session:
        run_ids = numbers(session, runs, deleted=True)
    names = ", ".join(f"r{run_id}" for run_id in run_ids)
    if not undo and not yes:
        _confirm(names)
    with writing(database) as session:
        if undo:
            store.restore(session, run_ids=run_ids)
        else:
            store.soft_delete(session, run_ids=run_ids)
    put(f"{names} {'restored' if undo else 'deleted'}")
    if not undo:
        say(f"`leverplus delete {' '.join(f'r{run_id}' for run_id in run_ids)} --undo` brings them back")


def _confirm(names: str) -> None:
    if not typer.get_text_stream("stdin").isatty():
        raise UserError(f"delete {names}? say so with --yes when nobody can be asked")
    typer.confirm(f"Delete {names}?", abort=True, err=True)
