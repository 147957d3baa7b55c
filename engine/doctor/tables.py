"""Audits accuracy tables: which figures cannot be, which repeat each other, which differences mean nothing.

A mean of n VQA scores lies on a lattice: OKVQA scores are multiples of 0.2 (0, 0.6, 1), so an accuracy is a multiple of
20/n points; VQAv2 scores are multiples of 0.1, so 10/n points. Published subsets are nested prefixes (the first n
questions by question_id), so the questions between two sizes have an accuracy of their own, which must be possible too.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import pairwise

from db.specs.base import Finding, worst_first
from engine.figures.reading import Figure, Matrix
from engine.figures.units import SCORE_STEP, off_by
from engine.statistics.intervals import Z95

EPSILON = 1e-6
TINY_BELOW = 10.0
"""Percent; a figure of at most 1 is at home among figures up to this one."""

Row = tuple[tuple[int, float], ...]
"""(shot, accuracy) pairs of one matrix at one n."""


def audit(matrices: Sequence[Matrix]) -> list[Finding]:
    """All findings on a collection of accuracy matrices, errors first."""
    findings: list[Finding] = []
    for matrix in matrices:
        findings += off_lattice(matrix)
        findings += tiny(matrix)
        findings += impossible_blocks(matrix)
        findings += saturated(matrix)
        findings += prefixes(matrix)
    findings += duplicates(matrices)
    findings += conflicts(matrices)
    findings += unlike(matrices)
    findings += noise(matrices)
    return worst_first(findings)


def lattice_distance(figure: Figure, step: float) -> float:
    """How far the figure is from the nearest possible sum of scores, beyond what printing rounds, in score units.

    Infinite outside 0..100, where no sum of scores is near.
    """
    if not 0 <= figure.accuracy <= 100:
        return math.inf
    return off_by(figure.accuracy, figure.n, step, figure.half_unit)


def off_lattice(matrix: Matrix) -> list[Finding]:
    """Figures that no set of answers can give (`off-lattice`, error)."""
    step = SCORE_STEP.get(matrix.dataset)
    if step is None:
        return []
    return [
        Finding(
            code="off-lattice",
            severity="error",
            subject=f"{matrix.subject} / n={figure.n} shot {figure.shot}",
            message=(
                f"{figure.accuracy:g} is not a possible {matrix.dataset} accuracy over {figure.n} questions: every "
                f"such figure is a multiple of {100 * step / figure.n:g} points from 0 to 100."
            ),
            fix="Look the figure up in the original output: it was measured on another set of questions or mistyped.",
        )
        for figure in matrix.figures
        if figure.n and lattice_distance(figure, step) > EPSILON
    ]


def tiny(matrix: Matrix) -> list[Finding]:
    """Percentages of at most 1 beside large ones (`unit-unclear`, warning): perhaps a share of one among percentages."""
    small = [figure for figure in matrix.figures if 0 < figure.accuracy <= 1]
    largest = max((figure.accuracy for figure in matrix.figures), default=0.0)
    if not small or largest <= TINY_BELOW:
        return []
    return [
        Finding(
            code="unit-unclear",
            severity="warning",
            subject=f"{matrix.subject} / n={figure.n} shot {figure.shot}",
            message=f"{figure.accuracy:g} stands beside {largest:g} and is taken as percent, as the file's other figures are.",
            fix="If it is a share of one, write all figures of the file in one unit and import it again.",
        )
        for figure in small
    ]


def impossible_blocks(matrix: Matrix) -> list[Finding]:
    """Nested prefixes whose implied block of questions has an impossible accuracy (`block-impossible`, error).

    block = (n2 a2 - n1 a1) / (n2 - n1). Only figures that are possible on their own are judged.
    """
    step = SCORE_STEP.get(matrix.dataset)
    if step is None:
        return []
    findings = []
    for small, large in _neighbours(matrix):
        if max(lattice_distance(small, step), lattice_distance(large, step)) > EPSILON:
            continue
        total = (large.n * large.accuracy - small.n * small.accuracy) / 100
        slack = (small.half_unit * small.n + large.half_unit * large.n) / 100 + EPSILON
        off = abs(total - round(total / step) * step)
        if total < -slack or total > large.n - small.n + slack or off > slack:
            findings.append(_block_finding(matrix, small, large, 100 * total / (large.n - small.n)))
    return findings


def _block_finding(matrix: Matrix, small: Figure, large: Figure, block: float) -> Finding:
    return Finding(
        code="block-impossible",
        severity="error",
        subject=f"{matrix.subject} / shot {small.shot}",
        message=(
            f"{small.accuracy:g} on the first {small.n} and {large.accuracy:g} on the first {large.n} questions imply "
            f"{block:.2f} on questions {small.n + 1} to {large.n}, which no answers give: the two are not nested."
        ),
        fix="The two figures come from different runs or different questions; do not read them as one series.",
    )


def _neighbours(matrix: Matrix) -> Iterable[tuple[Figure, Figure]]:
    by_shot = defaultdict(list)
    for figure in sorted(matrix.figures, key=lambda figure: figure.n):
        if figure.n:
            by_shot[figure.shot].append(figure)
    for figures in by_shot.values():
        yield from ((a, b) for a, b in pairwise(figures) if a.n < b.n)


def saturated(matrix: Matrix) -> list[Finding]:
    """More shots, same figure at every size (`shots-saturated`, warning): the extra demonstrations were never shown."""
    columns: dict[int, dict[int, float]] = defaultdict(dict)
    for figure in matrix.figures:
        columns[figure.shot][figure.n] = figure.accuracy
    shots = sorted(shot for shot in columns if shot > 0)
    same = [(a, b) for a, b in pairwise(shots) if columns[a] == columns[b]]
    sizes = max((len(column) for column in columns.values()), default=0)
    # One equal pair at one size is a coincidence that the lattice makes likely.
    if not same or (sizes < 2 and len(same) < 2):
        return []
    pairs = ", ".join(f"{b} = {a}" for a, b in same)
    return [
        Finding(
            code="shots-saturated",
            severity="warning",
            subject=matrix.subject,
            message=f"The figures of different shot counts are equal to the digit (shot {pairs}) at every size given.",
            fix="Check the pool size: a selector that can choose from two demonstrations shows two, whatever is asked.",
        )
    ]


def prefixes(matrix: Matrix) -> list[Finding]:
    """Sizes of one matrix are nested prefixes (`prefix-subset`, info), with the accuracy of each block of questions."""
    blocks = []
    for small, large in _neighbours(matrix):
        block = (large.n * large.accuracy - small.n * small.accuracy) / (large.n - small.n)
        blocks.append(f"shot {small.shot} questions {small.n + 1}-{large.n}: {block:.1f}")
    if not blocks:
        return []
    sizes = ", ".join(str(n) for n in sorted({figure.n for figure in matrix.figures}))
    return [
        Finding(
            code="prefix-subset",
            severity="info",
            subject=matrix.subject,
            message=(
                f"If n = {sizes} are prefixes of one list, as published evaluations take them, the figures are not "
                f"independent and not comparable across n. Implied blocks: {'; '.join(blocks)}."
            ),
            fix="Compare methods at one n; for a fair sample use a seeded random subset (--limit) or all questions.",
        )
    ]


def duplicates(matrices: Sequence[Matrix]) -> list[Finding]:
    """Rows (all shots at one n) equal to the digit under different labels or sizes (`duplicate-row`, warning)."""
    rows: dict[tuple[str, str, Row], list[str]] = defaultdict(list)
    for matrix in matrices:
        for n, row in _rows(matrix).items():
            if len(row) >= 3:
                name = f"{matrix.label}{' ' + matrix.sampler if matrix.sampler else ''} at n={n} ({matrix.source})"
                rows[matrix.dataset, matrix.vlm, row].append(name)
    findings = []
    for (_, _, row), names in rows.items():
        distinct = {_identity(name) for name in names}
        if len(distinct) > 1:
            figures = " ".join(f"{accuracy:g}" for _, accuracy in row)
            shown = "; ".join(sorted(set(names))[:6])
            findings.append(
                Finding(
                    code="duplicate-row",
                    severity="warning",
                    subject=names[0],
                    message=f"The figures {figures} stand under {len(distinct)} different labels: {shown}.",
                    fix="Find out which run they belong to; equal rows mean equal answers, a copy, or a relabelling.",
                )
            )
    return findings


def _identity(name: str) -> str:
    return name.rsplit(" (", 1)[0]


def _rows(matrix: Matrix) -> dict[int, Row]:
    rows: dict[int, list[tuple[int, float]]] = defaultdict(list)
    for figure in matrix.figures:
        rows[figure.n].append((figure.shot, figure.accuracy))
    return {n: tuple(sorted(row)) for n, row in rows.items()}


def conflicts(matrices: Sequence[Matrix]) -> list[Finding]:
    """One label, different figures for the same n and shot (`label-conflict`, warning)."""
    cells: dict[tuple[str, ...], dict[tuple[int, int], set[float]]] = defaultdict(lambda: defaultdict(set))
    sources: dict[tuple[str, ...], set[str]] = defaultdict(set)
    for matrix in matrices:
        key: tuple[str, ...] = (matrix.dataset, matrix.vlm, matrix.split, matrix.label, matrix.sampler)
        sources[key].add(f"{matrix.source} {matrix.date}".strip())
        for figure in matrix.figures:
            cells[key][figure.n, figure.shot].add(figure.accuracy)
    findings = []
    for label, figures in cells.items():
        clashes = [(cell, sorted(values)) for cell, values in figures.items() if len(values) > 1]
        if clashes:
            (n, shot), values = clashes[0]
            findings.append(
                Finding(
                    code="label-conflict",
                    severity="warning",
                    subject=" / ".join(label),
                    message=(
                        f"{len(clashes)} cells have more than one figure under this label, such as n={n} shot {shot}: "
                        f"{', '.join(f'{v:g}' for v in values)} ({'; '.join(sorted(sources[label])[:4])})."
                    ),
                    fix="Give each run its own label, or say which of the figures is meant.",
                )
            )
    return findings


def unlike(matrices: Sequence[Matrix]) -> list[Finding]:
    """Methods that share no n with the baseline of their source (`unlike-subsets`, warning): not to be subtracted."""
    findings = []
    groups: dict[tuple[str, str, str], list[Matrix]] = defaultdict(list)
    for matrix in matrices:
        groups[matrix.source, matrix.dataset, matrix.vlm].append(matrix)
    for (source, dataset, vlm), members in groups.items():
        baselines = [m for m in members if "baseline" in m.label.lower()]
        others = [m for m in members if m not in baselines]
        base_sizes = {f.n for m in baselines for f in m.figures}
        sizes = {f.n for m in others for f in m.figures}
        if base_sizes and sizes and not base_sizes & sizes:
            findings.append(
                Finding(
                    code="unlike-subsets",
                    severity="warning",
                    subject=f"{source} / {dataset} / {vlm}",
                    message=(
                        f"The baseline is given at n={_list(base_sizes)} and the methods at n={_list(sizes)}: other "
                        "questions, so a difference between them says nothing about the method."
                    ),
                    fix="Evaluate the baseline on the same questions.",
                )
            )
    return findings


def noise(matrices: Sequence[Matrix]) -> list[Finding]:
    """Spread over all methods that is inside what chance gives two unpaired runs (`within-noise`, info).

    The half-width of the difference of two independent accuracies is at most 1.96 sqrt(2 p(1-p)/n).
    """
    groups: dict[tuple[str, str, str, int], dict[int, dict[float, str]]] = defaultdict(lambda: defaultdict(dict))
    for matrix in matrices:
        for f in matrix.figures:
            groups[matrix.dataset, matrix.vlm, matrix.split, f.n][f.shot].setdefault(f.accuracy, matrix.label)
    findings = []
    for (dataset, vlm, split, n), shots in groups.items():
        inside = [text for shot, row in sorted(shots.items()) if n and (text := _spread(n, shot, sorted(row)))]
        if inside:
            findings.append(
                Finding(
                    code="within-noise",
                    severity="info",
                    subject=f"{dataset} / {vlm} / {split} / n={n}",
                    message=(
                        f"All figures lie closer together than two runs of equal quality may: {'; '.join(inside)}. "
                        "Only the answers to each question can show which method is better."
                    ),
                    fix="Compare runs question by question (`leverplus compare`), or use more questions.",
                )
            )
    return findings


def _spread(n: int, shot: int, accuracies: Sequence[float]) -> str:
    if len(accuracies) < 2:
        return ""
    low, high = accuracies[0], accuracies[-1]
    middle = (low + high) / 200
    chance = 100 * Z95 * math.sqrt(2 * max(middle * (1 - middle), 0) / n)
    if high - low >= chance:
        return ""
    return f"shot {shot} spans {low:g} to {high:g} ({high - low:.2f} points, chance gives up to {chance:.1f})"


def _list(sizes: Iterable[int]) -> str:
    return ", ".join(str(n) for n in sorted(sizes))
