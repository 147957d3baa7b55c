"""Every class of checkpoint mismatch: a file that raises it, one that narrowly does not, and the sentence."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest
import torch

from db.specs import Report, UserError
from db.specs.selector import EARLIER, PUBLISHED, SelectorParts
from engine.doctor.checkpoint import examine_checkpoint
from tests import helpers_checkpoints as make

GOLDEN = Path(__file__).parents[1] / "golden"
NO_GATE = EARLIER["v3"]


def codes(report: Report) -> set[str]:
    """What is wrong or doubtful; that upstream's files do not tell their heads is neither."""
    return {finding.code for finding in report.findings if finding.severity != "info"}


def severities(report: Report) -> list[str]:
    return [finding.severity for finding in report.findings if finding.code != "unverifiable"]


def message(report: Report, code: str) -> str:
    return next(finding.message for finding in report.findings if finding.code == code)


def examine(path: Path, **expect: object) -> Report:
    return examine_checkpoint(path, {name: str(value) for name, value in expect.items()})


# --- clean files ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["selector_l1", "selector_l1_k64", "selector_l3"])
def test_upstream_checkpoints_give_no_finding(name: str) -> None:
    report = examine_checkpoint(GOLDEN / f"{name}.pt")
    assert codes(report) == set()
    assert report.facts["variant"] == "v3"
    assert report.facts["num_layers"] == (3 if name == "selector_l3" else 1)


@pytest.mark.parametrize("variant", PUBLISHED)
def test_every_variant_is_recognised_and_clean(variant: str, tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors(variant), variant)
    report = examine(path, variant=variant)
    assert codes(report) == set()
    assert (report.facts["parameters_matched"], report.facts["parameters_random"]) == (1.0, 0.0)
    assert variant in (report.facts["variant"], *report.facts["also"])


@pytest.mark.parametrize(
    "prefix", ["", "pointer_selector.", "lever_lm.pointer_selector.", "model.", "module.", "_orig_mod."]
)
def test_known_prefixes_are_stripped_without_a_finding(prefix: str, tmp_path: Path) -> None:
    assert codes(examine(make.write_bare(tmp_path / "w.pt", make.make_tensors(), prefix), variant="v3")) == set()


def test_lightning_old_and_sharded_files_are_clean(tmp_path: Path) -> None:
    tensors = make.make_tensors()
    assert codes(examine(make.write_lightning(tmp_path / "w.ckpt", tensors), variant="v2")) == set()
    assert codes(examine(make.write_bare(tmp_path / "old.pt", tensors, zipped=False))) == set()
    assert codes(examine(make.write_sharded(tmp_path / "shards", tensors))) == set()
    assert codes(examine(make.write_safetensors(tmp_path / "w.safetensors", tensors))) == set()


# --- the story that started the project ----------------------------------------------------------------------------


def test_changing_three_layers_to_one_loads_nothing_more(tmp_path: Path) -> None:
    """A checkpoint converted to the old names: with 3 layers asked 18 + 6 names do not fit, with 1 still 6 + 6."""
    tensors = make.make_tensors("v3", d_model=512, hidden_dim=256)
    path = make.write_converted(tmp_path / "rce_epoch5_v2format.ckpt", tensors)
    three, one = examine(path, variant="v3", num_layers=3), examine(path, variant="v3", num_layers=1)
    assert (three.facts["tensors_missing"], three.facts["tensors_unexpected"]) == (18, 6)
    assert (one.facts["tensors_missing"], one.facts["tensors_unexpected"]) == (6, 6)
    assert one.facts["parameters_random"] == pytest.approx(263_680 / 657_152, abs=1e-6)
    assert "legacy-keys" in codes(three) & codes(one)
    assert "layers-missing" in codes(three) - codes(one)
    assert "263,680 of 657,152 parameters, 40.1 %" in message(one, "legacy-keys")
    assert "whatever num_layers says" in message(one, "legacy-keys")


# --- each class ----------------------------------------------------------------------------------------------------


def test_mixed_names(tmp_path: Path) -> None:
    assert "mixed-keys" in codes(examine(make.write_bare(tmp_path / "w.pt", make.mixed_names(make.make_tensors()))))


@pytest.mark.parametrize(("has", "asked", "code"), [(1, 3, "layers-missing"), (3, 1, "layers-dropped"), (2, 2, None)])
def test_number_of_layers(has: int, asked: int, code: str | None, tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors(num_layers=has))
    assert codes(examine(path, num_layers=asked)) == ({code} if code else set())


def test_layer_gap(tmp_path: Path) -> None:
    tensors = make.make_tensors(num_layers=3)
    assert codes(examine(make.write_bare(tmp_path / "a.pt", make.layer_gap(tensors)))) == {"layer-incomplete"}
    part = make.without(tensors, "attn_norms.2.bias")
    assert codes(examine(make.write_bare(tmp_path / "b.pt", part))) == {"layer-incomplete"}


