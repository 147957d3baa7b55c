"""How long runs will take, from runs like them that are done."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any

from db import store
from db.home import Home
from db.session import open_database, reading
from db.store import Pace
from engine.doctor.duration import estimate as by_bench
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.times import duration

LIKE = {
    "eval": ("dataset", "vlm", "engine", "device"),
    "generate": ("dataset", "vlm", "engine", "device"),
    "rce": ("rl_data", "variant", "device"),
    "grpo": ("rl_data", "variant", "device"),
    "embed": ("dataset", "encoder", "device"),
}
"""Fields in which a run must agree with another to tell its time."""


@dataclass(frozen=True)
class Estimate:
    """Seconds of all runs together, and how many of them a like run stands behind."""

    seconds: float
    known: int
    of: int


def estimate(specs: Iterable[Mapping[str, Any]], paces: Sequence[Pace]) -> Estimate:
    """Each run takes what the median of those like it took, in proportion to its size; stored answers make it less."""
    found = [_seconds(spec, paces) for spec in specs]
    known = [seconds for seconds in found if seconds is not None]
    total = sum(known) * (len(found) / len(known)) if known else 0.0
    return Estimate(total, len(known), len(found))


def lasts(home: Home, specs: Sequence[Any]) -> str:
    """How long runs of one kind take, one after the other, in words: by earlier runs, else by what `leverplus bench` measured."""
    with reading(open_database(home.database)) as session:
        paces = store.paces(session, kind=specs[0].kind)
    said = estimate([spec.model_dump(mode="json") for spec in specs], paces)
    all_of_them = " one after the other" if len(specs) > 1 else ""
    if said.known:
        return f"about {duration(said.seconds)}{all_of_them}, going by {plural(len(paces), 'earlier run')}"
    measured = [found for spec in specs if (found := by_bench(spec, home.cache)) is not None and found.questions]
    if len(measured) == len(specs):
        return f"about {duration(sum(one.seconds for one in measured))}{all_of_them}, by the pace that bench measured"
    return f"nobody knows how long {'it takes: no run like it' if len(specs) == 1 else 'they take: no run like these'} is done yet"


def _seconds(spec: Mapping[str, Any], paces: Sequence[Pace]) -> float | None:
    fields = LIKE.get(str(spec["kind"]), ())
    what, size = size_of(spec)
    like = [
        pace.seconds / other * size
        for pace in paces
        if all(pace.spec.get(name) == spec.get(name) for name in fields)
        for basis, other in [size_of(pace.spec)]
        if basis == what and other
    ]
    return median(like) if like else None


def size_of(spec: Mapping[str, Any]) -> tuple[str, float]:
    """In what the work of a run is counted, and how much it is."""
    kind = spec["kind"]
    if kind == "eval":
        questions = spec.get("limit") or max(spec.get("first") or [0])
        return ("questions", questions * len(spec["shots"])) if questions else ("data sets", len(spec["shots"]))
    if kind == "generate":
        return ("queries", spec["queries"]) if spec.get("queries") else ("data sets", 1)
    if kind in ("rce", "grpo"):
        return "epochs", spec["rce_epochs"] + spec["grpo_epochs"]
    return "data sets", 1
