"""VQA data sets in the layouts that the Hugging Face hub hands out: Parquet, Arrow, JSON or JSON Lines in a folder.

Field names vary between copies; images are paths, bytes or base64. Embedded images are written once into the cache.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from db.specs.base import UserError, sha256_text
from engine.common import gate
from engine.common.atomic import write_bytes
from engine.common.fingerprint import file_key
from engine.common.gate import NotReadable, crowded
from engine.data.coco import CocoImages
from engine.data.embedded import embedded_bytes, keep_image
from engine.data.reading import DAMAGE, MOST_BYTES, read_bytes
from engine.data.sample import Dataset, RepeatedIds, Sample, Split, SplitMissing, most_frequent
from engine.data.tables import read_table

TRAIN_NAMES = ("train", "train2014")
VAL_NAMES = ("val", "validation", "val2014", "test", "lite")  # the first that is there is evaluated
SUFFIXES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".json")
_TABLES = (".parquet", ".arrow")
_LISTS = ("data", "annotations", "rows", "questions")
_WORD = re.compile(r"[a-z]+(?:2014)?")
_DIGITS = re.compile(r"(\d+)\.\w+$")
_OWN_FILES = ("dataset_info.json", "dataset_infos.json", "state.json", "config.json")

Raw = Mapping[str, Any]


def find_files(root: Path) -> dict[str, list[Path]]:
    """Data files in `root` and two levels below (or `root` itself), by the split that their name or folder speaks of."""
    levels = ("*", "*/*", "*/*/*")  # no deeper: it may be a home folder, given by mistake
    paths = [root] if root.is_file() else sorted(path for level in levels for path in _glob(root, level))
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = split_name(path, root)
        if name and path.name not in _OWN_FILES:
            found.setdefault(name, []).append(path)
    return found


def _glob(root: Path, level: str) -> Iterator[Path]:
    return (path for suffix in SUFFIXES for path in root.glob(level + suffix))


def split_name(path: Path, root: Path) -> str:
    """The split that a file's name, else its folder's name, speaks of; empty for none."""
    names = (path.stem, *path.relative_to(root).parent.parts[::-1], root.name) if path != root else (path.stem,)
    for name in names:
        words = _WORD.findall(name.lower())
        for known in (*TRAIN_NAMES, *VAL_NAMES):
            if known in words:
                return known
    return ""


def sought(root: Path) -> str:
    """What is looked for in a folder, in words."""
    return f"{', '.join(SUFFIXES)} files named after train or val below it"


def open_huggingface(root: Path, cache_dir: Path) -> Dataset:
    """The data set in `root`. Raises UserError naming file, row and field, and SplitMissing where no split is found."""
    files = find_files(root)
    splits: dict[str, Split] = {}
    missing: dict[str, str] = {}
    for split, names in (("train", TRAIN_NAMES), ("val", VAL_NAMES)):
        name = next((name for name in names if name in files), "")
        if not name:
            missing[split] = (
                f"{root} has no {split} split: looked for {', '.join(SUFFIXES)} files named after {', '.join(names)}"
            )
            continue
        try:
            splits[split] = _read_split(root, split, files[name], cache_dir)
        except SplitMissing as error:
            missing[split] = str(error)
    if not splits:
        raise SplitMissing(missing["val"])
    return Dataset(root.stem, splits, missing=missing, kind="huggingface")


def _read_split(root: Path, split: str, files: Sequence[Path], cache_dir: Path) -> Split:
    finder = ImageFinder(root, split, cache_dir)
    samples = [sample for path in files for sample in _file_samples(path, finder, cache_dir)]
    ids = [sample.question_id for sample in samples]
    if len(set(ids)) < len(ids):
        raise RepeatedIds(f"{files[0] if len(files) == 1 else root}, {split} split", ids)
    if not samples:
        raise UserError(f"{files[0]}: the {split} split has no rows")
    return Split(split, samples)


def _file_samples(path: Path, finder: ImageFinder, cache_dir: Path) -> list[Sample]:
    """The file's samples; for a table with its images, which takes long to read, remembered in the cache."""
    notes = cache_dir / "tables" / f"{_file_key(path)}.msgpack"
    if path.suffix in _TABLES and (known := _recall(notes)):
        return known
    samples = [_sample(row, f"{path}, row {number}", finder, path) for number, row in enumerate(_rows(path))]
    if path.suffix in _TABLES:
        write_bytes(notes, msgspec.msgpack.encode(samples, enc_hook=str))
    return samples


def _file_key(path: Path) -> str:
    return sha256_text(file_key(path))


def _recall(notes: Path) -> list[Sample] | None:
    try:
        samples = msgspec.msgpack.decode(
            gate.read_bytes(notes, MOST_BYTES), type=list[Sample], dec_hook=lambda kind, value: kind(value)
        )
    except (NotReadable, *DAMAGE):
        return None
    return samples if all(sample.image.is_file() for sample in samples) else None


