"""A build of an index that is killed goes on from what it has gathered, and ends with the index of an undisturbed one."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from engine.rl.index.build import build
from engine.rl.reading import blocks as rl_blocks
from engine.rl.reading import file as rl_file
from engine.rl.reading import index_place
from engine.rl.reading.blocks import Blocks, packed, unpacked
from engine.rl.reading.records import decode_record
from tests import helpers_rl

KILLED = """
import os, signal, sys
from pathlib import Path
from engine.rl.reading import blocks as rl_blocks
from engine.rl.reading import file as rl_file
from engine.rl.index.build import build

rl_blocks.EVERY_S, rl_file.CHUNK = 0.0, 2

def tell(stage, done, total):
    if stage == sys.argv[3] and done >= int(sys.argv[4]):
        os.kill(os.getpid(), signal.SIGKILL)

build(Path(sys.argv[1]), Path(sys.argv[2]), tell)
"""


def kill_a_build(path: Path, cache: Path, stage: str = "decode", after: int = 5) -> None:
    ended = subprocess.run([sys.executable, "-c", KILLED, str(path), str(cache), stage, str(after)])
    assert ended.returncode == -signal.SIGKILL


def decoded(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Queries that are decoded from now on."""
    found: list[int] = []
    real = decode_record

    def counted(path: Path, query_id: int, *rest: Any) -> Any:
        found.append(query_id)
        return real(path, query_id, *rest)

    monkeypatch.setattr(rl_file, "decode_record", counted)
    return found


@pytest.fixture(params=["strict", "pooled", "legacy", "plain"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    return helpers_rl.write(tmp_path / "rl.json", getattr(helpers_rl, request.param)())


def test_a_killed_build_goes_on_and_ends_with_the_same_index(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = build(path, tmp_path / "whole")
    kill_a_build(path, tmp_path / "cut")
    side = index_place.side_file(path, tmp_path / "cut")
    assert not side.exists()
    assert len(index_place.blocks(side)) == 2
    again = decoded(monkeypatch)
    assert build(path, tmp_path / "cut") == side
    assert again == list(range(4, 10))
    assert side.read_bytes() == whole.read_bytes()
    assert [file.name for file in side.parent.iterdir()] == [side.name]


def test_nothing_is_decoded_twice_after_a_kill_at_the_end(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kill_a_build(path, tmp_path / "cut", "judge", 0)
    again = decoded(monkeypatch)
    build(path, tmp_path / "cut")
    assert again == []


def test_a_damaged_block_ends_what_is_taken_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled()), tmp_path / "cut"
    whole = build(path, tmp_path / "whole")
    kill_a_build(path, cache)
    first, second = index_place.blocks(index_place.side_file(path, cache))
    second.write_bytes(second.read_bytes()[:100])
    again = decoded(monkeypatch)
    assert build(path, cache).read_bytes() == whole.read_bytes()
    assert again[0] == 2
    assert not first.exists()


def test_blocks_of_another_content_are_not_taken_over_and_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled()), tmp_path / "cut"
    kill_a_build(path, cache)
    helpers_rl.write(path, helpers_rl.strict())
    again = decoded(monkeypatch)
    side = build(path, cache)
    assert again[0] == 0
    assert list(side.parent.iterdir()) == [side]


def test_without_room_for_blocks_the_build_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: Any, **__: Any) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rl_blocks, "EVERY_S", 0.0)
    monkeypatch.setattr(np, "savez", full)
    side = build(helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled()), tmp_path / "cache")
    assert list(side.parent.iterdir()) == [side]


def test_a_quick_build_keeps_no_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Blocks, "put", lambda *_: pytest.fail("nothing is worth keeping yet"))
    build(helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled()), tmp_path / "cache")


def test_a_builder_holds_its_file(tmp_path: Path) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled())
    assert not index_place.held(path)
    with index_place.alone(path):
        assert index_place.held(path)
    assert not index_place.held(path)
    assert not index_place.held(tmp_path / "nowhere.json")


@pytest.mark.parametrize(
    ("values", "kept"),
    [
        (np.array([7, 7, 7]), 1),
        (np.array([1, 2**40, 3]), 3),
        (np.array([1, -(2**31) + 1]), 2),
        (np.array([np.nan, np.nan]), 1),
        (np.array([np.nan, 1.5]), 2),
        (np.zeros(0, np.int64), 0),
        (np.array([5]), 1),
    ],
)
def test_packed_numbers_come_back(values: Any, kept: int) -> None:
    small = packed(values)
    assert len(small) == kept
    np.testing.assert_array_equal(unpacked(small, len(values), values.dtype.type), values)