def test_widths(tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors())
    assert codes(examine(path, d_model=make.D_MODEL, hidden_dim=make.HIDDEN_DIM)) == set()
    assert codes(examine(path, d_model=768)) == {"d-model"}
    assert codes(examine(path, hidden_dim=256)) == {"hidden-dim"}
    square = make.write_upstream(tmp_path / "s.pt", make.make_tensors(d_model=16, hidden_dim=16))
    assert "no input projection" in message(examine(square, d_model=512), "d-model")


def test_encoder_and_heads_cannot_be_seen_in_tensors(tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors())
    assert codes(examine(path, encoder="openai/clip-vit-base-patch32")) == {"encoder-unverified"}
    assert codes(examine(path, num_heads=4)) == {"unverifiable"}


def test_what_nothing_tells_is_said_with_the_way_to_answer(tmp_path: Path) -> None:
    parts = PUBLISHED["v4_9"].model_copy(update={"top_m": 4})
    bare = make.write_bare(tmp_path / "a.pt", make.make_tensors(parts=parts))
    text, answer = next((f.message, f.fix) for f in examine(bare).findings if f.code == "unverifiable")
    assert "taken as published (top_m=8, num_heads=1)" in text
    assert f"leverplus convert {bare} OUT.safetensors --set top_m=8 --set num_heads=1" in answer
    mmr = make.write_upstream(tmp_path / "b.pt", make.make_tensors("v4_3"), "v4_3")
    assert "mmr_reduction=max" in message(examine(mmr), "unverifiable")
    assert "shots" not in message(examine(GOLDEN / "selector_l1_k64.pt", shots=2), "unverifiable")
    told = {"format": "leverplus-selector", "sizes": {"num_heads": 2}, "parts": {"top_m": 4}}
    (tmp_path / "a.pt.json").write_text(json.dumps(told))
    assert examine(bare).findings == ()


def test_impossible_declarations_are_named(tmp_path: Path) -> None:
    path = make.write_bare(tmp_path / "a.pt", make.make_tensors())
    (tmp_path / "a.pt.json").write_text('{"format": "leverplus-selector", "sizes": {"num_heads": "many"}}')
    assert "num_heads is 'many'" in message(examine(path), "metadata-conflict")
    (tmp_path / "a.pt.json").write_text('{"format": "leverplus-selector", "sizes": 3, "lineage": {"assumed": 1}}')
    assert codes(examine(path)) == set()


def test_pool_size(tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors())
    assert severities(examine(path, pool_size=2)) == ["error"]
    assert severities(examine(path, pool_size=7)) == ["warning"]
    assert codes(examine(path, pool_size=8)) == set()
    assert severities(examine(path, pool_size=8, shots=5)) == ["error"]


def test_shots(tmp_path: Path) -> None:
    gru = make.write_upstream(tmp_path / "a.pt", make.make_tensors("v4_2"), "v4_2")
    assert codes(examine(gru, shots=2)) == set()
    assert codes(examine(gru, shots=3)) == {"shots-beyond-trained"}
    assert codes(examine(make.write_upstream(tmp_path / "b.pt", make.make_tensors("v4_8"), "v4_8"), shots=8)) == set()


def test_gate(tmp_path: Path) -> None:
    gated = make.write_upstream(tmp_path / "a.pt", make.make_tensors())
    plain = make.write_upstream(tmp_path / "b.pt", make.make_tensors(parts=NO_GATE))
    assert codes(examine(plain, variant="v4_1")) == {"gate-missing"}
    assert codes(examine(plain)) == codes(examine(gated, variant="v4_1")) == set()
    assert codes(examine(gated, variant="v4_2")) == {"gate-ignored"}


def test_variant_head_and_family(tmp_path: Path) -> None:
    v4_3 = make.write_upstream(tmp_path / "a.pt", make.make_tensors("v4_3"), "v4_3")
    assert codes(examine(v4_3, variant="v4_2")) == {"variant-mismatch"}
    assert "looks like v4_3" in message(examine(v4_3, variant="v4_2"), "variant-mismatch")
    stripped = make.write_converted(tmp_path / "b_v2format.ckpt", make.make_tensors("v4_7"), "v4_7")
    assert codes(examine(stripped)) == {"head-missing"}
    v1 = make.write_upstream(tmp_path / "c.pt", make.make_tensors("v1"), "v1")
    assert codes(examine(v1, variant="v3")) == {"family-mismatch"}
    assert "family-mismatch" in codes(examine(make.write_bare(tmp_path / "d.pt", make.vocabulary_model())))


def test_vocabulary(tmp_path: Path) -> None:
    path = make.write_bare(tmp_path / "w.pt", make.vocabulary_model(50))
    assert "vocabulary-mismatch" in codes(examine(path, train_size=51))
    assert "vocabulary-mismatch" not in codes(examine(path, train_size=50))


