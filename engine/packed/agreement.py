"""How far prompts that are read in fp8 lead to other answers: equal answers, and distances of scores to float32 for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from torch import Tensor

from engine.packed.counts import Counts
from engine.packed.engine import Ask, Engine
from engine.packed.model.language import Stack
from engine.packed.model.other_precisions import in_float32
from engine.packed.prefixes import Path


@dataclass(frozen=True)
class Agreement:
    """Answers and scores of some prompts, read in fp8 and as the model is stored."""

    prompts: int
    """Answered in both ways."""
    equal: int
    """Of these, with equal tokens."""
    scored: int
    """Whose scores of the first token were held against float32."""
    distance: float
    """Of the stored precision's scores: the mean over prompts of the 2-norm over the vocabulary, relative."""
    distance_fp8: float


def agreement(engine: Engine, fp8: Stack, prompts: Sequence[Path], scored: int) -> Agreement:
    """Of prompts, the scores of the first `scored` of them too. Its work counts nowhere, and the engine reads as before."""
    scored = min(scored, len(prompts))
    trial = _apart(engine)
    some = prompts[:scored]
    tokens = sum(len(segment) for prompt in some for segment in prompt)
    exact = replace(trial, language=in_float32(engine.language, tokens)).logits(some)
    reading = engine.language.reading
    answers: list[list[tuple[int, ...]]] = []
    distances: list[float] = []
    try:
        for stack in (engine.language.own, fp8):
            engine.language.reading = stack
            answers.append(_answers(trial, prompts))
            distances.append(_distance(trial.logits(some), exact))
    finally:
        engine.language.reading = reading
    equal = sum(ours == theirs for ours, theirs in zip(*answers, strict=True))
    return Agreement(len(prompts), equal, scored, *distances)


def _apart(engine: Engine) -> Engine:
    """The same engine with counts of its own."""
    features = replace(engine.features, encoded=0, from_disk=0, operations=0.0)
    return replace(engine, features=features, counts=Counts())


def _answers(engine: Engine, prompts: Sequence[Path]) -> list[tuple[int, ...]]:
    found = {}
    for replies in engine.answer([Ask(prompt) for prompt in prompts], lambda: True):
        found.update(replies)
    for reply in found.values():
        if reply.problem is not None:
            raise reply.problem
    return [found[at].tokens for at in range(len(prompts))]


def _distance(scores: Tensor, exact: Tensor) -> float:
    return float(((scores - exact).norm(dim=-1) / exact.norm(dim=-1)).mean())
