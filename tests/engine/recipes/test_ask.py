"""The job that is asked about an evaluation: it answers as that did, keeps to its own table, and ends by itself."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.rows import Progress, Settle
from db.session import reading, writing
from db.specs import AskSpec, EvalSpec, PromptSpec, TrialSpec
from engine.recipes import ask
from engine.recipes.run_context import RunContext
from tests.helpers_asking import NOBODY, SPEC, again, evaluated, tables
from tests.helpers_jobs import Jobs


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> tuple[Jobs, int]:
    return evaluated(tmp_path_factory.mktemp("asked"))


@pytest.fixture
def jobs(home: tuple[Jobs, int]) -> Iterator[Jobs]:
    yield home[0]
    with writing(home[0].database) as session:
        for run_id in store.asking_runs(session, run_ids=[home[1]]):
            store.discard(session, run_id=run_id)
        store.forget_trials(session, trial_ids=[one.id for one in store.trials(session, run_id=home[1])])


def tried(jobs: Jobs, *requests: TrialSpec, run_id: int = 1, spec: EvalSpec = SPEC) -> list[store.TrialRow]:
    """What one job, which those who asked have left, made of these, in the order of asking."""
    with writing(jobs.database) as session:
        for request in requests:
            store.add_trial(session, run_id=run_id, request=request, asker=NOBODY)
    job = jobs.queue(AskSpec.about(run_id, spec))
    with writing(jobs.database) as session:
        session.run(f"UPDATE run SET parent_id = {run_id} WHERE id = {job}")
    assert jobs.work(job).state == "done"
    with reading(jobs.database) as session:
        return store.trials(session, run_id=run_id)[::-1]


def test_unchanged_requests_get_the_stored_answers_to_the_bit(jobs: Jobs) -> None:
    stored = [*jobs.answers(1, 1), *jobs.answers(1, 2)]
    found = tried(jobs, *map(again, stored))
    assert len(found) == 12
    for now, then in zip(found, stored, strict=True):
        assert (now.raw, now.answer, now.score, now.cut) == (then.raw, then.answer, then.score, then.cut)
        assert (now.prompt_sha, now.request_sha) == (then.prompt_sha, then.request_sha)
        assert now.state == "answered"
        assert -100 < (now.log_prob or 1) <= 0
        assert (now.seconds or 0) > 0


def test_nothing_of_it_is_a_result(jobs: Jobs) -> None:
    first = jobs.answers(1, 2)[0]
    before = tables(jobs)
    (found,) = tried(jobs, again(first, demonstrations=first.demonstrations[:1], question="What is not asked here?"))
    assert found.state == "answered"
    assert tables(jobs) == before
    with reading(jobs.database) as session:
        assert [row.id for row in store.list_runs(session)] == [1]
        assert [row.kind for row in store.list_runs(session, where="kind:ask")] == ["ask"]
        assert store.find_answers(session, request_shas=[found.request_sha]) == {}


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"demonstrations": (7,)}, "demonstration 7 is no train question"),
        ({"question_id": 7}, "question 7 is none of this evaluation's questions"),
        ({"image": "/nowhere.png"}, "nowhere.png"),
    ],
)
def test_what_cannot_be_asked_is_told_and_the_next_is_answered(jobs: Jobs, changes: dict[str, Any], told: str) -> None:
    first = jobs.answers(1, 1)[0]
    bad, good = tried(jobs, again(first, **changes), again(first))
    assert (bad.state, bad.score, bad.answer) == ("failed", None, "")
    assert told in bad.error
    assert (good.state, good.answer) == ("answered", first.answer)


def test_the_prompt_and_its_demonstrations_are_what_was_asked_for(jobs: Jobs) -> None:
    first, second = jobs.answers(1, 2)[0], jobs.answers(1, 1)[0]
    mixed = (first.demonstrations[0], jobs.answers(1, 1)[3].demonstrations[0])
    there, back = again(first, demonstrations=mixed), again(first, demonstrations=mixed[::-1])
    shorter = again(first, demonstrations=first.demonstrations[:1])
    worded = again(first, prompt=PromptSpec(query="Q: {question} A:"))
    found = tried(jobs, there, back, shorter, worded)
    assert len({one.prompt_sha for one in found} | {first.prompt_sha}) == 5
    assert found[2].request_sha == second.request_sha  # the first demonstration alone is what one shot shows


def test_hostile_text_is_text(jobs: Jobs) -> None:
    first = jobs.answers(1, 1)[0]
    text = "{answer} [bold]\x1b[31m <|im_end|> \u202e" + "x" * 500
    (found,) = tried(jobs, again(first, question=text))
    assert found.state == "answered"
    assert found.request.question == text


def test_another_model_than_the_evaluation_s_is_refused(jobs: Jobs) -> None:
    jobs.sql("UPDATE run_input SET sha256 = 'other' WHERE run_id = 1 AND role = 'vlm'")
    try:
        job = jobs.queue(AskSpec.about(1, SPEC))
        outcome = jobs.work(job)
    finally:
        jobs.sql("DELETE FROM run_input WHERE run_id = 1 AND role = 'vlm'")
    assert outcome.state == "failed"
    assert "vlm: builtin is not what r1 began with" in outcome.reason
    assert "input-changed" in [one.code for one in jobs.detail(job).findings]


class Asked:
    """Nobody asks, though somebody is there."""

    def next(self) -> None:
        return None

    def wanted(self) -> bool:
        return True


def test_it_ends_when_nobody_asks_for_so_long(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = iter(range(0, 1000, 7))
    monkeypatch.setattr("time.monotonic", lambda: float(next(clock)))
    monkeypatch.setattr("time.sleep", lambda _: None)
    made = ask._Desk.__new__(ask._Desk)
    made.idle_s, made.context, made.done = 20, RunContext(tmp_path, tmp_path, trials=Asked()), 0
    rows = list(made.rows())
    assert rows[0] == Progress(0, 0, ask.UNIT, note=ask.READY)
    assert rows[1:] == [Settle(), Settle()]


def test_the_picks_of_the_selector_are_its_own(jobs: Jobs) -> None:
    stored = jobs.answers(1, 2)
    found = tried(jobs, *map(again, stored))
    for now, then in zip(found, stored, strict=True):
        assert [pick["of"] for pick in now.picks] == [*then.demonstrations, None]
        assert [pick["picked"][1] for pick in now.picks[:2]] == [1, 1]
        assert now.picks[0]["best"][0][0] == then.demonstrations[0]
    with reading(jobs.database) as session:
        named = [one for pick in found[0].picks for one, _ in pick["best"]]
        texts = store.questions(session, dataset_sha=stored[0].dataset_sha, split="train", question_ids=named)
    assert set(texts) == set(named)


def test_an_edited_question_is_embedded_anew(jobs: Jobs) -> None:
    first, other = (
        jobs.answers(1, 2)[0],
        next(row for row in jobs.answers(1, 2) if row.question != jobs.answers(1, 2)[0].question),
    )
    as_it_was, edited = tried(jobs, again(first), again(first, question=other.question))
    assert as_it_was.picks[0]["best"] != edited.picks[0]["best"]
    assert as_it_was.picks[0]["pool"] == edited.picks[0]["pool"]


@pytest.mark.parametrize(
    ("fields", "measure", "said"),
    [
        ({"retriever": "t2t", "order": "reversed", "pool": "text-sampler", "pool_size": 16}, "similarity", ""),
        ({"retriever": "random", "order": "shuffled"}, "", "random compares the pool by no one number"),
        ({"retriever": "zero-shot"}, "", "zero-shot at 0 shots picks nothing"),
    ],
)
def test_other_ways_of_choosing_are_asked_too(tmp_path: Path, fields: dict[str, Any], measure: str, said: str) -> None:
    spec = SPEC.model_copy(update={**fields, "limit": 3, "shots": (2,)})
    jobs, run_id = evaluated(tmp_path, spec)
    with reading(jobs.database) as session:
        (cell,) = store.cells(session, run_ids=[run_id])
    stored = jobs.answers(run_id, cell.shot)
    shown = again(stored[0], demonstrations=(1_000_410, 1_000_010))
    found = tried(jobs, *map(again, stored), shown, spec=spec)
    assert [one.raw for one in found[:3]] == [row.raw for row in stored]
    assert [one.request_sha for one in found[:3]] == [row.request_sha for row in stored]
    assert found[3].state == "answered"
    for one in found[:3]:
        assert one.picks[0]["measure"] == measure
        assert said in one.picks[0]["said"]
        if measure:
            assert [pick["picked"][1] for pick in one.picks[:-1]] == [1, 1]
