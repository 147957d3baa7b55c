"""What is to be said of a file of another program: what it holds, what of it was left out, and what cannot be right."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from db.specs.base import Finding, worst_first
from engine.common.findings import info
from engine.doctor.tables import audit
from engine.figures.reading import Reading


def reading_findings(readings: Sequence[Reading]) -> list[Finding]:
    """The audit of all figures together, then what each reading found and left out; errors first."""
    findings = audit([matrix for reading in readings for matrix in reading.matrices])
    for reading in readings:
        findings += reading.findings
        findings += _left_out(reading)
    return worst_first(findings)


def _left_out(reading: Reading) -> list[Finding]:
    """`left-out`, info: each thing that was seen and not taken, with its line."""
    found = []
    for one in reading.left_out:
        place = f"{reading.path.name}:{one.line}" if one.line else reading.path.name
        line = f"Line {one.line}, " if one.line else ""
        found.append(info("left-out", place, f"{line}{one.what} was not taken: {one.why}."))
    return found


def reading_facts(reading: Reading) -> dict[str, Any]:
    """What would be imported, by name."""
    shots = {figure.shot for matrix in reading.matrices for figure in matrix.figures}
    sizes = {figure.n for matrix in reading.matrices for figure in matrix.figures}
    facts: dict[str, Any] = {
        "layout": reading.layout, "sha256": reading.sha256, "matrices": len(reading.matrices), "figures": reading.figures,
        "answers": len(reading.answers), "trainings": len(reading.runs), "left_out": len(reading.left_out),
    }  # fmt: skip
    if reading.matrices:
        facts |= {
            "shots": _listed(shots),
            "questions": _listed(sizes),
            "labels": ", ".join(one.label for one in reading.matrices)[:400],
        }
    if reading.answers:
        facts |= {
            "shots": _listed({-1 if shot is None else shot for shot in reading.shots()}).replace("-1", "not stated"),
            "with_references": sum(bool(answer.references) for answer in reading.answers),
        }
    if reading.runs:
        facts |= {
            "metrics": sum(len(run.metrics) for run in reading.runs),
            "names": ", ".join(run.name for run in reading.runs)[:400],
        }
    if reading.guessed:
        facts["guessed"] = "from words: `leverplus import` shows what was taken for what, and asks"
    return facts | ({"open": "; ".join(reading.questions)} if reading.questions else {})


def _listed(numbers: set[int]) -> str:
    return ", ".join(str(number) if number else "0" for number in sorted(numbers))
