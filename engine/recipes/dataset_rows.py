"""What a recipe tells of the data set it asks about: facts, and each question that an answer refers to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from db.rows import Fact, Question
from db.specs.base import Finding, UserError, sha256_text
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.accuracy import METRIC
from engine.data.datasets import Dataset
from engine.data.sample import Sample
from engine.demo.shipped import SYNTHETIC_NOTE, is_synthetic
from engine.doctor.dataset import asked_findings


def dataset_facts(spec: EvalSpec | GenerateSpec, dataset: Dataset) -> Iterator[Fact]:
    """Data set, prompt and metric, and a note where something is synthetic."""
    yield Fact("dataset", dataset.name)
    yield Fact("dataset_kind", dataset.kind)
    yield Fact("dataset_sha", dataset.sha)
    yield Fact("prompt_sha", spec.prompt.sha())
    yield from metric_facts()
    if is_synthetic(spec.dataset, spec.vlm):
        yield Fact("synthetic", SYNTHETIC_NOTE)


def metric_facts() -> Iterator[Fact]:
    """How answers are scored: figures of unlike metrics are not compared."""
    yield Fact("metric", METRIC)
    yield Fact("metric_sha", sha256_text(METRIC))


class NoAnswers(UserError):
    """Not one question was answered, so there is no figure."""

    code = "no-answers"
    exit_code = 1


def usable(split: str, questions: Sequence[Sample], *, scored: bool = True) -> Iterator[Finding]:
    """What is to be said of questions before a model is loaded for them. Raises UserError where no image is there."""
    for finding in asked_findings(split, questions, scored=scored):
        if finding.severity == "error":
            raise UserError(f"{finding.message.rstrip('.')}; {finding.fix}")
        yield finding


def question_row(sample: Sample, dataset_sha: str, split: str) -> Question:
    """The row of one question."""
    return Question(
        dataset_sha=dataset_sha,
        split=split,
        question_id=sample.question_id,
        image_id=sample.image_id,
        question=sample.question,
        answers=sample.answers,
        label=sample.label,
        image=str(sample.image),
    )


class QuestionRows:
    """Rows of the questions that a run refers to, each once."""

    def __init__(self, dataset_sha: str) -> None:
        self._dataset_sha = dataset_sha
        self._told: set[tuple[str, int]] = set()

    def new(self, split: str, samples: Iterable[Sample]) -> Iterator[Question]:
        """Those of `samples` that no earlier call was about."""
        for sample in samples:
            if (split, sample.question_id) not in self._told:
                self._told.add((split, sample.question_id))
                yield question_row(sample, self._dataset_sha, split)
