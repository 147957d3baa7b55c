"""Options that many commands share."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from db.home import Home
from db.user_error import UserError
from engine.common.where import SLURM, check_place
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

Memory = Annotated[
    float | None,
    typer.Option("--memory", metavar="GB", min=0, max=MOST, help="Memory it needs: small jobs share a device. Queues."),
]
TimeLimit = Annotated[
    str | None,
    typer.Option("--time-limit", metavar="TIME", help="Stop it after 90s, 15m, 2h, 1d; resumable. Queues."),
]
AWAY: dict[str, Any] = {
    "gpus": Annotated[int | None, typer.Option("--gpus", metavar="N", min=0, max=MOST, help="With --on: GPUs.")],
    "cpus": Annotated[int | None, typer.Option("--cpus", metavar="N", min=1, max=MOST, help="With --on: CPUs.")],
    "account": Annotated[str | None, typer.Option("--account", metavar="NAME", help="With --on slurm: who pays.")],
    "sbatch": Annotated[
        list[str] | None,
        typer.Option(
            "--sbatch",
            metavar="OPTION=VALUE",
            help="With --on slurm: any option of sbatch or submitit, such as qos=long or array_parallelism=8. May be repeated.",
        ),
    ],
    "shared": Annotated[
        Path | None,
        typer.Option(
            "--shared",
            metavar="DIR",
            help="With --on: folder that nodes see too, where they do not see the home's disk.",
        ),
    ],
}
"""What a job asks of a cluster."""
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
    "memory": Memory,
    "retries": Annotated[
        int | None,
        typer.Option("--retries", metavar="N", min=0, max=MOST, help="Try so often again after a failure. Queues."),
    ],
    "time_limit": TimeLimit,
    "on": Annotated[
        str | None,
        typer.Option(
            "--on",
            metavar="PLACE",
            help="Run it elsewhere: slurm, slurm:PARTITION, ray or ray:ADDRESS; see `leverplus nodes` and docs/cluster.md.",
        ),
    ],
    **AWAY,
}
"""Options of commands that queue."""


def wished(place: Home, given: Mapping[str, Any]) -> Wish | None:
    """How the options say that runs are to wait; None where they say nothing of a queue."""
    if not any(given.get(name) not in (None, False, []) for name in QUEUE):
        return None
    on = given.get("on")
    resources = _resources(on or "", given)
    if on is not None:
        check_place(on)
    # the database costs a third of a second, which a command that queues nothing need not wait
    from leverplus_tui.queue.submit import Wish, needed

    return Wish(
        runner=on or "",
        priority=given.get("priority") or 0,
        memory_mb=megabytes(given.get("memory")),
        needs=needed(place, given.get("after") or ()),
        retries=given.get("retries") or 0,
        time_limit_s=limit_s(given.get("time_limit")),
        resources=resources,
    )


def megabytes(gigabytes: float | None) -> int:
    """Memory as it is stored."""
    return round(1024 * (gigabytes or 0))


def limit_s(text: str | None) -> int | None:
    """A time limit as it is stored. Raises UserError."""
    found = None if text is None else seconds(text)
    if text is not None and not found:
        raise UserError(f"--time-limit {text}: write a time such as 90s, 15m, 2h30m or 1d")
    return found


def _resources(on: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """What was asked of a cluster. Raises UserError for what is asked of none."""
    asked = {name: given[name] for name in AWAY if given.get(name) not in (None, [])}
    for name in asked:
        wanted = SLURM if name in ("account", "sbatch") else ""
        if not on or not on.startswith(wanted):
            raise UserError(f"--{name} is asked of a cluster: give --on {wanted or 'slurm or --on ray'} with it")
    if "shared" in asked:
        asked["shared"] = str(asked["shared"].expanduser().absolute())
    if "sbatch" in asked:
        asked["sbatch"] = dict(_option(word) for word in asked["sbatch"])
    return asked


def _option(word: str) -> tuple[str, str]:
    name, _, value = word.removeprefix("--").partition("=")
    if not name or any(c.isspace() for c in word):
        raise UserError(f"--sbatch {word!r}: write an option and its value, such as qos=long, or exclusive")
    return name, value


def confirmed(question: str, otherwise: str, without: str) -> None:
    """Ask on a terminal; elsewhere a UserError says which command needs no asking."""
    if not typer.get_text_stream("stdin").isatty():
        raise UserError(f"{otherwise}, because there is no terminal to ask on: `{without}` does it without asking")
    typer.confirm(question, abort=True, err=True)
