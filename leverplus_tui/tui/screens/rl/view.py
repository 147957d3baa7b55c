"""How queries and candidates of RL data stand in tables, and the sentences about one query."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from engine.rl.index.query_rows import CandidateRow, Mark, QueryDetail, QueryRow
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import number, plural, score
from leverplus_tui.text.words import clean
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.table import Cell, Column
from leverplus_tui.tui.widgets.text import pad

if TYPE_CHECKING:
    from engine.rl.index.train_questions import TrainRow

CLASS_ROLES = {"zero": "bad", "mixed": "good", "one": "info", "none": "faint"}
CLASS_WORDS = {"zero": "none right", "mixed": "mixed", "one": "all right", "none": "not scored"}
MARK_WORDS: Mapping[Mark, tuple[str, str, str]] = {
    Mark.SELF: ("self", "bad", "shows the query itself, answer included"),
    Mark.SPACE: ("space", "bad", "the pointer contradicts itself or counts unlike the rest of its group"),
    Mark.DISAGREE: ("conflict", "bad", "the same pointer as an earlier candidate, with another score"),
    Mark.REPEAT: ("repeat", "bad", "names a demonstration twice"),
    Mark.OUTSIDE: ("outside", "bad", "names a demonstration outside the stored pool"),
    Mark.FAILED: ("failed", "bad", "its scoring failed; the values are placeholders"),
    Mark.UNVERIFIED: ("unverified", "warn", "the label was copied from another query"),
    Mark.FALLBACK: ("fallback", "warn", "scored by substring, not by the official metric"),
    Mark.DUPLICATE: ("dup", "warn", "repeats an earlier candidate"),
    Mark.REORDERED: ("order", "faint", "the same demonstrations as an earlier candidate in another order"),
    Mark.UNSURE: ("unsure", "faint", "both readings of the pointer were possible; the habit of such files decided"),
}
"""Mark -> word in a table, role, words at length; the worst first."""
QUERY_COLUMNS = (
    Column("id", "query", 7, align="right"),
    Column("question", "question", 18, flex=60),
    Column("class", "class", 6),
    Column("n", "n", 4, align="right"),
    Column("right", "right", 5, align="right", priority=2),
    Column("best", "best", 5, align="right"),
    Column("mean", "mean", 5, align="right"),
    Column("spread", "spread", 6, align="right", priority=1),
    Column("marks", "marks", 8, flex=10, priority=3),
    Column("image", "image", 8, align="right", priority=5),
    Column("pool", "pool", 4, align="right", priority=4),
)
CANDIDATE_COLUMNS = (
    Column("number", "#", 3, align="right"),
    Column("rows", "pointer", 12, flex=8),
    Column("shown", "demonstrations", 14, flex=70, priority=4),
    Column("answer", "answer", 10, flex=8),
    Column("score", "score", 5, align="right"),
    Column("reward", "reward", 6, align="right"),
    Column("method", "method", 9, flex=6, priority=1),
    Column("mode", "scored by", 9, priority=3),
    Column("marks", "marks", 12, flex=10, priority=2),
)


def marks_cell(marks: Mark) -> Cell:
    """The words of all marks in the colour of the worst."""
    held = [(word, role) for mark, (word, role, _) in MARK_WORDS.items() if mark in marks]
    return Cell(" ".join(word for word, _ in held), held[0][1]) if held else Cell("")


def query_cells(row: QueryRow) -> dict[str, Cell | str]:
    """One line of the list of queries."""
    return {
        "id": Cell(str(row.query_id), "faint"),
        "question": clean(row.question) or Cell(shown("(question not stored)"), "faint"),
        "class": Cell(row.group_class, CLASS_ROLES[row.group_class]),
        "n": str(row.n),
        "right": Cell(str(row.positives), "" if row.positives else "faint"),
        "best": score(row.best),
        "mean": score(row.mean),
        "spread": Cell(score(row.spread), "" if row.spread > 0 else "faint"),
        "marks": marks_cell(row.marks & ~(Mark.UNSURE | Mark.REORDERED)),
        "image": Cell("-" if row.image_id is None else str(row.image_id), "faint"),
        "pool": Cell(str(row.pool) if row.pool else "-", "faint"),
    }


def candidate_cells(row: CandidateRow, mode: str, train_rows: Mapping[int, TrainRow]) -> dict[str, Cell | str]:
    """One line of the table of candidates; `train_rows` holds those whose question is known."""
    found = row.accuracy if not math.isnan(row.accuracy) else row.correct
    role = "faint" if math.isnan(found) else "good" if found >= 0.99 else "warn" if found > 0 else "bad"
    marks = marks_cell(row.marks & ~Mark.DUPLICATE if Mark.DISAGREE in row.marks else row.marks)
    twin = f"{glyph('arrow')}#{row.twin + 1}" if row.twin is not None else ""
    reward = row.rewards[mode]
    return {
        "number": Cell(str(row.number + 1), "faint"),
        "rows": ",".join(map(str, row.rows)),
        "shown": _demonstrations(row.rows, train_rows),
        "answer": Cell(clean(row.answer) or shown("(empty)"), role if row.answer else "faint"),
        "score": Cell(score(found), role),
        "reward": Cell(score(reward), "" if reward > 0 else "faint"),
        "method": Cell(clean(row.method) or shown("absent"), "faint"),
        "mode": Cell(clean(row.eval_mode) or shown("absent"), "faint"),
        "marks": Cell(marks.text + twin, marks.role),
    }


def _demonstrations(rows: Sequence[int], train_rows: Mapping[int, TrainRow]) -> Cell | str:
    if not any(row in train_rows for row in rows):
        return Cell(shown("unknown"), "faint")
    words = []
    for row in rows:
        found = train_rows.get(row)
        answer = f" {clean(found.label)}" if found is not None and found.label else ""
        words.append(clean(found.question) + answer if found is not None else f"#{row}")
    return f" {glyph('pipe')} ".join(words)


def asked(row: QueryRow, group: QueryDetail | None) -> Content:
    """Question, ids, class, and the answers of people with how often each was given."""
    question = (group.question if group is not None else row.question) or shown("(question not stored)")
    ids = [shown(f"query {row.query_id}")]
    ids += [shown(f"question {row.question_id}")] if row.question_id is not None else []
    ids += [shown(f"image {row.image_id}")] if row.image_id is not None else []
    colour = COLOURS[CLASS_ROLES[row.group_class]]
    parts: list[str | tuple[str, str]] = [
        (clean(question), "bold"), "\n",
        ("  ".join(ids) + "   ", "$faint"), (shown(CLASS_WORDS[row.group_class]), colour),
        (shown(f"   {_right(row)}   best {score(row.best)}   mean {score(row.mean)}"), "$faint"),
    ]  # fmt: skip
    if group is not None:
        parts += ["\n", (shown("people said "), "$faint"), _counted(group.answers) or shown("- (not stored)")]
        if group.failure:
            parts += ["\n", (shown(f"its repair failed: {clean(group.failure)}"), "$warning")]
    return Content.assemble(*parts)


def _right(row: QueryRow) -> str:
    if row.usable == row.n:
        return shown(f"{row.positives} of {plural(row.n, 'candidate')} right")
    return shown(f"{row.positives} of {row.usable} scored candidates right, {row.n} in all")


def _counted(answers: Sequence[str]) -> str:
    distinct = sorted(set(answers), key=lambda answer: (-answers.count(answer), answer))
    return ", ".join(
        clean(answer) + (f" x{answers.count(answer)}" if answers.count(answer) > 1 else "") for answer in distinct
    )


def pool_line(group: QueryDetail) -> str:
    """The stored pool in one line."""
    if not group.pool:
        chosen = {row for candidate in group.candidates for row in candidate.rows}
        return shown(f"no pool is stored; {plural(len(chosen), 'demonstration')} chosen in all")
    return shown(f"pool of {len(group.pool)}: ") + ", ".join(map(str, group.pool))


def candidate_lines(row: CandidateRow) -> Content:
    """What the table has no room for: the raw answer, scores of the proposer, marks at length, the prompt."""
    parts: list[str | tuple[str, str]] = [
        (f"#{row.number + 1} ", "bold $accent"),
        (shown(f"stored {row.space}"), "$faint"),
    ]
    for name, value in (
        (shown("beam rank"), row.rank),
        (shown("proposer's score"), row.beam_score),
        ("log-probability", row.logprob),
    ):
        if not math.isnan(value):
            parts.append((f"   {shown(name)} {number(value)}", "$faint"))
    if row.raw and row.raw != row.answer:
        parts += [(shown("   raw "), "$faint"), repr(row.raw)]
    for mark, (word, role, words) in MARK_WORDS.items():
        if mark in row.marks:
            place = f" (#{row.twin + 1})" if row.twin is not None and mark in (Mark.DUPLICATE, Mark.REORDERED) else ""
            parts += ["\n", (f"{word}: {shown(words)}{place}", COLOURS[role])]
    if row.prompt:
        parts += ["\n", (shown("prompt "), "$faint"), pad(clean(row.prompt), min(400, len(row.prompt)))]
    return Content.assemble(*parts)
