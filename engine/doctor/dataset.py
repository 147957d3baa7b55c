"""What is wrong with a set of questions: images that are not there, too few references, images on both sides of the split."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol

from db.specs.base import Finding, Severity
from engine.common.accuracy import vqa_accuracy
from engine.common.wording import counted

REFERENCES = 10
CHECKED = 20_000
"""Files looked for, and questions scored, per split; larger splits are sampled evenly and the finding says so."""


NAME_OF_2017 = re.compile(r"\d{12}\.jpg")


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


def asked_findings(
    split: str, questions: Sequence[QuestionLike], *, scored: bool = True, shown: bool = True, checked: int = CHECKED
) -> list[Finding]:
    """What a job is told of its questions before it begins: images that are not there (where they are `shown`), and how
    high a score can be (where answers are `scored`). Without any image it is an error."""
    subject = "images" if scored else f"{split} images"
    looks = [_missing_images(subject, questions, checked), _names_of_2017(subject, questions)] if shown else []
    looks += [few_references(f"{split} questions", [q.answers for q in questions])] if scored else []
    return [finding for look in looks for finding in look]


def missing_images(subject: str, looked_for: Sequence[Path], note: str = "") -> Finding | None:
    """Images that are not where they should be; `note` says how they were picked."""
    missing = [path for path in looked_for if not path.is_file()]
    if not missing:
        return None
    none = len(missing) == len(looked_for)
    many = (
        f"None of the {len(looked_for):,} images is"
        if none
        else f"{len(missing):,} of {len(looked_for):,} images are not"
    )
    return _finding(
        "images-missing",
        "error" if none else "warning",
        subject,
        f"{many} there{note}: looked for {missing[0]}.",
        "Put the images there, give --images FOLDER, or set COCO_PATH to the folder that holds val2014 or val2017"
        + ("." if none else "; questions without an image are flagged and not scored."),
    )


def _finding(code: str, severity: Severity, subject: str, message: str, fix: str) -> Finding:
    return Finding(code=code, severity=severity, subject=subject, message=message, fix=fix)


def _missing_images(subject: str, questions: Sequence[QuestionLike], checked: int = CHECKED) -> Iterator[Finding]:
    images = list(dict.fromkeys(question.image for question in questions))
    step = -(-len(images) // checked) or 1
    found = missing_images(subject, images[::step], "" if step == 1 else f" (one in {step} was looked for)")
    if found:
        yield found


def _names_of_2017(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    """Worth knowing where the folder says otherwise: the same picture has the same number in both downloads."""
    renamed = {
        q.image for q in questions if NAME_OF_2017.fullmatch(q.image.name) and q.image.parent.name.endswith("2014")
    }
    if renamed:
        first = min(renamed)
        yield _finding(
            "images-named-2017",
            "info",
            subject,
            f"Images with names of COCO 2017: {len(renamed):,}, such as {first.name} in {first.parent}. None of them is missing: "
            "each is taken for the one of 2014 with the same number.",
            "",
        )


def _duplicate_ids(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    repeated = [i for i, count in Counter(q.question_id for q in questions).items() if count > 1]
    if repeated:
        yield _finding(
            "duplicate-ids",
            "error",
            subject,
            f"Question ids that occur more than once: {len(repeated):,}, such as {repeated[0]}.",
            "Remove the repeats from the questions file: answers are stored and compared by question id.",
        )


def few_references(subject: str, references: Sequence[Sequence[str]]) -> Iterator[Finding]:
    """How high a score can be where some questions, given by their reference answers, have fewer than ten."""
    few = [answers for answers in references if len(answers) < REFERENCES]
    if few:
        judged = few[:: -(-len(few) // CHECKED)]
        highest = sum(map(highest_score, judged)) / len(judged)
        least, most = (of(map(len, few)) for of in (min, max))
        yield _finding(
            "references-few",
            "warning",
            subject,
            f"{len(few):,} of {len(references):,} questions have fewer than ten reference answers "
            f"({least if least == most else f'{least} to {most}'}); the VQA score leaves one out in turn, so the highest "
            f"reachable score on them is {100 * highest:.1f} %.",
            "Give ten reference answers for each question (one that all agree on ten times), or read every figure against "
            "this ceiling.",
        )


def highest_score(references: Sequence[str]) -> float:
    """The best VQA accuracy (0..1) that any answer can have against these references."""
    return max((vqa_accuracy(answer, references) for answer in dict.fromkeys(references)), default=0.0)


def _references_few(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    return few_references(subject, [question.answers for question in questions])


def _answers_over_ten(subject: str, questions: Sequence[QuestionLike]) -> Iterator[Finding]:
    odd = [q for q in questions if len(q.answers) > REFERENCES]
    if odd:
        yield _finding(
            "answers-not-ten",
            "warning",
            subject,
            f"{len(odd):,} of {len(questions):,} questions have more than ten reference answers, such as question "
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
            f"Images that are in train and in val: {len(shared):,}, under {counted(questions, 'val question')}, such as "
            f"{min(shared)}; a demonstration may show the very image that is asked about.",
            "Evaluate with --set exclude_same_image=true, or remove the questions.",
        )


CHECKS: tuple[Callable[[str, Sequence[QuestionLike], Sequence[QuestionLike]], Iterator[Finding]], ...] = (
    _shared_images,
)
"""What is asked of a whole data set: (name, train, val) -> findings."""
SPLIT_CHECKS: tuple[Callable[[str, Sequence[QuestionLike]], Iterator[Finding]], ...] = (
    _missing_images,
    _duplicate_ids,
    _references_few,
    _answers_over_ten,
)
"""What is asked of each split: (name and split, questions) -> findings."""
