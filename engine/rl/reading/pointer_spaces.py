"""Which index space the pointers of a candidate are in: positions in the query's stored pool (local) or rows of the train
split (global). Mixing the two is the commonest corruption of RL data, so each candidate is decided by itself."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
ABSENT = -1
"""Padding of pointers that are shorter than the longest, and positions that there are not."""


class Space(IntEnum):
    """How the pointers of one candidate were read."""

    GLOBAL = 0
    """Rows of the train split."""
    LOCAL = 1
    """Positions in the stored pool."""
    CONFLICT = 2
    """`pointer_global` contradicts both readings of `pointer`; `pointer_global` is believed."""


@dataclass(frozen=True, slots=True)
class Pools:
    """Stored pools of all queries, one after another."""

    offsets: Ints
    """(Q + 1,) where each query's pool begins; equal neighbours mean that none is stored."""
    ids: Ints
    """Train rows, in stored order."""

    def sizes(self) -> Ints:
        """Pool size of each query (Q,); 0 where none is stored."""
        return np.diff(self.offsets)


@dataclass(frozen=True, slots=True)
class StoredPointers:
    """The three pointer fields as stored, each (M, S), with a flag (M,) that says where the field is there."""

    pointer: Ints
    real: Bools
    """(M, S): picks that exist; the rest pads shorter pointers."""
    position: Ints
    has_position: Bools
    world: Ints
    has_world: Bools


@dataclass(frozen=True, slots=True)
class ResolvedPointers:
    """What the pointers mean."""

    rows: Ints
    """(M, S) train rows."""
    positions: Ints
    """(M, S) positions in the stored pool; -1 where no pool is stored or the row is not in it."""
    space: NDArray[np.uint8]
    """(M,) `Space` of each candidate."""
    certain: Bools
    """(M,) False where both readings were possible and nothing in the candidate decided."""


def resolve(stored: StoredPointers, pools: Pools, group: Ints, repaired: Bools) -> ResolvedPointers:
    """Decide the space of each candidate. `group` (M,) is the query of each candidate, `repaired` (M,) is False where the
    record says that its repair failed, so that its pointers are still global."""
    size = pools.sizes()[group]
    fits = (((stored.pointer >= 0) & (stored.pointer < size[:, None])) | ~stored.real).all(1) & (size > 0)
    as_local = _look_up(stored.pointer, fits, pools, group)
    if (stored.has_world & fits & repaired).all() and ((as_local == stored.world) | ~stored.real).all():
        # all candidates are local beyond doubt, which is what a sound file with stored pools looks like
        space = np.full(len(group), Space.LOCAL, np.uint8)
        return ResolvedPointers(stored.world, stored.pointer, space, np.ones(len(group), np.bool_))
    index = _PoolIndex(pools)
    siblings = np.bincount(group, stored.has_world, len(pools.offsets) - 1)[group] > 0
    member = np.zeros(len(group), np.bool_)
    asked = np.flatnonzero(stored.has_position & ~stored.has_world & fits)
    member[asked] = ((index.find(stored.pointer[asked], group[asked]) >= 0) | ~stored.real[asked]).all(1)
    space, certain = _decide(stored, as_local, fits & repaired, member, siblings, size == 0)
    local = space == Space.LOCAL
    rows = np.where(stored.has_world[:, None], stored.world, np.where(local[:, None], as_local, stored.pointer))
    positions = stored.pointer.copy()
    positions[~local] = index.find(rows[~local], group[~local])
    return ResolvedPointers(
        np.where(stored.real, rows, ABSENT), np.where(stored.real, positions, ABSENT), space, certain
    )


def _decide(
    stored: StoredPointers, as_local: Ints, may_be_local: Bools, member: Bools, siblings: Bools, no_pool: Bools
) -> tuple[NDArray[np.uint8], Bools]:
    """The rules, strongest first: `pointer_global`, which merged files keep when they lose the pools; no fitting pool means
    global; `pointer_pos` as the witness; then the habit of merged files, in which a candidate without `pointer_global` among
    others that have it is global."""

    def same(a: Ints, b: Ints) -> Bools:
        return np.asarray(((a == b) | ~stored.real).all(1))

    space = np.full(len(member), Space.LOCAL, np.uint8)
    certain = np.zeros(len(member), np.bool_)
    open_cases = np.ones(len(member), np.bool_)
    for condition, reading, sure in (
        (stored.has_world & may_be_local & same(as_local, stored.world), Space.LOCAL, True),
        (stored.has_world & same(stored.pointer, stored.world), Space.GLOBAL, True),
        (stored.has_world & no_pool, Space.GLOBAL, True),
        (stored.has_world, Space.CONFLICT, True),
        (~may_be_local, Space.GLOBAL, True),
        (stored.has_position & same(as_local, stored.position), Space.LOCAL, True),
        (stored.has_position & same(stored.pointer, stored.position) & member, Space.GLOBAL, True),
        (siblings, Space.GLOBAL, False),
    ):
        decided = open_cases & condition
        space[decided], certain[decided] = reading, sure
        open_cases &= ~decided
    return space, certain


def _look_up(pointer: Ints, fits: Bools, pools: Pools, group: Ints) -> Ints:
    """Pool ids at positions (M, S); the first id where the candidate does not fit its pool."""
    if not len(pools.ids):
        return np.zeros_like(pointer)
    index = np.where(fits[:, None], pools.offsets[group][:, None] + pointer, 0)
    return np.asarray(pools.ids[np.clip(index, 0, len(pools.ids) - 1)])


class _PoolIndex:
    """Finds the position of a train row in a query's pool: pool ids sorted under their query."""

    def __init__(self, pools: Pools) -> None:
        self._pools = pools
        self._width = int(pools.ids.max(initial=0)) + 3

    @cached_property
    def _sorted(self) -> tuple[Ints, Ints]:
        owner = np.repeat(np.arange(len(self._pools.offsets) - 1), self._pools.sizes())
        ids = self._pools.ids
        keys = owner * self._width + np.where(ids < 0, self._width - 1, ids)
        order = np.argsort(keys, kind="stable")
        return order, keys[order]

    def find(self, rows: Ints, group: Ints) -> Ints:
        """First position of train rows (M, S) in the stored pool of their query, -1 where it is not there."""
        if not len(self._pools.ids) or not len(rows):
            return np.full_like(rows, ABSENT)
        order, keys = self._sorted
        known = (rows >= 0) & (rows < self._width - 1)
        wanted = group[:, None] * self._width + np.where(known, rows, 0)
        at = np.minimum(np.searchsorted(keys, wanted), len(keys) - 1)
        found = known & (keys[at] == wanted)
        return np.where(found, order[at] - self._pools.offsets[group][:, None], ABSENT)
