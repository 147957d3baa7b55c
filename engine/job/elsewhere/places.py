"""Where a run was asked to go, from what is stored of it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from db import process, store
from db.home import Home
from db.session import Session
from engine.job.elsewhere.machine import Machine, Resources


def machine(session: Session, run_id: int) -> Machine:
    """The machine that works on it. Raises UserError where that does not answer."""
    kind, _, where = _runner(session, run_id)
    if kind == "ray":
        from engine.job.elsewhere.ray_tasks import RayTasks  # torch, which Slurm's collector need not wait for

        return RayTasks(where)
    from engine.job.elsewhere.slurm import Slurm  # as above

    return Slurm()


def resources(session: Session, run_id: int) -> Resources:
    """What its job asks for."""
    kind, _, where = _runner(session, run_id)
    ticket = store.ticket_of(session, run_id=run_id)
    asked = _asked(session, run_id)
    return Resources(
        partition=where if kind == "slurm" else "",
        gpus=asked.get("gpus"),
        cpus=asked.get("cpus"),
        memory_mb=ticket.memory_mb if ticket else 0,
        time_limit_s=ticket.time_limit_s if ticket else None,
        account=asked.get("account", ""),
        sbatch=asked.get("sbatch", {}),
    )


def root(session: Session, home: Home, run_id: int) -> Path:
    """The home of its nodes: this one, or below a shared folder one that no other home uses."""
    shared = _asked(session, run_id).get("shared", "")
    if not shared:
        return home.root
    own = hashlib.sha256(f"{process.host()}:{home.root.resolve()}".encode()).hexdigest()[:12]
    return Path(shared) / f"leverplus-{own}"


def _runner(session: Session, run_id: int) -> tuple[str, str, str]:
    ticket = store.ticket_of(session, run_id=run_id)
    assert ticket is not None, f"{store.ref(run_id)} was never sent anywhere"
    return ticket.runner.partition(":")


def _asked(session: Session, run_id: int) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(store.get_run(session, run_id=run_id).environment).get("resources", {})
    return found
