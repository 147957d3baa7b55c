"""The tables of what runs produced. See `db.table`."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from db.table import CLUSTERED, UNREUSED, Table, long_text, own_key, reasoning, reference


class MetricLast(Table, table=True):
    """One series of numbers, with what tables show of it, so that listing never reads points."""

    __tablename__ = "metric_last"
    __table_args__ = (UniqueConstraint("run_id", "name", "phase"), UNREUSED)

    id: int = own_key()
    run_id: int = reference("run")
    phase: str
    name: str
    n: int = 0
    n_bad: int = 0
    """Points that are not finite."""
    epoch: int = 0
    step: int = 0
    value: float | None = None
    flag: int = 0
    lowest: float | None = None
    highest: float | None = None


class Metric(Table, table=True):
    """One point of a series. `flag`: 0 finite, 1 not a number, 2 infinity, 3 minus infinity (then `value` is null)."""

    __table_args__ = (CLUSTERED,)

    series_id: int = reference("metric_last", key=True)
    epoch: int = Field(primary_key=True)
    step: int = Field(primary_key=True)
    value: float | None = None
    flag: int = 0


class Checkpoint(Table, table=True):
    """A file of weights; weights replaced in place become a new row."""

    __table_args__ = (UniqueConstraint("run_id", "path", "sha256"), UNREUSED)

    id: int = own_key()
    run_id: int = reference("run")
    path: str
    sha256: str = Field(index=True)
    phase: str
    epoch: int
    parameters: int
    is_best: bool = False
    metrics: str = long_text("{}")
    created_at: int
    replaced_at: int | None = None


class Cell(Table, table=True):
    """One figure of the accuracy matrix, in percent. The index alone answers `acc@2`."""

    __table_args__ = (Index(None, "run_id", "shot", "n", "accuracy"), CLUSTERED)

    run_id: int = reference("run", key=True)
    shot: int = Field(primary_key=True)
    subset_id: int = reference("subset", key=True)
    n: int
    n_done: int
    accuracy: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    shots_used: str = long_text("{}")
    distinct_sets: int = 0
    updated_at: int


class Prediction(Table, table=True):
    """One answer of one run to one question with one number of shots; also the point where a stopped run goes on."""

    __table_args__ = (CLUSTERED,)

    run_id: int = reference("run", key=True)
    shot: int = Field(primary_key=True)
    question_id: int = Field(primary_key=True)
    process_id: int | None = None
    demonstrations: str = long_text()
    prompt_sha: str
    request_sha: str
    raw: str = long_text()
    answer: str = long_text()
    score: float
    cut: bool
    reused: bool
    error: str = long_text()
    created_at: int
    source_run: int | None = None
    """The run that computed the answer; null where that is unknown. No reference, because it outlives the run."""
    reasoning: str = reasoning()


class Answer(Table, table=True):
    """What a model said to a request (model, prompt, decoding), shared by all runs."""

    __table_args__ = (CLUSTERED,)

    request_sha: str = Field(primary_key=True)
    raw: str = long_text()
    cut: bool
    created_at: int
    run_id: int | None = None
    """The run that computed it; null where that is unknown."""
    reasoning: str = reasoning()


class Candidate(Table, table=True):
    """One scored pointer of RL data, in the order in which it became known."""

    __table_args__ = (UniqueConstraint("run_id", "query_id", "pointer"),)

    id: int = own_key()
    run_id: int = reference("run")
    query_id: int
    pointer: str
    process_id: int | None = None
    method: str
    request_sha: str
    raw: str = long_text()
    answer: str = long_text()
    score: float
    beam_rank: int | None = None
    beam_score: float | None = None
    logprob_score: float | None = None
    temperature: float | None = None
    similarity: float | None = None
    created_at: int
    cut: bool | None = None
    source_run: int | None = None
    """The run that computed the answer; null where that is unknown."""
    gt_prob: float | None = None
    """Probability of the reference answers; null where it was not asked for."""
    reasoning: str = reasoning()


class Finding(Table, table=True):
    """Something wrong or worth knowing about a run; said again, it replaces what it said before."""

    __table_args__ = (UniqueConstraint("run_id", "code", "subject"), UNREUSED)

    id: int = own_key()
    run_id: int = reference("run")
    process_id: int | None = None
    code: str
    severity: str
    subject: str
    message: str = long_text()
    fix: str = long_text("")
    created_at: int


class Fact(Table, table=True):
    """A hash, version or count that the run was made with (JSON)."""

    __table_args__ = (CLUSTERED,)

    run_id: int = reference("run", key=True)
    name: str = Field(primary_key=True)
    value: str = long_text()


class Artifact(Table, table=True):
    """A file that a run wrote for others."""

    __table_args__ = (UniqueConstraint("run_id", "path"), UNREUSED)

    id: int = own_key()
    run_id: int = reference("run")
    kind: str
    path: str
    sha256: str = Field(index=True)
    facts: str = long_text("{}")
    created_at: int
