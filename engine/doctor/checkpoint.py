"""Judges a selector checkpoint from names, shapes and few values: what it is, whether it is whole and fits a request."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from db.specs.base import Finding, Report, has_error, worst_first
from db.specs.selector import parameter_count
from engine.common.findings import error, info
from engine.common.wording import capital, convert_command, counted, parted, printable_facts, sentence, share
from engine.doctor.checkpoint_origin import (
    label_findings,
    lora_findings,
    metadata_findings,
    stale_findings,
    vocabulary_findings,
)
from engine.doctor.request import Request, judge_request
from engine.weights.anatomy import Unreadable, plain
from engine.weights.containers import files_of
from engine.weights.layouts import compare
from engine.weights.recognition import expected_of
from engine.weights.selector_file import CONVERT_BY_HAND, COPY_AGAIN, Opened, open_checkpoint, unsafe_pickle
from engine.weights.tensor_values import dtype_findings, identity_distances, value_findings

MOST_HASHED = 32 * 1024**3
"""Bytes that are hashed for a report, half a minute's worth; a file with holes may claim to have any number."""


def examine_checkpoint(
    path: Path,
    expect: Mapping[str, str] | None = None,
    *,
    digest: bool = True,
    tell: Callable[[Finding], None] | None = None,
) -> Report:
    """Report on a checkpoint file or folder. Headers are read, values only of the selector's own tensors.

    `expect` are fields of a request (`variant`, `d_model`, `num_layers`, ...) that the file is held against; raises UserError
    where one of them is none. `digest` takes the SHA-256 meanwhile, which for large files costs more than the judgement.
    `tell` hears what the request is told by names and shapes alone, before numbers are read: numpy takes longer to import
    than everything else to say.
    """
    request = Request.parse(expect or {})
    with ThreadPoolExecutor(1) as beside:
        facts = beside.submit(_file_facts, path, digest)
        more, findings = _judge(path, request, tell)
        every = printable_facts(facts.result() | more)
        return Report(path=str(path), kind="checkpoint", facts=every, findings=tuple(_once(findings)))


def _judge(
    path: Path, request: Request, tell: Callable[[Finding], None] | None
) -> tuple[dict[str, Any], list[Finding]]:
    try:
        opened, findings = open_checkpoint(path)
    except Unreadable as failure:
        return {}, [*unsafe_pickle(path, failure.unsafe_globals), _unreadable(path, failure)]
    if opened.found is None or not opened.tensors:
        return _facts(opened), [*findings, *vocabulary_findings(opened, request.train_size)]
    extra, judged = judge_request(path, opened.found, opened.shapes, opened.shapes_as_named, opened.declared, request)
    if tell is not None:
        for finding in judged:
            tell(finding)
    facts = _facts(opened)
    findings += [*_completeness(opened), *dtype_findings(path, opened.tensors), *value_findings(path, opened.tensors)]
    convertible = all(finding.severity != "error" and finding.code != "unverifiable" for finding in findings)
    findings += [*_legacy_names(opened, convertible), *metadata_findings(opened), *stale_findings(opened)]
    findings += [*lora_findings(opened), *label_findings(opened)]
    return facts | extra, [*findings, *judged]


def _once(findings: list[Finding]) -> Iterator[Finding]:
    seen = set()
    for finding in worst_first(findings):
        if (finding.code, finding.message) not in seen:
            seen.add((finding.code, finding.message))
            yield finding


def _unreadable(path: Path, failure: Unreadable) -> Finding:
    fix = COPY_AGAIN if failure.code == "truncated" else "Give the checkpoint itself."
    what, way_out = parted(str(failure))
    return error(failure.code, str(path), f"{what}.", f"{capital(way_out)}." if way_out else fix)


def _completeness(opened: Opened) -> list[Finding]:
    """Tensors that the file should have by what it is (M5), and tensors that belong to nothing."""
    assert opened.found is not None
    cover = compare(opened.shapes, expected_of(opened.found))
    shard_missing = opened.anatomy.format == "sharded" and opened.anatomy.problems
    if cover.complete or opened.naming.foreign or shard_missing:
        return []
    code = "layer-incomplete" if cover.missing or cover.misshapen else "variant-mismatch"
    text = sentence(f"the file is damaged or only partly converted: {cover.sentence()}")
    return [error(code, str(opened.path), text, "Go back to the checkpoint before conversion.")]


