"""Series that two connections write in turns, with transactions that are undone, held against a plain account of the points."""

from __future__ import annotations

import math
import random
from copy import deepcopy
from pathlib import Path

import pytest

from db import rows, store
from db.session import open_database, reading, writing
from db.specs import TrainSpec

VALUES = (0.5, 1.0, -2.0, math.nan, math.inf, -math.inf)
Points = dict[tuple[str, str], dict[tuple[int, int], float]]


class Undone(Exception):
    """What a transaction ends with that is to leave nothing behind."""


def in_short(points: Points) -> dict[tuple[str, str], tuple[object, ...]]:
    """Count, bad ones, last place and value, extremes; texts, for nan equals nothing."""
    told: dict[tuple[str, str], tuple[object, ...]] = {}
    for key, series in points.items():
        last, sound = max(series), [value for value in series.values() if math.isfinite(value)]
        shown = [
            repr(float(value)) for value in (series[last], min(sound, default=math.nan), max(sound, default=math.nan))
        ]
        told[key] = (len(series), len(series) - len(sound), *last, *shown)
    return told


@pytest.mark.parametrize("seed", range(6))
def test_series_are_what_their_points_say(tmp_path: Path, seed: int) -> None:
    drawn = random.Random(seed)
    files = [open_database(tmp_path / "leverplus.db") for _ in range(2)]
    known: dict[int, Points] = {}
    for _ in range(2):
        with writing(files[0]) as session:
            spec = TrainSpec(rl_data="builtin", embeddings="builtin")
            known[store.create_run(session, spec=spec, environment={}).id or 0] = {}
    for _ in range(40):
        meant, is_undone = deepcopy(known), drawn.random() < 0.3
        try:
            with writing(drawn.choice(files)) as session:
                for run_id in drawn.choices(list(known), k=drawn.randint(1, 2)):
                    points = [
                        rows.Metric(
                            phase=drawn.choice("ab"), name=drawn.choice("xy"), epoch=drawn.randrange(3),
                            step=drawn.randrange(5), value=drawn.choice(VALUES),
                        )
                        for _ in range(drawn.randrange(10))
                    ]  # fmt: skip
                    store.add_rows(session, run_id=run_id, process_id=None, rows=points)
                    for one in points:
                        meant[run_id].setdefault((one.phase, one.name), {})[one.epoch, one.step] = one.value
                if is_undone:
                    raise Undone
            known = meant
        except Undone:
            pass
        with reading(files[0]) as session:
            for run_id, points_of_run in known.items():
                stored = {
                    (one.phase, one.name): (
                        one.n, one.n_bad, one.epoch, one.step, repr(one.value), repr(one.lowest), repr(one.highest),
                    )
                    for one in store.metric_summaries(session, run_id=run_id)
                }  # fmt: skip
                assert stored == in_short(points_of_run)
