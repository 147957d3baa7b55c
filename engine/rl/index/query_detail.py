"""One query of an RL file at length: its record is read from its place, its pointers resolved, its candidates judged."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from db.specs.base import UserError
from engine.common.files.gate import opened
from engine.rl.index.query_rows import CandidateRow, Mark, QueryDetail
from engine.rl.index.summary import Marks, mark
from engine.rl.reading.columns import Labels
from engine.rl.reading.file import RLFile, gather
from engine.rl.reading.pointer_spaces import ABSENT, Space
from engine.rl.reading.records import decode_whole, index_records
from engine.rl.rewards import FORMULAS, Outcomes, Weights, rewards

REWARD_MODES = (*FORMULAS, "legacy")
"""In the order in which they are offered. `legacy` is 0 unless its weights are given, so quality counts here once."""
LEGACY = Weights(alpha=1.0, beta=1.0)


def read_query(path: Path, query_id: int, start: int, length: int) -> QueryDetail:
    """The query whose record lies at these bytes. UserError where something else lies there, or the record is malformed."""
    with opened(path) as file:
        file.seek(start)
        body = file.read(length)
    if not (body.startswith(b"{") and body.endswith(b"}")):
        raise UserError(f"{path}: the file has changed since it was indexed; open it again")
    raw, _ = index_records(path, memoryview(b'{"%d": %b}' % (query_id, body)))
    return _group(gather(path, raw, {}), raw[query_id])


def _group(data: RLFile, raw: msgspec.Raw) -> QueryDetail:
    query = data.queries[0]
    record = decode_whole(data.path, int(data.query_ids[0]), raw)
    stored = record.get("pointer_candidates") or []
    marks = mark(data)
    paid = _rewards(data)
    return QueryDetail(
        query_id=int(data.query_ids[0]), question_id=query.question_id, image_id=query.image_id,
        question=query.question, answers=query.answers, pool=tuple(data.pools.ids.tolist()),
        candidates=tuple(
            _candidate(data, at, stored[at] if at < len(stored) else {}, paid, marks)
            for at in range(len(data.candidates.lengths))
        ),
        failure=query.fix_error if query.fix_failed else "", record=record,
    )  # fmt: skip


def _rewards(data: RLFile) -> dict[str, list[float]]:
    c = data.candidates
    outcomes = Outcomes(c.correct, c.accuracy, c.gt_prob, c.relevance, c.beam_score, c.logprob)
    return {
        mode: rewards(outcomes, mode=mode, weights=LEGACY if mode == "legacy" else Weights()).tolist()
        for mode in REWARD_MODES
    }


def _candidate(
    data: RLFile, at: int, stored: dict[str, Any], paid: dict[str, list[float]], marks: Marks
) -> CandidateRow:
    c = data.candidates
    picks = int(c.lengths[at])
    twin = int(marks.twin[at])
    return CandidateRow(
        number=at, rows=tuple(c.rows[at, :picks].tolist()), positions=tuple(c.positions[at, :picks].tolist()),
        space=Space(int(c.space[at])).name.lower(), answer=_label(c.answer, at),
        raw=_text(stored, "vqa_raw_generation", "raw_generation"), prompt=_text(stored, "vqa_prompt_text", "prompt_text"),
        correct=float(c.correct[at]), accuracy=float(c.accuracy[at]),
        rewards={mode: values[at] for mode, values in paid.items()}, method=_label(c.method, at),
        eval_mode=_label(c.mode, at), rank=float(c.beam_rank[at]), beam_score=float(c.beam_score[at]),
        logprob=float(c.logprob[at]), marks=Mark(int(marks.bits[at])), twin=None if twin == ABSENT else twin,
    )  # fmt: skip


def _label(labels: Labels, at: int) -> str:
    return labels.texts[int(labels.codes[at])]


def _text(stored: dict[str, Any], *fields: str) -> str:
    return next((str(stored[field]) for field in fields if isinstance(stored.get(field), str)), "")
