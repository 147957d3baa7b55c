"""OKVQA and VQAv2 in their official files: a questions file and an annotations file per split, COCO 2014 images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import msgspec

from db.specs.base import UserError
from engine.data.coco import CocoImages
from engine.data.reading import read_json
from engine.data.sample import Dataset, RepeatedIds, Sample, Split, SplitMissing, most_frequent

SPLITS = ("train", "val")
KINDS = {"": "okvqa", "v2_": "vqav2"}
PIECES, PIECE_BYTES = 16, 16_384
"""Of a questions file, what is read to see whether its images are there."""
_IMAGE_ID = re.compile(rb'"image_id"\s*:\s*"?(\d{1,18})(?=[^\d])')
FOLDERS = (".", "annotations", "questions", "Annotations", "Questions")


class QuestionRow(msgspec.Struct, gc=False):
    """An entry of a questions file."""

    question_id: int
    image_id: int
    question: str


class AnswerRow(msgspec.Struct, gc=False):
    """One annotator's answer; `answer` is the processed form, the one that is scored."""

    answer: str


class AnnotationRow(msgspec.Struct, gc=False):
    """An entry of an annotations file."""

    question_id: int
    answers: list[AnswerRow]
    image_id: int | None = None
    multiple_choice_answer: str | None = None
    question_type: str = ""


Row = TypeVar("Row", QuestionRow, AnnotationRow)


class QuestionsFile(msgspec.Struct):
    """A questions file; what is not needed is skipped while reading."""

    questions: list[QuestionRow]


class AnnotationsFile(msgspec.Struct):
    """An annotations file; OKVQA maps its question types to readable names."""

    annotations: list[AnnotationRow]
    question_types: dict[str, str] = {}


@dataclass(frozen=True)
class Pair:
    """The two files of a split."""

    questions: Path
    annotations: Path


def file_names(prefix: str, split: str) -> tuple[str, str]:
    """Names of the questions and the annotations file; the prefix is `v2_` for VQAv2 and empty for OKVQA."""
    return f"{prefix}OpenEnded_mscoco_{split}2014_questions.json", f"{prefix}mscoco_{split}2014_annotations.json"


def is_official(root: Path) -> bool:
    """Whether the path is a folder that holds any file with an official name."""
    return root.is_dir() and bool(_prefixes(root))


def data_files(root: Path) -> list[Path]:
    """The questions and annotations files that are there."""
    found = (_find_file(root, name) for prefix in KINDS for name in _all_names(prefix))
    return [path for path in found if path is not None]


def sought(root: Path) -> str:
    """What was looked for in a folder, in words."""
    questions, annotations = file_names("", "val")
    places = ", ".join(str(root / folder) for folder in FOLDERS)
    return f"{questions} and {annotations} (VQAv2 with the prefix v2_) in {places}"


def open_official(root: Path, name: str = "") -> Dataset:
    """The data set in `root`. A split without any file, or without an image folder, is left out if the other is there.

    Raises UserError for half a split, both data sets in one folder, no split at all, and malformed files.
    """
    prefixes = _prefixes(root)
    if len(prefixes) != 1:
        raise UserError(f"{root} holds files of OKVQA and of VQAv2 (prefix v2_): keep each data set in its own folder")
    kind = KINDS[prefixes[0]]
    splits: dict[str, Split] = {}
    missing: dict[str, str] = {}
    for split in SPLITS:
        try:
            splits[split] = read_split(root, split, _find_pair(root, prefixes[0], split))
        except SplitMissing as error:
            missing[split] = str(error)
    if not splits:
        raise UserError(missing["val"])
    return Dataset(name or kind, splits, missing=missing, kind=kind)


