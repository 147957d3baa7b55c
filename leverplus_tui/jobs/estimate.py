"""How long a job will take, in words, where `leverplus bench` has measured its model on this machine."""

from __future__ import annotations

from typing import Any

from db.home import Home
from engine.doctor.duration import estimate
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.times import duration


def estimated(spec: Any, place: Home) -> str:
    """One line; empty where nothing was measured."""
    found = estimate(spec, place.cache)
    if found is None:
        return ""
    of = plural(found.questions, "question") if found.questions else "each 1,000 questions"
    most = "at most " if spec.kind == "generate" and spec.adaptive and not spec.all_pairs else ""
    return (
        f"about {duration(found.seconds)} for {of} with {most}{plural(found.prompts, 'prompt')} each, by the {found.pace.engine} "
        f"engine's pace of {found.pace.measured[:10]} (leverplus bench)"
    )
