"""Candidate pools: which train questions may be shown to a query. One for all queries, or one for each.

The samplers are the published ones; their results are cached by content, so a stale file can never be taken.
"""

from __future__ import annotations

import hashlib
import io
import math
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from db.specs.base import UserError, canonical_json, sha256_text
from db.specs.evaluate import PoolRule
from engine.common.files.atomic import write_bytes
from engine.common.files.gate import NotReadable, opened
from engine.data.sample import Sample, Split
from engine.demonstrations.neighbours import nearest

MIX_RATIOS = {"random": 0.5, "text": 0.25, "image": 0.25}
FIELDS: dict[str, tuple[str, ...]] = {
    "text-sampler": ("text",),
    "image-sampler": ("image",),
    "mix-sampler": ("text", "image"),
}
"""Features that a sampler compares, by rule."""

Features = Mapping[tuple[str, str], Tensor]
"""Unit vectors (n, d) by side (`query`, `train`) and field (`image`, `text`, `both`)."""


def tensor_sha(tensor: Tensor) -> str:
    """SHA-256 (hex) over shape and values."""
    digest = hashlib.sha256(canonical_json([str(tensor.dtype), list(tensor.shape)]).encode())
    digest.update(tensor.contiguous().cpu().numpy().tobytes())
    return digest.hexdigest()


@dataclass(frozen=True)
class Pools:
    """The pools of a list of queries, as train indices."""

    rule: str
    shared: Tensor | None
    """(K,) for all queries; none where each has its own."""
    own: Tensor | None
    """(Q, K) for each query, -1 where a pool is smaller; exclusions are already applied."""
    excluded: tuple[tuple[int, ...], ...]
    """For each query the train indices that it must not be shown, ascending."""

    @property
    def size(self) -> int:
        """Largest pool."""
        table = self.shared if self.shared is not None else self.own
        return 0 if table is None else int(table.shape[-1])

    @property
    def sha(self) -> str:
        """SHA-256 (hex) over all pools and exclusions."""
        tables = [tensor_sha(table) if table is not None else None for table in (self.shared, self.own)]
        return sha256_text(canonical_json([*tables, [[q, *rows] for q, rows in enumerate(self.excluded) if rows]]))

    def part(self, queries: slice) -> Pools:
        """Those of some of the queries."""
        own = None if self.own is None else self.own[queries]
        return Pools(self.rule, self.shared, own, self.excluded[queries])

    def of(self, query: int) -> Tensor:
        """Train indices that may be shown to the query at this position."""
        if self.own is not None:
            return self.own[query][self.own[query] >= 0]
        assert self.shared is not None, "pools are shared or own"
        if not self.excluded[query]:
            return self.shared
        return self.shared[~torch.isin(self.shared, torch.tensor(self.excluded[query]))]


@dataclass(frozen=True)
class Request:
    """What pools are wanted."""

    rule: PoolRule
    size: int
    seed: int
    same_image: bool = False
    """Also exclude train questions with the query's own image."""
    device: str = "cpu"


def build_pools(
    asked: Request, queries: Sequence[Sample], train: Split, *, features: Features | None = None, cache_dir: Path
) -> Pools:
    """Pools of `asked.size` train indices for `queries`; `features` are needed for the similarity samplers only.

    The query itself is always excluded, by id. Raises UserError where train has too few questions.
    """
    excluded = exclusions(queries, train, same_image=asked.same_image)
    if asked.rule in _SHARED:
        return Pools(asked.rule, _SHARED[asked.rule](asked, len(train)), None, excluded)
    most = max(map(len, excluded), default=0)
    if asked.size > len(train) - most:
        raise UserError(
            f"pool_size: {asked.size} was asked for, but train has {len(train) - most} questions that may be shown; "
            "give a smaller pool_size or pool=all"
        )
    known = {pair: tensor for pair, tensor in (features or {}).items() if pair[1] in FIELDS.get(asked.rule, ())}
    path = cache_dir / "pools" / f"{_key(asked, queries, train, known)}.npy"
    own = _recall(path, len(queries))
    if own is None:
        own = _SAMPLERS[asked.rule](asked, excluded, len(train), known)
        write_bytes(path, _as_bytes(own))
    return Pools(asked.rule, None, own, excluded)


def exclusions(queries: Sequence[Sample], train: Split, *, same_image: bool) -> tuple[tuple[int, ...], ...]:
    """For each query the train indices with its question_id, and on request those with its image_id."""
    by_image: dict[int, list[int]] = defaultdict(list)
    if same_image:
        for index, sample in enumerate(train.questions):
            by_image[sample.image_id].append(index)
    found = []
    for query in queries:
        itself = train.index_of.get(query.question_id)
        rows = {*by_image.get(query.image_id, ()), *(() if itself is None else (itself,))}
        found.append(tuple(sorted(rows)))
    return tuple(found)


