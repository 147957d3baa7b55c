"""What is handed to a node: a folder on a disk that it sees, with the run, what home knows of it, and the files that it names.

The node works below `root`, which is the home itself where nodes see that disk, else a folder that mirrors the parts of it
that runs need: `runs/rN`, named files, and a cache of its own.
"""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from db.answer_file import read_answers
from db.home import Home
from db.rows import StoredAnswer
from db.specs import canonical_json
from db.specs.movable import MARK, HomePaths
from engine.common.files.atomic import replacing
from engine.common.models.fingerprint import file_sha
from engine.job.elsewhere.row_files import Note, Reader, file_of, numbers, packed
from engine.job.environment import versions
from engine.job.known import Known
from engine.recipes.run_context import NoTrials, Trials

FOLDER = "elsewhere"
"""Of a run: its submissions."""
PARCEL, STOP, LOG = "parcel.json", "stop", "log.txt"


@dataclass(frozen=True)
class Parcel:
    """A run as a node finds it; what `engine.job.claims.Job` asks for."""

    folder: Path
    root: Path
    run_id: int
    kind: str
    spec: str
    """JSON, with `<home>/` for the home."""
    answers: str
    """File of answers that other runs have stored; empty where none are to be taken."""
    version: str = field(default_factory=lambda: versions().get("leverplus", ""))
    """Of the program that handed it over."""

    @property
    def foreign(self) -> str:
        """What is wrong where home and node have unlike versions, whose rows the other might not know; else empty."""
        own = versions().get("leverplus", "")
        if own == self.version:
            return ""
        here = os.uname().nodename
        return f"home has leverplus {self.version or '(not installed)'}, {here} has {own or 'none installed'}: make them alike"

    @classmethod
    def read(cls, folder: Path) -> Parcel:
        """The parcel in a folder."""
        return cls(folder=folder, **_paths(json.loads((folder / PARCEL).read_text(encoding="utf-8"))))

    def write(self, known: Sequence[Note]) -> None:
        """Make the folder."""
        self.folder.mkdir(parents=True)
        file_of(self.folder, 0).write_bytes(packed(known))
        values = {name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()}
        del values["folder"]
        (self.folder / PARCEL).write_text(json.dumps(values), encoding="utf-8")

    @property
    def home(self) -> Home:
        """Where the node works."""
        return Home(self.root)

    @property
    def label(self) -> str:
        """How people name the run."""
        return f"r{self.run_id}"

    @property
    def spec_text(self) -> str:
        """The specification with its files where the node finds them."""
        return canonical_json(HomePaths.of(self.root).located_values(json.loads(self.spec)))

    @cached_property
    def _known(self) -> Known:
        files = [Reader(file_of(self.folder, number)) for number in numbers(self.folder)]
        rows: list[Any] = [note for file in files for frame in file.new() for note in frame]
        return Known.of(rows)

    def known(self) -> Known:
        """What home handed over, and what earlier attempts have written since."""
        return self._known

    def trials(self) -> Trials:
        """Nobody can ask a job that is elsewhere."""
        return NoTrials()

    def find_answers(self, shas: Sequence[str]) -> Mapping[str, StoredAnswer]:
        """Answers of other runs, as they were when the run was handed over."""
        return read_answers(Path(self.answers), list(shas)) if self.answers else {}


def _paths(values: dict[str, Any]) -> dict[str, Any]:
    return values | {"root": Path(values["root"])}


def next_folder(run_dir: Path) -> Path:
    """For a new submission of a run."""
    above = run_dir / FOLDER
    taken = [int(one.name) for one in above.iterdir() if one.name.isdigit()] if above.is_dir() else []
    return above / str(max(taken, default=0) + 1)


def named_files(spec: str) -> list[str]:
    """Paths of the home that a stored specification names, relative to it."""
    found: list[str] = []

    def walk(value: Any) -> None:
        if isinstance(value, str) and value.startswith(MARK):
            found.append(value.removeprefix(MARK))
        for held in value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ():
            walk(held)

    walk(json.loads(spec))
    return found


def carry(source: Path, target: Path, but: Callable[[Path], bool] = lambda _: False, *, anew: bool = False) -> None:
    """Copy a file, or what a folder holds, where the other side has it not or has another: whole files, never a part of one.

    With `anew` all is copied: a network disk tells size and time of a while ago, but opens what is there now.
    """
    for path in _files(source, but):
        there = target / path.relative_to(source) if path != source else target
        if anew or not _alike(path, there):
            with replacing(there) as draft:
                shutil.copy2(path, draft)


def fetched(source: Path, target: Path, sha256: str) -> bool:
    """Whether the target is the file of this hash, copied where it was not. One that has been written over meanwhile, or has not
    come through a network disk yet, is left where it is, and so is one that cannot be read or written now."""
    try:
        if target.is_file() and file_sha(target) == sha256:
            return True
        with replacing(target) as draft:
            shutil.copy2(source, draft)
            if file_sha(draft) != sha256:
                raise FileNotFoundError(source)
    except OSError:
        return False
    return True


def _files(source: Path, but: Callable[[Path], bool]) -> Iterator[Path]:
    if source.is_file():
        yield source
    elif source.is_dir() and not but(source):
        for path in sorted(source.iterdir()):
            if not but(path):
                yield from _files(path, but)


def _alike(one: Path, other: Path) -> bool:
    """Of one size and one time, which copies keep."""
    try:
        first, second = one.stat(), other.stat()
    except FileNotFoundError:
        return False
    return (first.st_size, first.st_mtime_ns // 1000) == (second.st_size, second.st_mtime_ns // 1000)
