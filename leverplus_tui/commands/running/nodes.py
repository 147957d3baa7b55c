"""`leverplus nodes`."""

from __future__ import annotations

import logging
import subprocess
from typing import Annotated, Any

import typer

from db.specs import UserError
from engine.common.where import RAY, SLURM, must_answer
from leverplus_tui.commands.options import JsonOption
from leverplus_tui.text.numbers import size
from leverplus_tui.text.output import put, put_json, table

COLUMNS = ("partition", "state", "nodes", "CPUs each", "MB each", "devices", "time limit")
SINFO = ("sinfo", "--noheader", "--format=%P|%T|%D|%c|%m|%G|%l")
PATIENCE_S = 30


def nodes(
    on: Annotated[
        str, typer.Option("--on", metavar="PLACE", help="ray, ray:ADDRESS or slurm; else the Ray cluster at hand.")
    ] = "ray",
    as_json: JsonOption = False,
) -> None:
    """List the nodes of a Ray cluster, what each has and what is free in all; of Slurm the partitions.

    Example:
    leverplus nodes
    leverplus nodes --on ray:10.0.0.1:6379
    leverplus nodes --on slurm
    """
    kind, _, address = on.partition(":")
    if on == SLURM:
        _partitions(as_json)
        return
    if kind != RAY:
        raise UserError(f"--on {on}: give ray, ray:ADDRESS of the cluster's head, or slurm")
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


def _partitions(as_json: bool) -> None:
    """As `sinfo` has them: a line for the nodes of a partition that are alike and in one state."""
    try:
        done = subprocess.run(SINFO, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise UserError(f"`leverplus nodes --on slurm` asks sinfo, which does not answer: {error}") from None
    if done.returncode:
        raise UserError(f"Slurm does not answer: {done.stderr.strip()}")
    found = [dict(zip(COLUMNS, line.split("|"), strict=False)) for line in done.stdout.splitlines()]
    for one in found:
        one["devices"] = one["devices"].replace("(null)", "-")
    if as_json:
        put_json({"partitions": found})
        return
    put(table(COLUMNS, [tuple(one.values()) for one in found]))


def _asked(address: str) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    try:
        import ray  # an extra, and seconds
    except ImportError:
        raise UserError("`leverplus nodes` needs Ray: pip install -e '.[ray]'") from None
    must_answer(address)
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
