"""Shards: everything once, in order of length, neighbours that belong together in one."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from engine.common.shards import borders, cut


@given(st.lists(st.integers(0, 3)), st.integers(1, 5), st.integers(1, 9))
def test_every_position_is_in_one_shard_and_no_unit_is_torn(keys: list[int], workers: int, least: int) -> None:
    units = borders(keys)
    shards = cut(units, workers, least)
    assert sorted(at for shard in shards for at in shard) == list(range(len(keys)))
    for unit in units:
        assert len({keys[at] for at in unit}) == 1
        assert any(unit.start in shard and unit.stop - 1 in shard for shard in shards)
    assert [len(one) for one in shards] == sorted(map(len, shards), reverse=True)
    assert sum(len(one) < least for one in shards) <= workers
    assert sum(2 * len(one) < least for one in shards) <= 1


def test_what_is_left_at_the_end_is_shared() -> None:
    shards = cut(borders([at // 4 for at in range(1600)]), 2, 64)
    assert [len(one) for one in shards] == [640, 640, 128, 128, 32, 32]


def test_workers_get_most_at_once_and_the_rest_in_small_pieces() -> None:
    shards = cut(borders([at // 4 for at in range(3200)]), 2, 64)
    assert [len(one) for one in shards[:2]] == [1280, 1280]
    assert sum(map(len, shards)) == 3200
    assert max(len(one) for one in shards[2:]) <= 256
    assert min(map(len, shards)) >= 64


def test_one_worker_and_nothing_to_do() -> None:
    assert cut([], 2, 64) == []
    assert cut(borders("aabb"), 3, 64) == [range(4)]
