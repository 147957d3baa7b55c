"""Answers of another program, one a question: official VQA results, the ancestor's records, JSON lines, CSV and TSV."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from db.specs.base import UserError
from engine.common.files.gate import NotReadable
from engine.figures.fields import BadValue, shown, text, whole
from engine.figures.reading import ImportedAnswer, Reading
from engine.figures.source import Source
from engine.figures.tables.delimited import lines_of, rows_of

ANSWER_FIELDS = ("prediction", "output", "response", "pred", "answer")
SHOT_FIELDS = ("shot", "shots", "shot_num", "num_shots", "n_shot")
SHOTS_IN_NAME = re.compile(r"shot_num[=:_](\d{1,3})(?!\d)")
Numbered = tuple[int, Mapping[str, Any]]
"""(line or row, its fields)"""


def is_answers(source: Source) -> bool:
    """A list, or an object of objects, in which each has the number of its question."""
    return bool(_listed(source)) or (bool(source.rows) and "question_id" in source.rows[0][1])


def read_answers(source: Source) -> Reading:
    """One answer for each entry."""
    if source.rows:
        return Reading(source.path, answers=answers_of(source, source.rows, "line"))
    return Reading(source.path, answers=answers_of(source, list(enumerate(_listed(source))), "row"))


def is_answer_table(source: Source) -> bool:
    """CSV or TSV with a column of questions' numbers and one of answers."""
    if source.is_folder or source.suffix not in (".csv", ".tsv"):
        return False
    header = {cell.strip() for _, cells in lines_of(source)[:1] for cell in cells}
    return "question_id" in header and any(name in header for name in ANSWER_FIELDS)


def read_answer_table(source: Source) -> Reading:
    """One answer a row; references stand in none."""
    rows = [(at, {name: value for name, value in row.items() if name != "answers"}) for at, row in rows_of(source)]
    if not rows:
        raise NotReadable(f"{source.path} has a header and no answer below it; write it again")
    return Reading(source.path, answers=answers_of(source, rows, "line"))


def _listed(source: Source) -> Sequence[Mapping[str, Any]]:
    content = source.json
    if isinstance(content, dict) and isinstance(content.get("results"), list):
        content = content["results"]
    rows = content if isinstance(content, list) else []
    if isinstance(content, dict):
        rows = [row for row in content.values() if isinstance(row, dict)]
    return rows if rows and all(isinstance(row, dict) and "question_id" in row for row in rows) else []


def answers_of(source: Source, rows: Iterable[Numbered], place: str) -> tuple[ImportedAnswer, ...]:
    """The answers of rows, each with its shots: from the row, else from the name of the file."""
    found = SHOTS_IN_NAME.search(source.path.name)
    shot = int(found[1]) if found else None
    return tuple(_answer(f"{place} {at}", row, shot) for at, row in rows)


def _answer(place: str, row: Mapping[str, Any], shot: int | None) -> ImportedAnswer:
    raw = next((row[key] for key in ANSWER_FIELDS if isinstance(row.get(key), str)), None)
    if raw is None:
        raise BadValue(f"{place} has no text under {', '.join(ANSWER_FIELDS[:-1])} or {ANSWER_FIELDS[-1]}")
    if "question_id" not in row:
        raise BadValue(f"{place} has no question_id")
    told = next((row[key] for key in SHOT_FIELDS if row.get(key) not in (None, "")), None)
    return ImportedAnswer(
        question_id=whole(row["question_id"], f"{place}: question_id"),
        raw=text(raw),
        references=references(place, row.get("answers") or []),
        image_id=whole(row.get("image_id") or 0, f"{place}: image_id"),
        question=text(row.get("question")),
        shot=shot if told is None else whole(told, f"{place}: shots"),
    )


def references(place: str, answers: Any) -> tuple[str, ...]:
    """Reference answers, given as texts or as objects with `answer`."""
    given = answers if isinstance(answers, list) else [answers]
    found = [one.get("answer") if isinstance(one, dict) else one for one in given]
    odd = next((i for i, one in enumerate(found) if not isinstance(one, str | int | float)), None)
    if odd is not None:
        raise BadValue(f"{place}: answers[{odd}] is {shown(given[odd])}, neither a text nor an object with answer")
    return tuple(text(one) for one in found)


def check_answers(source: str, answers: Sequence[ImportedAnswer], *, shot: int | None, dataset: str) -> None:
    """Raises UserError where answers cannot be scored: no references and no data set, or several of one question."""
    seen: set[tuple[int | None, int]] = set()
    doubled = []
    for answer in answers:
        key = (answer.shot if shot is None else shot, answer.question_id)
        if key in seen:
            doubled.append(answer.question_id)
        seen.add(key)
    if doubled:
        which = f"question {doubled[0]}" + (f" and {len(doubled) - 1:,} others" if len(doubled) > 1 else "")
        raise UserError(f"{source} answers {which} more than once: keep one answer for each")
    bare = [answer.question_id for answer in answers if not answer.references]
    if bare and not dataset:
        which = f"{len(bare):,} of {len(answers):,} predictions, such as that of question {bare[0]}"
        raise UserError(f"{source} has no reference answers for {which}: give the data set with --dataset")
