"""Makes what the built-in world ships beside its model: RL data, embeddings, and a selector trained on them.

`python -m engine.demo_build.selector [--seed 42]` runs the ordinary recipes (generate, embed, train) and replaces the files in
`engine/demo/trained`. Minutes on two cores; run it after the model was built again, because embeddings belong to a model.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from loguru import logger

from db.rows import Checkpoint, Metric, Progress, Row
from db.specs import EmbedSpec, GenerateSpec, TrainSpec
from engine.demo.shipped import SELECTOR, trained_dir
from engine.recipes.embed import embed
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.recipes.train import train

DATA = GenerateSpec(queries=1000, retrieved=8, random=10, adaptive=False)
EMBEDDINGS = EmbedSpec(standardize=True)
TRAINING = TrainSpec(
    kind="rce", rl_data="builtin", embeddings="builtin", variant="v4_2", hidden_dim=128, dropout=0.2, rce_epochs=40,
    rce_lr=2e-3, schedule="cosine", temperature_start=1.0, temperature_end=0.2,
)  # fmt: skip


def build(out: Path, seed: int) -> None:
    """Write `rl_data.json`, `embeddings.safetensors` and the selector of best validation loss into `out`."""
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        work, cache = Path(folder) / "work", Path(folder) / "cache"
        context = RunContext(run_dir=work, cache_dir=cache)
        _follow(generate(DATA.model_copy(update={"seed": seed}), context))
        _follow(embed(EMBEDDINGS, context))
        for name in ("rl_data.json", "embeddings.safetensors"):
            shutil.copyfile(work / name, out / name)
        _keep_best(out, _follow(train(TRAINING.model_copy(update={"seed": seed}), context)))


def _follow(rows: Iterator[Row]) -> list[Row]:
    """Run a recipe to its end, logging now and then."""
    kept: list[Row] = []
    for row in rows:
        if isinstance(row, Progress) and (row.done == row.total or row.done % 50 == 0):
            logger.info("{} of {} {} {}", row.done, row.total, row.unit, row.note)
        elif isinstance(row, Metric) and row.name == "greedy_reward":
            logger.info("{} epoch {}: greedy reward {:.3f}", row.phase, row.epoch, row.value)
        elif isinstance(row, Checkpoint):
            kept.append(row)
    return kept


def _keep_best(out: Path, rows: list[Row]) -> None:
    best = Path(next(row.path for row in reversed(rows) if isinstance(row, Checkpoint) and row.is_best))
    shutil.copyfile(best, out / SELECTOR)
    shutil.copyfile(best.with_name(f"{best.name}.json"), out / f"{SELECTOR}.json")


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seed", type=int, default=42)
    arguments = parser.parse_args()
    logger.remove()
    logger.add(sys.stderr, format="{time:HH:mm:ss} {message}")
    build(trained_dir(), arguments.seed)


if __name__ == "__main__":
    main()
