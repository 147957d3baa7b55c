"""The recipe that makes RL data, with a scripted model over a small OKVQA folder: candidates, budget, resuming, the file."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from db.rows import Artifact, Candidate, Fact, Metric, Progress, Question, Row, StoredAnswer, Subset
from db.specs import EvalSpec, Finding, GenerateSpec, UserError
from db.specs.selector import PUBLISHED
from engine.common.accuracy import METRIC, clean_answer, vqa_accuracy
from engine.data.datasets import Split, open_dataset
from engine.recipes.budget import ROUND
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.writing.merging import holes, write_merged
from engine.selector import PointerSelector
from engine.selector.checkpoint import save_selector
from engine.vlm.prompt import build
from engine.vlm.protocol import Answer
from tests.helpers_data import write_official
from tests.helpers_generate import ScriptedVLM

Kind = TypeVar("Kind", bound=Row)
QUERIES = 12
WIDTH = 6  # of the scripted features: image and text


@dataclass
class World:
    """A data folder, a cache and a model."""

    root: Path
    cache: Path
    vlm: ScriptedVLM

    @property
    def train(self) -> Split:
        return open_dataset(self.root, cache_dir=self.cache).train

    def spec(self, **fields: Any) -> GenerateSpec:
        known: dict[str, Any] = {
            "dataset": str(self.root),
            "vlm": "scripted",
            "queries": QUERIES,
            "pool_size": 16,
            "device": "cpu",
        }
        return GenerateSpec(**known | fields)

    def context(self, **fields: Any) -> RunContext:
        return RunContext(self.cache / "r7", self.cache, **fields)

    def run(self, context: RunContext | None = None, **fields: Any) -> list[Row]:
        return list(generate(self.spec(**fields), context or self.context()))

    def file(self) -> RLFile:
        return read_rl_file(self.cache / "r7" / "rl_data.json")

    def document(self) -> dict[str, Any]:
        document: dict[str, Any] = json.loads((self.cache / "r7" / "rl_data.json").read_text())
        return document


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    vlm = ScriptedVLM()
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", lambda *_, **__: vlm)
    return World(write_official(tmp_path / "okvqa"), tmp_path / "cache", vlm)


def only(rows: Sequence[Row], kind: type[Kind]) -> list[Kind]:
    return [row for row in rows if isinstance(row, kind)]


def facts(rows: Sequence[Row]) -> dict[str, Any]:
    return {fact.name: fact.value for fact in only(rows, Fact)}


def by_query(candidates: Sequence[Candidate]) -> dict[int, list[Candidate]]:
    found: dict[int, list[Candidate]] = {}
    for one in candidates:
        found.setdefault(one.query_id, []).append(one)
    return found


def stored(rows: Sequence[Row]) -> dict[tuple[int, tuple[int, ...]], Candidate]:
    return {(one.query_id, one.pointer): one for one in only(rows, Candidate)}


def save(folder: Path) -> Path:
    torch.manual_seed(0)
    net = PointerSelector(PUBLISHED["v2"], d_model=WIDTH, hidden_dim=8, num_layers=1, shots=2).eval()
    save_selector(folder / "selector.safetensors", net)
    return folder / "selector.safetensors"


def test_candidates_are_scored_like_an_evaluation(world: World) -> None:
    spec = world.spec()
    for one in only(world.run(), Candidate):
        query, shown = world.train.questions[one.query_id], [world.train.questions[row] for row in one.pointer]
        prompt = build(EvalSpec().prompt, shown, query)
        assert one.request_sha == world.vlm.request_sha(prompt)
        assert one.raw == shown[-1].label
        assert one.answer == clean_answer(one.raw)
        assert one.score == vqa_accuracy(one.answer, query.answers)
    assert spec.prompt.sha() == EvalSpec().prompt.sha()
    assert spec.decode.sha() == EvalSpec().decode.sha()


@pytest.mark.parametrize("cut", [True, False])
def test_a_candidate_says_whether_its_answer_was_cut(world: World, cut: bool) -> None:
    world.vlm.cut = cut
    assert {one.cut for one in only(world.run(), Candidate)} == {cut}


def test_no_set_twice_never_the_query_itself_and_only_the_pool(world: World) -> None:
    candidates = by_query(only(world.run(), Candidate))
    assert len(candidates) == QUERIES
    document = world.document()
    for query, group in candidates.items():
        sets = [frozenset(one.pointer) for one in group]
        assert len(set(sets)) == len(sets)
        assert query not in set().union(*sets)
        assert set().union(*sets) <= set(document[str(query)]["candidate_pool_ids"])


def test_a_query_with_signal_gets_no_more_and_one_without_gets_the_most(world: World) -> None:
    sizes = set()
    for group in by_query(only(world.run(min_candidates=4, max_candidates=11), Candidate)).values():
        scores = [one.score for one in group]
        sizes.add(len(scores))
        if len(set(scores)) == 1:
            assert len(scores) == 11
        else:
            judged = range(4, len(scores) + 1, ROUND)
            assert [n for n in judged if len(set(scores[:n])) > 1][:1] == [len(scores)] or len(scores) == 11
    assert len(sizes) > 1, "the folder has queries of both kinds"


def test_without_adaptation_every_query_gets_its_share(world: World) -> None:
    groups = by_query(only(world.run(adaptive=False, retrieved=4, random=2), Candidate))
    assert {len(group) for group in groups.values()} <= {5, 6}
    assert Counter(one.method for one in groups[next(iter(groups))])["retrieval"] == 4


def test_batches_stay_full(world: World) -> None:
    world.vlm.at_once = 16
    world.run()
    assert max(world.vlm.calls) == 16
    assert sum(size == 16 for size in world.vlm.calls) >= len(world.vlm.calls) - 8, "only the last rounds are small"


def test_what_is_said_beside_the_candidates(world: World) -> None:
    rows = world.run()
    said = facts(rows)
    order = world.train.order_sha
    assert (said["vlm_sha"], said["decode_sha"], said["train_order_sha"]) == ("model", "decode", order)
    assert (said["prompt_sha"], said["pool"], said["pool_size"]) == (EvalSpec().prompt.sha(), "rand-sampler", 16)
    assert said["vlm_batch_size"] == 4, "what changed while it ran is said again"
    (subset,) = only(rows, Subset)
    assert (subset.split, len(subset.question_ids)) == ("train", QUERIES)
    progress = only(rows, Progress)
    assert (progress[-1].done, progress[-1].total, progress[-1].unit) == (QUERIES, QUERIES, "queries")
    assert "signal" in progress[-1].note
    answers = len(only(rows, Candidate))
    last = {one.name: one for one in only(rows, Metric)}
    assert last["signal_rate"].step == last["positive_rate"].step == answers
    right = sum(one.score > 0 for one in only(rows, Candidate))
    assert last["positive_rate"].value == right / answers


def test_questions_come_before_the_candidates_that_name_them(world: World) -> None:
    known: set[int] = set()
    for row in world.run():
        if isinstance(row, Question):
            assert row.split == "train"
            assert row.question_id not in known
            known.add(row.question_id)
        if isinstance(row, Candidate):
            assert {world.train.ids[at] for at in (row.query_id, *row.pointer)} <= known


def test_the_file_says_what_was_found(world: World) -> None:
    rows = world.run()
    candidates, file = by_query(only(rows, Candidate)), world.file()
    assert file.variant == "R3"
    assert file.query_ids.tolist() == sorted(candidates)
    for at, query in enumerate(file.query_ids.tolist()):
        mine = slice(file.offsets[at], file.offsets[at + 1])
        assert {tuple(pointer): score for pointer, score in zip(
            file.candidates.rows[mine].tolist(), file.candidates.accuracy[mine].tolist(), strict=True
        )} == {one.pointer: one.score for one in candidates[query]}  # fmt: skip
        assert file.queries[at].answers == world.train.questions[query].answers
        assert file.queries[at].question_id == world.train.ids[query]
    assert (file.candidates.correct == (file.candidates.accuracy > 0)).all()
    assert np.isnan(file.candidates.gt_prob).all(), "reference probabilities are absent"
    assert (file.candidates.relevance[file.candidates.correct == 1] == 1).all()
    assert file.candidates.mode.of("vqaEval").all()
    (artifact,) = only(rows, Artifact)
    assert (artifact.kind, artifact.path) == ("rl-data", str(file.path))
    assert artifact.facts["candidates"] == len(only(rows, Candidate))


def test_the_metadata_hold_every_hash(world: World) -> None:
    world.run()
    meta = world.document()["_meta"]
    assert meta["prompt_sha"] == EvalSpec().prompt.sha()
    assert meta["decode_sha"] == EvalSpec().decode.sha()
    assert (meta["model_sha"], meta["vqa_model"], meta["run"]) == ("model", "scripted", "r7")
    assert (meta["dataset_order_sha"], meta["metric"]) == (world.train.order_sha, METRIC)
    assert (meta["pool"]["rule"], meta["pool"]["size"], meta["pool"]["seed"]) == ("rand-sampler", 16, 42)
    assert meta["encoder"] == {"name": "vlm", "model": "scripted", "sha": "features"}
    assert meta["task_gen_args"]["num_beams"] == 3


def test_a_pool_of_all_rows_makes_the_layout_without_pools(world: World) -> None:
    world.run(pool="all")
    assert world.file().variant == "R2"
    assert not world.file().pools.sizes().any()
    assert world.document()["_meta"]["pool"]["rule"] == "all"


@pytest.mark.parametrize("stop", [1, 2, 5, 11, 30, 47, 10_000])
def test_a_run_that_is_cut_anywhere_ends_the_same_and_asks_nothing_twice(world: World, stop: int) -> None:
    whole = world.run()
    asked, expected = list(world.vlm.asked), world.document()
    world.vlm.asked.clear()
    rows = generate(world.spec(), world.context())
    first: list[Row] = []
    while len(only(first, Candidate)) < stop and (row := next(rows, None)) is not None:
        first.append(row)
    rows.close()  # type: ignore[attr-defined]  # recipes are generators
    known = stored(first)
    before = list(world.vlm.asked)
    world.vlm.asked.clear()
    second = world.run(world.context(candidates=known))
    assert stored(first).keys().isdisjoint(stored(second).keys())
    assert stored(first) | stored(second) == stored(whole)
    again = {one.request_sha for one in known.values()} & {world.vlm.request_sha_of(sha) for sha in world.vlm.asked}
    assert not again, "nothing that was stored is asked again"
    assert set(before) | set(world.vlm.asked) == set(asked)
    document = world.document()
    assert {key: value for key, value in document.items() if key != "_meta"} == {
        key: value for key, value in expected.items() if key != "_meta"
    }
    assert only(second, Progress)[-1].note == only(whole, Progress)[-1].note


def test_answers_of_other_runs_are_not_asked_again(world: World) -> None:
    first = world.run()
    known = {one.request_sha: StoredAnswer(one.raw, False, 0, "") for one in only(first, Candidate)}
    world.vlm.asked.clear()
    again = world.run(world.context(find_answers=lambda shas: {sha: known[sha] for sha in shas if sha in known}))
    assert not world.vlm.asked
    assert stored(again) == stored(first)


def test_a_candidate_says_that_its_answer_was_cut(world: World) -> None:
    cut = world.run(world.context(find_answers=lambda shas: dict.fromkeys(shas, StoredAnswer("red", True, 7, ""))))
    assert {candidate.cut for candidate in only(cut, Candidate)} == {True}
    assert {candidate.cut for candidate in only(world.run(), Candidate)} == {False}


def test_stored_candidates_that_are_proposed_no_more_stay_in_the_file(world: World) -> None:
    first = world.run()
    query, group = next(iter(by_query(only(first, Candidate)).items()))
    one, other, *_ = world.document()[str(query)]["candidate_pool_ids"]
    extra = replace(group[0], query_id=query, pointer=(one, other), request_sha="other")
    known = stored(first) | {(query, extra.pointer): extra}
    world.run(world.context(candidates=known))
    pointers = [tuple(one["pointer_global"]) for one in world.document()[str(query)]["pointer_candidates"]]
    assert Counter(pointers) == Counter({one.pointer for one in (*group, extra)})


def test_a_missing_image_leaves_candidates_out_and_is_said(world: World) -> None:
    (subset,) = only(world.run(), Subset)
    query = world.train.questions[world.train.index_of[subset.question_ids[0]]]
    query.image.unlink()
    rows = world.run()
    row = world.train.index_of[query.question_id]
    assert all(row not in (one.query_id, *one.pointer) for one in only(rows, Candidate))
    (finding,) = [one for one in only(rows, Finding) if one.code == "image-unreadable"]
    assert query.image.name in finding.message
    assert row not in world.file().query_ids
    with pytest.raises(UserError, match=query.image.name):
        world.run(strict=True)


def test_a_selector_proposes_beams_and_samples(world: World, tmp_path: Path) -> None:
    rows = world.run(selector=str(save(tmp_path)))
    found = only(rows, Candidate)
    assert {one.method for one in found} == {"beam", "retrieval", "sample", "random"}
    assert all((one.beam_rank is not None) == (one.method == "beam") for one in found)
    assert all(one.temperature in (1.0, 1.3) for one in found if one.method == "sample")
    assert facts(rows)["selector_encoder_sha"] == "features"
    record = next(record for key, record in world.document().items() if key != "_meta")
    assert record["pointer_candidates"][0]["beam_rank"] == 0
    order = [one["gen_method"] for one in record["pointer_candidates"]]
    assert order == sorted(order, key=("beam", "retrieval", "sample", "random").index)
    assert world.document()["_meta"]["selector"]["path"].endswith("selector.safetensors")


def test_each_image_is_embedded_once(world: World, tmp_path: Path) -> None:
    world.run(selector=str(save(tmp_path)), pool="mix-sampler")
    assert max(Counter(world.vlm.embedded).values()) == 1


@pytest.mark.parametrize("pool", ["rand-sampler", "text-sampler", "first"])
def test_shards_put_together_are_the_whole(world: World, pool: str) -> None:
    world.run(pool=pool)
    whole = world.document()
    parts = []
    for start, end in ((0, 5), (5, 7), (7, None)):
        rows = world.run(pool=pool, start_idx=start, end_idx=end)
        [subset] = only(rows, Subset)
        assert len(subset.question_ids) == len(world.document()) - 1
        parts.append(world.cache / f"part {start}.json")
        (world.cache / "r7" / "rl_data.json").rename(parts[-1])
    origins = write_merged(parts, world.cache / "merged.json")
    merged = json.loads((world.cache / "merged.json").read_text())
    assert {name: record for name, record in merged.items() if name != "_meta"} == {
        name: record for name, record in whole.items() if name != "_meta"
    }
    assert (merged["_meta"]["start_idx"], merged["_meta"]["end_idx"], holes(origins)) == (0, QUERIES, [])
    with pytest.raises(UserError, match="start_idx: 200 was asked for, but 40 queries were drawn"):
        world.run(queries=900, start_idx=200)


def test_random_pointers_need_no_features(world: World) -> None:
    rows = world.run(retrieved=0, random=3)
    assert not world.vlm.embedded
    assert world.document()["_meta"]["encoder"] is None
    assert {one.method for one in only(rows, Candidate)} == {"random"}


def test_more_queries_than_questions_takes_all(world: World) -> None:
    (subset,) = only(world.run(queries=1000), Subset)
    assert (subset.label, len(subset.question_ids)) == ("all", len(world.train))


def test_what_the_doctor_says_of_the_file_is_yielded(world: World) -> None:
    world.vlm.reply = lambda prompt: "nonsense"
    codes = {one.code for one in only(world.run(), Finding)}
    assert {"positive-rate-low", "signal-rate-low"} <= codes


def test_nothing_to_score_is_one_sentence(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(world.vlm, "_answer", lambda prompt: Answer("", error="a.jpg: broken"))
        with pytest.raises(UserError, match=r"no candidate could be scored: a\.jpg: broken"):
            world.run(retrieved=0)
    for sample in world.train.questions:
        sample.image.unlink(missing_ok=True)
    with pytest.raises(UserError, match=r"None of the \d+ images is there: looked for .*/COCO_train2014_"):
        world.run(retrieved=0)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"min_candidates": 30}, "exceeds max_candidates"),
        ({"shots": 5, "pool_size": 4}, "holds no pointer"),
        ({"retrieved": 0, "random": 0}, "nothing proposes"),
        ({"temperatures": (0.0,)}, "above 0"),
    ],
)
def test_impossible_specifications_are_refused(fields: dict[str, Any], sentence: str) -> None:
    with pytest.raises(ValidationError, match=sentence):
        GenerateSpec(**fields)
    assert GenerateSpec(selector="x", retrieved=0, random=0).beams
