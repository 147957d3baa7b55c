"""Several trainings in one process: each run has its own rows, and what it has when it trains alone."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.session import reading, writing
from engine.job import worker
from engine.job.claims import claim
from tests.helpers_jobs import Jobs, StopAfter, jobs_in
from tests.helpers_training import small, write_world

RATES = (1e-3, 1e-2, 3e-2)


@pytest.fixture
def jobs(tmp_path: Path) -> Jobs:
    return jobs_in(tmp_path)


def queue(jobs: Jobs, files: dict[str, str]) -> list[int]:
    specs = [small(files, rce_lr=rate, rce_epochs=3, dropout=0.0, attn_dropout=0.0, seed=7) for rate in RATES]
    return [jobs.queue(spec) for spec in specs]


def work(jobs: Jobs, run_ids: list[int], rows: int = 10**9) -> str:
    with writing(jobs.database) as session:
        for run_id in run_ids:
            if store.get_run(session, run_id=run_id).state in store.ENDED:
                store.resume_run(session, run_id=run_id)
    return worker.work([claim(jobs.home, f"r{run}") for run in run_ids], StopAfter(rows)).state


def losses(jobs: Jobs, run_id: int) -> list[float]:
    with reading(jobs.database) as session:
        return [value for *_, value in store.metric_series(session, run_id=run_id, name="val_loss")]


def test_runs_of_a_batch_have_what_they_have_alone(jobs: Jobs, tmp_path: Path) -> None:
    files = write_world(tmp_path / "world")
    alone = queue(jobs, files)
    for run_id in alone:
        jobs.work(run_id)
    together = queue(jobs, files)
    assert work(jobs, together) == "done"
    for one, other in zip(alone, together, strict=True):
        assert losses(jobs, other) == pytest.approx(losses(jobs, one), rel=1e-5)
        detail = jobs.detail(other)
        assert (detail.row.state, len(losses(jobs, other))) == ("done", 3)
        assert {Path(row.path).parent.parent.name for row in detail.checkpoints} == {f"r{other}"}
    assert len({losses(jobs, run)[-1] for run in together}) == len(RATES)


def test_a_stopped_batch_goes_on_together_or_in_parts(jobs: Jobs, tmp_path: Path) -> None:
    runs = queue(jobs, write_world(tmp_path / "world"))
    assert work(jobs, runs, rows=60) == "stopped"
    assert [jobs.detail(run).processes[-1].reason for run in runs] == [
        f"`leverplus resume r{run}` goes on from here" for run in runs
    ]
    assert work(jobs, runs[1:]) == "done", "a part of the batch is another training, and begins anew"
    assert jobs.work(runs[0]).state == "done"
    assert [len(losses(jobs, run)) for run in runs] == [3, 3, 3]
