"""Points of another tracker as metrics of ours."""

from __future__ import annotations

import datetime
import json
import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from db.rows import Metric
from db.specs.base import canonical_json, sha256_text
from engine.common.models.fingerprint import file_sha
from engine.figures.fields import BadValue, text

MOST_POINTS = 2_000_000
"""Of one file or folder; each takes some 200 bytes of memory while it is stored."""
LARGEST_STEP = 2**53
SPELT = {"nan": math.nan, "infinity": math.inf, "-infinity": -math.inf, "inf": math.inf, "-inf": -math.inf}
Point = tuple[str, int, float]
"""(name, step, value)"""


def metrics_of(points: Iterable[Point]) -> tuple[Metric, ...]:
    """`rce/loss` is the metric `loss` of the phase `rce`. Where `epoch` is logged at a step, the step is of that epoch.

    Raises BadValue where there are more than any training writes.
    """
    found: list[Point] = []
    for point in points:
        if len(found) >= MOST_POINTS:
            raise BadValue(f"more than {MOST_POINTS:,} points of metrics", "import a part of it")
        found.append(point)
    epochs = {step: int(value) for name, step, value in found if _last(name) == "epoch" and 0 <= value < 1e9}
    metrics = []
    for name, step, value in found:
        phase, _, rest = name.partition("/")
        metrics.append(Metric(text(phase) if rest else "train", epochs.get(step, 0), step, text(rest or name), value))
    return tuple(metrics)


def _last(name: str) -> str:
    return name.rpartition("/")[2]


def step_of(value: Any, what: str) -> int:
    """A step as a whole number that a database can hold."""
    if isinstance(value, bool) or not isinstance(value, int) or not -LARGEST_STEP < value < LARGEST_STEP:
        raise BadValue(f"{what}: the step is {str(value)[:40]}, not a whole number")
    return value


def number_of(value: Any) -> float | None:
    """A value that is a number, also where JSON had to spell it as text (`NaN`); None where it is another thing."""
    if isinstance(value, str):
        return SPELT.get(value.lower())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None


def parameters_of(values: Mapping[str, Any], before: str = "") -> dict[str, str]:
    """Nested settings as texts by their dotted names; what begins with an underscore is the tracker's own."""
    found: dict[str, str] = {}
    for name, value in values.items():
        if str(name).startswith("_"):
            continue
        if isinstance(value, dict) and len(before) < 200:
            found |= parameters_of(value, f"{before}{text(name)}.")
        else:
            found[f"{before}{text(name)}"] = text(value if isinstance(value, str) else json.dumps(value))[:2000]
    return found


def folder_sha(folder: Path, paths: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of a run's files."""
    return sha256_text(canonical_json({str(path.relative_to(folder)): file_sha(path) for path in paths}))


def day_of(milliseconds: Any) -> str:
    """The day of a time since 1970; "" where it is none."""
    seconds = number_of(milliseconds)
    if seconds is None or not 1e11 < seconds < 4e12:
        return ""
    return datetime.datetime.fromtimestamp(seconds / 1000, datetime.UTC).strftime("%Y-%m-%d")
