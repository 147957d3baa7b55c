"""Options of commands that queue runs; what they say is `leverplus_tui.queue.wishes`."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_origin

import typer

from db.home import Home
from db.user_error import UserError
from engine.common.where import SLURM, check_place
from leverplus_tui.queue import MOST
from leverplus_tui.queue.wishes import Wishes

if TYPE_CHECKING:
    from leverplus_tui.queue.submit import Wish

METAVARS = {"after": "RUN", "priority": "N", "memory": "GB", "retries": "N", "time_limit": "TIME"}


def _option(name: str) -> Any:
    """A wish as an option."""
    info = Wishes.model_fields[name]
    flag, text, kind = f"--{name.replace('_', '-')}", info.description or "", info.annotation
    if kind is bool:
        return Annotated[bool, typer.Option(flag, help=text)]
    if get_origin(kind) is tuple:
        return Annotated[
            list[str] | None, typer.Option(flag, metavar=METAVARS[name], help=f"{text} May be repeated. Queues.")
        ]
    low = -MOST if name == "priority" else 0
    bounds: Any = {"min": low, "max": MOST} if kind in (int, float) else {}
    return Annotated[
        Optional[kind],  # noqa: UP045  # a type that is known when it runs
        typer.Option(flag, metavar=METAVARS[name], help=f"{text} Queues.", **bounds),
    ]


Memory = _option("memory")
TimeLimit = _option("time_limit")
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
    **{name: _option(name) for name in Wishes.model_fields},
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
    said = {name: given[name] for name in QUEUE if given.get(name) not in (None, False, [])}
    if not said:
        return None
    on = said.get("on") or ""
    resources = _resources(on, said)
    if "on" in said:
        check_place(on)
    asked = Wishes.read({name: value for name, value in said.items() if name in Wishes.model_fields})
    return asked.wish(place, runner=on, resources=resources)


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
        asked["sbatch"] = dict(_cluster_option(word) for word in asked["sbatch"])
    return asked


def _cluster_option(word: str) -> tuple[str, str]:
    name, _, value = word.removeprefix("--").partition("=")
    if not name or any(c.isspace() for c in word):
        raise UserError(f"--sbatch {word!r}: write an option and its value, such as qos=long, or exclusive")
    return name, value
