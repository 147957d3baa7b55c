"""Imports answers that another program made: scores them officially, so that they can be compared question by question."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from db.rows import UNKNOWN_SHOTS, Cell, Fact, Input, Prediction, Progress, Question, Row, Subset
from db.specs import UserError, sha256_text
from db.specs.imported import ImportSpec
from engine.common.accuracy import vqa_accuracy
from engine.data.datasets import open_dataset
from engine.doctor.dataset import few_references
from engine.figures.result_files import ImportedAnswer, read_result_file
from engine.recipes.dataset_rows import metric_facts, question_row
from engine.recipes.inputs import file_input
from engine.recipes.run_context import RunContext
from engine.statistics.intervals import interval


def import_answers(spec: ImportSpec, context: RunContext) -> Iterator[Row]:
    """Rows of one run: subset, questions, scored predictions and the figure over them.

    References come from the data set where one is given, else from the file itself. Raises UserError when there are
    none, or when an answer belongs to no question of the data set.
    """
    sources = list(file_input("source", Path(spec.source), context.cache_dir))
    found = read_result_file(Path(spec.source))
    if not found.answers:
        raise UserError(f"{spec.source} holds figures, not answers: `leverplus import` stores those without a job")
    questions, dataset_sha = _questions(spec, found.answers, context.cache_dir)
    yield from (*sources, Input("dataset", spec.dataset or spec.source, dataset_sha))
    ids = tuple(sorted(questions))
    subset_sha = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    shot = UNKNOWN_SHOTS if spec.shot is None else spec.shot
    yield from metric_facts()
    yield Fact("source_sha", sources[0].sha256)
    yield Subset(dataset_sha, spec.split, f"imported {len(ids)}", {"imported": spec.source}, ids, subset_sha)
    yield from questions.values()
    yield from few_references("references", [question.answers for question in questions.values()])
    scores = []
    for done, answer in enumerate(found.answers, start=1):
        row = _prediction(answer, questions[answer.question_id], shot)
        scores.append(row.score)
        yield row
        yield Progress(done, len(found.answers), "answers")
    images = [questions[answer.question_id].image_id for answer in found.answers]
    figure = interval(scores, images)
    yield Cell(subset_sha, shot, len(ids), len(ids), figure.mean, figure.low, figure.high, {}, 0)


def _questions(
    spec: ImportSpec, answers: Sequence[ImportedAnswer], cache_dir: Path
) -> tuple[Mapping[int, Question], str]:
    doubled = len(answers) - len({answer.question_id for answer in answers})
    if doubled:
        raise UserError(f"{spec.source} answers {doubled} questions more than once: keep one answer for each")
    if spec.dataset:
        return _from_dataset(spec, answers, cache_dir)
    bare = [answer.question_id for answer in answers if not answer.references]
    if bare:
        raise UserError(
            f"{spec.source} has no reference answers (question {bare[0]}): give the data set with --dataset"
        )
    sha = sha256_text(repr([(a.question_id, a.references) for a in sorted(answers, key=lambda a: a.question_id)]))
    return {
        answer.question_id: Question(
            sha,
            spec.split,
            answer.question_id,
            answer.image_id,
            answer.question,
            answer.references,
            answer.references[0],
            "",
        )
        for answer in answers
    }, sha


def _from_dataset(
    spec: ImportSpec, answers: Sequence[ImportedAnswer], cache_dir: Path
) -> tuple[Mapping[int, Question], str]:
    dataset = open_dataset(spec.dataset, cache_dir=cache_dir)
    split = dataset.train if spec.split == "train" else dataset.val
    known = {sample.question_id: sample for sample in split.questions}
    stray = [answer.question_id for answer in answers if answer.question_id not in known]
    if stray:
        raise UserError(f"{spec.source} answers question {stray[0]}, which {spec.dataset} ({spec.split}) does not have")
    sha = dataset.sha
    return {answer.question_id: question_row(known[answer.question_id], sha, spec.split) for answer in answers}, sha


def _prediction(answer: ImportedAnswer, question: Question, shot: int) -> Prediction:
    """The answer counts as it stands: it was post-processed where it was made. `reused`, because no model said it here."""
    request = sha256_text(f"import:{question.dataset_sha}:{answer.question_id}:{answer.raw}")
    score = vqa_accuracy(answer.raw, question.answers)
    return Prediction(
        answer.question_id,
        shot,
        (),
        "",
        request,
        answer.raw,
        answer.raw,
        score,
        cut=False,
        reused=True,
        error="",
        source=None,
        reasoning="",
    )
