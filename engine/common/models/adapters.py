"""Adapters of PEFT (LoRA and its kin): small weights that mean nothing without their base model, and change what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from db.specs.base import UserError
from engine.common.files.gate import MEBIBYTE, NotReadable, is_there, read_json

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")
PROMPTING = (
    "PROMPT_TUNING",
    "MULTITASK_PROMPT_TUNING",
    "P_TUNING",
    "PREFIX_TUNING",
    "ADAPTION_PROMPT",
    "CPT",
    "CARTRIDGE",
)
"""Kinds that put something before the prompt or between layers."""
INSTALL = "pip install 'leverplus[peft]'"


class AdapterIgnored(UserError):
    """A model would be loaded without the adapter that lies with it, or an adapter without its model."""

    code = "adapter-ignored"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What the configuration of an adapter tells."""

    kind: str
    """As peft names it, such as `LORA`; empty where it is not told."""
    base: str
    """Name or folder of the model that it adapts; empty where it is not told."""
    rank: int | None = None
    imports: bool = False
    """Whether its configuration asks for a package of its own choice to be imported."""

    @property
    def described(self) -> str:
        """`a LoRA adapter of Qwen/Qwen2.5-VL-3B-Instruct`."""
        name = {"LORA": "LoRA"}.get(self.kind, self.kind or "PEFT")
        return f"a {name} adapter of {self.base or 'a base model that it does not name'}"

    @property
    def unmergeable(self) -> str:
        """Why it cannot become part of the weights beside it; empty where it can."""
        if not self.kind:
            return f"its {CONFIG} cannot be read"
        if self.imports:
            return f"its {CONFIG} names a package to import (megatron_core), and nothing that a file names is run"
        return "it adds to the prompt and changes no weight" if self.kind in PROMPTING else ""


def adapter_in(folder: Path) -> Adapter | None:
    """The adapter that lies in a folder; none where there is no file of one."""
    if not any(is_there(folder / name) for name in (CONFIG, *WEIGHTS)):
        return None
    try:
        told = read_json(folder / CONFIG, MEBIBYTE)
    except NotReadable:
        told = {}
    stated = told if isinstance(told, dict) else {}
    kind, base, rank = (stated.get(name) for name in ("peft_type", "base_model_name_or_path", "r"))
    return Adapter(
        kind[:40] if isinstance(kind, str) else "",
        base[:200] if isinstance(base, str) else "",
        rank if isinstance(rank, int) else None,
        bool(stated.get("megatron_config")),
    )


def way_on(adapter: Adapter, folder: Path) -> str:
    """How to get a model that answers with its adapter."""
    base = adapter.base or "BASE"
    return (
        f"copy the files of its base model into {folder.name}, where the adapter is applied with peft installed ({INSTALL}), or "
        f"merge it yourself: PeftModel.from_pretrained(load({base!r}), {folder.name!r})"
        ".merge_and_unload().save_pretrained('merged'), and give the folder merged"
    )


def refuse_adapter(folder: Path, name: str, field: str, *, whole: bool) -> None:
    """Raises AdapterIgnored where the adapter in the folder of a model will not be applied.

    `whole`: the model's own weights lie there too. Those of `vlm` get it applied (`engine.vlm.local.adapted`).
    """
    adapter = adapter_in(folder)
    if adapter is None:
        return
    if not whole:
        raise AdapterIgnored(
            f"{field}: {name} is {adapter.described}, not a whole model, and the adapter alone answers nothing; "
            f"{way_on(adapter, folder)}"
        )
    why = adapter.unmergeable if field == "vlm" else f"an adapter is applied to vlm, not to {field}"
    if not why and not find_spec("peft"):
        why = f"applying it needs peft, and without it the model would answer as untuned; {INSTALL}"
    if why:
        raise AdapterIgnored(
            f"{field}: in {name} lies {adapter.described} beside the weights of a whole model, and {why}; "
            f"or move {CONFIG} and adapter_model.* away to evaluate the model without it"
        )
