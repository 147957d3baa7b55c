"""All pairs of a pool, and probabilities of the reference answers behind each prompt."""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from db.rows import Candidate
from db.specs import DecodeSpec, GenerateSpec, UserError
from engine.data.datasets import open_dataset
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt, build
from tests.helpers_generate import ScriptedVLM
from tests.helpers_vlm import log_p

POOL = 4


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


def run(cache: Path, folder: Path, **fields: Any) -> list[Candidate]:
    spec = GenerateSpec(**{"queries": 3, "pool": "first", "pool_size": POOL, "retrieved": 0, "device": "cpu", **fields})
    return [row for row in generate(spec, RunContext(folder, cache)) if isinstance(row, Candidate)]


def test_every_ordered_pair_is_asked_once_and_queries_of_a_pair_side_by_side(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vlm = ScriptedVLM()
    prompts: list[Prompt] = []
    vlm.before_answer = prompts.extend
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", lambda *_, **__: vlm)
    found = run(cache, tmp_path, all_pairs=True, retrieved=5)
    pools: dict[int, set[tuple[int, ...]]] = {}
    for one in found:
        pools.setdefault(one.query_id, set()).add(one.pointer)
    assert len(found) == 3 * POOL * (POOL - 1)
    for pairs in pools.values():
        assert pairs == set(permutations({row for pair in pairs for row in pair}, 2))
    shown = [prompt.images[:2] for prompt in prompts]
    assert all(shown[at] == shown[at + 1] for at in range(0, len(shown), 3)), "a pair is read once for all queries"
    assert {one.method for one in found} == {"pair"}
    document = json.loads((tmp_path / "rl_data.json").read_text())
    assert "absent" in document["_meta"]["notes"]


def test_pairs_are_pairs() -> None:
    with pytest.raises(ValueError, match="shots must be 2"):
        GenerateSpec(all_pairs=True, shots=3)


def test_probabilities_of_the_references_are_those_of_a_whole_forward(cache: Path, tmp_path: Path) -> None:
    found = run(cache, tmp_path, random=2, min_candidates=2, max_candidates=2, reference_probabilities=True)
    vlm = open_vlm("builtin", decode=DecodeSpec(), device="cpu", cache_dir=cache)
    train = open_dataset("builtin", cache_dir=cache).train.questions
    for one in found[:3]:
        query = train[one.query_id]
        prompt = build(GenerateSpec().prompt, [train[row] for row in one.pointer], query)
        counts = Counter(query.answers)
        expected = sum(min(n / 3, 1) * math.exp(log_p(vlm, prompt, answer)) for answer, n in counts.items())
        assert one.gt_prob == pytest.approx(expected, rel=1e-4)
    document = json.loads((tmp_path / "rl_data.json").read_text())
    written = [
        one["vqa_gt_prob"]
        for name, record in document.items()
        if name != "_meta"
        for one in record["pointer_candidates"]
    ]
    assert sorted(written) == sorted(one.gt_prob or 0 for one in found)
    assert "exp(mean log-probability" in document["_meta"]["notes"]


def test_a_stored_answer_is_asked_again_where_its_probabilities_are_wanted(cache: Path, tmp_path: Path) -> None:
    plain = run(cache, tmp_path, random=2, min_candidates=2, max_candidates=2)
    scored = run(cache, tmp_path, random=2, min_candidates=2, max_candidates=2, reference_probabilities=True)
    assert [(one.query_id, one.pointer, one.raw, one.request_sha) for one in plain] == [
        (one.query_id, one.pointer, one.raw, one.request_sha) for one in scored
    ]
    assert {one.gt_prob for one in plain} == {None}
    assert all((one.gt_prob or 0) > 0 for one in scored)


def test_both_engines_score_references_alike(cache: Path, tmp_path: Path) -> None:
    few = {"random": 2, "min_candidates": 2, "max_candidates": 2, "reference_probabilities": True}
    packed, plain = (
        {(one.query_id, one.pointer): one.gt_prob for one in run(cache, tmp_path / engine, engine=engine, **few)}
        for engine in ("packed", "plain")
    )
    assert len(packed) == 6
    assert plain == pytest.approx(packed, rel=1e-4)
    with pytest.raises(UserError, match="copy-nearest states no probability of a given answer"):
        run(cache, tmp_path, vlm="copy-nearest", **few)
