"""The recipe of the job that is asked about an evaluation: it holds the model, and answers what people try, one by one.

It opens what the evaluation opened and computes as that did. What it yields of an answer is a note; nothing of it enters
a figure, a run's answers, or the answers that runs share.
"""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path
from typing import Any

import msgspec

from db.rows import Fact, Progress, Row, Settle, TrialReply
from db.specs.ask import AskSpec, TrialSpec
from db.specs.base import UserError
from engine.common.accuracy import clean_answer, vqa_accuracy
from engine.data.sample import Sample
from engine.demonstrations.choose import Prepared, prepare
from engine.demonstrations.preferences import Preference, pick_order, preferences, vectors_of
from engine.recipes.answering_model import model_facts, open_answering_model, server_facts
from engine.recipes.dataset_rows import QuestionRows
from engine.recipes.evaluation_plan import EvaluationPlan, facts_of, inputs_of, planned
from engine.recipes.run_context import RunContext
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import VLM, Answer, answers_in_order

LOOK_S = 0.1
"""From one look for a request to the next."""
READY = "waits for questions"
"""What the progress says while nobody asks."""
UNIT = "answers"


def ask(spec: AskSpec, context: RunContext) -> Iterator[Row]:
    """Answer requests in order until nobody asks for `idle_s` seconds, or none is left who could. Raises UserError where
    the evaluation's model or data cannot be opened; what is wrong with a request is its own answer."""
    plan = planned(spec, context)
    yield from inputs_of(plan, context)
    yield from facts_of(plan)
    yield Progress(0, 0, UNIT, note=f"loads {spec.vlm}")
    vlm = open_answering_model(spec, context.cache_dir)
    yield from server_facts(vlm)
    yield from (Fact(name, value) for name, value in model_facts(vlm).items())
    yield from vlm.findings()
    prepared = yield from _prepared(plan, vlm, context.cache_dir)
    yield from _Desk(plan, vlm, prepared, spec.idle_s, context).rows()


def _prepared(plan: EvaluationPlan, vlm: VLM, cache_dir: Path) -> Generator[Row, None, Prepared | None]:
    if plan.retriever == "zero-shot" or not any(plan.shots):
        return None
    return (
        yield from prepare(plan.spec, plan.retriever, plan.shots, plan.questions, plan.train, vlm, cache_dir=cache_dir)
    )


