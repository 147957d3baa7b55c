"""Makes what the built-in world ships beside its model: RL data, embeddings, and a selector trained on them.

`python -m engine.demo_build.selector [--seed 42]` runs the ordinary recipes (generate, embed, train) as `engine.demo.recipe`
says and replaces the files in `engine/demo/trained`. Minutes on two cores; run it after model or world changed, because RL data and
embeddings belong to them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import chdir
from pathlib import Path

from loguru import logger

from db.rows import Metric, Progress, Row
from engine.demo import recipe
from engine.demo.shipped import BUILTIN, FILES, trained_dir
from engine.recipes.embed import embed
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.recipes.train import train

RL_DATA, EMBEDDINGS, SELECTOR = FILES["rl-data"], FILES["embeddings"], FILES["checkpoint"]
BEST = "checkpoints/rce_best.safetensors"


def build(out: Path, seed: int, *, cache: Path = Path("cache"), queries: int = recipe.QUERIES, **training: int) -> None:
    """Write RL data, embeddings and the best selector into `out`, the folder that `builtin` stands for.

    Fewer `queries`, or other fields of `training`, only try whether it works; `cache` keeps features for another time.
    """
    out = out.absolute()
    out.mkdir(parents=True, exist_ok=True)
    # files name each other; in a folder of its own they do so without a path of this machine
    with tempfile.TemporaryDirectory() as folder, chdir(folder):
        embeddings = _made(cache, "embeddings", lambda context: embed(recipe.embeddings(), context), EMBEDDINGS)
        asked = recipe.one_shot_data(seed, queries=queries)
        one_shot = _made(cache, "one-shot", lambda context: generate(asked, context), RL_DATA)
        first = recipe.selector_a(one_shot, embeddings, seed, **training)
        selector = _made(cache, "selector-a", lambda context: train(first, context), BEST)
        pairs = recipe.two_shot_data(selector, seed, queries=queries)
        shutil.copyfile(_made(cache, "two-shot", lambda context: generate(pairs, context), RL_DATA), out / RL_DATA)
        shutil.copyfile(embeddings, out / EMBEDDINGS)
        second = recipe.selector_b(BUILTIN, BUILTIN, seed, **training)
        best = _made(cache, "selector-b", lambda context: train(second, context), BEST)
        for end in ("", ".json"):
            shutil.copyfile(f"{best}{end}", out / f"{SELECTOR}{end}")


def _made(cache: Path, name: str, rows: Callable[[RunContext], Iterator[Row]], file: str) -> str:
    """Run a recipe to its end, logging now and then; the file that it wrote."""
    for row in rows(RunContext(run_dir=Path(name), cache_dir=cache)):
        if isinstance(row, Progress) and (row.done == row.total or row.done % 50 == 0):
            logger.info("{}: {} of {} {} {}", name, row.done, row.total, row.unit, row.note)
        elif isinstance(row, Metric) and row.name == "greedy_reward":
            logger.info("{} epoch {}: greedy reward {:.3f}", name, row.epoch, row.value)
    return f"{name}/{file}"


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
