"""Builds the index of an RL file in a process of its own: `python -m engine.rl.index.build FILE --cache DIR`.

Beside the index to be it says how far it is, or in one sentence why there is none. The index takes its name only when it is
whole; a build that was cut short leaves what it has gathered, and the next one goes on from there.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sqlite3
import sys
import time
from collections.abc import Callable
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from db.specs.base import UserError
from engine.common.files.atomic import make_folder, replacing, write_text
from engine.rl.health.findings import rl_findings
from engine.rl.index.summary import Summary, TextColumn, mark, summarise
from engine.rl.reading import index_place
from engine.rl.reading.blocks import Blocks
from engine.rl.reading.file import gather, map_file
from engine.rl.reading.pointer_spaces import Ints
from engine.rl.reading.records import NOT_FINITE, address, index_records

Tell = Callable[[str, int, int], None]
TELL_S = 0.1


@dataclass(frozen=True, slots=True)
class Indexed:
    """What an index holds."""

    path: Path
    stamp: index_place.Stamp
    summary: Summary
    facts: dict[str, Any]
    """`health` (measures), `findings`, `meta` (of the file), `variant`."""


def build(path: Path, cache: Path, tell: Tell = lambda stage, done, total: None) -> Path:
    """Index a file into the cache and return the index's path; an index that fits already is left alone.

    `tell(stage, done, total)` hears how far it is. UserError, one sentence, for a malformed file.
    """
    side = index_place.side_file(path, cache)
    if side.exists():
        return side
    make_folder(side.parent)
    with index_place.alone(path):
        return side if side.exists() else _build(path, side, tell)


def _build(path: Path, side: Path, tell: Tell) -> Path:
    before = index_place.stamp(path)
    indexed = _read(path, before, Blocks(side), tell)
    if index_place.stamp(path) != before:
        raise UserError(f"{path}: changed while it was read; index it again when its writer is done")
    tell("write", 0, 1)
    try:
        with replacing(side) as draft:
            _write(draft, indexed)
    except (OSError, sqlite3.Error) as error:
        raise UserError(
            f"{side.parent}: the index cannot be written ({error}); free some space or choose another home"
        ) from None
    for old in (*index_place.earlier_files(side), *index_place.leftovers(side), *index_place.blocks(side)):
        old.unlink(missing_ok=True)
    return side


def _read(path: Path, stamp: index_place.Stamp, blocks: Blocks, tell: Tell) -> Indexed:
    tell("split", 0, 1)
    data = map_file(path)
    raw, meta, starts, lengths = _split(path, data)
    found = gather(path, raw, meta, lambda done: tell("decode", done, len(raw)), blocks=blocks)
    tell("judge", 0, 2)
    measures, findings = rl_findings(found)
    tell("judge", 1, 2)
    summary = summarise(found, mark(found), starts + stamp.size - len(data), lengths)
    stored = [finding.model_dump(mode="json") for finding in findings]
    facts = {"health": measures, "findings": stored, "meta": meta, "variant": found.variant}
    return Indexed(path, stamp, summary, facts)


def _split(path: Path, data: memoryview) -> tuple[dict[int, msgspec.Raw], dict[str, Any], Ints, Ints]:
    """(raw records, `_meta`, first byte (Q,), length (Q,)) of a file's records."""
    raw, meta = index_records(path, data)
    starts, lengths = _places(data, raw)
    if ((starts >= 0) & (starts < len(data))).all():
        return raw, meta, starts, lengths
    # NaN was read as null in a copy, in which the records lie elsewhere: make the copy ourselves and map places back.
    copy = memoryview(NOT_FINITE.sub(b"null", data))
    raw, meta = index_records(path, copy)
    starts, lengths = _places(copy, raw)
    words = [found.span() for found in NOT_FINITE.finditer(data)]
    begins = _in_original(words, starts)
    return raw, meta, begins, _in_original(words, starts + lengths) - begins


def _places(data: memoryview, raw: dict[int, msgspec.Raw]) -> tuple[Ints, Ints]:
    base = address(data)
    starts = np.array([address(record) - base for record in raw.values()], np.int64)
    return starts, np.array([len(memoryview(record)) for record in raw.values()], np.int64)


