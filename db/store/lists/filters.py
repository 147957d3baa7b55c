"""What a filter (`db.specs.terms`) means for runs: `kind:grpo acc@2>60 -tag:smoke state:done,failed "text"`.

All terms must hold. Accuracies are in percent.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from db.run_states import ACTIVE, KINDS, STATES, UNKNOWN_SHOTS
from db.specs.movable import HomePaths
from db.specs.terms import BadFilter, Term, near, parse
from db.store.base import now
from db.store.lists.settings import metric_sql, setting_fields, setting_sql, setting_value_sql

__all__ = ["BadFilter", "Condition", "Term", "parse", "runs_condition", "runs_order", "value_sql", "worked_s"]

_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Condition:
    """A condition in SQL, with its parameters in order."""

    sql: str
    parameters: tuple[object, ...]


def runs_condition(where: str | None, place: HomePaths | None = None) -> Condition:
    """The condition on table `run` for a filter; deleted runs are left out unless the filter speaks of them, and jobs that
    are asked about an evaluation, which have no results, unless it speaks of a kind or a number.

    Paths below the home `place` are looked for as they are stored.
    """
    terms = parse(where or "")
    conditions = [_meaning(term) for term in terms]
    if not any(term.field == "deleted" for term in terms):
        conditions.append(Condition("run.deleted_at IS NULL", ()))
    if not any(term.field in ("kind", "id") for term in terms):
        conditions.append(Condition("run.kind <> 'ask'", ()))
    return Condition(
        " AND ".join(condition.sql for condition in conditions),
        tuple(_stored(parameter, place) for condition in conditions for parameter in condition.parameters),
    )


def _stored(parameter: object, place: HomePaths | None) -> object:
    return place.stored(parameter) if place is not None and isinstance(parameter, str) else parameter


def runs_order(sort: str) -> str:
    """ORDER BY for `FIELD`, `FIELD asc` or `FIELD desc` (numbers begin with the largest); what is missing comes last."""
    field, _, direction = sort.strip().lower().partition(" ")
    texts = _TEXT | _SORTED_WORDS
    setting = setting_sql(field) if field not in texts and _number(field) is None else None
    if field not in texts and _number(field) is None and setting is None:
        raise BadFilter(f"cannot sort by '{field}': {_FIELDS} (but not tag, finding, forced, deleted)")
    if direction.strip() not in ("", "asc", "desc"):
        raise BadFilter(f"cannot sort '{sort}': after the field comes asc or desc, such as: acc@2 desc")
    direction = direction.strip() or ("asc" if field in texts else "desc")
    if field in texts:
        return f"{texts[field]} COLLATE NOCASE {direction}, run.id DESC"
    number = _number(field)
    sql = number.sql if number is not None else setting
    return f"{sql} {direction} NULLS LAST, run.id {direction}"


def _meaning(term: Term) -> Condition:
    condition = _positive(term)
    return Condition(f"NOT coalesce({condition.sql}, 0)", condition.parameters) if term.negated else condition


def _positive(term: Term) -> Condition:
    if not term.field:
        return _anywhere(term.values[0])
    if (number := _number(term.field)) is not None:
        return _any_of([_compare(term, number, value) for value in term.values])
    if term.field in _TEXT:
        return _any_of([_match(term, _TEXT[term.field], value) for value in term.values])
    if term.field in _WORDS:
        return _any_of([_equal(term, _WORDS[term.field], _known_word(term, value)) for value in term.values])
    if term.field in _FLAGS:
        return _any_of([_equal(term, _FLAGS[term.field], _yes_or_no(term, value)) for value in term.values])
    if (setting := setting_sql(term.field)) is not None:
        return _any_of([_setting(term, setting, value) for value in term.values])
    known = (*_TEXT, *_WORDS, *_NUMBERS, *_FLAGS, *setting_fields())
    raise BadFilter(f"filter term '{term.text}' names no field{near(term.field, known)}: {_FIELDS}")


def _anywhere(text: str) -> Condition:
    """Capitals do not matter. What has no blank stands within one field: asked one by one they take half as long."""
    if " " in text:
        beside = " || ' ' || ".join(_TEXTS)
        return Condition(f"instr(lower({beside}), lower(?)) > 0", (text,))
    return _any_of([Condition(f"{field} LIKE {_PATTERN}", (text,)) for field in _TEXTS])


def _any_of(conditions: Sequence[Condition]) -> Condition:
    parameters = tuple(parameter for condition in conditions for parameter in condition.parameters)
    return Condition("(" + " OR ".join(condition.sql for condition in conditions) + ")", parameters)


def _equal(term: Term, sql: str, value: object) -> Condition:
    """For fields that are one of a few words."""
    if term.op not in (":", "=", "!="):
        raise BadFilter(f"filter term '{term.text}': {term.field} has no order, write {term.field}:{term.values[0]}")
    return Condition(f"NOT ({sql})" if term.op == "!=" else f"({sql})", (value,))


def _known_word(term: Term, value: str) -> str:
    """Raises BadFilter for a state or kind that there is none of: such a filter would show nothing, for ever and in silence."""
    words = {"state": (*STATES, "stalled"), "kind": KINDS}.get(term.field, ())
    if words and value.lower() not in words:
        raise BadFilter(
            f"filter term '{term.text}': {term.field} is one of {', '.join(words)}; '{value}' is none of them"
        )
    return value


def _match(term: Term, column: str, value: str) -> Condition:
    """Texts: a colon looks inside, an equals sign at the whole; capitals do not matter."""
    if term.op == ":":
        return Condition(f"instr(lower({column}), lower(?)) > 0", (value,))
    return _equal(term, f"lower({column}) = lower(?)", value)


def _compare(term: Term, number: _Number, value: str) -> Condition:
    try:
        low, high = number.read(value)
    except (ValueError, OverflowError):
        raise BadFilter(f"filter term '{term.text}': '{value}' is no {number.what}") from None
    bounds: dict[str, tuple[str, tuple[object, ...]]] = {
        ">": ("> ?", (high,)),
        ">=": (">= ?", (low,)),
        "<": ("< ?", (low,)),
        "<=": ("<= ?", (high,)),
        "!=": ("NOT BETWEEN ? AND ?", (low, high)),
    }
    sql, parameters = bounds.get(term.op, ("BETWEEN ? AND ?", (low, high)))
    return Condition(f"{number.sql} {sql}", parameters)


def _setting(term: Term, sql: str, value: str) -> Condition:
    """Settings are numbers, words, yes or no, or lists: compared as what they are stored as."""
    if term.op in (">", ">=", "<", "<="):
        return _compare(term, _Number(f"CASE WHEN typeof({sql}) IN ('real', 'integer') THEN {sql} END", _plain), value)
    with suppress(ValueError):
        number = {"yes": 1.0, "true": 1.0, "no": 0.0, "false": 0.0}.get(value.lower())
        low, high = _plain(value) if number is None else (number, number)
        return Condition(f"coalesce({sql} {'NOT ' * (term.op == '!=')}BETWEEN ? AND ?, 0)", (low, high))
    return _match(term, f"coalesce({sql}, '')", value)


def value_sql(field: str) -> str:
    """The expression over table `run` of a field that has one value: what a column of this field shows.

    Accuracies are percent, times seconds; `asked@2` tells the questions behind `acc@2`. Raises BadFilter for another field.
    """
    if (number := _number(field)) is not None:
        return number.sql
    if asked := re.fullmatch(r"asked@(\d)", field):
        return f"(SELECT subset_id || ' ' || n_done {_HEADLINE.format(asked[1])})"
    sql = (_TEXT | _SORTED_WORDS).get(field) or setting_value_sql(field)
    if sql is None:
        raise BadFilter(f"'{field}' is no field of a run: {_FIELDS}")
    return sql


def _yes_or_no(term: Term, value: str) -> int:
    known = {"yes": 1, "true": 1, "1": 1, "no": 0, "false": 0, "0": 0}
    if value.lower() not in known:
        raise BadFilter(f"filter term '{term.text}': {term.field} is yes or no, not '{value}'")
    return known[value.lower()]


@dataclass(frozen=True)
class _Number:
    """An SQL expression, and how its values are written: as the closed interval that they mean."""

    sql: str
    read: Callable[[str], tuple[float, float]]
    what: str = "number such as 3 or 1e-4"


def _plain(value: str) -> tuple[float, float]:
    return float(value), float(value)


def _percent(value: str) -> tuple[float, float]:
    percent = float(value.removesuffix("%"))
    return percent - 1e-9, percent + 1e-9


def _run_number(value: str) -> tuple[float, float]:
    return _plain(str(int(value.lower().removeprefix("r"))))


def _sweep_number(value: str) -> tuple[float, float]:
    return _plain(str(int(value.lower().removeprefix("s"))))


def _seconds(value: str) -> tuple[float, float]:
    """`90`, `90s`, `15m`, `2h`, `7d`, `3w`, and sums such as `2h30m`."""
    parts = re.findall(r"([\d.]+)([smhdw]?)", value.lower())
    if not parts or "".join(amount + unit for amount, unit in parts) != value.lower():
        raise ValueError(value)
    return _plain(str(sum(float(amount) * _SECONDS[unit or "s"] for amount, unit in parts)))


def _day(value: str) -> tuple[float, float]:
    """A year, month, day or minute in UTC, from its first to its last microsecond."""
    for form, longer in (("%Y", "year"), ("%Y-%m", "month"), ("%Y-%m-%d", "day"), ("%Y-%m-%dT%H:%M", "minute")):
        try:
            start = datetime.strptime(value, form).replace(tzinfo=UTC)
        except ValueError:
            continue
        return start.timestamp() * 1e6, _after(start, longer).timestamp() * 1e6 - 1
    raise ValueError(value)


def _after(start: datetime, length: str) -> datetime:
    if length == "year":
        return start.replace(year=start.year + 1)
    if length == "month":
        return (start + timedelta(days=32)).replace(day=1)
    return start + (timedelta(days=1) if length == "day" else timedelta(minutes=1))


def _number(field: str) -> _Number | None:
    """The numeric field of this name; `acc@2`, `acc@?` (unknown shots) and `last.val_loss`, `min.`, `max.`, `best.` are made
    from their parts."""
    if accuracy := re.fullmatch(r"acc@(\d{1,3}|\?)", field):
        shot = UNKNOWN_SHOTS if accuracy[1] == "?" else int(accuracy[1])
        return _Number(f"(SELECT accuracy {_HEADLINE.format(shot)})", _percent, "percentage such as 60")
    if (metric := metric_sql(field)) is not None:
        return _Number(metric, _plain)
    return _NUMBERS[field]() if field in _NUMBERS else None


_HEADLINE = "FROM cell WHERE run_id = run.id AND shot = {} AND (n_done > 0 OR n = 0) ORDER BY n DESC LIMIT 1"
"""Of the figures for a number of shots, that over the largest subset."""


def worked_s() -> str:
    """Seconds that the processes of a run worked on it: up to now while it goes on, else up to their last sign of life."""
    up_to = f"coalesce(process.ended_at, CASE WHEN run.state IN {ACTIVE} THEN {now()} ELSE heartbeat_at END)"
    return f"sum({up_to} - process.started_at) / 1e6"


def _worked() -> str:
    return f"(SELECT {worked_s()} FROM process WHERE run_id = run.id)"


_NUMBERS: dict[str, Callable[[], _Number]] = {
    "id": lambda: _Number("run.id", _run_number, "run such as r12"),
    "parent": lambda: _Number("run.parent_id", _run_number, "run such as r12"),
    "created": lambda: _Number("run.created_at", _day, "date such as 2025-06-30 or 2025-06-30T14:05 (UTC)"),
    "age": lambda: _Number(f"({now()} - run.created_at) / 1e6", _seconds, "time such as 90s, 15m, 2h, 7d"),
    "duration": lambda: _Number(_worked(), _seconds, "time such as 90s, 15m, 2h, 7d"),
    "seed": lambda: _Number("run.seed", _plain),
    "sweep": lambda: _Number(
        "(SELECT sweep_id FROM sweep_member WHERE run_id = run.id)", _sweep_number, "sweep such as s3"
    ),
    "progress": lambda: _Number(
        "100.0 * run.progress_done / nullif(run.progress_total, 0)", _percent, "percentage such as 60"
    ),
    "findings": lambda: _Number("(SELECT count(*) FROM finding WHERE run_id = run.id)", _plain),
    "n": lambda: _Number("(SELECT max(n) FROM cell WHERE run_id = run.id)", _plain),
}
_NOTE = "coalesce((SELECT text FROM note WHERE run_id = run.id), '')"
_TAGS = "coalesce((SELECT group_concat(name, ' ') FROM tag WHERE run_id = run.id), '')"
_TEXT = {
    "name": "run.name",
    "dataset": "run.dataset",
    "vlm": "run.vlm",
    "retriever": "run.retriever",
    "selector": "run.selector",
    "variant": "run.variant",
    "note": _NOTE,
}
_STALLED = f"""CASE WHEN run.state = 'running' AND
    (SELECT heartbeat_at + 1000000 * promise_s < {now()} FROM process WHERE run_id = run.id ORDER BY id DESC LIMIT 1)
    THEN 'stalled' ELSE '' END"""
"""A running process that was silent for longer than it announced, as lists show it; it counts as running too."""
_WORDS = {
    "kind": "run.kind = lower(?)",
    "state": f"lower(?) IN (run.state, {_STALLED})",  # in this form no index leads away from the list's own order
    "tag": "EXISTS (SELECT 1 FROM tag WHERE run_id = run.id AND tag.name = ?)",
    "finding": "EXISTS (SELECT 1 FROM finding WHERE run_id = run.id AND lower(?) IN (code, severity))",
}
_FLAGS = {"forced": "run.forced = ?", "deleted": "(run.deleted_at IS NOT NULL) = ?"}
_TEXTS = ("'r' || run.id", *_TEXT.values(), _TAGS)
_PATTERN = r"""'%' || replace(replace(replace(?, '\', '\\'), '%', '\%'), '_', '\_') || '%' ESCAPE '\'"""
_SORTED_WORDS = {"kind": "run.kind", "state": "run.state"}
_NAMES = ", ".join(sorted({*_TEXT, *_WORDS, *_NUMBERS, *_FLAGS}))
_FIELDS = f"fields are {_NAMES}, acc@SHOTS, last.METRIC, best.METRIC, min.METRIC, max.METRIC, and every setting, such as rce_lr"


def run_fields() -> dict[str, str]:
    """Field that a filter can name -> how its value is written, for the reference page."""
    numbers = {name: make().what for name, make in _NUMBERS.items()} | {"acc@SHOTS": "percentage such as 60"}
    metrics = dict.fromkeys(("last.METRIC", "best.METRIC", "min.METRIC", "max.METRIC"), "number")
    settings = dict.fromkeys(("lr", "SETTING"), "number, word, or yes or no")
    return (
        dict.fromkeys(_TEXT, "text")
        | dict.fromkeys(_WORDS, "word")
        | numbers
        | metrics
        | settings
        | dict.fromkeys(_FLAGS, "yes or no")
    )
