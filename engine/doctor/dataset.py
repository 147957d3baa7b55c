"""What is wrong with a set of questions: images that are not there, answers that are not ten, images on both sides of the split."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from db.specs.base import Finding, Severity

REFERENCES = 10
IMAGES_CHECKED = 20_000
"""Files looked for per split; larger splits are sampled evenly and the finding says so."""


class QuestionLike(Protocol):
    """What is read of a question."""

    @property
    def question_id(self) -> int: ...
    @property
    def image_id(self) -> int: ...
    @property
    def answers(self) -> tuple[str, ...]: ...
    @property
    def image(self) -> Path: ...


def dataset_facts(train: Sequence[QuestionLike], val: Sequence[QuestionLike]) -> dict[str, Any]:
    """Counts of questions and distinct images of both splits, and of images that are in both."""
    images = {name: {q.image_id for q in split} for name, split in (("train", train), ("val", val))}
    return {
        "train": len(train),
        "val": len(val),
        "train_images": len(images["train"]),
        "val_images": len(images["val"]),
        "images_shared": len(images["train"] & images["val"]),
    }


def dataset_findings(name: str, train: Sequence[QuestionLike], val: Sequence[QuestionLike]) -> list[Finding]:
    """Everything wrong with a data set of the two splits; empty when nothing is. Files are looked for, not opened."""
    findings = [finding for check in CHECKS for finding in check(name, train, val)]
    for split, questions in (("train", train), ("val", val)):
        findings += [finding for check in SPLIT_CHECKS for finding in check(f"{name} {split}", questions)]
    return findings


def _finding(code: str, severity: Severity, subject: str, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=severity, subject=subject, message=message, fix=fix)


def _missing_images(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    step = max(1, len(questions) // IMAGES_CHECKED)
    looked_for = questions[::step]
    missing = [q for q in looked_for if not q.image.is_file()]
    if missing:
        every = "" if step == 1 else f" (one in {step} was looked for)"
        yield _finding(
            "images-missing",
            "error" if len(missing) == len(looked_for) else "warning",
            subject,
            f"{len(missing):,} of {len(looked_for):,} images are not there{every}, such as {missing[0].image}.",
            "Set the image root right or copy the images; questions without an image are flagged and not scored.",
        )


def _duplicate_ids(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    repeated = [i for i, count in Counter(q.question_id for q in questions).items() if count > 1]
    if repeated:
        yield _finding(
            "duplicate-ids",
            "error",
            subject,
            f"{len(repeated):,} question ids occur more than once, such as {repeated[0]}.",
            "Remove the repeats from the questions file: answers are stored and compared by question id.",
        )


def _answers_not_ten(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    odd = [q for q in questions if len(q.answers) != REFERENCES]
    if odd:
        yield _finding(
            "answers-not-ten",
            "warning",
            subject,
            f"{len(odd):,} of {len(questions):,} questions do not have ten reference answers, such as question "
            f"{odd[0].question_id} with {len(odd[0].answers)}; the VQA score is defined over ten.",
            "Check the annotation file; figures over these questions are not comparable with published ones.",
        )


def _shared_images(name: str, train: Sequence[QuestionLike], val: Sequence[QuestionLike]) -> Iterator[Finding]:
    shared = {q.image_id for q in train} & {q.image_id for q in val}
    if shared:
        questions = sum(q.image_id in shared for q in val)
        yield _finding(
            "images-shared",
            "warning",
            name,
            f"{len(shared):,} images are in train and in val ({questions:,} val questions), such as {min(shared)}: a "
            "demonstration may show the very image that is asked about.",
            "Evaluate with --set exclude_same_image=true, or remove the questions.",
        )


CHECKS: tuple[Callable[[str, Sequence[QuestionLike], Sequence[QuestionLike]], Iterator[Finding]], ...] = (
    _shared_images,
)
"""What is asked of a whole data set: (name, train, val) -> findings."""
SPLIT_CHECKS: tuple[Callable[[str, Sequence[QuestionLike]], Iterator[Finding]], ...] = (
    _missing_images,
    _duplicate_ids,
    _answers_not_ten,
)
"""What is asked of each split: (name and split, questions) -> findings."""
