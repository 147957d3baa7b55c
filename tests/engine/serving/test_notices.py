"""Telling somebody that a job has ended."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from engine.serving.notices import notify

EVENT = {"run": "r1", "name": "mine; rm -rf /", "state": "failed", "reason": "no space\nleft"}
SAVE = "import json, os, sys; json.dump([sys.stdin.read(), os.environ['LEVERPLUS_NAME']], open(sys.argv[1], 'w'))"


def test_a_command_gets_the_event_as_text_and_variables_and_no_shell_reads_it(tmp_path: Path) -> None:
    assert notify(EVENT, f'{sys.executable} -c "{SAVE}" {tmp_path / "told"}') == ""
    body, name = json.loads((tmp_path / "told").read_text())
    assert (json.loads(body), name) == (EVENT, EVENT["name"])


@pytest.mark.parametrize(
    ("target", "said"),
    [
        (f"{sys.executable} -c \"raise SystemExit('broken')\"", "ended with 1: broken"),
        ("/nowhere/notify", "No such file"),
        ("unclosed 'quote", "No closing quotation"),
        ("http://127.0.0.1:9/hook", "LEVERPLUS_NOTIFY=http://127.0.0.1:9/hook: "),
    ],
)
def test_what_goes_wrong_is_a_sentence(target: str, said: str) -> None:
    assert said in notify(EVENT, target)


def test_nobody_is_told_where_nothing_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LEVERPLUS_NOTIFY", raising=False)
    assert notify(EVENT) == ""
