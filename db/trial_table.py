"""What people tried on questions of evaluations: notes, apart from all results. See `db.table`."""

from __future__ import annotations

from sqlalchemy import Index, Text
from sqlmodel import Field

from db.table import Table


class Trial(Table, table=True):
    """A question of an evaluation asked again with other demonstrations or words, and what came of it."""

    __table_args__ = (Index(None, "run_id", "question_id"), {"sqlite_autoincrement": True})

    id: int | None = Field(default=None, primary_key=True)
    run_id: int = Field(foreign_key="run.id", ondelete="CASCADE")
    """The evaluation."""
    question_id: int
    shot: int
    state: str
    """`waiting`, `answering`, `answered` or `failed`."""
    request: str = Field(sa_type=Text)
    """What is asked (JSON of `db.specs.TrialSpec`)."""
    asker: str = Field(default="", sa_type=Text)
    """The process that asked (JSON); empty where it does not matter whether that is still there."""
    process_id: int | None = None
    """The process that answers or has answered."""
    tries: int = 0
    """Processes that began to answer it."""
    raw: str = Field(default="", sa_type=Text)
    answer: str = Field(default="", sa_type=Text)
    score: float | None = None
    cut: bool = False
    log_prob: float | None = None
    """Of the answer that most people gave, the mean over its tokens."""
    seconds: float | None = None
    prompt_sha: str = ""
    request_sha: str = ""
    error: str = Field(default="", sa_type=Text)
    reasoning: str = Field(default="", sa_type=Text)
    picks: str = Field(default="[]", sa_type=Text)
    """What the selector or the retriever prefers at each pick (JSON)."""
    created_at: int
    answered_at: int | None = None
