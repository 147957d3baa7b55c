"""An adapter of PEFT that lies beside a model's weights becomes part of them, whole, or the model is not used.

The merged model is an ordinary one: every engine can run it, and its answers are keyed by all files of the folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from safetensors import safe_open

from db.specs.base import UserError
from engine.common.models.adapters import CONFIG, INSTALL, WEIGHTS, Adapter, adapter_in

_PREFIX = "base_model.model."
_BELOW = re.compile(r"\.(?:lora|ia3|hada|lokr|oft|boft|vera|base_layer)")
"""Where the name of an adapted layer ends and that of an adapter's part begins."""


@contextmanager
def without_adapter(directory: Path) -> Iterator[Path]:
    """The folder as one without its adapter, for a loader that would apply it by itself where peft happens to be installed."""
    if adapter_in(directory) is None:
        yield directory
        return
    with TemporaryDirectory(prefix="leverplus-model-") as links:
        for path in directory.iterdir():
            if path.name not in (CONFIG, *WEIGHTS):
                Path(links, path.name).symlink_to(path.resolve())
        yield Path(links)


def merged(model: Any, directory: Path, name: str) -> tuple[Any, str]:
    """(the model with the adapter of its folder in its weights, what was merged); as it was where there is none.

    Raises UserError where peft is missing, and where any tensor of the adapter has no place, or any place no tensor.
    """
    adapter = adapter_in(directory)
    if adapter is None:
        return model, ""
    try:
        # an extra, and seconds of import that only an adapter needs
        from peft import PeftConfig, PeftModel
    except ImportError as error:
        raise UserError(f"vlm: {name} has {adapter.described}, which needs peft ({error}): {INSTALL}") from None
    with TemporaryDirectory(prefix="leverplus-adapter-") as links:
        for file in (CONFIG, *WEIGHTS):
            if (directory / file).is_file():
                Path(links, file).symlink_to((directory / file).resolve())
        renamed = _renamed(model, _tensor_names(Path(links)))
        wrapped = PeftModel(model, PeftConfig.from_pretrained(links))
        placed = wrapped.load_adapter(links, "default", torch_device="cpu", key_mapping=renamed)
    _complete(name, adapter, [*placed.missing_keys], [*placed.unexpected_keys])
    return wrapped.merge_and_unload(safe_merge=True), _told(adapter)


def _tensor_names(folder: Path) -> list[str]:
    whole, pickled = (folder / file for file in WEIGHTS)
    if not whole.is_file():
        return list(torch.load(pickled, map_location="meta", weights_only=True))
    with safe_open(str(whole), framework="pt") as file:
        return list(file.keys())


def _renamed(model: Any, names: Iterable[str]) -> dict[str, str]:
    """Pattern -> place in this model of what an adapter calls as its family's older releases did, such as `model.layers.0.`
    for `model.language_model.layers.0.`; transformers renames the weights of old checkpoints in the same way."""
    # hub access is cut (vlm.loading) before transformers is imported
    from transformers.conversion_mapping import get_model_conversion_mapping
    from transformers.core_model_loading import WeightRenaming, rename_source_key

    renamings = [one for one in get_model_conversion_mapping(model) if isinstance(one, WeightRenaming)]
    places = {place for place, _ in model.named_modules()}
    adapted = {_BELOW.split(name.removeprefix(_PREFIX))[0] for name in names if _BELOW.search(name)}
    found = {
        old: rename_source_key(f"{old}.weight", renamings, [])[0].removesuffix(".weight") for old in adapted - places
    }
    return {f"^{re.escape(old)}\\.": f"{new}." for old, new in found.items() if new in places}


def _complete(name: str, adapter: Adapter, missing: list[str], left_over: list[str]) -> None:
    if missing or left_over:
        what = (
            f"{len(missing)} of its tensors are missing" if missing else f"{len(left_over)} have no place in the model"
        )
        raise UserError(
            f"vlm: {name} has {adapter.described} that does not fit the weights beside it: {what}, such as "
            f"{(missing or left_over)[0]}; put the weights of its own base model there"
        )


def _told(adapter: Adapter) -> str:
    rank = "" if adapter.rank is None else f", rank {adapter.rank}"
    return f"{adapter.described.removeprefix('a ')}{rank}, merged"
