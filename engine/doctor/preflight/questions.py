"""What a job is going to ask: whether its images are there, and how high a score can be. Last, because it reads questions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from db.specs.base import Finding, UserError, worst_first
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.findings import error
from engine.demo.shipped import WORLDS
from engine.doctor.preflight.table import Preflight, refusal

MOST_BYTES = 64 << 20
"""Of larger data sets only pieces are read: preflight is to answer at once, and the job looks again."""
CHECKED = 2000
"""Files looked for per split."""

if TYPE_CHECKING:
    from engine.data.sample import Dataset

Asking = EvalSpec | GenerateSpec | EmbedSpec


def asked(spec: Asking, result: Preflight) -> None:
    """Rows for images that are not there and for too few references; none where all is well, or a finding blocks already."""
    for name, splits in _wanted(spec).items():
        if name in WORLDS or result.blocked:
            continue
        try:
            found = list(_findings(spec, name, splits))
        except UserError as failure:
            result.add("questions", "unusable", name, refusal(failure.code, name, failure))
            return
        for finding in worst_first(found):
            what = {"references-few": "references", "pool-too-large": "pool"}.get(finding.code, "images")
            result.add(what, "see below", finding.subject, finding)


def _findings(spec: Asking, name: str, splits: Sequence[str]) -> Iterator[Finding]:
    # 40 ms (msgspec, every layout) that the first finding does not wait for
    from engine.data.datasets import images_folder, open_dataset
    from engine.data.huggingface import peek_huggingface
    from engine.data.official import data_files, is_official

    root, images = Path(name).expanduser().resolve(), images_folder(spec.images)
    scored = _scored(spec) if name == spec.dataset else ""
    if not is_official(root):
        yield from _read(spec, splits, scored, *peek_huggingface(root, images))
    elif sum(file.stat().st_size for file in data_files(root)) <= MOST_BYTES:
        with TemporaryDirectory() as unpacked:  # what the cache keeps is written there by the job
            dataset = open_dataset(root, cache_dir=Path(unpacked), images=spec.images)
        yield from _read(spec, splits, scored, dataset, frozenset())
    else:
        yield from _pieces(splits, scored, root, images)


def _read(spec: Asking, splits: Sequence[str], scored: str, dataset: Dataset, cut: frozenset[str]) -> Iterator[Finding]:
    """What is wrong with the questions; of a split in `cut` only the first were read, so nothing is counted there."""
    # 190 ms (numpy's random) that the first finding does not wait for (benchmarks/preflight.py)
    from engine.data.subsets import drawn

    # readers of data sets, 16 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.dataset import asked_findings, missing_images

    for split in splits:
        if isinstance(spec, EmbedSpec) and split != "train" and not dataset.has(split):
            continue
        side = dataset.split(split)
        if split == "train" and split not in cut and not isinstance(spec, EmbedSpec):
            yield from _too_large_a_pool(spec, len(side.questions) - (scored == "train"))
        if split in cut:
            paths = [question.image for question in side.questions[:CHECKED]]
            found = missing_images(
                "images" if split == scored else f"{split} images", paths, " (the first were looked for)"
            )
            yield from [found] if found else []
        elif split == scored and not isinstance(spec, EmbedSpec):
            limit, first = (spec.limit, spec.first) if isinstance(spec, EvalSpec) else (spec.queries, ())
            yield from asked_findings(split, drawn(side, limit=limit, first=first, seed=spec.seed), checked=CHECKED)
        else:
            yield from asked_findings(split, side.questions, scored=False, checked=CHECKED)


def _too_large_a_pool(spec: EvalSpec | GenerateSpec, shown: int) -> Iterator[Finding]:
    """A sampler draws `pool_size` of the train questions that may be shown to a query, whose own is none of them."""
    if spec.pool.endswith("-sampler") and spec.pool_size > shown:
        text = f"pool_size={spec.pool_size} was asked for, but train has {shown} questions that may be shown."
        yield error("pool-too-large", "pool_size", text, f"Give --pool-size {max(1, shown)} or less, or --pool all.")


def _pieces(splits: Sequence[str], scored: str, root: Path, images: Path | None) -> Iterator[Finding]:
    # the same: only where a folder of the user is judged
    from engine.data.official import sampled_images
    from engine.doctor.dataset import missing_images

    for split in splits:
        subject = "images" if split == scored else f"{split} images"
        found = missing_images(subject, sampled_images(root, split, images), " (a few of many were looked for)")
        if found:
            yield found


def _wanted(spec: Asking) -> dict[str, list[str]]:
    """Data set -> splits whose images a job shows or encodes."""
    if isinstance(spec, EmbedSpec):
        return {spec.dataset: ["train", "val"] if spec.use_image else []}
    wanted = {spec.dataset: [_scored(spec)]}
    if isinstance(spec, GenerateSpec) or (spec.retriever != "zero-shot" and any(spec.shots)):
        support = "" if isinstance(spec, GenerateSpec) else spec.support
        wanted.setdefault(support or spec.dataset, []).append("train")
    return {name: list(dict.fromkeys(splits)) for name, splits in wanted.items()}


def _scored(spec: Asking) -> str:
    """The split whose questions are asked and scored; none where they are embedded."""
    if isinstance(spec, EmbedSpec):
        return ""
    return spec.split if isinstance(spec, EvalSpec) else "train"
