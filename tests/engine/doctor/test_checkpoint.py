"""Every class of checkpoint mismatch: a file that raises it, one that narrowly does not, and the sentence."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from db.specs import Report, UserError
from db.specs.selector import EARLIER, PUBLISHED, SelectorParts
from engine.demo import recipe
from engine.doctor.checkpoint import assumed_findings, examine_checkpoint
from engine.selector import PointerSelector
from engine.selector.checkpoint import load_selector, save_selector
from tests import helpers_checkpoints as make

GOLDEN = Path(__file__).parents[2] / "golden"
NO_GATE = EARLIER["v3"]


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def severities(report: Report) -> list[str]:
    return [finding.severity for finding in report.findings]


def message(report: Report, code: str) -> str:
    return next(finding.message for finding in report.findings if finding.code == code)


def examine(path: Path, **expect: object) -> Report:
    return examine_checkpoint(path, {name: str(value) for name, value in expect.items()})


OWN = {
    "selector A": recipe.PARTS_A,
    "selector B": recipe.PARTS_B,
    "fixed weight": SelectorParts(projection="towers", state_update="weighted", update_weight=0.3),
    "no update": SelectorParts(state_update="static", step_embedding=True, learn_temperature=True),
}


@pytest.mark.parametrize("name", OWN)
def test_a_combination_of_our_own_is_what_its_manifest_says(name: str, tmp_path: Path) -> None:
    path = tmp_path / "own.safetensors"
    save_selector(path, PointerSelector(OWN[name], d_model=6, hidden_dim=4), embedding={"encoder": "vlm"})
    spoiling = {"layer-incomplete", "layers-missing", "layers-dropped", "hyperparameter-mismatch", "variant-mismatch"}
    assert not codes(examine(path)) & spoiling
    file = {
        key: value for key, value in load_file(path).items() if key != "query_proj.0.bias" and key != "step_emb.weight"
    }
    save_file(file, path)
    assert codes(examine(path)) & spoiling


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
    report = examine(make.write_bare(tmp_path / "w.pt", make.mixed_names(make.make_tensors())))
    assert codes(report) == {"mixed-keys"}
    assert "1,120 of 2,544 parameters (44.0 %) are in doubt" in message(report, "mixed-keys")


@pytest.mark.parametrize(("has", "asked", "code"), [(1, 3, "layers-missing"), (3, 1, "layers-dropped"), (2, 2, None)])
def test_number_of_layers(has: int, asked: int, code: str | None, tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors(num_layers=has))
    assert codes(examine(path, num_layers=asked)) == ({code} if code else set())


def test_layers_are_counted_in_words_and_in_parameters(tmp_path: Path) -> None:
    one, three = (make.write_upstream(tmp_path / f"{n}.pt", make.make_tensors(num_layers=n)) for n in (1, 3))
    missing, dropped = message(examine(one, num_layers=2), "layers-missing"), examine(three, num_layers=1)
    assert (
        missing
        == "The file has 1 cross-attention layer, the request 2: layer 1 would stay random, 1,120 of 3,664 parameters (30.6 %)."
    )
    assert "the trained layers 1 to 2 would be dropped, 2,240 of 4,784 parameters (46.8 %)" in message(
        dropped, "layers-dropped"
    )
    little = make.without(make.make_tensors(d_model=512, hidden_dim=256), "attn_norms.0.bias")
    assert "(less than 0.1 %)" in message(examine(make.write_bare(tmp_path / "l.pt", little)), "layer-incomplete")


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
    assert codes(examine(path, num_heads=1)) == set()


def test_what_nothing_tells_is_said_with_the_way_to_answer(tmp_path: Path) -> None:
    parts = PUBLISHED["v4_9"].model_copy(update={"top_m": 4})
    bare = make.write_bare(tmp_path / "a.pt", make.make_tensors(parts=parts))
    ((text, answer),) = ((finding.message, finding.fix) for finding in assumed_findings(examine(bare), {}))
    assert "taken as published (top_m=8, num_heads=1)" in text
    assert f"`leverplus convert {bare} OUT.safetensors --set top_m=8 --set num_heads=1`" in answer
    mmr = make.write_upstream(tmp_path / "b.pt", make.make_tensors("v4_3"), "v4_3")
    assert "mmr_reduction=max" in assumed_findings(examine(mmr), {})[0].message
    assert "shots" not in assumed_findings(examine(GOLDEN / "selector_l1_k64.pt"), {"shots": "2"})[0].message
    told = {"format": "leverplus-selector", "sizes": {"num_heads": 2}, "parts": {"top_m": 4}}
    (tmp_path / "a.pt.json").write_text(json.dumps(told))
    assert assumed_findings(examine(bare), {}) == []


def test_impossible_declarations_are_named(tmp_path: Path) -> None:
    path = make.write_bare(tmp_path / "a.pt", make.make_tensors())
    (tmp_path / "a.pt.json").write_text('{"format": "leverplus-selector", "sizes": {"num_heads": "many"}}')
    assert "num_heads cannot be 'many'" in message(examine(path), "metadata-conflict")
    (tmp_path / "a.pt.json").write_text('{"format": "leverplus-selector", "sizes": 3, "lineage": {"assumed": 1}}')
    assert "field sizes is 3" in message(examine(path), "metadata-conflict")
    (tmp_path / "a.pt.json").unlink()
    os.mkfifo(tmp_path / "a.pt.json")
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


@pytest.mark.parametrize(
    ("variant", "words"),
    [
        ("v3", "picks at most 8 demonstrations"),
        ("v4_2", "step vectors (step_emb) for 2 shots"),
        ("v4_3", "diversity weights (div_lambda) for 2 shots"),
        ("v4_6", "step vectors (step_emb) for 8 shots"),
        ("v4_8", "8 trained slots"),
    ],
)
def test_what_bounds_the_shots_is_named(variant: str, words: str, tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors(variant), variant)
    assert words in message(examine(path, shots=9), "shots-beyond-trained")


def test_gate(tmp_path: Path) -> None:
    gated = make.write_upstream(tmp_path / "a.pt", make.make_tensors())
    plain = make.write_upstream(tmp_path / "b.pt", make.make_tensors(parts=NO_GATE))
    assert codes(examine(plain, variant="v4_1")) == {"gate-missing"}
    assert codes(examine(plain)) == codes(examine(gated, variant="v4_1")) == set()
    assert codes(examine(gated, variant="v4_2")) == {"gate-ignored"}
    assert "1,664 of 3,680 parameters (45.2 %) would stay random" in message(
        examine(gated, variant="v4_2"), "gate-ignored"
    )


def test_variant_head_and_family(tmp_path: Path) -> None:
    v4_3 = make.write_upstream(tmp_path / "a.pt", make.make_tensors("v4_3"), "v4_3")
    assert codes(examine(v4_3, variant="v4_2")) == {"variant-mismatch"}
    assert "looks like v4_3" in message(examine(v4_3, variant="v4_2"), "variant-mismatch")
    stripped = make.write_converted(tmp_path / "b_v2format.ckpt", make.make_tensors("v4_7"), "v4_7")
    assert codes(examine(stripped)) == {"head-missing"}
    assert "513 of 4,289 parameters (12.0 %) would stay random" in message(examine(stripped), "head-missing")
    v1 = make.write_upstream(tmp_path / "c.pt", make.make_tensors("v1"), "v1")
    assert codes(examine(v1, variant="v3")) == {"family-mismatch"}
    assert "of another family (v1): 532,224 of 532,224 parameters (100 %) would stay random" in message(
        examine(v1, variant="v3"), "family-mismatch"
    )
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


def lightning(path: Path, tensors: make.Tensors, **config: object) -> Path:
    return make.write_lightning(path, tensors, clip=False, config=config)


def test_lora_of_the_stored_configuration(tmp_path: Path) -> None:
    assert codes(examine(lightning(tmp_path / "a.ckpt", make.make_tensors(), use_lora=False))) == set()
    lost = examine(lightning(tmp_path / "b.ckpt", make.make_tensors(), use_lora=True))
    assert "no lora_ tensor is in the file, and there is no side folder" in message(lost, "lora-mismatch")
    with make.fake_omegaconf() as config_class:
        cfg = config_class({"use_lora": True, "lora_config": {"r": 8}})
        content = {"state_dict": make.with_lora(make.make_tensors()), "datamodule_hyper_parameters": {"cfg": cfg}}
        torch.save(content, tmp_path / "c.ckpt")
    side = tmp_path / "lora" / "x" / "text_encoder_lora"
    side.mkdir(parents=True)
    (side / "adapter_config.json").write_text('{"r": 32}')
    said = [f.message for f in examine(tmp_path / "c.ckpt").findings if f.severity == "error"]
    assert [f"says r={rank}" in text for rank, text in zip((8, 32), said, strict=True)] == [True, True]


def test_the_stored_configuration_is_held_against_the_request(tmp_path: Path) -> None:
    path = lightning(tmp_path / "a.ckpt", make.make_tensors(), K=2, clip_name="openai/clip-vit-base-patch16")
    report = examine(path, encoder="openai/clip-vit-base-patch32", pool_size=64)
    assert severities(report) == ["error", "error"]
    assert "openai/clip-vit-base-patch16" in message(report, "encoder-unverified")
    assert "pools of 2 (K=2)" in message(report, "pool-size")
    assert codes(examine(path, encoder="/models/clip-vit-base-patch16")) == set()


def test_prefixes_that_are_not_known(tmp_path: Path) -> None:
    tensors = make.make_tensors()
    strange = examine(make.write_bare(tmp_path / "a.pt", tensors, "my_wrapper."), variant="v3")
    assert codes(strange) == {"prefix-mismatch"}
    assert "2,544 of 2,544 parameters (100 %) would stay random" in message(strange, "prefix-mismatch")
    some = {name: tensors[name] for name in list(tensors)[:5]}
    partly = make.prefixed(some, "net.") | {name: t for name, t in tensors.items() if name not in some}
    report = examine(make.write_bare(tmp_path / "b.pt", partly))
    assert codes(report) == {"prefix-mismatch"}
    assert "5 of 11 names start with 'net.'" in message(report, "prefix-mismatch")
    assert report.facts["d_model"] == make.D_MODEL


def test_types_and_values(tmp_path: Path) -> None:
    tensors = make.make_tensors()
    half = make.write_bare(tmp_path / "a.pt", make.cast(tensors, torch.bfloat16))
    assert "what was rounded away stays lost" in message(examine(half), "dtype-narrow")
    double = examine(make.write_bare(tmp_path / "a.pt", make.cast(tensors, torch.float64)))
    assert "narrowed to float32" in message(double, "dtype-narrow")
    whole = examine(make.write_bare(tmp_path / "a.pt", make.cast(tensors, torch.int64)))
    assert severities(whole) == ["error"]
    eight = tensors | {"query_proj.weight": tensors["query_proj.weight"].to(torch.float8_e4m3fn)}
    report = examine(make.write_bare(tmp_path / "a.pt", eight))
    assert "1 of 11 tensors is float8_e4m3fn" in message(report, "dtype-narrow")
    for value in (float("nan"), float("inf")):
        bad = make.write_bare(tmp_path / "b.pt", make.changed(tensors, "cand_proj.weight", value))
        assert codes(examine(bad)) == {"non-finite"}
    assert codes(examine(make.write_bare(tmp_path / "c.pt", make.changed(tensors, "cand_proj.weight", 1e30)))) == set()
    dead = tensors | {"cand_proj.weight": torch.zeros_like(tensors["cand_proj.weight"])}
    assert codes(examine(make.write_bare(tmp_path / "d.pt", dead))) == {"constant-tensor"}
    norm = tensors | {"attn_norms.0.weight": torch.zeros(make.HIDDEN_DIM)}
    assert "attn_norms.0.weight are zero" in message(
        examine(make.write_bare(tmp_path / "e.pt", norm)), "constant-tensor"
    )
    bias = tensors | {"attn_norms.0.bias": torch.zeros(make.HIDDEN_DIM)}
    assert codes(examine(make.write_bare(tmp_path / "f.pt", bias))) == set()
    rows = tensors["query_proj.weight"].clone()
    rows[:10] = 0
    part = examine(make.write_bare(tmp_path / "g.pt", tensors | {"query_proj.weight": rows}))
    assert "10 of 16 rows of query_proj.weight" in message(part, "constant-tensor")


def test_the_distance_from_the_identity_is_a_fact(tmp_path: Path) -> None:
    tensors = make.make_tensors() | {"query_proj.weight": 1.5 * torch.eye(make.HIDDEN_DIM)}
    report = examine(make.write_bare(tmp_path / "w.pt", tensors))
    assert codes(report) == set()
    assert report.facts["identity_distance"]["query_proj"] == 0.5
    assert 0 < report.facts["identity_distance"]["cand_proj"] < 0.2


def test_cut_and_foreign_files(tmp_path: Path) -> None:
    path = make.truncate(make.write_upstream(tmp_path / "w.pt", make.make_tensors()))
    assert codes(examine(path)) == {"truncated"}
    old = make.truncate(make.write_bare(tmp_path / "old.pt", make.make_tensors(), zipped=False))
    (finding,) = (f for f in examine(old).findings if f.severity == "error")
    assert "has no data in the file" in finding.message
    assert "more like it" in finding.message
    for kind, code in (("lfs", "not-a-checkpoint"), ("html", "not-a-checkpoint"), ("empty", "truncated")):
        assert codes(examine(make.write_text(tmp_path / kind, kind))) == {code}
    torch.save({"optimizer_states": [{"exp_avg": torch.zeros(3)}], "epoch": 1}, tmp_path / "o.pt")
    assert codes(examine(tmp_path / "o.pt")) == {"not-a-checkpoint"}


@pytest.mark.parametrize(("other", "sound"), [(make.make_tensors(seed=1), False), (make.make_tensors("v4_2"), False),
                                              (make.make_tensors(), True)])  # fmt: skip
def test_two_containers_must_hold_the_same(other: make.Tensors, sound: bool, tmp_path: Path) -> None:
    second = make.prefixed(other, "lever_lm.pointer_selector.")
    torch.save({"model_state_dict": make.make_tensors(), "state_dict": second}, tmp_path / "two.pt")
    assert codes(examine(tmp_path / "two.pt")) == (set() if sound else {"not-a-checkpoint"})


@pytest.mark.parametrize("plain", [True, False])
def test_hostile_files_are_named_and_harmless(plain: bool, tmp_path: Path) -> None:
    marker = tmp_path / "executed"
    report = examine(make.write_hostile(tmp_path / "w.pt", marker, make.make_tensors(), plain=plain))
    assert "unsafe-pickle" in codes(report)
    assert "builtins.exec" in message(report, "unsafe-pickle")
    assert not marker.exists()
    assert all("leverplus convert" not in finding.fix for finding in report.findings)  # which refuses such files


def test_hostile_archives_are_not_to_be_copied_again(tmp_path: Path) -> None:
    finding = examine(make.write_zip_bomb(tmp_path / "w.pt", make.make_tensors())).findings[0]
    assert "zip bomb" in finding.message
    assert "Do not load it" in finding.fix


def test_stale_conversion(tmp_path: Path) -> None:
    original = make.write_upstream(tmp_path / "epoch5.pt", make.make_tensors(seed=1))
    converted = make.write_converted(tmp_path / "epoch5_v2format.ckpt", make.make_tensors(seed=1))
    assert "stale-conversion" not in codes(examine(converted))
    os.utime(converted, ns=(0, 0))
    assert "is older than" in message(examine(converted), "stale-conversion")
    make.write_upstream(original, make.make_tensors(seed=2))
    assert "other numbers" in message(examine(converted), "stale-conversion")


def test_a_conversion_that_lost_trained_layers(tmp_path: Path) -> None:
    """Upstream's converters drop layers 1 and 2: what is left converts exactly, but not to what was trained."""
    original = make.write_upstream(tmp_path / "rce epoch5.pt", make.make_tensors(num_layers=3))
    converted = make.write_converted(tmp_path / "rce epoch5_v2format.ckpt", make.make_tensors(num_layers=3))
    report = examine(converted)
    stale = next(finding for finding in report.findings if finding.code == "stale-conversion")
    assert stale.severity == "error"
    assert "lacks 12 trained tensors of rce epoch5.pt" in stale.message
    assert "2,240 of 4,784 parameters (46.8 %)" in stale.message
    assert f"`leverplus convert '{original}' OUT.safetensors`" in stale.fix
    legacy = next(finding for finding in report.findings if finding.code == "legacy-keys")
    assert f"`leverplus convert '{converted}' OUT.safetensors`" in legacy.fix
    assert "convert the original" in legacy.fix


