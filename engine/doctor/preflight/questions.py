"""What a job is going to ask: whether its images are there, and how high a score can be. Last, because it reads questions."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory

from db.specs.base import Finding, UserError, worst_first
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.demo.shipped import WORLDS
from engine.doctor.preflight.table import Preflight, refusal

MOST_BYTES = 64 << 20
"""Of larger data sets only pieces are read: preflight is to answer at once, and the job looks again."""
CHECKED = 2000
"""Files looked for per split."""
TABLES = (".parquet", ".arrow")

Asking = EvalSpec | GenerateSpec | EmbedSpec


def asked(spec: Asking, result: Preflight) -> None:
    """Rows for images that are not there and for too few references; none where all is well, or a finding blocks already."""
    root = Path(spec.dataset).expanduser()
    if spec.dataset in WORLDS or result.blocked:
        return
    try:
        found = list(_whole(spec, root) if _is_small(root) else _pieces(spec, root))
    except UserError as failure:
        result.add("questions", "unusable", spec.dataset, refusal(failure.code, spec.dataset, failure))
        return
    for finding in worst_first(found):
        what = "references" if finding.code == "references-few" else "images"
        result.add(what, "see below", finding.subject, finding)


def _is_small(root: Path) -> bool:
    """Whether the questions are texts that are read in a moment; tables with images inside are unpacked by the job."""
    # 40 ms (msgspec, every layout) that the first finding does not wait for
    from engine.data import huggingface, official

    files = official.data_files(root) or [file for found in huggingface.find_files(root).values() for file in found]
    if any(file.suffix in TABLES for file in files):
        return False
    return sum(file.stat().st_size for file in files) <= MOST_BYTES


def _whole(spec: Asking, root: Path) -> Iterator[Finding]:
    # 190 ms (numpy's random) that the first finding does not wait for (benchmarks/preflight.py)
    from engine.data.datasets import open_dataset
    from engine.data.subsets import drawn

    # readers of data sets, 16 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.dataset import asked_findings

    with TemporaryDirectory() as unpacked:  # images inside the rows are looked at, and written to the cache by the job
        dataset = open_dataset(root, cache_dir=Path(unpacked))
        for split in _splits(spec):
            if isinstance(spec, EmbedSpec):
                if split == "train" or dataset.has(split):
                    yield from asked_findings(split, dataset.split(split).questions, scored=False, checked=CHECKED)
                continue
            side = dataset.split(split)
            if split == _asked_split(spec):
                limit, first = (spec.limit, spec.first) if isinstance(spec, EvalSpec) else (spec.queries, ())
                yield from asked_findings(split, drawn(side, limit=limit, first=first, seed=spec.seed), checked=CHECKED)
            else:
                yield from asked_findings(split, side.questions, scored=False, checked=CHECKED)


def _pieces(spec: Asking, root: Path) -> Iterator[Finding]:
    # the same: only where a folder of the user is judged
    from engine.data.official import is_official, sampled_images
    from engine.doctor.dataset import missing_images

    for split in _splits(spec) if is_official(root) else ():
        subject = "images" if not isinstance(spec, EmbedSpec) and split == _asked_split(spec) else f"{split} images"
        found = missing_images(subject, sampled_images(root, split), " (a few of many were looked for)")
        if found:
            yield found


def _splits(spec: Asking) -> tuple[str, ...]:
    """The splits whose images a job shows or encodes."""
    if isinstance(spec, EmbedSpec):
        return ("train", "val") if spec.use_image else ()
    demonstrated = isinstance(spec, GenerateSpec) or (spec.retriever != "zero-shot" and any(spec.shots))
    return tuple(dict.fromkeys([_asked_split(spec), *(["train"] if demonstrated else [])]))


def _asked_split(spec: EvalSpec | GenerateSpec) -> str:
    return spec.split if isinstance(spec, EvalSpec) else "train"
