"""Looks at any path, says what it is, and hands it to whoever judges that kind."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from db.specs.base import Finding, Report, UserError
from engine.common.files.first_bytes import BYTE_ORDER_MARK, stand_in
from engine.common.files.gate import NotReadable, is_folder, read_head
from engine.common.files.json_kind import HEAD, json_kind
from engine.common.findings import Cut, Unrecognised, error, warning
from engine.common.wording import capital, parted, printable_facts
from engine.doctor.checkpoint import examine_checkpoint
from engine.doctor.dataset import dataset_facts, dataset_findings
from engine.doctor.embeddings import ROW_TENSORS, embedding_report, open_embeddings
from engine.doctor.sampler_cache import sampler_report
from engine.weights.anatomy import Unreadable
from engine.weights.containers import INDEX_FILES, SINGLE_FILES, looks_like_safetensors, open_weights
from engine.weights.foreign import refuse_folder
from engine.weights.pickle_scan import unsafe_globals
from engine.weights.selector_file import unsafe_pickle

if TYPE_CHECKING:
    from engine.data.sample import Dataset

WEIGHTS = (".pt", ".pth", ".ckpt", ".bin", ".safetensors")
SPLITS = ("train", "val")

Judged = tuple[dict[str, Any], list[Finding]]


def examine(path: Path, *, expect: Mapping[str, str] | None = None) -> Report:
    """The report on a file or folder: what it is, what was read, what is wrong. Nothing in it is executed.

    `expect` holds a checkpoint against a request. A file that cannot be read as its kind gives a finding, not an exception.
    """
    if is_folder(path):
        return _folder(path, expect)
    try:
        head = read_head(path, HEAD)
    except NotReadable as failure:
        what, way_out = _told(str(failure), "check the path")
        finding = error("not-a-checkpoint", str(path), what, way_out)
        return Report(path=str(path), kind="unknown", findings=(finding,))
    if path.suffix == ".npy" or _is_embeddings(path, head):
        return _judged(path, "embeddings", lambda: embedding_report(open_embeddings(path)))
    if path.suffix not in WEIGHTS and head.removeprefix(BYTE_ORDER_MARK).lstrip()[:1] in (b"{", b"["):
        return _json(path, head)
    if path.suffix not in WEIGHTS and (report := _of_another_program(path)):
        return report
    if _is_weights(path, head):
        return examine_checkpoint(path, expect)
    return Report(path=str(path), kind="unknown", findings=(*_unsafe(path), _unknown(path, head)))


def _unsafe(path: Path) -> Iterator[Finding]:
    return unsafe_pickle(path, unsafe_globals(path))


def _unknown(path: Path, head: bytes) -> Finding:
    if not head.strip():
        return error("truncated", str(path), f"{path} is empty.", "Copy or generate it again.")
    if found := stand_in(head):
        return error("not-a-checkpoint", str(path), f"{path} is {found[0]}.", capital(f"{found[1]}."))
    text = (
        "It is none of the files that can be judged: checkpoint, RL data, embeddings, sampler cache, results, report, training "
        "log, another tracker's runs, data set."
    )
    return error("not-a-checkpoint", str(path), text, "Check the path.")


def _is_weights(path: Path, head: bytes) -> bool:
    if path.suffix in WEIGHTS or head[:2] == b"PK" or head[:1] == b"\x80":
        return True
    return looks_like_safetensors(head) and head[7] == 0  # which no text has


def _is_embeddings(path: Path, head: bytes) -> bool:
    if not _is_weights(path, head):
        return False
    try:
        tensors = open_weights(path).tensors()
    except Unreadable:
        return False
    return bool(tensors) and set(tensors) <= set(ROW_TENSORS)


def _folder(path: Path, expect: Mapping[str, str] | None) -> Report:
    if any((path / name).is_file() for name in (*INDEX_FILES, *SINGLE_FILES)) or _is_foreign(path):
        return examine_checkpoint(path, expect)
    # 20 ms that a checkpoint's report does not need
    from engine.data.datasets import is_dataset

    if not is_dataset(path) and (report := _of_another_program(path)):
        return report
    return _judged(path, "dataset", lambda: _dataset(path))


def _is_foreign(path: Path) -> bool:
    try:
        refuse_folder(path)
    except Unreadable as failure:
        return failure.code in ("foreign-checkpoint", "adapter-ignored")
    return False


def _dataset(path: Path) -> Judged:
    # 20 ms that a checkpoint's report does not need
    from engine.data.datasets import is_dataset, open_dataset
    from engine.data.names import renames

    if not is_dataset(path):
        what = "is empty" if not any(path.iterdir()) else "holds neither weights nor a data set"
        names = "a questions and an annotations file, or Parquet, Arrow or JSON files named after train and val"
        near = renames(path).removeprefix("; ")
        raise Unrecognised(f"{path} {what}; {near or f'give the folder of a checkpoint, or of a data set: {names}'}")
    with TemporaryDirectory() as unpacked:  # embedded images are looked at, never left in the user's folder
        dataset = open_dataset(str(path), cache_dir=Path(unpacked))
        return _dataset_report(dataset)


def _dataset_report(dataset: Dataset) -> Judged:
    train, val = (dataset.split(name).questions if dataset.has(name) else [] for name in SPLITS)
    facts = dataset_facts(train, val)
    findings = dataset_findings(dataset.name, train, val)
    for name in SPLITS:
        if dataset.has(name):
            facts[f"{name}_order_sha"] = dataset.split(name).order_sha
        else:
            findings.append(_split_missing(dataset, name))
    return facts, findings


def _split_missing(dataset: Dataset, name: str) -> Finding:
    try:
        dataset.split(name)
    except UserError as failure:
        reason = _sentence(str(failure))
    use = "demonstrations come from it" if name == "train" else "its questions are evaluated"
    return warning(
        "split-missing", f"{dataset.name} {name}", reason, f"Add the {name} split where it is needed: {use}."
    )


def _json(path: Path, head: bytes) -> Report:
    kind = json_kind(head)
    return _judged(path, kind, lambda: JSON_JUDGES[kind](path))


def _sampler_cache(path: Path) -> Judged:
    return sampler_report(path)


def _rl_data(path: Path) -> Judged:
    # 130 ms (numpy, statistics) that a checkpoint's report does not need
    from engine.rl.health.findings import rl_findings
    from engine.rl.reading.file import read_rl_file

    return rl_findings(read_rl_file(path))


def _results(path: Path) -> Judged:
    # 30 ms that a checkpoint's report does not need
    from engine.doctor.readings import reading_facts, reading_findings
    from engine.figures.readers import read_file

    reading = read_file(path)
    return reading_facts(reading), reading_findings([reading])


def _of_another_program(path: Path) -> Report | None:
    """The report on a file or folder of a layout that can be imported; none where it is of none."""
    # 60 ms (a Markdown parser among them) that a checkpoint's report does not need
    from engine.figures.readers import recognised

    try:
        reader = recognised(path)
    except UserError:  # which reading it says again, with its reason
        return _judged(path, "matrix", lambda: _results(path))
    return _judged(path, reader.kind, lambda: _results(path)) if reader else None


JSON_KINDS = "Give RL data, a sampler cache, accuracy matrices, a metrics file (test_data_num=..., shot_num=...), or predictions."
JSON_JUDGES: dict[str, Callable[[Path], Judged]] = {
    "rl-data": _rl_data, "sampler-cache": _sampler_cache, "matrix": _results,
}  # fmt: skip


def _judged(path: Path, kind: Any, judge: Callable[[], Judged]) -> Report:
    try:
        facts, findings = judge()
    except Unreadable as failure:
        told = error(failure.code, str(path), *_told(f"{failure}", "give another file"))
        findings, facts = [*unsafe_pickle(path, failure.unsafe_globals), told], {}
    except UserError as failure:
        kind = "unknown" if isinstance(failure, Unrecognised) and path.is_file() else kind
        what, way_out = _told(str(failure), "copy the file again" if isinstance(failure, Cut) else "")
        findings, facts = [error(failure.code, str(path), what, JSON_KINDS if kind == "unknown" else way_out)], {}
    return Report(path=str(path), kind=kind, facts=printable_facts(facts), findings=tuple(findings))


def _told(text: str, otherwise: str) -> tuple[str, str]:
    """(what is wrong, way out) of a refusal, which names the way out after its last semicolon, else as it is."""
    what, way_out = parted(text)
    return _sentence(what), _sentence(capital(way_out or otherwise))


def _sentence(text: str) -> str:
    return text if not text or text.endswith(".") else f"{text}."
