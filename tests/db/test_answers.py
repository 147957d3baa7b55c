"""Questions and answers: pages, subsets, pairs for comparison."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import rows, store
from db.session import DatabaseFile, reading
from tests.helpers_db import DATASET, SUBSET, a_question, a_subset, add, an_answer, fresh, new_run

SCORES = [0.6, 0.0, 1.0, 0.6, 0.3, 0.0]


@pytest.fixture
def engine(tmp_path: Path) -> DatabaseFile:
    """One run with six answers, the first three questions also a subset of their own; question 5 was never stored."""
    made = fresh(tmp_path)
    run_id = new_run(made)
    add(
        made,
        run_id,
        a_subset(6),
        a_subset(3, "three", "first 3"),
        *(a_question(i) for i in range(5)),
        a_question(7, "train"),
    )
    add(made, run_id, *(an_answer(i, score=score) for i, score in enumerate(SCORES)), an_answer(0, shot=4, score=1.0))
    return made


def _pages(engine: DatabaseFile, order: str, subset_sha: str | None = None) -> list[int]:
    """All question ids, fetched two at a time."""
    seen: list[int] = []
    with reading(engine) as session:
        while page := store.predictions(
            session, run_id=1, shot=2, order=order, limit=2, after=seen[-1] if seen else None, subset_sha=subset_sha
        ):
            seen += [row.question_id for row in page]
    return seen


@pytest.mark.parametrize(
    ("order", "ids"),
    [("question_id", [0, 1, 2, 3, 4, 5]), ("score", [1, 5, 4, 0, 3, 2]), ("score desc", [2, 0, 3, 4, 1, 5])],
)
def test_pages_meet_without_gap_or_repeat(engine: DatabaseFile, order: str, ids: list[int]) -> None:
    assert _pages(engine, order) == ids


def test_pages_of_a_subset(engine: DatabaseFile) -> None:
    assert _pages(engine, "score desc", "three") == [2, 0, 1]
    with reading(engine) as session:
        assert store.predictions(session, run_id=1, shot=2, subset_sha="nowhere") == []


def test_an_answer_beside_its_question(engine: DatabaseFile) -> None:
    with reading(engine) as session:
        (row,) = store.predictions(session, run_id=1, shot=2, question_ids=[3])
        shown = store.questions(session, dataset_sha=row.dataset_sha, split="train", question_ids=row.demonstrations)
    assert (row.question, row.answers, row.image, row.image_id) == ("what 3?", ("cat", "dog"), "/a.jpg", 1)
    assert (row.dataset_sha, row.split, row.demonstrations) == (DATASET, "val", (7, 8))
    assert set(shown) == {7}  # question 8 was never stored
    assert shown[7] == a_question(7, "train")


def test_an_answer_whose_question_is_missing(engine: DatabaseFile) -> None:
    with reading(engine) as session:
        (row,) = store.predictions(session, run_id=1, shot=2, question_ids=[5])
    assert (row.question, row.answers, row.image, row.image_id) == ("", (), "", None)


def test_scores_pair_by_question_and_know_the_image(engine: DatabaseFile) -> None:
    add(engine, 1, an_answer(9, error="no image"))
    with reading(engine) as session:
        found = store.scores(session, run_id=1, shot=2, subset_sha=SUBSET)
        assert store.scores(session, run_id=1, shot=4, subset_sha=SUBSET) == {0: (1.0, 0)}
        assert store.scores(session, run_id=1, shot=2, subset_sha="nowhere") == {}
    assert {question_id: score for question_id, (score, _) in found.items()} == dict(enumerate(SCORES))
    assert [image for _, image in found.values()] == [0, 0, 1, 1, 2, -6]


def test_a_question_that_was_never_stored(engine: DatabaseFile) -> None:
    with reading(engine) as session:
        assert store.questions(session, dataset_sha=DATASET, split="val", question_ids=[99]) == {}


def test_many_requests_in_one_question(engine: DatabaseFile) -> None:
    shas = [f"unknown-{number}" for number in range(50_000)] + ["request-3-2"]
    with reading(engine) as session:
        assert store.find_answers(session, request_shas=shas) == {
            "request-3-2": rows.StoredAnswer("a cat", False, 1, "")
        }


def test_data_sets_do_not_mix(engine: DatabaseFile) -> None:
    """The same question id in another data set is another question."""
    other = new_run(engine)
    add(engine, other, rows.Subset("other", "val", "all", {}, (0,), SUBSET), an_answer(0, score=0.3))
    add(engine, other, rows.Question("other", "val", 0, 77, "another?", ("x",), "x", "/b.jpg"))
    with reading(engine) as session:
        assert store.predictions(session, run_id=other, shot=2)[0].question == "another?"
        assert store.predictions(session, run_id=1, shot=2)[0].question == "what 0?"
        assert store.scores(session, run_id=other, shot=2, subset_sha=SUBSET) == {0: (0.3, 77)}
