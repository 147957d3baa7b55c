"""What changed since the last run like this one, and what that did to the figures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db import store
from db.home import Home
from db.rows import Metric
from db.session import Session, open_database, reading, writing
from db.specs import EvalSpec, TrainSpec
from db.store import RunDetail
from leverplus_tui.results.pairs.seed_groups import _recipe
from leverplus_tui.results.since_last import Since, since_last
from leverplus_tui.tui.messages import OpenRun
from leverplus_tui.tui.screens.run.page import RunScreen
from tests.helpers_cli import Desk
from tests.helpers_tui import draw_images, evaluation, fill, opened, text_of, until


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Home:
    return fill(tmp_path_factory.mktemp("filled"), n=40)


def told(home: Home, run_id: int) -> Since | None:
    with reading(open_database(home.database)) as session:
        return since_last(session, store.run_detail(session, run_id=run_id))


def test_the_first_run_of_its_kind_has_nothing_to_be_held_against(filled: Home) -> None:
    assert told(filled, 1) is None
    assert told(filled, 4) is None


def test_settings_and_figures_with_the_interval_of_the_paired_difference(filled: Home) -> None:
    found = told(filled, 2)
    assert found is not None
    assert found.run == 1
    assert found.changes == {"settings": ("retriever random → t2t",)}
    effects = {effect.about: effect for effect in found.effects}
    assert effects["0 shots"].words.startswith("0.00 [")
    assert effects["0 shots"].verdict == "inside the noise"
    assert effects["2 shots"].words.endswith("over 40 questions")
    assert effects["2 shots"].verdict.startswith("better")


def test_the_run_with_the_fewest_other_settings_is_taken_and_of_these_the_newest(tmp_path: Path) -> None:
    home = Home(tmp_path)
    engine, images = open_database(home.database), draw_images(tmp_path / "images", 4)
    for retriever, seed in (("random", 1), ("t2t", 1), ("random", 1), ("t2t", 2), ("random", 3)):
        evaluation(engine, images, name=f"{retriever} {seed}", retriever=retriever, skill=(0.5, 0.5), n=8, seed=seed)
    found = told(home, 5)
    assert found is not None
    assert (found.run, found.changes["settings"]) == (3, ("seed 1 → 3",))
    again = told(home, 3)
    assert again is not None
    assert again.run == 1
    assert "settings" not in again.changes


def test_a_field_that_an_older_run_lacks_has_its_default_there(tmp_path: Path) -> None:
    """In what changed, among the settings that vary, in a filter, and where runs are grouped."""
    home = Home(tmp_path)
    with writing(open_database(home.database)) as session:
        for prefill in ("dtype", "dtype", "fp8"):
            _made(session, "", spec=EvalSpec(vlm="some/model", prefill=prefill))
        session.run("UPDATE run SET spec = json_remove(spec, '$.prefill') WHERE id = 1")
    found = told(home, 2)
    assert found is not None
    assert found.changes == {}
    with reading(open_database(home.database)) as session:
        details = [store.run_detail(session, run_id=run_id) for run_id in (1, 2)]
        assert "prefill" not in details[0].spec
        assert details[0].settings == details[1].settings == details[1].spec
        assert [row.id for row in store.list_runs(session, where="prefill:dtype")] == [2, 1]
        assert store.varying_settings(session, run_ids=[1, 3]) == ["prefill"]
        assert store.run_values(session, run_ids=[1], fields=["prefill"]) == {1: {"prefill": "dtype"}}
        assert recipes(session, details) == 1


def recipes(session: Session, details: list[RunDetail]) -> int:
    """How many recipes runs are taken for, whatever their seeds."""
    return len({_recipe(session, detail) for detail in details})


def test_code_packages_and_machine(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with writing(open_database(home.database)) as session:
        _made(session, "numpy==1.0\n", git_commit="a" * 40, git_diff="", host="old", gpus=["H200"])
        diff = store.keep_snapshot(session, text="--- a\n+++ b\n")
        _made(session, "numpy==2.0\n", git_commit="b" * 40, git_diff=diff, host="new", gpus=["H200"])
    found = told(home, 2)
    assert found is not None
    assert found.changes == {
        "code": ("commit aaaaaaaaaa → bbbbbbbbbb", "uncommitted changes differ: `leverplus show r2 --diff`"),
        "packages": ("numpy 1.0 -> 2.0",),
        "machine": ("host old → new",),
    }
    assert found.effects == ()


def _made(session: Session, packages: str, spec: EvalSpec | None = None, **environment: Any) -> None:
    held = {**environment, "packages": store.keep_snapshot(session, text=packages)}
    run = store.create_run(session, spec=spec or EvalSpec(), environment=held)
    assert run.id is not None
    for state in ("running", "done"):
        store.set_state(session, run_id=run.id, state=state)


def test_a_training_claims_no_interval(tmp_path: Path) -> None:
    home = Home(tmp_path)
    with writing(open_database(home.database)) as session:
        for rate, reward in ((1e-3, 0.5), (1e-4, 0.75)):
            spec = TrainSpec(kind="rce", rl_data="builtin", embeddings="builtin", rce_lr=rate)
            run = store.create_run(session, spec=spec, environment={})
            assert run.id is not None
            metric = Metric("rce", 1, 1, "greedy_reward", reward)
            store.set_state(session, run_id=run.id, state="running")
            store.add_rows(session, run_id=run.id, process_id=None, rows=[metric])
            store.set_state(session, run_id=run.id, state="done")
    found = told(home, 2)
    assert found is not None
    assert found.changes == {"settings": ("rce_lr 0.001 → 0.0001",)}
    assert [(one.about, one.words, "chance is not known" in one.verdict) for one in found.effects] == [
        ("greedy reward", "0.5 → 0.75", True)
    ]


def test_show_tells_it(tmp_path: Path) -> None:
    desk = Desk(Home(tmp_path))
    fill(tmp_path, n=10)
    shown = desk.call("show", "r2").stdout
    assert "since r1 random," in shown
    assert "retriever random → t2t" in shown
    found = desk.json("show", "r2")["since"]
    assert found["run"] == "r1"
    assert [one["about"] for one in found["effects"]] == ["0 shots", "1 shot", "2 shots"]
    assert desk.json("show", "r1")["since"] is None


async def test_the_run_page_and_the_pane_below_the_list_tell_it(filled: Home) -> None:
    async with opened(filled, (120, 50)) as pilot:
        page = pilot.app.screen
        page.table.move_to(2)  # type: ignore[attr-defined]  # the list of runs
        await until(pilot, lambda: "since r1 random" in text_of(pilot))
        pilot.app.post_message(OpenRun(2))
        await until(pilot, lambda: isinstance(pilot.app.screen, RunScreen) and "since r1 random" in text_of(pilot))
        assert "settings retriever random → t2t" in text_of(pilot)
        assert "over 40 questions: better" in text_of(pilot)
