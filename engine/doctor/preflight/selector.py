"""A selector's checkpoint held against a request: the rows of the table, and the manifest behind them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db.specs.base import Finding
from engine.common.findings import error
from engine.doctor.preflight.table import Preflight
from engine.weights.anatomy import Unreadable
from engine.weights.containers import open_weights
from engine.weights.declared import manifest_beside, manifest_of

RENAMED_ON_LOADING = ("legacy-keys",)
"""Faults of a file that our loader mends exactly; in a run they are worth a warning."""
ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "variant": ("variant", ("variant-mismatch", "family-mismatch", "head-missing", "gate-missing", "gate-ignored")),
    "hidden_dim": ("hidden_dim", ("hidden-dim",)),
    "num_layers": ("num_layers", ("layers-missing", "layers-dropped", "layer-incomplete")),
    "shots": ("shots", ("shots-beyond-trained",)),
    "d_model": ("d_model", ("d-model",)),
    "encoder": ("", ("encoder-unverified",)),
    "pool_size": ("", ("pool-size",)),
}
"""Row of the table by field of the request -> (fact of the file, findings that belong to the row)."""


def checkpoint(path: Path, expect: Mapping[str, str], result: Preflight, told: Mapping[str, str] | None = None) -> None:
    """The rows of a checkpoint; `told` are values of its manifest for rows that no fact of the file fills."""
    # 60 ms (numpy) that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.checkpoint import assumed_findings, examine_checkpoint

    if not path.exists():
        text = f"There is no checkpoint at {path}."
        result.add("checkpoint", "missing", path, error("not-found", str(path), text, "Check the path."))
        return
    report = examine_checkpoint(path, expect, digest=False, tell=result.note)
    findings = [_mended(finding) for finding in (*report.findings, *assumed_findings(report, expect))]
    placed = {code for _, codes in ROWS.values() for code in codes}
    result.add("checkpoint", path.name, "every parameter loaded", *[f for f in findings if f.code not in placed])
    for asked, (fact, codes) in ROWS.items():
        has = report.facts.get(fact, "?") if fact else (told or {}).get(asked, "-")
        own = [finding for finding in findings if finding.code in codes]
        if asked in expect or own or fact:
            result.add(asked.replace("_", " "), has, expect.get(asked, "-"), *own)


def _mended(finding: Finding) -> Finding:
    if finding.code not in RENAMED_ON_LOADING:
        return finding
    text = f"{finding.message.removesuffix('.')}; here they are loaded as layer 0, which is exact."
    return finding.model_copy(update={"severity": "warning", "message": text})


def manifest_at(path: Path) -> dict[str, Any]:
    """The whole manifest of a selector of ours, in the file or beside it; empty for others and what cannot be read."""
    try:
        found = manifest_of(open_weights(path)) or manifest_beside(path)
    except Unreadable:
        return {}
    return found if "d_model" in entry(found, "sizes") else {}


def entry(manifest: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A nested object of a manifest; empty where there is none, whatever stands there."""
    found: Any = manifest
    for name in names:
        found = found.get(name) if isinstance(found, Mapping) else None
    return dict(found) if isinstance(found, Mapping) else {}
