"""What it is to ask about an evaluation: the job that holds its model, and one question as a person changed it."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from db.specs.base import Spec
from db.specs.evaluate import EvalSpec, PromptSpec

MOST_SHOWN = 8
"""Demonstrations of one prompt."""
LONGEST_IDLE_S = 86_400
"""Seconds that a job which nobody asks is kept at most."""
LONGEST_TEXT = 20_000
"""Letters of a question or a template: what is longer was pasted by mistake."""


class AskSpec(EvalSpec):
    """A job that holds the model and the selector of an evaluation and answers what people try; it has no result."""

    kind: Literal["ask"] = "ask"  # type: ignore[assignment]  # an evaluation's fields, for another kind of job
    """Asking."""
    run: int = Field(ge=1)
    """The evaluation that is asked about."""
    idle_s: int = Field(default=600, ge=1, le=LONGEST_IDLE_S)
    """The job ends when nobody has asked anything for so many seconds."""

    @classmethod
    def about(cls, run_id: int, evaluation: EvalSpec, **fields: int) -> AskSpec:
        """The job that is asked about an evaluation."""
        return cls(**{**evaluation.model_dump(), "kind": "ask", "run": run_id, **fields})


class TrialSpec(Spec):
    """One question of an evaluation, asked again as a person changed it."""

    question_id: int
    """The question of the evaluation; its reference answers score the answer."""
    shot: int = Field(ge=0, le=MOST_SHOWN)
    """The number of shots whose stored answer stands beside it."""
    demonstrations: tuple[int, ...] = Field(max_length=MOST_SHOWN)
    """question_ids of train questions, in prompt order."""
    question: str = Field(default="", max_length=LONGEST_TEXT)
    """Text asked in place of the question's; empty for its own."""
    image: str = Field(default="", max_length=LONGEST_TEXT)
    """Image file shown in place of the question's; empty for its own."""
    prompt: PromptSpec | None = None
    """Texts of the prompt in place of the evaluation's."""
