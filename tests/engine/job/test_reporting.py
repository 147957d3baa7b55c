"""What a log says while a job works."""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator

import pytest
from loguru import logger

from db.rows import Checkpoint, Metric, Progress
from db.specs import Finding
from engine.job.reporting import Once, Reporter, hear_libraries


@pytest.fixture
def lines() -> Iterator[list[str]]:
    written: list[str] = []
    sink = logger.add(lambda text: written.append(str(text).rstrip("\n")), format="{level} {message}")
    yield written
    logger.remove(sink)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def test_progress_is_told_by_percent_with_rate_and_time_left(lines: list[str]) -> None:
    clock = Clock()
    reporter = Reporter("r1", clock)
    for done in range(0, 1001):
        clock.now = done / 50
        reporter.see(Progress(done, 1000, "questions", "shot 2"))
    assert len(lines) == 21, "one a second"
    assert lines[0] == "INFO r1: 0 %, 0 of 1000 questions (shot 2)"
    assert lines[10] == "INFO r1: 50 %, 500 of 1000 questions, 50/s, 10s left (shot 2)"
    assert lines[-1].startswith("INFO r1: 100 %, 1000 of 1000 questions, 50/s, 0s left")


def test_what_is_resumed_has_a_rate_of_its_own(lines: list[str]) -> None:
    clock = Clock()
    reporter = Reporter("r1", clock)
    reporter.see(Progress(900, 1000, "steps"))
    clock.now = 10.0
    reporter.see(Progress(920, 1000, "steps"))
    assert lines[-1] == "INFO r1: 92 %, 920 of 1000 steps, 2/s, 40s left"


def test_each_epoch_is_a_line_and_quick_ones_are_thinned(lines: list[str]) -> None:
    clock = Clock()
    reporter = Reporter("r1", clock)
    for epoch in range(1, 101):
        clock.now += 0.1
        for name, value in (("rce_loss", 2.0 / epoch), ("val_loss", 1.0)):
            reporter.see(Metric("rce", epoch, epoch, name, value))
    reporter.end()
    assert lines[0] == "INFO r1: rce epoch 1: rce_loss 2, val_loss 1"
    assert lines[-1] == "INFO r1: rce epoch 100: rce_loss 0.02, val_loss 1"
    assert 10 <= len(lines) <= 12


def test_findings_and_checkpoints_are_told_as_they_come(lines: list[str]) -> None:
    reporter = Reporter("r1", Clock())
    reporter.see(Metric("grpo", 3, 9, "kl", 0.5))
    reporter.see(Checkpoint("/x/grpo_best.safetensors", "grpo", 3, "s", 1, True, {}))
    reporter.see(Finding(code="kl-explosion", severity="warning", subject="kl", message="KL is 12."))
    assert lines == [
        "INFO r1: grpo epoch 3: kl 0.5",
        "INFO r1: best so far, epoch 3 of grpo saved in /x/grpo_best.safetensors",
        "WARNING r1: kl-explosion: KL is 12.",
    ]


def test_each_warning_of_a_library_is_written_once(lines: list[str]) -> None:
    root, chatty = logging.root.handlers[:], logging.getLogger("chatty.library")
    chatty.addHandler(logging.StreamHandler())
    chatty.propagate = False
    try:
        logging.captureWarnings(False)  # whatever ran before in this process
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            hear_libraries(Once())
            for _ in range(3):
                chatty.warning("this  is old")
                chatty.info("nothing")
                warnings.warn("going away", DeprecationWarning, stacklevel=1)
    finally:
        logging.captureWarnings(False)
        logging.root.handlers = root
    assert lines[0] == "WARNING chatty.library: this is old"
    assert len(lines) == 2
    assert "DeprecationWarning: going away" in lines[1]
