"""The tables of data, runs and their processes. See `db.table`."""

from __future__ import annotations

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field

from db.table import CLUSTERED, UNREUSED, Table, long_text, own_key, reference, reference_or_none


class DataFile(Table, table=True):
    """A file or folder registered by reference: RL data, embeddings, sampler cache, data set. Never copied."""

    __tablename__ = "data_file"
    __table_args__ = (UNREUSED,)

    id: int = own_key()
    name: str
    kind: str
    path: str = Field(index=True)
    size: int
    sha256: str = Field(index=True)
    facts: str = long_text("{}")
    created_at: int
    missing_at: int | None = None
    deleted_at: int | None = None
    modified_ns: int | None = None
    """When the file was changed last, as far as its content has been compared."""
    changed_at: int | None = None
    """Since when its content is not the registered one."""


class Dataset(Table, table=True):
    """A set of questions, known by its content."""

    __table_args__ = (UNREUSED,)

    id: int = own_key()
    sha: str = Field(unique=True)
    name: str
    created_at: int


class Subset(Table, table=True):
    """Evaluation questions: which (sorted ids as JSON), and how they were drawn."""

    __table_args__ = (UniqueConstraint("dataset_id", "split", "sha", "label"), UNREUSED)

    id: int = own_key()
    dataset_id: int = reference("dataset")
    split: str
    sha: str
    label: str
    rule: str = long_text()
    n: int
    question_ids: str = long_text()
    created_at: int


class Question(Table, table=True):
    """A question that some prediction refers to, as query or as demonstration."""

    __table_args__ = (CLUSTERED,)

    dataset_id: int = reference("dataset", key=True)
    split: str = Field(primary_key=True)
    question_id: int = Field(primary_key=True)
    image_id: int
    question: str = long_text()
    answers: str = long_text()
    label: str = long_text()
    image: str = long_text()


class Run(Table, table=True):
    """One experiment: what was asked (its whole specification), where it stands, how far it is."""

    __table_args__ = (Index(None, "deleted_at", "created_at"), UNREUSED)

    id: int = own_key()
    name: str = Field(index=True)
    kind: str
    state: str = Field(index=True)
    parent_id: int | None = reference_or_none("run", index=True)
    spec: str = long_text()
    spec_sha: str = Field(index=True)
    environment: str = long_text()
    forced: bool = False
    dataset: str = ""
    vlm: str = ""
    retriever: str = ""
    selector: str = ""
    variant: str = ""
    seed: int | None = None
    split: str = ""
    dataset_id: int | None = reference_or_none("dataset")
    progress_done: int = 0
    progress_total: int = 0
    progress_unit: str = ""
    progress_note: str = long_text("")
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
    __table_args__ = (CLUSTERED,)

    run_id: int = reference("run", key=True)
    sha: str = Field(primary_key=True)
    subset_id: int = reference("subset")


class RunInput(Table, table=True):
    """Something that a run is computed from, as its first process found it."""

    __tablename__ = "run_input"
    __table_args__ = (CLUSTERED,)

    run_id: int = reference("run", key=True)
    role: str = Field(primary_key=True)
    path: str = long_text()
    sha256: str
    created_at: int


class Process(Table, table=True):
    """One operating-system process that worked on a run; a resumed run has several."""

    __table_args__ = (UNREUSED,)

    id: int = own_key()
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", index=True)
    state: str
    pid: int
    pid_start: str
    boot_id: str
    host: str
    argv: str = long_text()
    log_path: str = long_text()
    started_at: int
    heartbeat_at: int
    promise_s: int
    """Longest silence, in seconds, that the process announced."""
    ended_at: int | None = None
    exit_code: int | None = None
    reason: str = long_text("")


class Tag(Table, table=True):
    """A word on a run."""

    __table_args__ = (CLUSTERED,)

    run_id: int = reference("run", key=True)
    name: str = Field(primary_key=True, index=True)


class Note(Table, table=True):
    """What a person wrote about a run."""

    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE", primary_key=True)
    text: str = long_text()
    updated_at: int
