"""`leverplus run from-script`: the jobs of a published shell script, as commands of this program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from db.specs import UserError
from leverplus_tui.commands.options import JsonOption
from leverplus_tui.jobs.published.scripts import Call, Left, read_script
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.jobs.spec_command import command_text
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import put, put_json


def from_script(
    script: Annotated[Path, typer.Argument(metavar="SCRIPT", help="A shell script that calls the published code.")],
    as_json: JsonOption = False,
) -> None:
    """Say how a published shell script is expressed here, and what of it could not be read. Nothing is started.

    The defaults are those of the Python scripts that it calls; a branch or a loop is not followed.

    Example:
    leverplus run from-script train_v3.sh
    """
    calls, left = read_script(script)
    if not calls and not left:
        raise UserError(
            f"{script} calls none of the published scripts: docs/from-upstream.md lists those that are known"
        )
    if as_json:
        put_json({"jobs": [_job(call) for call in calls], "left": [_left(one) for one in left]})
        return
    for call in calls:
        job = _job(call)
        put(f"# line {call.line}: {call.script}")
        put(job["command"] or f"# {job['problem']}\n{_typed(call)}")
    for one in left:
        put(f"# line {one.line}: left out `{' '.join(one.text.split())[:100]}`: {one.why}")
    put(f"# {plural(len(calls), 'job')}; read each command before you start it")


def _job(call: Call) -> dict[str, Any]:
    """The job of a call as a command; where something is missing, what that is."""
    told = {"script": call.script, "line": call.line, "kind": call.kind, "fields": call.fields}
    try:
        spec = build_spec(call.kind, {}, None, [f"{name}={value}" for name, value in call.fields.items()])
    except UserError as error:
        return told | {"command": "", "problem": str(error)}
    return told | {"command": command_text(spec), "problem": ""}


def _typed(call: Call) -> str:
    fields = " ".join(f"--set {name}={value}" for name, value in call.fields.items())
    return f"leverplus run {call.kind} {fields}"


def _left(one: Left) -> dict[str, Any]:
    return {"line": one.line, "text": one.text, "why": one.why}
