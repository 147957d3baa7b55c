"""One row of somebody's file as a question: which fields hold id, question, answers and image, whatever they are called.

Copies of the hub, A-OKVQA, LAVIS and VLMEvalKit name the same things differently. Images are never fetched: a URL is taken
for the path at its end.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from db.specs.base import UserError
from engine.data.coco import CocoImages
from engine.data.embedded import embedded_bytes, keep_image
from engine.data.sample import Sample, SplitMissing, most_frequent

QUESTION_IDS = ("question_id", "id", "questionId", "index")
IMAGE_IDS = ("image_id", "id_image")
ANSWERS = ("answers", "answers_original", "direct_answers", "answer")
IMAGES = ("image", "image_path", "file_name", "image_url", "coco_url")
CHOICES = ("choices", "A")
"""Fields of multiple choice, whose `answer` is a letter or a number."""
LARGEST_ID, LONGEST_ID = 2**63, 18
"""What the database holds as a whole number, and digits that are always below it."""
LONGEST_PART, LONGEST_PATH = 255, 4096
LONGEST_LIST = 10_000
"""Characters of a list that stands in a field as text."""
_DIGITS = re.compile(r"(\d+)\.\w+$")
_COCO_NAME = re.compile(r"(?:^|[/_])(\d{12})\.jpg$")

Raw = Mapping[str, Any]


def sample_of(row: Raw, place: str, finder: ImageFinder, path: Path) -> Sample:
    """The question in a row of the file `path`; `place` says where it stands. Raises UserError naming the field."""
    if not isinstance(row, dict):
        raise UserError(f"{place}: expected an object with fields, found {type(row).__name__}")
    question_id = _id(row, QUESTION_IDS, place)
    place = f"{path}: question_id {_named(row, QUESTION_IDS)}"
    question = row.get("question")
    if not isinstance(question, str):
        raise UserError(f"{place}: field `question` is missing or no text")
    answers = _answers(row, place)
    image_id, image = finder.find(row, place, path)
    label = row.get("multiple_choice_answer")
    return Sample(
        question_id=question_id,
        image_id=image_id,
        question=question,
        answers=answers,
        label=label if isinstance(label, str) and label else most_frequent(answers),
        image=image,
        question_type=str(row.get("question_type") or ""),
    )


def _named(row: Raw, names: Sequence[str]) -> object:
    return next((row[name] for name in names if row.get(name) is not None), None)


def _id(row: Raw, names: Sequence[str], place: str) -> int:
    """A whole number, also where it is written as text. Other texts, such as A-OKVQA's, become a number of their own."""
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < LARGEST_ID:
            return value
        if isinstance(value, str) and value.strip().isdecimal() and len(value) <= LONGEST_ID:
            return int(value)
        if isinstance(value, str) and value.strip():
            return _number_of(value.strip())
        if value is not None:
            raise UserError(f"{place}: field `{name}` must be a whole number or a text, not {repr(value)[:200]}")
    raise UserError(f"{place}: field `{names[0]}` is missing (also looked for {', '.join(names[1:])})")


def _number_of(text: str) -> int:
    """48 bits of a text's hash, the same on every machine; beyond any id that is a number, and exact in JSON."""
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:6], "big")


def _answers(row: Raw, place: str) -> tuple[str, ...]:
    """Reference answers: texts, objects with `answer`, an object of lists (a flattened column), or a list as text."""
    name = next((name for name in ANSWERS if row.get(name)), "")
    value = row.get(name)
    if name == "answer" and any(row.get(choice) is not None for choice in CHOICES):
        value = None
    if isinstance(value, dict):
        value = value.get("answer")
    if isinstance(value, str):
        value = _listed(value) or ([value] if name == "answer" else None)
    if not isinstance(value, list) or not value:
        raise UserError(f"{place}: {_without_answers(row)}")
    answers = [one.get("answer") if isinstance(one, dict) else one for one in value]
    texts = tuple(one for one in answers if isinstance(one, str))
    if len(texts) < len(answers):
        raise UserError(f"{place}: field `{name}` must hold texts, or objects with `answer`")
    return texts


def _listed(text: str) -> list[Any] | None:
    """A list written as text, as spreadsheets and some hub copies keep it; none where it is no list."""
    if not text.lstrip().startswith("[") or len(text) > LONGEST_LIST:
        return None
    try:
        value = ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return None
    return value if isinstance(value, list) else None


def _without_answers(row: Raw) -> str:
    if any(row.get(choice) is not None for choice in CHOICES):
        return (
            "it is a multiple-choice question without direct answers (test splits have none); give a split with the field "
            "`direct_answers` or `answers`"
        )
    return f"field `answers` is missing or empty (also looked for {', '.join(ANSWERS[1:])})"


