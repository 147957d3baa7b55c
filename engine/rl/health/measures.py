"""How varied the groups of RL data are: rewards, accuracies, answers, repeated pointers, and what a better pick would gain.

Everything is vectorised over all candidates: a file of a gigabyte has millions.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from engine.common.accuracy import normalise
from engine.rl.health.usable import Usable
from engine.rl.reading.columns import Floats
from engine.rl.reading.file import RLFile
from engine.rl.reading.pointer_spaces import Bools, Ints
from engine.rl.rewards import alike

GAP = 0.2
"""Accuracy that the best candidate must have beside the selector's pick to count as a gap."""
ANSWERS_NORMALISED = 200_000
"""More distinct answers than this are compared as they are stored, in a moment instead of many seconds."""
CLOSE = 1e-6
"""Accuracies nearer than this are one value."""


def diversity(data: RLFile, seen: Usable) -> dict[str, Any]:
    """Measures of how much the candidates of a group differ. Shares are over groups with a usable candidate, or with two
    where one candidate alone could not differ."""
    starts = seen.starts()
    sizes = np.diff(starts, append=len(seen.group))
    plural = sizes >= 2
    high, low = _reduced(np.maximum, seen.reward, starts), _reduced(np.minimum, seen.reward, starts)
    rewards = _distinct(seen, np.round(seen.reward, 9))
    answers = _answers(data, seen)
    return {
        "accuracy_groups": _accuracy_groups(seen.accuracy, starts),
        "unique_rewards": _spread(rewards),
        "reward_range": {"mean": mean_of(high - low), "zero_share": mean_of(np.asarray(alike(high, low)))},
        "reward_variance": mean_of(_variances(seen.reward, starts, sizes)),
        "unique_answers": _spread(answers) if answers is not None else {},
        "one_answer_share": mean_of(answers[plural] == 1) if answers is not None else None,
        "duplicates": _duplicates(data),
        "accuracy_gt_prob_spearman": _spearman(seen.accuracy, data.candidates.gt_prob[seen.index]),
    }


def _spread(values: Ints) -> dict[str, float]:
    """Least, median, mean and most; empty for no values."""
    if not len(values):
        return {}
    return {
        "min": int(values.min()),
        "median": float(np.median(values)),
        "mean": float(values.mean()),
        "max": int(values.max()),
    }


def _duplicates(data: RLFile) -> dict[str, float]:
    """Candidates that repeat an earlier one of their group: exactly, or in any order, and the share of the latter."""
    rows, group = data.candidates.rows, data.group()
    exact, any_order = _repeated(rows, group), _repeated(np.sort(rows, axis=1), group)
    return {"exact": exact, "any_order": any_order, "ratio": any_order / max(len(rows), 1)}


def gap(data: RLFile, seen: Usable) -> dict[str, float | None]:
    """`oracle_gap`: mean over queries of the best accuracy less that of the selector's pick (beam rank 0, else the best
    log-probability), and `oracle_gap_share`, the share of queries where it is above GAP; None where no pick is known."""
    starts = seen.starts()
    picks = _picks(data, seen, starts)
    if not len(picks):
        return {"oracle_gap": None, "oracle_gap_share": None}
    best = _reduced(np.maximum, seen.accuracy, starts)
    gaps = best[np.searchsorted(seen.group[starts], seen.group[picks])] - seen.accuracy[picks]
    return {"oracle_gap": float(gaps.mean()), "oracle_gap_share": float((gaps > GAP + CLOSE).mean())}


def _picks(data: RLFile, seen: Usable, starts: Ints) -> Ints:
    """Position among the usable candidates of what the generating selector would have chosen, one for each query that tells."""
    rank, logprob = data.candidates.beam_rank[seen.index], data.candidates.logprob[seen.index]
    score = np.where(rank == 0, np.inf, np.where(np.isfinite(logprob), logprob, -np.inf))
    best = np.repeat(_reduced(np.maximum, score, starts), np.diff(starts, append=len(score)))
    found = np.flatnonzero((score == best) & (score > -np.inf))
    return found[np.flatnonzero(np.diff(seen.group[found], prepend=-1))]


