"""The RL reader: every variant and mixture read right, every malformed kind answered with one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db.specs import UserError
from engine.rl.reading.file import RLFile, Space, read_rl_file
from tests import helpers_rl
from tests.helpers_rl import VARIANTS, write

GOLDEN = Path(__file__).parents[2] / "golden"


def read(tmp_path: Path, document: dict[str, Any]) -> RLFile:
    return read_rl_file(write(tmp_path / "rl.json", document))


def refused(path: Path) -> str:
    """The sentence that a file is refused with."""
    with pytest.raises(UserError) as caught:
        read_rl_file(path)
    message = str(caught.value)
    assert str(path) in message
    assert "\n" not in message
    return message


@pytest.mark.parametrize("variant", VARIANTS)
def test_every_variant_is_recognised_and_read_whole(tmp_path: Path, variant: str) -> None:
    document = VARIANTS[variant]()
    file = read(tmp_path, document)
    records = {int(key): value for key, value in document.items() if key != "_meta"}
    assert file.variant == variant
    assert file.query_ids.tolist() == sorted(records)
    assert file.meta == document.get("_meta", {})
    sizes = [len(r["id_list"] if variant == "legacy" else r["pointer_candidates"]) for r in records.values()]
    assert file.sizes().tolist() == sizes
    assert file.record(3) == records[3]


@pytest.mark.parametrize("variant", ["R1", "R2", "R5"])
def test_global_pointers_stay(tmp_path: Path, variant: str) -> None:
    document = VARIANTS[variant]()
    file = read(tmp_path, document)
    stored = [c["pointer"] for r in document.values() for c in r.get("pointer_candidates", [])]
    assert file.candidates.rows.tolist() == stored
    assert (file.candidates.space == Space.GLOBAL).all()
    assert not file.mixed_groups().any()


def test_local_pointers_become_train_rows_and_keep_their_positions(tmp_path: Path) -> None:
    document = helpers_rl.pooled()
    file = read(tmp_path, document)
    candidates = [c for r in document.values() for c in r.get("pointer_candidates", [])]
    assert file.candidates.rows.tolist() == [c["pointer_global"] for c in candidates]
    assert file.candidates.positions.tolist() == [c["pointer"] for c in candidates]
    assert (file.candidates.space == Space.LOCAL).all()
    assert file.pools.sizes().tolist() == [64] * 10


def test_a_failed_repair_keeps_its_global_pointers(tmp_path: Path) -> None:
    document = helpers_rl.fixed()
    file = read(tmp_path, document)
    last = slice(file.offsets[-2], file.offsets[-1])
    assert file.queries[-1].fix_failed
    assert file.queries[-1].fix_error == "pool is too small"
    assert (file.candidates.space[last] == Space.GLOBAL).all()
    assert (file.candidates.space[: file.offsets[-2]] == Space.LOCAL).all()
    stored = [c["pointer"] for c in document["9"]["pointer_candidates"]]
    assert file.candidates.rows[last].tolist() == stored


def one_group(*candidates: dict[str, Any], **record: Any) -> dict[str, Any]:
    """A file of one query with pool 10, 11, ... 19."""
    return {"5": {"candidate_pool_ids": list(range(10, 20)), "pointer_candidates": list(candidates)} | record}


@pytest.mark.parametrize(
    ("candidate", "rows", "space", "certain"),
    [
        ({"pointer": [1, 2], "pointer_global": [11, 12]}, [11, 12], Space.LOCAL, True),
        ({"pointer": [11, 12], "pointer_global": [11, 12]}, [11, 12], Space.GLOBAL, True),
        ({"pointer": [1, 2], "pointer_global": [15, 12]}, [15, 12], Space.CONFLICT, True),
        ({"pointer": [1, 2], "pointer_pos": [11, 12]}, [11, 12], Space.LOCAL, True),
        ({"pointer": [11, 12], "pointer_pos": [1, 2]}, [11, 12], Space.GLOBAL, True),
        ({"pointer": [1, 2]}, [11, 12], Space.LOCAL, False),
        ({"pointer": [77, 2]}, [77, 2], Space.GLOBAL, True),
        ({"pointer_pos": [1, 2]}, [11, 12], Space.LOCAL, False),
        ({"pointer_global": [11, 12]}, [11, 12], Space.GLOBAL, True),
    ],
)
def test_space_of_one_candidate(
    tmp_path: Path, candidate: dict[str, Any], rows: list[int], space: Space, certain: bool
) -> None:
    found = read(tmp_path, one_group(candidate)).candidates
    assert (found.rows[0].tolist(), found.space[0], bool(found.certain[0])) == (rows, space, certain)


def test_a_small_pool_read_as_global_when_pointer_pos_agrees(tmp_path: Path) -> None:
    candidate = {"pointer": [3, 1], "pointer_pos": [3, 1]}
    document = {"5": {"candidate_pool_ids": [3, 9, 1, 7], "pointer_candidates": [candidate]}}
    found = read(tmp_path, document).candidates
    assert found.rows[0].tolist() == [3, 1]
    assert found.positions[0].tolist() == [0, 2]


def test_a_candidate_without_pointer_global_among_others_that_have_it_is_global_and_the_group_is_mixed(
    tmp_path: Path,
) -> None:
    file = read(tmp_path, one_group({"pointer": [1, 2], "pointer_global": [11, 12]}, {"pointer": [3, 4]}))
    assert file.candidates.rows.tolist() == [[11, 12], [3, 4]]
    assert file.candidates.certain.tolist() == [True, False]
    assert file.mixed_groups().tolist() == [True]


def test_the_other_name_of_the_pool_is_understood(tmp_path: Path) -> None:
    document = {"5": {"candidate_pool_indices": [30, 40], "pointer_candidates": [{"pointer": [1, 0]}]}}
    assert read(tmp_path, document).candidates.rows.tolist() == [[40, 30]]


def test_legacy_rows_lose_the_query_at_their_end(tmp_path: Path) -> None:
    document = helpers_rl.legacy()
    file = read(tmp_path, document)
    assert file.candidates.rows[:5].tolist() == [row[:-1] for row in document["0"]["id_list"]]
    assert file.candidates.beam_score[:5].tolist() == document["0"]["score_list"]
    assert file.candidates.beam_rank[:5].tolist() == [0, 1, 2, 3, 4]


def test_fields_of_candidates_and_queries(tmp_path: Path) -> None:
    document = helpers_rl.strict(queries=2, candidates=2)
    candidate = document["1"]["pointer_candidates"][1]
    candidate.update(vqa_correct=None, eval_failed=True, vqa_pred_answer="blue bird", gen_method="aug_swap")
    document["1"]["query"]["image_id"] = "77"
    file = read(tmp_path, document)
    columns = file.candidates
    assert np.isnan(columns.correct).tolist() == [False, False, False, True]
    assert columns.failed.tolist() == [0, 0, 0, 1]
    assert columns.answer.texts[columns.answer.codes[3]] == "blue bird"
    assert columns.method.of("aug_swap").tolist() == [False, False, False, True]
    assert (file.queries[1].question_id, file.queries[1].image_id) == (1001, 77)
    assert file.queries[0].answers == ("talking",) * 6 + ("mimicry",) * 4


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_few_columns_are_read_as_in_the_whole_file(tmp_path: Path, variant: str) -> None:
    path = write(tmp_path / "rl.json", VARIANTS[variant]())
    whole, part = read_rl_file(path), read_rl_file(path, ("accuracy", "method", "beam_score"))
    assert part.variant in (whole.variant, "R5", "R6")
    assert np.array_equal(part.candidates.rows, whole.candidates.rows)
    assert np.array_equal(part.candidates.accuracy, whole.candidates.accuracy, equal_nan=True)
    assert np.array_equal(part.candidates.beam_score, whole.candidates.beam_score, equal_nan=True)
    assert part.candidates.method.texts == whole.candidates.method.texts
    assert np.isnan(part.candidates.correct).all()
    assert part.candidates.answer.texts == ("",)
    assert [query.image_id for query in part.queries] == [query.image_id for query in whole.queries]


def test_pointers_of_unequal_length_are_padded(tmp_path: Path) -> None:
    group = [{"pointer": [4, 7, 9]}, {"pointer": [8]}]
    file = read(tmp_path, {"1": {"pointer_candidates": group}})
    assert file.candidates.rows.tolist() == [[4, 7, 9], [8, -1, -1]]
    assert file.candidates.lengths.tolist() == [3, 1]


def test_empty_groups_are_read_as_empty(tmp_path: Path) -> None:
    file = read(tmp_path, {"1": {"pointer_candidates": []}, "2": {"pointer_candidates": [{"pointer": [8]}]}})
    assert file.sizes().tolist() == [0, 1]
    assert read(tmp_path, {"1": {"pointer_candidates": []}}).candidates.rows.shape == (0, 1)


def test_order_of_keys_and_other_underscored_keys_do_not_matter(tmp_path: Path) -> None:
    document = helpers_rl.plain(queries=3)
    shuffled = {"2": document["2"], "_notes": [1], "0": document["0"], "1": document["1"]}
    assert read(tmp_path, shuffled).candidates.rows.tolist() == read(tmp_path, document).candidates.rows.tolist()


def test_values_that_python_writes_and_json_does_not_know_count_as_absent(tmp_path: Path) -> None:
    document = helpers_rl.plain(queries=2, candidates=2)
    document["0"]["pointer_candidates"][1]["logprob_score"] = float("nan")
    document["1"]["pointer_candidates"][0]["beam_score"] = float("-inf")
    file = read(tmp_path, document)
    assert np.isnan(file.candidates.logprob).tolist() == [False, True, False, False]
    assert np.isnan(file.candidates.beam_score).tolist() == [False, False, True, False]


def test_a_byte_order_mark_is_skipped(tmp_path: Path) -> None:
    path = tmp_path / "rl.json"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(helpers_rl.plain()).encode())
    assert len(read_rl_file(path).query_ids) == 10


@pytest.mark.parametrize("name", ["train_pool", "train_legacy_pool"])
def test_published_files_are_read(name: str) -> None:
    file = read_rl_file(GOLDEN / f"{name}.rl_data.json")
    assert file.candidates.rows.shape == (320, 2)
    assert not file.mixed_groups().any()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "empty"),
        (b"  \n", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 3\n", "git lfs pull"),
        (b"<!DOCTYPE html><html></html>", "web page"),
        (b"PK\x03\x04", "zip"),
        (b"[1, 2]", "a JSON list"),
        (b"hello", "not JSON"),
        (b'{"a": 1}', "key 'a' is neither a query id"),
        (b"{}", "no query"),
        (b'{"_meta": {}}', "no query"),
        (b'{"1": {"query": {}}}', "query 1 has neither pointer_candidates nor id_list"),
        (b'{"1": 5}', "query 1: expected object, got int"),
        (b'{"_meta": [], "1": {"pointer_candidates": []}}', "_meta must be an object"),
        (b'{"1": {"pointer_candidates": []}}\n{"2": {}}', "JSON lines"),
        (b'{"1": {"pointer_candidates": [,]}}', "not valid JSON at byte"),
        (b'{"1": {"pointer_candidates": []}, "01": {"pointer_candidates": []}}', "query 1 stands twice"),
        (b'{"1": {"pointer_candidates": [{"pointer": []}]}}', "field pointer of candidate 0"),
        (b'{"1": {"pointer_candidates": [{"pointer": [1, 2], "pointer_pos": [1]}]}}', "pointer_pos of candidate 0"),
        (b'{"1": {"id_list": [[1, 2, 9]], "score_list": [0.1]}}', "must end with the query's own id 1"),
        (b'{"1": {"id_list": [[1, 2, 1]], "score_list": []}}', "0 scores for 1 rows"),
    ],
)
def test_what_is_not_rl_data_is_refused_in_one_sentence(tmp_path: Path, content: bytes, said: str) -> None:
    path = tmp_path / "rl.json"
    path.write_bytes(content)
    assert said in refused(path)


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("pointer", "12", "pointer_candidates[2].pointer: expected array, got str"),
        ("pointer", [1, "x"], "pointer_candidates[2].pointer[1]: expected int, got str"),
        ("pointer", [1, 10**12], "pointer_candidates[2].pointer[1]"),
        ("vqa_acc_score", "high", "pointer_candidates[2].vqa_acc_score: expected float, got str"),
        ("vqa_pred_answer", "x" * 300_000, "pointer_candidates[2].vqa_pred_answer: the text is longer than 200000"),
        ("eval_failed", "no", "pointer_candidates[2].eval_failed: expected bool, got str"),
    ],
)
def test_a_wrong_field_is_named_with_query_and_candidate(tmp_path: Path, field: str, value: Any, said: str) -> None:
    document = helpers_rl.plain()
    document["7"]["pointer_candidates"][2][field] = value
    message = refused(write(tmp_path / "rl.json", document))
    assert "query 7" in message
    assert said in message


def test_a_cut_file_is_named_with_the_query_and_field_where_it_ends(tmp_path: Path) -> None:
    text = json.dumps(helpers_rl.plain(), indent=2)
    path = tmp_path / "rl.json"
    path.write_text(text[: text.index('"6":') + 200])
    message = refused(path)
    assert "cut at byte" in message
    assert "in query 6, field" in message


def test_a_repeated_query_is_found_although_json_keeps_the_last(tmp_path: Path) -> None:
    first = json.dumps({"pointer_candidates": [{"pointer": [1, 2]}] * 9})
    for text in (f'{{"3": {first}, "4": {first}, "3": {first}}}', f'{{"4": {first}, "3": {first}, "3": {first}}}'):
        path = tmp_path / "rl.json"
        path.write_text(text)
        assert "query 3 stands twice" in refused(path)


@pytest.mark.parametrize("hidden", ['{"pointer_candidates": []}', "[]", "0"])
def test_a_short_repeated_query_is_found_too(tmp_path: Path, hidden: str) -> None:
    kept = json.dumps({"pointer_candidates": [{"pointer": [1, 2]}]})
    path = tmp_path / "rl.json"
    path.write_text(f'{{"1": {kept}, "2": {hidden}, "2": {kept}, "3": {kept}, "_meta": {{}}}}')
    assert "query 2 stands twice" in refused(path)
    path.write_text(f'{{"_meta": {{"a": 1}}, "1": {kept}, "3": {kept}, "_meta": {{}}}}')
    assert "field _meta stands twice" in refused(path)


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("vqa_acc_score", '{"pointer_candidates": [{"pointer": [1, 2], "vqa_acc_score": 0.0, "vqa_acc_score": 1.0}]}'),
        ("pointer", '{"pointer_candidates": [{"pointer": [1, 2], "pointer": [2, 1]}]}'),
        ("pointer_candidates", '{"pointer_candidates": [{"pointer": [1, 2]}], "pointer_candidates": []}'),
    ],
)
def test_a_repeated_field_is_named_with_its_query(tmp_path: Path, field: str, text: str) -> None:
    path = tmp_path / "rl.json"
    path.write_text(f'{{"7": {text}}}')
    assert f"query 7, field {field}: it stands twice" in refused(path)


def test_a_field_name_in_a_text_is_no_field(tmp_path: Path) -> None:
    candidate = {"pointer": [1, 2], "vqa_pred_answer": "pointer", "gen_method": 'say "vqa_acc_score"'}
    path = tmp_path / "rl.json"
    path.write_text(json.dumps({"7": {"query": {"question": "pointer_candidates"}, "pointer_candidates": [candidate]}}))
    assert read_rl_file(path).query_ids.tolist() == [7]


def test_a_pool_lost_by_merging_leaves_pointer_global(tmp_path: Path) -> None:
    document = helpers_rl.pooled(queries=3)
    del document["_meta"]
    rows = [c["pointer_global"] for key in ("0", "1", "2") for c in document[key]["pointer_candidates"]]
    for key in ("0", "1", "2"):
        document[key] = {"pointer_candidates": document[key]["pointer_candidates"]}
    found = read_rl_file(helpers_rl.write(tmp_path / "rl.json", document))
    assert found.variant == "R6"
    assert found.candidates.rows.tolist() == rows
    assert found.candidates.certain.all()
    assert not found.mixed_groups().any()


def test_a_missing_file_and_a_folder_are_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refused(tmp_path / "none.json")
    assert "cannot be read" in refused(tmp_path)


def test_the_reader_needs_no_torch() -> None:
    program = "import sys, engine.rl.reading.file; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode == 0
