"""Averages of weights (EMA, SWA, a teacher) that stand beside the raw ones in one dictionary, told by their prefix.

Pure logic over names, without torch.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import TypeVar

WRAPPERS = (
    "lever_lm", "pointer_selector", "model", "module", "_orig_mod", "_fsdp_wrapped_module", "_forward_module",
    "_checkpoint_wrapped_module", "online_model",
)  # fmt: skip
"""What frameworks put before the names of a model that they wrap, in any order and more than once."""
AVERAGES = ("ema", "ema_model", "model_ema", "ema_module", "averaged_model", "swa_model", "teacher")
COUNTERS = ("n_averaged", "num_updates", "decay", "initted", "step")
"""Numbers that the averaging keeps for itself."""
_WRAPPED = rf"(?:(?:{'|'.join(WRAPPERS)})\.)*"
_AVERAGED = re.compile(rf"{_WRAPPED}(?:{'|'.join(AVERAGES)})\.")
_WRAPPER = re.compile(f"^{_WRAPPED}")

Tensor = TypeVar("Tensor")


def parted(tensors: Mapping[str, Tensor]) -> tuple[dict[str, Tensor], list[str]]:
    """(the raw weights, the prefixes of complete averages of them that were left out).

    Averages alone are the weights, and incomplete ones stay where they are: whoever compares names says what is wrong.
    """
    raw, averaged = apart(tensors)
    wanted = set(bare(raw))
    complete = [prefix for prefix, names in averaged.items() if wanted and wanted <= set(bare(names, prefix))]
    if not complete:
        return dict(tensors), []
    left_out = {name for prefix in complete for name in averaged[prefix]}
    return {name: tensor for name, tensor in tensors.items() if name not in left_out and not _counts(name)}, complete


def apart(names: Iterable[str]) -> tuple[list[str], dict[str, list[str]]]:
    """(names of the raw weights, averages by their prefix)."""
    raw: list[str] = []
    averaged: dict[str, list[str]] = {}
    for name in names:
        found = _AVERAGED.match(name)
        (averaged.setdefault(found.group(), []) if found else raw).append(name)
    return raw, averaged


def bare(names: Iterable[str], prefix: str = "") -> list[str]:
    """Names without wrappers, and without their dots: a popular average keeps them so, in a flat list."""
    return [_WRAPPER.sub("", name.removeprefix(prefix)).replace(".", "") for name in names if not _counts(name)]


def _counts(name: str) -> bool:
    return name.rpartition(".")[2] in COUNTERS