def test_a_conversion_beside_a_damaged_original(tmp_path: Path) -> None:
    make.truncate(make.write_bare(tmp_path / "epoch5.pt", make.make_tensors(), zipped=False))
    converted = make.write_converted(tmp_path / "epoch5_v2format.ckpt", make.make_tensors())
    assert codes(examine(converted)) == {"legacy-keys"}


def test_metadata_against_the_name(tmp_path: Path) -> None:
    good = make.write_upstream(tmp_path / "rce_epoch5.pt", make.make_tensors(), epoch=4, phase="rce")
    assert codes(examine(good)) == set()
    bad = make.write_upstream(tmp_path / "grpo_epoch7.pt", make.make_tensors(), epoch=4, phase="rce")
    text = message(examine(bad), "metadata-conflict")
    assert "epoch 7, the file epoch 5" in text
    assert "says grpo, the file rce" in text


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("num_heads", 0), ("num_heads", "abc"), ("num_heads", [1]), ("temperature", -1.0), ("temperature", "hot"),
        ("shot_num", 99), ("config", {"num_heads": 3}), ("top_m", "x"),
    ],
)  # fmt: skip
def test_metadata_that_no_selector_can_have(field: str, value: object, tmp_path: Path) -> None:
    torch.save({"epoch": 4, "model_state_dict": make.make_tensors(), field: value}, tmp_path / "w.pt")
    report = examine(tmp_path / "w.pt")
    assert codes(report) == {"metadata-conflict"}
    with pytest.raises(UserError):
        load_selector(tmp_path / "w.pt")


