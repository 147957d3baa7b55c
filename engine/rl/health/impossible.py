"""Values of RL data that cannot be: accuracies off the metric's scale, labels that contradict them, rows that do not exist,
and records that a repair gave up."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from db.specs.base import Finding
from engine.common.findings import error, warning
from engine.rl.health.usable import official
from engine.rl.reading.file import RLFile
from engine.rl.reading.pointer_spaces import Bools

POSSIBLE = (0.0, 0.3, 0.6, 0.9, 1.0)
"""Official accuracies over ten reference answers."""
TOLERANCE = 0.005
"""Half a unit of the second decimal, to which some tools round."""
SURELY_RIGHT = 0.5
"""Accuracy from which every published tool calls an answer right; some do so for anything above 0."""


def impossible_values(data: RLFile) -> Iterator[Finding]:
    """One finding for each kind of impossible value, located at its first query and candidate."""
    yield from _rows(data)
    yield from _repairs(data)
    if data.variant != "legacy":
        scored, possible = official(data), _possible(data)
        yield from _accuracies(data, scored, possible)
        yield from _labels(data, scored & possible)


def _possible(data: RLFile) -> Bools:
    """(M,) candidates with an accuracy that ten reference answers can give."""
    near = np.zeros(len(data.candidates.accuracy), np.bool_)
    for value in POSSIBLE:
        near |= np.abs(data.candidates.accuracy - value) <= TOLERANCE
    return near


def _rows(data: RLFile) -> Iterator[Finding]:
    subject, c = str(data.path), data.candidates
    picked = np.arange(c.rows.shape[1]) < c.lengths[:, None]
    bad: Bools = np.asarray(((c.rows < 0) & picked).any(1))
    if bad.any():
        first = c.rows[int(bad.argmax())].min()
        text = f"{_count(bad)} a train row below 0, such as {first} (first: {data.place(bad)}); there is no such row."
        yield error("pointer-impossible", subject, text, "Drop these candidates, or generate them again.")
    below = data.pools.ids < 0
    if below.any():
        owner = np.repeat(data.query_ids, data.pools.sizes())[int(below.argmax())]
        text = (
            f"Stored pools hold {int(below.sum()):,} train rows below 0 (first: query {owner}); there is no such row."
        )
        yield error("pointer-impossible", f"{subject} pools", text, "Draw these pools again.")


def _repairs(data: RLFile) -> Iterator[Finding]:
    failed = [i for i, query in enumerate(data.queries) if query.fix_failed]
    if failed:
        said = data.queries[failed[0]].fix_error
        first = f"query {data.query_ids[failed[0]]}" + (f": {said[:80]}" if said else "")
        text = (
            f"{len(failed):,} of {len(data.queries):,} records are marked _fix_failed (first: {first}): their pointers are "
            "still train rows where the others count inside their pools."
        )
        yield warning("fix-failed", str(data.path), text, "Repair these queries again, or drop them.")


def _accuracies(data: RLFile, scored: Bools, possible: Bools) -> Iterator[Finding]:
    subject, accuracy = str(data.path), data.candidates.accuracy
    outside = scored & ((accuracy < 0) | (accuracy > 1))
    odd = scored & ~possible & ~np.isnan(accuracy) & ~outside
    for bad, make, what in (
        (outside, error, "outside 0 to 1"),
        (odd, warning, "that ten reference answers cannot give (0, 0.3, 0.6, 0.9 or 1)"),
    ):
        if bad.any():
            value = accuracy[int(bad.argmax())]
            text = f"{_count(bad)} a vqa_acc_score {what}, such as {value:g} (first: {data.place(bad)})."
            yield make("accuracy-impossible", subject, text, "Score the stored answers again with the official metric.")
    absent = scored & np.isnan(accuracy)
    if absent.any():
        text = (
            f"{_count(absent)} no vqa_acc_score (absent, null or NaN), which counts as 0 (first: {data.place(absent)})."
        )
        yield warning("accuracy-missing", subject, text, "Score the stored answers again with the official metric.")


def _labels(data: RLFile, scored: Bools) -> Iterator[Finding]:
    c = data.candidates
    bad = scored & ((c.correct > 0) & (c.accuracy == 0) | (c.correct == 0) & (c.accuracy >= SURELY_RIGHT))
    if bad.any():
        at = int(bad.argmax())
        told = f"vqa_correct {c.correct[at]:g} beside vqa_acc_score {c.accuracy[at]:g}"
        text = f"{_count(bad)} labels that contradict each other, such as {told} (first: {data.place(bad)})."
        yield warning("correctness-conflict", str(data.path), text, "Score the stored answers again, or drop them.")


def _count(bad: Bools) -> str:
    many = int(bad.sum())
    return "1 candidate has" if many == 1 else f"{many:,} candidates have"
