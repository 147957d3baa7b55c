"""The command line as a whole: help, exit codes, one line for the user's fault."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from db.session import writing
from leverplus_tui import cli
from leverplus_tui.cli import TREE, app
from leverplus_tui.commands.lazy import Branch, Leaf
from tests.helpers_cli import Desk


def leaves() -> list[tuple[str, ...]]:
    """Every command, as the words that call it."""
    found: list[tuple[str, ...]] = []
    for name, node in TREE.items():
        found += [(name, child) for child in node.children] if isinstance(node, Branch) else [(name,)]
    return found


def test_help_lists_every_command_with_a_line() -> None:
    result = CliRunner().invoke(app, ["--help"])
    assert result.exit_code == 0
    for name, node in TREE.items():
        assert f"  {name}" in result.stdout
        assert node.help.split(".")[0][:30] in " ".join(result.stdout.split())


@pytest.mark.parametrize("words", leaves(), ids=" ".join)
def test_every_command_has_help_with_an_example(words: tuple[str, ...]) -> None:
    result = CliRunner().invoke(app, [*words, "--help"])
    assert result.exit_code == 0, result.stderr
    example = result.stdout.partition("Example:")[2]
    assert f"leverplus {' '.join(words)}" in example
    assert result.stdout.splitlines()[0].startswith("Usage: ")


@pytest.mark.parametrize("group", [name for name, node in TREE.items() if isinstance(node, Branch)])
def test_every_group_has_help_with_an_example(group: str) -> None:
    assert "Example:" in CliRunner().invoke(app, [group, "--help"]).stdout


def test_the_tree_names_only_commands_that_exist() -> None:
    nodes = [
        leaf for node in TREE.values() for leaf in (node.children.values() if isinstance(node, Branch) else [node])
    ]
    assert all(isinstance(leaf, Leaf) and leaf.target.count(":") == 1 for leaf in nodes)
    assert cli.app.info.cls is cli.Program


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["rums"], "No such command 'rums'. Did you mean 'runs'"),
        (["runs", "--wher", "x"], "No such option"),
        (["show"], "Missing argument 'RUN'"),
        (["show", "r1", "r2"], "unexpected extra argument"),
        (["runs", "--limit", "0"], "Invalid value for '--limit'"),
        (["run", "eval", "--batch-size", "0"], "batch_size = '0': must be greater than or equal to 1"),
        (["run", "rce"], "`run rce` needs --data"),
        (["compare", "r1"], "there is no run 'r1'"),
        (["runs", "--where", "colour:red"], "colour"),
        (["doctor", "nowhere.pt"], "there is nothing at"),
        (["doctor", "x", "--expect", "width=3"], "--expect width=3: write FIELD=VALUE"),
        (["data", "show", "nothing"], "no data is registered as 'nothing'"),
        (["import", "nowhere.json"], "nowhere.json cannot be read"),
        (["report", "r1", "--out", "x.pdf"], "end the name in .md or .html"),
        (["report", "r1", "--lang", "fr"], "'--lang': 'fr' is not one of 'en', 'zh'"),
        (["tag", "r1", "x"], "there is no run 'r1'"),
        (["tui"], "tui needs a terminal"),
        (["run", "eval", "--dataset", "nope"], "give a path, `builtin`, or a name of `leverplus data list`"),
        (["run", "rce", "--data", "no.json", "--embeddings", "builtin"], "data = no.json: there is no"),
        (["convert", "nope.pt", "out.pt"], "checkpoint = nope.pt: there is no"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(desk: Desk, words: list[str], said: str) -> None:
    result = desk.call(*words, code=2)
    assert result.stdout == ""
    [line] = result.stderr.splitlines()
    assert line.startswith("leverplus: ")
    assert said in line


def test_a_screen_that_would_be_drawn_into_a_file_is_refused(tmp_path: Path) -> None:
    ours, theirs = os.openpty()
    words = [sys.executable, "-m", "leverplus_tui.cli", "--home", str(tmp_path), "tui"]
    done = subprocess.run(words, stdin=theirs, stdout=theirs, stderr=subprocess.PIPE, text=True, check=False)
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 2
    assert done.stderr.startswith("leverplus: tui draws on standard error")


def test_nothing_asked_shows_the_help(desk: Desk) -> None:
    assert "Start:" in CliRunner().invoke(app, []).stderr
    assert "eval" in desk.call("run", code=2).stderr


def test_the_version_is_printed() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout.startswith("leverplus 0.")


def test_a_database_from_the_future_is_exit_4(desk: Desk) -> None:
    desk.call("init")
    with writing(desk.database) as session:
        session.run("PRAGMA user_version = 99")
    assert "newer leverplus" in desk.call("runs", code=4).stderr


def test_a_home_that_is_a_file_is_exit_2(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["runs", "--home", str(tmp_path / "file")])
    assert result.exit_code == 2
    assert "is a file" in result.stderr


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_an_unwritable_home_is_exit_2(tmp_path: Path) -> None:
    locked = tmp_path / "locked"
    locked.mkdir(mode=0o500)
    result = CliRunner().invoke(app, ["init", "--home", str(locked / "home")])
    assert result.exit_code == 2
    assert "cannot be made" in result.stderr


def test_a_home_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(app, ["init", "--home", str(tmp_path / "file" / "home")])
    assert result.exit_code == 2
    assert "choose another folder with --home" in result.stderr


def test_our_own_fault_is_not_hidden(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("leverplus_tui.commands.results.runs.open_home", lambda home: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        desk.call("runs")


def test_home_may_stand_before_or_after_the_command(desk: Desk, tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["--home", str(tmp_path / "a"), "init", "--home", str(tmp_path / "b")])
    assert result.stdout.strip() == str(tmp_path / "b")
    assert CliRunner().invoke(app, ["--home", str(tmp_path / "c"), "init"]).stdout.strip() == str(tmp_path / "c")


def test_init_makes_a_home_in_this_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LEVERPLUS_HOME")
    result = CliRunner().invoke(app, ["init"])
    assert result.stdout.strip() == str(tmp_path / ".leverplus")
    assert (tmp_path / ".leverplus" / "leverplus.db").exists()
    assert CliRunner().invoke(app, ["runs", "--json"]).stdout.strip() == "[]"
    assert CliRunner().invoke(app, ["init"]).exit_code == 0