@pytest.mark.parametrize(
    "fields", [{"parts": 5}, {"sizes": [1]}, {"sizes": {"shots": 10**9}}, {"embedding": "x"}, {"pool": ["p"]}]
)
def test_manifests_that_are_not_understood(fields: dict[str, object], tmp_path: Path) -> None:
    manifest = json.dumps({"format": "leverplus-selector", "variant": "v3"} | fields)
    save_file(make.make_tensors(), tmp_path / "w.safetensors", metadata={"leverplus": manifest})
    report = examine(tmp_path / "w.safetensors", pool_size=64)
    assert codes(report) == {"metadata-conflict"}
    assert next(iter(fields)).split(".")[0] in message(report, "metadata-conflict") or "shots" in str(fields)


def test_tensors_of_no_selector(tmp_path: Path) -> None:
    empty = make.make_tensors() | {"query_proj.weight": torch.zeros(0, 0)}
    assert codes(examine(make.write_bare(tmp_path / "w.pt", empty))) == {"not-a-checkpoint"}
    both = make.make_tensors("v4_8") | {"step_emb.weight": torch.ones(2, make.HIDDEN_DIM)}
    assert "not-a-checkpoint" in codes(examine(make.write_bare(tmp_path / "b.pt", both)))


def test_text_of_a_file_cannot_steer_the_terminal(tmp_path: Path) -> None:
    meta = {"phase": "\x1b[2J\x9b31m\u202e\ud800", "model_type": "v4_6\x07", "epoch": 10**5000}
    torch.save({"model_state_dict": make.make_tensors()} | meta, tmp_path / "rce_epoch5.pt")
    report = examine(tmp_path / "rce_epoch5.pt", variant="v3")
    shown = json.dumps(report.model_dump(mode="json"), ensure_ascii=False)
    assert shown.encode().decode().isprintable()
    assert report.facts["phase"] == r"\u001b[2J\u009b31m\u202e\ud800"


