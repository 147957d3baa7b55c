"""Large RL data behind the screens and commands: registered by its head, indexed by a process of its own, read through its index.

numpy and the readers and judges that need it take a tenth of a second each to import. So they are imported when an index
or a query is read, and the first queries of a file are on screen at once.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db.specs.base import Report, UserError
from engine.common.files.json_kind import HEAD, json_kind
from engine.rl.index.head import Head, read_head
from engine.rl.index.query_rows import QueryDetail, QueryRow
from engine.rl.index.train_questions import COMPARED, TrainRow, TrainRows, rows_file
from engine.rl.reading import index_place
from leverplus_tui.jobs.programs import Program, command

if TYPE_CHECKING:
    from engine.rl.index.browse import Browse

LARGE = 32 << 20
"""Bytes from which RL data is registered by its head; its whole content is judged when its index is built."""
STAGES = {
    "split": (0.08, "reading"),
    "decode": (0.72, "decoding"),
    "judge": (0.18, "judging"),
    "write": (0.02, "writing"),
}
"""Stage of a build -> (share of its time, word for it)."""


# Registering and judging


def described(path: Path) -> Report:
    """What a file or folder is, without reading a large RL file to its end; everything else is examined as always."""
    from engine.doctor.examine import examine  # numpy

    if not _is_large_rl(path):
        return examine(path)
    head = read_head(path)
    facts = {"first_queries": len(head.rows), "vqa_model": head.meta.get("vqa_model"), "judged": "not yet"}
    return Report(path=str(path), kind="rl-data", facts=facts)


def is_recognised(report: Report) -> bool:
    """Whether a file could be read as what it seems to be: one that could not has an error and no fact."""
    return report.kind != "unknown" and bool(report.facts or not report.findings)


def judged(path: Path, cache: Path) -> Report:
    """The report on an RL file, from its index where there is one; a large file gets one now, so that the next call is quick."""
    from engine.doctor.examine import examine  # numpy

    if not _is_large_rl(path):
        return examine(path)
    from engine.rl.index.browse import Browse  # numpy
    from engine.rl.index.build import build  # numpy

    try:
        browse = Browse(build(path, cache))
    except UserError:
        return examine(path)  # which turns the sentence into a finding
    return Report(path=str(path), kind="rl-data", facts=browse.health, findings=tuple(browse.findings))


def _is_large_rl(path: Path) -> bool:
    if not path.is_file() or path.stat().st_size < LARGE:
        return False
    with path.open("rb") as file:
        return json_kind(file.read(HEAD)) == "rl-data"


# Building an index


@dataclass(frozen=True, slots=True)
class Progress:
    """How a build stands."""

    share: float = 0.0
    words: str = ""
    error: str = ""
    running: bool = False


class Indexing:
    """The index of one file: is it there, how far is its builder (this terminal's or another's), start it, stop it."""

    def __init__(self, path: Path, cache: Path) -> None:
        self.path, self.cache = path, cache
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def is_ours(self) -> bool:
        """Whether this terminal started the builder that runs."""
        return self._process is not None and self._process.poll() is None

    def start(self) -> None:
        """Start a builder, unless one is at work. It outlives the terminal: an index is worth finishing."""
        if self.progress().running:
            return
        words = command(Program.INDEX, str(self.path), "--cache", str(self.cache))
        self._process = subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )  # fmt: skip

    def cancel(self) -> bool:
        """Stop the builder that this terminal started; False where there is none."""
        if not self.is_ours:
            return False
        assert self._process is not None, "a builder of ours has a process"
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()  # an index takes its name whole, so nothing half-made stands where anybody looks
            self._process.wait()
        self._process = None
        return True

    def progress(self) -> Progress:
        """How the build stands. UserError where the file is gone."""
        side = index_place.side_file(self.path, self.cache)
        try:
            said: dict[str, Any] = json.loads(index_place.progress_file(side).read_text())
        except (OSError, ValueError):
            said = {}
        if "error" in said:
            return Progress(error=str(said["error"]))
        ours = self.is_ours
        if said and index_place.held(self.path):
            return Progress(_share(said), STAGES[said["stage"]][1], running=True)
        if ours:
            return Progress(words="starting", running=True)
        failed = self._process is not None and self._process.returncode not in (0, None) and not side.exists()
        return Progress(error=f"{self.path}: the builder of its index ended without a word") if failed else Progress()

    def forget_error(self) -> None:
        """Let the next build begin as if none had failed."""
        self._process = None
        index_place.progress_file(index_place.side_file(self.path, self.cache)).unlink(missing_ok=True)


def _share(said: dict[str, Any]) -> float:
    before = 0.0
    for stage, (part, _) in STAGES.items():
        if stage == said.get("stage"):
            return before + part * float(said["done"]) / max(float(said["total"]), 1.0)
        before += part
    return before


# Reading


@dataclass(frozen=True, slots=True)
class KnownData:
    """A data set whose train rows pointers may name."""

    label: str
    source: str
    """`builtin`, or its folder."""
    identity: str
    """Content hash: another content gets rows of its own."""


class RLSource:
    """One RL file as screens read it: by its head until its index is there. Methods may be called in threads."""

    def __init__(self, path: Path, name: str, cache: Path) -> None:
        self.path, self.name, self.cache = path, name, cache
        self.indexing = Indexing(path, cache)
        self.head: Head | None = None
        self.browse: Browse | None = None
        self.train: TrainRows | None = None
        self.dataset = ""
        """The data set that the queries were found in; '' where none agrees."""

    def read_head(self, octets: int = 0) -> Head:
        """Decode the first queries. UserError for what is visibly no RL data."""
        self.head = read_head(self.path, octets)
        return self.head

    def load(self) -> bool:
        """Take the index of the file as it is now, if there is one."""
        from engine.rl.index.browse import Browse  # numpy

        self.browse = Browse.of(self.path, self.cache)
        return self.browse is not None

    def has_changed(self) -> bool:
        """Whether the file is another one than was indexed. UserError where it is gone."""
        return self.browse is not None and not self.browse.is_current()

    def select(self, where: str, sort: str) -> list[int]:
        """Query ids in order; of a file without an index the first ones as they come. Raises BadFilter."""
        if self.browse is not None:
            return self.browse.select(where, sort)
        return list(dict.fromkeys(row.query_id for row in self.head.rows)) if self.head else []

    def rows(self, query_ids: Sequence[int]) -> dict[int, QueryRow]:
        """Rows of some queries."""
        if self.browse is not None:
            return self.browse.rows(query_ids)
        wanted = set(query_ids)
        return {row.query_id: row for row in self.head.rows if row.query_id in wanted} if self.head else {}

    def group(self, query_id: int) -> QueryDetail:
        """One query with its candidates. UserError naming query and field of what is malformed."""
        if self.browse is not None:
            return self.browse.group(query_id)
        from engine.rl.index.query_detail import read_query  # numpy

        row = self.rows([query_id])[query_id]
        return read_query(self.path, query_id, row.start, row.length)

    # Demonstrations

    def demonstrations(self, rows: Iterable[int]) -> dict[int, TrainRow]:
        """What is known of train rows: from the data set where one agrees, else from this file's own queries."""
        wanted = set(rows)
        found = self.train.read(wanted) if self.train is not None else {}
        own = self.rows(sorted(wanted - found.keys()))
        found |= {
            row: TrainRow(row, query.question_id or -1, query.image_id or -1, query.question, "", (), "")
            for row, query in own.items()
            if query.question
        }
        return found

    async def find_dataset(self, known: Sequence[KnownData]) -> bool:
        """Look for the data set that the queries come from: question ids must be those of its train rows."""
        queries = list(self.rows(self.select("", "id")[:COMPARED]).values())
        if not any(query.question_id is not None for query in queries):
            return False
        for data in known:
            file = await asyncio.to_thread(rows_file, data.source, data.identity, self.cache)
            if not file.exists() and not await self._write_rows(data, file):
                continue
            rows = TrainRows(file)
            if await asyncio.to_thread(rows.agrees, queries):
                self.train, self.dataset = rows, data.label
                return True
        return False

    async def _write_rows(self, data: KnownData, file: Path) -> bool:
        process = await asyncio.create_subprocess_exec(
            *command(Program.TRAIN_QUESTIONS, data.source, str(file), "--cache", str(self.cache)),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        return await process.wait() == 0
