"""Training on a tiny world: it learns, repeats itself to the bit, resumes, stops, warns and refuses."""

from __future__ import annotations

import json
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from pydantic import ValidationError
from safetensors.torch import load_file, save_file

from db.rows import Fact, Metric, Progress, Row, Settle
from db.specs import Finding, TrainSpec, UserError
from db.specs.selector import PUBLISHED
from engine.recipes.run_context import RunContext
from engine.recipes.train import train
from engine.selector.checkpoint import load_selector, read_manifest
from engine.training.state import FILE
from engine.training.trainer import TrainingFailed
from tests.helpers_training import checkpoints_of, codes_of, metrics_of, small, write_files, write_world


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    return write_world(tmp_path / "world")


def context(tmp_path: Path, name: str = "run") -> RunContext:
    return RunContext(tmp_path / name, tmp_path / "cache")


def values(rows: Sequence[Row]) -> list[tuple[str, int, int, str, float]]:
    return [(m.phase, m.epoch, m.step, m.name, m.value) for m in rows if isinstance(m, Metric)]


def constant_rewards(files: dict[str, str]) -> None:
    document = json.loads(Path(files["rl_data"]).read_text())
    for record in document.values():
        for candidate in record.get("pointer_candidates", []):
            candidate.update(vqa_correct=1, vqa_acc_score=1.0)
    Path(files["rl_data"]).write_text(json.dumps(document))


def test_it_learns_what_is_rewarded(files: dict[str, str]) -> None:
    rows = list(train(small(files, rce_epochs=20, grpo_epochs=10, variant="v3", dropout=0.0)))
    metrics = metrics_of(rows)
    assert metrics["rce", 20, "rce_loss"] < metrics["rce", 1, "rce_loss"] - 0.5
    assert metrics["grpo", 10, "ppo_loss"] < metrics["grpo", 1, "ppo_loss"]
    assert metrics["grpo", 10, "kl_beta"] > 0


def test_every_epoch_has_the_measures_a_researcher_looks_at(files: dict[str, str]) -> None:
    rows = list(train(small(files, rce_epochs=1, grpo_epochs=1)))
    metrics = metrics_of(rows)
    validation = {
        "val_loss", "uniform_loss", "entropy", "greedy_reward", "expected_reward", "random_reward", "oracle_reward",
        "top1_agreement", "learning_rate", "gradient_norm",
    }  # fmt: skip
    rce = {name for phase, _, name in metrics if phase == "rce"}
    grpo = {name for phase, _, name in metrics if phase == "grpo"}
    assert rce == validation | {"rce_loss", "temperature"}
    assert grpo == validation | {
        "grpo_loss", "ppo_loss", "kl_loss", "kl", "mean_ratio", "mean_advantage", "std_advantage", "max_advantage",
        "kl_beta", "clip_fraction", "signal_rate", "observed_advantage_std", "skipped_groups",
    }  # fmt: skip
    facts = {row.name: row.value for row in rows if isinstance(row, Fact)}
    assert facts["groups"] == {"train": 32, "val": 8, "shots": 2}
    assert facts["signal_rate"] == metrics["grpo", 1, "signal_rate"]
    assert facts["predicted_advantage_std"] == pytest.approx(metrics["grpo", 1, "observed_advantage_std"])
    assert metrics["rce", 1, "random_reward"] <= metrics["rce", 1, "oracle_reward"]
    last = [row for row in rows if isinstance(row, Progress)][-1]
    assert last.done == last.total


@pytest.mark.parametrize("variant", PUBLISHED)
def test_every_published_variant_trains(files: dict[str, str], variant: str) -> None:
    rows = list(train(small(files, variant=variant, rce_epochs=2, grpo_epochs=1, hidden_dim=8)))
    metrics = metrics_of(rows)
    assert metrics["rce", 2, "rce_loss"] < metrics["rce", 1, "rce_loss"]
    assert not {"non-finite", "kl-explosion"} & set(codes_of(rows))


def test_a_seed_reproduces_a_run_to_the_bit_and_another_does_not(files: dict[str, str]) -> None:
    spec = small(files, dropout=0.3, grpo_epochs=1)
    first = values(list(train(spec)))
    torch.rand(17)
    longer = train(small(files, seed=1, dropout=0.3, rce_epochs=9))
    interleaved = [row for row, _ in zip(train(spec), longer, strict=False)]
    assert values(interleaved) == first
    assert values(list(train(small(files, dropout=0.3, grpo_epochs=1, seed=1)))) != first


