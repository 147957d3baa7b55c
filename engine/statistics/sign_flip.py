"""The sign-flip test: were the two runs alike, each change could as well have gone the other way (Fisher 1935)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from engine.statistics.clusters import Floats, Ints
from engine.statistics.intervals import Z95

LEVEL = 0.05
COARSE = 20
"""Below so many changes the exact p, from there on the mid-p: a coarse lattice may err only on the safe side."""
MOST_EXACT, MOST_UNALIGNED = 100, 40
"""Changes up to which the distribution is counted out: on a lattice, and where sizes share no unit."""
UNITS = (1.0, 0.1, 0.05, 1 / 3, 1 / 30, 1 / 60)
"""Steps of VQA accuracies: binary, official, two questions averaged, simple rule, both."""
FINEST = 500


@dataclass(frozen=True, slots=True)
class SignFlip:
    """Outcome of one test."""

    p: float
    """Two-sided."""
    critical: float
    """The sum of changes from which p is below 0.05, as a share of their root sum of squares (1.96 for many changes)."""
    decides: bool
    """Whether any outcome of so many changes would have given p below 0.05."""


NO_CHANGE = SignFlip(1.0, Z95, False)


def sign_flip(changes: Floats) -> SignFlip:
    """Test that the nonzero `changes` (m,) lean to neither side.

    Up to 100 changes the distribution of their sum over all signs is counted out; beyond, it is normal but for its
    kurtosis (Edgeworth, by Cornish and Fisher 1937). From 20 changes on p counts half of the outcomes that are as
    extreme as the observed one (mid-p, Lancaster 1961; for McNemar's test Fagerland, Lydersen and Laake 2013).
    """
    if not len(changes):
        return NO_CHANGE
    units = _in_units(changes)
    return _normal(changes) if units is None else _exact(*units)


def _in_units(changes: Floats) -> tuple[Ints, int] | None:
    """Whole numbers proportional to the changes, and their number; none where there are too many to count out."""
    if len(changes) > MOST_EXACT:
        return None
    for unit in UNITS:
        whole = np.rint(changes / unit)
        if np.abs(changes / unit - whole).max() < 1e-6:
            return whole.astype(np.intp), len(changes)
    if len(changes) > MOST_UNALIGNED:
        return None
    return np.rint(changes / np.abs(changes).max() * FINEST).astype(np.intp), len(changes)


def _exact(changes: Ints, m: int) -> SignFlip:
    changes = changes[changes != 0]  # of sizes without a unit the least can round to nothing
    counts = np.bincount(np.abs(changes))
    chances = _distribution(counts)
    tails = 2 * np.cumsum(chances[::-1])[::-1]
    p = tails if m < COARSE else tails - chances
    p[0] = 1.0
    possible = np.flatnonzero(chances)
    rejected = possible[p[possible] < LEVEL]
    # Between the last outcome that is kept and the first that is not; beyond all of them where none is rejected.
    step = 2 * int(np.flatnonzero(counts)[0])
    first = int(rejected[0]) if len(rejected) else int(possible[-1]) + step
    last = int(possible[possible < first][-1]) if first > possible[0] else 0
    scale = math.sqrt(float(np.square(changes.astype(np.float64)).sum()))
    return SignFlip(
        p=float(min(1.0, p[abs(int(changes.sum()))])),
        critical=(first + last) / 2 / scale,
        decides=len(rejected) > 0,
    )


def _distribution(counts: Ints) -> Floats:
    """Chances of the sums 0, 1, 2, ... when `counts[u]` changes of u units get random signs; sums below 0 mirror them."""
    chances = np.ones(1)
    for unit in np.flatnonzero(counts[1:]) + 1:
        count = int(counts[unit])
        wider = np.zeros(len(chances) + 2 * unit * count)
        for minus in range(count + 1):
            start = 2 * unit * minus
            wider[start : start + len(chances)] += chances * (math.comb(count, minus) / 2**count)
        chances = wider
    return chances[len(chances) // 2 :]


def _normal(changes: Floats) -> SignFlip:
    squares = np.square(changes)
    scale = math.sqrt(float(squares.sum()))
    # The fourth cumulant of a sum of ±w is -2 Σw⁴: tails are thinner than normal ones.
    thin = 2 * float(np.square(squares).sum()) / scale**4
    deviate = _normalised(abs(float(changes.sum())) / scale, thin)
    critical = Z95
    for _ in range(8):  # Newton; the curve is nearly straight
        critical -= (_normalised(critical, thin) - Z95) / (1 + thin / 24 * (3 * critical**2 - 3))
    return SignFlip(math.erfc(deviate / math.sqrt(2)), critical, True)


def _normalised(z: float, thin: float) -> float:
    return z + thin / 24 * (z**3 - 3 * z)
