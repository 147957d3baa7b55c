"""Runs on several machines, and what befalls machines, cables and disks: whether the same rows come out as at home.

    python -m benchmarks.hosts slurm [PROOF...] [--keep FOLDER]
    python -m benchmarks.hosts ray [PROOF...] [--keep FOLDER]

Needs root, `apt install slurm-wlm munge iproute2 sshfs openssh-sftp-server socat` and `pip install -e '.[slurm,ray]'`.
Prints a line for each proof; exits with 1 where one does not hold.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.hosts import clusters, network, ray_proofs, slurm_proofs
from benchmarks.hosts.world import HEAD, HOME, NODES, World, ray, slurm

CLUSTERS: dict[str, tuple[Any, Any, tuple[str, ...]]] = {
    "slurm": (slurm, slurm_proofs.PROOFS, clusters.SLURM_PROGRAMS),
    "ray": (ray, ray_proofs.PROOFS, ("ray",)),
}


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("cluster", choices=CLUSTERS)
    parser.add_argument("proofs", nargs="*")
    parser.add_argument("--keep", type=Path, help="folder for configurations and logs")
    asked = parser.parse_intermixed_args()
    begin, proofs, programs = CLUSTERS[asked.cluster]
    os.environ["PATH"] = f"{sys.prefix}/bin:{os.environ['PATH']}"
    if why := network.lacking() or clusters.lacking(*programs, *clusters.DISK_PROGRAMS):
        print(f"nothing was proven: {why}")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        place = asked.keep or Path(folder)
        place.mkdir(parents=True, exist_ok=True)
        with network.Network(place, (HEAD, HOME, *NODES)) as net:
            world = World(net)
            there = begin(world)
            return int(not all([_held(name, partial(proofs[name], world, there)) for name in asked.proofs or proofs]))


def _held(name: str, proof: Callable[[], str]) -> bool:
    begun = time.monotonic()
    try:
        told, held = proof(), True
    except (AssertionError, TimeoutError, RuntimeError) as error:
        traceback.print_exc()
        told, held = str(error), False
    print(f"{'held' if held else 'FAILED':6} {name:24} {time.monotonic() - begun:5.0f} s  {told}", flush=True)
    return held


if __name__ == "__main__":
    sys.exit(main())
