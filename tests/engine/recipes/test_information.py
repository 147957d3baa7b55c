"""Beams of InfoScores, against the formula written out over whole forward passes of the built-in model."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from db.rows import Candidate, Fact, Metric
from db.specs import DecodeSpec, GenerateSpec, TrainSpec, UserError
from db.specs.base import Finding
from engine.data.datasets import open_dataset
from engine.data.sample import Sample
from engine.demo.shipped import builtin_file
from engine.recipes import information
from engine.recipes.generate import generate
from engine.recipes.information import InfoScores
from engine.recipes.run_context import RunContext
from engine.recipes.train import train
from engine.rl.health.findings import rl_findings
from engine.rl.reading.file import read_rl_file
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import answers_in_order
from tests.helpers_data import write_official
from tests.helpers_vlm import log_p

POOL, BEAMS = 6, 3
Pointer = tuple[int, ...]


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def vlm(cache: Path) -> LocalVLM:
    opened = open_vlm("builtin", decode=DecodeSpec(), device="cpu", cache_dir=cache)
    assert isinstance(opened, LocalVLM)
    return opened


def spec_of(**fields: Any) -> GenerateSpec:
    few = {"queries": 4, "pool": "rand-sampler", "pool_size": POOL, "info_beams": BEAMS, "retrieved": 0, "random": 0}
    return GenerateSpec(**{**few, "device": "cpu", **fields})


def run(cache: Path, folder: Path, **fields: Any) -> list[Any]:
    return list(generate(spec_of(**fields), RunContext(folder, cache)))


def by_query(rows: Sequence[Any]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for one in rows:
        if isinstance(one, Candidate):
            found.setdefault(one.query_id, []).append(one)
    return {row: sorted(some, key=lambda one: one.beam_rank or 0) for row, some in found.items()}


def plain_beams(
    vlm: LocalVLM, questions: Sequence[Sample], query: Sample, pool: Sequence[int], order: str
) -> list[tuple[Pointer, float]]:
    """The formula: at each step the sequences whose InfoScores add up to most, with that sum."""

    def p(pointer: Pointer) -> float:
        prompt = build(GenerateSpec().prompt, [questions[row] for row in pointer], query)
        return math.exp(log_p(vlm, prompt, query.label))

    beams: list[tuple[Pointer, float]] = [((), 0.0)]
    for _ in range(2):
        grown = []
        for pointer, total in beams:
            for row in (one for one in pool if one not in pointer):
                longer = (row, *pointer) if order == "left" else (*pointer, row)
                grown.append((longer, total + p(longer) - p(pointer)))
        beams = sorted(grown, key=lambda one: -one[1])[:BEAMS]
    return beams


@pytest.mark.parametrize("order", ["left", "right"])
@pytest.mark.parametrize("engine", ["packed", "plain"])
def test_beams_are_those_of_the_formula(vlm: LocalVLM, cache: Path, tmp_path: Path, order: str, engine: str) -> None:
    found = by_query(run(cache, tmp_path, construct_order=order, engine=engine))
    questions = open_dataset("builtin", cache_dir=cache).train.questions
    document = json.loads((tmp_path / "rl_data.json").read_text())
    assert len(found) == 4
    for row, candidates in found.items():
        pool = document[str(row)]["candidate_pool_ids"]
        expected = plain_beams(vlm, questions, questions[row], pool, order)
        first_of_set = {frozenset(pointer): (pointer, score) for pointer, score in reversed(expected)}
        kept = sorted(first_of_set.values(), key=expected.index)
        assert [one.pointer for one in candidates] == [pointer for pointer, _ in kept]
        assert [one.beam_score for one in candidates] == pytest.approx([score for _, score in kept], abs=1e-5)
        assert {one.method for one in candidates} == {"infoscore"}


def test_the_gain_of_the_logarithm_finds_the_same_beams(vlm: LocalVLM, cache: Path, tmp_path: Path) -> None:
    rows = run(cache, tmp_path, info_gain="log_probability")
    published = by_query(run(cache, tmp_path / "published"))
    questions = open_dataset("builtin", cache_dir=cache).train.questions
    for row, candidates in by_query(rows).items():
        assert [one.pointer for one in candidates] == [one.pointer for one in published[row]]
        query = questions[row]
        for one in candidates:
            shown = [questions[at] for at in one.pointer]
            behind, before = (build(GenerateSpec().prompt, some, query) for some in (shown, []))
            gain = log_p(vlm, behind, query.label) - log_p(vlm, before, query.label)
            assert one.beam_score == pytest.approx(gain, abs=1e-4)


def test_a_file_with_infoscores_is_read_healthy_and_trained_on(cache: Path, tmp_path: Path) -> None:
    run(cache, tmp_path, queries=24, retrieved=3, random=3, adaptive=False)
    path = tmp_path / "rl_data.json"
    meta = json.loads(path.read_text())["_meta"]
    assert meta["params"] | {"scorer": "infoscore", "beam_size": BEAMS, "construct_order": "left"} == meta["params"]
    assert "P(answer | pointer, query) - P(answer | query)" in meta["notes"]
    measures, findings = rl_findings(read_rl_file(path))
    assert measures["gen_methods"].keys() == {"infoscore", "retrieval", "random"}
    assert not [one for one in findings if one.severity == "error"]
    by_infoscore: dict[str, Any] = {"reward_mode": "legacy", "reward_alpha": 1.0, "filter_gen_methods": ("infoscore",)}
    rewards: tuple[dict[str, Any], ...] = ({}, by_infoscore)
    for reward in rewards:
        spec = TrainSpec(
            kind="rce", rl_data=str(path), embeddings=str(builtin_file("embeddings")), rce_epochs=2, device="cpu",
            **reward,
        )  # fmt: skip
        told = train(spec, RunContext(tmp_path / f"trained by {len(reward)}", cache))
        losses = [row.value for row in told if isinstance(row, Metric) and row.name == "rce_loss"]
        assert len(losses) == 2
        assert losses[1] < losses[0]


def test_a_resumed_run_searches_no_query_twice(
    vlm: LocalVLM, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = by_query(run(cache, tmp_path))
    lines = (tmp_path / information.FILE).read_text()
    (tmp_path / information.FILE).write_text(lines[: int(len(lines) * 0.7)])  # as a kill leaves it
    searched: list[int] = []
    own = InfoScores._searched

    def seen(self: InfoScores, query: Sample, pool: Sequence[int]) -> list[information.Beam]:
        searched.append(query.question_id)
        return own(self, query, pool)

    monkeypatch.setattr(InfoScores, "_searched", seen)
    again = by_query(run(cache, tmp_path))
    assert len(searched) == 2
    assert again.keys() == whole.keys()
    for row, some in again.items():
        assert [one.pointer for one in some] == [one.pointer for one in whole[row]]
        assert [one.beam_score for one in some] == pytest.approx([one.beam_score for one in whole[row]])
    searched.clear()
    run(cache, tmp_path)
    assert searched == [], "the line that was cut short does not spoil those behind it"


def test_a_bad_image_leaves_its_demonstrations_out_and_is_told(cache: Path, tmp_path: Path) -> None:
    root = write_official(tmp_path / "okvqa")
    broken = open_dataset(root, cache_dir=cache).train.questions[3]
    broken.image.write_bytes(b"no image")
    small = {"dataset": str(root), "pool": "first", "pool_size": POOL, "queries": 12}
    rows = run(cache, tmp_path / "run", **small)
    candidates = [one for one in rows if isinstance(one, Candidate)]
    assert candidates
    assert not any(3 in one.pointer or one.query_id == 3 for one in candidates)
    assert next(row.value for row in rows if isinstance(row, Fact) and row.name == "gaps") > 0
    assert "image-unreadable" in {row.code for row in rows if isinstance(row, Finding)}
    with pytest.raises(UserError, match="run without strict"):
        run(cache, tmp_path / "strict", strict=True, **small)


def test_engines_score_references_alike(vlm: LocalVLM, cache: Path) -> None:
    questions = open_dataset("builtin", cache_dir=cache).train.questions
    plain = open_vlm("builtin", decode=DecodeSpec(), device="cpu", cache_dir=cache, engine="plain", batch_size=3)
    packed = open_vlm("builtin", decode=DecodeSpec(), device="cpu", cache_dir=cache, engine="packed")
    prompts = [
        Prompt(
            **{**_fields(build(GenerateSpec().prompt, questions[at : at + at % 3], questions[9])), "references": texts}
        )
        for at, texts in enumerate((("red",), ("a square", "blue"), ("green",), (), ("two", "yes")))
    ]
    for answer, other, prompt in zip(
        answers_in_order(plain, prompts), answers_in_order(packed, prompts), prompts, strict=True
    ):
        expected = [log_p(vlm, prompt, text) for text in prompt.references]
        assert list(answer.log_probs) == pytest.approx(expected, abs=1e-4)
        assert list(other.log_probs) == pytest.approx(expected, abs=1e-4)
        assert answer.raw == other.raw


def _fields(prompt: Prompt) -> dict[str, Any]:
    return {name: getattr(prompt, name) for name in ("system", "texts", "images", "min_pixels", "max_pixels", "labels")}


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"all_pairs": True}, "give one of them"),
        ({"pool": "all"}, "give another pool"),
    ],
)
def test_what_excludes_infoscores_is_said(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValueError, match=sentence):
        spec_of(**fields)


def test_a_rule_states_no_probability(cache: Path, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="info_beams: copy-nearest states no probability"):
        run(cache, tmp_path, vlm="copy-nearest")
