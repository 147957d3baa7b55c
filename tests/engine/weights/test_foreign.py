"""Adapters, second sets of weights and other programs' checkpoints are named, never passed over or read as something else."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from db.specs.base import Report, UserError
from db.specs.evaluate import EvalSpec
from engine.common.models import adapters
from engine.common.models.adapters import AdapterIgnored, adapter_in
from engine.common.models.model_files import find_model
from engine.demo.shipped import model_dir
from engine.doctor.examine import examine
from engine.doctor.preflight import preflight
from engine.selector.checkpoint import open_selector
from engine.selector.convert import convert, describe
from tests.helpers_checkpoints import make_tensors, prefixed, write_sharded

BASE = "Qwen/Qwen2.5-VL-3B-Instruct"


def adapter(folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    name = "base_model.model.model.layers.0.self_attn.q_proj."
    save_file({f"{name}lora_{side}.weight": torch.zeros(8, 8) for side in "AB"}, folder / "adapter_model.safetensors")
    told = {"base_model_name_or_path": BASE, "peft_type": "LORA", "r": 8}
    (folder / "adapter_config.json").write_text(json.dumps(told))
    return folder


def said(report: Report) -> dict[str, str]:
    return {finding.code: f"{finding.message} {finding.fix}" for finding in report.findings}


def test_a_bare_adapter_names_its_base_and_the_way_on(tmp_path: Path) -> None:
    folder = adapter(tmp_path / "ft")
    with pytest.raises(
        AdapterIgnored, match=rf"vlm: .*ft is a LoRA adapter of {BASE}, not a whole model.*merge_and_unload"
    ):
        find_model(str(folder))
    for path in (folder, folder / "adapter_model.safetensors"):
        assert list(said(examine(path))) == ["adapter-ignored"]
        assert f"LoRA adapter of {BASE}" in said(examine(path))["adapter-ignored"]
        with pytest.raises(UserError, match="LoRA adapter"):
            open_selector(path)


def test_a_whole_model_is_not_evaluated_without_the_adapter_beside_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = Path(shutil.copytree(model_dir(), tmp_path / "both"))
    assert find_model(str(folder)) == folder.resolve()
    adapter(folder)
    monkeypatch.setattr(adapters, "find_spec", lambda name: None)
    with pytest.raises(AdapterIgnored, match=r"beside the weights of a whole model.*pip install 'leverplus\[peft\]'"):
        find_model(str(folder))
    found = preflight(EvalSpec(vlm=str(folder), shots=(0,), retriever="zero-shot")).findings
    assert [(finding.code, finding.severity) for finding in found if finding.subject == str(folder)] == [
        ("adapter-ignored", "error")
    ]


@pytest.mark.parametrize(
    ("config", "field", "said"),
    [
        ({"peft_type": "PREFIX_TUNING"}, "vlm", "it adds to the prompt and changes no weight"),
        (
            {"peft_type": "LORA", "megatron_config": {"a": 1}, "megatron_core": "os"},
            "vlm",
            "nothing that a file names is run",
        ),
        ({}, "vlm", "adapter_config.json cannot be read"),
        ({"peft_type": "LORA"}, "encoder", "an adapter is applied to vlm, not to encoder"),
    ],
)
def test_an_adapter_that_cannot_become_part_of_the_weights_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, config: dict[str, object], field: str, said: str
) -> None:
    folder = adapter(Path(shutil.copytree(model_dir(), tmp_path / "both")))
    (folder / "adapter_config.json").write_text(json.dumps(config))
    monkeypatch.setattr(adapters, "find_spec", lambda name: name)
    with pytest.raises(AdapterIgnored, match=said):
        find_model(str(folder), field=field)
    (folder / "adapter_config.json").write_text(json.dumps({"peft_type": "LORA"}))
    assert find_model(str(folder)) == folder.resolve()


@pytest.mark.parametrize("config", ["", "[]", "{", '{"peft_type": 3, "base_model_name_or_path": []}', "[" * 9000])
def test_an_adapter_with_a_broken_configuration_is_still_one(tmp_path: Path, config: str) -> None:
    folder = adapter(tmp_path / "ft")
    (folder / "adapter_config.json").write_text(config)
    found = adapter_in(folder)
    assert found is not None
    assert found.base == ""
    assert set(said(examine(folder))) == {"adapter-ignored"}


@pytest.mark.parametrize("place", ["state_dict_ema", "ema", "model_ema", "ema.module", "averaged.model_state_dict"])
@pytest.mark.parametrize("prefix", ["", "module."])
def test_of_two_sets_of_weights_the_one_taken_is_said(tmp_path: Path, place: str, prefix: str) -> None:
    raw, averaged = make_tensors(), {prefix + name: t for name, t in make_tensors(seed=1).items()}
    outer, _, inner = place.partition(".")
    torch.save({"state_dict": raw, outer: {"decay": 0.99, inner: averaged} if inner else averaged}, tmp_path / "a.pt")
    report = examine(tmp_path / "a.pt")
    assert report.facts["variant"] == "v3"
    assert f"state_dict was taken, {place} was not" in said(report)["second-weights"]
    summary = convert(tmp_path / "a.pt", tmp_path / "b.safetensors", answers={"num_heads": 1})
    assert (summary["taken"], summary["second_sets"]) == ("state_dict", [place])
    assert f"left out a second complete set of weights: {place}" in describe(summary)
    assert torch.equal(
        open_selector(tmp_path / "b.safetensors").selector.state_dict()["query_proj.weight"], raw["query_proj.weight"]
    )


PLACES = ["model_ema.", "ema.", "module.ema.", "ema.module.", "ema_model._orig_mod.", "teacher.model."]


@pytest.mark.parametrize("raw_under", ["", "module.", "online_model.", "model._orig_mod."])
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("form", ["bare", "state_dict", "sharded"])
def test_averages_under_a_prefix_are_a_second_set(tmp_path: Path, raw_under: str, place: str, form: str) -> None:
    raw, averaged = make_tensors(), make_tensors(seed=1)
    beside = prefixed(raw, raw_under) | prefixed(averaged, place) | {f"{place}decay": torch.tensor(0.9)}
    beside["n_averaged"] = torch.tensor(3)
    path: Path = tmp_path / "a.pt"
    if form == "sharded":
        path = write_sharded(tmp_path / "shards", beside)
    else:
        torch.save({"state_dict": beside} if form == "state_dict" else beside, path)
    report = examine(path)
    found = said(report)
    assert "without such a prefix was taken, " in found["second-weights"]
    assert set(found) <= {"second-weights", "unverifiable"}
    assert report.facts["variant"] == "v3"
    summary = convert(path, tmp_path / "b.safetensors", answers={"num_heads": 1})
    assert len(summary["second_sets"]) == 1
    weights = open_selector(tmp_path / "b.safetensors").selector.state_dict()
    assert torch.equal(weights["query_proj.weight"], raw["query_proj.weight"])


def test_flat_names_of_averages_are_known(tmp_path: Path) -> None:
    raw = make_tensors()
    flat = {f"model_ema.{name.replace('.', '')}": tensor for name, tensor in make_tensors(seed=1).items()}
    torch.save({"state_dict": prefixed(raw, "model.") | flat}, tmp_path / "a.pt")
    assert "model_ema. was not" in said(examine(tmp_path / "a.pt"))["second-weights"]


def test_averages_alone_are_the_weights(tmp_path: Path) -> None:
    torch.save(prefixed(make_tensors(seed=1), "model_ema.module."), tmp_path / "a.pt")
    assert not set(said(examine(tmp_path / "a.pt"))) - {"unverifiable"}
    weights = open_selector(tmp_path / "a.pt", answers={"num_heads": 1}).selector.state_dict()
    assert torch.equal(weights["query_proj.weight"], make_tensors(seed=1)["query_proj.weight"])


def test_averages_of_a_part_are_refused(tmp_path: Path) -> None:
    some = dict(list(prefixed(make_tensors(seed=1), "ema.").items())[:3])
    torch.save(make_tensors() | some, tmp_path / "a.pt")
    assert "occur twice, under different prefixes" in said(examine(tmp_path / "a.pt"))["mixed-keys"]


def test_parts_of_a_selector_are_no_second_set(tmp_path: Path) -> None:
    tensors = make_tensors()
    torch.save(
        {"state_dict": tensors, "best": dict(list(tensors.items())[:3]), "optimizer": {"state": {0: {}}}},
        tmp_path / "a.pt",
    )
    assert "second-weights" not in said(examine(tmp_path / "a.pt"))


def deepspeed(folder: Path) -> Path:
    inner = folder / "global_step240"
    inner.mkdir(parents=True)
    part = {"module": make_tensors(), "ds_version": "0.15.1", "param_shapes": [], "global_steps": 240}
    torch.save(part, inner / "mp_rank_00_model_states.pt")
    torch.save(
        {"optimizer_state_dict": {}, "ds_version": "0.15.1"}, inner / "zero_pp_rank_0_mp_rank_00_optim_states.pt"
    )
    (folder / "latest").write_text("global_step240")
    return folder


def test_a_deepspeed_checkpoint_is_named_with_its_converter(tmp_path: Path) -> None:
    folder = deepspeed(tmp_path / "last.ckpt")
    inner = folder / "global_step240"
    renamed = Path(shutil.copy(inner / "mp_rank_00_model_states.pt", tmp_path / "weights.pt"))
    for path in (folder, inner, *inner.iterdir(), renamed):
        assert list(said(examine(path))) == ["foreign-checkpoint"], path
        assert "DeepSpeed" in said(examine(path))["foreign-checkpoint"]
        assert "zero_to_fp32.py" in said(examine(path))["foreign-checkpoint"]
        with pytest.raises(UserError, match=r"zero_to_fp32\.py"):
            open_selector(path)


def test_a_distributed_checkpoint_is_named_with_its_converter(tmp_path: Path) -> None:
    for name in (".metadata", "__0_0.distcp"):
        (tmp_path / name).write_bytes(b"")
    assert "dcp_to_torch" in said(examine(tmp_path))["foreign-checkpoint"]


def test_parts_of_fsdp_and_of_a_distributed_checkpoint_are_named(tmp_path: Path) -> None:
    part = tmp_path / "model_world_size_2_rank_0.pt"
    torch.save(make_tensors(), part)
    for path in (part, tmp_path):
        assert "verl.model_merger" in said(examine(path))["foreign-checkpoint"]
    shard = tmp_path / "dcp" / "__0_0.distcp"
    shard.parent.mkdir()
    torch.save(make_tensors(), shard)
    assert "dcp_to_torch" in said(examine(shard))["foreign-checkpoint"]


def test_whole_weights_beside_the_parts_of_deepspeed_are_read(tmp_path: Path) -> None:
    """A trainer that gathers its weights leaves the parts there, for going on."""
    folder = deepspeed(tmp_path / "checkpoint-500")
    save_file(make_tensors(), folder / "model.safetensors")
    assert "foreign-checkpoint" not in said(examine(folder))
    assert open_selector(folder, answers={"num_heads": 1}).naming.own
