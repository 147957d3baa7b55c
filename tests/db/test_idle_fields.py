"""Fields that another field leaves without effect: every one that is named exists, and says so with its reason."""

from __future__ import annotations

from typing import Any

import pytest

from db.specs import SPEC_OF_KIND, DecodeSpec, EvalSpec, TrainSpec
from db.specs.idle import IDLE, idle, why_idle
from engine.doctor.preflight.idle import fields
from engine.doctor.preflight.table import Preflight
from leverplus_tui.jobs.spec_options import field_paths

TRAINING: dict[str, Any] = {"rl_data": "builtin", "embeddings": "builtin"}


@pytest.mark.parametrize("kind", ["eval", "generate", "rce"])
def test_every_field_that_is_named_exists(kind: str) -> None:
    known = {name for name, _ in field_paths(SPEC_OF_KIND[kind])}
    named = {field for rule in IDLE["train" if kind == "rce" else kind] for field in rule[0]}
    assert named <= known


def test_what_was_left_at_its_default_is_not_spoken_of() -> None:
    for spec in (EvalSpec(), TrainSpec(**TRAINING), TrainSpec(kind="grpo", grpo_epochs=2, rce_epochs=0, **TRAINING)):
        assert list(idle(spec)) == []


def test_what_was_set_in_vain_is_warned_of_once_for_a_reason() -> None:
    spec = EvalSpec(decode=DecodeSpec(temperature=0.5, top_p=0.9), pool_size=32)
    result = Preflight()
    fields(spec, result)
    assert [(one.code, one.severity, one.message) for one in result.findings] == [
        ("no-effect", "warning",
         "Setting decode.temperature and decode.top_p changes nothing: decode.do_sample is false, so nothing is drawn."),
        ("no-effect", "warning", "Setting pool_size changes nothing: pool is all, which has no size."),
    ]  # fmt: skip


def test_a_field_that_counts_is_not_idle() -> None:
    drawn = EvalSpec(decode=DecodeSpec(do_sample=True, temperature=0.5), pool="random", pool_size=32)
    assert list(idle(drawn)) == []
    assert why_idle(drawn, "decode.temperature") == ""
    assert why_idle(EvalSpec(retriever="t2t"), "seed") != ""
    assert why_idle(EvalSpec(retriever="t2t", order="shuffled"), "seed") == ""
