"""Programs that are started by name can be started."""

from __future__ import annotations

import ast
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

from leverplus_tui.jobs import programs
from leverplus_tui.jobs.programs import Program, command

TERMINAL = Path(programs.__file__).parent.parent


@pytest.mark.parametrize("program", Program)
def test_every_program_is_a_module_with_a_main_that_runs_when_started(program: Program) -> None:
    spec = find_spec(program)
    assert spec is not None
    assert spec.origin is not None
    tree = ast.parse(Path(spec.origin).read_text(encoding="utf-8"))
    assert "main" in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
    started = [ast.unparse(node) for node in tree.body if isinstance(node, ast.If)]
    assert any("__name__ == '__main__'" in text and "main()" in text for text in started)


def test_no_other_file_of_the_terminal_names_a_module_of_the_engine_in_a_string() -> None:
    found = {
        path.relative_to(TERMINAL).as_posix()
        for path in TERMINAL.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and node.value.startswith("engine.")
    }
    assert found == {"jobs/programs.py"}


def test_a_command_keeps_to_our_packages() -> None:
    assert command(Program.JOB, "r1") == [sys.executable, "-P", "-m", "engine.job.worker", "r1"]
