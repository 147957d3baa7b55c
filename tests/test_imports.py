"""What may be loaded when: a fresh interpreter imports a part and says what came along."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, writing
from db.specs import EvalSpec

HEAVY = ("torch", "transformers")
CLI_MODULES = (
    "leverplus_tui.commands.running.run", "leverplus_tui.commands.results.runs", "leverplus_tui.commands.results.compare",
    "leverplus_tui.commands.files.doctor", "leverplus_tui.commands.results.imports", "leverplus_tui.jobs.launcher",
    "leverplus_tui.jobs.follow",
)  # fmt: skip


def loaded_by(program: str) -> set[str]:
    """Top-level modules that a program has loaded at its end."""
    script = f"import json, sys\n{program}\nprint('\\n' + json.dumps(sorted({{name.split('.')[0] for name in sys.modules}})))"
    result = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    names: list[str] = json.loads(result.stdout.splitlines()[-1])
    return set(names)


def call(*words: str) -> str:
    return f"from leverplus_tui.cli import app\ntry:\n    app({list(words)!r})\nexcept SystemExit:\n    pass"


def test_help_loads_next_to_nothing() -> None:
    heavy = {*HEAVY, "textual", "sqlmodel", "sqlalchemy", "pydantic", "numpy", "rich"}
    assert not loaded_by(call("--help")) & heavy


@pytest.mark.parametrize("words", [("run", "--help"), ("run", "eval", "--help"), ("rums",)])
def test_help_of_a_job_and_a_typing_error_load_no_database(words: tuple[str, ...]) -> None:
    assert not loaded_by(call(*words)) & {*HEAVY, "textual", "sqlmodel", "sqlalchemy", "numpy"}


def test_a_blocked_run_loads_neither_model_nor_database() -> None:
    golden = Path(__file__).parent / "golden"
    words = ["run", "rce", "--data", str(golden / "train_pool.rl_data.json"), "--embeddings",
             str(golden / "train_pool.weights.safetensors"), "--init", str(golden / "selector_l3.pt"), "--json"]  # fmt: skip
    assert not loaded_by(call(*words)) & {*HEAVY, "textual", "sqlmodel", "sqlalchemy"}


def test_a_command_reads_a_home_without_the_library_that_makes_its_tables(tmp_path: Path) -> None:
    open_database(tmp_path / "leverplus.db").dispose()
    words = ("--home", str(tmp_path), "runs")
    assert not loaded_by(call(*words)) & {*HEAVY, "textual", "sqlmodel", "sqlalchemy"}


def test_the_command_line_computes_nothing() -> None:
    assert not loaded_by(f"import {', '.join(CLI_MODULES)}") & {*HEAVY, "textual"}


def test_the_screen_computes_nothing() -> None:
    pytest.importorskip("leverplus_tui.app")
    assert not loaded_by("import leverplus_tui.app") & set(HEAVY)


def test_a_job_loads_its_recipe_only_when_it_has_one() -> None:
    assert not loaded_by("import engine.job.worker") & {*HEAVY, "textual"}


def test_who_collects_rows_of_runs_elsewhere_computes_nothing() -> None:
    assert not loaded_by("import engine.job.elsewhere.collector, engine.job.elsewhere.slurm") & {*HEAVY, "textual"}


def test_specifications_are_light() -> None:
    assert not loaded_by("import db.specs, db.rows, db.home, db.process") & {
        *HEAVY,
        "textual",
        "sqlmodel",
        "sqlalchemy",
    }


def test_the_first_frame_waits_for_neither_database_nor_specifications() -> None:
    heavy = {*HEAVY, "sqlmodel", "sqlalchemy", "pydantic", "numpy", "scipy", "PIL"}
    assert not loaded_by("import leverplus_tui.tui.app, leverplus_tui.tui.screens.runs.page") & heavy


@pytest.mark.parametrize("words", [("tui",), ("--home", "/nowhere", "tui"), ("tui", "--home", "/nowhere")])
def test_the_terminal_program_is_called_without_typers_reading_of_options(words: tuple[str, ...]) -> None:
    assert "pydantic" not in loaded_by(call(*words))


def test_the_first_rows_wait_for_no_specifications(tmp_path: Path) -> None:
    file = open_database(Home(tmp_path).database)
    with writing(file) as session:
        store.create_run(session, spec=EvalSpec(), name="one", environment={})
    file.dispose()
    program = f"""
from pathlib import Path
import leverplus_tui.tui.screens.runs.page
from leverplus_tui.tui.reading.database import Database
from leverplus_tui.tui.memory import ListView
database = Database(Path({str(Home(tmp_path).database)!r}))
ids = database.listing(ListView()).ids
assert database.run_rows(ids)[0].name == "one" and database.detail(ids[0]).row.name == "one"
"""
    heavy = {*HEAVY, "sqlmodel", "sqlalchemy", "alembic", "pydantic", "numpy", "scipy", "PIL", "statistics"}
    assert not loaded_by(program) & heavy
