"""Tiny checkpoints in every layout, and every damage done to them: used by the tests of loading, conversion and the doctor."""

from __future__ import annotations

import json
import pickle
import sys
import types
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from db.specs.selector import PUBLISHED, SelectorParts, expected_tensors

Tensors = dict[str, torch.Tensor]

D_MODEL, HIDDEN_DIM = 24, 16


def make_tensors(
    variant: str = "v3",
    *,
    d_model: int = D_MODEL,
    hidden_dim: int = HIDDEN_DIM,
    num_layers: int = 1,
    shots: int = 2,
    parts: SelectorParts | None = None,
    seed: int = 0,
) -> Tensors:
    """Seeded random weights under the names of a variant's state dictionary; projections near the identity, norms near one."""
    generator = torch.Generator().manual_seed(seed)
    tensors: Tensors = {}
    for name, shape in expected_tensors(parts or PUBLISHED[variant], d_model, hidden_dim, num_layers, shots).items():
        values = 0.3 * torch.randn(shape, generator=generator)
        if name in ("query_proj.weight", "cand_proj.weight"):
            values = torch.eye(shape[0]) + 0.1 * values
        elif name.startswith(("attn_norms", "refine_norm")) and name.endswith("weight"):
            values = 1 + 0.1 * values
        tensors[name] = values
    return tensors


# --- layouts -------------------------------------------------------------------------------------------------------


def write_upstream(path: Path, tensors: Tensors, variant: str = "v3", *, epoch: int = 4, phase: str = "rce") -> Path:
    """The trainers' `.pt`: v3 without, v4_2 ... v4_10 with `model_type` and the fields of the variant."""
    content: dict[str, Any] = {"epoch": epoch, "phase": phase, "model_state_dict": tensors, "kl_beta": 0.1}
    content["metrics"] = {"rce_loss": 1.5, "val_loss": 1.25}
    torch.save(content | variant_fields(tensors, variant), path)
    return path


def variant_fields(tensors: Mapping[str, torch.Tensor], variant: str) -> dict[str, Any]:
    """What upstream stores beside the tensors of each v4 variant."""
    if variant in ("v1", "v2", "v3", "v4_1"):
        return {}
    softplus = torch.nn.functional.softplus
    fields: dict[str, dict[str, Any]] = {
        "v4_5": {"attention_type": PUBLISHED["v4_5"].scorer},
        "v4_8": {"num_slot_layers": 2, "use_slot_cand_attn": True},
        "v4_9": {"top_m": 8, "refine_type": "attn", "use_gru": True, "use_step_emb": True, "val_loss": 1.25},
        "v4_10": {"use_gru": True, "use_step_emb": True, "val_loss": 1.25},
    }
    extra = fields.get(variant, {})
    if variant in ("v4_3", "v4_4"):
        extra = {"div_lambda_values": softplus(tensors["div_lambda"]).tolist()}
    for kind, number, name in (("cover", "num_topics", "topic_prototypes"), ("dpp", "dpp_rank", "dpp_proj.weight")):
        if name in tensors:
            raw = tensors[f"{kind}_lambda"]
            extra = {number: tensors[name].shape[0], f"{kind}_lambda_raw": raw.item()}
            extra[f"{kind}_lambda_effective"] = softplus(raw).item()
    return {"model_type": variant} | extra


def write_lightning(
    path: Path, tensors: Tensors, *, clip: bool = True, config: Mapping[str, Any] | None = None
) -> Path:
    """A Lightning `.ckpt` of supervised training: prefixed keys, CLIP beside them, an OmegaConf object in the pickle."""
    state = prefixed(tensors, "lever_lm.pointer_selector.")
    if clip:
        state |= {
            "lever_lm.sen_model.text_model.embeddings.weight": torch.zeros(40, 8),
            "lever_lm.img_model.vision_model.pre_layrnorm.weight": torch.ones(8),
        }
    with fake_omegaconf() as config_class:
        hyper = {"lr": 1e-4, "weight_decay": 1e-3, "warm_steps": 0.05}
        content = {
            "epoch": 19, "global_step": 240, "pytorch-lightning_version": "2.0.0", "state_dict": state, "loops": {},
            "callbacks": {}, "optimizer_states": [{"state": {0: {"exp_avg": torch.zeros(3)}}}], "lr_schedulers": [],
            "hparams_name": "kwargs", "hyper_parameters": hyper,
            "datamodule_hyper_parameters": {"cfg": config_class(dict(config or {"K": 2}))},
        }  # fmt: skip
        torch.save(content, path)
    return path


