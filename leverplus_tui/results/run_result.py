"""What a run came to: the result printed at its end, and the JSON of `run`, `runs` and `show`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from db import store
from db.home import Home
from db.run_states import FAILED
from db.session import DatabaseFile, reading
from db.specs import Finding
from db.specs.base import findings_json
from db.store import CellRow, CheckpointRow, RunDetail, RunRow
from engine.demo.shipped import is_synthetic
from leverplus_tui.jobs.launcher import log_tail
from leverplus_tui.results.distributions import distribution_table
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.outcome import EXIT_OF_STATE, exit_code, matrix, way_on
from leverplus_tui.text.numbers import accuracy, count, number, plural
from leverplus_tui.text.output import finding_lines, put, put_json, say, table
from leverplus_tui.text.shares import FEW_QUERIES
from leverplus_tui.text.shots import shots_text
from leverplus_tui.text.sources import sources_json, sources_text
from leverplus_tui.text.times import duration, iso

SYNTHETIC = "synthetic: drawn questions or a built-in model; says nothing about real data"
VALIDATED = (
    "val_loss", "entropy", "greedy_reward", "expected_reward", "random_reward", "oracle_reward", "uniform_loss", "top1_agreement",
)  # fmt: skip
"""Metrics that are means over the validation queries."""


def matrix_table(cells: Sequence[CellRow]) -> str:
    """The accuracy matrix for people: every figure with its interval and number of questions."""
    rows = [
        (
            cell.subset,
            shots_text(cell.shot),
            count(cell.n) if cell.n_done in (cell.n, 0) else f"{count(cell.n_done)} of {count(cell.n)}",
            accuracy(cell.accuracy, cell.ci_low, cell.ci_high),
        )
        for cell in cells
    ]
    return table(("questions", "shots", "n", "accuracy %, 95 % interval"), rows, right=(1, 2))


def run_json(row: RunRow, findings: Sequence[Finding]) -> dict[str, Any]:
    """One entry of `runs --json`."""
    return {
        "id": row.ref, "name": row.name, "kind": row.kind, "state": row.state, "dataset": row.dataset, "vlm": row.vlm,
        "retriever": row.retriever, "created": iso(row.created), "duration_s": row.duration_s, "forced": row.forced,
        "waiting": row.waiting, "matrix": matrix(row.cells), "tags": list(row.tags), "findings": findings_json(findings),
    }  # fmt: skip


def detail_json(detail: RunDetail, findings: Sequence[Finding]) -> dict[str, Any]:
    """`show RUN --json`."""
    last = detail.processes[-1] if detail.processes else None
    return run_json(detail.row, findings) | {
        "spec": detail.spec,
        "environment": detail.environment,
        "lineage": detail.facts,
        "distributions": detail.distributions or None,
        "answers": sources_json(detail.row.id, detail.sources),
        "checkpoints": [_checkpoint(row) for row in detail.checkpoints],
        "metrics": {
            f"{m.phase}/{m.name}": {
                "value": m.value,
                "epoch": m.epoch,
                "step": m.step,
                "min": m.lowest,
                "max": m.highest,
            }
            for m in detail.metrics
        },
        "artifacts": [
            {"kind": a.kind, "path": a.path, "sha256": a.sha256, "facts": dict(a.facts)} for a in detail.artifacts
        ],
        "parent": f"r{detail.row.parent}" if detail.row.parent else None,
        "note": detail.note,
        "log": last.log_path if last else None,
        "reason": last.reason if last else "",
    }


def _checkpoint(row: CheckpointRow) -> dict[str, Any]:
    return {
        "path": row.path, "sha256": row.sha256, "phase": row.phase, "epoch": row.epoch, "parameters": row.parameters,
        "is_best": row.is_best, "metrics": row.metrics, "on_disk": row.replaced is None,
    }  # fmt: skip


def print_result(database: DatabaseFile, place: Home, run_id: int, *, as_json: bool) -> int:
    """Print how a run ended and what came out; returns the exit code of the contract."""
    with reading(database) as session:
        detail = store.run_detail(session, run_id=run_id)
        findings = run_findings(session, detail)
        previous = _previous_eval(store.list_runs(session, where="kind:eval state:done", limit=20), detail)
    if as_json:
        put_json(_run_document(detail, place, findings))
    else:
        print_detail_result(detail, findings)
        for line in _next_steps(detail, previous):
            say(line)
    if detail.row.state in FAILED:
        for line in failure_lines(detail, place):
            say(line)
    return exit_code(detail)


def print_detail_result(detail: RunDetail, findings: Sequence[Finding]) -> None:
    """Head line, figures and findings on standard output."""
    row = detail.row
    put(f"{row.ref} {row.name}: {row.state} in {duration(row.duration_s)}")
    if row.cells:
        put("\n" + matrix_table(row.cells))
    if detail.sources:
        put(f"answers: {sources_text(row.id, detail.sources)}")
    if row.cells and is_synthetic(row.dataset, row.vlm):
        put(SYNTHETIC)
    if detail.metrics:
        put("\n" + metric_table(detail))
    if told := distribution_table(detail):
        put("\n" + told)
    for checkpoint in [c for c in detail.checkpoints if c.is_best and c.replaced is None]:
        put(f"checkpoint  {checkpoint.path} ({checkpoint.phase} epoch {checkpoint.epoch})")
    for artifact in detail.artifacts:
        put(f"{artifact.kind}  {artifact.path}")
    lines = finding_lines(findings)
    if lines:
        put("\n" + "\n".join(lines))


def metric_table(detail: RunDetail) -> str:
    """The last value and the extremes of every series, and over how many validation queries it is."""
    rows = [
        (m.phase, m.name, str(m.epoch), number(m.value), number(m.lowest), number(m.highest), _over(detail, m.name))
        for m in detail.metrics
    ]
    made = table(("phase", "metric", "epoch", "last", "lowest", "highest", "queries"), rows, right=(2, 3, 4, 5, 6))
    note = validation_note(detail)
    return f"{made}\n{note}" if note else made


def validation_queries(detail: RunDetail) -> int | None:
    """Queries that a training validates on; None where the run does not say."""
    groups = detail.facts.get("groups")
    return int(groups["val"]) if isinstance(groups, Mapping) and "val" in groups else None


def validation_note(detail: RunDetail) -> str:
    """One sentence where the validation queries are too few for their figures to tell trainings apart; else empty."""
    queries = validation_queries(detail)
    if queries is None or queries >= FEW_QUERIES:
        return ""
    return (
        f"validation is over {plural(queries, 'query', 'queries')}, fewer than {FEW_QUERIES}: too few to tell trainings apart; "
        "more RL data, or a smaller train_ratio, make more"
    )


def _over(detail: RunDetail, name: str) -> str:
    queries = validation_queries(detail)
    if queries is None or name not in VALIDATED:
        return ""
    return f"<={queries}" if name == "top1_agreement" else str(queries)  # it is over those with signal


def failure_lines(detail: RunDetail, place: Home) -> list[str]:
    """Why a run did not end well, and where to read more."""
    row, log = detail.row, place.log(detail.row.id)
    reason = detail.processes[-1].reason if detail.processes else "no process was started"
    lines = [f"leverplus: {row.ref} {row.state}: {reason or 'no reason was given'}"]
    if row.state == "lost":
        lines += [f"  | {line}" for line in log_tail(log, 5)]
    return [*lines, f"log: {log}", way_on(detail)]


def _run_document(detail: RunDetail, place: Home, findings: Sequence[Finding]) -> dict[str, Any]:
    document: dict[str, Any] = {
        "run": detail.row.ref,
        "status": detail.row.state,
        "kind": detail.row.kind,
        "matrix": matrix(detail.row.cells),
        "findings": findings_json(findings),
    }
    if detail.sources:
        document["answers"] = sources_json(detail.row.id, detail.sources)
    if detail.checkpoints:
        document["checkpoints"] = [c.path for c in detail.checkpoints if c.replaced is None]
    if detail.artifacts:
        document["artifacts"] = [{"kind": a.kind, "path": a.path} for a in detail.artifacts]
    if detail.row.state not in EXIT_OF_STATE:
        document["error"] = detail.processes[-1].reason if detail.processes else ""
        document["log"] = str(place.log(detail.row.id))
    return document


def _previous_eval(rows: Sequence[RunRow], detail: RunDetail) -> str | None:
    """The newest other evaluation on one of the same question sets, else of the same data set."""
    others = [row for row in rows if row.id != detail.row.id and row.dataset == detail.row.dataset]
    sets = {cell.subset_sha for cell in detail.cells}
    alike = [row for row in others if sets & {cell.subset_sha for cell in row.cells}]
    return next((row.ref for row in alike or others), None)


def _next_steps(detail: RunDetail, previous: str | None) -> list[str]:
    ref, kind = detail.row.ref, detail.row.kind
    if detail.row.state != "done":
        return []
    steps = [f"leverplus tui --run {ref}"]
    if kind == "eval" and previous:
        steps.append(f"leverplus compare {previous} {ref}")
    if kind in ("rce", "grpo"):
        steps.append(f"leverplus run eval --selector {ref}")
    if kind == "generate":
        steps.append(f"leverplus run rce --data {ref} --embeddings ...")
    if kind == "embed":
        steps.append(f"leverplus run rce --data ... --embeddings {ref}")
    return ["", f"next: {'   '.join(steps)}"]