def _legacy_names(opened: Opened, convertible: bool) -> list[Finding]:
    """Single-layer names (M1): a loader that ignores unknown names leaves the cross-attention random."""
    old = set(opened.naming.legacy)
    if not old or any(code == "mixed-keys" for code, _ in opened.naming.problems):
        return []
    lost = parameter_count([opened.shapes[n] for n, stored in opened.naming.own.items() if stored in old])
    total = parameter_count(opened.shapes)
    text = (
        f"{counted(len(old), 'tensor')} ({lost:,} of {total:,} parameters, {share(lost, total)}) "
        f"{'has' if len(old) == 1 else 'have'} the names of the single-layer code; a loader that skips unknown names leaves "
        "them out and the cross-attention stays random, whatever num_layers says."
    )
    fix = (
        f"{convert_command(opened.path)} renames them to layer 0. Converters that write such names drop layers 1 and 2: if "
        "the original had more than one layer, convert the original."
    )
    return [error("legacy-keys", str(opened.path), text, fix if convertible else CONVERT_BY_HAND)]


def assumed_findings(report: Report, expect: Mapping[str, str]) -> list[Finding]:
    """What leaves no trace in the tensors, is said nowhere else and was not asked for (M28): loading takes the published
    values. Of a file alone that is a fact; before a run it is worth saying."""
    path, fields = Path(report.path), {n: v for n, v in report.facts.get("assumed", {}).items() if n not in expect}
    if not fields:
        return []
    convertible = not has_error(report.findings)
    pairs = [f"{name}={value}" for name, value in fields.items()]
    text = (
        f"Neither the tensors nor a manifest tell {', '.join(fields)}: taken as published ({', '.join(pairs)}), which may "
        "not be what it was trained with."
    )
    answer = convert_command(path, " ".join(["OUT.safetensors", *(f"--set {pair}" for pair in pairs)]))
    fix = f"Record the values of the training command: {answer}" if convertible else "Check the training command."
    return [info("unverifiable", str(path), text, fix)]


def _file_facts(path: Path, digest: bool) -> dict[str, Any]:
    """Bytes and SHA-256; of a folder those of its index and shards, one after the other in the order of their names."""
    files = files_of(path)
    if not files:
        return {}
    facts: dict[str, Any] = {"bytes": sum(file.stat().st_size for file in files)}
    if not digest or facts["bytes"] > MOST_HASHED:
        return facts
    whole = hashlib.sha256()
    for file in files:
        with file.open("rb") as stream:
            hashlib.file_digest(stream, lambda: whole)
    facts["sha256"] = whole.hexdigest()
    return facts | ({"sha256_of": " + ".join(file.name for file in files)} if path.is_dir() else {})


def _facts(opened: Opened) -> dict[str, Any]:
    facts: dict[str, Any] = {"format": opened.anatomy.format}
    if opened.found is not None:
        sizes, names = opened.found.sizes, opened.found.names
        facts |= {
            "variant": names[0] if names else "custom", "also": list(names[1:]), "d_model": sizes.d_model,
            "hidden_dim": sizes.hidden_dim, "num_layers": sizes.num_layers, "shots": sizes.shots,
            "parameters": parameter_count(opened.shapes), "tensors": len(opened.tensors),
            "state_update": opened.found.parts.state_update, "assumed": dict(opened.found.assumed),
        }  # fmt: skip
        if distances := identity_distances(opened.tensors):
            facts["identity_distance"] = distances
    if opened.naming.prefix:
        facts["prefix"] = opened.naming.prefix
    if opened.naming.beside:
        facts["tensors_beside"] = len(opened.naming.beside)
    keys = ("epoch", "phase", "model_type", "metrics", "kl_beta")
    return facts | {key: plain(opened.anatomy.metadata[key]) for key in keys if key in opened.anatomy.metadata}
