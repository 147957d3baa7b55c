"""What of a run is published: read from rows, without what tells of the machine and its user unless that is asked for."""

from __future__ import annotations

import hashlib
import json
import math
import re
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

from db import store
from db.session import Session
from db.specs import Finding
from db.store import CellRow, RunDetail
from leverplus_tui.publish.selector_file import carried
from leverplus_tui.report.gather import gather
from leverplus_tui.report.privacy import Shown, hidden
from leverplus_tui.report.writing import written
from leverplus_tui.results.comparison import described
from leverplus_tui.results.run_result import detail_json
from leverplus_tui.text.catalogue import Language
from leverplus_tui.text.shots import known_shots

NAMESPACE = uuid.UUID("6c657665-7270-6c75-732d-72756e730000")
ODD = re.compile(r"[^\w .:/-]+")
"""What trackers refuse in the name of a metric."""

Value = str | int | float | bool


@dataclass(frozen=True)
class Point:
    """One number of a series; `name` begins with the phase."""

    name: str
    step: int
    epoch: int
    value: float


@dataclass(frozen=True)
class Published:
    """A run as it is published."""

    uid: str
    """The same for the same run, wherever and whenever it is published."""
    ref: str
    name: str
    kind: str
    state: str
    started: datetime
    ended: datetime
    params: Mapping[str, Value]
    """The specification and the hashes of what the run was made of, under flat names."""
    points: tuple[Point, ...]
    """Finite ones, in the order of their series."""
    left_out: int
    """Points that are not finite."""
    cells: tuple[CellRow, ...]
    findings: tuple[Finding, ...]
    tags: tuple[str, ...]
    note: str
    files: Mapping[str, bytes]
    """Report, document and, of a training, its best selector."""

    @property
    def figures(self) -> dict[str, float]:
        """Each accuracy with the ends of its interval and its number of questions, by name."""
        return {name: value for cell in self.cells for name, value in _figures(cell)}

    def with_files(self, files: Mapping[str, bytes]) -> Published:
        """The same run with more files."""
        return replace(self, files={**self.files, **files})

    @property
    def label(self) -> str:
        """Its name with a part of its uid, for places where names must differ."""
        return f"{re.sub(r'[^A-Za-z0-9._-]+', '-', self.name).strip('-') or self.ref}-{self.uid[:8]}"

    @property
    def sha(self) -> str:
        """Of all that is published, so that a run that went on since is told from one that did not."""
        points = [(p.name, p.step, p.epoch, p.value) for p in self.points]
        findings = [finding.model_dump() for finding in self.findings]
        files = {name: hashlib.sha256(content).hexdigest() for name, content in self.files.items()}
        told = [self.params, points, self.figures, findings, self.tags, self.note, self.state, files]
        return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()

    @property
    def identity(self) -> dict[str, str]:
        """What is stored with it, to know it again."""
        return {
            "leverplus.uid": self.uid,
            "leverplus.content": self.sha,
            "leverplus.kind": self.kind,
            "leverplus.run": self.ref,
        }

    @property
    def remarks(self) -> dict[str, str]:
        """Each finding under its code; several of one code are numbered."""
        told: dict[str, str] = {}
        for finding in self.findings:
            number = sum(name.split("#")[0] == finding.code for name in told)
            name = f"{finding.code}#{number + 1}" if number else finding.code
            told[name] = f"{finding.severity}: {finding.message} {finding.fix}".strip()
        return told


@dataclass(frozen=True)
class Place:
    """Where it is published."""

    at: str
    """A folder, or the address of a tracker."""
    project: str
    """What the tracker groups runs by."""
    replace: bool
    """Whether what was published of the run before gives way."""


@dataclass(frozen=True)
class Outcome:
    """What came of it."""

    where: str
    already: bool = False
    """It was there, with the same content, and nothing was written."""


def published(session: Session, run_id: int, shown: Shown, language: Language = "en") -> Published:
    """Read what is published of a run. What `shown` leaves out stands in none of it, its files included."""
    found = gather(session, [run_id])
    whole = found.details[0]
    points = list(_points(session, whole))
    detail = hidden(whole, shown)
    findings = hidden(found.findings[detail.row.ref], shown, host=str(whole.environment.get("host", "")))
    document = json.dumps(detail_json(detail, findings), indent=2, ensure_ascii=False, default=str) + "\n"
    files = {
        "report.md": written(found, "md", language, shown).encode(),
        "report.html": written(found, "html", language, shown).encode(),
        "run.json": document.encode(),
    } | selector_of(whole, shown)
    row = detail.row
    return Published(
        uid=str(uuid.uuid5(NAMESPACE, f"{row.id}:{row.kind}:{row.created.isoformat()}")),
        ref=row.ref, name=row.name or row.ref, kind=row.kind, state=row.state,
        started=row.started or row.created, ended=row.ended or row.started or row.created,
        params={name: _value(value) for name, value in described(detail).items() if value not in (None, "", [])},
        points=tuple(point for point in points if math.isfinite(point.value)),
        left_out=sum(not math.isfinite(point.value) for point in points),
        cells=detail.cells, findings=findings, tags=row.tags, note=detail.note, files=files,
    )  # fmt: skip


def selector_of(detail: RunDetail, shown: Shown) -> dict[str, bytes]:
    """The best selector that a training wrote last and that is still there, with its manifest."""
    best = [row for row in detail.checkpoints if row.is_best and row.replaced is None and Path(row.path).is_file()]
    return carried(Path(best[-1].path), shown) if best else {}


def metric_name(name: str) -> str:
    """A name that every tracker takes."""
    return ODD.sub("_", name).strip()


def _value(value: Any) -> Value:
    return value if isinstance(value, str | int | float | bool) else json.dumps(value)


def _points(session: Session, detail: RunDetail) -> Iterator[Point]:
    for name in dict.fromkeys(metric.name for metric in detail.metrics):
        for phase, epoch, step, value in store.metric_series(session, run_id=detail.row.id, name=name):
            yield Point(metric_name(f"{phase}/{name}"), step, epoch, value)


def _figures(cell: CellRow) -> Iterator[tuple[str, float]]:
    shots = known_shots(cell.shot)
    name = metric_name(f"accuracy/{'unknown' if shots is None else shots}_shot/{cell.subset}")
    yield name, cell.accuracy
    yield f"{name}/ci_low", cell.ci_low
    yield f"{name}/ci_high", cell.ci_high
    yield f"{name}/n", float(cell.n_done or cell.n)


def runs_of_selector(session: Session, paths: Sequence[str]) -> list[int]:
    """Finished evaluations in which one of these selectors chose."""
    rows = store.list_runs(session, where="kind:eval state:done", sort="created asc")
    return [row.id for row in rows if row.selector in paths and row.retriever == "selector"]
