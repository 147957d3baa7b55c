"""What no test may touch: the developer's own home, network and terminal settings."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import settings

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