def read_split(root: Path, split: str, pair: Pair) -> Split:
    """Join questions and annotations by question_id. Raises UserError naming file, question id and field."""
    questions = read_json(pair.questions, QuestionsFile).questions
    annotated = read_json(pair.annotations, AnnotationsFile)
    if not questions:
        raise UserError(f"{pair.questions}: the list `questions` is empty")
    rows = _by_id(annotated.annotations, pair.annotations)
    asked = _by_id(questions, pair.questions)
    _check_join(pair, asked, rows)
    wanted = sorted({one.image_id for one in questions})
    found = CocoImages(root, split, wanted)
    # One path per image, not per question: making paths is half the time of reading VQAv2.
    images = {image_id: found.path(image_id) for image_id in wanted}
    types = annotated.question_types
    return Split(split, [_sample(one, rows[one.question_id], images[one.image_id], types) for one in questions])


def sampled_images(root: Path, split: str) -> list[Path]:
    """Where some images of a split should be, told by pieces of its questions file, however large that is.

    Raises UserError as `open_official` does where files or image folders are missing.
    """
    pair = _find_pair(root, _prefixes(root)[0], split)
    ids = sorted(set(_sampled_ids(pair.questions)))
    found = CocoImages(root, split, ids)
    return [found.path(image_id) for image_id in ids]


def _sampled_ids(path: Path) -> Iterator[int]:
    """Image ids in evenly spaced pieces of a file."""
    with path.open("rb") as file:
        size = file.seek(0, 2)
        for piece in range(PIECES):
            file.seek(piece * size // PIECES)
            # The last number of a piece may be cut, so one that ends it is no match.
            yield from (int(found[1]) for found in _IMAGE_ID.finditer(file.read(PIECE_BYTES)))


def _sample(asked: QuestionRow, annotated: AnnotationRow, image: Path, types: Mapping[str, str]) -> Sample:
    answers = tuple(row.answer for row in annotated.answers)
    return Sample(
        question_id=asked.question_id,
        image_id=asked.image_id,
        question=asked.question,
        answers=answers,
        label=annotated.multiple_choice_answer or most_frequent(answers),
        image=image,
        question_type=types.get(annotated.question_type, annotated.question_type),
    )


def _by_id(rows: Sequence[Row], path: Path) -> dict[int, Row]:
    found = {row.question_id: row for row in rows}
    if len(found) < len(rows):
        raise RepeatedIds(str(path), (row.question_id for row in rows))
    return found


def _check_join(pair: Pair, asked: Mapping[int, QuestionRow], rows: Mapping[int, AnnotationRow]) -> None:
    for row in rows.values():
        one = asked.get(row.question_id)
        if one is None:
            raise UserError(f"{pair.annotations}: question_id {row.question_id} is not in {pair.questions}")
        if row.image_id is not None and row.image_id != one.image_id:
            raise UserError(
                f"{pair.annotations}: image_id {row.image_id} of question_id {row.question_id} "
                f"differs from {one.image_id} in {pair.questions}"
            )
        if not row.answers:
            raise UserError(f"{pair.annotations}: the list `answers` of question_id {row.question_id} is empty")
    if len(asked) > len(rows):
        alone = next(question_id for question_id in asked if question_id not in rows)
        raise UserError(f"{pair.questions}: question_id {alone} has no entry in {pair.annotations}")


def _prefixes(root: Path) -> list[str]:
    return [prefix for prefix in KINDS if any(_find_file(root, name) for name in _all_names(prefix))]


def _all_names(prefix: str) -> list[str]:
    return [name for split in SPLITS for name in file_names(prefix, split)]


def _find_file(root: Path, name: str) -> Path | None:
    return next((path for folder in FOLDERS if (path := root / folder / name).is_file()), None)


def _find_pair(root: Path, prefix: str, split: str) -> Pair:
    """The split's files. Raises SplitMissing where there is none, UserError where only one is there."""
    names = file_names(prefix, split)
    questions, annotations = (_find_file(root, name) for name in names)
    if questions and annotations:
        return Pair(questions, annotations)
    lacking = [name for name, path in zip(names, (questions, annotations), strict=True) if path is None]
    looked = ", ".join(str(root / folder / name) for name in lacking for folder in FOLDERS)
    sentence = f"{root} lacks {' and '.join(lacking)} ({KINDS[prefix]}, {split} split): looked for {looked}"
    raise UserError(sentence) if len(lacking) == 1 else SplitMissing(sentence)
