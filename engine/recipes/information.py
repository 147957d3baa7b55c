"""InfoScores: what a demonstration adds to the model's own probability of a query's answer, and beams of the best of them.

From X. Yang and others, Lever LM (arXiv:2312.10104, section 3): with P(y | S, x) the model's probability of the answer y behind
the demonstrations S and the query x, demonstration t of a sequence scores P(y | S_1..t, x) - P(y | S_1..t-1, x). P is, as in its
published code, exp of the mean log-probability of the answer's tokens, here of these alone. The scores of a sequence add up to
P(y | S, x) - P(y | x), so that a beam keeps the sequences behind which the answer is likeliest.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path

from db.specs.base import UserError
from db.specs.generate import GenerateSpec
from engine.common.files.atomic import make_folder
from engine.data.sample import Sample, Split
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import VLM, answers_in_order

FILE = "info_scores.jsonl"
"""In the run's folder: a line for each query, so that a resumed run searches no query twice."""

Pointer = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Beam:
    """A sequence of demonstrations, and how likely the answer was while it grew."""

    pointer: Pointer
    """Train indices, in prompt order."""
    log_probs: tuple[float, ...]
    """(S + 1,) mean log-probability of the answer's tokens behind 0, 1, ... S of them."""

    def gain(self, of: str) -> float:
        """The sum of the InfoScores: how much the whole sequence adds to the `probability` or the `log_probability`."""
        first, last = self.log_probs[0], self.log_probs[-1]
        return last - first if of == "log_probability" else math.exp(last) - math.exp(first)


@dataclass
class InfoScores:
    """Searches beams with the model that answers; see the top of this file."""

    spec: GenerateSpec
    vlm: VLM
    train: Split
    run_dir: Path
    left_out: int = 0
    """Sequences that were not scored, because an image could not be read."""
    first_error: str = ""
    _known: dict[int, list[Beam]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self._known = dict(_stored(self.run_dir / FILE))

    def beams(self, query: Sample, pool: Sequence[int]) -> list[Beam]:
        """The `info_beams` best sequences of `shots` members of the pool (train indices), the best first; fewer where the pool
        is small, none where the query has no answer in words. Of equal ones the first of the pool. Raises UserError."""
        row = self.train.index_of[query.question_id]
        if row not in self._known:
            before = self.left_out
            self._known[row] = self._searched(query, pool) if query.label.strip() else []
            if self.left_out == before:  # else going on with the run searches again
                self._store(row)
        return self._known[row]

    def _searched(self, query: Sample, pool: Sequence[int]) -> list[Beam]:
        beams = self._scored(query, [Beam((), ())])
        for _ in range(self.spec.shots):
            longer = [self._longer(beam, row) for beam in beams for row in pool if row not in beam.pointer]
            grown = self._scored(query, longer)
            beams = sorted(grown, key=lambda beam: -beam.log_probs[-1])[: self.spec.info_beams]
        return beams

    def _longer(self, beam: Beam, row: int) -> Beam:
        pointer = (row, *beam.pointer) if self.spec.construct_order == "left" else (*beam.pointer, row)
        return Beam(pointer, beam.log_probs)

    def _scored(self, query: Sample, beams: Sequence[Beam]) -> list[Beam]:
        """The beams with the answer's log-probability behind them; without those that show a bad image."""
        if not beams:
            return []
        prompts = [self._prompt(query, beam) for beam in beams]
        scored = []
        for beam, answer in zip(beams, answers_in_order(self.vlm, prompts), strict=True):
            if answer.error:
                self._note(query, answer.error)
            else:
                scored.append(Beam(beam.pointer, (*beam.log_probs, *answer.log_probs)))
        return scored

    def _prompt(self, query: Sample, beam: Beam) -> Prompt:
        shown = [self.train.questions[row] for row in beam.pointer]
        return replace(build(self.spec.prompt, shown, query), references=(query.label,), decoded=False)

    def _note(self, query: Sample, error: str) -> None:
        if self.spec.strict:
            raise UserError(f"question {query.question_id}: {error}; mend it, or run without strict")
        self.left_out += 1
        self.first_error = self.first_error or error

    def _store(self, row: int) -> None:
        beams = [[list(beam.pointer), list(beam.log_probs)] for beam in self._known[row]]
        make_folder(self.run_dir)
        with (self.run_dir / FILE).open("a", encoding="utf-8") as file:
            file.write(f"\n{json.dumps({'query': row, 'beams': beams})}")


def _stored(path: Path) -> Iterator[tuple[int, list[Beam]]]:
    """What an earlier process searched; a line that a kill cut short is left out, and its query searched again."""
    for line in path.read_text(encoding="utf-8").split("\n")[1:] if path.exists() else ():
        with suppress(ValueError):
            found = json.loads(line)
            yield found["query"], [Beam(tuple(pointer), tuple(scores)) for pointer, scores in found["beams"]]
