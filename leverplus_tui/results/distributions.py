"""How the rewards and advantages that a training was given are distributed over its candidates, as it stored them."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from db.store import RunDetail
from engine.statistics.histogram import Histogram
from leverplus_tui.text.numbers import count, number, plural
from leverplus_tui.text.output import table

REWARDS, ADVANTAGES, EARLY = "candidate rewards", "advantages", "early advantages"
"""Late advantages are called as those of trainings that have no early ones: they are what is compared."""

HEADERS = ("over train groups", "candidates", "least", "mean", "greatest", "of which")
UNTOLD = "rewards and advantages of candidates were not stored: trained by an older version, or elsewhere"
NOTHING_LEFT = "no group has a signal: there is no advantage"


@dataclass(frozen=True)
class Distribution:
    """One of them, and what it leaves out."""

    name: str
    histogram: Histogram
    groups: int
    no_signal: int
    """Groups in which no candidate is better than another."""
    epochs: str = ""
    """`early` or `late` where the epochs of GRPO take different candidates."""
    top_k: int | None = None
    """How many of the best candidates of a group take part; none are all of them."""
    clipped: int | None = None
    """Advantages that `clip` cut; none for rewards."""
    clip: float | None = None

    @property
    def notes(self) -> tuple[str, ...]:
        """The same in words."""
        words = [f"{self.epochs} epochs"] if self.epochs else []
        words += [f"best {self.top_k} of each group"] if self.top_k is not None else []
        words.append(f"no signal in {count(self.no_signal)} of {plural(self.groups, 'group')}")
        if self.clipped is not None:
            words.append(f"{plural(self.clipped, 'advantage')} cut at {number(self.clip)}")
        return tuple(words)


def distributions(detail: RunDetail) -> tuple[Distribution, ...]:
    """Rewards, then advantages where there was GRPO; nothing where the run stored none."""
    return tuple(_read(detail.distributions)) if detail.distributions else ()


def distribution_table(detail: RunDetail) -> str:
    """What is known of them in a line each; a sentence for a training that stored nothing, and nothing for other runs."""
    if is_untold(detail):
        return UNTOLD
    rows = [
        (one.name, count(one.histogram.n), *map(number, one.histogram.ends), ", ".join(one.notes))
        for one in distributions(detail)
    ]
    return table(HEADERS, rows, right=(1, 2, 3, 4)) if rows else ""


def is_untold(detail: RunDetail) -> bool:
    """Whether this is a training of an older version, which stored no such counts, or one that was imported."""
    return detail.row.kind in ("rce", "grpo") and bool(detail.metrics) and not detail.distributions


def _read(stored: dict[str, Any]) -> Iterator[Distribution]:
    groups = stored["groups"]
    yield Distribution(REWARDS, Histogram.read(stored["rewards"]), groups, stored["no_signal"])
    for part in stored["advantages"]:
        name = EARLY if part["epochs"] == "early" else ADVANTAGES
        told = {key: part[key] for key in ("no_signal", "epochs", "top_k", "clipped", "clip")}
        yield Distribution(name, Histogram.read(part["histogram"]), groups, **told)
