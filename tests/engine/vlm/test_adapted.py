"""An adapter beside a model's weights answers with them, merged whole, in every engine; or the folder is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from db.specs.base import UserError
from db.specs.evaluate import DecodeSpec
from engine.common.models.fingerprint import model_sha
from engine.demo.shipped import model_dir
from engine.vlm.local.loading import load_model
from engine.vlm.opening import open_vlm

pytest.importorskip("peft", reason="pip install 'leverplus[peft]'")
RANK, ALPHA = 4, 8


def tuned(folder: Path, scale: float = 0.1, **config: Any) -> tuple[Path, dict[str, torch.Tensor]]:
    """The built-in model with a LoRA adapter beside it, and what the adapter adds to each weight, by hand."""
    shutil.copytree(model_dir(), folder)
    generator = torch.Generator().manual_seed(0)
    adapter: dict[str, torch.Tensor] = {}
    added: dict[str, torch.Tensor] = {}
    for name, weight in load_file(folder / "model.safetensors").items():
        if name.endswith("self_attn.q_proj.weight") and "visual" not in name:
            low = torch.randn(RANK, weight.shape[1], generator=generator) * scale
            high = torch.randn(weight.shape[0], RANK, generator=generator)
            place = f"base_model.model.{name.removesuffix('.weight')}"
            adapter |= {f"{place}.lora_A.weight": low, f"{place}.lora_B.weight": high}
            added[name] = high @ low * (ALPHA / RANK)
    save_file(adapter, folder / "adapter_model.safetensors")
    told = {
        "peft_type": "LORA",
        "r": RANK,
        "lora_alpha": ALPHA,
        "target_modules": ["q_proj"],
        "base_model_name_or_path": "x",
    }
    (folder / "adapter_config.json").write_text(json.dumps(told | config))
    return folder, added


def load(folder: Path) -> Any:
    return load_model(folder, name=folder.name, dtype="float32", device="cpu")


def test_the_adapter_is_in_the_weights(tmp_path: Path) -> None:
    folder, added = tuned(tmp_path / "tuned")
    plain, loaded = load(model_dir()), load(folder)
    assert type(loaded.model) is type(plain.model)
    before, after = plain.model.state_dict(), loaded.model.state_dict()
    assert set(before) == set(after)
    changed = {name for name in before if not torch.equal(before[name], after[name])}
    assert len(changed) == len(added) > 0
    for (name, difference), found in zip(sorted(added.items()), sorted(changed), strict=True):
        assert name.endswith(".".join(found.split(".")[-4:]))
        torch.testing.assert_close(after[found] - before[found], difference, atol=1e-5, rtol=1e-4)
    assert loaded.adapter == "LoRA adapter of x, rank 4, merged"
    assert plain.adapter == ""


def test_its_content_is_part_of_the_models_identity(tmp_path: Path) -> None:
    one, two = tuned(tmp_path / "one")[0], tuned(tmp_path / "two", scale=0.2)[0]
    three = tuned(tmp_path / "three", lora_alpha=9)[0]
    assert len({model_sha(folder) for folder in (model_dir(), one, two, three)}) == 4
    assert load(one).answers_sha != load(two).answers_sha


@pytest.mark.parametrize("engine", ["plain", "packed"])
def test_every_engine_answers_with_it(tmp_path: Path, engine: str) -> None:
    folder = tuned(tmp_path / "tuned")[0]
    vlm = open_vlm(str(folder), decode=DecodeSpec(num_beams=1), device="cpu", engine=engine)
    facts = vlm.facts()
    assert (facts["vlm_engine"], facts["vlm_adapter"]) == (engine, "LoRA adapter of x, rank 4, merged")


@pytest.mark.parametrize("damage", ["a tensor less", "a tensor more", "another width", "no weights", "no tensor file"])
def test_an_adapter_that_is_not_whole_is_refused(tmp_path: Path, damage: str) -> None:
    folder = tuned(tmp_path / "tuned")[0]
    file = folder / "adapter_model.safetensors"
    tensors = load_file(file)
    name = min(tensors)
    if damage == "a tensor less":
        del tensors[name]
    elif damage == "a tensor more":
        tensors[name.replace("q_proj", "z_proj")] = tensors[name].clone()
    elif damage == "another width":
        tensors[name] = torch.zeros(RANK, 3)
    file.unlink()
    if damage == "no tensor file":
        file.write_bytes(b"x" * 100)
    elif damage != "no weights":
        save_file(tensors, file)
    with pytest.raises(UserError, match=r"vlm: .*adapter"):
        load(folder)
