"""What no test may touch: the developer's own home, network and terminal settings; and homes that many tests begin from."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from tests.helpers_cli import Desk

settings.register_profile("by no clock", deadline=None)
settings.load_profile("by no clock")  # a busy machine fails no test


@pytest.fixture(autouse=True)
def _own_surroundings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    for name in ("LEVERPLUS_API_KEY", "OPENAI_API_KEY", "OKVQA_PATH", "VQAV2_PATH", "COCO_PATH", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    """A home and the commands on it."""
    from tests.helpers_cli import make_desk  # with the command line: not for tests of the engine

    return make_desk(tmp_path, monkeypatch)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    """A home with something to report and to publish."""
    from tests.helpers_report import fill  # as above

    fill(desk)
    return desk
