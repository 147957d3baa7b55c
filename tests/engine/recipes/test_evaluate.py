"""The evaluation recipe over a small OKVQA folder with a scripted model: rows, resuming, reuse, flags and findings."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
import torch
from torch import Tensor

from db.rows import Cell, Fact, Prediction, Progress, Question, Row, StoredAnswer, Subset, Withdrawn
from db.specs import EvalSpec, Finding, UserError
from engine.common.accuracy import clean_answer, vqa_accuracy
from engine.common.images import MISSING_SHA, image_sha
from engine.data.datasets import open_dataset
from engine.data.defaults import resolve_retriever
from engine.demo import shipped
from engine.recipes.dataset_rows import NoAnswers
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext, Scored
from engine.statistics.intervals import interval
from engine.vlm.prompt import Prompt, request_sha
from engine.vlm.protocol import Answer, always
from tests.helpers_data import write_official

Kind = TypeVar("Kind", bound=Row)


@dataclass
class ScriptedVLM:
    """Answers by a rule and counts what it was asked."""

    reply: Callable[[Prompt], str] = lambda prompt: "red"
    name: str = "scripted"
    sha: str = "model"
    decode_sha: str = "decode"
    features_sha: str = "features"
    cut: bool = False
    asked: list[Prompt] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    at_once: int = 32

    def findings(self) -> Sequence[Finding]:
        return ()

    def request_sha(self, prompt: Prompt) -> str:
        return request_sha(self.sha, prompt.sha, self.decode_sha)

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        self.calls.append(len(prompts))
        self.asked += prompts
        yield {place: self._answer(prompt) for place, prompt in enumerate(prompts)}

    def _answer(self, prompt: Prompt) -> Answer:
        missing = [path for path in prompt.images if image_sha(path) == MISSING_SHA]
        return Answer("", error=f"{missing[0]}: no file") if missing else Answer(self.reply(prompt), cut=self.cut)

    def facts(self) -> Mapping[str, Any]:
        return {"vlm": self.name, "vlm_batch_size": 8 if not self.calls else 4}

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        return torch.tensor([[float(int(path.stem[-2:])), 1.0] for path in paths])

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        return torch.tensor([[float(len(text)), 1.0] for text in texts])


@dataclass
class World:
    """A data folder, a cache and a model."""

    root: Path
    cache: Path
    vlm: ScriptedVLM

    def spec(self, **fields: Any) -> EvalSpec:
        return EvalSpec(
            **{"dataset": str(self.root), "vlm": "scripted", "retriever": "random", "shots": (0, 1, 2)} | fields
        )

    def run(self, context: RunContext | None = None, **fields: Any) -> list[Row]:
        return list(self.stream(context, **fields))

    def stream(self, context: RunContext | None = None, **fields: Any) -> Iterator[Row]:
        return evaluate(self.spec(**fields), context or self.context())

    def context(self, **fields: Any) -> RunContext:
        return RunContext(self.cache / "run", self.cache, **fields)


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    vlm = ScriptedVLM()
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", lambda *_, **__: vlm)
    return World(write_official(tmp_path / "okvqa"), tmp_path / "cache", vlm)


def only(rows: Sequence[Row], kind: type[Kind]) -> list[Kind]:
    return [row for row in rows if isinstance(row, kind)]


def facts(rows: Sequence[Row]) -> dict[str, Any]:
    return {fact.name: fact.value for fact in only(rows, Fact)}


def codes(rows: Sequence[Row]) -> set[str]:
    return {finding.code for finding in only(rows, Finding)}


def final_cells(rows: Sequence[Row]) -> dict[tuple[str, int], Cell]:
    return {(cell.subset_sha, cell.shot): cell for cell in only(rows, Cell)}


def test_every_question_and_shot_gets_one_scored_answer(world: World) -> None:
    rows = world.run()
    predictions = only(rows, Prediction)
    val = open_dataset(world.root, cache_dir=world.cache).val
    assert len({(one.question_id, one.shot) for one in predictions}) == len(predictions) == 3 * 24
    for one in predictions:
        assert len(one.demonstrations) == one.shot
        assert one.answer == clean_answer(one.raw) == "red"
        assert one.score == vqa_accuracy("red", val.questions[val.index_of[one.question_id]].answers)
        assert not one.reused
    progress = only(rows, Progress)
    assert (progress[0].done, progress[-1].done, progress[-1].total) == (0, 72, 72)


def test_cells_are_the_interval_of_the_scores(world: World) -> None:
    rows = world.run()
    val = open_dataset(world.root, cache_dir=world.cache).val
    (subset,) = only(rows, Subset)
    for shot in (0, 1, 2):
        cell = final_cells(rows)[subset.sha, shot]
        scores = {one.question_id: one.score for one in only(rows, Prediction) if one.shot == shot}
        expected = interval([scores[one] for one in val.ids], [one.image_id for one in val.questions])
        assert (cell.accuracy, cell.ci_low, cell.ci_high) == (expected.mean, expected.low, expected.high)
        assert (cell.n, cell.n_done, cell.shots_used) == (24, 24, {shot: 24})
    assert final_cells(rows)[subset.sha, 0].distinct_sets == 1
    assert final_cells(rows)[subset.sha, 2].distinct_sets > 1


def test_every_question_that_is_referred_to_comes_before_its_prediction(world: World) -> None:
    known: set[tuple[str, int]] = set()
    for row in world.run():
        if isinstance(row, Question):
            assert (row.split, row.question_id) not in known
            known.add((row.split, row.question_id))
        if isinstance(row, Prediction):
            assert {("val", row.question_id), *(("train", one) for one in row.demonstrations)} <= known


def test_facts_say_what_the_run_was_made_with(world: World) -> None:
    found = facts(world.run(pool="random", pool_size=10))
    data = open_dataset(world.root, cache_dir=world.cache)
    assert found["dataset_sha"] == data.sha
    assert (found["order_sha"], found["train_order_sha"]) == (data.val.order_sha, data.train.order_sha)
    assert (found["retriever"], found["pool"], found["pool_size"]) == ("random", "random", 10)
    assert found["prompt_sha"] == EvalSpec().prompt.sha()
    assert (found["vlm_sha"], found["decode_sha"]) == ("model", "decode")
    assert found["vlm_batch_size"] == 4, "facts that changed while asking are stated again"
    assert "official" in found["metric"] or "leave one out" in found["metric"]
    assert "synthetic" not in found


def test_demonstrations_are_shown_in_order_with_their_labels(world: World) -> None:
    rows = world.run(shots=(2,))
    train = open_dataset(world.root, cache_dir=world.cache).train
    for prompt, prediction in zip(world.vlm.asked, only(rows, Prediction), strict=True):
        shown = [train.questions[train.index_of[one]] for one in prediction.demonstrations]
        assert list(prompt.images[:-1]) == [one.image for one in shown]
        for text, one in zip(prompt.texts, shown, strict=False):
            assert text.endswith(f"Short answer:{one.label}")


def test_limit_and_first_make_labelled_subsets(world: World) -> None:
    rows = world.run(first=(5, 10), shots=(1,))
    assert [subset.label for subset in only(rows, Subset)] == ["first 5", "first 10"]
    assert sorted(cell.n for cell in final_cells(rows).values()) == [5, 10]
    assert len(only(rows, Prediction)) == 10
    assert [subset.label for subset in only(world.run(limit=7), Subset)] == ["random 7 (seed 42)"]


def test_subset_and_shots_do_not_change_an_answer(world: World) -> None:
    whole = {(one.question_id, one.shot): one.request_sha for one in only(world.run(), Prediction)}
    part = {(one.question_id, one.shot): one.request_sha for one in only(world.run(limit=6, shots=(2,)), Prediction)}
    assert len(part) == 6
    assert part.items() <= whole.items()


def test_stored_answers_are_not_computed_again(world: World) -> None:
    first = only(world.run(), Prediction)
    store = {one.request_sha: StoredAnswer(one.raw, one.cut, 7, "") for one in first[:40]}
    questions: list[int] = []

    def find(shas: Sequence[str]) -> dict[str, StoredAnswer]:
        questions.append(len(shas))
        return {sha: store[sha] for sha in shas if sha in store}

    world.vlm.asked.clear()
    again = only(world.run(world.context(find_answers=find)), Prediction)
    assert len(world.vlm.asked) == 72 - 40
    assert sum(one.reused for one in again) == 40
    assert {replace(one, reused=False, source=0) for one in again} == set(first)
    assert questions == [72], "the store is asked for many at once"


def test_equal_requests_are_computed_once(world: World) -> None:
    """A pool of one gives the same prompt for one, two and three shots."""
    predictions = only(world.run(shots=(1, 2, 3), pool="first", pool_size=1), Prediction)
    assert len(predictions) == 72
    assert len(world.vlm.asked) == 24
    assert sum(one.reused for one in predictions) == 48


def test_a_resumed_run_asks_only_what_is_open_and_counts_everything(world: World) -> None:
    whole = world.run()
    done = only(whole, Prediction)[:50]
    answered = {(one.question_id, one.shot): Scored(one.score) for one in done}
    world.vlm.asked.clear()
    rows = world.run(world.context(answered=answered))
    assert len(world.vlm.asked) == len(only(rows, Prediction)) == 22
    assert not {(one.question_id, one.shot) for one in only(rows, Prediction)} & answered.keys()
    assert only(rows, Progress)[0].done == 50
    assert final_cells(rows) == final_cells(whole)


def test_a_finished_run_resumed_only_states_its_cells(world: World) -> None:
    whole = world.run()
    answered = {(one.question_id, one.shot): Scored(one.score) for one in only(whole, Prediction)}
    world.vlm.asked.clear()
    rows = world.run(world.context(answered=answered))
    assert not world.vlm.asked
    assert final_cells(rows) == final_cells(whole)


def test_shares_count_what_was_answered_before(world: World) -> None:
    val = open_dataset(world.root, cache_dir=world.cache).val
    answered = {(one, 0): Scored(0.0, empty=True, cut=True) for one in val.ids[:12]}
    rows = world.run(world.context(answered=answered), shots=(0,))
    assert facts(rows)["empty_share"] == facts(rows)["cut_share"] == 0.5


def test_intermediate_cells_show_what_is_known(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.recipes.evaluate.CELLS_EVERY_S", 0.0)
    monkeypatch.setattr("engine.recipes.evaluate.CELLS_SHARE", 1e9)
    world.vlm.at_once = 4
    cells = [cell for cell in only(world.run(), Cell) if cell.shot == 2]
    done = [cell.n_done for cell in cells]
    assert len(done) > 5
    assert done == sorted(done)
    assert done[-1] == 24
    assert cells[0].ci_high - cells[0].ci_low > cells[-1].ci_high - cells[-1].ci_low


def test_prompts_are_handed_over_in_a_few_batches(world: World) -> None:
    world.vlm.at_once = 12
    world.run()
    assert max(world.vlm.calls) == 12
    assert sum(world.vlm.calls) == 72


def remove_image(world: World, split: str, index: int) -> int:
    sample = open_dataset(world.root, cache_dir=world.cache).split(split).questions[index]
    sample.image.unlink()
    return sample.image_id


def test_a_missing_image_flags_its_questions_and_leaves_the_figures(world: World) -> None:
    images = {remove_image(world, "val", 1), remove_image(world, "val", 20)}
    rows = world.run()
    val = open_dataset(world.root, cache_dir=world.cache).val
    flagged = {one.question_id for one in val.questions if one.image_id in images}
    errors = [one for one in only(rows, Prediction) if one.error]
    assert {one.question_id for one in errors} == flagged
    assert len(errors) == 3 * len(flagged)
    for one in errors:
        assert str(val.questions[val.index_of[one.question_id]].image) in one.error
        assert one.score == 0
    for cell in final_cells(rows).values():
        assert (cell.n, cell.n_done) == (24, 24 - len(flagged))
    before, after = [one for one in only(rows, Finding) if one.code == "images-missing"]
    assert before.subject == after.subject, "what is known in the end takes the place of what was said before"
    assert f"{len(flagged)} of 24 questions" in after.message


def test_a_missing_image_of_a_demonstration_flags_too(world: World) -> None:
    for path in sorted((world.root / "mscoco2014" / "train2014").iterdir())[:-1]:
        path.unlink()
    rows = world.run(shots=(0, 8))
    assert {one.shot for one in only(rows, Prediction) if one.error} == {8}
    cells = {cell.shot: cell for cell in final_cells(rows).values()}
    assert cells[0].n_done == 24
    assert 8 not in cells, "a figure over no answer is no figure"
    assert ("images-missing", "train images") in {(one.code, one.subject) for one in only(rows, Finding)}


@pytest.mark.parametrize("split", ["train", "val"])
def test_without_any_image_no_model_is_loaded(world: World, split: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for path in (world.root / "mscoco2014" / f"{split}2014").iterdir():
        path.unlink()
    monkeypatch.setattr("engine.recipes.answering_model.open_vlm", None)
    with pytest.raises(
        UserError, match=rf"None of the \d+ images is there: looked for .*/COCO_{split}2014_\d{{12}}\.jpg; Put"
    ):
        world.run(shots=(1,))


def test_what_a_resumed_run_could_ask_at_last_is_no_finding_any_more(world: World) -> None:
    missing = open_dataset(world.root, cache_dir=world.cache).val.questions[1].image
    content = missing.read_bytes()
    missing.unlink()
    first = world.run(shots=(0,))
    missing.write_bytes(content)
    done = {(p.question_id, p.shot): Scored(p.score) for p in only(first, Prediction) if not p.error}
    assert 0 < len(done) < 24
    rows = world.run(world.context(answered=done), shots=(0,))
    assert len(only(rows, Prediction)) == 24 - len(done)
    assert [cell.n_done for cell in final_cells(rows).values()] == [24]
    told = {(one.code, one.subject) for one in only(first, Finding) if one.code == "images-missing"}
    assert told <= {(one.code, one.subject) for one in only(rows, Withdrawn)}
    assert told


def test_a_run_without_an_answer_has_failed_and_has_no_figure(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(world.vlm, "_answer", lambda prompt: Answer("", error="a.jpg: no image"))
    rows: list[Row] = []
    with pytest.raises(NoAnswers, match=r"None of the 24 questions was answered, .*: a\.jpg: no image; Mend that"):
        rows.extend(world.stream(retriever="zero-shot"))
    assert only(rows, Cell) == []
    (finding,) = [one for one in only(rows, Finding) if one.code == "no-answers"]
    assert (finding.severity, finding.subject) == ("error", "answers")


def test_strict_stops_at_a_missing_image(world: World) -> None:
    remove_image(world, "val", 3)
    with pytest.raises(UserError, match=r"question \d+: .*\.jpg"):
        world.run(strict=True)


def test_zero_shot_answers_without_demonstrations_or_train(world: World) -> None:
    for path in world.root.glob("*train2014*.json"):
        path.unlink()
    rows = world.run(retriever="zero-shot", shots=(2,))
    assert {(one.shot, one.demonstrations) for one in only(rows, Prediction)} == {(0, ())}
    (finding,) = [one for one in only(rows, Finding) if one.code == "shots-truncated"]
    assert finding.severity == "info"
    assert codes(world.run(retriever="zero-shot", shots=(0,))) == set()
    with pytest.raises(UserError, match="lacks OpenEnded_mscoco_train2014"):
        world.run(shots=(1,))


def test_queries_from_train_never_see_themselves(world: World) -> None:
    predictions = only(world.run(split="train", shots=(4,), retriever="i2i"), Prediction)
    assert len(predictions) == 40
    assert all(one.question_id not in one.demonstrations for one in predictions)


@pytest.mark.parametrize("retriever", ["t2t", "i2i", "i2t"])
def test_neighbours_by_the_models_own_features(world: World, retriever: str) -> None:
    rows = world.run(retriever=retriever, shots=(2,))
    assert (facts(rows)["encoder"], facts(rows)["encoder_model"]) == ("vlm", "scripted")
    assert ("spaces-differ" in codes(rows)) == (retriever == "i2t")
    assert any(row.unit == "features" for row in only(rows, Progress))


def test_neighbours_survive_a_missing_image(world: World) -> None:
    remove_image(world, "train", 0)
    remove_image(world, "val", 0)
    assert len(only(world.run(retriever="i2i", shots=(1,)), Prediction)) == 24


def test_every_pool_rule_works_end_to_end(world: World) -> None:
    for pool in ("all", "first", "random", "rand-sampler", "text-sampler", "image-sampler", "mix-sampler"):
        rows = world.run(pool=pool, pool_size=8, shots=(2,), limit=3)
        assert len(only(rows, Prediction)) == 3
        assert facts(rows)["pool_per_query"] == pool.endswith("sampler")


def test_all_alike_is_found_whatever_the_order(world: World) -> None:
    rows = world.run(pool="first", pool_size=2, shots=(2,))
    (finding,) = [one for one in only(rows, Finding) if one.code == "pool-degenerate"]
    assert "all 24 questions" in finding.message
    assert "2 orders" in finding.message
    assert "pool-degenerate" not in codes(world.run(pool="first", pool_size=3, shots=(2,)))
    assert "pool-degenerate" not in codes(world.run(retriever="fixed", shots=(2,)))
    assert "pool-degenerate" not in codes(world.run(pool="first", pool_size=2, shots=(2,), limit=1))


def test_fewer_shots_than_asked_are_told_with_their_histogram(world: World) -> None:
    rows = world.run(pool="first", pool_size=2, shots=(2, 4))
    (finding,) = [one for one in only(rows, Finding) if one.code == "shots-truncated"]
    assert finding.subject == "shot 4"
    assert "24 of 24 questions" in finding.message
    assert "2 shots: 24" in finding.message
    assert {cell.shot: dict(cell.shots_used) for cell in final_cells(rows).values()} == {2: {2: 24}, 4: {2: 24}}


def test_empty_and_cut_answers_are_told(world: World) -> None:
    world.vlm.reply, world.vlm.cut = (lambda prompt: "Question: what"), True
    rows = world.run(shots=(0,))
    assert {"empty-answers", "answers-cut"} <= codes(rows)
    assert (facts(rows)["empty_share"], facts(rows)["cut_share"]) == (1.0, 1.0)


def test_a_clean_run_has_no_findings(world: World) -> None:
    assert codes(world.run()) == set()


def test_default_retriever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "selector_path", lambda dataset: None, raising=False)
    assert resolve_retriever(EvalSpec()) == "random"
    assert resolve_retriever(EvalSpec(selector="x.pt")) == "selector"
    assert resolve_retriever(EvalSpec(selector="x.pt", retriever="fixed")) == "fixed"
    monkeypatch.setattr(shipped, "selector_path", lambda dataset: Path("built-in"), raising=False)
    assert resolve_retriever(EvalSpec()) == "selector"
    assert resolve_retriever(EvalSpec(vlm="other")) == "random"
    assert resolve_retriever(EvalSpec(dataset="other")) == "random"


def test_a_selector_that_is_nowhere(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shipped, "selector_path", lambda dataset: None, raising=False)
    with pytest.raises(UserError, match="selector: no checkpoint was given"):
        world.run(retriever="selector")
    with pytest.raises(UserError, match=r"nowhere\.pt"):
        world.run(selector="nowhere.pt", retriever="selector")


def test_demonstrations_may_come_from_another_data_set(world: World, tmp_path: Path) -> None:
    other = write_official(tmp_path / "other", kind="vqav2")
    support = open_dataset(other, cache_dir=world.cache)
    rows = world.run(support=str(other), shots=(0, 2))
    assert facts(rows)["support_sha"] == support.sha
    assert facts(rows)["dataset_sha"] != support.sha
    shown = {q for one in only(rows, Prediction) for q in one.demonstrations}
    assert shown <= set(support.train.ids)
    assert {row.question_id for row in only(rows, Question) if row.dataset_sha == support.sha} == shown
    assert {row.split for row in only(rows, Question) if row.dataset_sha == support.sha} == {"train"}


def test_a_support_that_is_the_data_set_itself_is_none(world: World) -> None:
    assert "support_sha" not in facts(world.run(support=str(world.root), shots=(1,)))
