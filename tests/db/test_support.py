"""Demonstrations of another data set are found beside the answers, and the run stays with its own."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from db import store
from db.rows import Fact
from db.session import reading
from tests.helpers_db import DATASET, a_question, a_subset, add, an_answer, fresh, new_run


def test_questions_of_another_data_set_do_not_move_a_run(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run = new_run(engine)
    add(engine, run, Fact("support_sha", "other"), a_subset(2), a_question(0), a_question(1))
    add(engine, run, an_answer(0), replace(a_question(7, "train"), dataset_sha="other"))
    with reading(engine) as session:
        [row] = store.predictions(session, run_id=run, shot=2)
        assert (row.dataset_sha, row.support_sha, row.question) == (DATASET, "other", "what 0?")
        assert list(store.questions(session, dataset_sha="other", split="train", question_ids=[7, 8])) == [7]


def test_without_another_data_set_demonstrations_are_of_the_runs_own(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run = new_run(engine)
    add(engine, run, a_subset(2), a_question(0), an_answer(0))
    with reading(engine) as session:
        assert store.predictions(session, run_id=run, shot=2)[0].support_sha == DATASET
