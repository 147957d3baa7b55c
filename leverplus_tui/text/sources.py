"""Whose answers a run's figures are made of, in words: computed by the run itself, or taken from other runs."""

from __future__ import annotations

from collections.abc import Mapping

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count

Sources = Mapping[int | None, int]
"""Run that computed answers -> how many; None where that is unknown."""


def sources_text(run_id: int, sources: Sources) -> str:
    """`432 by this run, 68 by r3, 12 unknown`; empty where there are no answers."""
    parts = [shown(f"{count(sources[run_id])} by this run")] if run_id in sources else []
    parts += [shown(f"{count(number)} by r{source}") for source, number in taken(run_id, sources).items()]
    parts += [shown(f"{count(sources[None])} unknown")] if None in sources else []
    return ", ".join(parts)


def sources_json(run_id: int, sources: Sources) -> dict[str, object]:
    """The same as JSON values."""
    return {
        "computed": sources.get(run_id, 0),
        "reused": {f"r{source}": number for source, number in taken(run_id, sources).items()},
        "unknown": sources.get(None, 0),
    }


def taken(run_id: int, sources: Sources) -> dict[int, int]:
    """Answers of other runs, by run."""
    return {source: number for source, number in sources.items() if source not in (None, run_id)}
