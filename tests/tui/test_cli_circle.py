"""`leverplus demo circle`: what it asks for, in order. The jobs themselves are tested where they are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.home import Home
from db.specs import EmbedSpec, EvalSpec, GenerateSpec, TrainSpec
from leverplus_tui.commands.running import circle
from leverplus_tui.commands.running.run import Begun
from tests.helpers_cli import make_desk


def test_two_selectors_are_trained_and_the_second_is_held_against_every_control(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    asked: list[Any] = []

    def begin(place: Home, spec: Any, begun: Begun, *, follows: bool) -> int:
        asked.append(spec)
        return len(asked)

    monkeypatch.setattr(circle, "resolved", lambda spec, place: spec)
    monkeypatch.setattr(circle, "begin", begin)
    monkeypatch.setattr(circle, "_health", lambda place, run: None)
    compared: list[Any] = []
    monkeypatch.setattr(circle, "_compare", lambda place, controls, selector: compared.append((controls, selector)))
    desk.call("demo", "circle", "--queries", "30")
    one, embeddings, first, two, second, *evaluations = asked
    assert [type(spec) for spec in (one, embeddings, first, two, second)] == [
        GenerateSpec, EmbedSpec, TrainSpec, GenerateSpec, TrainSpec,
    ]  # fmt: skip
    assert (one.shots, first.rl_data, two.shots, two.selector, second.rl_data) == (1, "r1", 2, "r3", "r4")
    assert one.queries == two.queries == 30
    assert all(isinstance(spec, EvalSpec) for spec in evaluations)
    names = [spec.retriever for spec in evaluations]
    assert names == ["random", "fixed", "t2t", "i2i", "qi2qi", "mmices", "untrained", "selector"]
    assert {
        spec.selector for spec in evaluations if spec.retriever in ("qi2qi", "mmices", "untrained", "selector")
    } == {"r5"}
    assert compared == [(list(range(6, 13)), 13)]


def test_queued_steps_wait_for_each_other_and_the_evaluations_are_a_sweep(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(tmp_path, monkeypatch)
    monkeypatch.setattr("leverplus_tui.queue.submit.ensure_dispatcher", lambda home, database: None)
    assert desk.call("demo", "circle", "--queue", "--queries", "30").stdout == "s1\n"
    after = {row["run"]: row["after"] for row in desk.json("queue")}
    assert (after["r3"], after["r4"], after["r5"]) == (["r1", "r2"], ["r3"], ["r2", "r4"])
    assert {run for run, needs in after.items() if not needs} == {"r1", "r2", "r6", "r7", "r8", "r9"}
    assert {run for run, needs in after.items() if needs == ["r5"]} == {"r10", "r11", "r12", "r13"}
    sweep = desk.json("sweep", "show", "circle")
    assert [row["run"] for row in sweep["runs"]] == [f"r{run}" for run in range(6, 14)]
