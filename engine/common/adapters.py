"""Adapters of PEFT (LoRA and its kin): small weights that mean nothing without their base model, and change what it answers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.specs.base import UserError
from engine.common.gate import MEBIBYTE, NotReadable, is_there, read_json

CONFIG = "adapter_config.json"
WEIGHTS = ("adapter_model.safetensors", "adapter_model.bin")


class AdapterIgnored(UserError):
    """A model would be loaded without the adapter that lies with it, or an adapter without its model."""

    code = "adapter-ignored"


@dataclass(frozen=True, slots=True)
class Adapter:
    """What the configuration of an adapter tells."""

    kind: str
    base: str
    """Name or folder of the model that it adapts; empty where it is not told."""

    @property
    def described(self) -> str:
        """`a LoRA adapter of Qwen/Qwen2.5-VL-3B-Instruct`."""
        name = {"LORA": "LoRA"}.get(self.kind, self.kind)
        return f"a {name} adapter of {self.base or 'a base model that it does not name'}"


def adapter_in(folder: Path) -> Adapter | None:
    """The adapter that lies in a folder; none where there is no file of one."""
    if not any(is_there(folder / name) for name in (CONFIG, *WEIGHTS)):
        return None
    try:
        told = read_json(folder / CONFIG, MEBIBYTE)
    except NotReadable:
        told = {}
    stated = told if isinstance(told, dict) else {}
    kind, base = stated.get("peft_type"), stated.get("base_model_name_or_path")
    return Adapter(str(kind or "PEFT")[:40], base[:200] if isinstance(base, str) else "")


def way_on(adapter: Adapter, folder: Path) -> str:
    """How to get a model that answers with its adapter."""
    base = adapter.base or "BASE"
    return (
        f"merge it into its base model, with peft installed: PeftModel.from_pretrained(load({base!r}), {folder.name!r})"
        ".merge_and_unload().save_pretrained('merged'), and give the folder merged"
    )


def refuse_adapter(folder: Path, name: str, field: str, *, whole: bool) -> None:
    """Raises AdapterIgnored where an adapter lies in the folder of a model; `whole`: the model's own weights lie there too."""
    adapter = adapter_in(folder)
    if adapter is None:
        return
    if whole:
        raise AdapterIgnored(
            f"{field}: in {name} lies {adapter.described} beside the weights of a whole model, which would answer without the "
            f"adapter; {way_on(adapter, folder)}; or move {CONFIG} and adapter_model.* away to evaluate the model without it"
        )
    raise AdapterIgnored(
        f"{field}: {name} is {adapter.described}, not a whole model, and the adapter alone answers nothing; "
        f"{way_on(adapter, folder)}"
    )
