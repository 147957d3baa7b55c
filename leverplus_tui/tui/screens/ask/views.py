"""What the page that asks a model shows, put into words: the job, two answers, what is preferred, what was tried."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from textual.content import Content

from db.rows import Question
from db.store import PredictionRow, TrialRow
from leverplus_tui.jobs.asking import Standing
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import score
from leverplus_tui.text.times import age, duration
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.screens.ask.draft import Draft, changes
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.table import Cell, Column, Row
from leverplus_tui.tui.widgets.text import bar

BAR = 8
PREFERRED = (
    Column("bar", "", BAR), Column("value", "value", 6, align="right"), Column("text", "question", 12, flex=60),
    Column("label", "answer", 6, flex=10), Column("id", "id", 8, align="right", priority=2),
)  # fmt: skip
TRIED = (
    Column("answer", "answer", 8, flex=10), Column("score", "score", 5, align="right"), Column("what", "changed", 10, flex=40),
    Column("age", "", 9, align="right", priority=2),
)  # fmt: skip
SHOWN = (Column("place", "", 4), Column("text", "question", 12, flex=60), Column("label", "answer", 6, flex=10))
NEXT = "next"


def status(standing: Standing, vlm: str, more_s: float, waiting: TrialRow | None) -> Content:
    """What the job does, or how it is started; `more_s` seconds after it was looked at."""
    name = f"r{standing.job}"
    waits = shown(" Your question waits.") if waiting is not None else ""
    if standing.is_ready or (standing.is_up and waiting is not None and waiting.state == "answering"):
        doing = shown("answers" if waiting is not None else "waits for questions")
        return Content.styled(shown(f"{name} holds {short_name(vlm)}, {doing}"), COLOURS["good"])
    if standing.is_up:
        words = shown(f"{name} {_doing(standing.note, vlm)}, {duration(standing.since_s + more_s)} so far.{waits}")
        return Content.styled(words, COLOURS["accent"])
    if standing.job is None:
        return Content.styled(shown(f"a asks: a job of its own then loads {short_name(vlm)}."), COLOURS["faint"])
    why = f": {clean(in_app(standing.reason))}" if standing.state not in ("done", "queued") and standing.reason else ""
    ended = shown("has ended, for nobody asked") if standing.state == "done" else shown(f"is {standing.state}")
    return Content.styled(
        shown(f"{name} {ended}{why}.{waits} a starts it again."),
        COLOURS["faint" if standing.state == "done" else "warn"],
    )


def _doing(note: str, vlm: str) -> str:
    if not note:
        return shown("starts")
    return (
        shown(f"is loading the model {short_name(vlm)}")
        if note.startswith("loads ")
        else shown(f"is preparing: {clean(note)}")
    )


def answers(draft: Draft, trial: TrialRow | None) -> Content:
    """The stored answer, the one just given, and whether they are the same."""
    stored = draft.stored
    parts: list[str | tuple[str, str] | Content] = [
        _line("stored", stored.error, stored.answer, stored.score, stored.cut)
    ]
    if trial is None:
        return Content.assemble(*parts, "\n", (shown("now     "), "$faint"), (shown("not asked yet"), "$faint"))
    if trial.is_open:
        return Content.assemble(
            *parts,
            "\n",
            (shown("now     "), "$faint"),
            (shown(f"{shown(trial.state)}, asked {age(trial.created)}"), "$accent"),
        )
    value = trial.score if trial.score is not None else 0.0
    parts += ["\n", _line("now", trial.error, trial.answer, value, trial.cut)]
    if not trial.error:
        parts += ["\n", _verdict(stored, trial)]
    if trial.log_prob is not None:
        parts += ["\n", (shown(f"log p of what most said {trial.log_prob:.2f}"), "$faint")]
    if trial.request != draft.request():
        parts += ["\n", (shown("of what stood here before: a asks anew"), "$warning")]
    return Content.assemble(*parts)


def _verdict(stored: PredictionRow, trial: TrialRow) -> tuple[str, str]:
    same = trial.answer == stored.answer
    request = shown("same request") if trial.request_sha == stored.request_sha else shown("changed request")
    told = shown(f"{'same' if same else 'different'} answer, {request}")
    if not same and trial.request_sha == stored.request_sha:
        told += shown(": a near tie, or a server")
    return told, "$success" if same else "$warning"


def _line(name: str, error: str, answer: str, value: float, cut: bool) -> Content:
    colour = COLOURS["bad" if error else "good" if value >= 0.99 else "warn" if value > 0 else "bad"]
    notes = shown("  cut by the token limit") if cut else ""
    figure: tuple[tuple[str, str], ...] = () if error else ((shown("   score "), "$faint"), (score(value), colour))
    return Content.assemble(
        (shown(f"{name:8}"), "$faint"),
        (clean(error or answer or shown("(empty)")), f"bold {colour}"),
        *figure,
        (notes, "$warning"),
    )


def pick_of(trial: TrialRow | None, demonstration: int | None) -> Mapping[str, Any] | None:
    """What was preferred where this demonstration was picked (None: next), in the request that is shown."""
    return next((one for one in trial.picks if one["of"] == demonstration), None) if trial is not None else None


def heading(trial: TrialRow | None, pick: Mapping[str, Any] | None, place: int | None) -> str:
    """What the list of candidates shows."""
    where = shown("next pick") if place is None else shown(f"pick {place + 1}")
    if trial is None or trial.is_open:
        return shown(f"{where}: what the pool offers is known once it is asked")
    if pick is None:
        return shown(f"{where}: not in what was asked last")
    if pick["said"] and not pick["best"]:
        return f"{where}: {clean(pick['said'])}"
    told = shown(f"{where}: {pick['measure']} in a pool of {pick['pool']}")
    return told + (
        shown(f"; this one {_value(pick['measure'], pick['picked'][0])}, number {pick['picked'][1]}")
        if pick["picked"]
        else ""
    )


def preferred_row(pick: Mapping[str, Any], at: int, known: Mapping[int, Question]) -> Row:
    """One candidate."""
    question_id, value = pick["best"][at]
    most = max(abs(one) for _, one in pick["best"]) or 1.0
    cells: dict[str, Cell | str] = {
        "bar": Cell(bar(max(0.0, value) / most, BAR), "accent"),
        "value": _value(pick["measure"], value),
    }
    if question_id is None:
        return {**cells, "text": Cell(shown("STOP: nothing more"), "faint")}
    return {**cells, **named(question_id, known), "id": Cell(str(question_id), "faint")}


def _value(measure: str, value: float) -> str:
    return f"{100 * value:.1f}%" if measure == "probability" else f"{value:.3f}"


def named(question_id: int, known: Mapping[int, Question]) -> dict[str, Cell | str]:
    """A train question, as far as it is known."""
    question = known.get(question_id)
    if question is None:
        return {"text": Cell(shown(f"#{question_id} (not stored)"), "faint")}
    return {"text": clean(question.question), "label": Cell(clean(question.label), "good")}


def tried_row(trial: TrialRow, stored: PredictionRow) -> Row:
    """One line of what was tried."""
    value = trial.score
    role = "bad" if trial.error else "good" if (value or 0) >= 0.99 else "warn" if value else "faint"
    return {
        "answer": Cell(
            clean(trial.error or (trial.state if trial.is_open else trial.answer or shown("(empty)"))), role
        ),
        "score": Cell("" if value is None else score(value), role),
        "what": clean(changes(trial.request, stored.demonstrations)),
        "age": Cell(age(trial.created), "faint"),
    }
