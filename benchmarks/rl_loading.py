"""Loading and tensorising RL data: our reader against json.load and a plain loop, each in its own process, alternating.

    python benchmarks/rl_loading.py [--file FILE | --megabytes 300] [--rounds 3]

CPU seconds and peak memory count from after the imports to the last tensor. Both sides make the same tensors, which is
checked by their sums.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROWS = 200_000
SIDES = ("plain", "ours")


def plain(path: Path) -> dict[str, float]:
    """json.load, then one query after another: filter, reward, positions in the pool, normalisation, tensors."""
    import torch

    with path.open() as file:
        document = json.load(file)
    groups = []
    for key, record in document.items():
        if key.startswith("_"):
            continue
        pool = record["candidate_pool_ids"]
        place = {row: i for i, row in enumerate(pool)}
        pointers, rewards = [], []
        for candidate in record["pointer_candidates"]:
            if candidate.get("eval_failed") or candidate.get("vqa_eval_mode") in ("error", "fallback"):
                continue
            reward = (candidate.get("vqa_correct") or 0) + (candidate.get("vqa_acc_score") or 0.0)
            pointers.append([place[row] for row in candidate["pointer_global"]])
            rewards.append(max(-5.0, min(5.0, reward)))
        raw = torch.tensor(rewards, dtype=torch.float32)
        score, spread = raw, raw.std()
        if len(raw) > 1 and spread > 1e-12:
            score = ((raw - raw.mean()) / spread).clamp(-3, 3)
        groups.append((int(key), torch.tensor(pool), torch.tensor(pointers), raw, score))
    return _sums(
        sum(int(query) for query, *_ in groups),
        sum(int(pool.sum()) for _, pool, *_ in groups),
        sum(int(pointers.sum()) for _, _, pointers, *_ in groups),
        sum(float(raw.double().sum()) for *_, raw, _ in groups),
        sum(float(score.double().abs().sum()) for *_, score in groups),
    )


def ours(path: Path) -> dict[str, float]:
    """The reader and the tensors that training uses."""
    from db.specs import TrainSpec
    from engine.rl.reading.file import read_rl_file
    from engine.rl.selection import columns_for
    from engine.training.group_tensors import load_groups

    spec = TrainSpec(rl_data=str(path), embeddings="none")
    tensors = load_groups(read_rl_file(path, columns_for(spec)), spec, candidate_rows=ROWS, query_rows=ROWS)
    sides = (tensors.train, tensors.val)
    return _sums(
        sum(int(side.query_rows.sum()) for side in sides),
        sum(int(side.pool.sum()) for side in sides),
        sum(int(side.pointers.sum()) for side in sides),
        sum(float(side.raw.double().sum()) for side in sides),
        sum(float(side.normalized.double().abs().sum()) for side in sides),
    )


def _sums(queries: int, pool: int, pointers: int, raw: float, score: float) -> dict[str, float]:
    return {"queries": queries, "pool": pool, "pointers": pointers, "raw": round(raw), "score": round(score, -1)}


def child(side: str, path: Path) -> None:
    """Measure one side and print the result as JSON."""
    import torch

    torch.zeros(1)
    base = _memory("VmRSS")
    started, on_cpu = time.perf_counter(), time.process_time()
    sums = (plain if side == "plain" else ours)(path)
    cpu, wall = time.process_time() - on_cpu, time.perf_counter() - started
    print(json.dumps({"cpu": cpu, "wall": wall, "peak": _memory("VmHWM") - base, "sums": sums}))


def _memory(field: str) -> float:
    """A field of /proc/self/status in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(field):
            return int(line.split()[1]) / 1000
    raise LookupError(field)


def measure(path: Path, rounds: int) -> None:
    """Alternate both sides and print medians."""
    found: dict[str, list[dict[str, Any]]] = {side: [] for side in SIDES}
    for _ in range(rounds):
        for side in SIDES:
            command = [sys.executable, __file__, "--child", side, "--file", str(path)]
            found[side].append(json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout))
    assert found["plain"][0]["sums"] == found["ours"][0]["sums"], "both sides must make the same tensors"
    megabytes = path.stat().st_size / 1e6
    medians = {
        side: {key: statistics.median(run[key] for run in found[side]) for key in ("cpu", "wall", "peak")}
        for side in SIDES
    }
    for side, m in medians.items():
        memory = f"{m['peak']:7.0f} MB peak ({m['peak'] / megabytes:.2f}x the file)"
        print(f"{side:6} {m['cpu']:7.2f} CPU s {m['wall']:7.2f} s wall {memory}")
    ratios = {key: medians["plain"][key] / medians["ours"][key] for key in ("cpu", "wall")}
    print(
        f"{megabytes:.0f} MB: ours takes 1/{ratios['cpu']:.1f} of the CPU time, 1/{ratios['wall']:.1f} of the wall time"
    )


def main() -> None:
    """Make the file if none is given, then measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--file", type=Path)
    parser.add_argument("--megabytes", type=int, default=300)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--child", choices=SIDES)
    arguments = parser.parse_args()
    if arguments.child:
        child(arguments.child, arguments.file)
        return
    with tempfile.TemporaryDirectory() as folder:
        path = arguments.file or Path(folder) / "rl.json"
        if arguments.file is None:
            from rl_browse import make  # type: ignore[import-not-found]  # run as a script, beside it

            make(path, arguments.megabytes * 59)  # a query of that file weighs about 17 kB
        measure(path, arguments.rounds)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
