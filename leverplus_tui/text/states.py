"""States, verdicts and severities: the sign and the word of each, and the role that a theme gives a colour to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from engine.demo.shipped import is_synthetic
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.times import since

if TYPE_CHECKING:
    from db.store import RunRow

SHORT_WORDS: Mapping[str, str] = {"running": "run", "generate": "gen", "embed": "emb"}
"""States and kinds of runs in a column of a table."""

STATE_ROLES: Mapping[str, str] = {
    "queued": "faint",
    "running": "accent",
    "stalled": "warn",
    "done": "good",
    "failed": "bad",
    "stopped": "warn",
    "lost": "bad",
}
VERDICT_ROLES: Mapping[str, str] = {
    "better": "good",
    "worse": "bad",
    "not distinguishable": "faint",
    "not comparable": "faint",
}
SEVERITY_ROLES: Mapping[str, str] = {"error": "bad", "warning": "warn", "info": "info", "ok": "good"}
LEVEL_SEVERITIES: Mapping[str, str] = {"ok": "ok", "warn": "warning", "block": "error"}
"""Levels of a preflight check -> severity."""
FILE_ROLES: Mapping[str, str] = {"there": "good", "changed": "warn", "missing": "bad"}
"""What has become of a registered file."""
SYNTHETIC = "synth"
MARKS = {
    "shots-truncated": "!few",
    "pool-degenerate": "!same",
    "prompt-mismatch": "!text",
    "decode-mismatch": "!dec",
    "synthetic-data": SYNTHETIC,
}
"""Findings that change what a figure means; a run that was forced past one is `!cfg`."""
MARK_WORDS = {
    "!cfg": "forced past preflight",
    "!few": "fewer demonstrations than asked",
    "!same": "every question got the same demonstrations",
    "!text": "prompt differs from the training data's",
    "!dec": "decoding differs from the training data's",
    SYNTHETIC: "built-in data or model: says nothing about real data",
}


def short_word(name: str) -> str:
    """A state or kind of a run where there is little room."""
    return SHORT_WORDS.get(name, name)


def shown_state(run: RunRow) -> str:
    """The stored state, or `stalled` for a living process that was silent for longer than it announced."""
    if run.state == "running" and run.heartbeat is not None and run.promise_s is not None:
        return "stalled" if since(run.heartbeat) > run.promise_s else "running"
    return run.state


def state_text(run: RunRow, *, short: bool = False) -> str:
    """Sign and word, and the share that is done while it runs: `▶ running 62%`, where there is little room `▶ run 62%`."""
    state, progress = shown_state(run), run.progress
    text = f"{glyph(state)} {shown(short_word(state) if short else state)}"
    if state == "running" and progress is not None and progress.total:
        done = min(99, 100 * progress.done // progress.total)
        return shown(f"{glyph(state)} {short_word(state)} {done}%") if short else f"{text} {done}%"
    return text if short or not run.waiting else f"{text}, {shown(run.waiting)}"


def marks(run: RunRow) -> list[str]:
    """What must be known before a figure of this run is believed."""
    found = ["!cfg"] if run.forced else []
    found += [MARKS[code] for code in run.findings.codes if code in MARKS]
    if is_synthetic(run.dataset, run.vlm):
        found.append(SYNTHETIC)
    return list(dict.fromkeys(found))


def doubts(run: RunRow | None) -> list[str]:
    """The marks but for `synth`, which is no fault."""
    return [mark for mark in marks(run) if mark != SYNTHETIC] if run is not None else []
