"""What is preferred at each pick: the selector's own probabilities, the retriever's own ranking, and nothing invented."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from db.specs import EvalSpec
from db.specs.selector import MAX_SHOTS
from engine.demonstrations.choose import Prepared, in_order
from engine.demonstrations.preferences import ONE_LIKENESS, OUTSIDE, SHOWN, STOP, pick_order, preferences
from engine.demonstrations.retrieve import RETRIEVERS, Task
from engine.selector import PointerSelector
from tests.engine.demonstrations.test_retrieve import QUERIES, TRAIN, make_features, task
from tests.helpers_selector import VARIANTS, build

AT = 3
"""The query that is looked at."""


def prepared(one: Task) -> Prepared:
    return Prepared(one, None, None)


def with_selector(tmp_path: Path, name: str, **fields: Any) -> tuple[Prepared, PointerSelector]:
    net = build(VARIANTS[name], d_model=6)
    return prepared(task(tmp_path, selector=net, **fields)), net


@pytest.mark.parametrize("name", VARIANTS)
def test_probabilities_are_those_of_the_selector(tmp_path: Path, name: str) -> None:
    one, net = with_selector(tmp_path, name)
    features, picks = make_features(len(QUERIES)), [5, 11]
    found = preferences(one, "selector", AT, picks)
    with torch.no_grad():
        direct = net.logits(features["query", "both"][[AT]], features["train", "both"][None], torch.tensor([[picks]]))[
            0, 0
        ]
    for step, (told, row) in enumerate(zip(found, picks, strict=False)):
        expected = direct[step].softmax(-1)
        assert told.measure == "probability"
        assert told.picked is not None
        assert told.picked[0] == row
        assert told.picked[1] == pytest.approx(float(expected[row]), rel=1e-9)
        assert told.picked[2] == 1 + int((expected > expected[row]).sum())
        for shown, value in told.best:
            assert value == pytest.approx(float(expected[shown]), rel=1e-9)
        assert [value for _, value in told.best] == sorted((value for _, value in told.best), reverse=True)
    assert len(found) == 3
    last = found[-1]
    assert last.picked is None
    assert bool(last.best) == (net.max_shots > 2)


@pytest.mark.parametrize("name", VARIANTS)
def test_what_would_be_next_is_what_the_selector_picks(tmp_path: Path, name: str) -> None:
    one, net = with_selector(tmp_path, name)
    task_ = one.task
    chosen = RETRIEVERS["selector"](task_)(1)[AT]
    first = preferences(one, "selector", AT, [])
    assert len(first) == 1
    assert (first[0].best[0][0],) == (chosen or (STOP,))
    if net.max_shots > 2:
        more = RETRIEVERS["selector"](task_)(3)[AT]
        if len(more) == 3:
            after = preferences(one, "selector", AT, more[:2])
            assert after[-1].best[0][0] == more[2]


def test_a_pool_of_its_own_and_its_gaps_are_respected(tmp_path: Path) -> None:
    queries = [*TRAIN.questions[:4], *QUERIES]
    one, _ = with_selector(tmp_path, "v4_2", pool="mix-sampler", queries=queries)
    for query in range(len(queries)):
        pool = set(one.task.pools.of(query).tolist())
        (first,) = preferences(one, "selector", query, [])
        assert first.pool == len(pool)
        assert {row for row, _ in first.best} == pool
        assert sum(value for _, value in first.best) == pytest.approx(1)


def test_no_more_is_told_than_is_shown(tmp_path: Path) -> None:
    one, _ = with_selector(tmp_path, "v4_2")
    (first,) = preferences(one, "selector", AT, [])
    assert len(first.best) == SHOWN
    assert first.pool == len(TRAIN)


def test_a_pick_that_the_selector_cannot_make_counts_for_nothing(tmp_path: Path) -> None:
    one, net = with_selector(tmp_path, "v4_2", pool="first", size=8)
    strange = preferences(one, "selector", AT, [20, 3, 3, 6])
    plain = preferences(one, "selector", AT, [3, 6])
    assert [told.said for told in strange[:3]] == [OUTSIDE, "", "it stands here for the second time"]
    assert (strange[1], strange[3]) == (plain[0], plain[1])
    beyond = preferences(one, "selector", AT, [0, 1, 2, 3, 4, 5, 6, 7][: net.max_shots + 1])
    assert all(not told.best and "picks" in told.said for told in beyond[net.max_shots :])


def test_other_vectors_are_another_question(tmp_path: Path) -> None:
    one, _ = with_selector(tmp_path, "v4_2")
    other = {("query", "both"): make_features(len(QUERIES))["query", "both"][[0]]}
    assert preferences(one, "selector", AT, [1], other) == preferences(one, "selector", 0, [1])
    assert preferences(one, "selector", AT, [1]) != preferences(one, "selector", 0, [1])


@pytest.mark.parametrize("name", ONE_LIKENESS)
def test_a_ranking_is_the_retriever_s_own(tmp_path: Path, name: str) -> None:
    one = task(tmp_path, pool="rand-sampler", size=24)
    spec = EvalSpec()
    shown = RETRIEVERS[name](one)(4)[AT]
    picks = pick_order(shown, spec, name, QUERIES[AT])
    found = preferences(prepared(one), name, AT, picks)
    assert [told.picked[2] for told in found[:-1] if told.picked] == [1, 1, 1, 1]
    assert [told.best[0][0] for told in found[:-1]] == list(picks)
    assert [told.pool for told in found] == [24, 23, 22, 21, 20]
    assert found[-1].best[0][0] == RETRIEVERS[name](one)(5)[AT][0]
    swapped = preferences(prepared(one), name, AT, [found[0].best[3][0]])
    assert swapped[0].picked is not None
    assert swapped[0].picked[2] == 4
    assert swapped[1].best[0][0] == picks[0]


@pytest.mark.parametrize("name", sorted(set(RETRIEVERS) - set(ONE_LIKENESS) - {"selector", "untrained"}))
def test_where_no_number_ranks_none_is_made_up(tmp_path: Path, name: str) -> None:
    (told,) = preferences(prepared(task(tmp_path)), name, AT, [1, 2])
    assert not told.best
    assert name in told.said


@pytest.mark.parametrize("order", ["chosen", "reversed", "shuffled"])
@pytest.mark.parametrize("name", ["selector", "t2t"])
def test_the_order_of_a_prompt_is_undone(name: str, order: str) -> None:
    picked = tuple(range(10, 10 + MAX_SHOTS))
    spec = EvalSpec.model_validate({"order": order, "seed": 3})
    ranked = picked[::-1] if name == "t2t" else picked  # the most similar stands last
    for query in QUERIES:
        (shown,) = in_order([ranked], order, [query], 3)
        assert pick_order(shown, spec, name, query) == picked
