"""Pictures of the terminal as text: each line with a short hash of its colours in every theme, so that a diff can be read.

`LEVERPLUS_PICTURES=write pytest tests/tui/test_screens_pictures.py` writes them anew.
"""

from __future__ import annotations

import difflib
import hashlib
import os
import re
from collections.abc import Sequence
from pathlib import Path

from textual.app import App
from textual.strip import Strip

WRITE = os.environ.get("LEVERPLUS_PICTURES") == "write"
BAR = "│"


PROCESS = re.compile(r"pid \d+ on \S+")
"""What differs with every process; how wide it is, too."""


def colours(strip: Strip) -> str:
    """Four digits for how a line is drawn, whatever it says."""
    drawn: list[tuple[str, int]] = []
    for text, style, _ in strip:
        kind = f"{style.color} {style.bgcolor} {style._set_attributes & style._attributes}" if style else ""
        if drawn and drawn[-1][0] == kind:
            drawn[-1] = (kind, drawn[-1][1] + len(text))
        else:
            drawn.append((kind, len(text)))
    told = [kind for kind, _ in drawn] if PROCESS.search(strip.text) else drawn
    return hashlib.sha256(repr(told).encode()).hexdigest()[:4]


def strips(app: App[None]) -> list[Strip]:
    """The lines of the screen in view."""
    return app.screen._compositor.render_strips(app.size)[: app.size.height]


def picture(themes: Sequence[Sequence[Strip]]) -> str:
    """The lines of one screen that was drawn in several themes, with the colours of each in front."""
    lines = []
    for drawn in zip(*themes, strict=True):
        texts = {PROCESS.sub("pid 1 on here", strip.text).rstrip() for strip in drawn}
        assert len(texts) == 1, f"themes differ in more than colours: {texts}"
        lines.append(" ".join(map(colours, drawn)) + BAR + texts.pop())
    return "\n".join(lines) + "\n"


def differences(path: Path, shown: str, svg: str, folder: Path) -> str:
    """In what the picture on disk is another, and where an SVG lies to look at; empty where it is the same."""
    if WRITE:
        path.parent.mkdir(exist_ok=True)
        path.write_text(shown, encoding="utf-8")
    known = path.read_text(encoding="utf-8") if path.exists() else ""
    if known == shown:
        return ""
    seen = folder / f"{path.stem}.svg"
    seen.write_text(svg, encoding="utf-8")
    lines = difflib.unified_diff(known.splitlines(), shown.splitlines(), path.name, str(seen), lineterm="", n=1)
    return "\n".join(["", *lines])
