"""Looks at any path, says what it is, and hands it to whoever judges that kind."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from db.specs.base import Finding, Report, UserError
from engine.doctor.anatomy import Unreadable
from engine.doctor.checkpoint import examine_checkpoint
from engine.doctor.containers import INDEX_FILES, SINGLE_FILES, open_weights
from engine.doctor.embeddings import ROW_TENSORS, embedding_report, open_embeddings
from engine.doctor.findings import error

if TYPE_CHECKING:
    from engine.data.sample import Dataset

WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
HEAD = 64 * 1024
RL_START = re.compile(rb'^\s*\{\s*"(_\w+|\d+)"\s*:\s*\{')
CACHE_START = re.compile(rb'^\s*\{\s*"\d+"\s*:\s*\[\s*\d')
ENTRY = re.compile(rb'"\d+"\s*:\s*\{\s*"(query|pointer_candidates|candidate_pool_ids|candidate_pool_indices|id_list)"')

Judged = tuple[dict[str, Any], list[Finding]]


def examine(path: Path, *, expect: Mapping[str, str] | None = None) -> Report:
    """The report on a file or folder: what it is, what was read, what is wrong. Nothing in it is executed.

    `expect` holds a checkpoint against a request. A file that cannot be read as its kind gives a finding, not an exception.
    """
    if path.is_dir():
        return _folder(path, expect)
    if path.suffix == ".npy" or _is_embeddings(path):
        return _judged(path, "embeddings", lambda: embedding_report(open_embeddings(path)))
    with path.open("rb") as file:
        head = file.read(HEAD)
    if path.suffix not in WEIGHTS and head.lstrip()[:1] in (b"{", b"["):
        return _json(path, head)
    if path.suffix in WEIGHTS or head[:2] == b"PK" or head[:1] == b"\x80":
        return examine_checkpoint(path, expect)
    text = (
        "It is none of the files that can be judged: checkpoint, RL data, embeddings, sampler cache, results, data set."
    )
    return Report(
        path=str(path), kind="unknown", findings=(error("not-a-checkpoint", str(path), text, "Check the path."),)
    )


def _is_embeddings(path: Path) -> bool:
    if path.suffix not in WEIGHTS:
        return False
    try:
        tensors = open_weights(path).tensors()
    except Unreadable:
        return False
    return bool(tensors) and set(tensors) <= set(ROW_TENSORS)


def _folder(path: Path, expect: Mapping[str, str] | None) -> Report:
    if any((path / name).is_file() for name in (*INDEX_FILES, *SINGLE_FILES)):
        return examine_checkpoint(path, expect)
    return _judged(path, "dataset", lambda: _dataset(path))


def _dataset(path: Path) -> Judged:
    from engine.data.datasets import open_dataset

    with TemporaryDirectory() as unpacked:  # embedded images are looked at, never left in the user's folder
        dataset = open_dataset(str(path), cache_dir=Path(unpacked))
        return _dataset_report(dataset)


def _dataset_report(dataset: Dataset) -> Judged:
    from engine.doctor.dataset_health import dataset_facts, dataset_findings

    train, val = dataset.train.questions, dataset.val.questions
    facts = dataset_facts(train, val) | {
        "train_order_sha": dataset.train.order_sha,
        "val_order_sha": dataset.val.order_sha,
    }
    return facts, dataset_findings(dataset.name, train, val)


def _json(path: Path, head: bytes) -> Report:
    if CACHE_START.match(head):
        from engine.doctor.sampler_cache import sampler_report

        return _judged(path, "sampler-cache", lambda: sampler_report(path))
    if RL_START.match(head) and (ENTRY.search(head) or head.lstrip()[1:].lstrip().startswith(b'"_meta"')):
        return _judged(path, "rl-data", lambda: _rl_data(path))
    return _judged(path, "matrix", lambda: _results(path))


def _rl_data(path: Path) -> Judged:
    from engine.doctor.rl_file import read_rl_file
    from engine.doctor.rl_findings import rl_findings

    return rl_findings(read_rl_file(path))


def _results(path: Path) -> Judged:
    from engine.doctor.matrix import audit
    from engine.doctor.matrix_files import read_result_file

    results = read_result_file(path)
    figures = sum(len(matrix.figures) for matrix in results.matrices)
    facts = {"matrices": len(results.matrices), "figures": figures, "answers": len(results.answers)}
    return facts, audit(results.matrices)


def _judged(path: Path, kind: Any, judge: Callable[[], Judged]) -> Report:
    try:
        facts, findings = judge()
    except Unreadable as failure:
        findings, facts = [error(failure.code, str(path), f"{failure}.", "Copy the file again or give another.")], {}
    except UserError as failure:
        facts = {}
        findings = [error("truncated", str(path), _sentence(str(failure)), "Copy the file again or repair it.")]
    return Report(path=str(path), kind=kind, facts=facts, findings=tuple(findings))


def _sentence(text: str) -> str:
    return text if text.endswith(".") else f"{text}."
