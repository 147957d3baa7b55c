"""`leverplus doctor`."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from db.specs import Report, UserError
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.output import finding_lines, put, put_json
from leverplus_tui.spec_options import flatten

EXPECTED = ("d_model", "hidden_dim", "num_layers", "num_heads", "shots", "pool_size", "variant", "encoder")
RUN = re.compile(r"r?\d+")


def doctor(
    subjects: Annotated[list[str], typer.Argument(metavar="PATH_OR_RUN", help="Files, folders or runs.")],
    expect: Annotated[
        list[str] | None,
        typer.Option("--expect", metavar="FIELD=VALUE", help=f"What a checkpoint should be: {', '.join(EXPECTED)}."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say what is wrong with files and runs, how much it matters, and what to do. Nothing in a file is executed.

    Exits with 1 when an error is found.

    Example:
    leverplus doctor epoch5.pt --expect variant=v3 --expect d_model=768
    leverplus doctor rl_data.json accuracy_matrices.json r12
    """
    wanted = expectations(expect or ())
    reports = [_report(subject, wanted, home) for subject in subjects]
    if as_json:
        put_json([report.model_dump(mode="json") for report in reports])
    else:
        put("\n\n".join(_text(report) for report in reports))
    if any(finding.severity == "error" for report in reports for finding in report.findings):
        raise typer.Exit(1)


def expectations(given: Sequence[str]) -> dict[str, str]:
    """`FIELD=VALUE` pairs. Raises UserError naming the fields that exist."""
    wanted = {}
    for pair in given:
        field, equals, value = pair.partition("=")
        if not equals or field not in EXPECTED or not value:
            raise UserError(f"--expect {pair}: write FIELD=VALUE with a field of {', '.join(EXPECTED)}")
        wanted[field] = value
    return wanted


def _report(subject: str, wanted: dict[str, str], home: Path | None) -> Report:
    """A path wins over a run of the same name."""
    path = Path(subject).expanduser()
    if not path.exists() and RUN.fullmatch(subject):
        from leverplus_tui.commands.opened import looking, numbers
        from leverplus_tui.run_health import examine_run

        with looking(home) as session:
            return examine_run(session, numbers(session, [subject], deleted=True)[0])
    if not path.exists():
        raise UserError(f"there is nothing at {path.absolute()}, and {subject} is no run such as r12")
    from engine.doctor.examine import examine

    return examine(path, expect=wanted or None)


def _text(report: Report) -> str:
    lines = [f"{report.path}: {report.kind}"]
    facts = [
        (name, value) for name, value in flatten(report.facts) if not isinstance(value, (list, tuple)) or not value
    ]
    width = max((len(name) for name, _ in facts), default=0)
    lines += [f"  {name.ljust(width)}  {value}" for name, value in facts]
    lines += [f"  {line}" for line in finding_lines(report.findings)] or ["  nothing is wrong with it"]
    return "\n".join(lines)
