"""Options that many commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer


def _inherit(context: typer.Context, value: Path | None) -> Path | None:
    """`leverplus --home X runs` and `leverplus runs --home X` mean the same."""
    outer: Any = context.find_root().obj
    return value or outer


HomeOption = Annotated[
    Path | None,
    typer.Option(
        "--home", callback=_inherit, help="Folder of the runs; else LEVERPLUS_HOME, else the nearest .leverplus/."
    ),
]
JsonOption = Annotated[bool, typer.Option("--json", help="Print one JSON document and nothing else.")]
RunArgument = Annotated[str, typer.Argument(metavar="RUN", help="A run: r12, 12, or a name that only one run has.")]
RunsArgument = Annotated[list[str], typer.Argument(metavar="RUN", help="Runs: r12, 12, or names.")]
DetachOption = Annotated[bool, typer.Option("--detach", help="Return at once; the job goes on by itself.")]
ForceOption = Annotated[
    bool, typer.Option("--force", help="Run although preflight finds errors; the run is marked as forced.")
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask for confirmation.")]
