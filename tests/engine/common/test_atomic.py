"""What is written beside its place takes it whole or not at all, and leaves nothing else behind."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from engine.common.files import atomic


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_half(path: Path) -> None:
    path.write_text("half")
    raise ValueError("half")


def test_bytes_and_text_arrive_in_folders_that_are_made(tmp_path: Path) -> None:
    path = tmp_path / "deep/er/file"
    atomic.write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"
    atomic.write_text(path, "né\n", durable=True)
    assert path.read_bytes() == "né\n".encode()
    assert (names(path.parent), path.stat().st_mode & 0o777) == (["file"], 0o644)


def test_a_failure_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(ValueError, match="half"), atomic.replacing(path) as draft:
        write_half(draft)
    assert (path.read_text(), names(tmp_path)) == ("old", ["file"])


def test_what_cannot_be_replaced_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "folder/inside").mkdir(parents=True)
    with pytest.raises(OSError, match="folder"):
        atomic.write_text(tmp_path / "folder", "text")
    with pytest.raises(OSError, match="folder"), atomic.replacing(tmp_path / "folder"):
        pass
    assert names(tmp_path) == ["folder"]


def test_a_link_and_permissions_stay(tmp_path: Path) -> None:
    real, link = tmp_path / "real", tmp_path / "link"
    real.write_text("old")
    real.chmod(0o600)
    link.symlink_to(real)
    atomic.write_text(link, "new")
    assert (link.is_symlink(), real.read_text(), real.stat().st_mode & 0o777) == (True, "new", 0o600)


def test_a_pipe_takes_what_is_written(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    reader = subprocess.Popen(["cat", tmp_path / "pipe"], stdout=subprocess.PIPE)
    atomic.write_text(tmp_path / "pipe", "through")
    assert reader.communicate()[0] == b"through"


def test_a_folder_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="half"), atomic.new_folder(tmp_path / "made") as draft:
        write_half(draft / "one")
    assert names(tmp_path) == []
    with atomic.new_folder(tmp_path / "made") as draft:
        (draft / "one").touch()
    assert (names(tmp_path), names(tmp_path / "made")) == (["made"], ["one"])
    with pytest.raises(OSError, match="made"), atomic.new_folder(tmp_path / "made") as draft:
        (draft / "two").touch()
    assert (names(tmp_path), names(tmp_path / "made")) == (["made"], ["one"])


def test_a_folder_that_stood_is_not_made_again(tmp_path: Path) -> None:
    """A job goes on writing for a moment after its home was moved away: that must not begin another home there."""
    home = tmp_path / "home"
    (home / "cache").mkdir(parents=True)
    atomic.stands(home)
    (home / "cache").rmdir()
    atomic.write_text(home / "cache" / "deep" / "file", "made where the home stands")
    home.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match="moved or deleted meanwhile"):
        atomic.write_text(home / "cache" / "deep" / "file", "text")
    with pytest.raises(FileNotFoundError, match="moved or deleted meanwhile"):
        atomic.make_folder(home)
    assert not home.exists()


def test_files_move_into_a_folder_beside_what_is_there(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(ValueError, match="half"), atomic.files_into(tmp_path) as draft:
        write_half(draft / "one")
    assert names(tmp_path) == ["mine"]
    with atomic.files_into(tmp_path) as draft:
        (draft / "one").touch()
        (draft / "two").touch()
    assert names(tmp_path) == ["mine", "one", "two"]


KILLED = """
import os, signal, sys
from pathlib import Path
from engine.common.files import atomic

with atomic.replacing(Path(sys.argv[1])):
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_drafts_of_the_dead_are_found_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / "some-file")])
    (dead,) = tmp_path.iterdir()
    (tmp_path / ".some-file-of-another-program").touch()
    with atomic.replacing(tmp_path / "some-other"):
        assert atomic.abandoned(tmp_path, "some-") == [dead]
        assert atomic.abandoned(tmp_path, "other") == []