@contextmanager
def fake_omegaconf() -> Iterator[Callable[[dict[str, Any]], Any]]:
    """A stand-in for OmegaConf's class while a file is written; afterwards the class cannot be imported, as on any machine."""

    class DictConfig:
        def __init__(self, content: dict[str, Any]) -> None:
            self._content = content

    DictConfig.__module__, DictConfig.__qualname__ = "omegaconf.dictconfig", "DictConfig"
    package, module = types.ModuleType("omegaconf"), types.ModuleType("omegaconf.dictconfig")
    vars(module)["DictConfig"] = DictConfig
    before = {name: sys.modules.get(name) for name in ("omegaconf", "omegaconf.dictconfig")}
    sys.modules.update({"omegaconf": package, "omegaconf.dictconfig": module})
    try:
        yield DictConfig
    finally:
        for name, earlier in before.items():
            if earlier is None:
                del sys.modules[name]
            else:
                sys.modules[name] = earlier


def write_converted(path: Path, tensors: Tensors, variant: str = "v3") -> Path:
    """What upstream's converters make of a `.pt` (`*_v2format.ckpt`), renaming and dropping as each of them does."""
    prefix = "lever_lm.pointer_selector."
    head = {"epoch": 0, "global_step": 0, "pytorch-lightning_version": "2.0.0"}
    fields = variant_fields(tensors, variant)
    content: dict[str, Any]
    if variant in ("v1", "v2", "v3", "v4_1", "v4_2", "v4_3", "v4_5"):
        # layers 10 to 19 go as well, because the tags are compared as text
        tags = tuple(f"{stem}.{layer}" for stem in ("cross_attn_layers", "attn_norms") for layer in (1, 2))
        kept = without(legacy_names(tensors), *tags)
        content = head | {"state_dict": prefixed(kept, prefix), "hyper_parameters": {"lr": 1e-4}} | fields
    elif variant == "v4_4":
        content = prefixed(tensors, prefix)
    elif variant == "v4_6":
        content = head | {"state_dict": prefixed(tensors, prefix), "hyper_parameters": {"lr": 1e-4}} | fields
    elif variant == "v4_7":
        kept = {name: t for name, t in tensors.items() if not name.startswith("dpp_")}
        content = {"state_dict": prefixed(kept, prefix), "model_type": "v4_7_converted_to_v2", "original_dpp_rank": 32}
    else:
        content = {"model_state_dict": tensors, "config": {}, "epoch": 4, "val_loss": 1.25, "converted": True} | fields
        if variant == "v4_10":
            content["state_dict"] = prefixed(tensors, prefix)
    torch.save(content, path)
    return path


def write_bare(path: Path, tensors: Tensors, prefix: str = "", *, zipped: bool = True) -> Path:
    """A bare dictionary of tensors under any prefix; `zipped=False` is the format before torch 1.6."""
    torch.save(prefixed(tensors, prefix), path, _use_new_zipfile_serialization=zipped)
    return path


def write_safetensors(path: Path, tensors: Tensors, prefix: str = "") -> Path:
    """A safetensors file without our manifest."""
    save_file({name: t.contiguous() for name, t in prefixed(tensors, prefix).items()}, path)
    return path


def write_sharded(folder: Path, tensors: Tensors, *, shards: int = 2) -> Path:
    """A folder of safetensors shards with the usual index."""
    folder.mkdir(parents=True, exist_ok=True)
    weight_map: dict[str, str] = {}
    for shard in range(shards):
        file = f"model-{shard + 1:05}-of-{shards:05}.safetensors"
        part = {name: t for i, (name, t) in enumerate(tensors.items()) if i % shards == shard}
        save_file(part, folder / file)
        weight_map |= dict.fromkeys(part, file)
    (folder / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}))
    return folder


