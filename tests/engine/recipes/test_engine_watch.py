"""What an engine does is told while it answers: series, a pace beside the progress, and nothing of models without one."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.rows import Fact, Metric, Progress
from db.specs import DecodeSpec, EvalSpec
from engine.recipes.engine_watch import EngineWatch
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext
from engine.vlm.opening import open_vlm
from tests.helpers_generate import ScriptedVLM


def test_the_series_of_a_run_add_up_to_its_facts(tmp_path: Path) -> None:
    spec = EvalSpec(retriever="random", limit=5, shots=(1, 2), device="cpu")
    rows = list(evaluate(spec, RunContext(tmp_path, tmp_path / "cache")))
    series = {row.name: row for row in rows if isinstance(row, Metric)}
    facts = {row.name: row.value for row in rows if isinstance(row, Fact)}
    assert {(row.phase, row.step) for row in series.values()} == {("engine", 10)}
    assert series["images_encoded"].value == facts["engine_images_encoded"] > 0
    assert series["images_encoded"].value + series["images_reused"].value == facts["engine_images"] == 5 * 2 + 5 * 3
    assert series["tokens_computed"].value + series["tokens_reused"].value == facts["engine_prompt_tokens"]
    assert series["tokens_reused"].value > 0
    assert "utilisation" not in series, "nobody knows the speed of this processor"
    assert next(row for row in rows[::-1] if isinstance(row, Progress)).note.endswith("answers/s")


def test_utilisation_is_of_the_cards_speed(tmp_path: Path) -> None:
    counts = open_vlm("builtin", decode=DecodeSpec(), device="cpu", cache_dir=tmp_path, engine="packed").engine.counts  # type: ignore[attr-defined]
    assert counts.measures("NVIDIA H200") == {}
    counts.answers, counts.operations, counts.seconds = 10, 989e12, 2.0
    assert counts.measures("NVIDIA H200")["utilisation"] == pytest.approx(0.5)


def test_of_a_model_without_an_engine_there_is_nothing_to_tell() -> None:
    watch = EngineWatch(ScriptedVLM())
    assert [*watch.due(1), *watch.last(2)] == []
    assert watch.note == ""
