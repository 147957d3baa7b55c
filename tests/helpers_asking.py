"""A real job that is asked about an evaluation, with the built-in model: `python -m tests.helpers_asking --home H RUN`.

Its first process stops where it is about to answer the question whose text is `HOLD`, and says so by a file.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from db import process, store
from db.home import Home
from db.session import reading
from db.specs import EvalSpec, TrialSpec
from engine.job import worker
from engine.vlm import protocol
from engine.vlm.prompt import Prompt
from tests.helpers_jobs import Jobs
from tests.helpers_worker import never_outlive_the_tests

HOLD = "Does this job hold?"
WORKER = (sys.executable, "-m", "tests.helpers_asking")
SPEC = EvalSpec(limit=6, shots=(1, 2), device="cpu")
NOBODY = {"pid": os.getpid(), "pid_start": "0", "boot_id": process.boot_id(), "host": process.host()}
"""Somebody who asked and is gone."""


def evaluated(folder: Path, spec: EvalSpec = SPEC) -> tuple[Jobs, int]:
    """A home with a real evaluation of the built-in world, and its number."""
    jobs = Jobs(Home(folder / "home"))
    run_id = jobs.queue(spec)
    assert jobs.work(run_id).state == "done"
    return jobs, run_id


def again(row: store.PredictionRow, **changes: Any) -> TrialSpec:
    """What the evaluation asked, with changes."""
    asked = {"question_id": row.question_id, "shot": row.shot, "demonstrations": row.demonstrations, **changes}
    return TrialSpec.model_validate(asked)


def tables(jobs: Jobs) -> dict[str, list[tuple[Any, ...]]]:
    """All that counts as a result."""
    with reading(jobs.database) as session:
        run = session.rows
        return {
            name: [tuple(row) for row in run(f"SELECT * FROM {name} ORDER BY 1, 2, 3")]
            for name in ("answer", "prediction", "cell", "candidate", "metric", "subset", "run_subset")
        }


def held(run_dir: Path) -> Path:
    """What says that the first process holds."""
    return run_dir / "held"


def _holding(home: Path, run: str) -> Any:
    real, said = protocol.answers_in_order, held(Home(home).run_dir(int(run[1:])))

    def answers(vlm: Any, prompts: Sequence[Prompt]) -> Any:
        if HOLD in prompts[0].texts[-1] and not said.exists():
            said.touch()
            signal.pause()
        return real(vlm, prompts)

    return answers


if __name__ == "__main__":
    never_outlive_the_tests()
    arguments = sys.argv[1:]
    protocol.answers_in_order = _holding(Path(arguments[arguments.index("--home") + 1]), arguments[-1])
    sys.exit(worker.main())
