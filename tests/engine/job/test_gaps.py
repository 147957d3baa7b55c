"""A done run with gaps is completed by going on with it, whatever kind of job it is."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from safetensors.torch import load_file

from db import store
from db.session import reading
from db.specs import EmbedSpec, GenerateSpec, UserError
from leverplus_tui.jobs import launcher
from tests.helpers_data import write_official
from tests.helpers_jobs import Jobs, jobs_in


def gaps(jobs: Jobs, run_id: int) -> int:
    with reading(jobs.database) as session:
        return store.unanswered(session, run_id=run_id)


def codes(jobs: Jobs, run_id: int) -> set[str]:
    return {finding.code for finding in jobs.detail(run_id).findings}


def generating(root: Path) -> GenerateSpec:
    asked: dict[str, Any] = {"queries": 4, "pool": "first", "pool_size": 6, "retrieved": 0, "random": 3}
    return GenerateSpec(dataset=str(root), device="cpu", shots=1, adaptive=False, **asked)


def embedding(root: Path) -> EmbedSpec:
    return EmbedSpec(dataset=str(root), device="cpu")


def written(jobs: Jobs, run_id: int) -> Any:
    path = Path(jobs.detail(run_id).artifacts[-1].path)
    if path.suffix == ".safetensors":
        return {name: tensor.tolist() for name, tensor in load_file(path).items()}
    return {name: value for name, value in json.loads(path.read_text()).items() if name != "_meta"}


@pytest.mark.parametrize("spec_of", [generating, embedding])
def test_images_put_back_fill_the_gaps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spec_of: Any) -> None:
    jobs, root = jobs_in(tmp_path), write_official(tmp_path / "okvqa", train=8, val=4)
    images = sorted((root / "mscoco2014" / "train2014").iterdir())[:3]
    kept = {image: image.read_bytes() for image in images}
    for image in images:
        image.write_bytes(b"broken")
    run_id = jobs.queue(spec_of(root))
    assert jobs.work(run_id).state == "done"
    assert gaps(jobs, run_id) > 0
    assert "image-unreadable" in codes(jobs, run_id)
    assert any(f"leverplus resume r{run_id}" in finding.fix for finding in jobs.detail(run_id).findings)
    before = written(jobs, run_id)
    for image, content in kept.items():
        image.write_bytes(content)
    begun: list[int] = []
    monkeypatch.setattr(launcher, "start", lambda home, database, number: begun.append(number))
    launcher.resume(jobs.home, run_id)
    assert begun == [run_id]
    jobs.sql("UPDATE run SET state = 'stopped'")
    assert jobs.work(run_id).state == "done"
    assert (gaps(jobs, run_id), "image-unreadable" in codes(jobs, run_id)) == (0, False)
    whole = jobs.queue(spec_of(root))
    assert jobs.work(whole).state == "done"
    assert before != written(jobs, run_id) == written(jobs, whole), "as if nothing had ever been missing"
    with pytest.raises(UserError, match="is done and has an answer to every question"):
        launcher.resume(jobs.home, run_id)


def test_runs_of_older_versions_say_by_their_findings_that_there_are_gaps(tmp_path: Path) -> None:
    jobs, root = jobs_in(tmp_path), write_official(tmp_path / "okvqa", train=8, val=4)
    next((root / "mscoco2014" / "train2014").iterdir()).unlink()
    run_id = jobs.queue(embedding(root))
    assert jobs.work(run_id).state == "done"
    jobs.sql("DELETE FROM fact WHERE name = 'gaps'")
    assert gaps(jobs, run_id) == 1
