"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.home import Home
from db.user_error import UserError
from leverplus_tui.text.times import seconds

if TYPE_CHECKING:
    from leverplus_tui.queue.submit import Wish


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

MOST = 1_000_000
"""Largest priority, memory in GB and number of retries."""

QUEUE: dict[str, Any] = {
    "queue": Annotated[bool, typer.Option("--queue", help="Wait in the queue for a free device, and return.")],
    "after": Annotated[
        list[str] | None,
        typer.Option("--after", metavar="RUN", help="Start when this run is done. May be repeated. Queues."),
    ],
    "priority": Annotated[
        int | None,
        typer.Option("--priority", metavar="N", min=-MOST, max=MOST, help="Higher ones start first [0]. Queues."),
    ],
    "memory": Annotated[
        float | None,
        typer.Option(
            "--memory", metavar="GB", min=0, max=MOST, help="Memory it needs: small jobs share a device. Queues."
        ),
    ],
    "retries": Annotated[
        int | None,
        typer.Option("--retries", metavar="N", min=0, max=MOST, help="Try so often again after a failure. Queues."),
    ],
    "time_limit": Annotated[
        str | None,
        typer.Option("--time-limit", metavar="TIME", help="Stop it after 90s, 15m, 2h, 1d; resumable. Queues."),
    ],
    "on": Annotated[
        str | None,
        typer.Option("--on", metavar="ray[:ADDRESS]", help="Answer on the nodes of a Ray cluster; `leverplus nodes`."),
    ],
}
"""Options of commands that queue."""


def wished(place: Home, given: Mapping[str, Any]) -> Wish | None:
    """How the options say that runs are to wait; None where they say nothing of a queue."""
    if not any(given.get(name) not in (None, False, []) for name in QUEUE):
        return None
    # the database costs a third of a second, which a command that queues nothing need not wait
    from leverplus_tui.queue.submit import Wish, needed

    limit = given.get("time_limit")
    limit_s = None if limit is None else seconds(limit)
    if limit is not None and not limit_s:
        raise UserError(f"--time-limit {limit}: write a time such as 90s, 15m, 2h30m or 1d")
    on = given.get("on") or ""
    if on.partition(":")[0] not in ("", "ray"):
        raise UserError(f"--on {on}: give ray, or ray:ADDRESS of a cluster's head, such as ray:10.0.0.1:6379")
    return Wish(
        runner=on,
        priority=given.get("priority") or 0,
        memory_mb=round(1024 * (given.get("memory") or 0)),
        needs=needed(place, given.get("after") or ()),
        retries=given.get("retries") or 0,
        time_limit_s=limit_s,
    )


def confirmed(question: str, otherwise: str, without: str) -> None:
    """Ask on a terminal; elsewhere a UserError says which command needs no asking."""
    if not typer.get_text_stream("stdin").isatty():
        raise UserError(f"{otherwise}, because there is no terminal to ask on: `{without}` does it without asking")
    typer.confirm(question, abort=True, err=True)
