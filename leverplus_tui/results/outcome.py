"""What a run came to, in the words of the contract: figures, exit code, and the way on from a run that did not end well."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from typing import Any

from pydantic import ValidationError

from db.specs import JOB_SPEC
from db.store import CellRow, RunDetail
from leverplus_tui.jobs.spec_command import command_text
from leverplus_tui.queue.wishes import Wishes, of_run
from leverplus_tui.text.shots import known_shots

EXIT_OF_STATE = {"done": 0, "stopped": 130}


def matrix(cells: Sequence[CellRow]) -> list[dict[str, Any]]:
    """The accuracy matrix as the contract prints it, in percent."""
    return [
        {
            "subset": cell.subset, "n": cell.n, "shot": known_shots(cell.shot), "accuracy": round(cell.accuracy, 6),
            "ci_low": round(cell.ci_low, 6), "ci_high": round(cell.ci_high, 6),
        } | ({"n_done": cell.n_done} if cell.n_done != cell.n else {})
        for cell in cells
    ]  # fmt: skip


def way_on(detail: RunDetail) -> str:
    """What to do about a run that did not end well.

    A specification is frozen, so a wrong value in it fails again whenever the run is resumed.
    """
    resume = f"`leverplus resume {detail.row.ref}`"
    if exit_code(detail) != 2:
        return f"{resume} goes on; nothing stored is lost"
    again = command_again(detail)
    if not again:
        return f"start again with that put right, or, where a file was mended since, {resume}"
    return f"start again with that put right (it was: `{again}`), or, where a file was mended since, {resume}"


def command_of_run(detail: RunDetail) -> str:
    """The command line that makes such a run; empty for an imported one, or one of another version's specification."""
    try:
        return command_text(JOB_SPEC.validate_python(detail.spec))
    except ValidationError:
        return ""


def command_again(detail: RunDetail) -> str:
    """The same, with where the run works and what it takes there."""
    command = command_of_run(detail)
    return shlex.join([*shlex.split(command), *wishes_of(detail).words()]) if command else ""


def wishes_of(detail: RunDetail) -> Wishes:
    """Where the run works and what it takes there, as it was asked; nothing of one that works here."""
    return of_run(detail.ticket, detail.environment.get("resources", {}))


def exit_code(detail: RunDetail) -> int:
    """0 for done, 130 for stopped, the process's own code where the input was at fault, else 1."""
    if detail.row.state in EXIT_OF_STATE:
        return EXIT_OF_STATE[detail.row.state]
    code = detail.processes[-1].exit_code if detail.processes else None
    return code if code in (2, 4) else 1
