"""The tables. Times are UTC microseconds; JSON is canonical text; ids are never reused; points and answers are WITHOUT ROWID.

A change here needs a step in `db/migrations/steps` and a higher `SCHEMA` in `db.schema`; a test compares both schemas.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Index, MetaData, Text, UniqueConstraint, text
from sqlmodel import Field, SQLModel

_UNREUSED: dict[str, Any] = {"sqlite_autoincrement": True}
_CLUSTERED: dict[str, Any] = {"sqlite_with_rowid": False}


def _key() -> Any:
    return Field(default=None, primary_key=True)


def _of(table: str, *, key: bool = False) -> Any:
    """A required reference; rows go with what they belong to."""
    return Field(foreign_key=f"{table}.id", primary_key=key, ondelete="CASCADE")


def _perhaps(table: str, *, index: bool = False) -> Any:
    """An optional reference; forgotten when its target goes."""
    return Field(default=None, foreign_key=f"{table}.id", ondelete="SET NULL", index=index)


def _text(default: str | None = None) -> Any:
    return Field(sa_type=Text) if default is None else Field(default=default, sa_type=Text)


def _reasoning() -> Any:
    return Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})


class Table(SQLModel):
    """Base of the tables: one metadata, constraints named so that later migrations can refer to them."""

    metadata = MetaData(
        naming_convention={
            "ix": "%(table_name)s_by_%(column_0_N_name)s",
            "uq": "%(table_name)s_unique_%(column_0_N_name)s",
            "fk": "%(table_name)s_refers_%(column_0_N_name)s",
            "pk": "%(table_name)s_key",
        }
    )


class DataFile(Table, table=True):
    """A file or folder registered by reference: RL data, embeddings, sampler cache, data set. Never copied."""

    __tablename__ = "data_file"
    __table_args__ = (_UNREUSED,)

    id: int = _key()
    name: str
    kind: str
    path: str = Field(index=True)
    size: int
    sha256: str = Field(index=True)
    facts: str = _text("{}")
    created_at: int
    missing_at: int | None = None
    deleted_at: int | None = None
    modified_ns: int | None = None
    """When the file was changed last, as far as its content has been compared."""
    changed_at: int | None = None
    """Since when its content is not the registered one."""


class Dataset(Table, table=True):
    """A set of questions, known by its content."""

    __table_args__ = (_UNREUSED,)

    id: int = _key()
    sha: str = Field(unique=True)
    name: str
    created_at: int


class Subset(Table, table=True):
    """Evaluation questions: which (sorted ids as JSON), and how they were drawn."""

    __table_args__ = (UniqueConstraint("dataset_id", "split", "sha", "label"), _UNREUSED)

    id: int = _key()
    dataset_id: int = _of("dataset")
    split: str
    sha: str
    label: str
    rule: str = _text()
    n: int
    question_ids: str = _text()
    created_at: int


class Question(Table, table=True):
    """A question that some prediction refers to, as query or as demonstration."""

    __table_args__ = (_CLUSTERED,)

    dataset_id: int = _of("dataset", key=True)
    split: str = Field(primary_key=True)
    question_id: int = Field(primary_key=True)
    image_id: int
    question: str = _text()
    answers: str = _text()
    label: str = _text()
    image: str = _text()


class Run(Table, table=True):
    """One experiment: what was asked (its whole specification), where it stands, how far it is."""

    __table_args__ = (Index(None, "deleted_at", "created_at"), _UNREUSED)

    id: int = _key()
    name: str = Field(index=True)
    kind: str
    state: str = Field(index=True)
    parent_id: int | None = _perhaps("run", index=True)
    spec: str = _text()
    spec_sha: str = Field(index=True)
    environment: str = _text()
    forced: bool = False
    dataset: str = ""
    vlm: str = ""
    retriever: str = ""
    selector: str = ""
    variant: str = ""
    seed: int | None = None
    split: str = ""
    dataset_id: int | None = _perhaps("dataset")
    progress_done: int = 0
    progress_total: int = 0
    progress_unit: str = ""
    progress_note: str = _text("")
    progress_at: int | None = None
    progress_from: int = 0
    """`progress_done` where the present process began, so that a rate is of this process alone."""
    progress_since: int | None = None
    created_at: int
    started_at: int | None = None
    ended_at: int | None = None
    deleted_at: int | None = None


class RunSubset(Table, table=True):
    """Which subset a run means by a content hash."""

    __tablename__ = "run_subset"
    __table_args__ = (_CLUSTERED,)

    run_id: int = _of("run", key=True)
    sha: str = Field(primary_key=True)
    subset_id: int = _of("subset")


class RunInput(Table, table=True):
    """Something that a run is computed from, as its first process found it."""

    __tablename__ = "run_input"
    __table_args__ = (_CLUSTERED,)

    run_id: int = _of("run", key=True)
    role: str = Field(primary_key=True)
    path: str = _text()
    sha256: str
    created_at: int


class Process(Table, table=True):
    """One operating-system process that worked on a run; a resumed run has several."""

    __table_args__ = (_UNREUSED,)

    id: int = _key()
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", index=True)
    state: str
    pid: int
    pid_start: str
    boot_id: str
    host: str
    argv: str = _text()
    log_path: str = _text()
    started_at: int
    heartbeat_at: int
    promise_s: int
    """Longest silence, in seconds, that the process announced."""
    ended_at: int | None = None
    exit_code: int | None = None
    reason: str = _text("")


class MetricLast(Table, table=True):
    """One series of numbers, with what tables show of it, so that listing never reads points."""

    __tablename__ = "metric_last"
    __table_args__ = (UniqueConstraint("run_id", "name", "phase"), _UNREUSED)

    id: int = _key()
    run_id: int = _of("run")
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

    __table_args__ = (_CLUSTERED,)

    series_id: int = _of("metric_last", key=True)
    epoch: int = Field(primary_key=True)
    step: int = Field(primary_key=True)
    value: float | None = None
    flag: int = 0


class Checkpoint(Table, table=True):
    """A file of weights; weights replaced in place become a new row."""

    __table_args__ = (UniqueConstraint("run_id", "path", "sha256"), _UNREUSED)

    id: int = _key()
    run_id: int = _of("run")
    path: str
    sha256: str = Field(index=True)
    phase: str
    epoch: int
    parameters: int
    is_best: bool = False
    metrics: str = _text("{}")
    created_at: int
    replaced_at: int | None = None


class Cell(Table, table=True):
    """One figure of the accuracy matrix, in percent. The index alone answers `acc@2`."""

    __table_args__ = (Index(None, "run_id", "shot", "n", "accuracy"), _CLUSTERED)

    run_id: int = _of("run", key=True)
    shot: int = Field(primary_key=True)
    subset_id: int = _of("subset", key=True)
    n: int
    n_done: int
    accuracy: float | None = None
    ci_low: float | None = None
    ci_high: float | None = None
    shots_used: str = _text("{}")
    distinct_sets: int = 0
    updated_at: int


class Prediction(Table, table=True):
    """One answer of one run to one question with one number of shots; also the point where a stopped run goes on."""

    __table_args__ = (_CLUSTERED,)

    run_id: int = _of("run", key=True)
    shot: int = Field(primary_key=True)
    question_id: int = Field(primary_key=True)
    process_id: int | None = None
    demonstrations: str = _text()
    prompt_sha: str
    request_sha: str
    raw: str = _text()
    answer: str = _text()
    score: float
    cut: bool
    reused: bool
    error: str = _text()
    created_at: int
    source_run: int | None = None
    """The run that computed the answer; null where that is unknown. No reference, because it outlives the run."""
    reasoning: str = _reasoning()


class Answer(Table, table=True):
    """What a model said to a request (model, prompt, decoding), shared by all runs."""

    __table_args__ = (_CLUSTERED,)

    request_sha: str = Field(primary_key=True)
    raw: str = _text()
    cut: bool
    created_at: int
    run_id: int | None = None
    """The run that computed it; null where that is unknown."""
    reasoning: str = _reasoning()


class Candidate(Table, table=True):
    """One scored pointer of RL data, in the order in which it became known."""

    __table_args__ = (UniqueConstraint("run_id", "query_id", "pointer"),)

    id: int = _key()
    run_id: int = _of("run")
    query_id: int
    pointer: str
    process_id: int | None = None
    method: str
    request_sha: str
    raw: str = _text()
    answer: str = _text()
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
    reasoning: str = _reasoning()


class Finding(Table, table=True):
    """Something wrong or worth knowing about a run; said again, it replaces what it said before."""

    __table_args__ = (UniqueConstraint("run_id", "code", "subject"), _UNREUSED)

    id: int = _key()
    run_id: int = _of("run")
    process_id: int | None = None
    code: str
    severity: str
    subject: str
    message: str = _text()
    fix: str = _text("")
    created_at: int


class Fact(Table, table=True):
    """A hash, version or count that the run was made with (JSON)."""

    __table_args__ = (_CLUSTERED,)

    run_id: int = _of("run", key=True)
    name: str = Field(primary_key=True)
    value: str = _text()


class Artifact(Table, table=True):
    """A file that a run wrote for others."""

    __table_args__ = (UniqueConstraint("run_id", "path"), _UNREUSED)

    id: int = _key()
    run_id: int = _of("run")
    kind: str
    path: str
    sha256: str = Field(index=True)
    facts: str = _text("{}")
    created_at: int


class Tag(Table, table=True):
    """A word on a run."""

    __table_args__ = (_CLUSTERED,)

    run_id: int = _of("run", key=True)
    name: str = Field(primary_key=True, index=True)


class Note(Table, table=True):
    """What a person wrote about a run."""

    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", primary_key=True)
    text: str = _text()
    updated_at: int
