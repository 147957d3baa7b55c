"""Which question a train row is: the train split of a data set as rows in the cache, so that pointers can be shown.

`python -m engine.rl.index.train_questions DATASET FILE` writes them in a process of its own: a large split takes seconds.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import sqlite3
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from db.specs.base import UserError
from engine.common.files.atomic import replacing
from engine.demo.shipped import WORLDS
from engine.rl.index.query_rows import QueryRow
from engine.rl.reading.index_place import FOLDER

if TYPE_CHECKING:
    from engine.data.sample import Sample

AGREEING = 0.95
"""Share of compared queries whose question id and words must be those of the data set's row."""
COMPARED = 400
_PAGE = 500


@dataclass(frozen=True, slots=True)
class TrainRow:
    """One question of a train split."""

    row: int
    question_id: int
    image_id: int
    question: str
    label: str
    answers: tuple[str, ...]
    image: str
    """Path of the image; '' where it is not known."""


class TrainRows:
    """The train split of one data set, read by row."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def read(self, rows: Iterable[int]) -> dict[int, TrainRow]:
        """Rows that exist, by row."""
        wanted = sorted(set(rows))
        found: dict[int, TrainRow] = {}
        with closing(sqlite3.connect(f"file:{self.file.absolute().as_posix()}?mode=ro", uri=True)) as file:
            for first in range(0, len(wanted), _PAGE):
                part = wanted[first : first + _PAGE]
                sql = f"SELECT * FROM train WHERE row IN ({','.join('?' * len(part))})"
                for row, question_id, image_id, question, label, answers, image in file.execute(sql, part):
                    told = tuple(json.loads(answers))
                    found[row] = TrainRow(row, question_id, image_id, question, label, told, image)
        return found

    def agrees(self, queries: Sequence[QueryRow]) -> bool:
        """Whether these queries, as far as they say their question id, are rows of this data set, also by their words."""
        described = [query for query in queries if query.question_id is not None][:COMPARED]
        if not described:
            return False
        rows = self.read(query.query_id for query in described)
        same = sum(1 for query in described if query.query_id in rows and _is_row(query, rows[query.query_id]))
        return same >= AGREEING * len(described)


def _is_row(query: QueryRow, row: TrainRow) -> bool:
    return row.question_id == query.question_id and query.question.strip() in ("", row.question.strip())


def rows_file(dataset: str, identity: str, cache: Path) -> Path:
    """Where the rows of a data set lie; another content (`identity`, of the built-in world its recipe) gets another file."""
    if dataset in WORLDS:
        # 60 ms (Pillow) that the terminal needs for the built-in world only
        from engine.demo.world import world_identity

        identity = json.dumps(world_identity(generator=WORLDS[dataset]), sort_keys=True)
    key = hashlib.sha256(f"{dataset} {identity}".encode()).hexdigest()[:24]
    return cache / FOLDER / f"train-{key}.sqlite"


def write_train_rows(dataset: str, file: Path, cache: Path) -> None:
    """Write the train split of a data set (`builtin`, or a folder) to `file`. UserError where there is none."""
    # 25 ms that only the process that writes the rows needs
    from engine.data.datasets import open_dataset

    split = open_dataset(dataset, cache_dir=cache).train
    with replacing(file) as draft, closing(sqlite3.connect(draft, isolation_level=None)) as out:
        out.execute("PRAGMA journal_mode = OFF")
        out.execute("BEGIN")
        out.execute(
            "CREATE TABLE train (row INTEGER PRIMARY KEY, question_id INTEGER, image_id INTEGER, question TEXT, "
            "label TEXT, answers TEXT, image TEXT)"
        )
        out.executemany("INSERT INTO train VALUES (?, ?, ?, ?, ?, ?, ?)", _told(split.questions))
        out.execute("COMMIT")


def _told(questions: Iterable[Sample]) -> Iterator[tuple[object, ...]]:
    for row, one in enumerate(questions):
        yield row, one.question_id, one.image_id, one.question, one.label, json.dumps(one.answers), str(one.image)


def main(arguments: list[str] | None = None) -> int:
    """Write the rows; 0 when it is done, 2 with one sentence when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m engine.rl.index.train_questions", description=__doc__)
    parser.add_argument("dataset")
    parser.add_argument("file", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    asked = parser.parse_args(arguments)
    try:
        write_train_rows(asked.dataset, asked.file, asked.cache)
    except UserError as error:
        with suppress(OSError):
            os.write(1, json.dumps({"error": str(error)}).encode() + b"\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
