"""What is told of the pace while the engine works is told over the time that it worked until then."""

from __future__ import annotations

from itertools import count

import pytest

from engine.packed.counts import Counts


def test_time_counts_while_it_runs_and_not_in_a_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = count(100.0, 2.0)  # two seconds later whenever it is looked at
    monkeypatch.setattr("engine.packed.counts.time.perf_counter", lambda: next(clock))
    counts = Counts(answers=12, operations=6e15)
    counts.start()
    assert counts.measures("NVIDIA H100")["answers_per_s"] == 12 / 2
    counts.pause()
    counts.pause()
    assert counts.seconds == 4
    for _ in range(3):
        next(clock)
    told = counts.measures("NVIDIA H100")
    assert told["answers_per_s"] == 12 / 4
    assert told["utilisation"] == pytest.approx(6e15 / 4 / 989e12)
    counts.start()
    assert counts.elapsed == 6
