"""What is about to be asked: the stored request of an evaluation with a person's changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from db.specs import PromptSpec, TrialSpec
from db.specs.ask import MOST_SHOWN
from db.store import PredictionRow


@dataclass(frozen=True)
class Draft:
    """A request that can still be changed; places count from 0, in prompt order."""

    stored: PredictionRow
    prompt_of_run: PromptSpec
    demonstrations: tuple[int, ...]
    question: str = ""
    image: str = ""
    prompt: PromptSpec | None = None

    @classmethod
    def of(cls, stored: PredictionRow, prompt: PromptSpec) -> Draft:
        """Nothing is changed yet."""
        return cls(stored, prompt, stored.demonstrations)

    def as_tried(self, request: TrialSpec) -> Draft:
        """What was asked before."""
        return replace(
            self,
            demonstrations=request.demonstrations,
            question=request.question,
            image=request.image,
            prompt=request.prompt,
        )

    def moved(self, place: int, step: int) -> Draft:
        """A demonstration one place up or down; unchanged at the ends."""
        order, to = list(self.demonstrations), place + step
        if not (0 <= place < len(order) and 0 <= to < len(order)):
            return self
        order[place], order[to] = order[to], order[place]
        return replace(self, demonstrations=tuple(order))

    def without(self, place: int) -> Draft:
        """A demonstration less."""
        return replace(self, demonstrations=self.demonstrations[:place] + self.demonstrations[place + 1 :])

    def put(self, place: int, question_id: int) -> Draft:
        """A train question in place of the demonstration that stands there, or behind the last one where none does."""
        order = list(self.demonstrations)
        order[place : place + 1] = [question_id]
        return replace(self, demonstrations=tuple(order[:MOST_SHOWN]))

    def asked(self, text: str) -> Draft:
        """Another question; the stored one, or nothing, is no change."""
        return replace(self, question="" if text == self.stored.question else text)

    def shown(self, image: str) -> Draft:
        """Another image; the stored one, or nothing, is no change."""
        return replace(self, image="" if image == self.stored.image else image)

    def prompted(self, prompt: PromptSpec) -> Draft:
        """Other texts around it."""
        return replace(self, prompt=None if prompt == self.prompt_of_run else prompt)

    @property
    def is_full(self) -> bool:
        """No further demonstration fits."""
        return len(self.demonstrations) == MOST_SHOWN

    def request(self) -> TrialSpec:
        """What is asked."""
        return TrialSpec(
            question_id=self.stored.question_id, shot=self.stored.shot, demonstrations=self.demonstrations,
            question=self.question, image=self.image, prompt=self.prompt,
        )  # fmt: skip


def changes(request: TrialSpec, stored: Sequence[int]) -> str:
    """What a request changes, in words; `stored` are the demonstrations of the evaluation."""
    found = []
    if request.demonstrations != tuple(stored):
        found.append(
            "order" if sorted(request.demonstrations) == sorted(stored) else f"{len(request.demonstrations)} shown"
        )
    found += ["question"] if request.question else []
    found += ["image"] if request.image else []
    found += ["prompt"] if request.prompt is not None else []
    return ", ".join(found) or "nothing"
