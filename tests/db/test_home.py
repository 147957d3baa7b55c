"""Which folder is home."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.home import Home, resolve_home
from db.specs import UserError


@pytest.fixture(autouse=True)
def _nothing_set(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("LEVERPLUS_HOME", raising=False)
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "data"))
    (tmp_path / "work" / "deep").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "work" / "deep")


def test_given_folder_wins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_HOME", str(tmp_path / "other"))
    assert resolve_home(tmp_path / "given").root == tmp_path / "given"


def test_variable_comes_second(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "work" / ".leverplus").mkdir()
    monkeypatch.setenv("LEVERPLUS_HOME", str(tmp_path / "other"))
    assert resolve_home().root == tmp_path / "other"


def test_nearest_folder_above_comes_third(tmp_path: Path) -> None:
    (tmp_path / ".leverplus").mkdir()
    (tmp_path / "work" / ".leverplus").mkdir()
    assert resolve_home().root == tmp_path / "work" / ".leverplus"


def test_else_the_data_folder_of_the_user(tmp_path: Path) -> None:
    home = resolve_home()
    assert home.root.name == "leverplus"
    assert not home.root.exists()  # looking makes nothing


def test_tilde_and_relative_paths_become_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    assert resolve_home(Path("~/there")).root == tmp_path / "there"
    assert resolve_home(Path("here")).root == tmp_path / "work" / "deep" / "here"


def test_a_file_cannot_be_home(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match="is a file, so it cannot be the home folder"):
        resolve_home(tmp_path / "file")


def test_places(tmp_path: Path) -> None:
    home = Home(tmp_path)
    assert home.database == tmp_path / "leverplus.db"
    assert home.log(12) == tmp_path / "runs" / "r12" / "log.txt"
    assert home.cache == tmp_path / "cache"
