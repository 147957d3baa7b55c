"""`leverplus logs`."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from db import store
from db.home import Home
from db.run_states import ENDED
from db.session import DatabaseFile, reading
from db.specs import UserError
from engine.common.sent import sent
from leverplus_tui.commands.database import find_run_id, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunArgument
from leverplus_tui.text.output import put_json, say

LOOK_S = 0.2


def logs(
    run: RunArgument,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing until the run ends.")] = False,
    lines: Annotated[
        int | None, typer.Option("--lines", "-n", min=1, help="Begin this many lines before the end.")
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Print the log of a run's job processes.

    Example:
    leverplus logs r12
    leverplus logs r12 -f -n 20
    """
    if follow and as_json:
        raise UserError(
            "--follow and --json exclude each other: one JSON document has an end, a log that grows has none"
        )
    place, database = open_home(home)
    with reading(database) as session:
        run_id = find_run_id(session, run, deleted=True)
    log = place.log(run_id)
    if as_json:
        put_json({"run": f"r{run_id}", "log": str(log), "lines": _lines(log, lines)})
        return
    offset = _print_from(log, _start(log, lines))
    if not log.exists():
        say(f"r{run_id} has no log yet at {log}")
    while follow:
        ended = _ended(place, database, run_id)  # asked before reading, so that the last lines are not missed
        offset = _print_from(log, offset)
        if ended:
            return
        time.sleep(LOOK_S)


def _lines(log: Path, last: int | None) -> list[str]:
    if not log.exists():
        return []
    with log.open("rb") as file:
        file.seek(_start(log, last))
        return file.read().decode("utf-8", "replace").splitlines()


def _print_from(log: Path, offset: int) -> int:
    """Print what stands behind `offset`; returns where it ends. Bytes go out as they are."""
    if not log.exists():
        return offset
    out = typer.get_binary_stream("stdout")
    with log.open("rb") as file:
        file.seek(offset)
        while block := file.read(1 << 16):
            out.write(block)
        out.flush()
        return file.tell()


def _start(log: Path, lines: int | None) -> int:
    """Byte at which the last `lines` lines begin."""
    if lines is None or not log.exists():
        return 0
    with log.open("rb") as file:
        position = file.seek(0, 2)
        tail = b""
        while position and tail.count(b"\n") <= lines:
            step = min(1 << 16, position)
            position = file.seek(position - step)
            tail = file.read(step) + tail
    return position + len(tail) - len(b"".join(tail.splitlines(keepends=True)[-lines:]))


def _ended(place: Home, database: DatabaseFile, run_id: int) -> bool:
    if sent(place.run_dir(run_id)) is not None:
        return False  # another machine works on it, whoever collects its rows
    with reading(database) as session:
        rows = store.processes(session, run_id=run_id)
        ended = store.get_run(session, run_id=run_id).state in ENDED
    return ended or bool(rows and not store.is_alive(rows[-1]))