class ImageFinder:
    """Turns the image fields of a row into an image id and a path."""

    def __init__(self, root: Path, split: str, cache_dir: Path | None, images: Path | None = None) -> None:
        """`images`: a folder to look in first. Without a cache to unpack it to, an image inside a row is its row's file."""
        self._root = root if root.is_dir() else root.parent
        self._split = split
        self._cache = cache_dir
        self._images = images
        self._bases = list(self._places())
        self._coco: CocoImages | None = None
        self._at_index: dict[str, Path] = {}

    def find(self, row: Raw, place: str, file: Path) -> tuple[int, Path]:
        """(image_id, path). The COCO file of `image_id` is meant where there is no image field. Raises UserError."""
        named = any(row.get(name) is not None for name in IMAGE_IDS)
        image_id = _id(row, IMAGE_IDS, place) if named else None
        value = _named(row, [name for name in IMAGES if row.get(name)])
        if value is not None:
            path = self._path(value, row, place, file)
            return self._id_of(path) if image_id is None else image_id, path
        if image_id is None:
            raise UserError(f"{place}: no field {', '.join(IMAGES)} or `image_id` says which image")
        return image_id, self._coco_images(image_id).path(image_id)

    def _path(self, value: Any, row: Raw, place: str, file: Path) -> Path:
        """VLMEvalKit writes an image once; in later rows stands the index of the row that has it."""
        if isinstance(value, str) and value in self._at_index:
            return self._at_index[value]
        content = embedded_bytes(value)
        name = _first_listed(value.get("path") if isinstance(value, dict) else value)
        if not content and not _is_path(name):
            raise UserError(f"{place}: field `image` holds neither bytes, base64 nor a path")
        if not content:
            path = self._located(str(name), file)
        elif self._cache is not None:
            path = keep_image(content, self._cache)
        else:
            path = file
        if "index" in row:
            self._at_index[str(row["index"])] = path
        return path

    def _places(self) -> Iterator[Path]:
        """Folders that a path may begin in; LAVIS keeps COCO beside its data sets."""
        root, coco = self._root, os.environ.get("COCO_PATH")
        yield from (root, root / "images", root / "coco" / "images")
        yield from (above / "images" for above in (root.parent, root.parent / "coco", root.parent.parent / "coco"))
        if coco:
            yield Path(coco).expanduser()

    def _located(self, name: str, file: Path) -> Path:
        """Where the file lies that is named; for one that is nowhere, where it was looked for first."""
        whole, *ends = _endings(name)
        is_url = "://" in name
        places = [self._images / end for end in (whole, *ends)] if self._images else []
        places += [
            base / end for base in (file.parent, *self._bases) for end in ((whole, *ends) if is_url else (whole,))
        ]
        found = next((path for path in places if path.is_file()), None)
        return found or self._by_number((whole, *ends)[-1]) or places[0]

    def _by_number(self, name: str) -> Path | None:
        """An image of COCO by the number in its name, wherever this machine keeps COCO."""
        number = _COCO_NAME.search(name)
        if number is None:
            return None
        with suppress(SplitMissing):
            path = self._coco_images(int(number[1])).path(int(number[1]))
            return path if path.is_file() else None
        return None

    def _coco_images(self, image_id: int) -> CocoImages:
        if self._coco is None:
            self._coco = CocoImages(self._root, self._split, [image_id], images=self._images, one_place=False)
        return self._coco

    def _id_of(self, path: Path) -> int:
        """An image id where none is given: the number that ends the file name, else a hash of the content's name."""
        digits = _DIGITS.search(path.name)
        unpacked = self._cache is not None and path.is_relative_to(self._cache / "images")
        if digits and len(digits[1]) <= LONGEST_ID and not unpacked:
            return int(digits[1])
        return _number_of(path.name)


def _is_path(name: Any) -> bool:
    """Whether a value can be the path of a file: the system refuses to look for longer ones."""
    if not isinstance(name, str) or not name or "\0" in name:
        return False
    try:
        return all(len(os.fsencode(part)) <= LONGEST_PART for part in Path(name).parts) and len(name) < LONGEST_PATH
    except UnicodeEncodeError:
        return False


def _first_listed(name: Any) -> Any:
    """The first of several paths, which some tables keep as a list."""
    value = (_listed(name) or name) if isinstance(name, str) else name
    return value[0] if isinstance(value, list) and value else value


def _endings(name: str) -> list[str]:
    """A path, or that of a URL; its last two parts; its last one. Each once."""
    if "://" in name:
        name = unquote(urlsplit(name).path).lstrip("/")
    parts = Path(name).parts
    return list(dict.fromkeys([name, str(Path(*parts[-2:])), parts[-1] if parts else name]))
