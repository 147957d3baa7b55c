"""Runs that agree in some settings as one line: how many they are, and what they reach with the spread over them."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

from db import store
from db.session import Session
from leverplus_tui.text.numbers import setting
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.reading.rows import ALL_BUT_SEED, Group, Mean

COMPUTED_BY = ("seed", "device", "batch_size", "concurrency")
"""Settings that make no other recipe."""
METRICS = ("last", "best", "min", "max")
Values = Mapping[str, str | float | None]


def grouped(
    session: Session, ids: Sequence[int], by: Sequence[str], shots: Sequence[int], metrics: Sequence[str] = ()
) -> tuple[Group, ...]:
    """Groups in the order in which their first run comes. Figures for each number of shots, and `metrics` by their fields."""
    fields = list(by)
    if ALL_BUT_SEED in fields:
        varying = store.varying_settings(session, run_ids=ids)
        fields = ["kind", *(field for field in varying if field not in (*COMPUTED_BY, "kind"))]
    figures = [f"acc@{shot}" for shot in shots if shot < 10]
    asked = [name.replace("acc", "asked") for name in figures]
    found = store.run_values(session, run_ids=ids, fields=[*fields, *figures, *asked, *metrics])
    members: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for run_id in ids:
        members[tuple(setting(found[run_id][field]) for field in fields)].append(run_id)
    telling = [
        place for place in range(len(fields)) if len({values[place] for values in members}) > 1 or fields == list(by)
    ]
    return tuple(
        Group(
            key=-1 - index,
            values=tuple((fields[place], values[place]) for place in telling),
            ids=tuple(runs),
            means=dict(_means([found[run_id] for run_id in runs], figures, metrics)),
        )
        for index, (values, runs) in enumerate(members.items())
    )


def _means(runs: Sequence[Values], figures: Sequence[str], metrics: Sequence[str]) -> Iterator[tuple[str, Mean]]:
    for field in (*figures, *metrics):
        values = [value for run in runs if isinstance(value := run[field], int | float)]
        alike = (
            field in metrics or len({run[field.replace("acc", "asked")] for run in runs if run[field] is not None}) < 2
        )
        if values:
            spread = statistics.stdev(values) if len(values) > 1 and alike else None
            yield field, Mean(statistics.fmean(values) if alike else None, spread, len(values))


def metrics_of(view: ListView) -> list[str]:
    """The metrics among the chosen columns."""
    return [column for column in view.columns if column.partition(".")[0] in METRICS]
