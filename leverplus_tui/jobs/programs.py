"""The programs of the engine that run in processes of their own, because they load what the terminal must not.

They are named here and nowhere else: a name in a string is seen by no linter, so a test looks whether each can be started.
"""

from __future__ import annotations

import sys
from enum import StrEnum


class Program(StrEnum):
    """A module of the engine with a `main`."""

    JOB = "engine.job.worker"
    """Works on one run."""
    COLLECTOR = "engine.job.elsewhere.collector"
    """Answers at home for runs that other machines work on."""
    BENCH = "engine.job.bench"
    """Measures how fast a model answers."""
    CONVERT = "engine.selector.convert"
    """Writes a selector checkpoint in another layout."""
    DERIVE = "engine.rl.writing.derive"
    """Filters or repairs RL data into a new file."""
    EXPORT = "engine.rl.writing.export"
    """Writes RL data in another format."""
    INDEX = "engine.rl.index.build"
    """Builds the index beside a file of RL data."""
    TRAIN_QUESTIONS = "engine.rl.index.train_questions"
    """Writes the train questions of a data set to a file that screens read."""
    BUILD_MODEL = "engine.demo_build.model"
    """Trains the built-in model."""


def command(program: Program, *words: str) -> list[str]:
    """What starts a program. `-P`: a folder called `engine` or `db` where the user happens to stand must not be imported
    in place of ours."""
    return [sys.executable, "-P", "-m", program.value, *words]
