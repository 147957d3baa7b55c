"""`leverplus nodes`."""

from __future__ import annotations

import logging
from typing import Annotated, Any

import typer

from db.specs import UserError
from leverplus_tui.commands.options import JsonOption
from leverplus_tui.text.numbers import size
from leverplus_tui.text.output import put, put_json, table


def nodes(
    on: Annotated[
        str, typer.Option("--on", metavar="ray[:ADDRESS]", help="Which cluster; else the one at hand.")
    ] = "ray",
    as_json: JsonOption = False,
) -> None:
    """List the nodes of a Ray cluster: what each has, and what is free in all.

    Example:
    leverplus nodes
    leverplus nodes --on ray:10.0.0.1:6379
    """
    kind, _, address = on.partition(":")
    if kind != "ray":
        raise UserError(f"--on {on}: give ray, or ray:ADDRESS of the cluster's head")
    found, free = _asked(address)
    if as_json:
        put_json({"nodes": found, "free": free})
        return
    lines = []
    for one in found:
        has = (f"{one['cpus']:g}", f"{one['gpus']:g}", size(one["memory"]))
        lines.append((one["node"], one["address"], "alive" if one["alive"] else "gone", *has))
    put(table(("node", "address", "state", "CPUs", "GPUs", "memory"), lines, right=(3, 4, 5)))
    put(f"free: {free['cpus']:g} CPUs, {free['gpus']:g} GPUs, {size(free['memory'])}")


def _asked(address: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        import ray  # an extra, and seconds
    except ImportError:
        raise UserError("`leverplus nodes` needs Ray: pip install -e '.[ray]'") from None
    try:
        ray.init(address=address or "auto", log_to_driver=False, logging_level=logging.WARNING)
    except (ConnectionError, ValueError, RuntimeError) as error:
        where = address or "this machine"
        raise UserError(f"no Ray cluster answers at {where} ({error}): `ray start --head` begins one") from None
    try:
        found = [
            {
                "node": node["NodeID"][:8],
                "address": node["NodeManagerAddress"],
                "alive": node["Alive"],
                **_has(node["Resources"]),
            }
            for node in ray.nodes()
        ]
        return found, _has(ray.available_resources())
    finally:
        ray.shutdown()


def _has(resources: Any) -> dict[str, Any]:
    return {"cpus": resources.get("CPU", 0), "gpus": resources.get("GPU", 0), "memory": int(resources.get("memory", 0))}
