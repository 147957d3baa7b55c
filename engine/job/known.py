"""What earlier processes of a run have stored, as the next one needs it: from the rows themselves, wherever they are kept."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from db import store
from db.rows import Candidate, Fact, Input, Prediction, Row, StoredAnswer
from db.session import Session
from engine.recipes.run_context import Scored


@dataclass
class Known:
    """What a process begins with."""

    began: str = ""
    """The run whose inputs these are, as people name it; empty where it is this one."""
    inputs: dict[str, Input] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    answered: dict[tuple[int, int], Scored] = field(default_factory=dict)
    """By (question_id, shot)."""
    candidates: list[Candidate] = field(default_factory=list)
    answers: dict[str, StoredAnswer] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[Row]) -> Known:
        """The rows in the order in which they were stored; as in the store, the first input stays and the last fact counts."""
        known = cls()
        for row in rows:
            if isinstance(row, Input):
                known.inputs.setdefault(row.role, row)
            elif isinstance(row, Fact):
                known.facts[row.name] = row.value
            elif isinstance(row, Prediction) and not row.error:
                empty = not row.answer.strip()
                scored = Scored(row.score, empty=empty, cut=row.cut, prompt_sha=row.prompt_sha)
                known.answered[row.question_id, row.shot] = scored
                known._keep_answer(row)
            elif isinstance(row, Candidate):
                known.candidates.append(row)
                known._keep_answer(row)
        return known

    def _keep_answer(self, row: Prediction | Candidate) -> None:
        self.answers[row.request_sha] = StoredAnswer(row.raw, row.cut, row.source, row.reasoning)


def stored_rows(session: Session, run_id: int) -> Iterator[Row]:
    """The rows of a run that its next process must know."""
    yield from store.inputs(session, run_id=run_id).values()
    yield from (Fact(name, value) for name, value in store.facts(session, run_id=run_id).items())
    yield from store.stored_predictions(session, run_id=run_id)
    yield from (candidate for _, candidate in store.candidates(session, run_id=run_id))


def known_of(session: Session, run_id: int) -> Known:
    """What the store knows of a run."""
    return Known.of(stored_rows(session, run_id))


def known_of_evaluation(session: Session, run_id: int) -> Known:
    """What a job must open to answer as an evaluation did; it computes every answer itself."""
    facts = store.facts(session, run_id=run_id)
    return Known(began=store.ref(run_id), inputs=store.inputs(session, run_id=run_id), facts=facts)
