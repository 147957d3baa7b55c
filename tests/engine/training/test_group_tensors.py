"""RL data as tensors: filters, rewards, normalisations, pools, the split, and what is refused."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest
import torch

from db.specs import TrainSpec, UserError
from db.specs.train import RewardMode
from engine.rl.reading import gathering
from engine.rl.reading.file import read_rl_file
from engine.rl.selection import columns_for, kept_candidates
from engine.training import group_tensors
from engine.training.group_tensors import GroupTensors, RLTensors, load_groups, normalize
from tests import helpers_rl
from tests.helpers_rl import TRAIN_SIZE, write


def spec_of(**fields: Any) -> TrainSpec:
    return TrainSpec(rl_data="rl.json", embeddings="embeddings.safetensors", **fields)


def load(tmp_path: Path, document: dict[str, Any], rows: int = TRAIN_SIZE, **fields: Any) -> RLTensors:
    spec = spec_of(**fields)
    file = read_rl_file(write(tmp_path / "rl.json", document), columns_for(spec))
    return load_groups(file, spec, candidate_rows=rows, query_rows=rows)


def refused(tmp_path: Path, document: dict[str, Any], **fields: Any) -> str:
    with pytest.raises(UserError) as caught:
        load(tmp_path, document, **fields)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rows_of(groups: GroupTensors) -> list[list[list[int]]]:
    """Train rows of the pointers of each group, padding left out."""
    pool = groups.pool.expand(len(groups), -1)
    return [[pool[q, pointer].tolist() for pointer in groups.pointers[q][groups.mask[q]]] for q in range(len(groups))]


def candidate(pointer: list[int], accuracy: float = 0.0, **fields: Any) -> dict[str, Any]:
    return {"pointer": pointer, "vqa_correct": int(accuracy > 0), "vqa_acc_score": accuracy} | fields


def group(*candidates: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {"pointer_candidates": list(candidates)} | fields


@pytest.mark.parametrize("variant", ["R1", "R2", "R3", "R4", "R5"])
def test_pointers_keep_their_meaning_in_every_variant(tmp_path: Path, variant: str) -> None:
    document = helpers_rl.VARIANTS[variant]()
    tensors = load(tmp_path, document, skip_fallback_reward=False)
    records = [r for key, r in document.items() if key != "_meta"]
    expected = [[c.get("pointer_global", c["pointer"]) for c in r["pointer_candidates"]] for r in records]
    assert rows_of(tensors.train) + rows_of(tensors.val) == expected
    assert (len(tensors.train), len(tensors.val)) == (8, 2)


def test_a_stored_pool_is_taken_in_stored_order(tmp_path: Path) -> None:
    document = helpers_rl.pooled()
    tensors = load(tmp_path, document)
    assert tensors.train.pool[3].tolist() == document["3"]["candidate_pool_ids"]
    assert tensors.train.pool_mask is None


def test_a_union_pool_is_the_sorted_set_of_what_the_candidates_name(tmp_path: Path) -> None:
    document = {
        "0": group(candidate([9, 3]), candidate([3, 7])),
        "1": group(candidate([5, 4]), candidate([8, 2]), candidate([6, 1])),
    }
    tensors = load(tmp_path, document, train_ratio=0.5)
    assert tensors.train.pool.tolist() == [[3, 7, 9]]
    assert tensors.train.pointers.tolist() == [[[2, 0], [0, 1]]]
    assert tensors.val.pool.tolist() == [[1, 2, 4, 5, 6, 8]]


def test_unequal_groups_and_pools_are_masked(tmp_path: Path) -> None:
    document = {
        "0": group(candidate([9, 3], 1.0)),
        "1": group(candidate([5, 4]), candidate([8, 2], 0.6)),
        "2": group(candidate([1, 2])),
    }
    train = load(tmp_path, document, train_ratio=0.7).train
    assert train.mask.tolist() == [[True, False], [True, True]]
    assert train.pool_mask is not None
    assert train.pool_mask.tolist() == [[True, True, False, False], [True] * 4]
    torch.testing.assert_close(train.raw, torch.tensor([[2.0, 0], [0, 1.6]]))
    assert train.sizes.tolist() == [1, 2]
    assert train.pool_sizes.tolist() == [2, 4]
    assert train.signal().tolist() == [False, True]


def test_a_shared_pool_is_every_row_once(tmp_path: Path) -> None:
    tensors = load(tmp_path, helpers_rl.plain(), pool="shared")
    assert tensors.train.pool.tolist() == [list(range(TRAIN_SIZE))]
    stored = [c["pointer"] for c in helpers_rl.plain()["2"]["pointer_candidates"]]
    assert tensors.train.pointers[2].tolist() == stored


def test_union_can_be_asked_for_although_pools_are_stored(tmp_path: Path) -> None:
    document = helpers_rl.pooled()
    tensors = load(tmp_path, document, pool="union")
    named = {i for c in document["0"]["pointer_candidates"] for i in c["pointer_global"]}
    assert tensors.train.pool[0][: tensors.train.pool_sizes[0]].tolist() == sorted(named)


def test_a_record_whose_repair_failed_falls_back_to_the_union(tmp_path: Path) -> None:
    document = helpers_rl.fixed()
    val = load(tmp_path, document).val
    named = sorted({i for c in document["9"]["pointer_candidates"] for i in c["pointer"]})
    assert val.pool[1][: val.pool_sizes[1]].tolist() == named


def test_filters_drop_and_count(tmp_path: Path) -> None:
    document = {
        "0": group(
            candidate([1, 2], eval_failed=True),
            candidate([1, 3], vqa_eval_mode="error"),
            candidate([1, 4], vqa_eval_mode="fallback"),
            candidate([5, 5]),
            candidate([6, 7], gen_method="random"),
            candidate([8, 9], 1.0, gen_method="beam"),
        ),
        "1": group(candidate([1, 2], 0.6, gen_method="beam")),
        "2": group(candidate([1, 2], gen_method="beam")),
    }
    file = read_rl_file(write(tmp_path / "rl.json", document))
    spec = spec_of(filter_gen_methods=("beam",), require_positive_query=True)
    keep, counts = kept_candidates(file, np.array([0, 0, 0, 0, 0, 2, 1.6, 0]), spec)
    assert keep.tolist() == [False] * 5 + [True, True, False]
    assert counts == {
        "queries": 3, "candidates": 8, "not evaluated": 2, "fallback": 1, "of other methods": 1,
        "with a repeated demonstration": 1, "without a positive in the query": 1,
    }  # fmt: skip
    keep, _ = kept_candidates(file, np.zeros(8), spec_of(skip_fallback_reward=False))
    assert keep[2]


def test_legacy_beams_can_be_trained_under_their_own_reward(tmp_path: Path) -> None:
    document = helpers_rl.legacy()
    train = load(tmp_path, document, reward_mode="legacy", reward_alpha=1.0).train
    torch.testing.assert_close(train.raw[0], torch.tensor(document["0"]["score_list"]))
    assert train.signal().all()


@pytest.mark.parametrize(
    ("method", "rewards", "expected"),
    [
        ("z_score", [2, 1.6, 0, 0, 0], [1.2852, 0.8835, -0.7229, -0.7229, -0.7229]),
        ("z_score", [0.01, 0, 0, 0, 0], [1.7889, -0.4472, -0.4472, -0.4472, -0.4472]),
        ("z_score_clamp", [5, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0], [3] + [-0.2887] * 11),
        ("z_score", [1.6, 1.6], [1.6, 1.6]),
        ("z_score", [2], [2]),
        ("rank", [0, 2, 1], [-1, 1, 0]),
        ("rank", [1, 1, 0], [1, 0, -1]),
        ("rank", [2], [0]),
    ],
)
def test_normalisations_by_hand(method: str, rewards: list[float], expected: list[float]) -> None:
    padded = np.array([[*rewards, 9.0, 9.0]])
    mask = np.array([[True] * len(rewards) + [False, False]])
    found = normalize(padded, mask, method, 3.0)
    np.testing.assert_allclose(found, [[*expected, 0, 0]], atol=5e-5)


def test_split_by_image_keeps_images_apart(tmp_path: Path) -> None:
    document = helpers_rl.strict()
    tensors = load(tmp_path, document, split_by="image", train_ratio=0.7)
    assert tensors.train.query_rows.tolist() == [0, 1, 2, 3, 4, 5]
    assert tensors.val.query_rows.tolist() == [6, 7, 8, 9]
    assert "query 0 has no image_id" in refused(tmp_path, helpers_rl.plain(), split_by="image")


def test_rows_beyond_the_embeddings_are_refused(tmp_path: Path) -> None:
    message = refused(tmp_path, helpers_rl.plain(), rows=100)
    assert "names row" in message
    assert "100 rows" in message
    document = {"300": group(candidate([1, 2])), "1": group(candidate([1, 2]))}
    assert "query 300 has no row" in refused(tmp_path, document)
    document = {"1": group(candidate([0, 1], pointer_global=[7, 8]), candidate_pool_ids=[7, 8, 999])}
    assert "pool of query 1 names row 999" in refused(tmp_path, document)


def test_negative_rows_are_refused(tmp_path: Path) -> None:
    assert "names row" in refused(tmp_path, {"1": group(candidate([3, -2]))})


def test_a_pointer_outside_the_stored_pool_is_refused(tmp_path: Path) -> None:
    record = group(candidate([0, 1], pointer_global=[7, 8]), candidate([50, 60]), candidate_pool_ids=[7, 8, 9])
    document = {"1": record, "2": record}
    assert "query 1, candidate 1 names a demonstration outside the stored pool" in refused(tmp_path, document)
    assert len(load(tmp_path, document, pool="union", train_ratio=0.5).train) == 1


def test_contradicting_spaces_are_refused(tmp_path: Path) -> None:
    record = group(candidate([0, 1], pointer_global=[9, 9]), candidate_pool_ids=[7, 8, 9])
    assert "query 1, candidate 0: pointer and pointer_global contradict" in refused(tmp_path, {"1": record})


def test_fixed_pools_can_be_demanded(tmp_path: Path) -> None:
    assert "query 0 has no candidate_pool_ids" in refused(tmp_path, helpers_rl.plain(), pool="fixed")


def test_pointers_of_unequal_length_are_refused(tmp_path: Path) -> None:
    document = {"1": group(candidate([3, 2]), candidate([3])), "2": group(candidate([3, 2]))}
    assert "query 1, candidate 1 has another number of demonstrations" in refused(tmp_path, document)


def test_nothing_left_to_train_on_is_said_with_the_counts(tmp_path: Path) -> None:
    document = {"1": group(candidate([3, 2], vqa_eval_mode="fallback")), "2": group()}
    message = refused(tmp_path, document)
    assert "no query is left to train on (2 queries, 1 candidates, 1 fallback)" in message


def test_one_side_may_be_empty(tmp_path: Path) -> None:
    tensors = load(tmp_path, {"1": group(candidate([3, 2])), "2": group()}, train_ratio=0.5)
    assert (len(tensors.train), len(tensors.val)) == (1, 0)


@pytest.mark.parametrize("mode", get_args(RewardMode))
def test_the_columns_that_are_read_suffice_for_every_reward(tmp_path: Path, mode: str) -> None:
    path = write(tmp_path / "rl.json", helpers_rl.pooled())
    spec = spec_of(reward_mode=mode, reward_alpha=0.3, reward_beta=0.7, use_logprob=True)
    some, whole = (
        load_groups(file, spec, candidate_rows=TRAIN_SIZE, query_rows=TRAIN_SIZE).train
        for file in (read_rl_file(path, columns_for(spec)), read_rl_file(path))
    )
    assert torch.equal(some.raw, whole.raw)
    assert torch.equal(some.pointers, whole.pointers)


def test_the_published_run_has_the_published_counts() -> None:
    golden = Path(__file__).parents[2] / "golden"
    for name in ("train_pool", "train_legacy_pool"):
        config = json.loads((golden / f"{name}.log.json").read_text())["config"]
        file = read_rl_file(golden / f"{name}.rl_data.json")
        tensors = load_groups(file, spec_of(), candidate_rows=120, query_rows=120)
        assert (len(tensors.train), len(tensors.val)) == (config["train_queries"], config["val_queries"])


def test_one_query_that_all_would_be_padded_to_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A megabyte of entries may not become gigabytes of padding."""
    monkeypatch.setattr(group_tensors, "MOST_PADDED", 500)
    many = [candidate([n % 9, 10 + n % 7], n % 2) for n in range(60)]
    document = {str(i): group(candidate([1, 2]), candidate([3, 4], 1.0)) for i in range(30)}
    load(tmp_path, document)
    said = refused(tmp_path, document | {"20": group(*many)})
    assert "query 20 has 60 candidates, the others 2 in the middle" in said
    wide = group(candidate([1, 2]), candidate([3, 4], 1.0), candidate_pool_ids=list(range(TRAIN_SIZE - 1)))
    pooled_ones = {name: {**one, "candidate_pool_ids": [1, 2, 3, 4]} for name, one in document.items()}
    monkeypatch.setattr(group_tensors, "MOST_TIMES", 1)
    assert "query 20 has" in refused(tmp_path, pooled_ones | {"20": wide})


def test_more_candidates_than_a_file_of_its_size_holds_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_CANDIDATES", 100)
    tiny: dict[str, Any] = {str(i): {"pointer_candidates": [{}] * 200} for i in range(3)}
    assert "candidates, which no honest file of its size holds" in refused(tmp_path, tiny)


def test_a_pointer_that_all_would_be_padded_to_is_refused(tmp_path: Path) -> None:
    long = {"1": group(candidate([1, 2]), candidate(list(range(65))))}
    assert "query 1, field pointer of candidate 1: 65 demonstrations are named, more than the 64" in refused(
        tmp_path, long
    )
