"""Browses an indexed RL file: filters and sorts all queries, gives pages of rows, and reads one query from the file itself.

Columns stay in memory (about 100 bytes a query); candidates are decoded from the file when a query is opened.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable, Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from db.specs.base import Finding, UserError
from engine.rl.index import filters
from engine.rl.index.query_detail import read_query
from engine.rl.index.query_rows import CLASSES, Mark, QueryDetail, QueryRow
from engine.rl.index.summary import ABSENT_ID, TextColumn
from engine.rl.reading.index_place import Stamp, side_file, stamp
from engine.rl.reading.pointer_spaces import Bools, Ints


class Browse:
    """One indexed file. Every method may be called from any thread, one at a time."""

    def __init__(self, side: Path) -> None:
        self.side = side
        try:
            self._facts: dict[str, Any] = {name: json.loads(value) for name, value in self._read("SELECT * FROM fact")}
            self._numbers: dict[str, NDArray[np.generic]] = {}
            for name, dtype, data in self._read("SELECT * FROM piece WHERE name GLOB 'number.*'"):
                self._numbers[name.removeprefix("number.")] = np.frombuffer(data, np.dtype(dtype))
            self._question = self._text("question")
        except (sqlite3.Error, ValueError, TypeError) as error:
            raise UserError(
                f"{side}: the index is damaged ({error}); remove it, and opening the file makes it anew"
            ) from None
        self._folded: dict[str, TextColumn] = {}
        self._orders: dict[str, Ints] = {}
        self._said: tuple[list[str], NDArray[np.int32], Ints] | None = None

    @classmethod
    def of(cls, path: Path, cache: Path) -> Browse | None:
        """The index of a file as it is now; None where there is none yet, or the file has changed since."""
        side = side_file(path, cache)
        return cls(side) if side.exists() else None

    def _read(self, sql: str, *parameters: str) -> list[tuple[Any, ...]]:
        with closing(sqlite3.connect(f"file:{self.side.absolute().as_posix()}?mode=ro", uri=True)) as file:
            return file.execute(sql, parameters).fetchall()

    def _piece(self, name: str) -> tuple[str, bytes]:
        dtype, data = self._read("SELECT dtype, data FROM piece WHERE name = ?", name)[0]
        return dtype, data

    def _array(self, name: str) -> NDArray[Any]:
        dtype, data = self._piece(name)
        return np.frombuffer(data, np.dtype(dtype))

    def _text(self, name: str) -> TextColumn:
        return TextColumn(self._piece(f"{name}.data")[1], self._array(f"{name}.ends"))

    # What is known of the file

    @property
    def path(self) -> Path:
        """The file itself."""
        return Path(self._facts["path"])

    @property
    def variant(self) -> str:
        """Which of the published kinds it is."""
        return str(self._facts["variant"])

    @property
    def health(self) -> dict[str, Any]:
        """Every measure (`engine.rl.health.rates.health`)."""
        measures: dict[str, Any] = self._facts["health"]
        return measures

    @property
    def findings(self) -> list[Finding]:
        """What is wrong with the file."""
        return [Finding.model_validate(finding) for finding in self._facts["findings"]]

    @property
    def meta(self) -> dict[str, Any]:
        """`_meta` of the file."""
        meta: dict[str, Any] = self._facts["meta"]
        return meta

    def is_current(self) -> bool:
        """Whether the file is still the one that was indexed, by size and time."""
        return stamp(self.path) == Stamp(self._facts["size"], self._facts["mtime_ns"])

    def __len__(self) -> int:
        """Queries of the file."""
        return len(self._question.ends)

    # Lists

    def select(self, where: str = "", sort: str = "id") -> list[int]:
        """Query ids that pass a filter, in order. Raises BadFilter naming the term that is wrong."""
        held = filters.chosen(self, where)
        if sort not in self._orders:
            self._orders[sort] = filters.order(self, sort)
        order = self._orders[sort]
        places = order if held is None else order[held[order]]
        ids: list[int] = self._numbers["query_id"][places].tolist()
        return ids

    def rows(self, query_ids: Iterable[int]) -> dict[int, QueryRow]:
        """Rows of some queries by id; unknown ids are left out."""
        wanted = np.array(list(query_ids), np.int64)
        if not len(wanted) or not len(self):
            return {}
        known = self.query_ids
        at = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return {int(known[p]): self._row(int(p)) for p, q in zip(at, wanted, strict=True) if known[p] == q}

    @property
    def query_ids(self) -> Ints:
        """(Q,) ascending."""
        return self._numbers["query_id"].astype(np.int64, copy=False)

    def _row(self, at: int) -> QueryRow:
        value = {name: column[at].item() for name, column in self._numbers.items()}
        return QueryRow(
            position=at, query_id=value["query_id"], question_id=_known(value["question_id"]),
            image_id=_known(value["image_id"]), question=self._question.at(at), n=value["n"],
            usable=value["usable"], positives=value["positives"], best=value["best"], mean=value["mean"],
            spread=value["best"] - value["worst"], group_class=CLASSES[value["group_class"]], pool=value["pool"],
            marks=Mark(value["marks"]), start=value["start"], length=value["length"],
        )  # fmt: skip

    # One query

    def group(self, query_id: int) -> QueryDetail:
        """A query with its candidates, decoded from the file. UserError where the file has changed or has no such query."""
        row = self.rows([query_id]).get(query_id)
        if row is None:
            raise UserError(f"{self.path}: there is no query {query_id} in it")
        if not self.is_current():
            raise UserError(f"{self.path}: the file has changed since it was indexed; open it again")
        return read_query(self.path, query_id, row.start, row.length)

    # What a filter looks at

    def number(self, name: str) -> NDArray[np.generic]:
        """A column (Q,)."""
        return self._numbers[name]

    def labels(self, name: str) -> tuple[str, ...]:
        """Generation methods (`methods`) or evaluation modes (`modes`) by bit."""
        return tuple(self._facts[name])

    def folded(self, name: str) -> TextColumn:
        """Question or reference answers (Q,) without capitals, kept once asked for."""
        if name not in self._folded:
            column = self._question if name == "question" else self._text(name)
            lowered = column.data.lower()
            if not lowered.isascii():
                self._folded[name] = TextColumn.of([column.at(at).casefold() for at in range(len(self))])
            else:
                self._folded[name] = TextColumn(lowered, column.ends)
        return self._folded[name]

    def said(self, wanted: Callable[[str], bool]) -> Bools:
        """(Q,) queries of which a predicted answer is wanted."""
        if self._said is None:
            texts = self._text("said")
            folded = [texts.at(at).casefold() for at in range(len(texts.ends))]
            self._said = folded, self._array("said.codes"), self._array("said.code_ends")
        folded, codes, ends = self._said
        hits = np.array([wanted(text) for text in folded], np.bool_)
        before = np.concatenate([[0], np.cumsum(hits[codes])])
        starts = np.concatenate([[0], ends[:-1]])
        return np.asarray(before[ends] > before[starts])


def _known(value: int) -> int | None:
    return None if value == ABSENT_ID else value
