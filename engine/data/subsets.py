"""Which questions are evaluated: all, a seeded random sample, or published prefixes; each a stored list of ids."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from db.rows import Subset
from db.specs.base import sha256_text
from engine.data.sample import Sample, Split


def draw_subsets(
    split: Split, *, dataset_sha: str, limit: int | None = None, first: Sequence[int] = (), seed: int = 42
) -> list[Subset]:
    """The subsets of `split` to evaluate: a random sample of `limit`, prefixes of `first` questions, or all.

    Samples are stratified by question_type where there are several. A size of the whole split or more is `all`.
    """
    total = len(split)
    if limit and limit < total:
        rule = {"rule": "random", "n": limit, "seed": seed, "stratified": len(_strata(split)) > 1}
        return [_subset(split, dataset_sha, f"random {limit} (seed {seed})", rule, draw_ids(split, limit, seed))]
    sizes = sorted({n for n in first if n < total})
    prefixes = [_subset(split, dataset_sha, f"first {n}", {"rule": "first", "n": n}, split.ids[:n]) for n in sizes]
    if prefixes and len(sizes) == len({*first}):
        return prefixes
    return [*prefixes, _subset(split, dataset_sha, "all", {"rule": "all"}, split.ids)]


def shard(subset: Subset, start: int, end: int | None) -> Subset:
    """The questions of a subset from one place to before another, in the order of their ids; itself where these are all."""
    ids = subset.question_ids[start:end]
    if len(ids) == len(subset.question_ids):
        return subset
    rule = {**subset.rule, "start_idx": start, "end_idx": start + len(ids)}
    label = f"{subset.label}, {start} to {start + len(ids)}"
    return replace(subset, label=label, rule=rule, question_ids=ids, sha=sha256_text(",".join(map(str, ids))))


def drawn(split: Split, *, limit: int | None = None, first: Sequence[int] = (), seed: int = 42) -> list[Sample]:
    """The questions of all subsets that `draw_subsets` gives, by ascending id."""
    subsets = draw_subsets(split, dataset_sha="", limit=limit, first=first, seed=seed)
    ids = {one for subset in subsets for one in subset.question_ids}
    return [question for question in split.questions if question.question_id in ids]


def draw_ids(split: Split, n: int, seed: int) -> tuple[int, ...]:
    """`n` question ids drawn without replacement, each question_type by its share (largest remainders)."""
    order = np.random.default_rng(seed).permutation(len(split))
    rank = {int(index): place for place, index in enumerate(order)}
    strata = [sorted(members, key=rank.__getitem__) for members in _strata(split).values()]
    quotas = share_out(n, [len(members) for members in strata])
    chosen = [index for members, quota in zip(strata, quotas, strict=True) for index in members[:quota]]
    return tuple(split.ids[index] for index in sorted(chosen))


def share_out(n: int, sizes: Sequence[int]) -> list[int]:
    """`n` shared among groups in proportion to their sizes; what is left goes to the largest remainders, then the first."""
    total = sum(sizes)
    quotas = [n * size // total for size in sizes]
    by_remainder = sorted(range(len(sizes)), key=lambda group: -(n * sizes[group] % total))
    for group in by_remainder[: n - sum(quotas)]:
        quotas[group] += 1
    return quotas


def _strata(split: Split) -> dict[str, list[int]]:
    strata: dict[str, list[int]] = defaultdict(list)
    for index, sample in enumerate(split.questions):
        strata[sample.question_type].append(index)
    return dict(sorted(strata.items()))


def _subset(split: Split, dataset_sha: str, label: str, rule: Mapping[str, Any], ids: Sequence[int]) -> Subset:
    ordered = tuple(sorted(ids))
    sha = sha256_text(",".join(map(str, ordered)))
    return Subset(dataset_sha, split.name, label, rule, ordered, sha)
