"""What a sweep varies: `FIELD=V1,V2`, ranges and seeds, and every combination of them as a specification."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

from db.specs import JobSpec, UserError
from db.specs.idle import why_idle
from leverplus_tui.jobs.spec_building import Tell, build_spec
from leverplus_tui.jobs.spec_options import FieldRefused, flatten, plain
from leverplus_tui.text.output import say

MOST = 1000
"""Runs of one sweep at most."""
RANGE = re.compile(r"(?P<low>[-+.\deE]+?)\.\.(?P<high>[-+.\deE]+)(?::(?P<n>\d+)(?P<log>log)?)?")


@dataclass(frozen=True)
class Member:
    """One combination."""

    spec: JobSpec
    settings: dict[str, Any]
    """Dotted field -> value, of what is varied."""

    @property
    def label(self) -> str:
        """`rce_lr=0.001 seed=43`."""
        return " ".join(f"{name.rpartition('.')[2]}={plain(value)}" for name, value in self.settings.items())


@dataclass(frozen=True)
class Grid:
    """All combinations, the last field fastest."""

    axes: dict[str, list[Any]]
    members: tuple[Member, ...]


def grid(
    kind: str,
    flags: Mapping[str, Any],
    spec_file: Path | None,
    assignments: Sequence[str],
    seeds: str | None = None,
    tell: Tell = say,
) -> Grid:
    """Every combination of the values that `assignments` list; those with one value hold for all runs. `tell` hears of
    published names that were understood.

    Raises UserError for values that a field refuses, combinations that are the same run, and more than MOST of them.
    """

    def build(given: Sequence[str], said: Tell) -> JobSpec:
        return build_spec(kind, flags, spec_file, given, tell=said)

    fixed, varied = [], {}
    names = [assignment.partition("=")[0].strip() for assignment in assignments]
    for assignment in assignments:
        field, equals, text = assignment.partition("=")
        values = values_of(field.strip(), text) if equals else []
        if len(values) > 1:
            if names.count(field.strip()) > 1:
                raise UserError(
                    f"--set {field.strip()} is given twice: list all its values behind one, as in {assignment}"
                )
            varied[field.strip()] = values
        else:
            fixed.append(f"{field}={values[0]}" if values else assignment)
    if seeds is not None:
        if "seed" in varied:
            raise UserError("--seeds and --set seed=... both vary the seed: give one of them")
        varied["seed"] = seeds_of(seeds, lambda: int(getattr(build(fixed, tell), "seed", 0)))
    if not varied:
        raise UserError("a sweep varies something: give --set FIELD=V1,V2 or --seeds N")

    def make(values: Mapping[str, str]) -> JobSpec:
        return build([*fixed, *(f"{field}={value}" for field, value in values.items())], _silent)

    return combined(varied, make)


def _silent(_: str) -> None:
    """Of all members the same would be said, which was said with the seeds."""


def combined(varied: Mapping[str, Sequence[str]], make: Callable[[Mapping[str, str]], JobSpec]) -> Grid:
    """Every combination of these values, as they are typed, in the specification that `make` gives for it.

    Raises UserError for what `make` refuses, combinations that are the same run, and more than MOST of them.
    """
    count = math.prod(map(len, varied.values()))
    if count > MOST:
        raise UserError(f"these are {count:,} runs, and a sweep has {MOST:,} at most: vary less at once")
    members = [_member(make, dict(zip(varied, values, strict=True))) for values in product(*varied.values())]
    _refuse_repeats(members)
    _refuse_idle(members, varied)
    axes = {field: list({plain(m.settings[field]): m.settings[field] for m in members}.values()) for field in varied}
    return Grid(axes, tuple(members))


def values_of(field: str, text: str) -> list[str]:
    """The values in a list: `1,2`, `[1,2],[2,4]` for fields that are lists themselves, `1..5` (whole numbers), `0..1:5` (five
    evenly spaced), `1e-5..1e-3:3log` (each so many times the one before)."""
    parts = _split(text)
    if torn := next(
        (part for part in parts if part.count("[") != part.count("]") or part.count("{") != part.count("}")), ""
    ):
        raise UserError(f"--set {field}={text}: a bracket of '{torn}' has no partner; lists are written [1,2],[2,4]")
    values = [value for part in parts for value in _ranged(field, part)]
    repeated = [value for value in values if values.count(value) > 1]
    if repeated:
        raise UserError(f"--set {field}: {repeated[0]} is listed twice")
    return values


def _split(text: str) -> list[str]:
    """At commas outside of brackets and quotes."""
    parts = re.findall(r"(?:\[[^\]]*\]|\{[^}]*\}|\"[^\"]*\"|'[^']*'|[^,])+", text)
    return [part.strip() for part in parts if part.strip()]


def _ranged(field: str, part: str) -> list[str]:
    found = RANGE.fullmatch(part)
    if found is None:
        return [part]
    try:
        low, high = float(found["low"]), float(found["high"])
    except ValueError:
        return [part]
    if found["n"] is None:
        if not (low.is_integer() and high.is_integer() and low <= high and high - low < MOST):
            raise UserError(f"--set {field}={part}: write whole numbers in order, or how many values, such as {part}:5")
        return [str(number) for number in range(int(low), int(high) + 1)]
    count = int(found["n"])
    if not 2 <= count <= MOST:
        raise UserError(f"--set {field}={part}: a range has 2 to {MOST} values")
    if found["log"]:
        if low <= 0 or high <= 0:
            raise UserError(f"--set {field}={part}: both ends of a logarithmic range are above 0")
        return [f"{low * (high / low) ** (i / (count - 1)):.6g}" for i in range(count)]
    return [f"{low + (high - low) * i / (count - 1):.6g}" for i in range(count)]


def seeds_of(text: str, first: Callable[[], int]) -> list[str]:
    """`3` counts on from the first seed; `7,11` are the seeds."""
    values = values_of("seed", text)
    if len(values) != 1:
        return values
    if not values[0].isdigit() or not 1 <= int(values[0]) <= MOST:
        raise UserError(f"--seeds {text}: give how many, or the seeds, such as 7,11")
    begin = first()
    return [str(begin + i) for i in range(int(values[0]))]


def _member(make: Callable[[Mapping[str, str]], JobSpec], values: Mapping[str, str]) -> Member:
    spec = make(values)
    held = dict(flatten(spec.model_dump(mode="json")))
    return Member(spec, {field: held.get(field, value) for field, value in values.items()})


def _refuse_idle(members: Sequence[Member], varied: Iterable[str]) -> None:
    """A field is varied in vain where it has an effect in no run, or where nothing else tells two runs apart.

    Seeds are no reason: beside a retriever that draws, one that draws nothing is repeated too, and answered from memory.
    """
    for field in varied:
        why = {why_idle(member.spec, field) for member in members}
        if "" not in why:
            raise FieldRefused(f"--set {field}: it has no effect in any of these runs: {', '.join(sorted(why))}", field)
    seen: dict[str, Member] = {}
    for member in members:
        acts = {
            field: value
            for field, value in member.settings.items()
            if field == "seed" or not why_idle(member.spec, field)
        }
        before = seen.setdefault(repr(sorted(acts.items())), member)
        if before is not member:
            field = next(name for name in member.settings if name not in acts)
            raise FieldRefused(
                f"{before.label} and {member.label} come to the same: {field} has no effect there, because "
                f"{why_idle(member.spec, field)}; make sweeps of their own of it",
                field,
            )


def _refuse_repeats(members: Sequence[Member]) -> None:
    seen: dict[str, Member] = {}
    for member in members:
        before = seen.setdefault(member.spec.sha(), member)
        if before is not member:
            raise UserError(f"{before.label} and {member.label} are the same run: list each value once")
