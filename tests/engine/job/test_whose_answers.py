"""Whose answers a run's figures are made of: a server's are its run's own, `fresh` takes none, and all say where they come from."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.session import reading
from db.specs import DecodeSpec, EvalSpec, GenerateSpec
from engine.common.reasoning import MOST_TOKENS
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.run_result import detail_json
from tests.helpers_data import write_official
from tests.helpers_jobs import Jobs, jobs_in
from tests.helpers_server import ScriptedServer, scripted_server

N = 12


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_in(tmp_path)


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as told:
        yield told


@pytest.fixture
def shared(tmp_path: Path, server: ScriptedServer) -> dict[str, Any]:
    root = write_official(tmp_path / "okvqa", train=12, val=N)
    decode = DecodeSpec(num_beams=1)
    return {"dataset": str(root), "vlm": server.url, "decode": decode, "device": "cpu", "concurrency": 2}


def asked(shared: dict[str, Any], **fields: Any) -> EvalSpec:
    return EvalSpec(**{**shared, "retriever": "zero-shot", "shots": (0,), **fields})


def done(jobs: Jobs, spec: Any) -> int:
    run_id = jobs.queue(spec)
    assert jobs.work(run_id).state == "done"
    return run_id


def codes(jobs: Jobs, run_id: int) -> dict[str, str]:
    with reading(jobs.database) as session:
        found = run_findings(session, store.run_detail(session, run_id=run_id))
    return {finding.code: finding.message for finding in found}


def reply(message: dict[str, Any], ended: str = "stop") -> tuple[int, dict[str, str], bytes]:
    return 200, {}, json.dumps({"choices": [{"message": message, "finish_reason": ended}]}).encode()


def test_what_a_server_told_one_run_is_asked_again_by_another(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    done(jobs, asked(shared))
    second = done(jobs, asked(shared))
    assert len(server.bodies) == 2 * N
    assert jobs.detail(second).sources == {2: N}
    assert "answers-reused" not in codes(jobs, second)


def test_answers_of_a_server_are_reused_where_that_is_asked_for_and_the_run_says_so(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    done(jobs, asked(shared, limit=5))
    second = done(jobs, asked(shared, reuse_served=True))
    assert len(server.bodies) == N
    assert jobs.detail(second).sources == {1: 5, 2: N - 5}
    told = codes(jobs, second)["answers-reused"]
    assert "5 of 12 answers" in told
    assert "7 by this run, 5 by r1" in told
    assert "may have changed" in told
    document = detail_json(jobs.detail(second), ())
    assert document["answers"] == {"computed": 7, "reused": {"r1": 5}, "unknown": 0}


def test_a_run_that_is_gone_on_with_keeps_what_its_server_told_it(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    run_id = jobs.queue(asked(shared))
    assert jobs.work(run_id, rows=45).state == "stopped"
    kept = len(jobs.answers(run_id, 0))
    assert 0 < kept < N
    assert jobs.work(run_id).state == "done"
    assert len(server.bodies) == N
    assert jobs.detail(run_id).sources == {run_id: N}


def test_a_server_that_answers_otherwise_ends_the_run_with_no_further_answer(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = jobs.queue(asked(shared))
    jobs.work(run_id, rows=45)
    kept = jobs.answers(run_id, 0)
    with monkeypatch.context() as patch:
        patch.setattr("tests.helpers_server.usual", lambda body: reply({"content": "other weights"}))
        outcome = jobs.work(run_id)
    assert (outcome.state, outcome.exit_code) == ("failed", 2)
    assert "`leverplus rerun r1`" in outcome.reason
    assert "other weights" in codes(jobs, run_id)["server-changed"]
    assert jobs.answers(run_id, 0) == kept
    assert jobs.work(run_id).state == "done", "the first model is served again"
    assert "server-changed" not in codes(jobs, run_id)
    assert {"server", "server_resumed"} <= jobs.detail(run_id).facts.keys()


def test_a_served_answer_of_an_older_version_is_another_runs(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    done(jobs, asked(shared))
    jobs.sql("UPDATE answer SET run_id = NULL")
    jobs.sql("UPDATE prediction SET source_run = NULL")
    assert jobs.detail(1).sources == {None: N}
    done(jobs, asked(shared))
    assert len(server.bodies) == 2 * N
    third = done(jobs, asked(shared, reuse_served=True))
    assert len(server.bodies) == 2 * N
    assert jobs.detail(third).sources == {None: N}
    assert f"{N} unknown" in codes(jobs, third)["answers-reused"]


@pytest.mark.parametrize("kind", ["eval", "generate"])
def test_fresh_asks_everything_and_tells_nobody(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any], kind: str
) -> None:
    made: dict[str, Any] = {"queries": 4, "retrieved": 0, "random": 3, "pool_size": 8, "adaptive": False}
    fresh = GenerateSpec(**shared, **made, fresh=True) if kind == "generate" else asked(shared, fresh=True)
    done(jobs, fresh)
    first = len(server.bodies)
    assert first
    done(jobs, fresh)
    assert len(server.bodies) == 2 * first, "a second fresh run takes nothing of the first"
    done(jobs, fresh.model_copy(update={"fresh": False, "reuse_served": True}))
    assert len(server.bodies) == 3 * first, "what a fresh run was told is its own"


def test_a_fresh_run_goes_on_with_its_own_answers(jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]) -> None:
    run_id = jobs.queue(asked(shared, fresh=True))
    assert jobs.work(run_id, rows=45).state == "stopped"
    assert jobs.work(run_id).state == "done"
    assert len(server.bodies) == N


def test_replies_that_are_no_answers_are_not_stored_as_ones(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    server.scripted = [reply({"content": None, "reasoning_content": "It is"}, "length"), reply({"content": ""})]
    run_id = done(jobs, asked(shared, concurrency=1))
    answers = jobs.answers(run_id, 0)
    assert [bool(row.error) for row in answers].count(True) == 2
    assert jobs.detail(run_id).cells[0].n_done == N - 2
    assert "2 of 12" in codes(jobs, run_id)["reasoning-cut"]
    assert [row.reasoning for row in answers if row.reasoning] == ["It is"]
    assert server.bodies[-1]["max_tokens"] == MOST_TOKENS, "it was asked how many tokens would do"
    done(jobs, asked(shared, reuse_served=True))
    assert len(server.bodies) == N + 1 + 2, "what got no answer is asked again"


def test_a_resumed_run_asks_again_for_what_got_no_answer(
    jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]
) -> None:
    server.scripted = [reply({"content": ""})]
    run_id = jobs.queue(asked(shared, concurrency=1))
    assert jobs.work(run_id, rows=45).state == "stopped"
    assert jobs.work(run_id).state == "done"
    assert jobs.detail(run_id).cells[0].n_done == N


def test_generation_leaves_out_what_got_no_answer(jobs: Jobs, server: ScriptedServer, shared: dict[str, Any]) -> None:
    server.scripted = [reply({"content": "", "refusal": "no"})]
    made: dict[str, Any] = {"queries": 4, "retrieved": 0, "random": 3, "pool_size": 8, "adaptive": False}
    run_id = done(jobs, GenerateSpec(**shared | {"concurrency": 1}, **made))
    assert "refused to answer" in codes(jobs, run_id)["answers-missing"]
    assert sum(jobs.detail(run_id).sources.values()) == len(server.bodies) - 1


def test_fresh_and_reuse_served_exclude_each_other(shared: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="give one of them"):
        asked(shared, fresh=True, reuse_served=True)
