"""Faults of every kind over a queue and a sweep: afterwards every answer is there once, every state and every file is true.

The long version: `python -m benchmarks.chaos`.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers_chaos import chaos, prepare_world


@pytest.mark.parametrize("seed", [1])
def test_nothing_is_lost_doubled_or_untrue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int) -> None:
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[2]))
    prepare_world(monkeypatch.setattr)
    done, wrong = chaos(tmp_path, seed, faults=10, runs=1, crowd=1)
    assert wrong == [], f"seed {seed}: {dict(done)}"
    assert done.total() == 10
