"""A home on a network disk is refused with the way out."""

from __future__ import annotations

from pathlib import Path

import pytest

from db import session
from db.disks import ALLOWED, shared_disk
from db.session import DatabaseUnwritable, open_database

MOUNTS = """/dev/sda1 / ext4 rw 0 0
server:/export /data nfs4 rw 0 0
tmpfs /data/fast tmpfs rw 0 0
//nas/lab /mnt/lab\\040share cifs rw 0 0
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/a", ""),
        ("/data/home", "nfs4"),
        ("/data", "nfs4"),
        ("/database", ""),
        ("/data/fast/home", ""),
        ("/mnt/lab share/x", "cifs"),
    ],
)
def test_the_innermost_disk_decides(tmp_path: Path, path: str, kind: str) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    assert shared_disk(Path(path), mounts) == kind


def test_those_who_know_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounts = tmp_path / "mounts"
    mounts.write_text(MOUNTS)
    monkeypatch.setenv(ALLOWED, "1")
    assert shared_disk(Path("/data/home"), mounts) == ""
    assert shared_disk(Path("/data/home"), tmp_path / "no-such-file") == ""


def test_a_home_there_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "shared_disk", lambda path: "nfs4")
    with pytest.raises(DatabaseUnwritable, match=r"network disk \(nfs4\).*choose a local folder with --home"):
        open_database(tmp_path / "home" / "leverplus.db")
    assert not (tmp_path / "home").exists()
