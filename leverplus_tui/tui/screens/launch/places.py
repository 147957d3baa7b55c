"""Where a run can go, as the launch form offers it: this machine, partitions of Slurm, Ray clusters that are known here."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

from db import store
from db.session import DatabaseFile, reading
from engine.common.where import RAY, SLURM
from leverplus_tui.queue.wishes import HERE
from leverplus_tui.tui.widgets.picking.offers import Entry

PATIENCE_S = 5
SINFO = ("sinfo", "--noheader", "--format=%R|%a|%D|%G|%l")


def places(file: DatabaseFile) -> Iterator[Entry]:
    """Called in a thread; a Slurm that does not answer in some seconds is left out."""
    yield Entry(HERE, "this machine")
    yield from _partitions()
    address = ray_address()
    if address:
        yield Entry(f"{RAY}:{address}", "the Ray cluster at hand; `leverplus nodes` lists its nodes")
    with reading(file) as session:
        for runner in store.runners(session):
            yield Entry(runner, "used before")


def _partitions() -> Iterator[Entry]:
    if shutil.which(SINFO[0]) is None:
        return
    try:
        done = subprocess.run(SINFO, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return
    if done.returncode == 0:
        yield Entry(SLURM, "Slurm, its usual partition")
    for name, state, nodes, devices, limit in (line.split("|") for line in done.stdout.splitlines()):
        has = "" if devices == "(null)" else f", {devices} each"
        yield Entry(f"{SLURM}:{name}", f"partition, {state}, {nodes} nodes{has}, limit {limit}")


def ray_address() -> str:
    """Of the cluster that this machine is part of, as Ray's own programs find it; empty without one."""
    if told := os.environ.get("RAY_ADDRESS", ""):
        return told
    try:
        return (
            (Path(os.environ.get("RAY_TMPDIR", tempfile.gettempdir())) / "ray/ray_current_cluster").read_text().strip()
        )
    except OSError:
        return ""
