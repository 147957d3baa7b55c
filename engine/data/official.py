"""OKVQA and VQAv2 in their official files: a questions file and an annotations file per split, COCO 2014 images."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec

from db.specs.base import UserError
from engine.common.files.gate import read_head
from engine.data.coco import CocoImages
from engine.data.names import FOLDERS, KINDS, ROLES, SPLITS, Official, official_files, renames
from engine.data.reading import read_json
from engine.data.sample import Dataset, RepeatedIds, Sample, Split, SplitMissing, most_frequent

PIECES, PIECE_BYTES = 16, 16_384
"""Of a questions file, what is read to see whether its images are there."""
DESCRIPTION_BYTES = 4096
_IMAGE_ID = re.compile(rb'"image_id"\s*:\s*"?(\d{1,18})(?=[^\d])')


Id = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that the database can hold."""


class QuestionRow(msgspec.Struct, gc=False):
    """An entry of a questions file."""

    question_id: Id
    image_id: Id
    question: str


class AnswerRow(msgspec.Struct, gc=False):
    """One annotator's answer; `answer` is the processed form, the one that is scored."""

    answer: str


class AnnotationRow(msgspec.Struct, gc=False):
    """An entry of an annotations file."""

    question_id: Id
    answers: list[AnswerRow]
    image_id: Id | None = None
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


def is_official(root: Path) -> bool:
    """Whether the path is a folder that holds any file with an official name."""
    return root.is_dir() and bool(official_files(root))


def data_files(root: Path) -> list[Path]:
    """The questions and annotations files that are there."""
    return list(official_files(root).values())


def sought(root: Path) -> str:
    """What was looked for in a folder, in words."""
    questions, annotations = (Official("", "val", role).name for role in ROLES)
    places = ", ".join(str(root / folder) for folder in FOLDERS)
    return f"{questions} and {annotations} (VQAv2 with the prefix v2_) in {places}"


def open_official(root: Path, name: str = "", images: Path | None = None) -> Dataset:
    """The data set in `root`. A split without any file, or without an image folder, is left out if the other is there.

    `images`: a folder where they are looked for first.
    Raises UserError for half a split, both data sets in one folder, no split at all, and malformed files.
    """
    files = official_files(root)
    prefixes = {one.prefix for one in files}
    if len(prefixes) != 1:
        raise UserError(f"{root} holds files of OKVQA and of VQAv2 (prefix v2_): keep each data set in its own folder")
    kind = "okvqa" if any(map(_says_okvqa, files.values())) else KINDS[prefixes.pop()]
    splits: dict[str, Split] = {}
    missing: dict[str, str] = {}
    for split in SPLITS:
        try:
            splits[split] = read_split(root, split, _find_pair(root, split), images)
        except SplitMissing as error:
            missing[split] = str(error)
    if not splits:
        raise UserError(missing["val"])
    return Dataset(name or kind, splits, missing=missing, kind=kind)


def read_split(root: Path, split: str, pair: Pair, images: Path | None = None) -> Split:
    """Join questions and annotations by question_id. Raises UserError naming file, question id and field."""
    questions = read_json(pair.questions, QuestionsFile).questions
    annotated = read_json(pair.annotations, AnnotationsFile)
    if not questions:
        raise UserError(f"{pair.questions}: the list `questions` is empty")
    rows = _by_id(annotated.annotations, pair.annotations)
    asked = _by_id(questions, pair.questions)
    _check_join(pair, asked, rows)
    wanted = sorted({one.image_id for one in questions})
    found = CocoImages(root, split, wanted, images=images)
    # One path per image, not per question: making paths is half the time of reading VQAv2.
    paths = {image_id: found.path(image_id) for image_id in wanted}
    types = annotated.question_types
    return Split(split, [_sample(one, rows[one.question_id], paths[one.image_id], types) for one in questions])


def sampled_images(root: Path, split: str, images: Path | None = None) -> list[Path]:
    """Where some images of a split should be, told by pieces of its questions file, however large that is.

    Raises UserError as `open_official` does where files or image folders are missing.
    """
    pair = _find_pair(root, split)
    ids = sorted(set(_sampled_ids(pair.questions)))
    found = CocoImages(root, split, ids, images=images)
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


def _says_okvqa(path: Path) -> bool:
    """Copies of OK-VQA with `v2_` in their names are told by the description at their beginning."""
    return b"OK-VQA" in read_head(path, DESCRIPTION_BYTES)


def _find_pair(root: Path, split: str) -> Pair:
    """The split's files. Raises SplitMissing where there is none, UserError where only one is there."""
    files = official_files(root)
    prefix = next((one.prefix for one in files), "")
    wanted = [Official(prefix, split, role) for role in ROLES]
    questions, annotations = map(files.get, wanted)
    if questions and annotations:
        return Pair(questions, annotations)
    lacking = [one.name for one in wanted if one not in files]
    looked = ", ".join(str(root / folder / name) for name in lacking for folder in FOLDERS)
    sentence = (
        f"{root} lacks {' and '.join(lacking)} ({KINDS[prefix]}, {split} split): looked for {looked}{renames(root)}"
    )
    raise UserError(sentence) if len(lacking) == 1 else SplitMissing(sentence)
