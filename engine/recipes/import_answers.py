"""Imports answers that another program made: scores them officially, so that they can be compared question by question."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from db.rows import UNKNOWN_SHOTS, Cell, Fact, Input, Prediction, Progress, Question, Row, Subset
from db.specs import Finding, UserError, sha256_text
from db.specs.imported import ImportSpec
from engine.common.accuracy import vqa_accuracy
from engine.common.findings import warning
from engine.data.datasets import open_dataset
from engine.doctor.dataset import few_references
from engine.figures.fields import FULL_SIZE
from engine.figures.predictions import check_answers
from engine.figures.readers import read_file
from engine.figures.reading import ImportedAnswer
from engine.recipes.dataset_rows import metric_facts, question_row
from engine.recipes.inputs import file_input
from engine.recipes.run_context import RunContext
from engine.statistics.intervals import interval

SAME_SCORE = 0.005
"""Scores of one answer that differ by less are one score, rounded."""


def import_answers(spec: ImportSpec, context: RunContext) -> Iterator[Row]:
    """Rows of one run: subset, questions, scored predictions and the figure over them.

    References come from the data set where one is given, else from the file itself. Raises UserError when there are
    none, or when an answer belongs to no question of the data set.
    """
    sources = list(file_input("source", Path(spec.source), context.cache_dir))
    found = read_file(Path(spec.source))
    if not found.answers:
        raise UserError(f"{spec.source} holds figures, not answers: `leverplus import` stores those without a job")
    questions, dataset_sha = _questions(spec, found.answers, context.cache_dir)
    yield from (*sources, Input("dataset", spec.dataset or spec.source, dataset_sha))
    ids = tuple(sorted(questions))
    subset_sha = hashlib.sha256(",".join(map(str, ids)).encode()).hexdigest()
    yield from metric_facts()
    yield Fact("source_sha", sources[0].sha256)
    yield Fact("source_layout", found.layout)
    yield Subset(dataset_sha, spec.split, f"imported {len(ids)}", {"imported": spec.source}, ids, subset_sha)
    yield from questions.values()
    yield from few_references("references", [question.answers for question in questions.values()])
    yield from _scored(spec, subset_sha, found.answers, questions)


def _scored(
    spec: ImportSpec, subset_sha: str, answers: Sequence[ImportedAnswer], questions: Mapping[int, Question]
) -> Iterator[Row]:
    """Each answer's score, one figure for each number of shots, and where the file states other scores."""
    scores: dict[int, dict[int, float]] = {}
    for done, answer in enumerate(answers, start=1):
        row = _prediction(answer, questions[answer.question_id], _shot(spec, answer))
        scores.setdefault(row.shot, {})[row.question_id] = row.score
        yield row
        yield Progress(done, len(answers), "answers")
    for shot, of_shot in scores.items():
        figure = interval(list(of_shot.values()), [questions[question].image_id for question in of_shot])
        n = len(of_shot)
        yield Cell(subset_sha, shot, len(questions), n, figure.mean, figure.low, figure.high, {}, 0)
    yield from _unlike_scores(spec, answers, scores)


def _unlike_scores(
    spec: ImportSpec, answers: Sequence[ImportedAnswer], scores: Mapping[int, Mapping[int, float]]
) -> Iterator[Finding]:
    """`scores-differ`, warning: the other program scored the same answers otherwise."""
    stated = [(a.scored, scores[_shot(spec, a)][a.question_id]) for a in answers if a.scored is not None]
    unlike = sum(abs(theirs - ours) > SAME_SCORE for theirs, ours in stated)
    if unlike:
        theirs, ours = (100 * sum(pair[side] for pair in stated) / len(stated) for side in (0, 1))
        yield warning(
            "scores-differ", spec.source,
            f"{unlike} of {len(stated)} answers have another score in the file: {theirs:.2f} % there, {ours:.2f} % by the official "
            "metric, which counts here.",
            "Look how the other program cleans and scores answers before its figure is compared with others.",
        )  # fmt: skip


def _shot(spec: ImportSpec, answer: ImportedAnswer) -> int:
    told = answer.shot if spec.shot is None else spec.shot
    return UNKNOWN_SHOTS if told is None else told


def _questions(
    spec: ImportSpec, answers: Sequence[ImportedAnswer], cache_dir: Path
) -> tuple[Mapping[int, Question], str]:
    check_answers(spec.source, answers, shot=spec.shot, dataset=spec.dataset)
    bare = any(not answer.references for answer in answers)
    named_only = (
        spec.dataset in FULL_SIZE and not Path(spec.dataset).exists()
    )  # the file says whose questions these are
    if spec.dataset and (bare or not named_only):
        return _from_dataset(spec, answers, cache_dir)
    sha = sha256_text(repr([(a.question_id, a.references) for a in sorted(answers, key=lambda a: a.question_id)]))
    return {
        answer.question_id: Question(
            sha,
            spec.split,
            answer.question_id,
            _image(spec, answer),
            answer.question,
            answer.references,
            answer.references[0],
            "",
        )
        for answer in answers
    }, sha


IDS_PER_IMAGE = {"OKVQA": 10, "VQAv2": 1000}
"""Data set -> a question's number divided by this is that of its image."""


def _image(spec: ImportSpec, answer: ImportedAnswer) -> int:
    """The question's image; where nobody tells it, each question counts as one of its own."""
    return answer.image_id or answer.question_id // IDS_PER_IMAGE.get(spec.dataset, 1)


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
