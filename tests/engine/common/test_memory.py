"""What weights take, by the headers of their files alone, and what is said where it is too much."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from engine.common.models import memory
from engine.common.models.memory import memory_of_machine, too_large, weight_bytes


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    tensors = {
        "a": torch.zeros(10, 10),
        "b": torch.zeros(5, dtype=torch.bfloat16),
        "c": torch.zeros(3, dtype=torch.int64),
    }
    save_file(tensors, tmp_path / "model.safetensors")
    return tmp_path


@pytest.mark.parametrize(("dtype", "width"), [("float32", 4), ("bfloat16", 2)])
def test_weights_count_in_the_precision_of_the_run(weights: Path, dtype: str, width: int) -> None:
    assert weight_bytes(weights, dtype) == 105 * width + 3 * 8


def test_pickled_weights_count_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "pytorch_model.bin").write_bytes(b"x" * 77)
    assert weight_bytes(tmp_path, "float32") == 77


def test_a_container_has_what_it_may_use(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "meminfo").write_text("MemTotal:  1000 kB\nMemFree: 1 kB\nMemAvailable:  600 kB\nHugePages_Total: 0\n")
    (tmp_path / "max").write_text("max\n")
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "meminfo")
    monkeypatch.setattr(memory, "_CGROUPS", (tmp_path / "max", tmp_path / "absent"))
    assert memory_of_machine() == (1000 * 1024, 600 * 1024)
    (tmp_path / "max").write_text("204800\n")
    assert memory_of_machine() == (204800, 204800)
    monkeypatch.setattr(memory, "_MEMINFO", tmp_path / "absent")
    assert memory_of_machine() is None


def test_the_sentence_names_both_sizes_and_the_way_on() -> None:
    said = too_large("a/b", 30_000_000_000, 16_000_000_000, "this machine", "float32")
    assert "30.0 GB in float32, and this machine has 16.0 GB" in said
    assert "--set dtype=bfloat16 (15.0 GB)" in said
    assert "dtype=bfloat16" not in too_large("a/b", 3, 2, "cpu", "bfloat16")
