"""What jobs yield: keys, replacement, series in short, progress."""

from __future__ import annotations

import math
import random
from pathlib import Path

import pytest

from db import rows, store
from db.session import open_database, reading, writing
from tests.helpers_db import (
    SUBSET,
    a_candidate,
    a_cell,
    a_finding,
    a_question,
    a_subset,
    add,
    an_answer,
    fresh,
    new_run,
    start,
)


def _series(tmp_path: Path, *batches: list[float | tuple[int, float]]) -> tuple[list[float], store.MetricRow]:
    """Batches of values at steps 0, 1, ...; a pair gives its own step."""
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    step = 0
    for batch in batches:
        made: list[rows.Row] = []
        for item in batch:
            step, value = item if isinstance(item, tuple) else (step, item)
            made.append(rows.Metric("rce", 1, step, "rce_loss", value))
            step += 1
        add(engine, run_id, *made)
    with reading(engine) as session:
        values = [value for *_, value in store.metric_series(session, run_id=run_id, name="rce_loss")]
        return values, store.metric_summaries(session, run_id=run_id)[0]


def test_a_series_in_short_is_counted_up(tmp_path: Path) -> None:
    values, short = _series(tmp_path, [3.0, 5.0], [1.0], [2.0])
    assert values == [3.0, 5.0, 1.0, 2.0]
    assert (short.n, short.n_bad, short.step, short.value, short.lowest, short.highest) == (4, 0, 3, 2.0, 1.0, 5.0)


def test_replaced_points_are_counted_once(tmp_path: Path) -> None:
    """A resumed run does the steps since its checkpoint again; the extremes of what it replaces are forgotten."""
    values, short = _series(tmp_path, [3.0, 99.0, -99.0], [(1, 4.0), (2, 2.0), (3, 2.5)])
    assert values == [3.0, 4.0, 2.0, 2.5]
    assert (short.n, short.step, short.value, short.lowest, short.highest) == (4, 3, 2.5, 2.0, 4.0)


def test_the_same_key_twice_in_one_batch(tmp_path: Path) -> None:
    values, short = _series(tmp_path, [(0, 1.0), (0, 2.0)])
    assert values == [2.0]
    assert (short.n, short.highest) == (1, 2.0)


