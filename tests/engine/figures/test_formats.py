"""Files of other programs in their own layouts: each is taken with its unit, sizes, shots and source, or refused by what it is."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest

from db.specs import UserError
from engine.figures.readers import read_file
from engine.figures.reading import Reading

FORMATS = Path(__file__).parent / "formats"


def figures(reading: Reading) -> dict[tuple[str, int, int], float]:
    return {(one.label, f.n, f.shot): f.accuracy for one in reading.matrices for f in one.figures}


def written(path: Path, content: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else json.dumps(content), encoding="utf-8")
    return path


def test_a_metrics_file_says_by_its_name_what_was_evaluated() -> None:
    path = FORMATS / "okvqa/icl_inference/v3/Qwen2_5-VL-3B-Instruct_RandSampler_kl0.15_epoch2_metrics.json"
    first, second = read_file(path).matrices
    for one in (first, second):
        assert (one.dataset, one.vlm, one.sampler) == ("OKVQA", "Qwen2.5-VL-3B-Instruct", "RandSampler")
        assert (one.label, one.checkpoint) == ("LeverLMRetriever kl0.15_epoch2", "kl0.15_epoch2")
    assert [(f.n, f.shot, f.accuracy) for f in first.figures] == [
        (100, 1, 64.2),
        (100, 2, 64.8),
        (100, 3, 62.8),
        (100, 4, 61.4),
    ]
    assert [(f.n, f.shot, f.accuracy) for f in second.figures] == [(5046, 1, 50.12)]


def test_a_metrics_file_in_the_older_folders() -> None:
    reading = read_file(FORMATS / "old_path/Qwen2.5-VL-3B-Instruct/vqa/debug/metrics.json")
    assert figures(reading) == {
        ("ZeroShot", 100, 0): 51.2, ("RandomRetriever", 100, 1): 55.0, ("RandomRetriever", 100, 2): 56.0,
        ("MMTopKRetriever-clip-vit-base-patch32-i2t", 100, 1): 58.0,
    }  # fmt: skip
    assert {one.vlm for one in reading.matrices} == {"Qwen2.5-VL-3B-Instruct"}


def test_captions_are_refused_as_such(tmp_path: Path) -> None:
    values = {"2024-03-01 10:11:12-test_data_num=-1-RandomRetriever": {"shot_num=1": 84.21}}
    path = written(tmp_path / "icl_inference/flamingo_9B/caption/main/metrics.json", values)
    with pytest.raises(UserError, match="image captions, whose figures are CIDEr"):
        read_file(path)
    assert (
        read_file(written(tmp_path / "icl_inference/flamingo_9B/vqav2/main/metrics.json", values)).matrices[0].vlm
        == "flamingo_9B"
    )


def test_a_v3_result_is_one_figure_of_unknown_size(tmp_path: Path) -> None:
    result = {
        "accuracy": 0.4855,
        "model": "Qwen2.5-VL-3B-Instruct",
        "dataset": "okvqa",
        "shot_num": 2,
        "grpo_ckpt": "x/grpo_epoch3.pt",
    }
    reading = read_file(written(tmp_path / "v3_vqa_result.json", result))
    assert figures(reading) == {("grpo_epoch3", 0, 2): 48.55}
    assert reading.questions
    with pytest.raises(UserError, match="demonstrations that were chosen for each question, without answers"):
        read_file(written(tmp_path / "v3_icd_predictions.json", [[1, 2], [3, 4]]))


def test_a_harness_states_its_figures_with_sizes_and_shots() -> None:
    reading = read_file(FORMATS / "lmms-eval/20251212_101112_results.json")
    (one,) = reading.matrices
    assert figures(reading) == {("ok_vqa_val2014", 5046, 0): 51.23}
    assert (one.dataset, one.vlm, one.date) == ("OKVQA", "Qwen/Qwen2.5-VL-3B-Instruct", "2025-12-12")
    assert "exact_match_stderr,none" in reading.left_out[0].what


def test_samples_of_a_harness_have_references_scores_and_the_shots_beside_them() -> None:
    reading = read_file(FORMATS / "lmms-eval/20251212_101112_samples_ok_vqa_val2014.jsonl")
    assert (len(reading.answers), reading.dataset, list(reading.shots())) == (20, "OKVQA", [0])
    first = reading.answers[0]
    assert (first.question_id, first.raw, first.scored, len(first.references)) == (2971475, "nothing", 0.6, 10)


def test_several_accuracies_of_a_task_are_matrices_of_their_own(tmp_path: Path) -> None:
    content = {
        "results": {"gqa": {"acc,none": 0.5, "acc_norm,none": 0.55, "ppl,none": 12.0}}, "configs": {"gqa": {"num_fewshot": 4}},
        "n-samples": {"gqa": {"effective": 200}}, "model_name": "m",
    }  # fmt: skip
    assert figures(read_file(written(tmp_path / "r.json", content))) == {
        ("gqa acc", 200, 4): 50.0,
        ("gqa acc_norm", 200, 4): 55.0,
    }
    del content["configs"]
    content["versions"] = {"gqa": 1}
    with pytest.raises(UserError, match="neither n-shot nor num_fewshot"):
        read_file(written(tmp_path / "r.json", content))


def test_open_flamingo_trials_are_runs_and_captions_are_left_out(tmp_path: Path) -> None:
    content = {
        "ok_vqa": [{"shots": 0, "trials": [29.5, 30.5], "mean": 30.0}, {"shots": 4, "trials": [31.0, 32.0], "mean": 31.5}],
        "coco": [{"shots": 0, "trials": [79.5], "mean": 79.5}],
    }  # fmt: skip
    reading = read_file(written(tmp_path / "results.json", content))
    assert figures(reading) == {
        ("open_flamingo ok_vqa trial 1", 0, 0): 29.5, ("open_flamingo ok_vqa trial 1", 0, 4): 31.0,
        ("open_flamingo ok_vqa trial 2", 0, 0): 30.5, ("open_flamingo ok_vqa trial 2", 0, 4): 32.0,
    }  # fmt: skip
    assert reading.left_out[0].what == "coco"


@pytest.mark.parametrize(
    "name", ["official/vqa_OpenEnded_mscoco_val2014_qwen_results.json", "jsonl/preds.jsonl", "csv/predictions.csv"]
)
def test_predictions_of_all_layouts(name: str) -> None:
    answers = read_file(FORMATS / name).answers
    assert len(answers) == 20
    assert (answers[1].question_id, answers[1].raw, answers[1].shot) == (3397615, "vine", None)


def test_wrapped_and_spelt_predictions() -> None:
    for name in ("official/wrapped.json", "official/string_ids.json"):
        assert [(one.question_id, one.raw) for one in read_file(FORMATS / name).answers] == [(2971475, "racing")]


def test_vlmevalkit_tables_in_all_their_forms(tmp_path: Path) -> None:
    rows = [{"index": 0, "question": "What?", "answer": "['a', 'b']", "prediction": "a"}]
    (one,) = read_file(written(tmp_path / "Qwen2.5-VL-3B_OKVQA.json", rows)).answers
    assert (one.references, one.raw, one.shot) == (("a", "b"), "a", 0)
    tsv = "index\tquestion\tanswer\tprediction\n0\tWhat?\t['a', 'b']\ta\n"
    reading = read_file(written(tmp_path / "Qwen2.5-VL-3B_OKVQA.tsv", tsv))
    assert reading.answers == (one,)
    assert (reading.dataset, reading.vlm) == ("OKVQA", "Qwen2.5-VL-3B")
    scores = read_file(written(tmp_path / "Qwen2.5-VL-3B_MMStar_acc.csv", "split,Overall\nval,0.523\n"))
    assert figures(scores) == {("Qwen2.5-VL-3B val", 0, 0): 52.3}


def test_a_vlmevalkit_workbook() -> None:
    pytest.importorskip("openpyxl", reason="Excel files are read by openpyxl, of the extra `import`")
    (one,) = read_file(FORMATS / "vlmevalkit/Qwen2.5-VL-3B_OKVQA.xlsx").answers
    assert (one.references, one.raw, one.question_id) == (("a",), "a", 0)


def test_a_training_log_becomes_metrics_and_says_nothing_twice() -> None:
    (run,) = read_file(FORMATS / "logs/train_v3.log").runs
    assert [(m.phase, m.epoch, m.name, m.value) for m in run.metrics] == [
        ("rce", 1, "rce_loss", 5.4321), ("rce", 1, "val_loss", 5.1444), ("rce", 1, "temperature", 2.0),
    ]  # fmt: skip


def test_a_log_of_both_phases_with_tables_of_epochs(tmp_path: Path) -> None:
    log = """2025-12-23 10:00:00 | INFO | start
