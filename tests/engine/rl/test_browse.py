"""Filtering, sorting and reading an indexed RL file, its train rows, and two files side by side."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from db.specs.base import UserError
from db.specs.terms import BadFilter
from engine.rl.index.browse import Browse
from engine.rl.index.build import build
from engine.rl.index.compare import SideBySide, shared_pointers
from engine.rl.index.train_questions import TrainRows, main, write_train_rows
from tests import helpers_rl

Candidate = dict[str, Any]


def scored(accuracy: float, said: str = "red", **more: Any) -> Candidate:
    """A candidate of this accuracy."""
    found = {"pointer": [1, 2], "vqa_correct": int(accuracy > 0), "vqa_acc_score": accuracy, "vqa_pred_answer": said}
    return found | {"gen_method": "beam", "vqa_eval_mode": "vqaEval"} | more


def asked(question: str, image: int, answers: list[str], *group: Candidate) -> dict[str, Any]:
    """A record."""
    about = {"question": question, "question_id": 10 * image, "image_id": image, "gt_answers_raw": answers}
    return {"query": about, "pointer_candidates": [one | {"pointer": [100 + i, 50 + i]} for i, one in enumerate(group)]}


DOCUMENT = {
    "30": asked("Where is the Bird?", 3, ["tree", "north pole"], scored(0.0), scored(0.6), scored(1.0, "tree")),
    "10": asked("What colour is the dog?", 1, ["red"], scored(0.0, "blue"), scored(0.0, "red", gen_method="aug_swap")),
    "20": asked("Which façade?", 2, ["tree house"], scored(1.0, "Tree"), scored(1.0)),
    "40": asked("", 4, [], scored(1.0, vqa_eval_mode="fallback", gen_method="random")),
    "7": {"pointer_candidates": []},
}


@pytest.fixture(scope="module")
def browse(tmp_path_factory: pytest.TempPathFactory) -> Browse:
    """Five queries: mixed, all wrong, all right, unscored, empty."""
    folder = tmp_path_factory.mktemp("browse")
    return Browse(build(helpers_rl.write(folder / "rl.json", DOCUMENT), folder / "cache"))


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ("", [7, 10, 20, 30, 40]),
        ("positive:0", [7, 10, 40]),
        ("positive>=1 n>2", [30]),
        ("best>=0.6", [20, 30]),
        ("best<=1", [10, 20, 30]),
        ("mean<0.6", [10, 30]),
        ("rate>50%", [20, 30]),
        ("rate=1", [20]),
        ("spread:1", [30]),
        ("worst!=0", [20]),
        ("class:mixed", [30]),
        ("class:zero,one", [10, 20]),
        ("-class:none", [10, 20, 30]),
        ("class!=none", [10, 20, 30]),
        ("signal:yes", [30]),
        ("gen:beam", [10, 20, 30]),
        ("gen:aug", [10]),
        ("gen=aug", []),
        ("gen!=beam", [7, 40]),
        ("eval:fallback", [40]),
        ("mark:fallback", [40]),
        ("mark:any", [40]),
        ("image:3", [30]),
        ("question_id>20", [30, 40]),
        ("id:7,10", [7, 10]),
        ('"bird"', [30]),
        ("BIRD", [30]),
        ('"tree"', [20, 30]),
        ("tree", [20, 30]),
        ("façade", [20]),
        ("FAÇADE", [20]),
        ("answer:tree", [20, 30]),
        ("answer=tree", [30]),
        ('answer="tree house"', [20]),
        ("answer=pole", []),
        ("said:tree", [20, 30]),
        ("said=blue", [10]),
        ("question:colour", [10]),
        ("reward>=1.5", [20]),
        ("usable:0", [7, 40]),
        ('positive:0 gen:beam n>1 "dog"', [10]),
        ("zzz", []),
    ],
)
def test_filters(browse: Browse, where: str, found: list[int]) -> None:
    assert browse.select(where) == found


@pytest.mark.parametrize(
    ("where", "said"),
    [
        ("colour:red", "'colour:red' names no field: fields are"),
        ("n>many", "'many' is no number"),
        ("class:good", "one of zero, one, mixed, none"),
        ("class>1", "has no order"),
        ("mark:odd", "a mark is one of duplicate"),
        ("signal:maybe", "is yes or no"),
        ('"open', "is not closed"),
        ("n:", "empty value"),
        ("gen>beam", "has no order"),
    ],
)
def test_bad_terms_are_named(browse: Browse, where: str, said: str) -> None:
    with pytest.raises(BadFilter, match=said):
        browse.select(f"n>0 {where}")


@pytest.mark.parametrize(
    ("sort", "found"),
    [
        ("id", [7, 10, 20, 30, 40]),
        ("id desc", [40, 30, 20, 10, 7]),
        ("n", [30, 10, 20, 40, 7]),
        ("best desc", [20, 30, 10, 7, 40]),
        ("best asc", [10, 20, 30, 7, 40]),
        ("rate desc", [20, 30, 10, 7, 40]),
        ("spread", [30, 10, 20, 7, 40]),
        ("question", [10, 30, 20, 7, 40]),
    ],
)
def test_sorts_put_what_is_missing_last(browse: Browse, sort: str, found: list[int]) -> None:
    assert browse.select("", sort) == found


def test_a_wrong_sort_is_named(browse: Browse) -> None:
    with pytest.raises(BadFilter, match="cannot sort by 'colour'"):
        browse.select("", "colour")


def test_pages_hold_rows_by_id_and_leave_unknown_ids_out(browse: Browse) -> None:
    rows = browse.rows([30, 5, 7, 99])
    assert set(rows) == {7, 30}
    assert rows[30].question == "Where is the Bird?"
    assert math.isnan(rows[7].best)
    assert browse.rows([]) == {}


def test_a_query_at_length_has_rewards_of_every_mode(browse: Browse) -> None:
    group = browse.group(30)
    assert group.answers == ("tree", "north pole")
    assert [one.rewards["hard_plus_soft"] for one in group.candidates] == [0.0, 1.6, 2.0]
    assert [one.rewards["hard_plus_soft_v2"] for one in group.candidates] == [0.0, 2.6, 3.0]
    assert group.candidates[2].rows == (102, 52)


def test_a_query_that_is_not_there_is_named(browse: Browse) -> None:
    with pytest.raises(UserError, match="no query 5"):
        browse.group(5)


def test_a_changed_file_is_not_read_at_old_places(tmp_path: Path) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", DOCUMENT)
    browse = Browse(build(path, tmp_path / "cache"))
    assert browse.is_current()
    os.utime(path, ns=(1, 1))
    assert not browse.is_current()
    with pytest.raises(UserError, match="has changed since it was indexed"):
        browse.group(30)


def test_a_damaged_index_is_named(tmp_path: Path) -> None:
    side = tmp_path / "side.sqlite"
    side.write_bytes(b"nonsense" * 100)
    with pytest.raises(UserError, match="the index is damaged"):
        Browse(side)


def test_a_stored_prompt_and_raw_answer_are_shown(tmp_path: Path) -> None:
    document = {
        "1": {"pointer_candidates": [scored(1.0, vqa_raw_generation="Red.", vqa_prompt_text="Question: {question}")]}
    }
    browse = Browse(build(helpers_rl.write(tmp_path / "rl.json", document), tmp_path / "cache"))
    candidate = browse.group(1).candidates[0]
    assert (candidate.raw, candidate.prompt) == ("Red.", "Question: {question}")


def test_many_methods_share_the_last_bit(tmp_path: Path) -> None:
    document = {
        str(i): {"pointer_candidates": [scored(1.0, gen_method="beam" if i < 3 else f"sft_temp_{i}")]}
        for i in range(80)
    }
    browse = Browse(build(helpers_rl.write(tmp_path / "rl.json", document), tmp_path / "cache"))
    assert len(browse.select("gen:beam")) == 3
    assert len(browse.select("gen:sft_temp")) == 61
    assert len(browse.select("gen:others")) == 16


# Train rows


def test_train_rows_of_the_built_in_world_resolve_pointers(tmp_path: Path) -> None:
    file = tmp_path / "rows.sqlite"
    write_train_rows("builtin", file, tmp_path / "cache")
    rows = TrainRows(file).read([3, 1, 10**9])
    assert set(rows) == {1, 3}
    assert Path(rows[3].image).exists()
    document: dict[str, Any] = {
        str(row): {"query": {"question_id": one.question_id}, "pointer_candidates": [scored(1.0)]}
        for row, one in rows.items()
    }
    browse = Browse(build(helpers_rl.write(tmp_path / "rl.json", document), tmp_path / "cache"))
    assert TrainRows(file).agrees(list(browse.rows([1, 3]).values()))
    for one in document.values():
        one["query"]["question"] = "What did another world ask here?"
    other = Browse(build(helpers_rl.write(tmp_path / "other.json", document), tmp_path / "cache"))
    assert not TrainRows(file).agrees(list(other.rows([1, 3]).values()))
    strange = Browse(build(helpers_rl.write(tmp_path / "strange.json", DOCUMENT), tmp_path / "cache"))
    assert not TrainRows(file).agrees(list(strange.rows([7, 10, 20]).values()))
    assert not TrainRows(file).agrees([])


def test_a_folder_without_a_data_set_is_no_source_of_rows(tmp_path: Path) -> None:
    file = tmp_path / "rows.sqlite"
    assert main([str(tmp_path), str(file), "--cache", str(tmp_path)]) == 2
    assert not file.exists()


# Side by side


def test_two_files_side_by_side(tmp_path: Path) -> None:
    other = {key: DOCUMENT[key] for key in ("30", "10")} | {"50": DOCUMENT["20"]}
    other["10"] = asked("What colour is the cat?", 1, ["red"], scored(1.0), scored(1.0))
    other["_meta"] = {"vqa_model": "b", "task_gen_args": {"num_beams": 1}}
    first = Browse(build(helpers_rl.write(tmp_path / "a.json", DOCUMENT), tmp_path / "cache"))
    second = Browse(build(helpers_rl.write(tmp_path / "b.json", other), tmp_path / "cache"))
    sides = SideBySide(first, second)
    overlap = sides.overlap()
    assert (overlap.both, overlap.first_only, overlap.second_only, overlap.unlike_questions) == (2, 3, 1, 1)
    assert sides.select() == [10, 30]
    assert sides.select("difference") == [10, 30]
    assert sides.select("class") == [10, 30]
    assert sides.pairs([10])[10].difference == -1.0
    assert sides.pairs([10])[10].same_question is False
    assert ("task_gen_args.num_beams", "-", "1") in sides.makers()
    assert [name for name, _, _ in sides.rates()][:2] == ["queries", "candidates"]
    assert shared_pointers(first.group(10), second.group(10)) == (2, 2)
    assert shared_pointers(first.group(30), second.group(30)) == (3, 0)
