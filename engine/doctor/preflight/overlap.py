"""Whether the questions of an evaluation are those that a selector was trained on, as far as its RL data tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.evaluate import EvalSpec
from engine.common.findings import warning
from engine.demo.shipped import FILES, WORLDS, trained_dir
from engine.doctor.preflight.selector import entry
from engine.doctor.preflight.table import Preflight

Trained = Mapping[int, tuple[int | None, int | None]]
"""Train row -> (question id, image id) of the queries of a training."""
MOST_BYTES = 64 << 20
"""Larger RL data or annotations are not read for this: preflight is to answer at once."""


def questions(spec: EvalSpec, checkpoint: Path, manifest: Mapping[str, Any], result: Preflight) -> None:
    """One row for questions of the train split, and for val questions that share an id or an image with training."""
    if spec.split == "train":
        _train_questions(spec, _trained(manifest, checkpoint), result)
    elif spec.dataset not in WORLDS:
        shared = list(_shared(spec, manifest, _trained(manifest, checkpoint)))
        if shared:
            result.add("questions", "trained on", spec.split, *shared)


def _train_questions(spec: EvalSpec, trained: Trained, result: Preflight) -> None:
    """The ids of RL data are rows of the train split, so a prefix of it is compared row by row."""
    prefix = max(spec.first, default=0)
    rows = [row for row in trained if not prefix or row < prefix]
    if trained and not rows:
        result.add("questions", f"trained on {len(trained):,} others", f"first {prefix:,} of train")
        return
    number = f"{len(rows):,} of them" if rows else "some of them"
    where = f"the first {prefix:,} of the train split" if prefix else "the train split"
    text = f"The questions come from {where}, and the selector was trained on {number}: its accuracy there is not held out."
    found = warning("train-eval-overlap", "questions", text, "Use --split val.")
    result.add("questions", f"trained on {number}", spec.split, found)


def _shared(spec: EvalSpec, manifest: Mapping[str, Any], trained: Trained) -> Iterator[Finding]:
    """Val questions against the queries of training, by question id and by image."""
    asked = _asked(spec, entry(manifest, "lineage", "rl_meta").get("dataset_order_sha")) if trained else {}
    if not asked:
        return
    ids, images = ({query[place] for query in trained.values()} - {None} for place in (0, 1))
    for what, count in (
        ("are questions", sum(question in ids for question in asked)),
        ("show an image", sum(image in images for image in asked.values())),
    ):
        if count:
            text = f"{count:,} of the {len(asked):,} evaluated questions {what} that the selector was trained on."
            yield warning(
                "train-eval-overlap", "questions", text, "Evaluate on questions and images held out of training."
            )
            return


def _trained(manifest: Mapping[str, Any], checkpoint: Path) -> Trained:
    """The queries that a selector learned from; empty where nobody can say."""
    # 180 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.rl.reading.file import read_rl_file

    path = _where_now(Path(str(entry(manifest, "lineage", "rl_data").get("path") or "")), checkpoint)
    if path == Path("builtin"):
        path = trained_dir() / FILES["rl-data"]
    if not path.is_file() or path.stat().st_size > MOST_BYTES:
        return {}
    try:
        data = read_rl_file(path)
    except UserError:
        return {}
    about = zip(data.query_ids.tolist(), data.queries, strict=True)
    return {row: (query.question_id, query.image_id) for row, query in about}


def _where_now(path: Path, checkpoint: Path) -> Path:
    """A file that a checkpoint names: what another run of its home wrote was moved with the home."""
    runs = next((folder for folder in checkpoint.absolute().parents if folder.name == "runs"), None)
    if path.exists() or runs is None or "runs" not in path.parts:
        return path
    inside = len(path.parts) - path.parts[::-1].index("runs")
    return runs.joinpath(*path.parts[inside:])


def _asked(spec: EvalSpec, order_sha: object) -> dict[int, int]:
    """Question id -> image id of the questions that will be asked; empty where they are not quickly read, or where the RL
    data are of another data set, whose ids mean something else."""
    # 190 ms (numpy's random) that the first finding does not wait for (benchmarks/preflight.py)
    from engine.data.official import data_files, is_official, open_official
    from engine.data.subsets import draw_subsets

    root = Path(spec.dataset).expanduser()
    if not is_official(root) or sum(file.stat().st_size for file in data_files(root)) > MOST_BYTES:
        return {}
    try:
        found = open_official(root)
        split = found.split(spec.split)
    except UserError:
        return {}  # the job says it better
    if order_sha and found.has("train") and found.train.order_sha != order_sha:
        return {}
    subsets = draw_subsets(split, dataset_sha="", limit=spec.limit, first=spec.first, seed=spec.seed)
    wanted = {question for subset in subsets for question in subset.question_ids}
    return {one.question_id: one.image_id for one in split.questions if one.question_id in wanted}