def _reduced(by: np.ufunc, values: Floats, starts: Ints) -> Floats:
    return np.asarray(by.reduceat(values, starts)) if len(starts) else np.zeros(0)


def _variances(values: Floats, starts: Ints, sizes: Ints) -> Floats:
    """Unbiased variance of each group; 0 for a group of one."""
    means = _reduced(np.add, values, starts) / np.maximum(sizes, 1)
    return _reduced(np.add, (values - np.repeat(means, sizes)) ** 2, starts) / np.maximum(sizes - 1, 1)


def _accuracy_groups(accuracy: Floats, starts: Ints) -> dict[str, int]:
    """Groups by their accuracies: all of one value (0, 1, 0.6 or another), or diverse."""
    low, high = _reduced(np.minimum, accuracy, starts), _reduced(np.maximum, accuracy, starts)
    one = high - low <= CLOSE
    named = {name: one & (np.abs(low - value) <= CLOSE) for name, value in (("all0", 0), ("all1", 1), ("all06", 0.6))}
    counts = {name: int(held.sum()) for name, held in named.items()}
    return counts | {"other_single": int(one.sum()) - sum(counts.values()), "diverse": int((~one).sum())}


def _distinct(seen: Usable, values: Floats | Ints) -> Ints:
    """Distinct values in each group that has any."""
    _, codes = np.unique(values, return_inverse=True)
    width = int(codes.max(initial=0)) + 1
    keys = np.unique(seen.group * width + codes)
    return np.unique(keys // width, return_counts=True)[1]


def _answers(data: RLFile, seen: Usable) -> Ints | None:
    """Distinct normalised answers in each group; None for a file that stores none."""
    texts = data.candidates.answer.texts
    if len(texts) == 1:
        return None
    if len(texts) > ANSWERS_NORMALISED:
        return _distinct(seen, data.candidates.answer.codes[seen.index].astype(np.int64))
    known: dict[str, int] = {}
    codes = np.array([known.setdefault(normalise(text), len(known)) for text in texts], np.int64)
    return _distinct(seen, codes[data.candidates.answer.codes[seen.index]])


def _repeated(rows: Ints, group: Ints) -> int:
    """Candidates with the group and rows (M, S) of an earlier one."""
    if not len(rows):
        return 0
    width, low = int(rows.max()) - int(rows.min()) + 1, int(rows.min())
    if (int(group[-1]) + 1) * width ** rows.shape[1] >= 2**63:  # too wide to pack into one number: sort by column
        order = np.lexsort((*rows.T, group))
        keys = np.column_stack([group, rows])[order]
        return int((keys[1:] == keys[:-1]).all(1).sum())
    packed = group.copy()
    for column in rows.T:
        packed = packed * width + (column - low)
    packed.sort()
    return int((packed[1:] == packed[:-1]).sum())


def _spearman(a: Floats, b: Floats) -> float | None:
    """Rank correlation over the pairs that are there; None where either is constant."""
    there = np.isfinite(a) & np.isfinite(b)
    ranks = np.stack([_ranks(a[there]), _ranks(b[there])])
    if not ranks.size or not np.ptp(ranks, axis=1).all():
        return None
    correlation: Floats = np.asarray(np.corrcoef(ranks))
    return float(correlation[0, 1])


def _ranks(values: Floats) -> Floats:
    """Ranks from 1; equal values share the mean of theirs."""
    _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    return np.asarray((np.cumsum(counts) - (counts - 1) / 2)[inverse])


def mean_of(values: Bools | Floats) -> float:
    """Mean, a share where the values are booleans; 0 for none."""
    return float(values.mean()) if len(values) else 0.0
