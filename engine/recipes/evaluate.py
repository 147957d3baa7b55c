"""The recipe that evaluates: each question with its demonstrations is asked, answered, scored, and yielded at once."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass

from db.rows import Cell, Fact, Prediction, Progress, Question, Row, Settle
from db.specs.base import Finding, UserError
from db.specs.evaluate import EvalSpec
from engine.common.accuracy import clean_answer, vqa_accuracy
from engine.data.datasets import Sample
from engine.demonstrations.choose import Chosen, choose
from engine.recipes.answering_model import (
    changed_facts,
    model_facts,
    open_answering_model,
    server_facts,
    takes_answers_of_other_runs,
)
from engine.recipes.cached_answers import CachedAnswers, Reply
from engine.recipes.dataset_rows import QuestionRows, usable
from engine.recipes.engine_watch import EngineWatch
from engine.recipes.evaluation_plan import EvaluationPlan, facts_of, inputs_of, planned
from engine.recipes.run_context import RunContext
from engine.recipes.running_accuracy import RunningAccuracy
from engine.recipes.used_images import UsedImages
from engine.vlm.opening import is_server
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import VLM

REQUESTS_AT_ONCE = 512
"""Requests looked up in the store together."""
CELLS_EVERY_S = 2.0
CELLS_SHARE = 0.05
"""Largest share of time spent on figures that will be replaced."""

Place = tuple[int, int]
"""(position among the questions, shots asked for)."""


def evaluate(spec: EvalSpec, context: RunContext) -> Iterator[Row]:
    """Evaluate `spec`: facts, subsets, questions, then predictions as they come, cells, and findings at the end.

    What `context` knows to be answered is not asked again but counts in the cells. Raises UserError for the user's
    fault; a missing image is a flagged question, with `spec.strict` an error.
    """
    plan = planned(spec, context)
    yield from inputs_of(plan, context)
    yield from facts_of(plan)
    yield from _fewer_shots(plan)
    yield from plan.subsets
    yield from usable(spec.split, plan.questions)
    yield from usable("train", plan.train.questions, scored=False)
    vlm = open_answering_model(spec, context.cache_dir)
    yield from server_facts(vlm)
    yield from (Fact(name, value) for name, value in model_facts(vlm).items())
    yield from vlm.findings()
    chosen = yield from choose(
        spec, plan.retriever, plan.shots, plan.questions, plan.train, vlm, cache_dir=context.cache_dir
    )
    yield from _Run(plan, context, vlm, chosen).rows()


def _fewer_shots(plan: EvaluationPlan) -> Iterator[Finding]:
    if plan.retriever == "zero-shot" and any(plan.spec.shots):
        yield Finding(
            code="shots-truncated",
            severity="info",
            subject="zero-shot",
            message=f"zero-shot shows no demonstrations, so 0 shots were evaluated in place of {max(plan.spec.shots)}",
            fix="give --shot 0 with --retriever zero-shot, or choose another retriever",
        )


@dataclass
class _Run:
    """The asking itself."""

    plan: EvaluationPlan
    context: RunContext
    vlm: VLM
    chosen: Chosen
    done: int = 0

    def __post_init__(self) -> None:
        self._question_rows = QuestionRows(self.plan.dataset.sha)
        other = self.plan.support is not self.plan.dataset
        self._shown_rows = QuestionRows(self.plan.support.sha) if other else self._question_rows
        self._watch = EngineWatch(self.vlm)

    def rows(self) -> Generator[Row, None, None]:
        """Questions, predictions, progress and cells; then the last cells and the findings."""
        figures = RunningAccuracy(self.plan.questions, self.plan.subsets, self.plan.shots, self.chosen)
        served = is_server(self.plan.spec.vlm)
        shared = takes_answers_of_other_runs(self.plan.spec)
        answers = CachedAnswers(self.vlm, self.context, at_once=self.vlm.at_once, shared=shared)
        open_places = self._skip_answered(figures)
        used = self._used_images()
        facts = model_facts(self.vlm)
        clock = _Clock(figures.cells)
        yield self._progress()
        block_size = max(REQUESTS_AT_ONCE, self.vlm.at_once)
        for start in range(0, len(open_places), block_size):
            block = open_places[start : start + block_size]
            requests = [(place, self._prompt(place)) for place in block]
            used.compare(prompt for _, prompt in requests)
            yield from self._questions(block)
            for replies in answers.ask(requests):
                yield from (self._prediction(reply, figures) for reply in replies)
                self.done += len(replies)
                yield self._progress()
                yield from clock.due()
                yield from self._watch.due(self.done)
                if served:
                    yield Settle()  # stored before the next request is sent, so that a kill loses only what is in flight
        yield from self._watch.last(self.done)
        yield from changed_facts(facts, self.vlm)
        yield from figures.cells()
        yield from figures.summary(self.plan.retriever, answers.tokens_needed())

    def _skip_answered(self, figures: RunningAccuracy) -> list[Place]:
        """What is still to be asked, all shots of a question together; what was answered before goes into the figures."""
        places: list[Place] = []
        for at, question in enumerate(self.plan.questions):
            for shot in self.plan.shots:
                key = question.question_id, shot
                if key in self.context.answered:
                    known = self.context.answered[key]
                    figures.record(at, shot, known.score, empty=known.empty, cut=known.cut)
                    self.done += 1
                else:
                    places.append((at, shot))
        return places

    def _used_images(self) -> UsedImages[Place]:
        """Those of the answers that are stored already."""
        places = {question.question_id: at for at, question in enumerate(self.plan.questions)}
        stored = {
            (places[question_id], shot): known.prompt_sha
            for (question_id, shot), known in self.context.answered.items()
            if known.prompt_sha and question_id in places and shot in self.plan.shots
        }
        return UsedImages(self.context.run_dir.name, stored, self._prompt, lambda prompt: prompt.sha)

    def _progress(self) -> Progress:
        total = len(self.plan.questions) * len(self.plan.shots)
        return Progress(self.done, total, unit="answers", note=self._watch.note)

    def _demonstrations(self, place: Place) -> list[Sample]:
        return [self.plan.train.questions[row] for row in self.chosen[place[1]][place[0]]]

    def _prompt(self, place: Place) -> Prompt:
        return build(self.plan.spec.prompt, self._demonstrations(place), self.plan.questions[place[0]])

    def _questions(self, block: Sequence[Place]) -> Iterator[Question]:
        """The questions that the block refers to and no earlier one did."""
        for place in block:
            yield from self._question_rows.new(self.plan.spec.split, [self.plan.questions[place[0]]])
            yield from self._shown_rows.new("train", self._demonstrations(place))

    def _prediction(self, reply: Reply[Place], figures: RunningAccuracy) -> Prediction:
        at, shot = reply.key
        question = self.plan.questions[at]
        if reply.error and self.plan.spec.strict:
            raise UserError(f"question {question.question_id}: {reply.error}; mend it, or run without strict")
        answer = clean_answer(reply.raw)
        score = 0.0 if reply.error else vqa_accuracy(answer, question.answers)
        if reply.error:
            figures.record_error(at, shot, reply.error, silent=reply.silent)
        else:
            figures.record(at, shot, score, empty=not answer.strip(), cut=reply.cut)
        return Prediction(
            question_id=question.question_id,
            shot=shot,
            demonstrations=tuple(sample.question_id for sample in self._demonstrations(reply.key)),
            prompt_sha=reply.prompt_sha,
            request_sha=reply.request_sha,
            raw=reply.raw,
            answer=answer,
            score=score,
            cut=reply.cut,
            reused=reply.reused,
            error=reply.error,
            source=reply.source,
            reasoning=reply.reasoning,
        )


class _Clock:
    """Says when intermediate cells are due: every few seconds, less often where they take long."""

    def __init__(self, cells: Callable[[], list[Cell]]) -> None:
        self._cells = cells
        self._next = time.monotonic() + CELLS_EVERY_S

    def due(self) -> Iterator[Cell]:
        """Cells, if it is time."""
        begin = time.monotonic()
        if begin >= self._next:
            yield from self._cells()
            spent = time.monotonic() - begin
            self._next = time.monotonic() + max(CELLS_EVERY_S, spent / CELLS_SHARE)
