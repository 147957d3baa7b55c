"""Visual tokens in memory that several processes have in common."""

from __future__ import annotations

import os
from collections.abc import Iterator
from threading import Event
from typing import Any

import pytest
import torch
from torch import Tensor

from engine.packed.images.kept import Kept
from engine.packed.images.shared import Shared
from engine.packed.transfer import Arriving

pytestmark = pytest.mark.skipif(not hasattr(os, "memfd_create"), reason="this system has no files in memory")
CPU = torch.device("cpu")


@pytest.fixture
def memory() -> Iterator[tuple[int, int]]:
    index, tokens = os.memfd_create("index"), os.memfd_create("tokens")
    os.ftruncate(tokens, 1000)
    yield index, tokens
    os.close(index)
    os.close(tokens)


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_what_one_writes_the_other_reads(memory: tuple[int, int], dtype: torch.dtype) -> None:
    one, other = Shared(*memory, dtype), Shared(*memory, dtype)
    with torch.inference_mode():  # as in the engine, while the writer's thread is outside of it
        first, second = torch.randn(1, 3, 5).to(dtype), torch.randn(2, 4, 5).to(dtype)
        assert other.get("first") is None
        one.put("first", Arriving(first))
        one.written().result()  # one after the other: the lock keeps processes apart, and here both are one
        other.put("second", Arriving(second))
    other.written().result()
    for side in (one, other):
        for key, tokens in (("first", first), ("second", second)):
            found = side.get(key)
            assert found is not None
            assert torch.equal(found, tokens)
    assert "third" not in one


def test_the_first_to_write_is_kept_and_full_is_full(memory: tuple[int, int]) -> None:
    one, other = Shared(*memory, torch.float32), Shared(*memory, torch.float32)
    one.put("a", Arriving(torch.ones(1, 10, 10)))
    one.written().result()
    other.put("a", Arriving(torch.zeros(1, 10, 10)))
    other.put("b", Arriving(torch.ones(1, 10, 10)))
    other.put("c", Arriving(torch.ones(1, 10, 10)))
    assert "c" not in one
    other.put("d", Arriving(torch.ones(1, 10, 5)))
    other.written().result()
    found = one.get("a")
    assert found is not None
    assert found.sum() == 100
    assert "d" in one


def test_tokens_kept_are_found_by_the_other_process(memory: tuple[int, int]) -> None:
    own, its = Shared(*memory, torch.float32), Shared(*memory, torch.float32)
    one, other = Kept(CPU, 10_000, 0, own), Kept(CPU, 10_000, 0, its)
    tokens = torch.randn(1, 4, 6)
    one.put({"image": tokens}, [1.0])
    own.written().result()
    assert "image" in other
    found = other.get("image")
    assert found is not None
    assert torch.equal(found, tokens)
    found.zero_()
    again = one.get("image")
    assert again is not None
    assert torch.equal(again, tokens), "what is taken out is a copy"


def test_who_looks_something_up_does_not_wait_for_tokens_that_are_copied(
    memory: tuple[int, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = Shared(*memory, torch.float32), Shared(*memory, torch.float32)
    copying, looked_up = Event(), Event()
    real = torch.frombuffer

    def slow(*given: Any, **more: Any) -> Tensor:
        copying.set()
        assert looked_up.wait(60)
        return real(*given, **more)

    monkeypatch.setattr("engine.packed.images.shared.torch.frombuffer", slow)
    one.put("a", Arriving(torch.ones(1, 2, 3)))
    assert copying.wait(60)
    assert "a" not in one
    assert "a" not in other
    looked_up.set()
    one.written().result()
    assert "a" in one
    assert "a" in other


def test_places_taken_by_several_writers_do_not_overlap(memory: tuple[int, int]) -> None:
    writers = [Shared(*memory, torch.float32) for _ in range(3)]
    for at in range(9):
        writers[at % 3].put(str(at), Arriving(torch.full((1, 2, 4), float(at))))
        writers[at % 3].written().result()
    for at in range(9):
        for side in writers:
            found = side.get(str(at))
            assert found is not None
            assert (found == at).all()
