"""The unit of imported figures is that of their file: percent or shares of one, or the file is refused."""

from __future__ import annotations

import json
import random
from pathlib import Path

import pytest

from db.specs import UserError
from engine.figures.readers import read_file
from engine.figures.reading import Figure


def metrics(path: Path, *values: object, n: object = 400, name: str = "x") -> Path:
    shots = {f"shot_num={shot}": value for shot, value in enumerate(values, start=1)}
    path.write_text(json.dumps({f"2025-12-01-test_data_num={n}-{name}": shots}))
    return path


def read(path: Path) -> list[float]:
    return [figure.accuracy for one in read_file(path).matrices for figure in one.figures]


@pytest.mark.parametrize(
    ("values", "percent"),
    [
        ((0.5231, 0.0092), [52.31, 0.92]), ((52.31, 0.92), [52.31, 0.92]), ((52.31, 1), [52.31, 1.0]), ((1, 0), [100.0, 0.0]),
        ((100, 0.0), [100.0, 0.0]), (("0.45", 0.5), [45.0, 50.0]), ((0, 0), [0.0, 0.0]), ((3.5, 2.0), [3.5, 2.0]),
    ],
)  # fmt: skip
def test_all_figures_of_a_file_have_one_unit(tmp_path: Path, values: tuple[object, ...], percent: list[float]) -> None:
    assert read(metrics(tmp_path / "m.json", *values)) == percent


def test_a_file_of_several_matrices_has_one_unit_too(tmp_path: Path) -> None:
    path = tmp_path / "m.json"
    key = "2025-12-01-test_data_num=400-"
    path.write_text(json.dumps({f"{key}a": {"shot_num=1": 52.31}, f"{key}b": {"shot_num=1": 0.92}}))
    assert read(path) == [52.31, 0.92]
    published = [{"method": "a", "rows": [{"n": 400, "shot": 1, "accuracy": 0.5231}]}]
    path.write_text(json.dumps(published))
    assert read(path) == [52.31]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ((105.32, 98.1), "105.32, and an accuracy is 0 to 100 percent: is it another measure, such as CIDEr"),
        ((1.0532, 0.91), "1.0532, more than a share of one can be and too little for percent"),
        ((50.0, -0.5), "-0.5, and an accuracy is 0 to 100"),
    ],
)
def test_what_is_no_accuracy_is_refused(tmp_path: Path, values: tuple[float, ...], said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        read(metrics(tmp_path / "m.json", *values))
    assert "m.json" in str(refused.value)
    with pytest.raises(UserError, match="a figure of CIDEr, not an accuracy"):
        read(metrics(tmp_path / "m.json", 0.9, name="flickr-CIDEr"))


def test_the_lattice_tells_two_units_apart(tmp_path: Path) -> None:
    """Over 100 questions of OKVQA 0.9 % cannot be, and 90 % can."""
    with pytest.raises(UserError, match=r"0\.9, a share of one beside percentages such as 64\.2"):
        read(metrics(tmp_path / "okvqa.json", 64.2, 0.9, n=100))
    assert read(metrics(tmp_path / "okvqa.json", 64.2, 0.8, n=100)) == [64.2, 0.8]
    assert read(metrics(tmp_path / "okvqa.json", 1.2, 0.8, n=100)) == [1.2, 0.8]


def test_what_was_said_of_a_file_is_never_ignored(tmp_path: Path) -> None:
    path = metrics(tmp_path / "m.json", 0.5, n=-1)
    (told,) = read_file(path, dataset="okvqa", vlm="Qwen").matrices
    assert (told.dataset, told.vlm, told.figures, told.path) == ("OKVQA", "Qwen", (Figure(5046, 1, 50.0),), str(path))
    (guessed,) = read_file(metrics(tmp_path / "okvqa.json", 0.5, n=-1), dataset="VQAv2").matrices
    assert (guessed.dataset, guessed.figures[0].n) == ("VQAv2", 214_354)
    path.write_text(json.dumps([{"method": "a", "dataset": "OKVQA", "model": "M", "rows": []}]))
    with pytest.raises(UserError, match="is of the data set OKVQA, not of VQAv2"):
        read_file(path, dataset="vqav2")
    with pytest.raises(UserError, match="is of the model M, not of Qwen"):
        read_file(path, vlm="Qwen")
    assert read_file(path, dataset="ok-vqa", vlm="M").matrices[0].dataset == "OKVQA"


NUMBERS = ("NaN", "Infinity", "-Infinity", "1e400", "-1e400", "null", "true", '"0.5"', '"50 %"', '""', "[]", "{}", "0", "-0.0",
           "1", "1.0000001", "0.92", "52.31", "100", "100.0001", "105.32", "-1", "1e-320", "1e308",
           "123456789012345678901234567890", '"NaN"', '"\\ud800"')  # fmt: skip


def _outcome(path: Path) -> tuple[list[float] | None, str]:
    try:
        return read(path), ""
    except UserError as refused:
        return None, str(refused)


def test_whatever_a_table_holds_is_a_percentage_or_one_sentence(tmp_path: Path) -> None:
    """Two thousand files of every number that JSON and Python can spell, in both shapes."""
    rng = random.Random(0)
    path = tmp_path / "okvqa.json"
    outcomes: set[bool] = set()
    for _ in range(2000):
        values = [rng.choice(NUMBERS) for _ in range(rng.randint(1, 4))]
        n = rng.choice(("100", "400", "-1", "0", "5046"))
        if rng.random() < 0.5:
            shots = ", ".join(f'"shot_num={place}": {value}' for place, value in enumerate(values))
            path.write_text(f'{{"test_data_num={n}-x": {{{shots}}}}}')
        else:
            rows = ", ".join(
                f'{{"n": {n}, "shot": {place}, "accuracy": {value}}}' for place, value in enumerate(values)
            )
            path.write_text(f'[{{"method": "x", "rows": [{rows}]}}]')
        found, said = _outcome(path)
        outcomes.add(found is None)
        if found is None:
            assert said.startswith(f"{path}: ")
            assert "\n" not in said
            continue
        assert all(0 <= value <= 100 for value in found)
        spelt = [float(value.strip('"')) for value in values]
        factor = 100 if max(spelt) <= 1 else 1
        assert found == [pytest.approx(factor * value, abs=1e-4) for value in spelt]
    assert outcomes == {True, False}
