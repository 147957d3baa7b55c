"""Failures that a request tells before anything is computed, and those that a job tells while it computes; each with its twin."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import takewhile
from pathlib import Path
from typing import Any

import pytest

from db.rows import Metric
from db.specs import EvalSpec, Finding, TrainSpec
from db.specs.evaluate import DecodeSpec
from engine.doctor.preflight import preflight
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext
from engine.recipes.train import train
from tests import helpers_rl
from tests.helpers_preflight import trained
from tests.helpers_training import small, write_world

Asked = Callable[[Path, bool], Iterable[object]]
"""(folder, whether it is to be the failure) -> rows or findings."""


def selector(folder: Path, **fields: Any) -> str:
    folder.mkdir(exist_ok=True)
    return str(trained(folder / "selector.safetensors", **fields))


def a_pool_of_two(folder: Path, sick: bool) -> Iterable[object]:
    """Supervision's K=2 carried into inference: every query chose between train rows 0 and 1."""
    path = selector(folder, pool={"rule": "rand-sampler", "size": 64})
    pool = {"pool": "first", "pool_size": 2} if sick else {"pool": "rand-sampler", "pool_size": 64}
    return preflight(EvalSpec.model_validate({"selector": path, "shots": (2,), **pool})).findings


def another_prompt_than_the_data(folder: Path, sick: bool) -> Iterable[object]:
    """Data were generated with one prompt and decoder, selectors judged with another."""
    made = {"prompt_sha": "0" * 64, "decode_sha": EvalSpec().decode.sha()} if sick else None
    return preflight(EvalSpec(selector=selector(folder, made=made))).findings


def another_decoder_than_the_data(folder: Path, sick: bool) -> Iterable[object]:
    """RL data with the model's default generation arguments, evaluation with three beams and five tokens."""
    path = selector(folder, made={"task_gen_args": {"max_new_tokens": 50 if sick else 5, "num_beams": 3}})
    return preflight(EvalSpec(selector=path, decode=DecodeSpec())).findings


def a_template_that_takes_no_question(folder: Path, sick: bool) -> Iterable[object]:
    """The literal text {question} in what the model is shown."""
    query = "Question:{{question}} Short answer:" if sick else "Question:{question} Short answer:"
    return preflight(EvalSpec.model_validate({"retriever": "random", "prompt": {"query": query}})).findings


def training(folder: Path, **fields: Any) -> TrainSpec:
    return small(write_world(folder / "world"), **{"kind": "grpo", "rce_epochs": 1, "grpo_epochs": 1} | fields)


def rewards_normalised_twice(folder: Path, sick: bool) -> Iterable[object]:
    """A group whose rewards hardly differ is blown up to unit variance when what is normalised is normalised again."""
    document = helpers_rl.strict(10, 8)
    for record in [record for key, record in document.items() if key != "_meta"][:4]:
        for place, candidate in enumerate(record["pointer_candidates"]):
            candidate |= {"vqa_acc_score": 0.0, "vqa_correct": 0, "vqa_rel_score": 0.01 * place}
    data = str(helpers_rl.write(folder / "rl.json", document))
    asked: dict[str, Any] = {"kind": "grpo", "rl_data": data, "embeddings": "builtin", "grpo_epochs": 1}
    asked |= {"reward_mode": "hard_plus_gtprob_plus_rel", "grpo_reward": "normalized" if sick else "raw"}
    return preflight(TrainSpec.model_validate(asked)).findings


def dropout_in_one_half_of_the_ratio(folder: Path, sick: bool) -> Iterable[object]:
    """At equal weights four of five ratios left the clip range, because one side of them dropped units and the other not."""
    return preflight(training(folder, grpo_dropout=sick)).findings


def a_reference_from_before(folder: Path, sick: bool) -> Iterable[object]:
    """GRPO held to the policy before RCE: the penalty undoes what was just learned."""
    rows = train(training(folder, reference="before_rce" if sick else "after_rce"))
    return list(takewhile(lambda row: not isinstance(row, Metric), rows))


def groups_without_signal(folder: Path, sick: bool) -> Iterable[object]:
    """No query has a right and a wrong candidate: nothing to prefer, and a loss that still goes down."""
    document = helpers_rl.strict(10, 4)
    for record in [record for key, record in document.items() if key != "_meta"]:
        for place, candidate in enumerate(record["pointer_candidates"]):
            right = int(record["query"]["query_id"] % 2 == 0) if sick else place % 2
            candidate |= {"vqa_correct": right, "vqa_acc_score": float(right)}
    data = str(helpers_rl.write(folder / "rl.json", document))
    return preflight(TrainSpec(kind="grpo", rl_data=data, embeddings="builtin", grpo_epochs=1)).findings


def evaluation(folder: Path, **fields: Any) -> Iterable[object]:
    asked = {"vlm": "majority", "retriever": "random", "limit": 6} | fields
    return evaluate(EvalSpec.model_validate(asked), RunContext(folder / "run", folder / "cache"))


def one_demonstration_set_for_all(folder: Path, sick: bool) -> Iterable[object]:
    """Many selectors, one candidate pool of two: the same figures to the digit, whatever was trained."""
    return evaluation(folder, shots=(2,), pool="first", pool_size=2 if sick else 16)


def four_shots_asked_two_used(folder: Path, sick: bool) -> Iterable[object]:
    """A table whose columns 3 and 4 repeat column 2."""
    return evaluation(folder, shots=(4,), pool="first", pool_size=2 if sick else 16)


FAILURES: tuple[tuple[str, Asked], ...] = (
    ("pool-size", a_pool_of_two),
    ("prompt-mismatch", another_prompt_than_the_data),
    ("decode-mismatch", another_decoder_than_the_data),
    ("placeholder-literal", a_template_that_takes_no_question),
    ("double-normalisation", rewards_normalised_twice),
    ("dropout-mismatch", dropout_in_one_half_of_the_ratio),
    ("reference-before-rce", a_reference_from_before),
    ("signal-rate-low", groups_without_signal),
    ("pool-degenerate", one_demonstration_set_for_all),
    ("shots-truncated", four_shots_asked_two_used),
)


@pytest.mark.parametrize(("code", "asked"), FAILURES, ids=[asked.__name__ for _, asked in FAILURES])
def test_the_failure_is_named_and_its_twin_is_silent(code: str, asked: Asked, tmp_path: Path) -> None:
    for name in ("sick", "sound"):
        (tmp_path / name).mkdir()
    found = {name: warnings(asked(tmp_path / name, name == "sick")) for name in ("sick", "sound")}
    assert code in found["sick"]
    assert found["sound"] == {}


def warnings(rows: Iterable[object]) -> dict[str, str]:
    """Code -> message of everything that is more than worth knowing; a bare matrix is always told that nobody knows its
    encoder."""
    found = [row for row in rows if isinstance(row, Finding) and row.severity != "info"]
    return {finding.code: finding.message for finding in found if finding.code != "encoder-unverified"}
