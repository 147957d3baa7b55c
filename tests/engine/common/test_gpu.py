"""The context of a GPU is begun through the driver alone, for one GPU, and silently not where there is none."""

from __future__ import annotations

import ctypes
from typing import Any

import pytest

from engine.common.models.gpu import begin_context


class Driver:
    """Notes what is asked of it."""

    def __init__(self, *, works: bool) -> None:
        self.asked: list[tuple[str, int]] = []
        self._works = works

    def cuInit(self, _: int) -> int:
        self.asked.append(("init", 0))
        return 0 if self._works else 100

    def cuDeviceGet(self, _: Any, number: int) -> int:
        self.asked.append(("device", number))
        return 0

    def cuDevicePrimaryCtxRetain(self, _: Any, gpu: ctypes.c_int) -> int:
        self.asked.append(("retain", gpu.value))
        return 0


def asked(device: str, monkeypatch: pytest.MonkeyPatch, *, works: bool = True) -> list[str]:
    driver = Driver(works=works)
    monkeypatch.setattr("engine.common.models.gpu.ctypes.CDLL", lambda _: driver)
    if (thread := begin_context(device)) is not None:
        thread.join()
    return [f"{name} {number}" for name, number in driver.asked if name != "retain"] + [
        name for name, _ in driver.asked if name == "retain"
    ]


@pytest.mark.parametrize(("device", "number"), [("auto", 0), ("cuda", 0), ("cuda:0", 0), ("cuda:3", 3)])
def test_one_gpu_is_begun(device: str, number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(device, monkeypatch) == ["init 0", f"device {number}", "retain"]


@pytest.mark.parametrize("device", ["cpu", "cuda:all", "cuda:0,cuda:1", "cuda:x", "", "mps"])
def test_nothing_is_begun_for_other_devices_and_several(device: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(device, monkeypatch) == []


def test_a_driver_that_finds_no_gpu_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked("auto", monkeypatch, works=False) == ["init 0"]


def test_a_machine_without_a_driver_is_fine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.common.models.gpu.DRIVER", "lib-that-is-not-there.so")
    thread = begin_context("auto")
    assert thread is not None
    thread.join()
