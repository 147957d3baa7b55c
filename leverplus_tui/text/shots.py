"""Numbers of demonstrations in words; where nobody told how many there were, a question mark and never a 0."""

from __future__ import annotations

from db.run_states import UNKNOWN_SHOTS
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural


def known_shots(shot: int) -> int | None:
    """The number, None where it is unknown."""
    return None if shot == UNKNOWN_SHOTS else shot


def shots_text(shot: int) -> str:
    """The number as a table shows it."""
    return "?" if shot == UNKNOWN_SHOTS else str(shot)


def shots_words(shot: int) -> str:
    """`1 shot`, `2 shots`, `unknown shots`."""
    return shown("unknown shots") if shot == UNKNOWN_SHOTS else plural(shot, "shot")
