"""Options of commands that queue runs; what they say is `leverplus_tui.queue.wishes`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args, get_origin

import typer

from db.home import Home
from leverplus_tui.queue import MOST
from leverplus_tui.queue.wishes import CLUSTER, Wishes

if TYPE_CHECKING:
    from leverplus_tui.queue.submit import Wish

METAVARS = {
    "after": "RUN", "priority": "N", "memory": "GB", "retries": "N", "time_limit": "TIME", "on": "PLACE", "gpus": "N",
    "cpus": "N", "account": "NAME", "sbatch": "OPTION=VALUE", "shared": "DIR",
}  # fmt: skip


def _option(name: str) -> Any:
    """A wish as an option."""
    info = Wishes.model_fields[name]
    flag, text, kind = f"--{name.replace('_', '-')}", info.description or "", info.annotation
    if kind is bool:
        return Annotated[bool, typer.Option(flag, help=text)]
    metavar = METAVARS[name]
    more = "" if name in CLUSTER else " Queues."
    if get_origin(kind) is tuple:
        return Annotated[list[str] | None, typer.Option(flag, metavar=metavar, help=f"{text} May be repeated.{more}")]
    kind = next((one for one in get_args(kind) if one is not type(None)), kind)
    low = {"priority": -MOST, "cpus": 1}.get(name, 0)
    bounds: Any = {"min": low, "max": MOST} if kind in (int, float) else {}
    return Annotated[
        Optional[kind],  # noqa: UP045  # a type that is known when it runs
        typer.Option(flag, metavar=metavar, help=f"{text}{more}", **bounds),
    ]


Memory = _option("memory")
TimeLimit = _option("time_limit")
QUEUE: dict[str, Any] = {name: _option(name) for name in Wishes.model_fields}
"""Options of commands that queue."""


def wished(place: Home, given: Mapping[str, Any]) -> Wish | None:
    """How the options say that runs are to wait; None where they say nothing of a queue."""
    said = {name: given[name] for name in QUEUE if given.get(name) not in (None, False, [])}
    return Wishes.read(said).wish(place) if said else None
