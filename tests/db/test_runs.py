"""Runs as people handle them, and the states that they may pass through."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import store
from db.session import reading, writing
from db.specs import AnySpec, EmbedSpec, EvalSpec, GenerateSpec, TrainSpec, UserError
from db.specs.imported import ImportSpec
from tests.helpers_db import fresh, new_run


def test_a_run_keeps_its_whole_specification(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    spec = EvalSpec(dataset="okvqa", shots=(1, 2), retriever="i2i", vlm="/models/qwen", seed=7)
    with writing(engine) as session:
        run = store.create_run(session, spec=spec, forced=True, environment={"commit": "abc", "dirty": True})
    assert (run.id, run.state, run.kind, run.forced) == (1, "queued", "eval", True)  # readable after the transaction
    with reading(engine) as session:
        assert store.spec_of(session, run=store.get_run(session, run_id=1)) == spec
        row = store.list_runs(session)[0]
    assert (row.dataset, row.vlm, row.retriever, row.seed, row.ref) == ("okvqa", "/models/qwen", "i2i", 7, "r1")


@pytest.mark.parametrize(
    ("spec", "name", "shown"),
    [
        (EvalSpec(), "eval-builtin-auto", ("builtin", "builtin", "")),
        (
            EvalSpec(dataset="/data/okvqa", selector="best.safetensors"),
            "eval-okvqa-selector",
            ("/data/okvqa", "builtin", ""),
        ),
        (TrainSpec(kind="grpo", rl_data="rl.json", embeddings="e"), "grpo-v3", ("rl.json", "", "v3")),
        (GenerateSpec(vlm="m"), "generate-builtin", ("builtin", "m", "")),
        (EmbedSpec(encoder="clip"), "embed-builtin", ("builtin", "clip", "")),
        (ImportSpec(source="/paper/table.md", dataset="okvqa", vlm="flamingo"), "table", ("okvqa", "flamingo", "")),
    ],
)
def test_what_lists_show_of_each_kind(tmp_path: Path, spec: AnySpec, name: str, shown: tuple[str, str, str]) -> None:
    engine = fresh(tmp_path)
    with writing(engine) as session:
        run = store.create_run(session, spec=spec, environment={})
        assert store.spec_of(session, run=run) == spec
    assert run.name == name
    assert (run.dataset, run.vlm, run.variant) == shown


def test_ids_are_never_used_again(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    new_run(engine)
    last = new_run(engine)
    with writing(engine) as session:
        store.discard(session, run_id=last)
    assert new_run(engine) == last + 1


@pytest.mark.parametrize("text", ["r2", "R2", "2", " r2 ", "second"])
def test_a_run_is_found_by_id_or_name(tmp_path: Path, text: str) -> None:
    engine = fresh(tmp_path)
    new_run(engine, "first")
    new_run(engine, "second")
    with reading(engine) as session:
        assert store.find_run(session, text).id == 2


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("secund", r"no run 'secund' \(near: second \(r2\)\)"),
        ("r22", r"no run 'r22' \(near: r2"),
        ("zzz", r"no run 'zzz' \(the newest is r4\)"),
        ("twin", r"2 runs are called 'twin' \(r3, r4\): give the id"),
        ("99999999999999999999", "no run '99999999999999999999'"),
        ("", "no run ''"),
        ("r", "no run 'r'"),
        ("²", "no run '²'"),
    ],
)
def test_a_run_that_is_not_found_names_its_neighbours(tmp_path: Path, text: str, said: str) -> None:
    engine = fresh(tmp_path)
    for name in ("first", "second", "twin", "twin"):
        new_run(engine, name)
    with reading(engine) as session, pytest.raises(UserError, match=said):
        store.find_run(session, text)


def test_an_empty_home_says_so(tmp_path: Path) -> None:
    with reading(fresh(tmp_path)) as session, pytest.raises(UserError, match="no run is stored yet"):
        store.find_run(session, "r1")


def _walk(tmp_path: Path, *states: str) -> str:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    for state in states:
        with writing(engine) as session:
            if state == "resume":
                store.resume_run(session, run_id=run_id)
            else:
                store.set_state(session, run_id=run_id, state=state)
    with reading(engine) as session:
        return store.get_run(session, run_id=run_id).state


@pytest.mark.parametrize(
    "states",
    [
        ("running", "done"),
        ("running", "running", "failed", "failed"),
        ("stopped",),
        ("running", "stopped", "resume", "running", "done"),
        ("running", "lost", "resume"),
        ("running", "failed", "resume", "running", "lost"),
    ],
)
def test_ways_that_a_run_may_go(tmp_path: Path, states: tuple[str, ...]) -> None:
    assert _walk(tmp_path, *states) == {"resume": "queued"}.get(states[-1], states[-1])


@pytest.mark.parametrize(
    ("states", "said"),
    [
        (("running", "done", "running"), "r1 is done and cannot become running: `leverplus resume r1` goes on"),
        (("running", "done", "failed"), "is done and cannot become failed"),
        (("stopped", "running"), "is stopped and cannot become running"),
        (("running", "queued"), "is running and cannot become queued"),
        (("resume",), "r1 is queued: stop it before resuming it"),
        (("running", "resume"), "r1 is running: stop it before resuming it"),
    ],
)
def test_ways_that_it_may_not_go(tmp_path: Path, states: tuple[str, ...], said: str) -> None:
    with pytest.raises(store.StateConflict, match=said) as caught:
        _walk(tmp_path, *states)
    assert caught.value.exit_code == 1


def test_times_of_a_run(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with writing(engine) as session:
        store.set_state(session, run_id=run_id, state="running")
        started = store.get_run(session, run_id=run_id).started_at
        store.set_state(session, run_id=run_id, state="stopped")
        store.resume_run(session, run_id=run_id)
        store.set_state(session, run_id=run_id, state="running")
        run = store.get_run(session, run_id=run_id)
    assert run.started_at == started  # the first start is kept
    assert run.ended_at is None  # and it runs again


def test_tags_notes_and_names(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with writing(engine) as session:
        store.tag(session, run_id=run_id, tags=["paper", "best"])
        store.tag(session, run_id=run_id, tags=["best", "smoke"])
        store.untag(session, run_id=run_id, tags=["smoke", "never-there"])
        store.note(session, run_id=run_id, text="first thought")
        store.note(session, run_id=run_id, text="second thought")
        store.rename(session, run_id=run_id, name=" better ")
    with reading(engine) as session:
        detail = store.run_detail(session, run_id=run_id)
    assert (detail.row.tags, detail.note, detail.row.name) == (("best", "paper"), "second thought", "better")
    with writing(engine) as session:
        store.note(session, run_id=run_id, text=" ")
        assert store.run_detail(session, run_id=run_id).note == ""


@pytest.mark.parametrize("word", ["two words", "", 'quo"te', "tab\t"])
def test_words_that_cannot_be_tags(tmp_path: Path, word: str) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with pytest.raises(UserError, match="cannot be a tag"), writing(engine) as session:
        store.tag(session, run_id=run_id, tags=["fine", word])


def test_an_empty_name_is_refused(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with pytest.raises(UserError, match="the new name of r1 is empty"), writing(engine) as session:
        store.rename(session, run_id=run_id, name="  ")


def test_deleting_hides_and_restoring_shows(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    runs = [new_run(engine, name) for name in ("one", "two", "three")]
    with writing(engine) as session:
        for run_id in runs:
            store.set_state(session, run_id=run_id, state="stopped")
        store.soft_delete(session, run_ids=runs[:2])
    with reading(engine) as session:
        assert [row.id for row in store.list_runs(session)] == [3]
        assert [row.id for row in store.list_runs(session, where="deleted:yes")] == [2, 1]
        with pytest.raises(UserError, match="r1 was deleted"):
            store.find_run(session, "r1")
        with pytest.raises(UserError, match="there is no run 'one'"):
            store.find_run(session, "one")
        assert store.find_run(session, "r1", deleted=True).id == 1
    with writing(engine) as session:
        store.restore(session, run_ids=[1])
        assert store.find_run(session, "one").id == 1


def test_what_still_works_is_not_deleted(tmp_path: Path) -> None:
    engine = fresh(tmp_path)
    run_id = new_run(engine)
    with (
        pytest.raises(store.StateConflict, match="r1 is queued: `leverplus stop r1`, then delete it"),
        writing(engine) as session,
    ):
        store.soft_delete(session, run_ids=[run_id])
