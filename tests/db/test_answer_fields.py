"""Every field of an answer, from each producer through the store to each consumer: nothing is dropped, nothing is made up."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, fields
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import rows, store
from db.session import DatabaseFile, reading
from engine.common.images import MISSING_SHA
from engine.job.known import known_of
from engine.recipes.cached_answers import CachedAnswers, Reply
from engine.recipes.run_context import RunContext
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Answer
from tests.helpers_db import a_subset, add, fresh, new_run

COMMON = dict(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=60)
text = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=12)
number = st.integers(0, 2**40)
figure = st.floats(-10, 10) | st.none()
predictions = st.builds(
    rows.Prediction,
    question_id=number, shot=st.integers(0, 8), demonstrations=st.tuples(number, number), prompt_sha=text, request_sha=text,
    raw=text, answer=text, score=st.floats(0, 1), cut=st.booleans(), reused=st.booleans(), error=st.just("") | text,
    source=st.none() | st.integers(1, 99), reasoning=text,
)  # fmt: skip
candidates = st.builds(
    rows.Candidate,
    query_id=number, pointer=st.tuples(number, number), method=text, request_sha=text, raw=text, answer=text,
    score=st.floats(0, 1), beam_rank=st.none() | number, beam_score=figure, logprob_score=figure, temperature=figure,
    similarity=figure, cut=st.booleans(), source=st.none() | st.integers(1, 99), gt_prob=figure, reasoning=text,
)  # fmt: skip
replies = st.builds(Answer, raw=text, cut=st.booleans(), error=st.just(""), silent=st.just(False), reasoning=text)


@pytest.fixture
def engine(tmp_path: Path) -> DatabaseFile:
    return fresh(tmp_path)


@pytest.mark.parametrize("kind", [rows.Prediction, rows.Candidate, rows.StoredAnswer, Reply])
def test_no_field_that_only_a_producer_fills_has_a_default(kind: Any) -> None:
    assert [one.name for one in fields(kind) if one.default is not MISSING or one.default_factory is not MISSING] == []


@settings(**COMMON)  # type: ignore[arg-type]
@given(row=predictions)
def test_an_evaluated_or_imported_answer_comes_back_whole(engine: DatabaseFile, row: rows.Prediction) -> None:
    run_id = new_run(engine)
    add(engine, run_id, a_subset(1), row)
    with reading(engine) as session:
        [found] = store.predictions(session, run_id=run_id, shot=row.shot)
        own = known_of(session, run_id).answers
        sources = store.answer_sources(session, run_id=run_id)
        scores = store.scores(session, run_id=run_id, shot=row.shot, subset_sha="subset-sha")
    assert {one.name: getattr(found, one.name) for one in fields(row)} == {
        one.name: getattr(row, one.name) for one in fields(row)
    }
    assert own == (
        {} if row.error else {row.request_sha: rows.StoredAnswer(row.raw, row.cut, row.source, row.reasoning)}
    )
    assert sources == ({} if row.error else {row.source: 1})
    assert set(scores) == ({row.question_id} if row.question_id == 0 and not row.error else set())


@settings(**COMMON)  # type: ignore[arg-type]
@given(row=candidates)
def test_a_generated_answer_comes_back_whole(engine: DatabaseFile, row: rows.Candidate) -> None:
    run_id = new_run(engine)
    add(engine, run_id, row)
    with reading(engine) as session:
        [(_, found)] = store.candidates(session, run_id=run_id)
        own = known_of(session, run_id).answers
        sources = store.answer_sources(session, run_id=run_id)
    assert found == row
    assert own == {row.request_sha: rows.StoredAnswer(row.raw, row.cut, row.source, row.reasoning)}
    assert sources == {row.source: 1}


class OneAnswer:
    """A model that gives one answer to everything."""

    name, sha, decode_sha, features_sha = "one", "one", "one", "one"

    def __init__(self, answer: Answer) -> None:
        self.said, self.asked = answer, 0

    def request_sha(self, prompt: Prompt) -> str:
        return f"request {prompt.sha}"

    def answer(self, asked: list[Prompt], *_: Any) -> Iterator[dict[int, Answer]]:
        self.asked += len(asked)
        yield dict.fromkeys(range(len(asked)), self.said)


@settings(**COMMON)  # type: ignore[arg-type]
@given(said=replies, kind=st.sampled_from(["eval", "generate"]), fresh_run=st.booleans(), question=text)
def test_what_a_model_said_reaches_the_next_run_as_it_was_said(
    engine: DatabaseFile, tmp_path: Path, said: Answer, kind: str, fresh_run: bool, question: str
) -> None:
    first, second = new_run(engine, fresh=fresh_run), new_run(engine)
    prompt = Prompt("", (f"{first} {question}",), (), 1, 1)

    def ask(run_id: int, model: OneAnswer, shared: bool) -> Reply[int]:
        def find(shas: Any) -> Any:
            with reading(engine) as session:
                return store.find_answers(session, request_shas=shas)

        with reading(engine) as session:
            own = known_of(session, run_id).answers
        context = RunContext(tmp_path, tmp_path, run_id=run_id, find_answers=find, own_answers=own)
        asking = CachedAnswers(model, context, at_once=2, shared=shared)  # type: ignore[arg-type]
        [[reply]] = list(asking.ask([(1, prompt)]))
        return reply

    model = OneAnswer(said)
    told = ask(first, model, shared=not fresh_run)
    add(engine, first, _row(told, kind))
    again = ask(first, model, shared=not fresh_run)
    assert (again.raw, again.cut, again.source, model.asked) == (said.raw, said.cut, first, 1)
    other = ask(second, model, shared=True)
    assert (other.raw, other.cut) == (said.raw, said.cut)
    assert (other.source, model.asked) == ((second, 2) if fresh_run else (first, 1))
    assert ask(second, model, shared=False).source == second, "without sharing it is asked again"


def _row(reply: Reply[int], kind: str) -> rows.Row:
    assert reply.request_sha != MISSING_SHA
    if kind == "eval":
        return rows.Prediction(
            1,
            0,
            (),
            reply.prompt_sha,
            reply.request_sha,
            reply.raw,
            reply.raw,
            1.0,
            reply.cut,
            reply.reused,
            "",
            reply.source,
            reply.reasoning,
        )
    none = dict.fromkeys(("beam_rank", "beam_score", "logprob_score", "temperature", "similarity"))
    return rows.Candidate(
        1,
        (2,),
        "random",
        reply.request_sha,
        reply.raw,
        reply.raw,
        1.0,
        **none,
        cut=reply.cut,
        source=reply.source,
        gt_prob=0.25,
        reasoning=reply.reasoning,
    )
