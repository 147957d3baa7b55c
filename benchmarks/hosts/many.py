"""An array of runs without work on many machines: what handing in, following and collecting costs home.

    python -m benchmarks.hosts.many [--nodes 20] [--runs 60]

The nodes' disk is a folder of this machine: what is measured is the queue and the collector, and no cable.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.hosts import clusters, network
from benchmarks.hosts.world import HEAD, HOME


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--nodes", type=int, default=20)
    parser.add_argument("--runs", type=int, default=60)
    parser.add_argument("--at-home", metavar="FOLDER", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.at_home:
        print(json.dumps(_collected(asked.runs, Path(asked.at_home))))
        return 0
    if why := network.lacking() or clusters.lacking(*clusters.SLURM_PROGRAMS):
        print(f"nothing was measured: {why}")
        return 0
    names = [f"m{number}" for number in range(1, asked.nodes + 1)]
    with tempfile.TemporaryDirectory() as folder, network.Network(Path(folder), (HEAD, HOME, *names)) as net:
        begun = time.monotonic()
        clusters.Slurm(net, HEAD, names, (HOME,))
        print(f"{asked.nodes} nodes answer after {time.monotonic() - begun:.0f} s", flush=True)
        words = ("python", "-m", "benchmarks.hosts.many", "--runs", str(asked.runs), "--at-home", f"{folder}/shared")
        told = json.loads(net.hosts[HOME].run(*words, timeout=1500).stdout.splitlines()[-1])
    for name, value in told.items():
        print(f"{name:48} {value}")
    return 0


def _collected(runs: int, shared: Path) -> dict[str, str]:
    """On the home's machine."""
    from db.home import Home
    from db.specs import EvalSpec
    from engine.job.elsewhere import collector, slurm
    from tests.helpers_elsewhere import Away, PlainNode

    vars(slurm)["Node"] = PlainNode  # evaluations that cost nothing
    away = Away(Home(Path("/home/many")), slurm.Slurm())
    asked = {"shared": str(shared), "cpus": 1}
    run_ids = [away.queue(EvalSpec(vlm="plain", shots=(2,), seed=seed), resources=asked) for seed in range(runs)]
    begun, cpu = time.monotonic(), time.process_time()
    found = away.collector(*run_ids)
    found.begin()
    handed = time.monotonic() - begun
    turns = []
    while found.open:
        before = time.process_time()
        found.turn()
        turns.append((time.process_time() - before) / max(1, len(found.open)))
        time.sleep(collector.LOOK_S)
    states = [away.row(run_id).state for run_id in run_ids]
    answers = sum(len(away.answers(run_id)) for run_id in run_ids)
    return {
        "handed in, one array": f"{handed:.1f} s",
        "all ended": f"{time.monotonic() - begun:.0f} s",
        "done, of the runs": f"{states.count('done')} of {runs}",
        "answers stored": f"{answers}",
        "CPU of home": f"{time.process_time() - cpu:.1f} s",
        "CPU of a look, for each open run": f"{1000 * sum(turns) / len(turns):.2f} ms",
        "nodes that worked": f"{len({away.detail(run_id).environment['host'] for run_id in run_ids})}",
    }


if __name__ == "__main__":
    sys.exit(main())
