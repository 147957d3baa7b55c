"""VQA data sets as rows in files named after their splits: Parquet, Arrow, JSON, JSON Lines or TSV in a folder.

So the Hugging Face hub hands them out, `save_to_disk` writes them, and A-OKVQA, LAVIS and VLMEvalKit keep them. Images are
paths, URLs, bytes or base64; those inside rows are written once into the cache.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from db.specs.base import UserError, sha256_text
from engine.common.files import gate
from engine.common.files.atomic import write_bytes
from engine.common.files.gate import NotReadable, crowded
from engine.common.models.fingerprint import file_key
from engine.data import tables
from engine.data.names import renames
from engine.data.reading import DAMAGE, MOST_BYTES, read_bytes
from engine.data.rows import IMAGES, ImageFinder, Raw, sample_of
from engine.data.sample import Dataset, RepeatedIds, Sample, Split, SplitMissing
from engine.data.tables import read_table

TRAIN_NAMES = ("train", "train2014")
VAL_NAMES = ("val", "validation", "val2014", "test", "lite")  # the first that is there is evaluated
SUFFIXES = (".parquet", ".arrow", ".jsonl", ".ndjson", ".json", ".tsv")
LONGEST_FIELD = 256 << 20
"""Characters of a field of a TSV, which may hold an image."""
LONG_LINE = 1 << 20
PEEKED_ROWS, PEEKED_BYTES = 20_000, 64 << 20
"""Of a file, what is read to see whether it can be used; of a longer one the first rows."""
_HEAD = 8
_LISTS = ("data", "annotations", "rows", "questions")
_WORD = re.compile(r"[a-z]+(?:2014)?")
_OWN_FILES = ("dataset_info.json", "dataset_infos.json", "dataset_dict.json", "state.json", "config.json")
_NO_ROWS = re.compile(r"answer_?list")
"""In names of LAVIS's lists of all answers."""

Files = dict[str, list[Path]]
"""Split, as names of files speak of it -> its files."""


def find_files(root: Path) -> Files:
    """Data files in `root` and two levels below (or `root` itself), by the split that their name or folder speaks of."""
    levels = ("*", "*/*", "*/*/*")  # no deeper: it may be a home folder, given by mistake
    paths = [root] if root.is_file() else sorted(path for level in levels for path in _glob(root, level))
    found: dict[str, list[Path]] = {}
    for path in paths:
        name = split_name(path, root)
        if name and path.name not in _OWN_FILES and not _NO_ROWS.search(path.name) and _is_saved(path):
            found.setdefault(name, []).append(path)
    return {name: _without_twins(files) for name, files in found.items()}


def _glob(root: Path, level: str) -> Iterator[Path]:
    return (path for suffix in SUFFIXES for path in root.glob(level + suffix))


def split_name(path: Path, root: Path) -> str:
    """The split that a file's name, else its folder's name, speaks of; empty for none."""
    names = (path.stem, *path.relative_to(root).parent.parts[::-1], root.name) if path != root else (path.stem,)
    for name in (*names, _saved(path.parent).get("_split") or ""):
        words = _WORD.findall(str(name).lower())
        for known in (*TRAIN_NAMES, *VAL_NAMES):
            if known in words:
                return known
    return VAL_NAMES[0] if path == root and path.suffix == ".tsv" else ""  # VLMEvalKit's, which are all evaluated


def _saved(folder: Path) -> dict[str, Any]:
    """What `save_to_disk` says of a folder; empty where it did not write it."""
    state = folder / "state.json"
    if not state.is_file():
        return {}
    try:
        said = gate.read_json(state, gate.MEBIBYTE)
    except NotReadable:
        return {}
    return said if isinstance(said, dict) and isinstance(said.get("_data_files"), list) else {}


def _is_saved(path: Path) -> bool:
    """Whether a file is one of the data, where `save_to_disk` says which are: caches of `map` lie beside them."""
    files = _saved(path.parent).get("_data_files") if path.suffix == ".arrow" else None
    return not files or path.name in [one.get("filename") for one in files if isinstance(one, dict)]


def _without_twins(files: Sequence[Path]) -> list[Path]:
    """LAVIS keeps the same questions as `val` and as `val_eval`."""
    names = {path.name for path in files}
    return [path for path in files if path.name.replace("_eval", "") not in names - {path.name}]


def sought(root: Path) -> str:
    """What is looked for in a folder, in words."""
    return f"{', '.join(SUFFIXES)} files named after train or val below it"


def open_huggingface(root: Path, cache_dir: Path, images: Path | None = None) -> Dataset:
    """The data set in `root`. Raises UserError naming file, row and field, and SplitMissing where no split is found."""
    return open_files(root, find_files(root), cache_dir, images)


def open_files(root: Path, files: Files, cache_dir: Path, images: Path | None = None) -> Dataset:
    """The data set in these files of `root`, by the split that each speaks of. Raises as `open_huggingface` does."""
    return _opened(root, files, lambda split, of_split: _read_split(root, split, of_split, cache_dir, images))


def peek_huggingface(root: Path, images: Path | None = None) -> tuple[Dataset, frozenset[str]]:
    """The data set without unpacking its images, and the splits of which only the first rows were read.

    An image inside a row is stood for by its row's file. Raises UserError as `open_huggingface` does.
    """
    cut: set[str] = set()

    def read(split: str, files: Sequence[Path]) -> Split:
        finder = ImageFinder(root, split, None, images)
        found = [_peeked(path, finder) for path in files]
        samples = [sample for some, _ in found for sample in some]
        if all(whole for _, whole in found):
            return _split(root, split, files, samples)
        cut.add(split)
        return Split(split, samples)

    return _opened(root, find_files(root), read), frozenset(cut)