def test_training_leaves_the_random_numbers_of_the_process_alone(files: dict[str, str]) -> None:
    torch.manual_seed(3)
    expected = torch.rand(4)
    torch.manual_seed(3)
    list(train(small(files, dropout=0.3)))
    assert torch.equal(torch.rand(4), expected)


@pytest.mark.parametrize("keep_every_s", [0, 1e9])
@pytest.mark.parametrize("cut", [("rce", 3), ("grpo", 1), ("grpo", 3)])
def test_a_killed_run_goes_on_from_what_it_kept_to_the_bit(
    files: dict[str, str], tmp_path: Path, cut: tuple[str, int], keep_every_s: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.recipes.train.KEEP_EVERY_S", keep_every_s)
    spec = small(files, dropout=0.3, rce_epochs=3, grpo_epochs=3, grpo_dropout=True, schedule="cosine")
    whole = list(train(spec, context(tmp_path, "whole")))
    before: list[Row] = []
    running = train(spec, context(tmp_path, "cut"))
    assert isinstance(running, Generator)
    for row in running:
        before.append(row)
        if isinstance(row, Progress) and row.note.startswith(f"{cut[0]} epoch {cut[1]}"):
            break
    running.close()
    after = list(train(spec, context(tmp_path, "cut")))
    first = next(row for row in after if isinstance(row, Metric)).epoch
    assert first == (cut[1] if not keep_every_s else 2 if cut[0] == "rce" else 1)
    joined = {key[:4]: key[4] for key in values(before) + values(after)}
    assert joined == {key[:4]: key[4] for key in values(whole)}
    for name in ("rce_last", "rce_best", "grpo_last", "grpo_best"):
        one, two = (load_file(tmp_path / run / f"checkpoints/{name}.safetensors") for run in ("whole", "cut"))
        assert all(torch.equal(one[key], two[key]) for key in one), name


def test_a_state_is_kept_after_its_rows_are_stored(files: dict[str, str], tmp_path: Path) -> None:
    told: list[Row] = []
    for row in train(small(files, rce_epochs=3), context(tmp_path)):
        if isinstance(row, Settle) and not any(isinstance(earlier, Settle) for earlier in told):
            assert not (tmp_path / "run" / FILE).exists()
            assert {earlier.epoch for earlier in told if isinstance(earlier, Metric)} == {1}
        told.append(row)
    assert isinstance(told[-1], Settle)


def test_findings_are_not_raised_again_after_a_kill(files: dict[str, str], tmp_path: Path) -> None:
    spec = small(files, rce_epochs=20, rce_lr=0.1, dropout=0.0)
    whole = [row for row in train(spec) if isinstance(row, Finding)]
    assert "loss-above-uniform" in codes_of(whole)
    running = train(spec, context(tmp_path))
    assert isinstance(running, Generator)
    before = []
    for row in running:
        before.append(row)
        if isinstance(row, Progress) and row.note.startswith("rce epoch 20"):
            break
    running.close()
    after = [row for row in train(spec, context(tmp_path)) if isinstance(row, Finding)]
    assert {(row.code, row.subject) for row in [*before, *after] if isinstance(row, Finding)} == {
        (row.code, row.subject) for row in whole
    }


def test_an_epoch_without_signal_is_left_out_and_said(files: dict[str, str]) -> None:
    document = json.loads(Path(files["rl_data"]).read_text())
    for record in document.values():
        for place, candidate in enumerate(record.get("pointer_candidates", [])):
            right = place < 4
            candidate.update(vqa_correct=int(right), vqa_acc_score=float(right))
    Path(files["rl_data"]).write_text(json.dumps(document))
    fields: dict[str, Any] = {"grpo_epochs": 4, "early_epochs": 2, "early_top_k": 3, "late_top_k": 5}
    rows = list(train(small(files, rce_epochs=0, **fields)))
    assert {row.epoch for row in rows if isinstance(row, Metric)} == {3, 4}
    (said,) = [row for row in rows if isinstance(row, Finding) and row.code == "no-signal"]
    assert (said.severity, "best 3 or 5 candidates, so 2 of 4 GRPO epochs" in said.message) == ("warning", True)
    with pytest.raises(TrainingFailed, match="nothing was trained"):
        list(train(small(files, rce_epochs=0, grpo_epochs=2, late_top_k=3)))


def test_a_finished_run_has_nothing_left_to_do(files: dict[str, str], tmp_path: Path) -> None:
    spec = small(files)
    list(train(spec, context(tmp_path)))
    again = list(train(spec, context(tmp_path)))
    assert not values(again)


def test_a_state_holds_where_the_home_is_moved_to(tmp_path: Path) -> None:
    files = write_world(tmp_path / "home" / "runs" / "r1")
    list(train(small(files), context(tmp_path / "home")))
    (tmp_path / "home").rename(tmp_path / "moved")
    moved = {name: path.replace("/home/runs/", "/moved/runs/") for name, path in files.items()}
    assert not values(list(train(small(moved), context(tmp_path / "moved"))))


def test_a_state_of_another_specification_is_refused(files: dict[str, str], tmp_path: Path) -> None:
    list(train(small(files), context(tmp_path)))
    with pytest.raises(UserError, match="another specification"):
        list(train(small(files, seed=5), context(tmp_path)))
    (tmp_path / "run" / FILE).write_bytes(b"damaged")
    with pytest.raises(UserError, match="cannot be read"):
        list(train(small(files), context(tmp_path)))


def test_checkpoints_carry_their_story(files: dict[str, str], tmp_path: Path) -> None:
    rows = list(train(small(files, rce_epochs=3), context(tmp_path)))
    kept = checkpoints_of(rows)
    assert {(Path(row.path).name, row.phase) for row in kept} == {
        ("rce_best.safetensors", "rce"),
        ("rce_last.safetensors", "rce"),
    }
    manifest = read_manifest(kept[-1].path)
    assert manifest is not None
    assert manifest.metrics["epoch"] == 3
    assert manifest.lineage["spec"]["rce_epochs"] == 3
    assert len(manifest.lineage["rl_data"]["sha256"]) == 64
    assert manifest.pool == {"rule": "auto", "smallest": 10, "median": 10, "largest": 10}
    assert kept[-1].sha256 == manifest.hashes.get("file", kept[-1].sha256)


def test_the_best_epoch_is_the_one_of_most_reward_unless_loss_is_asked_for(
    files: dict[str, str], tmp_path: Path
) -> None:
    found = {}
    for best_by in ("greedy_reward", "loss"):
        spec = small(files, rce_epochs=8, grpo_epochs=8, kind="grpo", rce_lr=0.05, grpo_lr=0.05, best_by=best_by)
        rows = list(train(spec, context(tmp_path / best_by)))
        best = {row.phase: row.epoch for row in checkpoints_of(rows) if row.is_best}
        found[best_by] = metrics_of(rows), best
    metrics, by_reward = found["greedy_reward"]
    assert found["loss"][0] == metrics  # the choice changes no number
    epochs = range(1, 9)
    for phase, measure in (("rce", "val_loss"), ("grpo", "expected_reward")):
        assert by_reward[phase] == max(epochs, key=lambda epoch: (metrics[phase, epoch, "greedy_reward"], epoch))
        sign = 1 if measure == "val_loss" else -1
        assert found["loss"][1][phase] == min(epochs, key=lambda epoch: sign * metrics[phase, epoch, measure])
    assert by_reward != found["loss"][1]


def test_without_a_context_nothing_is_written(files: dict[str, str], tmp_path: Path) -> None:
    before = sorted(tmp_path.rglob("*"))
    assert not checkpoints_of(train(small(files)))
    assert sorted(tmp_path.rglob("*")) == before


def test_patience_stops_and_goes_back_to_the_best_epoch(files: dict[str, str], tmp_path: Path) -> None:
    spec = small(files, rce_epochs=60, rce_lr=0.1, patience=3, dropout=0.0, best_by="loss")
    rows = list(train(spec, context(tmp_path)))
    losses = {epoch: value for (_, epoch, name), value in metrics_of(rows).items() if name == "val_loss"}
    best = min(losses, key=lambda epoch: losses[epoch])
    assert max(losses) == best + 3 < 60
    state = load_file(tmp_path / "run" / FILE)
    stored = load_selector(tmp_path / "run/checkpoints/rce_best.safetensors").state_dict()
    total = sum(value.double().sum() for value in stored.values())
    torch.testing.assert_close(state["best"].double().sum(), total)


def test_top1_only_imitates_the_first_listed_candidate(files: dict[str, str]) -> None:
    one = metrics_of(train(small(files, rce_top1_only=True, rce_epochs=1, dropout=0.0, attn_dropout=0.0)))
    document = json.loads(Path(files["rl_data"]).read_text())
    for record in document.values():
        if "pointer_candidates" in record:
            record["pointer_candidates"][1:] = record["pointer_candidates"][:0:-1]
    Path(files["rl_data"]).write_text(json.dumps(document))
    two = metrics_of(train(small(files, rce_top1_only=True, rce_epochs=1, dropout=0.0, attn_dropout=0.0)))
    assert one["rce", 1, "rce_loss"] == pytest.approx(two["rce", 1, "rce_loss"], rel=1e-6)


def test_a_frozen_backbone_does_not_move(files: dict[str, str], tmp_path: Path) -> None:
    list(train(small(files, grpo_epochs=2, freeze_backbone=True), context(tmp_path)))
    before = load_selector(tmp_path / "run/checkpoints/rce_last.safetensors").state_dict()
    after = load_selector(tmp_path / "run/checkpoints/grpo_last.safetensors").state_dict()
    frozen = {name for name in before if any(part in name for part in ("input_proj", "query_proj", "cand_proj"))}
    assert {name for name in before if torch.equal(before[name], after[name])} >= frozen
    assert not torch.equal(before["query_update_gate.weight"], after["query_update_gate.weight"])


def test_grpo_can_start_from_a_checkpoint(files: dict[str, str], tmp_path: Path) -> None:
    list(train(small(files), context(tmp_path)))
    start = str(tmp_path / "run/checkpoints/rce_last.safetensors")
    rows = list(train(small(files, kind="grpo", init=start, rce_epochs=0, grpo_epochs=1)))
    assert metrics_of(rows)["grpo", 1, "mean_ratio"] == pytest.approx(1, abs=0.1)
    with pytest.raises(UserError, match="has hidden_dim=8, but hidden_dim=16"):
        list(train(small(files, init=start, hidden_dim=16)))


def test_pointers_of_one_and_three_demonstrations(tmp_path: Path) -> None:
    for shots in (1, 3):
        files = write_world(tmp_path / str(shots), shots=shots)
        rows = list(train(small(files, variant="v4_3", grpo_epochs=1)))
        assert metrics_of(rows)["grpo", 1, "kl"] >= 0


def test_label_smoothing_bfloat16_and_a_schedule_train_too(files: dict[str, str]) -> None:
    plain = metrics_of(train(small(files, rce_epochs=4)))
    for fields in ({"label_smoothing": 0.1}, {"precision": "bfloat16"}, {"schedule": "cosine", "warmup_ratio": 0.5}):
        changed = metrics_of(train(small(files, rce_epochs=4, **fields)))
        assert changed["rce", 4, "rce_loss"] != plain["rce", 4, "rce_loss"]
        assert changed["rce", 4, "rce_loss"] < changed["rce", 1, "rce_loss"]
    assert changed["rce", 4, "learning_rate"] < changed["rce", 2, "learning_rate"]


def test_a_shared_pool_and_separate_query_embeddings(files: dict[str, str], tmp_path: Path) -> None:
    rows = load_file(files["embeddings"])["embeddings"]
    save_file({"embeddings": rows[:40]}, tmp_path / "queries.safetensors")
    spec = small(files, pool="shared", query_embeddings=str(tmp_path / "queries.safetensors"))
    metrics = metrics_of(train(spec))
    assert metrics["rce", 1, "uniform_loss"] == pytest.approx(float(torch.tensor([60.0, 59.0]).log().sum()))


def test_without_validation_groups_there_is_no_validation(tmp_path: Path) -> None:
    files = write_world(tmp_path, queries=2)
    document = json.loads(Path(files["rl_data"]).read_text())
    document["1"]["pointer_candidates"] = []
    Path(files["rl_data"]).write_text(json.dumps(document))
    rows = list(train(small(files, train_ratio=0.5, grpo_epochs=1, skip_no_signal=False), context(tmp_path)))
    assert not [row for row in rows if isinstance(row, Metric) and row.name == "val_loss"]
    assert [row.epoch for row in checkpoints_of(rows) if row.is_best][-1] == 1


def test_all_equal_rewards_say_no_signal(files: dict[str, str]) -> None:
    constant_rewards(files)
    rows = list(train(small(files, grpo_epochs=2)))
    assert codes_of(rows).count("no-signal") == 2
    assert not [row for row in rows if isinstance(row, Metric) and row.phase == "grpo"]
    with pytest.raises(TrainingFailed, match="nothing was trained"):
        list(train(small(files, rce_epochs=0, grpo_epochs=2)))


def test_groups_without_signal_are_skipped_and_counted(files: dict[str, str]) -> None:
    document = json.loads(Path(files["rl_data"]).read_text())
    document["0"]["pointer_candidates"] = document["0"]["pointer_candidates"][:1]
    for candidate in document["1"]["pointer_candidates"]:
        candidate.update(vqa_correct=0, vqa_acc_score=0.0)
    Path(files["rl_data"]).write_text(json.dumps(document))
    metrics = metrics_of(train(small(files, grpo_epochs=1)))
    assert metrics["grpo", 1, "skipped_groups"] >= 2
    assert metrics["grpo", 1, "signal_rate"] == pytest.approx(1 - metrics["grpo", 1, "skipped_groups"] / 32)
    kept = metrics_of(train(small(files, grpo_epochs=1, skip_no_signal=False)))
    assert kept["grpo", 1, "skipped_groups"] == 0


def test_divergence_ends_the_run_with_a_finding(files: dict[str, str]) -> None:
    rows: list[Row] = []
    with pytest.raises(TrainingFailed, match="diverged in rce epoch"):
        rows.extend(train(small(files, rce_epochs=30, rce_lr=1e38, gradient_clip=0, weight_decay=0)))
    assert "non-finite" in codes_of(rows)


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"rce_epochs": 0}, "there is nothing to train"),
        ({"rl_data": "nowhere.json"}, "nowhere.json cannot be read"),
        ({"embeddings": "nowhere.safetensors"}, "nowhere.safetensors cannot be read"),
        ({"init": "nowhere.pt"}, "nowhere.pt"),
        ({"device": "cuda:9"}, "cuda:9"),
    ],
)
def test_what_cannot_be_trained_is_refused(files: dict[str, str], fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        list(train(small(files, **fields)))


def test_missing_rows_and_a_wrong_width_are_refused(files: dict[str, str], tmp_path: Path) -> None:
    rows = load_file(files["embeddings"])["embeddings"]
    short = write_files(tmp_path / "short", json.loads(Path(files["rl_data"]).read_text()), rows[:30])
    with pytest.raises(UserError, match="the embeddings have 30 rows"):
        list(train(small(short)))
    save_file({"embeddings": rows[:, :5].contiguous()}, tmp_path / "queries.safetensors")
    with pytest.raises(UserError, match="of width 5"):
        list(train(small(files, query_embeddings=str(tmp_path / "queries.safetensors"))))
    list(train(small(files), context(tmp_path)))
    narrow = write_files(tmp_path / "narrow", json.loads(Path(files["rl_data"]).read_text()), rows[:, :5].contiguous())
    with pytest.raises(UserError, match="trained on embeddings of width 12, but those given are 5 wide"):
        list(train(small(narrow, init=str(tmp_path / "run/checkpoints/rce_last.safetensors"))))


def test_mixed_index_spaces_are_resolved_and_reported(files: dict[str, str]) -> None:
    document = json.loads(Path(files["rl_data"]).read_text())
    first = document["3"]["pointer_candidates"][0]
    first["pointer"] = first["pointer_global"]
    Path(files["rl_data"]).write_text(json.dumps(document))
    assert "index-space-mixed" in codes_of(train(small(files)))


def test_rl_data_of_the_built_in_world_are_named_so_under_any_name(files: dict[str, str]) -> None:
    assert "synthetic-data" not in codes_of(train(small(files)))
    document = json.loads(Path(files["rl_data"]).read_text())
    document["_meta"] = {**document.get("_meta", {}), "dataset": "builtin-2"}
    Path(files["rl_data"]).write_text(json.dumps(document))
    assert "synthetic-data" in codes_of(train(small(files)))


def test_the_specification_knows_its_variants_and_completes_parts() -> None:
    with pytest.raises(ValidationError, match="variant 'v9' is unknown"):
        TrainSpec(rl_data="a", embeddings="b", variant="v9")
    spec = TrainSpec.model_validate({"rl_data": "a", "embeddings": "b", "variant": "v4_9", "parts": {"top_m": 4}})
    assert spec.parts == PUBLISHED["v4_9"].model_copy(update={"top_m": 4})
    assert TrainSpec.model_validate_json(spec.model_dump_json()) == spec
