"""RL data as neutral groups: one query with its pool and candidates, pointers as train rows, whatever the file's layout.

What a file stores beside pointers is carried through untouched, so that a group can be written again without loss.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import numpy as np

from db import rows
from engine.common.accuracy import normalise
from engine.data.sample import Sample
from engine.rl.reading.file import RLFile, Space
from engine.rl.reading.json_lines import KEY
from engine.rl.relevance import relevance

POINTERS = ("pointer", "pointer_pos", "pointer_global")
POOLS = ("candidate_pool_ids", "candidate_pool_indices")
BEAMS = ("id_list", "score_list")
"""Fields of legacy beam records that become candidates."""
METHOD_ORDER = ("infoscore", "beam", "retrieval", "sample", "random", "pair")
"""Candidates stand in the file as published generators write them: beams first."""

Record = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Pointed:
    """One candidate."""

    rows: tuple[int, ...]
    """Train rows of the demonstrations, in prompt order."""
    fields: Record
    """Everything else that is stored of it."""
    contradicts: bool = False
    """Its pointer fields contradict each other, so that `rows` may be wrong."""

    @property
    def correct(self) -> bool:
        """`vqa_correct`, or accuracy above 0 where that is absent."""
        told = self.fields.get("vqa_correct")
        return bool(told) if told is not None else (self.fields.get("vqa_acc_score") or 0) > 0


@dataclass(frozen=True, slots=True)
class Group:
    """One query."""

    query_id: int
    about: Record | None
    """The `query` object: question, image, reference answers."""
    pool: tuple[int, ...]
    """Train rows that could be chosen, in stored order; empty where none is stored."""
    candidates: tuple[Pointed, ...]
    other: Record = field(default_factory=dict)
    """Further fields of the record."""

    @classmethod
    def of_record(
        cls,
        query_id: int,
        record: Mapping[str, Any],
        pointers: Sequence[Sequence[int]],
        conflicts: Sequence[bool],
    ) -> Group:
        """A decoded record with the train rows that its candidates name, and which of them contradict themselves."""
        stored = _candidates(record)
        return cls(
            query_id,
            record.get("query"),
            tuple(next((record[name] for name in POOLS if record.get(name)), ())),
            tuple(
                Pointed(tuple(rows), _without(one, POINTERS), bool(conflict))
                for one, rows, conflict in zip(stored, pointers, conflicts, strict=True)
            ),
            _without(record, ("query", "pointer_candidates", KEY, *POOLS, *BEAMS)),
        )

    @property
    def pooled(self) -> bool:
        """A pool is stored, and it holds everything that the candidates name."""
        return bool(self.pool) and set(self.pool).issuperset(row for one in self.candidates for row in one.rows)

    def replaced(self, **changes: Any) -> Group:
        """The group with other values of some fields."""
        return replace(self, **changes)


class Digest:
    """A running hash over groups, to prove that what was written is read back the same."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self.queries = self.candidates = 0

    def of(self, groups: Iterable[Group]) -> Iterator[Group]:
        """The same groups, counted and hashed on their way."""
        for group in groups:
            self.queries += 1
            self.candidates += len(group.candidates)
            told = [(one.rows, one.fields) for one in group.candidates]
            self._hash.update(msgspec.json.encode((group.query_id, group.about, group.pool, told, group.other)))
            yield group

    @property
    def value(self) -> str:
        """SHA-256 (hex)."""
        return self._hash.hexdigest()


def groups_of(file: RLFile) -> Iterator[Group]:
    """The groups of a file by ascending query id, decoded one at a time."""
    conflicts = file.candidates.space == Space.CONFLICT
    for at, query_id in enumerate(file.query_ids.tolist()):
        mine = slice(int(file.offsets[at]), int(file.offsets[at + 1]))
        pointers = [[row for row in one if row >= 0] for one in file.candidates.rows[mine].tolist()]
        yield Group.of_record(query_id, file.record(query_id), pointers, conflicts[mine].tolist())


def uncertain(file: RLFile) -> int:
    """Candidates whose index space could only be guessed."""
    return int(np.count_nonzero(~file.candidates.certain))


def generated_group(query_id: int, query: Sample, pool: Sequence[int], candidates: Sequence[rows.Candidate]) -> Group:
    """The group of a query whose candidates were just scored by the official metric on its own answers."""
    about = {
        "query_id": query_id,
        "question_id": query.question_id,
        "image_id": query.image_id,
        "question": query.question,
        "gt_answers_raw": list(query.answers),
        "gt_answers_norm": [normalise(answer) for answer in query.answers],
    }
    ordered = sorted(candidates, key=lambda one: METHOD_ORDER.index(one.method))  # stable: in the order of asking
    return Group(query_id, about, tuple(pool), tuple(_generated(one, query.answers) for one in ordered))


def scored_fields(answer: str, references: Sequence[str], score: float) -> Record:
    """The fields that follow from an answer, its references and its VQA accuracy."""
    near = relevance(answer, references)
    return {
        "vqa_correct": int(score > 0),
        "vqa_acc_score": score,
        "vqa_rel_token_f1": near.token_f1,
        "vqa_rel_edit_sim": near.edit,
        "vqa_rel_score": near.score,
        "vqa_eval_mode": "vqaEval",
    }


def _generated(one: rows.Candidate, references: Sequence[str]) -> Pointed:
    return Pointed(
        one.pointer,
        {
            "gen_method": one.method,
            "beam_rank": one.beam_rank,
            "beam_score": one.beam_score,
            "logprob_score": one.logprob_score,
            "temperature": one.temperature,
            "similarity_score": one.similarity,
            "vqa_raw_generation": one.raw,
            "vqa_pred_answer": one.answer,
            **scored_fields(one.answer, references, one.score),
            **({"vqa_gt_prob": one.gt_prob} if one.gt_prob is not None else {}),
            "eval_split_used": "train",
            "eval_failed": False,
        },
    )


def _candidates(record: Mapping[str, Any]) -> list[Record]:
    if record.get("pointer_candidates") is not None:
        return list(record["pointer_candidates"])
    return [
        {"gen_method": "beam", "beam_rank": rank, "beam_score": score}
        for rank, score in enumerate(record["score_list"])
    ]


def _without(record: Mapping[str, Any], names: Sequence[str]) -> Record:
    return {name: value for name, value in record.items() if name not in names}