@dataclass
class _Desk:
    """Where requests are answered."""

    plan: EvaluationPlan
    vlm: VLM
    prepared: Prepared | None
    idle_s: int
    context: RunContext
    done: int = 0

    def __post_init__(self) -> None:
        self._places = {question.question_id: at for at, question in enumerate(self.plan.questions)}
        self._told = QuestionRows(self.plan.support.sha)

    def rows(self) -> Iterator[Row]:
        """Answers as they are asked for; `Settle` lets a stop in while nobody asks."""
        yield self._progress()
        asked_s = time.monotonic()
        while True:
            request = self.context.trials.next()
            if request is not None:
                yield from self._answered(*request)
                yield self._progress()
                asked_s = time.monotonic()
                continue
            if time.monotonic() - asked_s > self.idle_s or not self.context.trials.wanted():
                return
            yield Settle()
            time.sleep(LOOK_S)

    def _progress(self) -> Progress:
        return Progress(self.done, 0, UNIT, note=READY)

    def _answered(self, trial: int, request: TrialSpec) -> Iterator[Row]:
        begin = time.monotonic()
        try:
            asked = self._asked(request)
            answer = answers_in_order(self.vlm, [asked.prompt])[0]
            picks = self._preferences(asked)
        except (UserError, RuntimeError, MemoryError) as error:  # torch's own are RuntimeErrors, no memory among them
            yield _refused(trial, error, time.monotonic() - begin)
            return
        told = [*asked.demonstrations, *self._named(picks)]
        yield from self._told.new("train", told)
        self.done += 1
        yield self._reply(trial, asked, answer, time.monotonic() - begin, picks)

    def _asked(self, request: TrialSpec) -> _Asked:
        """Raises UserError for what is not there."""
        at = self._places.get(request.question_id)
        if at is None:
            raise UserError(f"question {request.question_id} is none of this evaluation's questions")
        train = self.plan.support.train
        unknown = [one for one in request.demonstrations if one not in train.index_of]
        if unknown:
            raise UserError(f"demonstration {unknown[0]} is no train question of {self.plan.support.name}")
        rows = tuple(train.index_of[one] for one in request.demonstrations)
        stored = self.plan.questions[at]
        changes: dict[str, Any] = {"question": request.question} if request.question else {}
        if request.image:
            changes["image"] = Path(request.image)
        query = msgspec.structs.replace(stored, **changes)
        shown = [train.questions[row] for row in rows]
        prompt = build(request.prompt or self.plan.spec.prompt, shown, query)
        return _Asked(at, query, query != stored, rows, shown, replace(prompt, references=(stored.label,)))

    def _preferences(self, asked: _Asked) -> list[dict[str, Any]]:
        """JSON values; `of` is the demonstration that a pick is about, null for the one that would be next."""
        if self.prepared is None:
            said = f"{self.plan.retriever} at {max(self.plan.shots)} shots picks nothing"
            return [self._as_json(None, Preference("", said=said))]
        spec, retriever = self.plan.spec, self.plan.retriever
        picks = pick_order(asked.rows, spec, retriever, asked.query)
        vectors = vectors_of(self.prepared, retriever, asked.query) if asked.edited else None
        found = preferences(self.prepared, retriever, asked.at, picks, vectors)
        return [self._as_json(row, one) for row, one in zip_longest(picks[: len(found) - 1], found)]

    def _as_json(self, row: int | None, one: Preference) -> dict[str, Any]:
        """With question ids in place of train indices; STOP is null."""
        ids = self.plan.support.train.ids
        picked = None if one.picked is None else list(one.picked[1:])
        best = [[ids[at] if at >= 0 else None, value] for at, value in one.best]
        of = None if row is None else ids[row]
        return {"of": of, "measure": one.measure, "best": best, "pool": one.pool, "picked": picked, "said": one.said}

    def _named(self, picks: Sequence[Mapping[str, Any]]) -> list[Sample]:
        """The candidates that are told of, whose texts are to be shown."""
        train = self.plan.support.train
        ids = dict.fromkeys(one for pick in picks for one, _ in pick["best"] if one is not None)
        return [train.questions[train.index_of[one]] for one in ids]

    def _reply(
        self, trial: int, asked: _Asked, answer: Answer, seconds: float, picks: Sequence[Mapping[str, Any]]
    ) -> TrialReply:
        cleaned = "" if answer.error else clean_answer(answer.raw)
        return TrialReply(
            trial=trial,
            raw=answer.raw,
            answer=cleaned,
            score=None if answer.error else vqa_accuracy(cleaned, asked.query.answers),
            cut=answer.cut,
            log_prob=answer.log_probs[0] if answer.log_probs else None,
            seconds=seconds,
            prompt_sha=asked.prompt.sha,
            request_sha=self.vlm.request_sha(asked.prompt),
            error=answer.error,
            reasoning=answer.reasoning,
            picks=tuple(picks),
        )


@dataclass(frozen=True)
class _Asked:
    """A request with everything that it names."""

    at: int
    """Position of its question among the evaluation's."""
    query: Sample
    edited: bool
    """The question or its image is another one than the evaluation's."""
    rows: tuple[int, ...]
    """Train indices of the demonstrations, in prompt order."""
    demonstrations: list[Sample]
    prompt: Prompt


def _refused(trial: int, error: Exception, seconds: float) -> TrialReply:
    """No answer, in a sentence."""
    first = (str(error).strip().splitlines() or [type(error).__name__])[0]
    return TrialReply(trial, "", "", None, False, None, seconds, "", "", first, "", ())
