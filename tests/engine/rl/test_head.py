"""The first queries of a file without an index: whole or cut, of every kind, and what is no RL data at all."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from db.specs.base import UserError
from engine.rl.index import head as rl_head
from engine.rl.index.head import read_head
from tests import helpers_rl


@pytest.mark.parametrize("variant", sorted(helpers_rl.VARIANTS))
def test_head_reads_every_variant(tmp_path: Path, variant: str) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.VARIANTS[variant]())
    head = read_head(path)
    assert [row.query_id for row in head.rows] == list(range(10))
    assert head.whole
    assert not head.problem
    assert all(row.n for row in head.rows)


def test_rows_carry_the_figures_of_their_group(tmp_path: Path) -> None:
    candidates = [
        {"pointer": [1, 2], "vqa_correct": 1, "vqa_acc_score": 0.6, "vqa_eval_mode": "vqaEval"},
        {"pointer": [2, 3], "vqa_correct": 0, "vqa_acc_score": 0.0, "vqa_eval_mode": "vqaEval"},
        {"pointer": [3, 4], "vqa_correct": 1, "vqa_acc_score": 1.0, "vqa_eval_mode": "fallback"},
    ]
    path = helpers_rl.write(
        tmp_path / "rl.json", {"7": {"query": {"question": "Why?"}, "pointer_candidates": candidates}}
    )
    row = read_head(path).rows[0]
    assert (row.n, row.usable, row.positives, row.group_class) == (3, 2, 1, "mixed")
    assert (row.best, row.mean, row.spread) == (0.6, 0.3, 0.6)
    assert row.question == "Why?"


@pytest.mark.parametrize("question", ["plain", "façade 日本"])
def test_rows_say_where_their_record_lies(tmp_path: Path, question: str) -> None:
    document = helpers_rl.strict()
    document["3"]["query"]["question"] = question
    path = tmp_path / "rl.json"
    path.write_text("\ufeff" + json.dumps(document, indent=2, ensure_ascii=False), encoding="utf-8")
    data = path.read_bytes()
    for row in read_head(path).rows:
        assert json.loads(data[row.start : row.start + row.length]) == document[str(row.query_id)]


def test_only_the_beginning_of_a_large_file_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict(queries=30))
    monkeypatch.setattr(rl_head, "FIRST", path.stat().st_size // 3)
    head = read_head(path)
    assert 5 < len(head.rows) < 15
    assert not head.whole
    assert not head.problem


def test_a_first_record_larger_than_the_first_piece_is_read_all_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    monkeypatch.setattr(rl_head, "FIRST", 512)
    assert read_head(path).rows


def test_a_record_that_never_ends_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rl.json"
    path.write_text('{"1": {"query": {"question": "' + "x" * 5000 + '"}}}')
    monkeypatch.setattr(rl_head, "FIRST", 64)
    monkeypatch.setattr(rl_head, "MOST", 512)
    head = read_head(path)
    assert "does not end" in head.problem
    assert not head.rows


def test_a_cut_file_shows_what_is_whole(tmp_path: Path) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain())
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    head = read_head(path)
    assert 0 < len(head.rows) < 10
    assert "cut or damaged after" in head.problem


def test_wrong_types_count_as_absent(tmp_path: Path) -> None:
    record = {"query": 5, "candidate_pool_ids": "x", "pointer_candidates": [{"vqa_acc_score": "high"}, 7, None]}
    row = read_head(helpers_rl.write(tmp_path / "rl.json", {"1": record})).rows[0]
    assert (row.n, row.positives, row.pool) == (1, 0, 0)


def test_a_query_that_is_no_record_ends_the_list_with_a_sentence(tmp_path: Path) -> None:
    document = helpers_rl.plain(queries=2) | {"2": [1, 2]}
    head = read_head(helpers_rl.write(tmp_path / "rl.json", document))
    assert len(head.rows) == 2
    assert "query 2 is no record" in head.problem


def test_not_a_number_is_read(tmp_path: Path) -> None:
    path = tmp_path / "rl.json"
    path.write_text('{"1": {"pointer_candidates": [{"pointer": [1, 2], "vqa_acc_score": NaN, "vqa_correct": 1}]}}')
    assert read_head(path).rows[0].best == 1.0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("  \n", "is empty"),
        ("[1, 2]", "a JSON list"),
        ("hello", "not a JSON object"),
        ("\x00\x01", "not a JSON"),
    ],
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "rl.json"
    path.write_text(text)
    with pytest.raises(UserError, match=said):
        read_head(path)


def test_a_file_that_is_gone_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"gone\.json cannot be read"):
        read_head(tmp_path / "gone.json")


def test_the_first_queries_need_neither_numpy_nor_msgspec() -> None:
    code = (
        "import sys, engine.rl.index.head, leverplus_tui.data.rl_files; print({'numpy', 'msgspec'} & set(sys.modules))"
    )
    found = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert found.stdout.strip() == "set()"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f'{{"1{"0" * 30}": {{"pointer_candidates": []}}}}', "query id 100000000000000... is no row number"),
        (f'{{"1{"0" * 5000}": {{"pointer_candidates": []}}}}', "is no row number"),
        (f'{{"1": {{"pointer_candidates": [], "query": {{"question_id": {"9" * 5000}}}}}}}', "after 0 queries"),
        (f'{{"1": {{"a": {"[" * 90_000}{"]" * 90_000}, "pointer_candidates": []}}}}', "after 0 queries"),
    ],
    ids=["long id", "very long id", "long number", "deep"],
)
def test_what_python_itself_refuses_is_said(text: str, said: str, tmp_path: Path) -> None:
    path = tmp_path / "rl.json"
    path.write_text(text)
    assert said in read_head(path).problem


def test_numbers_beyond_any_id_count_as_absent(tmp_path: Path) -> None:
    path = tmp_path / "rl.json"
    group = [{"pointer": [1, 2], "vqa_acc_score": 10**400}]
    path.write_text(json.dumps({"1": {"query": {"question_id": 2**70}, "pointer_candidates": group}}))
    (row,) = read_head(path).rows
    assert (row.question_id, row.n, row.best) == (None, 1, 0.0)
