"""Generation as it really runs: a job process that is killed and resumed, and the built-in model from pool to file."""

from __future__ import annotations

import os
import signal
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.rows import Candidate, Fact, Prediction
from db.session import reading
from db.specs import DecodeSpec, EvalSpec, GenerateSpec
from engine.data.datasets import open_dataset
from engine.recipes.evaluate import evaluate
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.rl.reading.file import read_rl_file
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import build
from leverplus_tui.jobs import launcher
from tests.helpers_cli import Desk, make_desk
from tests.helpers_data import write_official
from tests.helpers_server import HoldingServer, holding_server
from tests.helpers_vlm import save_world

QUERIES = 15
FREE, AT_ONCE = 20, 4


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path, monkeypatch)
    monkeypatch.setattr(launcher, "WORKER", (sys.executable, "-m", "tests.helpers_generate"))
    return desk


def candidates(desk: Desk, run_id: int) -> list[Candidate]:
    with reading(desk.database) as session:
        return [candidate for _, candidate in store.candidates(session, run_id=run_id)]


def test_a_killed_job_repeats_no_stored_answer_and_stores_no_candidate_twice(desk: Desk, tmp_path: Path) -> None:
    folder = write_official(tmp_path / "okvqa")
    spec = GenerateSpec(dataset=str(folder), vlm="scripted", queries=QUERIES, pool_size=16, device="cpu", batch_size=4)
    run_id = launcher.launch(desk.home, spec)
    log = desk.home.run_dir(run_id) / "asked.txt"
    desk.wait(lambda: bool(desk.detail(run_id).processes))
    [process] = desk.detail(run_id).processes
    desk.wait(lambda: not store.is_alive(process))
    before, known = log.read_text().split(), candidates(desk, run_id)
    assert 0 < len(known) <= len(before), "it died with a part stored"
    launcher.resume(desk.home, run_id)
    desk.until(run_id, "done")
    after = log.read_text().split()[len(before) :]
    assert not {one.request_sha for one in known} & set(after), "what was stored is not asked again"
    found = candidates(desk, run_id)
    sets = Counter((one.query_id, frozenset(one.pointer)) for one in found)
    assert set(sets.values()) == {1}
    assert set(before) | set(after) == {one.request_sha for one in found}
    detail = desk.detail(run_id)
    assert [one.state for one in detail.processes] == ["lost", "done"]
    [artifact] = detail.artifacts
    assert artifact.facts["candidates"] == len(found)
    assert artifact.facts["queries"] == QUERIES
    assert len(read_rl_file(artifact.path).candidates.lengths) == len(found)


def asking(desk: Desk, tmp_path: Path, server: HoldingServer, kind: str) -> int:
    """A job that has had all its free answers and waits for those in flight; its run."""
    shared: dict[str, Any] = {"dataset": str(write_official(tmp_path / "okvqa")), "vlm": server.url, "concurrency": AT_ONCE,
              "decode": DecodeSpec(num_beams=1), "device": "cpu"}  # fmt: skip
    made: dict[str, Any] = {"queries": QUERIES, "retrieved": 0, "random": 8, "pool_size": 16}
    spec = GenerateSpec(**shared | made) if kind == "generate" else EvalSpec(**shared, retriever="random", shots=(2,))
    run_id = launcher.launch(desk.home, spec)
    server.wait_for(FREE + AT_ONCE)
    return run_id


def stored(desk: Desk, run_id: int, kind: str) -> int:
    return len(candidates(desk, run_id) if kind == "generate" else desk.answers(run_id))


@pytest.mark.parametrize("kind", ["generate", "eval"])
def test_a_killed_job_asks_a_server_again_only_for_what_was_in_flight(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(launcher, "WORKER", (sys.executable, "-m", "engine.job.worker"))
    with holding_server(FREE) as server:
        run_id = asking(desk, tmp_path, server, kind)
        [process] = desk.detail(run_id).processes
        os.kill(process.pid, signal.SIGKILL)
        desk.wait(lambda: not store.is_alive(process))
        assert stored(desk, run_id, kind) == FREE, "each answer was stored before another request was sent"
        server.release.set()
        launcher.resume(desk.home, run_id)
        desk.until(run_id, "done")
        assert stored(desk, run_id, kind) == len(set(server.asked))
        assert len(server.asked) - len(set(server.asked)) == AT_ONCE


def test_a_stopped_job_waits_for_what_is_in_flight_and_asks_nothing_twice(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(launcher, "WORKER", (sys.executable, "-m", "engine.job.worker"))
    with holding_server(FREE) as server:
        run_id = asking(desk, tmp_path, server, "generate")
        [process] = desk.detail(run_id).processes
        os.kill(process.pid, signal.SIGTERM)
        server.release.set()
        desk.until(run_id, "stopped")
        assert len(candidates(desk, run_id)) == len(server.asked)
        launcher.resume(desk.home, run_id)
        desk.until(run_id, "done")
        assert len(server.asked) == len(set(server.asked)) == len(candidates(desk, run_id))


def test_the_builtin_model_answers_as_in_an_evaluation(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    decode = DecodeSpec(num_beams=1)
    model = open_vlm("builtin", decode=decode, device="cpu", cache_dir=tmp_path)
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", lambda *_, **__: model)
    world = str(save_world(tmp_path / "world", train=40, val=2))
    context = RunContext(tmp_path / "r1", tmp_path)
    spec = GenerateSpec(
        dataset=world, queries=3, pool_size=20, min_candidates=2, max_candidates=4, decode=decode, device="cpu"
    )
    rows = list(generate(spec, context))
    found = [row for row in rows if isinstance(row, Candidate)]
    assert {one.query_id for one in found} == set(read_rl_file(tmp_path / "r1" / "rl_data.json").query_ids.tolist())
    assert "SYNTHETIC" in {row.name: row.value for row in rows if isinstance(row, Fact)}["synthetic"]
    train = open_dataset(world, cache_dir=tmp_path).train
    for one in found:
        shown = [train.questions[row] for row in one.pointer]
        assert one.request_sha == model.request_sha(build(EvalSpec().prompt, shown, train.questions[one.query_id]))
    asked = EvalSpec(dataset=world, split="train", limit=3, retriever="random", decode=decode, device="cpu")
    answers = [row for row in evaluate(asked, context) if isinstance(row, Prediction)]
    assert {one.question_id for one in answers} == {train.ids[one.query_id] for one in found}, "drawn alike"
