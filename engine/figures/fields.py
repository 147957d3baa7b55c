"""What stands in result files, checked: whole numbers, accuracies, texts and data set names."""

from __future__ import annotations

import math
from typing import Any

DATASETS = {"okvqa": "OKVQA", "vqav2": "VQAv2", "vqa2": "VQAv2", "v2": "VQAv2"}
"""Letters and digits of a name, capitals aside -> the name by which data sets are known here."""
FULL_SIZE = {"OKVQA": 5046, "VQAv2": 214_354}
"""Data set -> questions of its validation split."""
LARGEST = 10**15
"""Larger ids and counts are damage; they would fit no database column."""


class BadValue(Exception):
    """A value is not what its field holds; the text says what it is and what is needed."""

    def __init__(self, what: str, way_out: str = "repair the value or remove its row") -> None:
        super().__init__(what)
        self.way_out = way_out


def whole(value: Any, what: str, least: int = 0) -> int:
    """A whole number from `least` on, also where it is written as text or as 100.0."""
    number = value
    if isinstance(value, str) and len(value) < 20:
        number = int(value) if value.strip().removeprefix("-").isdecimal() else value
    if isinstance(value, float) and value.is_integer():
        number = int(value)
    if isinstance(number, bool) or not isinstance(number, int) or not least <= number <= LARGEST:
        raise BadValue(f"{what} is {shown(value)}, not a whole number from {least} on")
    return number


def accuracy(value: Any, what: str) -> float:
    """A finite number, also where it is written as text."""
    try:
        number = math.nan if isinstance(value, bool) else float(value)
    except (TypeError, ValueError, OverflowError):
        number = math.nan
    if not math.isfinite(number):
        raise BadValue(f"{what} is {shown(value)}, not a number")
    return number


def text(value: Any) -> str:
    """A text that can be stored: half characters (lone surrogates), which JSON can spell, are replaced; none is ''."""
    return "" if value is None else str(value).encode("utf-8", "replace").decode()


def dataset_name(value: Any) -> str:
    """The data set by its usual name however it is spelt, so that its lattice is known; other names stay as they are."""
    given = text(value)
    return DATASETS.get("".join(c for c in given.lower() if c.isalnum()), given)


def shown(value: Any) -> str:
    """A value for a sentence: short, and free of characters that cannot be printed."""
    try:
        told = text(repr(value))
    except (ValueError, RecursionError):  # more digits than Python writes out
        return "a number of thousands of digits" if isinstance(value, int) else "a deep object"
    return told if len(told) <= 40 else f"{told[:40]}…"
