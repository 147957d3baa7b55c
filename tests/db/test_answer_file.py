"""Answers in a file of their own: those of some models, found by their requests, in a file that nobody locks."""

from __future__ import annotations

from pathlib import Path

from db import rows, store
from db.answer_file import read_answers, write_answers
from db.home import Home
from db.session import open_database, writing
from db.specs import EvalSpec


def test_answers_of_a_model_are_found_by_their_requests(tmp_path: Path) -> None:
    path = tmp_path / "what? #1 100%" / "answers.db"
    path.parent.mkdir()
    with writing(open_database(Home(tmp_path / "home").database)) as session:
        for vlm in ("one", "other"):
            run_id = store.create_run(session, spec=EvalSpec(vlm=vlm), environment={}).id
            said = [
                rows.Prediction(q, 2, (), "p", f"{vlm}-{q}", "raw", "raw", 1.0, q == 1, False, "", run_id, "thought")
                for q in range(1200)
            ]
            store.add_rows(session, run_id=run_id, process_id=None, rows=said)
        assert write_answers(session, path, vlms=["one"]) == 1200
        found = read_answers(path, [f"{vlm}-{q}" for vlm in ("one", "other") for q in range(1200)])
        assert len(found) == 1200
        assert found["one-1"] == rows.StoredAnswer("raw", True, 1, "thought")
        assert write_answers(session, path, vlms=["nobody"]) == 0
