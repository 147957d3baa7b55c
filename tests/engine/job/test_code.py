"""A run keeps the uncommitted changes of its folder and the installed packages."""

from __future__ import annotations

import subprocess
from importlib import metadata
from pathlib import Path

import pytest

from db import store
from db.session import reading
from engine.job import code
from tests.helpers_cli import Desk, make_desk


def git(folder: Path, *words: str) -> None:
    named = ("-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false")
    subprocess.run(["git", *named, *words], cwd=folder, check=True, capture_output=True)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    place = tmp_path / "code"
    place.mkdir()
    git(place, "init", "-q")
    (place / "train.py").write_text("lr = 1\n")
    git(place, "add", ".")
    git(place, "commit", "-qm", "first")
    return place


def test_the_changes_are_those_against_the_commit_and_names_that_git_does_not_know(folder: Path) -> None:
    assert code.changes(folder) == ""
    (folder / "train.py").write_text("lr = 2\n")
    (folder / "new.py").write_text("secret")
    git(folder, "add", "train.py")
    found = code.changes(folder)
    assert "-lr = 1\n+lr = 2\n" in found
    assert found.endswith("# not in git: new.py\n")
    assert "secret" not in found


def test_large_changes_are_cut_and_say_so(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(code, "MOST", 1000)
    (folder / "train.py").write_text("".join(f"line {i}\n" for i in range(10_000)))
    found = code.changes(folder)
    assert found.endswith("[cut: the changes are larger than 1000 bytes]\n")
    assert len(found) < 1100


def test_without_a_repository_there_are_no_changes(tmp_path: Path) -> None:
    assert code.changes(tmp_path) == ""


def test_every_installed_package_is_listed_with_its_version() -> None:
    found = code.packages().splitlines()
    names = [line.partition("==")[0] for line in found]
    assert names == sorted(set(names))
    for name in ("pytest", "torch", "numpy"):
        assert f"{name}=={metadata.version(name)}" in found


def test_runs_of_one_folder_share_what_they_keep_and_say_what_differs(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk: Desk = make_desk(tmp_path, monkeypatch)
    monkeypatch.chdir(folder)
    for change in ("", "lr = 2\n", "lr = 2\n"):
        if change:
            (folder / "train.py").write_text(change)
        desk.call("run", "eval", "--vlm", "plain")
    diffs = [desk.detail(run).environment["git_diff"] for run in (1, 2, 3)]
    assert diffs[0] == ""
    assert diffs[1] == diffs[2] != ""
    with reading(desk.database) as session:
        assert "+lr = 2" in store.snapshot(session, sha256=diffs[1])
    assert "+lr = 2" in desk.call("show", "r2", "--diff").stdout
    assert "r1 had none" in desk.call("show", "r1", "--diff").stderr
    assert f"numpy=={metadata.version('numpy')}\n" in desk.call("show", "r1", "--packages").stdout
    differing = {row["field"]: row["values"] for row in desk.json("compare", "r1", "r2")["spec_diff"]}
    assert differing == {"made.git_diff": {"r1": "", "r2": diffs[1]}}
    (folder / "train.py").write_text("lr = 3\n")
    said = desk.call("rerun", "r2").stderr
    assert "uncommitted changes differ: `leverplus show r2 --diff` and `leverplus show r4 --diff`" in said
