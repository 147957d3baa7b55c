"""Conversion both ways: the keys and fields that upstream expects, and a function that stays the same to the bit."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import torch

from db.specs import UserError
from db.specs.selector import EARLIER, PUBLISHED, SelectorParts, expected_tensors
from engine.demo.shipped import builtin_file
from engine.doctor.checkpoint import assumed_findings, examine_checkpoint
from engine.selector import PointerSelector
from engine.selector.checkpoint import load_selector, open_selector, read_manifest, save_selector
from engine.selector.convert import convert, describe, main, prove, upstream_content
from engine.weights.containers import open_weights
from engine.weights.layouts import compare
from engine.weights.recognition import compatible_names
from tests import helpers_checkpoints as files
from tests.helpers_selector import VARIANTS

GOLDEN = Path(__file__).parents[2] / "golden"


def read(path: Path) -> dict[str, Any]:
    content = torch.load(path, weights_only=True)
    assert isinstance(content, dict)
    return content


@pytest.mark.parametrize("variant", PUBLISHED)
def test_there_and_back(variant: str, tmp_path: Path) -> None:
    tensors = files.make_tensors(variant, num_layers=2)
    source = files.write_upstream(tmp_path / "a.pt", tensors, variant)
    there = convert(source, tmp_path / "a.safetensors")
    back = convert(tmp_path / "a.safetensors", tmp_path / "b.pt", to="upstream")
    one, two = read(source), read(tmp_path / "b.pt")
    assert there["proof"]["identical"]
    assert back["proof"]["identical"]
    assert [*two] == [*one]
    assert set(two["model_state_dict"]) == set(tensors)
    assert all(two[key] == one[key] for key in one if key != "model_state_dict")
    assert all(torch.equal(two["model_state_dict"][name], tensors[name]) for name in tensors)


def test_golden_files_go_there_and_back(tmp_path: Path) -> None:
    for name, heads in (("selector_l1", 1), ("selector_l1_k64", 4), ("selector_l3", 2)):
        ours, theirs = tmp_path / f"{name}.safetensors", tmp_path / f"{name}.pt"
        convert(GOLDEN / f"{name}.pt", ours, answers={"num_heads": heads})
        summary = convert(ours, theirs, to="upstream")
        assert summary["to_be_told"] == ({"num_heads": heads} if heads > 1 else {})
        one, two = read(GOLDEN / f"{name}.pt"), read(theirs)
        assert {key: value for key, value in two.items() if key != "model_state_dict"} == {
            key: value for key, value in one.items() if key != "model_state_dict"
        }
        assert all(torch.equal(two["model_state_dict"][key], tensor) for key, tensor in one["model_state_dict"].items())


def test_the_converted_file_with_legacy_names(tmp_path: Path) -> None:
    """A v3 file, converted with the old names: 40 % would stay random at one layer, and more layers load no more."""
    tensors = files.make_tensors("v3", num_layers=1)
    source = files.write_converted(tmp_path / "v3_v2format.ckpt", tensors)
    names = {
        name.removeprefix("lever_lm.pointer_selector."): info.shape
        for name, info in open_weights(source).tensors().items()
    }
    for layers, missing in ((3, 18), (1, 6)):
        expected = expected_tensors(PUBLISHED["v3"], files.D_MODEL, files.HIDDEN_DIM, layers)
        coverage = compare(names, expected)
        assert (len(coverage.missing), len(coverage.unexpected), len(coverage.matched)) == (missing, 6, 5)
    summary = convert(source, tmp_path / "a.safetensors")
    assert (
        summary["renamed"]["lever_lm.pointer_selector.cross_attn.in_proj_weight"]
        == "cross_attn_layers.0.in_proj_weight"
    )
    assert len(summary["renamed"]) == 6
    assert summary["prefix"] == "lever_lm.pointer_selector."
    assert "renamed 6 tensors" in describe(summary)
    original = files.write_upstream(tmp_path / "v3.pt", tensors)
    assert prove(load_selector(original), load_selector(tmp_path / "a.safetensors"))["identical"]


def test_the_encoder_stays_behind_and_lineage_is_kept(tmp_path: Path) -> None:
    source = files.write_lightning(tmp_path / "a.ckpt", files.make_tensors())
    summary = convert(source, tmp_path / "a.safetensors")
    assert summary["left_out"] == 2
    assert summary["assumed"] == {"num_heads": 1, "shots": 2}
    manifest = read_manifest(tmp_path / "a.safetensors")
    assert manifest is not None
    assert manifest.lineage["converted_from"] == "a.ckpt"
    assert len(manifest.lineage["source_sha256"]) == 64
    assert manifest.lineage["epoch"] == 19


def test_our_own_lineage_survives(tmp_path: Path) -> None:
    selector = PointerSelector(PUBLISHED["v3"], 12, 8, num_heads=2)
    save_selector(
        tmp_path / "a.safetensors",
        selector,
        lineage={"seed": 3},
        metrics={"val_loss": 2.0, "epoch": 4, "phase": "grpo"},
    )
    convert(tmp_path / "a.safetensors", tmp_path / "b.safetensors")
    manifest = read_manifest(tmp_path / "b.safetensors")
    assert manifest is not None
    assert manifest.lineage["seed"] == 3
    assert manifest.sizes.num_heads == 2
    assert (tmp_path / "b.safetensors.json").exists()


def test_upstream_counts_epochs_from_zero(tmp_path: Path) -> None:
    ours, theirs = tmp_path / "a.safetensors", tmp_path / "grpo_epoch5.pt"
    metrics = {"val_loss": 2.0, "epoch": 5, "phase": "grpo"}
    save_selector(ours, PointerSelector(PUBLISHED["v3"], 12, 8), metrics=metrics)
    convert(ours, theirs, to="upstream")
    content = read(theirs)
    assert (content["epoch"], content["phase"], content["metrics"]) == (4, "grpo", {"val_loss": 2.0})
    assert "metadata-conflict" not in {finding.code for finding in examine_checkpoint(theirs).findings}
    convert(theirs, tmp_path / "b.safetensors")
    convert(tmp_path / "b.safetensors", tmp_path / "grpo_epoch5_again.pt", to="upstream")
    assert read(tmp_path / "grpo_epoch5_again.pt")["epoch"] == 4


def test_what_was_assumed_stays_so_until_it_is_answered(tmp_path: Path) -> None:
    source, ours, again = GOLDEN / "selector_l1_k64.pt", tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    convert(source, ours)
    manifest, assumed = read_manifest(ours), {"num_heads": 1, "shots": 2}
    assert manifest is not None
    assert manifest.lineage["assumed"] == open_selector(ours).assumed == assumed
    assert "num_heads=1" in assumed_findings(examine_checkpoint(ours), {})[0].message
    convert(ours, again, answers={"num_heads": 4, "shots": 2})
    assert open_selector(again).assumed == {}
    assert prove(load_selector(again), load_selector(source, answers={"num_heads": 4}))["identical"]
    assert assumed_findings(examine_checkpoint(again), {}) == []
    with pytest.raises(UserError, match="the manifest says num_heads=4, not 2"):
        load_selector(again, answers={"num_heads": 2})


@pytest.mark.parametrize("name", VARIANTS)
def test_assumptions_change_nothing_on_the_way(name: str, tmp_path: Path) -> None:
    tensors = files.make_tensors(parts=VARIANTS[name])
    source = files.write_bare(tmp_path / "a.pt", tensors)
    for out in ("b", "c"):
        convert(source, tmp_path / f"{out}.safetensors")
        source = tmp_path / f"{out}.safetensors"
    assert prove(load_selector(tmp_path / "a.pt"), load_selector(source))["identical"]
    assert open_selector(source).assumed == open_selector(tmp_path / "a.pt").assumed


def test_a_declared_name_is_kept(tmp_path: Path) -> None:
    """A v4_5 with dot scores has the tensors of v4_2."""
    source = files.write_upstream(tmp_path / "a.pt", files.make_tensors("v4_2"), "v4_5")
    torch.save(read(source) | {"attention_type": "dot"}, source)
    convert(source, tmp_path / "a.safetensors")
    convert(tmp_path / "a.safetensors", tmp_path / "b.pt", to="upstream")
    content = read(tmp_path / "b.pt")
    assert (content["model_type"], content["attention_type"]) == ("v4_5", "dot")


@pytest.mark.parametrize("name", [name for name, parts in VARIANTS.items() if compatible_names(parts)])
def test_options_survive_or_are_named(name: str, tmp_path: Path) -> None:
    parts = VARIANTS[name]
    save_selector(tmp_path / "a.safetensors", PointerSelector(parts, 12, 8, shots=3))
    summary = convert(tmp_path / "a.safetensors", tmp_path / "a.pt", to="upstream")
    assert summary["to_be_told"] == ({"mmr_reduction": "mean"} if name == "mmr mean" else {})
    again = open_selector(tmp_path / "a.pt", answers=summary["to_be_told"])
    assert again.selector.parts.model_dump(exclude={"update_weight"}) == parts.model_dump(exclude={"update_weight"})


def test_what_upstream_never_had_is_refused(tmp_path: Path) -> None:
    save_selector(tmp_path / "a.safetensors", PointerSelector(SelectorParts(diversity="mmr"), 12, 8))
    with pytest.raises(UserError, match="no published selector has these parts"):
        convert(tmp_path / "a.safetensors", tmp_path / "a.pt", to="upstream")
    warm = SelectorParts(temperature=0.2)
    save_selector(tmp_path / "b.safetensors", PointerSelector(warm, 12, 8))
    with pytest.raises(UserError, match="without changing what it computes") as caught:
        convert(tmp_path / "b.safetensors", tmp_path / "b.pt", to="upstream")
    assert caught.value.exit_code == 1
    assert sorted(p.name for p in tmp_path.iterdir()) == [
        "a.safetensors",
        "a.safetensors.json",
        "b.safetensors",
        "b.safetensors.json",
    ]
    assert upstream_content(PointerSelector(EARLIER["v3"], 12, 8), {}) is not None


def test_a_different_function_is_noticed() -> None:
    torch.manual_seed(0)
    one, two = PointerSelector(PUBLISHED["v3"], 12, 8).eval(), PointerSelector(PUBLISHED["v3"], 12, 8).eval()
    assert not prove(one, two)["identical"]
    two.load_state_dict(one.state_dict())
    assert prove(one, two)["identical"]
    with torch.no_grad():
        two.query_update_gate.bias[0] += 1e-6
    assert not prove(one, two)["identical"]


def test_bad_places_are_refused(tmp_path: Path) -> None:
    source = files.write_upstream(tmp_path / "a.pt", files.make_tensors())
    before = source.read_bytes()
    with pytest.raises(UserError, match="is the source itself"):
        convert(source, source, to="upstream")
    with pytest.raises(UserError, match="is a folder"):
        convert(source, tmp_path)
    with pytest.raises(UserError, match=r"our layout is a \.safetensors file"):
        convert(source, tmp_path / "b.pt")
    with pytest.raises(UserError, match=r"upstream reads \.pt files"):
        convert(source, tmp_path / "b.safetensors", to="upstream")
    assert source.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.pt"]


def test_the_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source = files.write_upstream(tmp_path / "a.pt", files.make_tensors("v4_3"), "v4_3")
    out = tmp_path / "a.safetensors"
    assert main([str(source), str(out), "--json", "--set", "mmr_reduction=mean", "--set", "num_heads=2"]) == 0
    summary = json.loads(capsys.readouterr().out)
    assert summary["variant"] == "v4_3"
    assert summary["assumed"] == {}
    assert load_selector(out).sizes.num_heads == 2
    assert main([str(source), str(out)]) == 0
    text = capsys.readouterr().out
    assert "same function, bit for bit" in text
    assert "not in the file, taken as published: mmr_reduction=max, num_heads=1" in text
    assert main([str(tmp_path / "none.pt"), str(out)]) == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert main([str(source), str(out), "--set", "num_heads"]) == 2
    assert "write FIELD=VALUE" in capsys.readouterr().err
    assert main([str(source), "/proc/nowhere/a.safetensors"]) == 2
    assert "choose another place" in capsys.readouterr().err


def test_the_builtin_selector_is_converted_to_ours_and_refused_for_upstream(tmp_path: Path) -> None:
    source = builtin_file("checkpoint")
    summary = convert(source, tmp_path / "own.safetensors")
    assert summary["proof"]["identical"]
    with pytest.raises(UserError, match="no published selector has these parts, so upstream could not read it"):
        convert(source, tmp_path / "theirs.pt", to="upstream")
    with pytest.raises(UserError, match=r"^selector\.pt: our layout is a \.safetensors file"):
        convert(source, tmp_path / "selector.pt")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["own.safetensors", "own.safetensors.json"]
