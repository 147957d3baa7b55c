"""Homes that are filled for reading."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.helpers_cli import Desk, make_desk
from tests.helpers_report import fill


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    return make_desk(tmp_path, monkeypatch)


@pytest.fixture
def filled(desk: Desk) -> Desk:
    fill(desk)
    return desk
