"""Where the GPU kernels cannot work the plain formulas do, and say so."""

from __future__ import annotations

import importlib.util
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from loguru import logger

from engine.selector import fused


def without_triton(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)


def without_a_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    def unit(*_: Any) -> None:
        raise RuntimeError("Failed to find C compiler.\nPlease specify via CC environment variable")

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: object())
    monkeypatch.setattr(importlib, "import_module", lambda name: SimpleNamespace(unit=unit))
    monkeypatch.setattr(torch, "full", lambda shape, value, device: torch.ones(shape) * value)


def test_without_triton_there_are_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    without_triton(monkeypatch)
    assert fused.gpu_kernels.__wrapped__() is None


def test_kernels_that_cannot_be_built_are_said_and_left(monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    sink = logger.add(said.append, format="{message}")
    without_a_compiler(monkeypatch)
    assert fused.gpu_kernels.__wrapped__() is None
    logger.remove(sink)
    assert said[0].startswith("GPU kernels cannot be used (Failed to find C compiler.):")


def test_a_cpu_takes_the_plain_formulas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fused, "gpu_kernels", lambda: pytest.fail("a CPU has no use for GPU kernels"))
    assert torch.equal(fused.unit(torch.tensor([[3.0, 4.0], [0.0, 0.0]])), torch.tensor([[0.6, 0.8], [0.0, 0.0]]))
