"""What the numbers of a checkpoint say: NaN, infinity, dead weights, narrow types. Only the selector's own tensors are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.specs.base import Finding
from engine.common.findings import error, warning
from engine.common.wording import capital, counted
from engine.weights.anatomy import FLOATS, KNOWN_TYPES, TensorInfo, Unreadable, read_values

if TYPE_CHECKING:  # headers are judged without it: its import takes longer than they do
    import numpy.typing as npt

MOST_VALUES = 50_000_000
"""No more are read of a file (200 MB in float32); selectors have about a million."""
IDENTITY_START = ("query_proj.weight", "cand_proj.weight")
"""Projections that start as the identity with little noise, so that how far they are from it tells how much was learned."""


def dtype_findings(path: Path, tensors: Mapping[str, TensorInfo]) -> list[Finding]:
    """Types other than float32 (`dtype-narrow`, M21): those that are converted, and those that are not weights."""
    told = (
        (("float16", "bfloat16"), "they are widened to float32, but what was rounded away stays lost"),
        (("float64",), "they are narrowed to float32, about 7 digits"),
    )
    findings = []
    for kinds, consequence in told:
        if text := _of_type(tensors, kinds):
            fix = "Use the float32 checkpoint if there is one."
            findings.append(warning("dtype-narrow", str(path), f"{text}, not float32: {consequence}.", fix))
    # Others are the container's fault, and said there
    others = sorted({tensor.dtype for tensor in tensors.values() if tensor.dtype in KNOWN_TYPES} - set(FLOATS))
    if others:
        text = f"{_of_type(tensors, others)}, which weights are not loaded from: their values were not looked at."
        findings.append(error("dtype-narrow", str(path), text, "Save the weights as float32."))
    return findings


def _of_type(tensors: Mapping[str, TensorInfo], kinds: tuple[str, ...] | list[str]) -> str:
    """`3 of 11 tensors are float16`; empty when none is."""
    many = [tensor.dtype for tensor in tensors.values() if tensor.dtype in kinds]
    verb = "is" if len(many) == 1 else "are"
    return f"{len(many)} of {counted(len(tensors), 'tensor')} {verb} {', '.join(sorted(set(many)))}" if many else ""


def value_findings(path: Path, tensors: Mapping[str, TensorInfo]) -> list[Finding]:
    """NaN or infinity (`non-finite`, M22, error); weights that are all one value or have constant rows (`constant-tensor`)."""
    import numpy as np  # 80 ms; names and shapes are judged without it

    bad, constant, findings, left = dict[str, int](), list[str](), list[Finding](), MOST_VALUES
    for name, tensor in tensors.items():
        if tensor.start is None or not tensor.numel or tensor.dtype not in FLOATS:
            continue
        left -= tensor.numel
        if left < 0:
            findings.append(_unread(path, name))
            break
        try:
            values = read_values(tensor)
        except Unreadable as failure:
            findings.append(error(failure.code, str(path), f"{failure}.", "Copy the file again and compare sizes."))
            continue
        if unsound := int((~np.isfinite(values)).sum()):
            bad[name] = unsound
        elif dead := _dead(name, values):
            constant.append(dead)
    return [*findings, *_diverged(path, bad), *_constant(path, constant)]


def _unread(path: Path, name: str) -> Finding:
    text = f"It holds more than {MOST_VALUES:,} values; those from {name} on were not looked at."
    return warning("unverifiable", str(path), text, "Make sure that it is a selector: those have about a million.")


def _dead(name: str, values: npt.NDArray[Any]) -> str:
    """What of a weight is constant, in words; empty when nothing is. Biases and the like may well be."""
    import numpy as np  # 80 ms; names and shapes are judged without it

    if values.ndim < 2:
        norm = name.endswith(".weight") and not values.any()
        return f"all values of {name} are zero" if norm else ""
    if values.size > 1 and np.ptp(values) == 0:
        return f"all values of {name} are equal"
    rows = int((np.ptp(values, axis=-1) == 0).sum()) if values.shape[-1] > 1 else 0
    return f"{rows:,} of {counted(values[..., 0].size, 'row')} of {name} hold one value each" if rows else ""


def _diverged(path: Path, bad: Mapping[str, int]) -> list[Finding]:
    if not bad:
        return []
    many = sum(bad.values())
    text = (
        f"{counted(many, 'value')} in {counted(len(bad), 'tensor')} {'is' if many == 1 else 'are'} NaN or infinite, "
        f"first in {next(iter(bad))}: training diverged by then."
    )
    return [error("non-finite", str(path), text, "Use an earlier epoch.")]


def _constant(path: Path, constant: list[str]) -> list[Finding]:
    if not constant:
        return []
    more = f", and likewise in {counted(len(constant) - 1, 'more tensor')}" if len(constant) > 1 else ""
    text = f"{capital(constant[0])}{more}: it was never trained or was overwritten."
    return [warning("constant-tensor", str(path), text, "Look at how the file was converted.")]


def identity_distances(tensors: Mapping[str, TensorInfo]) -> dict[str, float]:
    """Relative distance |W - I| / |I| of the projections that start at the identity. A fact, never a fault."""
    import numpy as np  # 80 ms; names and shapes are judged without it

    distances = {}
    for name in IDENTITY_START:
        tensor = tensors.get(name)
        if tensor is None or tensor.start is None or not _square(tensor):
            continue
        try:
            weight = read_values(tensor)
        except Unreadable:
            continue
        with np.errstate(all="ignore"):  # NaN and infinity are judged elsewhere
            distance = float(np.linalg.norm(weight.astype(np.float64) - np.eye(len(weight)))) / len(weight) ** 0.5
        if np.isfinite(distance):
            distances[name.removesuffix(".weight")] = round(distance, 6)
    return distances


def _square(tensor: TensorInfo) -> bool:
    shape = tensor.shape
    return len(shape) == 2 and shape[0] == shape[1] > 0 and tensor.numel <= MOST_VALUES and tensor.dtype in FLOATS


def differing(first: Mapping[str, TensorInfo], second: Mapping[str, TensorInfo]) -> list[str]:
    """Names in both whose numbers are not the same; what cannot be read in one of them is not compared."""
    names, left = [], MOST_VALUES
    for name, tensor in first.items():
        other = second.get(name)
        if other is None or tensor.start is None or other.start is None:
            continue
        left -= tensor.numel
        if left < 0:
            break
        if tensor.shape != other.shape or not _same_values(tensor, other):
            names.append(name)
    return names


def _same_values(tensor: TensorInfo, other: TensorInfo) -> bool:
    import numpy as np  # 80 ms; names and shapes are judged without it

    try:
        return np.array_equal(read_values(tensor), read_values(other), equal_nan=tensor.dtype in FLOATS)
    except Unreadable:
        return True
