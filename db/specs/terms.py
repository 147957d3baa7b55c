"""The words of every filter in the program: `kind:grpo n>10 -tag:smoke state:done,failed "text"`; all terms must hold.

What a field means is said by each list: runs in `db.store.lists.filters`, queries of RL data in `engine.rl.index.filter`.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from dataclasses import dataclass

from db.user_error import UserError

_TERM = re.compile(
    r'(?P<sign>[-!]?)(?P<field>[A-Za-z_][\w@?./-]*?)(?P<op>!=|>=|<=|:|=|>|<)(?P<value>"[^"]*"|[^\s"]*)(?=\s|$)'
)
_WORD = re.compile(r'(?P<sign>[-!]?)(?P<value>"[^"]*"|[^\s"]+)(?=\s|$)')

LONGEST, MOST_VALUES = 10_000, 500
"""Characters and values of a filter: SQLite nests conditions at most a thousand deep."""


class BadFilter(UserError):
    """A term that cannot be understood; the message names it."""


def near(name: str, known: Iterable[str]) -> str:
    """` (near: state)`, for a name that may be mistyped; empty where none is like it."""
    close = difflib.get_close_matches(name, list(known), n=2, cutoff=0.7)
    return f" (near: {', '.join(close)})" if close else ""


@dataclass(frozen=True)
class Term:
    """One condition. Without a field it is text to search for; `values` are alternatives."""

    text: str
    """The term as it was written, for messages."""
    negated: bool
    field: str
    op: str
    values: tuple[str, ...]


def parse(text: str) -> tuple[Term, ...]:
    """Split a filter into terms. Raises BadFilter naming the term that is no term."""
    if len(text) > LONGEST or text.count(",") > MOST_VALUES:
        raise BadFilter(
            f"filter: it has {len(text):,} characters and {text.count(',') + 1:,} values, but at most {LONGEST:,} and "
            f"{MOST_VALUES:,} are taken: ask for less at a time"
        )
    terms, position = [], 0
    while position < len(text):
        if text[position].isspace():
            position += 1
            continue
        match = _TERM.match(text, position) or _WORD.match(text, position)
        if match is None:
            raise BadFilter(
                f"filter: the quote in '{text[position:].split()[0]}' is not closed, or text follows it directly"
            )
        terms.append(_term(match))
        if len(terms) > MOST_VALUES:
            raise BadFilter(f"filter: it has more than {MOST_VALUES:,} terms: ask for less at a time")
        position = match.end()
    return tuple(terms)


def _term(match: re.Match[str]) -> Term:
    parts = match.groupdict()
    value = parts["value"]
    quoted = value.startswith('"')
    values = (value.strip('"'),) if quoted or not parts.get("field") else tuple(value.split(","))
    if not all(values):
        raise BadFilter(
            f"filter term '{match.group()}' has an empty value: write for example kind:eval or \"some text\""
        )
    if not quoted and not parts.get("field") and re.fullmatch(r"[:=<>!]+", value):
        raise BadFilter(
            f"filter term '{match.group()}' stands alone: write field, sign and value without blanks, acc@2>60"
        )
    return Term(match.group(), bool(parts["sign"]), (parts.get("field") or "").lower(), parts.get("op") or ":", values)
