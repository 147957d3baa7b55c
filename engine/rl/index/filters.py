"""What a filter means for the queries of RL data: `positive:0 gen:beam n>10 best>=0.6 class:mixed "bird"`.

The words are those of every filter (`db.specs.terms`); all terms must hold.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from db.specs.terms import BadFilter, Term, near, parse
from engine.rl.index.query_rows import CLASSES, Mark
from engine.rl.index.summary import TextColumn
from engine.rl.reading.pointer_spaces import Bools, Ints

NUMBERS = {"id": "query_id", "query": "query_id", "question_id": "question_id", "image": "image_id", "n": "n",
           "positive": "positives", "positives": "positives", "best": "best", "mean": "mean", "worst": "worst",
           "reward": "reward", "pool": "pool", "usable": "usable"}  # fmt: skip
"""Field -> column of numbers; `rate` and `spread` are computed."""
LABELS = {"gen": "methods", "method": "methods", "eval": "modes", "mode": "modes"}
TEXTS = ("question", "answer", "said")
MARKS = {mark.name.lower(): int(mark) for mark in Mark if mark.name} | {
    "conflict": int(Mark.DISAGREE | Mark.SPACE),
    "any": int(~Mark.UNSURE & Mark(2047)),
}
SORTS = ("id", "n", "positive", "rate", "best", "mean", "spread", "reward", "pool", "image", "question")
"""What queries can be sorted by."""
FIELDS = tuple(sorted({*NUMBERS, *LABELS, *TEXTS, "rate", "spread", "class", "mark", "signal"}))
"""What a filter can name."""
_FIELDS = f"fields are {', '.join(FIELDS)}"
_CLOSE = 5e-7
"""Scores are kept to six decimals."""


class Columns(Protocol):
    """What a filter looks at."""

    def number(self, name: str) -> NDArray[np.generic]:
        """A column (Q,)."""

    def labels(self, name: str) -> tuple[str, ...]:
        """Texts by bit of the column `methods` or `modes`."""

    def folded(self, name: str) -> TextColumn:
        """Question or reference answers (Q,) without capitals."""

    def said(self, wanted: Callable[[str], bool]) -> Bools:
        """(Q,) queries of which a predicted answer is wanted."""


def chosen(columns: Columns, where: str) -> Bools | None:
    """(Q,) queries that pass a filter; None for all. Raises BadFilter naming the term that is wrong."""
    found: Bools | None = None
    for term in parse(where):
        held = _meaning(columns, term)
        held = ~held if term.negated else held
        found = held if found is None else found & held
    return found


def order(columns: Columns, sort: str) -> Ints:
    """Positions (Q,) in the order of `FIELD`, `FIELD asc` or `FIELD desc`; what is missing comes last. Raises BadFilter."""
    field, _, direction = sort.strip().lower().partition(" ")
    if field not in SORTS or direction.strip() not in ("", "asc", "desc"):
        raise BadFilter(f"cannot sort by '{sort}': write one of {', '.join(SORTS)}, and asc or desc after it")
    values = columns.number("question_rank").astype(np.float64) if field == "question" else _number(columns, field)
    if direction.strip() == "desc" or (not direction and field not in ("id", "question")):
        values = -values
    return np.argsort(values, kind="stable")  # what is not a number comes last, in either direction


def _meaning(columns: Columns, term: Term) -> Bools:
    if not term.field:
        return _holds(columns.folded("question"), term.values[0]) | _holds(columns.folded("answers"), term.values[0])
    if term.field in NUMBERS or term.field in ("rate", "spread"):
        return _any([_compared(columns, term, value) for value in term.values])
    if term.field not in _WORDS:
        raise BadFilter(f"filter term '{term.text}' names no field{near(term.field, FIELDS)}: {_FIELDS}")
    if term.op not in (":", "=", "!="):
        raise BadFilter(f"filter term '{term.text}': {term.field} has no order, write {term.field}:{term.values[0]}")
    held = _any([_WORDS[term.field](columns, term, value) for value in term.values])
    return ~held if term.op == "!=" else held


def _any(held: Sequence[Bools]) -> Bools:
    found = held[0]
    for other in held[1:]:
        found = found | other
    return found


def _class(columns: Columns, term: Term, value: str) -> Bools:
    if value.lower() not in CLASSES:
        raise BadFilter(f"filter term '{term.text}': a class is one of {', '.join(CLASSES)}, not '{value}'")
    return np.asarray(columns.number("group_class") == CLASSES.index(value.lower()))


def _mark(columns: Columns, term: Term, value: str) -> Bools:
    if value.lower() not in MARKS:
        raise BadFilter(f"filter term '{term.text}': a mark is one of {', '.join(MARKS)}, not '{value}'")
    return _bits(columns, "marks", MARKS[value.lower()])


def _signal(columns: Columns, term: Term, value: str) -> Bools:
    known = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
    if value.lower() not in known:
        raise BadFilter(f"filter term '{term.text}': {term.field} is yes or no, not '{value}'")
    return np.asarray(columns.number("signal") == known[value.lower()])


def _bits(columns: Columns, name: str, bits: int) -> Bools:
    column = columns.number(name).astype(np.int64, copy=False)
    return np.asarray((column & bits) != 0)


def _labelled(columns: Columns, term: Term, value: str) -> Bools:
    """A colon looks inside (`gen:aug` finds every augmented method), other signs at the whole label."""
    texts, wanted = columns.labels(LABELS[term.field]), value.lower()
    matches = [wanted in text.lower() if term.op == ":" else wanted == text.lower() for text in texts]
    return _bits(columns, LABELS[term.field], sum(1 << bit for bit, match in enumerate(matches) if match))


def _text(columns: Columns, term: Term, value: str) -> Bools:
    wanted = value.casefold()
    if term.field == "said":
        return columns.said(lambda text: wanted in text if term.op == ":" else wanted == text)
    column = columns.folded("question" if term.field == "question" else "answers")
    return _holds(column, value, whole=term.op != ":")


_WORDS: dict[str, Callable[[Columns, Term, str], Bools]] = {
    "class": _class, "mark": _mark, "signal": _signal, **dict.fromkeys(LABELS, _labelled), **dict.fromkeys(TEXTS, _text),
}  # fmt: skip
"""Fields without an order -> what a value of theirs means."""


def _holds(column: TextColumn, value: str, *, whole: bool = False) -> Bools:
    """(Q,) texts that contain `value`, capitals aside; `whole`: as one of their lines.

    Its bytes are compared at all places of the column at once, which costs the same however often it occurs.
    """
    held = np.zeros(len(column.ends), np.bool_)
    wanted = value.casefold().encode("utf-8", "replace")
    text = np.frombuffer(column.data, np.uint8)
    if not wanted or len(text) < len(wanted):
        return held
    places = len(text) - len(wanted) + 1
    rare = sorted(range(len(wanted)), key=lambda at: wanted[at] in _COMMON)[:2]
    hit = text[rare[0] : rare[0] + places] == wanted[rare[0]]
    found = np.flatnonzero(hit)
    for at, octet in enumerate(wanted):
        if at != rare[0]:
            found = found[text[found + at] == octet]
    first = np.searchsorted(column.ends, found, side="right")
    ends = column.ends[np.minimum(first, len(held) - 1)]
    inside = found + len(wanted) <= ends
    if whole:
        starts = np.concatenate([[0], column.ends])[first]
        after = np.minimum(found + len(wanted), len(text) - 1)
        inside &= (found == starts) | (text[found - 1] == _LINE_END)
        inside &= (found + len(wanted) == ends) | (text[after] == _LINE_END)
    held[first[inside]] = True
    return held


_LINE_END = ord("\n")
_COMMON = frozenset(b" etaoinshrdlu")
"""Bytes that most English texts are full of: a search begins with another one."""


def _compared(columns: Columns, term: Term, value: str) -> Bools:
    try:
        wanted = _read(value, percent=term.field == "rate")
    except ValueError:
        raise BadFilter(f"filter term '{term.text}': '{value}' is no number") from None
    values = _number(columns, term.field)
    known = ~np.isnan(values)
    match term.op:
        case ">":
            return values > wanted + _CLOSE
        case ">=":
            return values >= wanted - _CLOSE
        case "<":
            return values < wanted - _CLOSE
        case "<=":
            return values <= wanted + _CLOSE
        case "!=":
            return known & (np.abs(values - wanted) > _CLOSE)
        case _:
            return np.asarray(np.abs(values - wanted) <= _CLOSE)


def _read(value: str, *, percent: bool) -> float:
    if percent and re.fullmatch(r"[\d.]+%", value):
        return float(value[:-1]) / 100
    return float(value)


def _number(columns: Columns, field: str) -> NDArray[np.float64]:
    """A numeric field (Q,); NaN where it is absent."""
    if field == "spread":
        return _number(columns, "best") - _number(columns, "worst")
    if field == "rate":
        usable = columns.number("usable").astype(np.float64)
        return np.where(usable > 0, columns.number("positives").astype(np.float64) / np.maximum(usable, 1), np.nan)
    values = columns.number(NUMBERS[field]).astype(np.float64)
    if field in ("question_id", "image"):
        values[values < 0] = np.nan
    return values
