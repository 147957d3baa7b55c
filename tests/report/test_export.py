"""`leverplus export`: what is written is read back by our own importer to the same scores."""

from __future__ import annotations

import csv
import json
from pathlib import Path

from db import rows, store
from db.session import writing
from db.specs import EvalSpec
from db.specs.imported import ImportSpec
from engine.common.accuracy import vqa_accuracy
from engine.data.datasets import open_dataset
from engine.recipes.dataset_rows import question_row
from engine.recipes.import_answers import import_answers
from engine.recipes.run_context import RunContext
from tests.helpers_cli import Desk
from tests.helpers_data import write_official
from tests.helpers_report import RUNS_OF_SHOTS


def _evaluated(desk: Desk, folder: Path) -> dict[int, float]:
    """An evaluation on an official data set, stored by hand: scores by question, the first question without an answer."""
    dataset = open_dataset(str(folder), cache_dir=desk.home.cache)
    samples = dataset.val.questions
    said = ["", "red", "Grey", 'a "shade"', "green", "蓝色"]
    answers = [said[place % len(said)] for place in range(len(samples))]
    scores = {s.question_id: vqa_accuracy(a, s.answers) for s, a in zip(samples, answers, strict=True)}
    ids = tuple(sorted(scores))
    found: list[rows.Row] = [rows.Subset(dataset.sha, "val", "all", {}, ids, "sha")]
    found += [question_row(sample, dataset.sha, "val") for sample in samples]
    for shot in RUNS_OF_SHOTS:
        found += [
            rows.Prediction(
                s.question_id, shot, (), "p", f"r{shot}-{s.question_id}", f"{a}\n", "" if place == 0 else a,
                0.0 if place == 0 else scores[s.question_id], False, False, "no image" if place == 0 else "", 1, "",
            )
            for place, (s, a) in enumerate(zip(samples, answers, strict=True))
        ]  # fmt: skip
        found.append(rows.Cell("sha", shot, len(ids), len(ids) - 1, 50.0, 40.0, 60.0, {shot: len(ids)}, 1))
    with writing(desk.database) as session:
        spec = EvalSpec(dataset=str(folder), shots=RUNS_OF_SHOTS)
        run = store.create_run(session, spec=spec, name="official", environment={})
        assert run.id == 1
        store.add_rows(session, run_id=1, process_id=None, rows=found)
    del scores[samples[0].question_id]
    return scores


def test_an_official_result_file_is_read_back_to_the_same_scores(desk: Desk, tmp_path: Path) -> None:
    folder = write_official(tmp_path / "okvqa")
    scores = _evaluated(desk, folder)
    assert len(set(scores.values())) > 2
    path = tmp_path / "okvqa_shot_num=2.json"
    told = desk.call("export", "r1", "--results", "--shot", "2", "--out", str(path)).stderr
    assert "1 question without an answer left out" in told
    content = json.loads(path.read_text(encoding="utf-8"))
    assert all(set(one) == {"question_id", "answer"} for one in content)
    spec = ImportSpec(source=str(path), dataset=str(folder), shot=2)
    read = [
        row for row in import_answers(spec, RunContext(tmp_path, desk.home.cache)) if isinstance(row, rows.Prediction)
    ]
    assert {row.question_id: row.score for row in read} == scores


def test_what_to_export_must_be_said(desk: Desk, tmp_path: Path) -> None:
    _evaluated(desk, write_official(tmp_path / "okvqa"))
    out = str(tmp_path / "out.json")
    assert "has answers at 0, 2 shots" in desk.call("export", "r1", "--results", "--out", out, code=2).stderr
    assert (
        "no stored answers at 3 shots"
        in desk.call("export", "r1", "--results", "--shot", "3", "--out", out, code=2).stderr
    )
    assert "one of --results, --csv and --latex" in desk.call("export", "r1", "--out", out, code=2).stderr
    assert "--shot is for --results" in desk.call("export", "r1", "--csv", "--shot", "2", "--out", out, code=2).stderr
    assert not Path(out).exists()


def test_tables_are_exported_as_the_report_writes_them(filled: Desk, tmp_path: Path) -> None:
    table, lines = tmp_path / "a" / "t.tex", tmp_path / "t.csv"
    filled.call("export", "r2", "r3", "--latex", "--out", str(table))
    assert r"\toprule" in table.read_text()
    filled.call("export", "r2", "r3", "--csv", "--out", str(lines))
    assert [line["what"] for line in csv.DictReader(lines.open())] == ["accuracy", "accuracy", "difference"]
    assert "--results takes one run" in filled.call("export", "r2", "r3", "--results", "--out", "x", code=2).stderr