# --- what is done to names and tensors -----------------------------------------------------------------------------


def prefixed(tensors: Mapping[str, torch.Tensor], prefix: str) -> Tensors:
    """The same tensors with `prefix` before every name."""
    return {prefix + name: tensor for name, tensor in tensors.items()}


def legacy_names(tensors: Tensors) -> Tensors:
    """Layer 0 under the names of the single-layer code (M1)."""
    return {
        name.replace("cross_attn_layers.0.", "cross_attn.").replace("attn_norms.0.", "attn_norm."): tensor
        for name, tensor in tensors.items()
    }


def mixed_names(tensors: Tensors) -> Tensors:
    """Both forms of layer 0 (M2)."""
    return tensors | legacy_names(tensors)


def without(tensors: Tensors, *starts: str) -> Tensors:
    """Without the tensors whose names start so: missing gate, heads, layers, projection (M3, M5, M7, M12, M15)."""
    return {name: tensor for name, tensor in tensors.items() if not name.startswith(starts)}


def layer_gap(tensors: Tensors) -> Tensors:
    """Of layers 0, 1, 2 the middle one is lost (M5); needs three layers."""
    return without(tensors, "cross_attn_layers.1.", "attn_norms.1.")


def changed(tensors: Tensors, name: str, value: float) -> Tensors:
    """One value of one tensor replaced, such as by NaN (M22)."""
    damaged = tensors[name].clone()
    damaged.view(-1)[0] = value
    return tensors | {name: damaged}


def cast(tensors: Tensors, dtype: torch.dtype) -> Tensors:
    """All tensors in another precision (M21)."""
    return {name: tensor.to(dtype) for name, tensor in tensors.items()}


def with_lora(tensors: Tensors) -> Tensors:
    """Low-rank adapters of CLIP beside the selector (M19)."""
    base = "lever_lm.img_model.encoder.layers.0.self_attn.q_proj"
    lora = {f"{base}.lora_A.default.weight": torch.zeros(16, 8), f"{base}.lora_B.default.weight": torch.zeros(8, 16)}
    return prefixed(tensors, "lever_lm.pointer_selector.") | lora | {f"{base}.base_layer.weight": torch.zeros(8, 8)}


def vocabulary_model(train_rows: int = 50) -> Tensors:
    """A v0 file: GPT-2 over data set indices (M17, M18)."""
    return {
        "lm_model.transformer.wte.weight": torch.zeros(train_rows + 3, 8),
        "lm_model.transformer.wpe.weight": torch.zeros(16, 8),
    }


# --- what is done to files -----------------------------------------------------------------------------------------


def truncate(path: Path, share: float = 0.6) -> Path:
    """Cut the file (M23)."""
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    return path


def write_text(path: Path, kind: str) -> Path:
    """A file that is no checkpoint at all: `lfs`, `html`, `json`, `empty` (M23)."""
    texts = {
        "lfs": "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 2630000\n",
        "html": "<!DOCTYPE html><html><body>404</body></html>",
        "json": '{"epoch": 3}',
        "empty": "",
    }
    path.write_text(texts[kind])
    return path


class Hostile:
    """Unpickling an instance would create the file `marker`."""

    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return (exec, (f"open({str(self.marker)!r}, 'w').close()",))


def write_hostile(path: Path, marker: Path, tensors: Tensors, *, plain: bool = False) -> Path:
    """A checkpoint whose unpickling runs code that creates `marker` (M24); `plain` is a bare pickle without torch."""
    content = {"epoch": 1, "model_state_dict": tensors, "payload": Hostile(marker)}
    if plain:
        path.write_bytes(pickle.dumps({"payload": content["payload"]}))
    else:
        torch.save(content, path)
    return path


def write_zip_bomb(path: Path, tensors: Tensors, unpacked: int = 50_000_000) -> Path:
    """A torch file rewritten with one highly compressed entry."""
    torch.save({"model_state_dict": tensors}, path)
    with zipfile.ZipFile(path, "a", compression=zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(f"{path.stem}/data/bomb", bytes(unpacked))
    return path
