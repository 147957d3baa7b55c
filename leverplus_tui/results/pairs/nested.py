"""Whether figures of one run are evidence of their own: growing test sets hold the smaller ones."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from itertools import pairwise

from db.specs import Finding
from db.store import CellRow, RunDetail
from engine.common.findings import info
from leverplus_tui.results.pairs.paired_rows import is_imported
from leverplus_tui.results.stored_scores import StoredScores
from leverplus_tui.text.numbers import count


def nested_subsets(scores: StoredScores, detail: RunDetail) -> Iterator[Finding]:
    """`prefix-subset` (info): questions of one figure of the run stand among those of a larger one, at the same shots."""
    by_shot: dict[int, list[CellRow]] = defaultdict(list)
    for cell in sorted(detail.cells, key=lambda cell: cell.n):
        if not is_imported(cell):
            by_shot[cell.shot].append(cell)
    cells = max(by_shot.values(), key=len, default=[])
    if len(cells) < 2:
        return
    asked = [set(scores.of(cell)) for cell in cells]
    inside = [(a, b) for (a, small), (b, large) in pairwise(zip(cells, asked, strict=True)) if small and small < large]
    if inside:
        told = "; ".join(f"the {count(a.n)} ({a.subset}) are among the {count(b.n)} ({b.subset})" for a, b in inside)
        text = f"Figures over several n are not independent: {told}. A method that leads at each of them leads once."
        yield info("prefix-subset", detail.row.ref, text, "Judge by the largest set, or draw disjoint ones.")
