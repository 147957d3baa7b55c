"""What the words of a report say: numbers, shots, sizes, dates and names."""

from __future__ import annotations

import re
import unicodedata
from typing import NamedTuple

from engine.figures.fields import LARGEST
from engine.figures.tables.patterns import DATASET, DATE, DAY, NUMBER, NUMBERING, OTHER_DATASET, SAYING, SHOT, SIZE

SPELT = {"zero": 0, "one": 1, "two": 2, "four": 4}


class Number(NamedTuple):
    """A number as it is written in a cell."""

    value: float
    signed: bool
    percent: bool
    decimals: int


def plain(text: str) -> str:
    """Text without pictures and emphasis, in one width: `**５6.2 ％** ⬆️` is `56.2 %`."""
    folded = unicodedata.normalize("NFKC", text.translate(_SIGNS))
    kept = "".join(" " if unicodedata.category(c) in _DROPPED else c for c in folded)
    return " ".join(kept.replace("**", "").replace("`", "").split())


_SIGNS = {ord("−"): "-", ord("﹣"): "-", 0xFE0F: None, 0x200D: None, 0x20E3: None}
_DROPPED = ("So", "Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")


def number(text: str) -> Number | None:
    """The number that a cell holds, which may be followed by a remark in brackets; None where it holds another thing."""
    found = NUMBER.fullmatch(text)
    if found is None:
        return None
    sign, whole, point, fraction, unit = found.groups()
    percent = bool(unit)
    if point == "," and not (percent or len(fraction) < 3):
        return None
    if "," in whole and percent and not fraction and whole.count(",") == 1:  # 64,250 % has a decimal comma
        whole, _, fraction = whole.partition(",")
    decimals = fraction or ""
    value = float(f"{whole.replace(',', '')}.{decimals or 0}")
    return Number(-value if sign == "-" else value, bool(sign), percent, len(decimals))


def shot_in(text: str) -> int | None:
    """The one number of shots that a text names."""
    found = {_shots(match) for match in SHOT.finditer(text)}
    return found.pop() if len(found) == 1 else None


def _shots(match: re.Match[str]) -> int:
    after, before, spelt = match.groups()
    return SPELT[spelt.lower()] if spelt else int(after or before)


def size_in(text: str) -> int | None:
    """The one number of questions that a text names."""
    found = {int((match[1] or match[2]).replace(",", "")) for match in SIZE.finditer(text) if len(match[0]) < 30}
    found = {one for one in found if 0 < one <= LARGEST}
    return found.pop() if len(found) == 1 else None


def date_in(text: str, year: str = "") -> str:
    """The one date that a text names, `2025-12-10`; `12-10` where the year is known."""
    found = {f"{y}-{int(m or mm):02d}-{int(d or dd):02d}" for y, m, d, mm, dd in DATE.findall(text)}
    if not found and year:
        found = {f"{year}-{m}-{d}" for m, d in DAY.findall(text)}
    return found.pop() if len(found) == 1 else ""


def name_in(pattern: re.Pattern[str], text: str) -> str:
    """The one name of a kind that a text holds."""
    found = {match[1].rstrip("-._") for match in pattern.finditer(text)}
    return found.pop() if len(found) == 1 else ""


def dataset_in(text: str) -> str:
    """The one data set that a text names."""
    found = {"OKVQA" if match[1].lower().startswith("ok") else "VQAv2" for match in DATASET.finditer(text)}
    found |= {match[1] for match in OTHER_DATASET.finditer(text)}
    return found.pop() if len(found) == 1 else ""


def label(text: str) -> str:
    """A heading as a name: without its number, words that say that accuracies follow, sizes, and empty brackets."""
    named = NUMBERING.sub("", text)
    for pattern in (SIZE, SAYING):
        named = pattern.sub(" ", named)
    named = re.sub(r"\(\s*[,;%]?\s*\)", " ", re.sub(r"[,;]\s*\)", ")", named))
    named = " ".join(named.split()).strip(" ,;:-|/")
    return named if any(c.isalpha() for c in named) else NUMBERING.sub("", text).strip()


def same_name(text: str) -> str:
    """A name for comparison: letters and digits alone, capitals aside."""
    return "".join(c for c in label(text).casefold() if c.isalnum())
