"""The answers of a run as the official VQA result file: a list of {question_id, answer}."""

from __future__ import annotations

import json

from db import store
from db.session import Session
from db.specs import UserError
from db.store import RunDetail
from leverplus_tui.text.shots import shots_text, shots_words


def official_results(session: Session, detail: RunDetail, shot: int | None) -> tuple[str, int]:
    """(text of the file, questions that were asked in vain and are left out). `answer` is the cleaned one, which was scored.

    Raises UserError where the run has no answers, or has them for several numbers of shots and none is named.
    """
    ref = detail.row.ref
    known = sorted({cell.shot for cell in detail.cells})
    if shot is None:
        if len(known) > 1:
            told = ", ".join(map(shots_text, known))
            raise UserError(f"{ref} has answers at {told} shots, and a result file holds one of them: give --shot")
        shot = known[0] if known else None
    rows = [] if shot is None else store.predictions(session, run_id=detail.row.id, shot=shot)
    if not rows:
        where = "" if shot is None else f" at {shots_words(shot)}"
        raise UserError(f"{ref} has no stored answers{where}: `leverplus show {ref}` lists what it has")
    answered = [{"question_id": row.question_id, "answer": row.answer} for row in rows if not row.error]
    lines = ",\n".join(json.dumps(one, ensure_ascii=False) for one in answered)
    return f"[\n{lines}\n]\n", len(rows) - len(answered)