def _all(_: Request, n: int) -> Tensor:
    return torch.arange(n)


def _first(asked: Request, n: int) -> Tensor:
    return torch.arange(min(asked.size, n))


def _random(asked: Request, n: int) -> Tensor:
    order = np.random.default_rng(asked.seed).permutation(n)
    return torch.from_numpy(np.sort(order[: asked.size]))


def _rand_sampler(asked: Request, excluded: Sequence[Sequence[int]], n: int, _: Features) -> Tensor:
    return _draw_apart(asked.size, excluded, n, asked.seed)


def _similarity_sampler(asked: Request, excluded: Sequence[Sequence[int]], _: int, features: Features) -> Tensor:
    (field,) = FIELDS[asked.rule]
    return _similar(asked.size, excluded, field, features, asked.device)


def _mix_sampler(asked: Request, excluded: Sequence[Sequence[int]], n: int, features: Features) -> Tensor:
    """Random, image neighbours, text neighbours, in this order; what occurs twice is kept once."""
    counts = mix_counts(asked.size)
    parts = [
        _draw_apart(counts["random"], excluded, n, asked.seed),
        _similar(counts["image"], excluded, "image", features, asked.device),
        _similar(counts["text"], excluded, "text", features, asked.device),
    ]
    return _without_repeats(torch.cat(parts, dim=1))


def mix_counts(size: int) -> dict[str, int]:
    """Members by kind: the floor of each share, the last kind gets what is left (32, 16, 16 of 64)."""
    counts = {kind: math.floor(ratio * size) for kind, ratio in MIX_RATIOS.items()}
    last = next(reversed(counts))
    counts[last] = size - sum(count for kind, count in counts.items() if kind != last)
    return counts


def _draw_apart(size: int, excluded: Sequence[Sequence[int]], n: int, seed: int) -> Tensor:
    """Published way: one seed, then a draw for each query in order, repeated while it holds an excluded question."""
    rng = random.Random(seed)
    rows = []
    for banned in excluded:
        drawn = rng.sample(range(n), size)
        tries = 0
        while not set(banned).isdisjoint(drawn) and tries < 100:
            drawn, tries = rng.sample(range(n), size), tries + 1
        if tries == 100:  # a pool of nearly all questions: drawing again would go on for ever
            drawn = rng.sample(sorted(set(range(n)).difference(banned)), size)
        rows.append(drawn)
    return torch.tensor(rows, dtype=torch.long).reshape(len(excluded), size)


def _similar(size: int, excluded: Sequence[Sequence[int]], field: str, features: Features, device: str) -> Tensor:
    return nearest(features["query", field], features["train", field], size, excluded, device)


def _without_repeats(rows: Tensor) -> Tensor:
    unique = [list(dict.fromkeys(row)) for row in rows.tolist()]
    width = max(map(len, unique), default=0)
    padded = [row + [-1] * (width - len(row)) for row in unique]
    return torch.tensor(padded, dtype=torch.long).reshape(len(unique), width)


_SHARED: dict[str, Callable[[Request, int], Tensor]] = {"all": _all, "first": _first, "random": _random}
_SAMPLERS: dict[str, Callable[[Request, Sequence[Sequence[int]], int, Features], Tensor]] = {
    "rand-sampler": _rand_sampler,
    "text-sampler": _similarity_sampler,
    "image-sampler": _similarity_sampler,
    "mix-sampler": _mix_sampler,
}


def _key(asked: Request, queries: Sequence[Sample], train: Split, features: Features) -> str:
    key = {
        "order": train.order_sha,
        "images": train.sha if asked.same_image else "",
        "rule": asked.rule,
        "size": asked.size,
        "seed": asked.seed,
        "same_image": asked.same_image,
        "features": {"-".join(pair): tensor_sha(tensor) for pair, tensor in features.items()},
        "ratios": MIX_RATIOS if asked.rule == "mix-sampler" else {},
        "queries": sha256_text(canonical_json([(one.question_id, one.image_id) for one in queries])),
    }
    return sha256_text(canonical_json(key))


def _recall(path: Path, queries: int) -> Tensor | None:
    try:
        with opened(path) as file:
            table = np.load(file, allow_pickle=False)
    except (NotReadable, ValueError, EOFError, MemoryError):
        return None
    whole = table.ndim == 2 and len(table) == queries and table.dtype == np.int64
    return torch.from_numpy(table) if whole else None


def _as_bytes(table: Tensor) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, table.numpy(), allow_pickle=False)
    return buffer.getvalue()
