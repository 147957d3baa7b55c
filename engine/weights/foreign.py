"""Checkpoints of other programs that must be converted first: named with their converter, never read as something else."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from engine.common.files.gate import is_folder, is_there
from engine.common.models.adapters import adapter_in, way_on
from engine.weights.anatomy import Anatomy, Unreadable

MOST_ENTRIES = 10_000
DEEPSPEED_PART = re.compile(r"(bf16_)?(zero_pp_rank_\d+_)?mp_rank_\d+\w*_(model|optim)_states\.pt")
RECOVER = "run `python zero_to_fp32.py . OUT` in the folder that holds zero_to_fp32.py, and give what it writes"

WHOLE = {"model.safetensors", "pytorch_model.bin", "model.safetensors.index.json", "pytorch_model.bin.index.json"}
VERL_PART = re.compile(r"model_world_size_\d+_rank_\d+\.pt")
GATHER = "run `python -m verl.model_merger merge --backend fsdp --local_dir FOLDER --target_dir OUT`, and give OUT"
JOIN = "run `python -m torch.distributed.checkpoint.format_utils dcp_to_torch FOLDER weights.pt`, and give weights.pt"


@dataclass(frozen=True, slots=True)
class Format:
    """A format by what lies in its folder."""

    name: str
    holds: Callable[[Path, list[str]], bool]
    """(folder, names in it) -> whether it is one."""
    converter: str


def _deepspeed(folder: Path, names: list[str]) -> bool:
    if WHOLE & set(names):
        return False  # weights were gathered beside the parts, which are for going on with the training
    if "zero_to_fp32.py" in names or any(DEEPSPEED_PART.fullmatch(name) for name in names):
        return True
    steps = [name for name in names if name.startswith("global_step")]
    return "latest" in names and any(is_folder(folder / name) for name in steps)


FORMATS = (
    Format("a DeepSpeed checkpoint, whose weights lie in parts", _deepspeed, RECOVER),
    Format(
        "a distributed checkpoint of torch, whose weights lie in shards",
        lambda _, names: ".metadata" in names and any(name.endswith(".distcp") for name in names),
        JOIN,
    ),
    Format(
        "a checkpoint of FSDP, whose weights lie in a file for each GPU",
        lambda _, names: any(VERL_PART.fullmatch(name) for name in names),
        GATHER,
    ),
    Format(
        "a checkpoint of Flax",
        lambda _, names: "flax_model.msgpack" in names and not {"model.safetensors", "pytorch_model.bin"} & set(names),
        "load it with from_pretrained(FOLDER, from_flax=True) and save_pretrained the result",
    ),
)


def refuse_folder(folder: Path) -> None:
    """Raises Unreadable for the folder of another program, or of an adapter without its model."""
    try:
        names = [entry.name for entry in islice(folder.iterdir(), MOST_ENTRIES)]
    except OSError as error:
        raise Unreadable("not-a-checkpoint", f"{folder} cannot be read: {error.strerror}; check the path") from error
    for form in FORMATS:
        if form.holds(folder, names):
            raise Unreadable("foreign-checkpoint", f"{folder} is {form.name}; {form.converter}")
    adapter = adapter_in(folder)
    if adapter is not None:
        raise Unreadable(
            "adapter-ignored", f"{folder} holds {adapter.described}, which is no selector; {way_on(adapter, folder)}"
        )


def refuse_file(path: Path, anatomy: Anatomy | None) -> None:
    """Raises Unreadable for a part of another program's checkpoint, and for the tensors of an adapter alone."""
    if DEEPSPEED_PART.fullmatch(path.name) or (anatomy is not None and "ds_version" in anatomy.metadata):
        raise Unreadable("foreign-checkpoint", f"{path} is a part of a DeepSpeed checkpoint, not all of it; {RECOVER}")
    if VERL_PART.fullmatch(path.name):
        raise Unreadable(
            "foreign-checkpoint", f"{path} is a part of an FSDP checkpoint, one of a file for each GPU; {GATHER}"
        )
    if path.suffix == ".distcp":
        raise Unreadable(
            "foreign-checkpoint", f"{path} is a part of a distributed checkpoint of torch, not all of it; {JOIN}"
        )
    tensors = anatomy.tensors() if anatomy is not None else {}
    if tensors and all(".lora_" in name for name in tensors):
        adapter = adapter_in(path.parent) if is_there(path.parent) else None
        described = (
            adapter.described
            if adapter is not None
            else "a LoRA adapter, without the configuration that names its base"
        )
        on = way_on(adapter, path.parent) if adapter is not None else "merge it into its base model, and give that"
        raise Unreadable("adapter-ignored", f"{path} is {described}, which is no selector; {on}")
