"""Columns of RL data: what is kept of each candidate and of each query."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from engine.rl.reading.pointer_spaces import Bools, Ints

Floats = NDArray[np.float64]
NUMBERS = {
    "correct": "vqa_correct",
    "accuracy": "vqa_acc_score",
    "gt_prob": "vqa_gt_prob",
    "relevance": "vqa_rel_score",
    "beam_score": "beam_score",
    "logprob": "logprob_score",
    "beam_rank": "beam_rank",
    "temperature": "temperature",
    "similarity": "similarity_score",
    "failed": "eval_failed",
}
"""Column of numbers -> stored field."""
TEXTS = {"method": "gen_method", "mode": "vqa_eval_mode", "split": "eval_split_used", "answer": "vqa_pred_answer"}
"""Column of texts -> stored field."""


class Query(NamedTuple):
    """What an RL file says about one query beside its candidates."""

    question_id: int | None = None
    image_id: int | None = None
    question: str = ""
    answers: tuple[str, ...] = ()
    described: bool = False
    """The record has a `query` object."""
    legacy: bool = False
    """The record is legacy beam data."""
    fix_failed: bool = False
    fix_error: str = ""


@dataclass(frozen=True, slots=True)
class Labels:
    """A text column: codes (M,) into the distinct texts; a text that is absent is ''."""

    codes: NDArray[np.int32]
    texts: tuple[str, ...]

    def of(self, *wanted: str) -> Bools:
        """Mask (M,) of the entries whose text is one of `wanted`."""
        return np.isin(self.codes, [i for i, text in enumerate(self.texts) if text in wanted])


@dataclass(frozen=True, slots=True)
class Candidates:
    """Columns of all M candidates, in file order inside each query; an absent number is NaN."""

    rows: Ints
    """(M, S) train rows of the demonstrations, in prompt order; -1 pads pointers that are shorter than the longest."""
    positions: Ints
    """(M, S) the same as positions in the stored pool; -1 where no pool is stored or the row is not in it."""
    lengths: Ints
    """(M,) demonstrations in each pointer."""
    space: NDArray[np.uint8]
    """(M,) `Space` that the file stored each pointer in."""
    certain: Bools
    """(M,) False where the space could not be decided from the candidate itself."""
    has_position: Bools
    """(M,) the file stored `pointer_pos`."""
    has_world: Bools
    """(M,) the file stored `pointer_global`."""
    correct: Floats
    accuracy: Floats
    gt_prob: Floats
    relevance: Floats
    beam_score: Floats
    logprob: Floats
    beam_rank: Floats
    temperature: Floats
    similarity: Floats
    failed: Floats
    """`eval_failed`: 1, 0 or NaN."""
    method: Labels
    mode: Labels
    """`vqa_eval_mode`."""
    split: Labels
    """`eval_split_used`."""
    answer: Labels
    """`vqa_pred_answer`."""
