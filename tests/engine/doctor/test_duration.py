"""Estimates: what a job takes by the pace that was measured of its model on this machine and device."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.specs import DecodeSpec, EvalSpec, GenerateSpec
from engine.doctor.duration import FILE, Estimate, Pace, estimate, remember

PACE = Pace("packed", "auto", "a card", 10.0, 0.1, 0.02, "2026-11-29T05:00:00+00:00", {"val": 500}, "builtin", 64)


def found(cache: Path, spec: Any) -> Estimate:
    known = estimate(spec, cache)
    assert known is not None
    return known


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    remember(EvalSpec(), tmp_path, PACE)
    return tmp_path


def test_growing_shots_share_their_demonstrations(cache: Path) -> None:
    one = found(cache, EvalSpec(shots=(1, 2, 3, 4), limit=100))
    assert (one.questions, one.prompts) == (100, 4)
    assert one.seconds == pytest.approx(10 + 100 * (4 * 0.1 + 4 * 0.02))
    reversed_ = found(cache, EvalSpec(shots=(1, 2, 3, 4), limit=100, retriever="i2i"))
    assert reversed_.seconds == pytest.approx(10 + 100 * (4 * 0.1 + 10 * 0.02))


def test_questions_are_those_of_the_data_set_where_it_was_measured(cache: Path) -> None:
    assert found(cache, EvalSpec()).questions == 500
    assert found(cache, EvalSpec(limit=9999)).questions == 500
    assert found(cache, EvalSpec(first=(50, 200))).questions == 200
    elsewhere = found(cache, EvalSpec(dataset="./okvqa"))
    assert elsewhere.questions is None
    assert elsewhere.seconds == pytest.approx(10 + 1000 * (0.1 + 2 * 0.02))


def test_candidates_of_a_generation(cache: Path) -> None:
    assert found(cache, GenerateSpec(queries=8, max_candidates=24)).prompts == 24
    assert found(cache, GenerateSpec(queries=8, adaptive=False)).prompts == 5 + 1 + 5 + 2 * 2
    assert found(cache, GenerateSpec(queries=8, all_pairs=True)).prompts == 64 * 63


def test_another_device_engine_or_model_was_not_measured(cache: Path) -> None:
    for other in (
        {"device": "cuda:1"}, {"engine": "plain"}, {"dtype": "float16"}, {"vlm": "http://localhost:1/v1"},
        {"vlm": "majority"}, {"vlm": "./nowhere"}, {"prompt": {"max_pixels": 4000}},
    ):  # fmt: skip
        assert estimate(EvalSpec(**other), cache) is None, other


def test_a_sampled_answer_takes_the_plain_engines_pace(cache: Path) -> None:
    spec = EvalSpec(decode=DecodeSpec(do_sample=True))
    assert estimate(spec, cache) is None
    remember(spec, cache, Pace("plain", "auto", "a card", 10.0, 1.0, 0.5, "2026-11-29", {}, "", 8))
    assert found(cache, spec).pace.engine == "plain"
    assert found(cache, EvalSpec()).pace.engine == "packed"


def test_a_broken_file_is_no_pace(cache: Path) -> None:
    (cache / FILE).write_text("[]")
    assert estimate(EvalSpec(), cache) is None
    (cache / FILE).write_text('{"x": 1}')
    assert estimate(EvalSpec(), cache) is None