RCE 预热
| Epoch | Train Loss | Val Loss | Temperature |
| 1 | 5.43 | 5.14 | 2.0 |
| 2 | 5.13 | nan | 1.5 |
GRPO
| Epoch | Train Loss | Val Loss | PPO Loss | KL | Adv Std | Adv Max | Beta |
|-------|-----------|----------|----------|----|---------|---------|------|
| 1 | 0.0063 | 5.13576 | -0.00007 | 0.06802 | 0.0063 | 0.0072 | 0.15 |
"""
    (run,) = read_file(written(tmp_path / "t.log", log)).runs
    found = {(m.phase, m.epoch, m.name): m.value for m in run.metrics}
    assert found["rce", 1, "rce_loss"] == 5.43
    assert math.isnan(found["rce", 2, "val_loss"])
    assert (found["grpo", 1, "grpo_loss"], found["grpo", 1, "ppo_loss"], found["grpo", 1, "kl_beta"]) == (
        0.0063,
        -0.00007,
        0.15,
    )
    assert run.date == "2025-12-23"


def test_lists_of_epochs_are_trainings(tmp_path: Path) -> None:
    epochs = [
        {"epoch": 1, "kl": 0.1, "ppo_loss": -0.1, "val_loss": 5.0},
        {"epoch": 2, "kl": 0.2, "ppo_loss": 0.1, "val_loss": None},
    ]
    (run,) = read_file(written(tmp_path / "m.json", epochs)).runs
    assert [(m.phase, m.epoch, m.name) for m in run.metrics][:3] == [
        ("grpo", 1, "kl"),
        ("grpo", 1, "ppo_loss"),
        ("grpo", 1, "val_loss"),
    ]
    assert len(run.metrics) == 5
    lines = "\n".join(json.dumps(epoch) for epoch in epochs)
    assert read_file(written(tmp_path / "m.jsonl", lines)).runs[0].metrics == run.metrics


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("okvqa_n200.csv", "Shot,v2,v3,diff\n1,56.7,57.3,+0.6\n2,56.1,50.2,-5.9\n"),
        ("okvqa_n200.tsv", "Shot\tv2\tv3\tdiff\n1\t56.7\t57.3\t+0.6\n2\t56.1\t50.2\t-5.9\n"),
        ("okvqa_n200.csv", "Shot;v2;v3;diff\n1;56,7;57,3;+0,6\n2;56,1;50,2;-5,9\n"),
        ("okvqa_n200.jsonl", '{"shot": 1, "v2": 56.7, "v3": 57.3}\n{"shot": 2, "v2": 56.1, "v3": 50.2}\n'),
    ],
)
def test_tables_in_files_are_read_by_their_words(tmp_path: Path, name: str, content: str) -> None:
    reading = read_file(written(tmp_path / name, content))
    assert figures(reading) == {("v2", 200, 1): 56.7, ("v3", 200, 1): 57.3, ("v2", 200, 2): 56.1, ("v3", 200, 2): 50.2}
    assert reading.guessed
    assert {one.dataset for one in reading.matrices} == {"OKVQA"}


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.jsonl", '{"question_id": 1, "answer": "a"}\n{"question_id": 2, "ans', "a.jsonl is cut at line 2"),
        ("a.jsonl", '{"question_id": 1, "answer": "a"}\n{"question_id": 2}\n', "line 2 has no text under prediction"),
        ("a.csv", "question_id,answer\nx,a\n", "line 2: question_id is 'x', not a whole number"),
        ("a.csv", 'question_id,answer\n1,"a\n2,b\n', "line 2: unexpected end of data"),
        ("a.csv", "question_id,answer\n", "a header and no answer below it"),
        ("a.json", {"annotations": []}, "a file of a data set, which --dataset takes by its folder"),
        ("a.json", {"a": 1}, "a JSON object with the keys a is none of the layouts"),
        ("a.csv", "a,b\n1,x\n", "nothing says with how many demonstrations"),
        ("a.md", "# nothing\n", "a Markdown report without a table"),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(tmp_path: Path, name: str, content: Any, said: str) -> None:
    with pytest.raises(UserError, match=said) as refused:
        read_file(written(tmp_path / name, content))
    assert "\n" not in str(refused.value)
    assert str(refused.value).startswith(str(tmp_path))