def _in_original(words: list[tuple[int, int]], places: Ints) -> Ints:
    """Places of the copy in the original, whose `words` (start, end) became `null`."""
    span = np.array(words, np.int64)
    grown = np.cumsum(4 - (span[:, 1] - span[:, 0]))
    in_copy = span[:, 0] + np.concatenate([[0], grown[:-1]])
    return np.asarray(places - np.concatenate([[0], grown])[np.searchsorted(in_copy, places)])


# The side file: named pieces in SQLite, so that each is read when it is needed


def _write(draft: Path, indexed: Indexed) -> None:
    with closing(sqlite3.connect(draft, isolation_level=None)) as file:
        file.execute("PRAGMA journal_mode = OFF")
        file.execute("PRAGMA page_size = 65536")
        file.execute("BEGIN")
        file.execute("CREATE TABLE fact (name TEXT PRIMARY KEY, value TEXT NOT NULL)")
        file.execute("CREATE TABLE piece (name TEXT PRIMARY KEY, dtype TEXT NOT NULL, data BLOB NOT NULL)")
        about = {"path": str(indexed.path.absolute()), "size": indexed.stamp.size, "mtime_ns": indexed.stamp.mtime_ns}
        s = indexed.summary
        names = {"methods": s.methods, "modes": s.modes}
        facts = [(name, json.dumps(value)) for name, value in (about | names | indexed.facts).items()]
        file.executemany("INSERT INTO fact VALUES (?, ?)", facts)
        file.executemany("INSERT INTO piece VALUES (?, ?, ?)", _pieces(s))
        file.execute("COMMIT")


def _pieces(s: Summary) -> list[tuple[str, str, bytes]]:
    columns: dict[str, NDArray[np.generic]] = {f"number.{name}": column for name, column in s.numbers.items()}
    said = TextColumn.of(s.said)
    columns |= {"question.ends": s.question.ends, "answers.ends": s.answers.ends, "said.ends": said.ends,
                "said.codes": s.said_codes, "said.code_ends": s.said_ends}  # fmt: skip
    texts = {"question.data": s.question.data, "answers.data": s.answers.data, "said.data": said.data}
    return [(name, column.dtype.str, column.tobytes()) for name, column in columns.items()] + [
        (name, "", data) for name, data in texts.items()
    ]


# The process


def main(arguments: list[str] | None = None) -> int:
    """Index the file of the command line; 0 when it is done, 2 with one sentence when it cannot be."""
    parser = argparse.ArgumentParser(prog="python -m engine.rl.index.build", description=__doc__)
    parser.add_argument("file", type=Path)
    parser.add_argument("--cache", type=Path, required=True)
    asked = parser.parse_args(arguments)
    try:
        side = index_place.side_file(asked.file, asked.cache)
        make_folder(side.parent)
        progress = _Progress(index_place.progress_file(side))
    except (UserError, OSError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    try:
        build(asked.file, asked.cache, progress)
    except UserError as error:
        progress.write({"error": str(error)})
        sys.stderr.write(f"{error}\n")
        return 2
    except SystemExit:
        progress.remove()
        raise
    except Exception as error:  # the last line of defence: who waits for the index must be told
        reason = (str(error).strip().splitlines() or [""])[0]
        progress.write({"error": f"{asked.file}: its index cannot be built ({type(error).__name__}: {reason})"})
        raise
    progress.remove()
    return 0


class _Progress:
    """Says how far it is, ten times a second at most; a full disk does not stop the build here."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._stage, self._at = "", 0.0

    def __call__(self, stage: str, done: int, total: int) -> None:
        now = time.monotonic()
        if stage != self._stage or now - self._at >= TELL_S:
            self._stage, self._at = stage, now
            self.write({"pid": os.getpid(), "stage": stage, "done": done, "total": total})

    def write(self, words: dict[str, Any]) -> None:
        with suppress(OSError):
            write_text(self._path, json.dumps(words))

    def remove(self) -> None:
        with suppress(OSError):
            self._path.unlink(missing_ok=True)


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the unfinished file is removed
    with suppress(OSError):
        os.nice(5)
    sys.exit(main())