def _rows(path: Path) -> Iterator[Raw]:
    if path.suffix in _TABLES:
        yield from read_table(path)
    elif path.suffix == ".json":
        yield from _json_rows(path)
    else:
        yield from _json_lines(path)


def _json_rows(path: Path) -> Iterator[Raw]:
    content = read_bytes(path)
    if crowded(content):
        raise UserError(
            f"{path} holds more lists and objects than any honest file: check that it is the file that you mean"
        )
    try:
        value = msgspec.json.decode(content)
    except DAMAGE as error:
        if b"\n{" in content:  # JSON Lines under the name .json, as some copies have it
            yield from _json_lines(path)
            return
        raise UserError(f"{path} is not valid JSON ({error}): copy or download it again") from None
    if isinstance(value, dict):
        value = next((value[name] for name in _LISTS if isinstance(value.get(name), list)), None)
    if not isinstance(value, list):
        raise UserError(f"{path} holds no list of rows: expected a list, or an object with {' or '.join(_LISTS)}")
    for row in value:
        nested = row.get("row") if isinstance(row, dict) else None
        yield nested if isinstance(nested, dict) else row


def _json_lines(path: Path) -> Iterator[Raw]:
    for number, line in enumerate(read_bytes(path).splitlines(), start=1):
        if line.strip():
            try:
                yield msgspec.json.decode(line)
            except DAMAGE as error:
                raise UserError(f"{path}: line {number} is not valid JSON ({error})") from None


def _sample(row: Raw, place: str, finder: ImageFinder, path: Path) -> Sample:
    if not isinstance(row, dict):
        raise UserError(f"{place}: expected an object with fields, found {type(row).__name__}")
    question_id = _integer(row, ("question_id", "id", "questionId"), place)
    place = f"{path}: question_id {question_id}"
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


def _integer(row: Raw, names: Sequence[str], place: str) -> int:
    for name in names:
        value = row.get(name)
        if isinstance(value, int) and not isinstance(value, bool):
            return value
        if isinstance(value, str) and value.strip().isdecimal():
            return int(value)
        if value is not None:
            raise UserError(f"{place}: field `{name}` must be a whole number, not {value!r}")
    raise UserError(f"{place}: field `{names[0]}` is missing (also looked for {', '.join(names[1:])})")


def _answers(row: Raw, place: str) -> tuple[str, ...]:
    """Reference answers: strings, objects with `answer`, or an object of lists (a flattened column)."""
    value = next((row[name] for name in ("answers", "answers_original") if row.get(name)), None)
    if isinstance(value, dict):
        value = value.get("answer")
    if not isinstance(value, list) or not value:
        raise UserError(f"{place}: field `answers` is missing or empty")
    answers = [one.get("answer") if isinstance(one, dict) else one for one in value]
    texts = tuple(one for one in answers if isinstance(one, str))
    if len(texts) < len(answers):
        raise UserError(f"{place}: field `answers` must hold texts, or objects with `answer`")
    return texts


class ImageFinder:
    """Turns the image fields of a row into an image id and a path."""

    def __init__(self, root: Path, split: str, cache_dir: Path) -> None:
        self._root = root if root.is_dir() else root.parent
        self._split = split
        self._cache = cache_dir
        self._coco: CocoImages | None = None

    def find(self, row: Raw, place: str, file: Path) -> tuple[int, Path]:
        """(image_id, path). The COCO file of `image_id` is meant where there is no image field. Raises UserError."""
        named = any(row.get(name) is not None for name in ("image_id", "id_image"))
        image_id = _integer(row, ("image_id", "id_image"), place) if named else None
        path = self._path(row, place, file)
        if path is None:
            if image_id is None:
                raise UserError(f"{place}: no field `image`, `image_path`, `file_name` or `image_id` says which image")
            return image_id, self._coco_path(image_id)
        return self._id_of(path) if image_id is None else image_id, path

    def _path(self, row: Raw, place: str, file: Path) -> Path | None:
        value = next((row[name] for name in ("image", "image_path", "file_name") if row.get(name)), None)
        if value is None:
            return None
        content = embedded_bytes(value)
        if content:
            return keep_image(content, self._cache)
        name = value.get("path") if isinstance(value, dict) else value
        if not isinstance(name, str) or not name:
            raise UserError(f"{place}: field `image` holds neither bytes, base64 nor a path")
        candidates = [base / name for base in (file.parent, self._root, self._root / "images")]
        return next((path for path in candidates if path.is_file()), candidates[0])

    def _coco_path(self, image_id: int) -> Path:
        if self._coco is None:
            self._coco = CocoImages(self._root, self._split, [image_id], one_place=False)
        return self._coco.path(image_id)

    def _id_of(self, path: Path) -> int:
        """An image id where none is given: the number that ends the file name, else a hash of the content's name."""
        digits = _DIGITS.search(path.name)
        if digits and len(digits[1]) <= 18 and not path.is_relative_to(self._cache / "images"):
            return int(digits[1])
        return int.from_bytes(hashlib.sha256(path.name.encode()).digest()[:6], "big")