def test_sentences_keep_the_names_of_files_and_fields(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    make.truncate(make.write_upstream(Path("m23.pt"), make.make_tensors()))
    assert message(examine(Path("m23.pt")), "truncated").startswith("m23.pt is cut")


def test_the_hash_of_a_folder_is_that_of_its_files(tmp_path: Path) -> None:
    folder = make.write_sharded(tmp_path / "shards", make.make_tensors())
    (folder / "notes.txt").write_text("not part of it")
    facts = examine(folder).facts
    files = sorted([*folder.glob("*.json"), *folder.glob("*.safetensors")])
    assert facts["sha256"] == hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()
    assert facts["sha256_of"] == " + ".join(file.name for file in files)


@pytest.mark.parametrize(
    "expect",
    [
        {"variant": "v9"}, {"num_layers": "three"}, {"colour": "red"}, {"d_model": "²"}, {"d_model": "0"}, {"shots": "-1"},
        {"num_layers": "100000000"}, {"hidden_dim": "9" * 5000}, {"pool_size": ""},
    ],
)  # fmt: skip
def test_requests_are_checked(expect: dict[str, str], tmp_path: Path) -> None:
    path = make.write_upstream(tmp_path / "w.pt", make.make_tensors())
    for subject in (path, tmp_path / "no such file"):
        with pytest.raises(UserError, match=next(iter(expect))):
            examine_checkpoint(subject, expect)


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


# --- whatever a file says of itself, the doctor answers ------------------------------------------------------------

HARD = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck), database=None)
FIELDS = [
    "epoch", "phase", "model_type", "variant", "num_heads", "shots", "shot_num", "temperature", "top_m", "dpp_rank",
    "num_topics", "scorer", "state_update", "dropout", "d_model", "embedding", "pool", "pool_size", "config", "use_lora",
    "hyper_parameters", "datamodule_hyper_parameters", "metrics", "parts", "sizes", "lineage", "format",
]  # fmt: skip
LEAVES = (
    st.none() | st.booleans() | st.integers(-3, 10) | st.sampled_from([10**9, 10**19, -(10**400)]) | st.floats()
    | st.sampled_from(["", "v3", "v4_7", "dot", "leverplus-selector", "\x1b[2J", "\ud800", "\u202e", "$" + "{K}"])
)  # fmt: skip
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["K", "clip_name", "r", *FIELDS]), inner)
    ),
    max_leaves=6,
)
SAID = st.dictionaries(st.sampled_from(FIELDS), VALUES, max_size=5)
REQUEST = {"variant": "v4_7", "pool_size": "64", "encoder": "x", "shots": "4", "num_heads": "2", "num_layers": "2"}


