"""Retrievers: seeded, nested over shots, exact, in prompt order, and inside the pool."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, get_args

import pytest
import torch
from torch import Tensor

from db.specs.evaluate import COMPARED, SELECTING, PoolRule, Retriever
from db.specs.selector import PUBLISHED
from engine.data.sample import Sample, Split
from engine.demonstrations.choose import in_order
from engine.demonstrations.pools import Request, build_pools
from engine.demonstrations.retrieve import ALIKE, RETRIEVERS, Demonstrations, Task
from engine.features.steps import RECIPES
from engine.selector import PointerSelector


def sample(question_id: int, image_id: int = 0) -> Sample:
    return Sample(question_id, image_id, f"q{question_id}", ("a",), "a", Path("x.jpg"))


TRAIN = Split("train", [sample(row, row) for row in range(30)])
QUERIES = [sample(1000 + row, 500 + row) for row in range(7)]


def make_features(queries: int) -> dict[tuple[str, str], Tensor]:
    rng = torch.Generator().manual_seed(0)
    return {
        (side, field): torch.nn.functional.normalize(torch.randn(rows, 6, generator=rng), dim=-1)
        for field in ("image", "text", "both")
        for side, rows in (("query", queries), ("train", 30))
    }


def task(
    tmp_path: Path, *, pool: PoolRule = "all", size: int = 8, queries: list[Sample] = QUERIES, **fields: Any
) -> Task:
    features = make_features(len(queries))
    request = Request(pool, size, seed=42, same_image=fields.pop("same_image", False))
    pools = build_pools(request, queries, TRAIN, features=features, cache_dir=tmp_path)
    return Task(queries=queries, train=TRAIN, pools=pools, features=features, **fields)


def choices(name: str, one: Task, shots: int) -> list[Demonstrations]:
    return RETRIEVERS[name](one)(shots)


def test_every_retriever_that_can_be_named_exists() -> None:
    assert set(RETRIEVERS) == set(get_args(Retriever))
    assert set(COMPARED) <= set(RETRIEVERS)
    assert set(ALIKE) <= set(RETRIEVERS)
    assert {field for pairs in COMPARED.values() for _, field in pairs} <= set(RECIPES)


@pytest.mark.parametrize("name", [name for name in RETRIEVERS if name not in SELECTING])
def test_every_retriever_stays_inside_the_pool_and_shows_no_more_than_asked(tmp_path: Path, name: str) -> None:
    one = task(tmp_path, pool="rand-sampler", queries=[*TRAIN.questions[:4], *QUERIES])
    for query, rows in enumerate(choices(name, one, 3)):
        assert len(rows) <= 3
        assert len(set(rows)) == len(rows)
        assert query not in rows if query < 4 else True
        assert name == "fixed" or set(rows) <= set(
            one.pools.of(query).tolist()
        )  # one list for all queries needs no pool


def test_zero_shot_shows_nothing(tmp_path: Path) -> None:
    assert choices("zero-shot", task(tmp_path), 4) == [()] * 7


@pytest.mark.parametrize("pool", ["all", "first", "rand-sampler", "mix-sampler"])
@pytest.mark.parametrize("name", ["random", "t2t", "i2t", "i2i", "qi2qi", "mmr"])
def test_choices_are_distinct_nested_and_inside_the_pool(tmp_path: Path, name: str, pool: PoolRule) -> None:
    one = task(tmp_path, pool=pool, queries=[*TRAIN.questions[:4], *QUERIES], most_similar_last=False)
    choose = RETRIEVERS[name](one)
    for shots in (1, 2, 4, 6):
        for query, rows in enumerate(choose(shots)):
            assert len(set(rows)) == shots
            assert set(rows) <= set(one.pools.of(query).tolist())
            assert choose(8)[query][:shots] == rows


def test_random_depends_on_seed_and_question_alone(tmp_path: Path) -> None:
    everything = choices("random", task(tmp_path), 3)
    assert len(set(everything)) > 1
    assert choices("random", task(tmp_path, queries=QUERIES[3:5]), 3) == everything[3:5]
    assert choices("random", task(tmp_path, shots=3), 3) == everything
    assert choices("random", task(tmp_path, seed=1), 3) != everything


def test_fixed_is_the_same_for_all_but_never_the_query_itself(tmp_path: Path) -> None:
    assert len(set(choices("fixed", task(tmp_path), 3))) == 1
    assert choices("fixed", task(tmp_path), 3)[0][:2] == choices("fixed", task(tmp_path), 2)[0]
    assert len(set(choices("fixed", task(tmp_path, pool="rand-sampler"), 3))) == 1
    assert set(choices("fixed", task(tmp_path, pool="first"), 2)[0]) <= set(range(8))
    own = choices("fixed", task(tmp_path, queries=list(TRAIN.questions)), 4)
    assert all(row not in rows and len(rows) == 4 for row, rows in enumerate(own))
    assert len({rows for rows in own}) <= 5


@pytest.mark.parametrize(
    ("name", "query", "train"), [("t2t", "text", "text"), ("i2t", "image", "text"), ("i2i", "image", "image")]
)
def test_neighbours_are_exact_and_the_most_similar_is_last(tmp_path: Path, name: str, query: str, train: str) -> None:
    one = task(tmp_path)
    ranked = (one.features["query", query] @ one.features["train", train].T).argsort(dim=1, descending=True)
    assert choices(name, one, 3) == [tuple(rows[:3][::-1]) for rows in ranked.tolist()]
    first = task(tmp_path, most_similar_last=False)
    assert choices(name, first, 3) == [tuple(rows[:3]) for rows in ranked.tolist()]


def test_question_and_image_neighbours_compare_directions_only(tmp_path: Path) -> None:
    one = task(tmp_path)
    ranked = (one.features["query", "both"] @ one.features["train", "both"].T).argsort(dim=1, descending=True)
    assert choices("qi2qi", one, 2) == [tuple(rows[:2][::-1]) for rows in ranked.tolist()]
    longer = dict(one.features) | {("train", "both"): one.features["train", "both"] * torch.rand(30, 1).add(0.5)}
    assert choices("qi2qi", replace(one, features=longer), 2) == choices("qi2qi", one, 2)


def test_mmices_ranks_by_image_those_with_the_nearest_questions(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.demonstrations.retrieve.SHORTLIST", 5)
    one = task(tmp_path, most_similar_last=False)
    by_text = one.features["query", "text"] @ one.features["train", "text"].T
    by_image = one.features["query", "image"] @ one.features["train", "image"].T
    for query, rows in enumerate(choices("mmices", one, 3)):
        shortlist = sorted(range(30), key=lambda row: -float(by_text[query, row]))[:5]
        assert list(rows) == sorted(shortlist, key=lambda row: -float(by_image[query, row]))[:3]


@pytest.mark.parametrize("pool", ["all", "rand-sampler"])
def test_mmr_weighs_likeness_against_what_is_shown(
    tmp_path: Path, pool: PoolRule, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.demonstrations.retrieve.NUMBERS_AT_ONCE", 500)
    one = task(tmp_path, pool=pool, most_similar_last=False, shots=4)
    query, train = one.features["query", "both"], one.features["train", "both"]
    for at, rows in enumerate(choices("mmr", one, 4)):
        chosen: list[int] = []
        for _ in range(4):
            left = [row for row in one.pools.of(at).tolist() if row not in chosen]
            shown = [max((float(train[row] @ train[other]) for other in chosen), default=0.0) for row in left]
            worth = [0.5 * float(query[at] @ train[row]) - 0.5 * near for row, near in zip(left, shown, strict=True)]
            chosen.append(left[worth.index(max(worth))])
        assert list(rows) == chosen


def test_a_coreset_takes_the_farthest_from_what_it_has(tmp_path: Path) -> None:
    rows = choices("coreset", task(tmp_path), 4)[0]
    train = task(tmp_path).features["train", "both"]
    assert len(set(choices("coreset", task(tmp_path), 4))) == 1
    assert rows[0] == int((train @ train.mean(0)).argmax())
    for at in range(1, 4):
        nearest = (train @ train[list(rows[:at])].T).max(1).values
        assert float(nearest[rows[at]]) == pytest.approx(float(nearest.min()))
    own = choices("coreset", task(tmp_path, queries=list(TRAIN.questions)), 4)
    assert all(row not in rows and len(rows) == 4 for row, rows in enumerate(own))


def test_neighbours_of_a_shared_pool_are_train_indices(tmp_path: Path) -> None:
    one = task(tmp_path, pool="random", queries=[*TRAIN.questions, *QUERIES])
    assert one.pools.shared is not None
    scores = one.features["query", "text"] @ one.features["train", "text"].T
    for query, rows in enumerate(choices("t2t", one, 2)):
        allowed = one.pools.of(query)
        best = allowed[scores[query, allowed].argsort(descending=True)][:2].tolist()
        assert rows == tuple(best[::-1])


def test_fewer_than_asked_when_the_pool_is_small(tmp_path: Path) -> None:
    for name in ("random", "fixed", "coreset", "t2t", "qi2qi", "mmices", "mmr"):
        assert {len(rows) for rows in choices(name, task(tmp_path, pool="first", size=2), 4)} == {2}


class Fake:
    """Points at the last candidates that are real, and stops before the last step."""

    max_shots = 3

    def select(self, query_emb: Tensor, cand_emb: Tensor, shots: int, mask: Tensor | None = None) -> Tensor:
        assert cand_emb.shape[0] in (1, len(query_emb))
        real = torch.ones(len(query_emb), cand_emb.shape[1], dtype=torch.bool) if mask is None else mask
        rows = [[*row.nonzero().flatten().flip(0).tolist(), *[-1] * shots][:shots] for row in real]
        return torch.tensor(rows)


@pytest.mark.parametrize("pool", ["all", "first", "rand-sampler"])
def test_selector_points_into_the_querys_pool(tmp_path: Path, pool: PoolRule, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.demonstrations.retrieve.NUMBERS_AT_ONCE", 100)
    one = task(tmp_path, pool=pool, queries=[TRAIN.questions[29], TRAIN.questions[7], *QUERIES], selector=Fake())
    for query, rows in enumerate(choices("selector", one, 2)):
        assert rows == tuple(one.pools.of(query).tolist()[::-1][:2])


def test_selector_is_asked_for_no_more_than_it_learned(tmp_path: Path) -> None:
    assert {len(rows) for rows in choices("selector", task(tmp_path, selector=Fake()), 5)} == {3}
    assert choices("selector", task(tmp_path, selector=Fake()), 0) == [()] * 7
    assert {len(rows) for rows in choices("selector", task(tmp_path, pool="first", size=2, selector=Fake()), 3)} == {2}


@pytest.mark.parametrize("variant", ["v1", "v3", "v4_4", "v4_10"])
def test_blocks_and_masks_change_nothing_for_real_selectors(
    tmp_path: Path, variant: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    network = PointerSelector(PUBLISHED[variant], d_model=6, hidden_dim=8, shots=2).eval()
    queries = [TRAIN.questions[3], *QUERIES]
    one = task(tmp_path, queries=queries, selector=network)
    found = choices("selector", one, 2)
    with torch.no_grad():
        for query in range(len(queries)):
            pool = one.pools.of(query)
            candidates = one.features["train", "both"][pool][None]
            places = network.select(one.features["query", "both"][query][None], candidates, 2)[0]
            assert found[query] == tuple(int(pool[place]) for place in places if place >= 0)
    monkeypatch.setattr("engine.demonstrations.retrieve.NUMBERS_AT_ONCE", 30 * 256 * 3)
    assert choices("selector", one, 2) == found


def test_the_order_of_the_prompt_changes_no_choice() -> None:
    queries = [sample(7), sample(8)]
    chosen: list[Demonstrations] = [(1, 2, 3, 4, 5), (3, 4, 5, 6, 7)]
    assert in_order(chosen, "chosen", queries, 0) == chosen
    assert in_order(chosen, "reversed", queries, 0) == [(5, 4, 3, 2, 1), (7, 6, 5, 4, 3)]
    shuffled = in_order(chosen, "shuffled", queries, 0)
    assert [sorted(one) for one in shuffled] == [list(one) for one in chosen]
    assert shuffled != chosen
    assert in_order(chosen[1:], "shuffled", queries[1:], 0) == shuffled[1:]
    assert in_order(chosen, "shuffled", queries, 1) != shuffled
