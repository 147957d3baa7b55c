"""Pools: the published samplers, exclusions, and caches that can never be stale."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest
import torch

from db.specs.base import UserError
from db.specs.evaluate import PoolRule
from engine.data.sample import Sample, Split
from engine.demonstrations.neighbours import nearest, nearest_own
from engine.demonstrations.pools import Pools, Request, build_pools, exclusions, mix_counts


def sample(question_id: int, image_id: int) -> Sample:
    return Sample(question_id, image_id, f"q{question_id}", ("a",), "a", Path(f"{image_id}.jpg"))


TRAIN = Split("train", [sample(row, row // 2) for row in range(40)])
QUERIES = [sample(1000 + row, 500 + row) for row in range(6)]


def features(queries: int = 6, seed: int = 0) -> dict[tuple[str, str], torch.Tensor]:
    rng = torch.Generator().manual_seed(seed)
    return {
        (side, field): torch.nn.functional.normalize(torch.randn(rows, 8, generator=rng), dim=-1)
        for field in ("image", "text")
        for side, rows in (("query", queries), ("train", 40))
    }


def pools(tmp_path: Path, rule: PoolRule, size: int = 8, queries: list[Sample] = QUERIES, **fields: Any) -> Pools:
    known = fields.pop("features", None) or features(len(queries))
    request = Request(rule, size, fields.pop("seed", 42), **fields)
    return build_pools(request, queries, TRAIN, features=known, cache_dir=tmp_path)


def test_shared_rules(tmp_path: Path) -> None:
    assert pools(tmp_path, "all").of(0).tolist() == list(range(40))
    assert pools(tmp_path, "first", 3).of(5).tolist() == [0, 1, 2]
    drawn = pools(tmp_path, "random", 5)
    assert drawn.size == len(set(drawn.of(0).tolist())) == 5
    assert drawn.of(0).tolist() == drawn.of(1).tolist() == pools(tmp_path, "random", 5).of(0).tolist()
    assert drawn.sha != pools(tmp_path, "random", 5, seed=1).sha
    assert pools(tmp_path, "first", 100).size == 40


def test_the_query_itself_is_never_in_its_pool(tmp_path: Path) -> None:
    queries = list(TRAIN.questions)
    rules: list[PoolRule] = ["all", "random", "rand-sampler", "text-sampler", "image-sampler", "mix-sampler"]
    for rule in rules:
        built = pools(tmp_path, rule, 10, queries)
        assert all(row not in built.of(row).tolist() for row in range(40)), rule


def test_the_querys_image_is_excluded_on_request(tmp_path: Path) -> None:
    queries = list(TRAIN.questions)
    rules: list[PoolRule] = ["all", "rand-sampler", "text-sampler", "mix-sampler"]
    for rule in rules:
        built = pools(tmp_path, rule, 10, queries, same_image=True)
        for row, query in enumerate(queries):
            shown = {TRAIN.questions[one].image_id for one in built.of(row).tolist()}
            assert query.image_id not in shown, rule
    assert exclusions(queries[:2], TRAIN, same_image=True) == ((0, 1), (0, 1))
    assert exclusions(queries[:2], TRAIN, same_image=False) == ((0,), (1,))


def test_rand_sampler_draws_as_published(tmp_path: Path) -> None:
    """One seed, one sample per query in order, drawn again while it holds the query."""
    queries = [TRAIN.questions[row] for row in (3, 30, 7)]
    rng, expected = random.Random(42), []
    for anchor in (3, 30, 7):
        drawn = rng.sample(range(40), 20)
        while anchor in drawn:
            drawn = rng.sample(range(40), 20)
        expected.append(drawn)
    built = pools(tmp_path, "rand-sampler", 20, queries)
    assert [built.of(row).tolist() for row in range(3)] == expected


@pytest.mark.parametrize("field", ["image", "text"])
def test_similarity_samplers_take_the_nearest_first(tmp_path: Path, field: str) -> None:
    known = features()
    rule: PoolRule = "image-sampler" if field == "image" else "text-sampler"
    built = pools(tmp_path, rule, 8, features=known)
    scores = known["query", field] @ known["train", field].T
    assert built.own is not None
    assert built.own.tolist() == scores.argsort(dim=1, descending=True)[:, :8].tolist()


def test_twins_leave_no_anchor_in_its_own_pool(tmp_path: Path) -> None:
    """Dropping the first hit is not enough: a question on the same image may come before the query itself."""
    known = features(40)
    for side in ("query", "train"):
        known[side, "image"] = features(40)["train", "image"].repeat_interleave(2, dim=0)[:40]
    built = pools(tmp_path, "image-sampler", 8, list(TRAIN.questions), features=known)
    assert all(row not in built.of(row).tolist() for row in range(40))
    assert all(row ^ 1 in built.of(row).tolist() for row in range(40))


def test_mix_sampler_joins_the_three_kinds(tmp_path: Path) -> None:
    assert mix_counts(64) == {"random": 32, "text": 16, "image": 16}
    assert mix_counts(10) == {"random": 5, "text": 2, "image": 3}
    known = features()
    built = pools(tmp_path, "mix-sampler", 8, features=known)
    random_part = pools(tmp_path, "rand-sampler", 4).of(0).tolist()
    images = nearest(known["query", "image"], known["train", "image"], 2)[0].tolist()
    texts = nearest(known["query", "text"], known["train", "text"], 2)[0].tolist()
    assert built.of(0).tolist() == list(dict.fromkeys([*random_part, *images, *texts]))


def test_pools_are_cached_by_content(tmp_path: Path) -> None:
    def files() -> int:
        return len(list((tmp_path / "pools").iterdir()))

    first = pools(tmp_path, "rand-sampler")
    assert files() == 1
    assert pools(tmp_path, "rand-sampler").sha == first.sha
    assert files() == 1
    changes: list[dict[str, Any]] = [{"size": 9}, {"seed": 1}, {"queries": QUERIES[1:]}, {"same_image": True}]
    for number, change in enumerate(changes, start=2):
        pools(tmp_path, "rand-sampler", **change)
        assert files() == number, change
    pools(tmp_path, "text-sampler")
    pools(tmp_path, "text-sampler", features=features(seed=3))
    pools(tmp_path, "image-sampler")
    assert files() == 8


@pytest.mark.parametrize("content", [b"", b"garbage", b"\x93NUMPY\x01\x00"])
def test_a_damaged_cache_file_is_made_again(tmp_path: Path, content: bytes) -> None:
    first = pools(tmp_path, "rand-sampler")
    (file,) = (tmp_path / "pools").iterdir()
    file.write_bytes(content)
    assert pools(tmp_path, "rand-sampler").sha == first.sha
    assert file.read_bytes() != content


def test_more_than_train_can_give_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="pool_size: 41 was asked for, but train has 40"):
        pools(tmp_path, "rand-sampler", 41)
    with pytest.raises(UserError, match="train has 38"):
        pools(tmp_path, "rand-sampler", 39, [TRAIN.questions[0]], same_image=True)


def test_a_pool_of_nearly_everything_is_drawn_in_finite_time(tmp_path: Path) -> None:
    built = pools(tmp_path, "rand-sampler", 39, list(TRAIN.questions))
    assert all(sorted(built.of(row).tolist()) == [one for one in range(40) if one != row] for row in range(40))


def test_nearest_agrees_with_a_full_sort_across_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = torch.Generator().manual_seed(1)
    queries, candidates = torch.randn(23, 5, generator=rng), torch.randn(57, 5, generator=rng)
    excluded = [[row % 57, (3 * row) % 57] for row in range(23)]
    scores = queries @ candidates.T
    for row, banned in enumerate(excluded):
        scores[row, banned] = float("-inf")
    expected = scores.argsort(dim=1, descending=True)[:, :6]
    monkeypatch.setattr("engine.demonstrations.neighbours.QUERIES_AT_ONCE", 7)
    monkeypatch.setattr("engine.demonstrations.neighbours.CANDIDATES_AT_ONCE", 10)
    assert torch.equal(nearest(queries, candidates, 6, excluded), expected)


def test_nearest_breaks_ties_by_row_and_fills_up() -> None:
    candidates = torch.tensor([[1.0], [2.0], [2.0], [1.0]])
    assert nearest(torch.ones(1, 1), candidates, 4).tolist() == [[1, 2, 0, 3]]
    assert nearest(torch.ones(1, 1), candidates, 6, [[1]]).tolist() == [[2, 0, 3, -1, -1, -1]]
    assert nearest(torch.ones(0, 1), candidates, 2).shape == (0, 2)
    assert nearest(torch.ones(1, 1), torch.ones(100, 1), 3).tolist() == [[0, 1, 2]]


def test_rounding_does_not_decide_between_equal_questions() -> None:
    candidates = torch.full((50, 1), 0.7) + 1e-7 * (torch.arange(50) % 3)[:, None]
    assert nearest(torch.ones(1, 1), candidates, 3).tolist() == [[0, 1, 2]]


def test_nearest_own_looks_into_the_querys_pool_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.demonstrations.neighbours.NUMBERS_AT_ONCE", 4)
    candidates = torch.tensor([[3.0], [2.0], [1.0], [0.5]])
    own = torch.tensor([[3, 2, 1], [2, -1, -1], [0, 3, -1]])
    assert nearest_own(torch.ones(3, 1), candidates, own, 2).tolist() == [[1, 2], [2, -1], [0, 3]]
    assert nearest_own(torch.ones(3, 1), candidates, own, 4).tolist() == [
        [1, 2, 3, -1],
        [2, -1, -1, -1],
        [0, 3, -1, -1],
    ]