def answers(path: Path) -> None:
    """A report that can be printed in both forms."""
    report = examine_checkpoint(path, REQUEST)
    assert json.dumps(report.model_dump(mode="json"), ensure_ascii=False).encode().decode().isprintable()
    assert all(finding.message and finding.fix for finding in report.findings)


@HARD
@given(said=SAID, lora=st.booleans())
def test_any_metadata(tmp_path: Path, said: dict[str, Any], lora: bool) -> None:
    tensors = make.make_tensors(hidden_dim=2, d_model=3)
    torch.save({"model_state_dict": make.with_lora(tensors) if lora else tensors} | said, tmp_path / "rce_epoch5.pt")
    answers(tmp_path / "rce_epoch5.pt")


@HARD
@given(said=SAID, sections=SAID)
def test_any_manifest(tmp_path: Path, said: dict[str, Any], sections: dict[str, Any]) -> None:
    manifest = json.dumps({"format": "leverplus-selector", "parts": sections, "sizes": sections} | said)
    save_file(make.make_tensors(hidden_dim=2, d_model=3), tmp_path / "w.safetensors", metadata={"leverplus": manifest})
    answers(tmp_path / "w.safetensors")


DTYPES = [
    "F32",
    "F64",
    "F16",
    "BF16",
    "C64",
    "F8_E4M3",
    "F4",
    "I64",
    "U16",
    "BOOL",
    "O",
    "V8",
    "i4,i4",
    "\x1b[31m",
    "",
    5,
    None,
]


@HARD
@given(
    kinds=st.lists(
        st.tuples(st.sampled_from(DTYPES), st.lists(st.integers(-1, 5), max_size=3)), min_size=1, max_size=11
    ),
    size=st.integers(0, 120),
)
def test_any_types_and_shapes(tmp_path: Path, kinds: list[tuple[Any, list[int]]], size: int) -> None:
    names = ["query_proj.weight", *make.make_tensors("v4_7")]
    entries = {
        name: {"dtype": kind, "shape": shape, "data_offsets": [0, size]}
        for name, (kind, shape) in zip(names, kinds, strict=False)
    }
    header = json.dumps(entries).encode()
    path = tmp_path / "w.safetensors"
    path.write_bytes(len(header).to_bytes(8, "little") + header + bytes(range(size)))
    answers(path)
