"""What is said of a job that was asked for before."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db import store
from db.canonical import canonical_json, sha256_text
from db.session import open_database, writing
from db.specs import EmbedSpec, EvalSpec, JobSpec
from leverplus_tui.jobs.twins import twin_line

CASES: list[tuple[JobSpec, list[str], str]] = [
    (EvalSpec(), ["running", "done"], "its answers will be reused"),
    (EvalSpec(fresh=True), ["running", "done"], "everything will be computed anew"),
    (EvalSpec(vlm="majority"), ["running", "done"], "everything will be computed anew"),
    (EvalSpec(vlm="http://host/v1"), ["running", "done"], "the server will be asked again"),
    (EvalSpec(vlm="http://host/v1", reuse_served=True), ["running", "done"], "its answers will be reused"),
    (EmbedSpec(), ["running", "done"], "everything will be computed anew"),
    (EvalSpec(), ["running"], "which is running now"),
    (EvalSpec(), ["running", "stopped"], "`leverplus resume r1` goes on with it"),
]


@pytest.mark.parametrize(("spec", "states", "said"), CASES)
def test_the_line_says_what_of_the_earlier_run_is_used_again(
    tmp_path: Path, spec: Any, states: list[str], said: str
) -> None:
    engine = open_database(tmp_path / "runs.sqlite")
    with writing(engine) as session:
        assert twin_line(session, spec) == ""
        store.create_run(session, spec=spec, environment={})
        for state in states:
            store.set_state(session, run_id=1, state=state)
        assert twin_line(session, spec).startswith("same as r1, ")
        assert said in twin_line(session, spec)
    engine.dispose()


def test_a_run_of_an_older_version_is_a_twin_though_it_lacks_a_field(tmp_path: Path) -> None:
    """A field that specifications gained later has its default there; another value is another run."""
    engine = open_database(tmp_path / "runs.sqlite")
    with writing(engine) as session:
        store.create_run(session, spec=EvalSpec(), environment={})
        stored = dict(json.loads(session.rows("SELECT spec FROM run")[0]["spec"]))
        assert stored.pop("prefill") == "dtype"
        text = canonical_json(stored)
        session.run("UPDATE run SET spec = ?, spec_sha = ?", (text, sha256_text(text)))
        assert store.twin(session, spec=EvalSpec()) == 1
        assert store.twin(session, spec=EvalSpec(prefill="fp8")) is None
        assert store.twin(session, spec=EmbedSpec()) is None
    engine.dispose()
