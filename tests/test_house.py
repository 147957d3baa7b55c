"""Rules of the house that no linter knows: where SQL may stand, and that words of one kind are said completely."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from db.run_states import STATES
from db.specs.base import SEVERITIES
from leverplus_tui.text.states import SEVERITY_ROLES, STATE_ROLES

ROOT = Path(__file__).parent.parent
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH|PRAGMA)\s")
OWN_FILES = ("engine/rl/index/", "engine/figures/trackers/")
"""The index beside a file of RL data, and the databases of other trackers: SQLite files that are not the experiment database."""


def _sources() -> Iterator[Path]:
    for room in ("leverplus_tui", "engine"):
        yield from sorted((ROOT / room).rglob("*.py"))


def sql_lines(text: str) -> list[int]:
    """Lines on which a string begins that is SQL; of an f-string its first part counts."""
    strings = (node for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Constant))
    return [node.lineno for node in strings if isinstance(node.value, str) and SQL.match(node.value)]


def test_sql_is_recognised() -> None:
    assert sql_lines('a = "SELECT 1"\nb = f"""\n  UPDATE {a} SET x"""\nc = "select a row"\nd = "WITHOUT"') == [1, 2]


def test_no_sql_stands_above_the_database() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}"
        for path in _sources()
        for line in sql_lines(path.read_text(encoding="utf-8"))
    ]
    assert [place for place in found if not place.startswith(OWN_FILES)] == []


def test_every_state_and_severity_has_its_sign() -> None:
    assert set(STATE_ROLES) - {"stalled"} == set(STATES)
    assert set(SEVERITY_ROLES) - {"ok"} == set(SEVERITIES)
