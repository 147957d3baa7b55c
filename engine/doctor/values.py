"""What the numbers of a checkpoint say: NaN, infinity, dead weights, narrow types. Only the selector's own tensors are read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from db.specs.base import Finding
from engine.doctor.anatomy import TensorInfo, Unreadable, read_values
from engine.doctor.findings import error, warning

MOST_VALUES = 50_000_000
"""Larger tensors are not read (200 MB in float32)."""


def dtype_findings(path: Path, tensors: Mapping[str, TensorInfo]) -> list[Finding]:
    """Types other than float32 (`dtype-narrow`, M21)."""
    kinds = sorted({tensor.dtype for tensor in tensors.values()} - {"float32"})
    if not kinds:
        return []
    many = sum(tensor.dtype != "float32" for tensor in tensors.values())
    text = f"{many} of {len(tensors)} tensors are {', '.join(kinds)}, not float32: they are converted, lost precision stays lost."
    return [warning("dtype-narrow", str(path), text, "Use the float32 checkpoint if there is one.")]


def value_findings(path: Path, tensors: Mapping[str, TensorInfo]) -> list[Finding]:
    """NaN or infinity (`non-finite`, M22, error); weight matrices that are all one value (`constant-tensor`, warning)."""
    bad, constant, findings = [], [], []
    for name, tensor in tensors.items():
        if tensor.start is None or not 0 < tensor.numel <= MOST_VALUES:
            continue
        try:
            values = read_values(tensor)
        except Unreadable as failure:
            findings.append(error(failure.code, str(path), f"{failure}.", "Copy the file again."))
            continue
        if not np.isfinite(values).all():
            bad.append((name, int((~np.isfinite(values)).sum())))
        elif len(tensor.shape) >= 2 and tensor.numel > 1 and np.ptp(values) == 0:
            constant.append(name)
    if bad:
        count = sum(n for _, n in bad)
        text = f"{count:,} values in {len(bad)} tensors are NaN or infinite, first in {bad[0][0]}: training diverged by then."
        findings.append(error("non-finite", str(path), text, "Use an earlier epoch."))
    if constant:
        text = f"All values of {constant[0]} are equal{_and_more(constant)}: it was never trained or was overwritten."
        findings.append(warning("constant-tensor", str(path), text, "Look at how the file was converted."))
    return findings


def _and_more(names: list[str]) -> str:
    return f" (and of {len(names) - 1} more tensors)" if len(names) > 1 else ""
