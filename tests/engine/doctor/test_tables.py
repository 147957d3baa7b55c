"""The audit of accuracy tables, on the published figures and on small tables made for each finding."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import pytest

from db.specs import UserError
from engine.doctor.tables import audit
from engine.figures.readers import read_file
from engine.figures.reading import Figure, Matrix

PUBLISHED = Path(__file__).parents[2] / "golden" / "accuracy_matrices.json"


def matrix(*figures: tuple[int, int, float], label: str = "a", dataset: str = "OKVQA", source: str = "t") -> Matrix:
    return Matrix(source, label, dataset, "vlm", sampler="s", figures=tuple(Figure(*f) for f in figures))


def codes(*matrices: Matrix) -> Counter[str]:
    return Counter(finding.code for finding in audit(matrices))


def test_the_48_mislabelled_published_figures_are_found_and_no_other() -> None:
    matrices = read_file(PUBLISHED).matrices
    assert (len(matrices), sum(len(m.figures) for m in matrices)) == (152, 1254)
    off = [f for f in audit(matrices) if f.code == "off-lattice"]
    assert len(off) == 48
    assert all("as printed in v1 table" in f.subject for f in off)


def test_no_published_series_is_called_impossible() -> None:
    found = Counter(f.code for f in audit(read_file(PUBLISHED).matrices))
    assert found["block-impossible"] == 0
    assert found["label-conflict"] == 1
    assert found["shots-saturated"] == 3


@pytest.mark.parametrize(
    ("n", "accuracy", "dataset", "bad"),
    [
        (100, 64.2, "OKVQA", False), (100, 64.3, "OKVQA", True), (800, 48.55, "OKVQA", False),
        (800, 47.33, "OKVQA", False), (300, 25.87, "OKVQA", False), (300, 25.9, "OKVQA", True),
        (5046, 50.59, "OKVQA", False), (100, 64.3, "VQAv2", False), (100, 64.35, "VQAv2", True),
        (100, 64.3, "another", False), (0, 64.3, "OKVQA", False), (100, 164.2, "OKVQA", True), (100, 1e300, "OKVQA", True),
    ],
)  # fmt: skip
def test_lattice(n: int, accuracy: float, dataset: str, bad: bool) -> None:
    assert codes(matrix((n, 1, accuracy), dataset=dataset))["off-lattice"] == int(bad)


def test_a_block_between_two_prefixes_must_be_possible() -> None:
    assert codes(matrix((100, 1, 64.2), (200, 1, 57.2)))["block-impossible"] == 0
    assert codes(matrix((100, 1, 90.0), (200, 1, 40.0)))["block-impossible"] == 1


def test_prefixes_tell_the_block_accuracies() -> None:
    (finding,) = [f for f in audit([matrix((100, 1, 64.2), (200, 1, 57.2))]) if f.code == "prefix-subset"]
    assert "questions 101-200: 50.2" in finding.message
    assert codes(matrix((100, 1, 64.2), (100, 2, 57.2)))["prefix-subset"] == 0


def test_saturated_shots_need_more_than_one_coincidence() -> None:
    assert codes(matrix((200, 3, 54.9), (200, 4, 54.9)))["shots-saturated"] == 0
    assert codes(matrix((1000, 2, 72.03), (1000, 3, 72.03), (1000, 4, 72.03), dataset="VQAv2"))["shots-saturated"] == 1
    assert codes(matrix((100, 2, 50.0), (200, 2, 51.0), (100, 3, 50.0), (200, 3, 51.0)))["shots-saturated"] == 1
    assert codes(matrix((100, 2, 50.0), (200, 2, 51.0), (100, 3, 50.0), (200, 3, 51.2)))["shots-saturated"] == 0


ROW = ((100, 1, 50.0), (100, 2, 51.0), (100, 3, 52.0))


def test_equal_rows_under_two_labels() -> None:
    assert codes(matrix(*ROW), matrix(*ROW, label="b"))["duplicate-row"] == 1
    assert codes(matrix(*ROW), matrix(*ROW, source="u"))["duplicate-row"] == 0
    assert codes(matrix(*ROW), matrix(*ROW[:2], (100, 3, 52.2), label="b"))["duplicate-row"] == 0


def test_one_label_with_two_figures() -> None:
    assert codes(matrix(*ROW), matrix((100, 1, 50.2)))["label-conflict"] == 1
    assert codes(matrix(*ROW), matrix((100, 1, 50.0)))["label-conflict"] == 0


def test_a_baseline_on_other_questions() -> None:
    base = matrix((5046, 1, 50.59), label="random baseline")
    assert codes(base, matrix((100, 1, 66.6)))["unlike-subsets"] == 1
    assert codes(base, matrix((5046, 1, 52.04)))["unlike-subsets"] == 0


def test_spread_inside_the_noise() -> None:
    assert codes(matrix((800, 1, 50.0)), matrix((800, 1, 53.0), label="b"))["within-noise"] == 1
    assert codes(matrix((800, 1, 50.0)), matrix((800, 1, 58.0), label="b"))["within-noise"] == 0


@pytest.mark.parametrize(("name", "off"), [("okvqa", 1), ("ok-vqa", 1), ("OK_VQA", 1), ("vqav2", 1), ("coco", 0)])
def test_the_lattice_is_known_however_a_data_set_is_spelt(tmp_path: Path, name: str, off: int) -> None:
    file = tmp_path / "x.json"
    file.write_text(json.dumps([{"dataset": name, "method": "B", "rows": [{"n": 100, "shot": 1, "accuracy": 64.33}]}]))
    assert codes(*read_file(file).matrices)["off-lattice"] == off


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[{"rows": [{"n": -100, "shot": 1, "accuracy": 50}]}]', "entry 0, row 0: n is -100"),
        ('[{"rows": [{"n": 1e400, "shot": 1, "accuracy": 50}]}]', "n is inf"),
        ('[{"rows": [{"n": 100, "shot": 1, "accuracy": NaN}]}]', "accuracy is nan"), ('[{"rows": 5}]', "rows is 5"),
        ('{"test_data_num=-100-x": {"shot_num=1": 0.5}}', "test_data_num is '-100'"),
        ('{"test_data_num=100-x": {"shot_num=1": null}}', "shot_num=1 is None"),
        ('[{"question_id": 1e400, "answer": "a"}]', "row 0: question_id is inf"),
        ('[{"question_id": 1, "answer": "a", "answers": [{"text": "a"}]}]', "answers[0]"),
    ],
)  # fmt: skip
def test_impossible_numbers_are_refused_where_they_stand(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UserError) as refused:
        read_file(file)
    assert words in str(refused.value)


def test_half_characters_are_replaced(tmp_path: Path) -> None:
    file = tmp_path / "x.json"
    file.write_text('[{"question_id": 7, "answer": "dog\\ud800"}]')
    assert read_file(file).answers[0].raw == "dog?"


def test_metrics_files_of_both_shapes(tmp_path: Path) -> None:
    run = tmp_path / "okvqa_metrics.json"
    run.write_text(json.dumps({"2025-12-12 10:00-test_data_num=800-v3": {"shot_num=1": 0.4855, "shot_num=2": 0.4775}}))
    (found,) = read_file(run).matrices
    assert (found.label, found.dataset) == ("v3", "OKVQA")
    assert found.figures == (Figure(800, 1, 48.55), Figure(800, 2, 47.75))
    baseline = tmp_path / "okvqa_RandomRetriever_baseline_metrics.json"
    baseline.write_text(json.dumps({"shot_num_1": 0.5059}))
    assert read_file(baseline).matrices[0].figures == (Figure(5046, 1, 50.59),)


def test_predictions_of_both_shapes(tmp_path: Path) -> None:
    file = tmp_path / "x-shot_num=2.json"
    file.write_text(json.dumps([{"question_id": 7, "answer": "dog"}]))
    result = read_file(file)
    assert (result.answers[0].shot, result.answers[0].raw) == (2, "dog")
    row = {"prediction": "cat", "question_id": 8, "answers": [{"answer": "cat"}] * 10, "answer": "dog"}
    file.write_text(json.dumps({"0": row}))
    assert read_file(file).answers[0].references == ("cat",) * 10


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "3", '{"a": 1}', '[{"question_id": "x", "answer": "a"}]', '[{"rows": [{}]}]']
)
def test_other_files_are_refused_in_one_sentence(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.json"
    file.write_text(text)
    with pytest.raises(UserError, match=r"x\.json"):
        read_file(file)
