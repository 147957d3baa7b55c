"""Where a run is to be worked on: the words of `--on`, and what must be installed here for each."""

from __future__ import annotations

import shutil
import socket

from db.user_error import UserError

ON = "LEVERPLUS_ON"
"""Environment variable of a job at home that answers on the nodes of a cluster: `ray`, or `ray:ADDRESS`."""
MEMORY = "LEVERPLUS_MEMORY_MB"
"""What each of its workers declares there."""
SLURM, RAY = "slurm", "ray"
ANSWERS_S = 10.0
TRAININGS = ("rce", "grpo")


def check_words(on: str) -> None:
    """Raises ValueError for words that name no place."""
    kind, colon, where = on.partition(":")
    if kind not in (SLURM, RAY):
        raise ValueError("give slurm, slurm:PARTITION, ray, or ray:ADDRESS, such as ray:10.0.0.1:6379")
    if colon and not where.strip():
        what = "a partition, such as slurm:gpu" if kind == SLURM else "an address, such as ray:10.0.0.1:6379"
        raise ValueError(f"what stands behind the colon is empty; give {what}, or {kind} alone")


def check_place(on: str) -> None:
    """Raises UserError for a place that cannot be reached from here."""
    kind = on.partition(":")[0]
    if kind == SLURM and shutil.which("sbatch") is None:
        raise UserError(f"--on {on}: there is no sbatch here; start leverplus on a machine that hands jobs in to Slurm")
    from engine.common.extras import require  # the specifications, which help need not wait for

    require("submitit" if kind == SLURM else "ray", f"--on {on} goes through {'submitit' if kind == SLURM else 'Ray'}")


def must_answer(address: str) -> None:
    """Raises UserError where nobody listens at the address of a Ray cluster: Ray itself takes minutes to say so."""
    host, _, port = address.rpartition(":")
    if not port.isdigit() or "://" in address:  # `auto`, or an address of another kind, which Ray judges
        return
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=ANSWERS_S).close()
    except (OSError, OverflowError) as error:
        raise UserError(f"no Ray cluster answers at {address} ({error}): `ray status` looks at it") from None


def is_sent(on: str, kind: str, *, member: bool) -> bool:
    """Whether a run goes to the place whole, and writes row files there: every run on Slurm; on Ray, trainings and members of
    sweeps, while a single evaluation stays at home and asks the cluster's nodes prompt by prompt."""
    place = on.partition(":")[0]
    return place == SLURM or (place == RAY and (member or kind in TRAININGS))