@pytest.mark.parametrize("seed", range(4))
def test_a_series_in_short_is_what_its_points_are_in_whatever_order_they_came(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    points: dict[tuple[str, int, int], float] = {}
    for _ in range(12):
        made: list[rows.Row] = []
        for _ in range(rng.randrange(1, 9)):
            key = (rng.choice("ab"), rng.randrange(3), rng.randrange(6))
            points[key] = rng.choice((math.nan, math.inf, -math.inf, float(rng.randrange(-9, 9))))
            made.append(rows.Metric("rce", key[1], key[2], key[0], points[key]))
        add(engine, run_id, *made)
    with reading(engine) as session:
        shown = {row.name: row for row in store.metric_summaries(session, run_id=run_id)}
        for name in {name for name, _, _ in points}:
            mine = {(epoch, step): value for (other, epoch, step), value in sorted(points.items()) if other == name}
            stored = [(row[1:3], row[3]) for row in store.metric_series(session, run_id=run_id, name=name)]
            assert repr(stored) == repr(list(mine.items()))
            finite = [value for value in mine.values() if math.isfinite(value)]
            one, last = shown[name], max(mine)
            assert (one.n, one.n_bad) == (len(mine), len(mine) - len(finite))
            assert repr((one.epoch, one.step, one.value)) == repr((*last, mine[last]))
            extremes = (min(finite, default=math.nan), max(finite, default=math.nan))
            assert repr((one.lowest, one.highest)) == repr(extremes)


def _steps(*steps: int) -> list[rows.Row]:
    return [rows.Metric("rce", 1, step, "rce_loss", float(step)) for step in steps]


def test_where_a_series_ends_is_read_again_once_somebody_else_has_written(tmp_path: Path) -> None:
    mine = fresh(tmp_path)
    run_id = new_run(mine)
    add(mine, run_id, *_steps(0, 5))
    other = open_database(mine.path)
    add(other, run_id, *_steps(7))
    add(mine, run_id, *_steps(6))
    with reading(mine) as session:
        short = store.metric_summaries(session, run_id=run_id)[0]
        assert [row[2] for row in store.metric_series(session, run_id=run_id, name="rce_loss")] == [0, 5, 6, 7]
    assert (short.n, short.step, short.value, short.highest) == (4, 7, 7.0, 7.0)


def test_what_a_transaction_would_have_added_is_forgotten_when_it_is_undone(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)

    def fail() -> None:
        with writing(engine) as session:
            store.add_rows(session, run_id=run_id, process_id=None, rows=_steps(1, 2))
            raise RuntimeError

    for _ in range(2):
        with pytest.raises(RuntimeError):
            fail()
    add(engine, run_id, *_steps(1))
    with reading(engine) as session:
        short = store.metric_summaries(session, run_id=run_id)[0]
        assert [row[2] for row in store.metric_series(session, run_id=run_id, name="rce_loss")] == [1]
    assert (short.n, short.step) == (1, 1)


def test_what_is_not_finite_comes_back_as_it_was(tmp_path: Path) -> None:
    values, short = _series(tmp_path, [1.0, math.nan, math.inf], [-math.inf])
    assert values[0] == 1.0
    assert math.isnan(values[1])
    assert values[2:] == [math.inf, -math.inf]
    assert (short.n, short.n_bad, short.value, short.lowest, short.highest) == (4, 3, -math.inf, 1.0, 1.0)


def test_a_series_of_nothing_finite_has_no_extremes(tmp_path: Path) -> None:
    _, short = _series(tmp_path, [math.nan], [(0, math.nan)])
    assert (short.n, short.n_bad) == (1, 1)
    assert math.isnan(short.lowest)
    assert math.isnan(short.highest)


def test_phases_follow_each_other(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    made = [rows.Metric(phase, epoch, 0, "val_loss", epoch / 2) for phase in ("rce", "grpo") for epoch in (2, 1)]
    add(engine, run_id, *made, rows.Metric("grpo", 1, 0, "kl", 0.1))
    with reading(engine) as session:
        series = store.metric_series(session, run_id=run_id, name="val_loss")
        assert store.metric_series(session, run_id=run_id, name="unknown") == []
    assert series == [("rce", 1, 0, 0.5), ("rce", 2, 0, 1.0), ("grpo", 1, 0, 0.5), ("grpo", 2, 0, 1.0)]


def test_a_good_answer_is_final_and_an_error_is_not(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_subset(3), an_answer(0), an_answer(1, error="no image"), an_answer(2, error="no image"))
    with reading(engine) as session:
        assert store.answered(session, run_id=run_id) == {(0, 2)}
    add(engine, run_id, an_answer(0, error="gone"), an_answer(1, score=1.0), an_answer(2, error="still no image"))
    with reading(engine) as session:
        found = store.predictions(session, run_id=run_id, shot=2)
        assert store.answered(session, run_id=run_id) == {(0, 2), (1, 2)}
        known = store.find_answers(session, request_shas=["request-0-2", "request-1-2", "request-2-2"])
    assert [(row.score, row.error) for row in found] == [(0.6, ""), (1.0, ""), (0.0, "still no image")]
    assert set(known) == {"request-0-2", "request-1-2"}  # what was not said cannot be reused


def test_answers_are_shared_by_runs(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    add(engine, new_run(engine), a_subset(1), an_answer(0, raw="first"))
    add(
        engine,
        new_run(engine),
        a_subset(1),
        an_answer(0, raw="other"),
        a_candidate(1, (2,), "c", raw="x", source=2),
    )
    with reading(engine) as session:
        found = store.find_answers(session, request_shas=["request-0-2", "c", "unknown"])
    assert found == {"request-0-2": rows.StoredAnswer("first", False, 1, ""), "c": rows.StoredAnswer("x", False, 2, "")}


def test_candidates_keep_their_order_and_are_not_repeated(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    made = [
        a_candidate(9, (5, 1), "a", beam_rank=0),
        a_candidate(3, (1, 5), "b", 0.3, cut=True),
    ]
    for _ in range(2):
        add(engine, run_id, *made)
    with reading(engine) as session:
        found = store.candidates(session, run_id=run_id)
        assert [candidate for _, candidate in found] == made
        assert store.candidates(session, run_id=run_id, after=found[0][0], limit=5) == found[1:]


def test_the_best_checkpoint_is_one_and_a_file_written_over_is_marked(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(
        engine,
        run_id,
        rows.Checkpoint("best", "rce", 1, "a", 9, True, {}),
        rows.Checkpoint("last", "rce", 1, "a", 9, False, {}),
    )
    add(
        engine,
        run_id,
        rows.Checkpoint("best", "rce", 2, "b", 9, True, {"val_loss": 0.5}),
        rows.Checkpoint("best2", "grpo", 1, "c", 9, True, {}),
    )
    with reading(engine) as session:
        found = store.checkpoints(session, run_id=run_id)
    assert [(row.path, row.sha256, row.is_best, row.replaced is not None) for row in found] == [
        ("best", "a", False, True), ("last", "a", False, False), ("best", "b", True, False), ("best2", "c", True, False),
    ]  # fmt: skip
    assert found[2].metrics == {"val_loss": 0.5}


def test_a_cell_belongs_to_a_subset_that_came_before(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with pytest.raises(AssertionError, match=r"r1 yields a cell of subset .* before the subset itself"):
        add(engine, run_id, a_cell())
    add(engine, run_id, a_subset(10))
    add(engine, run_id, a_cell(accuracy=50.0))
    add(engine, run_id, a_cell(accuracy=55.0))
    with reading(engine) as session:
        (cell,) = store.cells(session, run_ids=[run_id])
    assert (cell.accuracy, cell.subset, cell.subset_sha, cell.dataset_sha, cell.n) == (
        55.0,
        "all",
        SUBSET,
        "dataset-sha",
        10,
    )
    assert dict(cell.shots_used) == {2: 10}


def test_a_figure_over_nothing_is_no_figure(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    nothing = rows.Cell(SUBSET, 2, 10, 0, 0.0, 0.0, 100.0, {}, 0)  # as older versions stored it
    unknown = rows.Cell(SUBSET, 4, 0, 0, math.nan, math.nan, math.nan, {}, 0)  # imported, over nobody knows how many
    add(engine, run_id, a_subset(10), nothing, unknown)
    with reading(engine) as session:
        (cell,) = store.cells(session, run_ids=[run_id])
        assert store.run_ids(session, where="acc@2<50") == []
    assert cell.shot == 4
    assert math.isnan(cell.accuracy)


def test_the_same_questions_under_another_label_are_another_subset(tmp_path: Path) -> None:
    """A run over the first ten of ten questions says so, and still compares with one over all."""
    engine = fresh(tmp_path)
    first, second = new_run(engine), new_run(engine)
    add(engine, first, a_subset(10), a_cell())
    add(engine, second, a_subset(10, label="first 10"), a_cell())
    with reading(engine) as session:
        left, right = store.cells(session, run_ids=[first, second])
    assert (left.subset, right.subset) == ("all", "first 10")
    assert left.subset_sha == right.subset_sha


def test_facts_replace_and_some_are_shown_in_lists(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(
        engine, run_id, rows.Fact("retriever", "random"), rows.Fact("model_sha", "old"), rows.Fact("pool", {"size": 64})
    )
    add(engine, run_id, rows.Fact("model_sha", "new"))
    with reading(engine) as session:
        detail = store.run_detail(session, run_id=run_id)
    assert detail.facts == {"model_sha": "new", "pool": {"size": 64}, "retriever": "random"}
    assert detail.row.retriever == "random"


def test_a_finding_said_again_replaces_itself(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_finding(message="400 of 400"), a_finding("no-signal", "error", "none"))
    add(engine, run_id, a_finding(message="800 of 800"))
    with reading(engine) as session:
        found = store.findings(session, run_id=run_id)
        counts = store.list_runs(session)[0].findings
    assert [(row.code, row.message) for row in found] == [("no-signal", "none"), ("pool-degenerate", "800 of 800")]
    assert (counts.errors, counts.warnings, counts.infos, counts.codes) == (1, 1, 0, ("no-signal", "pool-degenerate"))


def test_questions_follow_their_images(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, a_question(1), a_question(1, "train"))
    moved = rows.Question("dataset-sha", "val", 1, 0, "what 1?", ("cat", "dog"), "cat", "/moved/a.jpg")
    add(engine, run_id, moved)
    with reading(engine) as session:
        assert store.questions(session, dataset_sha="dataset-sha", split="val", question_ids=[1]) == {1: moved}
        assert store.questions(session, dataset_sha="dataset-sha", split="train", question_ids=[1])[1].image == "/a.jpg"


def test_a_rate_is_that_of_the_present_process(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = [1_000_000_000]
    for module in ("figures.adding", "lists.filters", "jobs.jobs", "jobs.runs"):
        monkeypatch.setattr(f"db.store.{module}.now", lambda: clock[0])
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with writing(engine) as session:
        start(session, run_id)
        store.set_state(session, run_id=run_id, state="running")

    def after(seconds: int, done: int, total: int = 100) -> store.ProgressRow:
        clock[0] += seconds * 1_000_000
        add(engine, run_id, rows.Progress(done, total, "questions"))
        with reading(engine) as session:
            progress = store.list_runs(session)[0].progress
        assert progress is not None
        return progress

    assert after(5, 0) == store.ProgressRow(0, 100, "questions", "", None, None)
    assert after(10, 20) == store.ProgressRow(20, 100, "questions", "", 2.0, 40.0)
    with writing(engine) as session:
        store.end_process(session, process_id=1, state="stopped", exit_code=0)
        store.resume_run(session, run_id=run_id)
        start(session, run_id, pid_start="second")
        store.set_state(session, run_id=run_id, state="running")
    assert after(1000, 20).rate is None  # the pause is no part of it
    assert after(10, 60) == store.ProgressRow(60, 100, "questions", "", 4.0, 10.0)
    assert after(10, 1, total=7).rate is None  # another stretch of the job
    with reading(engine) as session:
        assert store.list_runs(session)[0].duration_s == 5 + 10 + 1000 + 10 + 10


def test_only_the_newest_progress_of_a_batch_counts(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    add(engine, run_id, *(rows.Progress(done, 10, "q", f"at {done}") for done in range(5)))
    with reading(engine) as session:
        progress = store.list_runs(session)[0].progress
    assert progress is not None
    assert (progress.done, progress.note) == (4, "at 4")


def test_an_unknown_kind_of_row_is_our_fault(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with pytest.raises(AssertionError, match="no table takes int rows"):
        add(engine, run_id, 3)  # type: ignore[arg-type]