def test_declared_hyperparameters(tmp_path: Path) -> None:
    tensors = make.make_tensors("v4_6", parts=PUBLISHED["v4_6"].model_copy(update={"num_topics": 4}))
    content = {"model_state_dict": tensors, "model_type": "v4_6", "num_topics": 16}
    torch.save(content, tmp_path / "w.pt")
    assert codes(examine(tmp_path / "w.pt")) == {"hyperparameter-mismatch"}


def test_lora_and_prefixes(tmp_path: Path) -> None:
    path = make.write_bare(tmp_path / "a.pt", make.with_lora(make.make_tensors()))
    assert codes(examine(path)) == {"lora-mismatch"}
    (tmp_path / "lora").mkdir()
    assert severities(examine(path)) == ["info"]
    strange = make.write_bare(tmp_path / "b.pt", make.make_tensors(), "my_wrapper.")
    assert "prefix-mismatch" in codes(examine(strange))


def test_types_and_values(tmp_path: Path) -> None:
    tensors = make.make_tensors()
    half = make.write_bare(tmp_path / "a.pt", make.cast(tensors, torch.bfloat16))
    assert codes(examine(half)) == {"dtype-narrow"}
    for value in (float("nan"), float("inf")):
        bad = make.write_bare(tmp_path / "b.pt", make.changed(tensors, "cand_proj.weight", value))
        assert codes(examine(bad)) == {"non-finite"}
    assert codes(examine(make.write_bare(tmp_path / "c.pt", make.changed(tensors, "cand_proj.weight", 1e30)))) == set()
    dead = tensors | {"cand_proj.weight": torch.zeros_like(tensors["cand_proj.weight"])}
    assert codes(examine(make.write_bare(tmp_path / "d.pt", dead))) == {"constant-tensor"}


def test_cut_and_foreign_files(tmp_path: Path) -> None:
    path = make.truncate(make.write_upstream(tmp_path / "w.pt", make.make_tensors()))
    assert codes(examine(path)) == {"truncated"}
    for kind, code in (("lfs", "not-a-checkpoint"), ("html", "not-a-checkpoint"), ("empty", "truncated")):
        assert codes(examine(make.write_text(tmp_path / kind, kind))) == {code}
    torch.save({"optimizer_states": [{"exp_avg": torch.zeros(3)}], "epoch": 1}, tmp_path / "o.pt")
    assert codes(examine(tmp_path / "o.pt")) == {"not-a-checkpoint"}
    torch.save({"model_state_dict": make.make_tensors(), "state_dict": make.make_tensors("v4_2")}, tmp_path / "two.pt")
    assert "not-a-checkpoint" in codes(examine(tmp_path / "two.pt"))


@pytest.mark.parametrize("plain", [True, False])
def test_hostile_files_are_named_and_harmless(plain: bool, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    report = examine(make.write_hostile(tmp_path / "w.pt", marker, make.make_tensors(), plain=plain))
    assert "unsafe-pickle" in codes(report)
    assert "builtins.exec" in message(report, "unsafe-pickle")
    assert not marker.exists()


def test_stale_conversion(tmp_path: Path) -> None:
    original = make.write_upstream(tmp_path / "epoch5.pt", make.make_tensors(seed=1))
    converted = make.write_converted(tmp_path / "epoch5_v2format.ckpt", make.make_tensors(seed=1))
    assert "stale-conversion" not in codes(examine(converted))
    os.utime(converted, ns=(0, 0))
    assert "is older than" in message(examine(converted), "stale-conversion")
    make.write_upstream(original, make.make_tensors(seed=2))
    assert "other numbers" in message(examine(converted), "stale-conversion")


def test_metadata_against_the_name(tmp_path: Path) -> None:
    good = make.write_upstream(tmp_path / "rce_epoch5.pt", make.make_tensors(), epoch=4, phase="rce")
    assert codes(examine(good)) == set()
    bad = make.write_upstream(tmp_path / "grpo_epoch7.pt", make.make_tensors(), epoch=4, phase="rce")
    text = message(examine(bad), "metadata-conflict")
    assert "epoch 7, the file epoch 5" in text
    assert "says grpo, the file rce" in text


@pytest.mark.parametrize("expect", [{"variant": "v9"}, {"num_layers": "three"}, {"colour": "red"}])
def test_requests_are_checked(expect: dict[str, str], tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors())
    with pytest.raises(UserError, match=next(iter(expect))):
        examine_checkpoint(path, expect)


def test_every_finding_says_what_to_do(tmp_path: Path) -> None:
    path = make.write_converted(tmp_path / "w_v2format.ckpt", make.make_tensors())
    for finding in examine(path, variant="v4_2", num_layers=2, shots=9, pool_size=2).findings:
        assert finding.message.endswith(".")
        assert finding.fix


def test_our_own_parts_are_recognised_too(tmp_path: Path) -> None:
    parts = SelectorParts(state_update="gru", scorer="bilinear", diversity="mmr")
    report = examine(make.write_bare(tmp_path / "w.pt", make.make_tensors(parts=parts)))
    assert codes(report) == set()
    assert report.facts["variant"] == "custom"