def _opened(root: Path, files: Files, read: Callable[[str, Sequence[Path]], Split]) -> Dataset:
    splits: dict[str, Split] = {}
    missing: dict[str, str] = {}
    for split, names in (("train", TRAIN_NAMES), ("val", VAL_NAMES)):
        name = next((name for name in names if name in files), "")
        if not name:
            way_on = "; ask it with --shot 0, or give --support DATASET for demonstrations" if split == "train" else ""
            missing[split] = (
                f"{root} has no {split} split: looked for {', '.join(SUFFIXES)} files named after {', '.join(names)}{way_on}"
            )
            continue
        try:
            splits[split] = read(split, files[name])
        except SplitMissing as error:
            missing[split] = str(error)
        except UserError as error:  # official files under other names are no rows
            error.args = (f"{error}{renames(root)}",)
            raise
    if not splits:
        raise SplitMissing(missing["val"])
    return Dataset(root.stem, splits, missing=missing, kind="huggingface")


def _read_split(root: Path, split: str, files: Sequence[Path], cache_dir: Path, images: Path | None) -> Split:
    finder = ImageFinder(root, split, cache_dir, images)
    return _split(root, split, files, [one for path in files for one in _file_samples(path, finder, cache_dir, images)])


def _split(root: Path, split: str, files: Sequence[Path], samples: Sequence[Sample]) -> Split:
    ids = [sample.question_id for sample in samples]
    if len(set(ids)) < len(ids):
        raise RepeatedIds(f"{files[0] if len(files) == 1 else root}, {split} split", ids)
    if not samples:
        raise UserError(f"{files[0]}: the {split} split has no rows")
    return Split(split, samples)


def _file_samples(path: Path, finder: ImageFinder, cache_dir: Path, images: Path | None) -> list[Sample]:
    """The file's samples; for a table with its images, which takes long to read, remembered in the cache."""
    key = file_key(path) if images is None else f"{file_key(path)}|{images}"
    notes = cache_dir / "tables" / f"{sha256_text(key)}.msgpack"
    if path.suffix in tables.SUFFIXES and (known := _recall(notes)):
        return known
    samples = list(_samples(_rows(path), finder, path))
    if path.suffix in tables.SUFFIXES:
        write_bytes(notes, msgspec.msgpack.encode(samples, enc_hook=str))
    return samples


def _samples(rows: Iterable[Raw], finder: ImageFinder, path: Path) -> Iterator[Sample]:
    return (sample_of(row, f"{path}, row {number}", finder, path) for number, row in enumerate(rows))


def _peeked(path: Path, finder: ImageFinder) -> tuple[list[Sample], bool]:
    """Questions at the start of a file, and whether they are all of them."""
    if path.suffix not in tables.SUFFIXES:
        small = gate.size_of(path) <= PEEKED_BYTES
        if not small and path.suffix == ".json":
            return [], False
        return list(_samples(_rows(path) if small else islice(_rows(path), _HEAD), finder, path)), small
    head = list(_samples(islice(_rows(path), _HEAD), finder, path))
    inside = [sample for sample in head if sample.image == path]
    rest = read_table(path, without=IMAGES if len(inside) == len(head) else ())
    if inside:  # images are in the rows, as those at the start show; to read all would take long
        rest = ({**row, "image": {"bytes": b"."}} for row in rest)
    samples = list(_samples(islice(rest, PEEKED_ROWS + 1), finder, path))
    return samples[:PEEKED_ROWS], len(samples) <= PEEKED_ROWS


def _recall(notes: Path) -> list[Sample] | None:
    try:
        samples = msgspec.msgpack.decode(
            gate.read_bytes(notes, MOST_BYTES), type=list[Sample], dec_hook=lambda kind, value: kind(value)
        )
    except (NotReadable, *DAMAGE):
        return None
    return samples if all(sample.image.is_file() for sample in samples) else None


def _rows(path: Path) -> Iterator[Raw]:
    if path.suffix in tables.SUFFIXES:
        yield from read_table(path)
    elif path.suffix == ".json":
        yield from _json_rows(path)
    elif path.suffix == ".tsv":
        yield from _tsv_rows(path)
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
    empty = True
    with gate.opened(path, MOST_BYTES) as file:
        for number, line in enumerate(file, start=1):
            line = line.removeprefix(b"\xef\xbb\xbf") if number == 1 else line
            if line.strip():
                empty = False
                if len(line) > LONG_LINE and crowded(line):
                    raise UserError(f"{path}: line {number} holds more lists and objects than any honest row")
                try:
                    yield msgspec.json.decode(line)
                except DAMAGE as error:
                    raise UserError(f"{path}: line {number} is not valid JSON ({error})") from None
    if empty:
        raise UserError(f"{path} is empty: copy or download it again")


def _tsv_rows(path: Path) -> Iterator[Raw]:
    """Rows of a table with tabs between fields, whose empty fields are left out; quoted as spreadsheets do."""
    csv.field_size_limit(LONGEST_FIELD)
    with gate.opened(path, MOST_BYTES) as file:
        table = csv.DictReader(io.TextIOWrapper(file, encoding="utf-8-sig", newline=""), delimiter="\t")
        try:
            for row in table:
                if row.pop(None, None):
                    raise UserError(f"{path}: line {table.line_num} has more fields than the first line names")
                yield {name: value for name, value in row.items() if value}
        except (csv.Error, UnicodeDecodeError) as error:
            raise UserError(f"{path}: line {table.line_num + 1} cannot be read as TSV ({error})") from None
