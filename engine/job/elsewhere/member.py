"""One run that was sent elsewhere, as the collector at home keeps it: handed over, read row by row, its files brought home."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from db import store
from db.answer_file import write_answers
from db.home import Home
from db.rows import Artifact, Checkpoint, Row
from db.session import Session
from db.specs.movable import MARK, HomePaths
from engine.common.sent import Sent
from engine.job.claims import Claimed, note_surroundings
from engine.job.elsewhere.parcel import FOLDER, LOG, Parcel, carry, fetched, named_files, next_folder
from engine.job.elsewhere.row_files import Ended, Note, Reader, Surroundings, file_of, moved, numbers
from engine.job.known import stored_rows
from engine.job.recorder import BATCH

AT_HOME = ("reserve", "reserve-last-word", FOLDER, LOG)
"""What each side of a run's folder keeps to itself."""


@dataclass
class Member:
    """A run, and what is known of the job that works on it."""

    claimed: Claimed
    root: Path
    """Home of the node: the home itself, or a folder that mirrors it."""
    sent: Sent | None = None
    ended: Ended | None = None
    """How the newest attempt ended; None while it works, or said nothing."""
    begun: bool = False
    """Some attempt has written something."""
    worked: bool = False
    """Some node has worked on it since this collector began."""
    attempt: int = 0
    """Number of the newest attempt that was heard of."""
    readers: dict[int, Reader] = field(default_factory=dict)
    unstored: list[tuple[int, list[Note]]] = field(default_factory=list)
    """Frames that were read and are not in the database yet."""
    beat: float = 0.0
    """When the run was last said to be alive (monotonic seconds)."""
    promised: dict[str, str] = field(default_factory=dict)
    """File that a row names, from the home on, and that has not come home -> its SHA-256."""
    log_offset: int = 0
    asked: str = ""
    """What people asked, and was passed on: `stop`, `kill`."""
    unheard: int = 0
    """Rounds since its job was found gone without a last word."""
    state: str = "queued"
    reason: str = ""

    @property
    def run_dir(self) -> Path:
        """At home."""
        return self.claimed.home.run_dir(self.claimed.run_id)

    @property
    def folder(self) -> Path:
        """What was handed over last."""
        assert self.sent is not None, f"{self.claimed.label} was not handed over"
        return Path(self.sent.folder)

    @property
    def mirrored(self) -> bool:
        """Whether files must be carried between home and node."""
        return self.root != self.claimed.home.root

    def hand_over(self, session: Session, answers: str) -> Path:
        """A new folder for a node: what home knows now, and the files that the run names. Returns it."""
        home, run_id = self.claimed.home, self.claimed.run_id
        there = Home(self.root)
        if self.mirrored:
            self.root.mkdir(mode=0o700, parents=True, exist_ok=True)  # whoever writes there decides what nodes do
            carry(self.run_dir, there.run_dir(run_id), _own)
            for name in named_files(store.get_run(session, run_id=run_id).spec):
                carry(home.root / name, self.root / name, _own)
        folder = next_folder(there.run_dir(run_id))
        spec = store.get_run(session, run_id=run_id).spec
        known: Sequence[Row] = list(stored_rows(session, run_id))
        here, far = HomePaths.of(home.root), HomePaths.of(self.root)
        parcel = Parcel(folder, self.root, run_id, self.claimed.kind, spec, answers)
        parcel.write([moved(row, here, far) for row in known] if self.mirrored else known)
        self.readers, self.ended, self.begun, self.attempt, self.log_offset, self.unheard = {}, None, False, 0, 0, 0
        return folder

    def attach(self, before: Sent) -> None:
        """Go on with what an earlier collector handed in: its rows are read again, its log from where that left it."""
        self.sent = before
        here, there = (_text(path) for path in (self.claimed.home.log(self.claimed.run_id), self.folder / LOG))
        taken = here.rpartition(before.heading().encode())[2]
        self.log_offset = next((at for at, (a, b) in enumerate(zip(taken, there, strict=False)) if a != b), len(taken))

    def read(self) -> None:
        """What nodes have written since the last call, to be stored; and their log."""
        for number in numbers(self.folder):
            if number and number not in self.readers:
                self.readers[number] = Reader(file_of(self.folder, number))
        for number, reader in sorted(self.readers.items()):
            frames = list(reader.new())
            self.unstored += [(number, frame) for frame in frames]
            self._bring(note for frame in frames for note in frame)
        self._bring_log()

    def store(self, session: Session) -> int:
        """Insert the oldest of what was read, as much as one transaction takes without keeping others waiting; how many
        frames that is. `stored` follows it."""
        rows = taken = 0
        for number, frame in self.unstored:
            self.begun = True
            if number > self.attempt:
                self.attempt, self.ended = number, None
            self._insert(session, number, frame)
            rows, taken = rows + len(frame), taken + 1
            if rows >= BATCH:
                break
        return taken

    def stored(self, frames: int) -> None:
        """The transaction that holds so many frames has been committed."""
        del self.unstored[:frames]

    def _insert(self, session: Session, number: int, frame: Sequence[Note]) -> None:
        """An earlier attempt may still write, on a node that was cut off from the queue: its rows count, its end does not."""
        rows: list[Row] = []
        for note in frame:
            if isinstance(note, Ended):
                self.ended = note if number == self.attempt else self.ended
            elif isinstance(note, Surroundings):
                note_surroundings(session, self.claimed.run_id, note.values, note.texts)
            else:
                rows.append(note)
        if self.mirrored:
            rows = self._brought(rows)
        if rows:
            store.add_rows(session, run_id=self.claimed.run_id, process_id=self.claimed.process_id, rows=rows)

    def _brought(self, rows: Sequence[Row]) -> list[Row]:
        """Rows of a mirrored home as rows of this one."""
        here, far = HomePaths.of(self.claimed.home.root), HomePaths.of(self.root)
        return [moved(row, far, here) for row in rows]  # type: ignore[misc]

    def _bring(self, notes: Iterable[Note]) -> None:
        """The files that rows of a mirrored home name, before the rows are stored."""
        far = HomePaths.of(self.root)
        for note in notes:
            if self.mirrored and isinstance(note, (Checkpoint, Artifact)) and far.stored(note.path).startswith(MARK):
                self.promised[far.stored(note.path).removeprefix(MARK)] = note.sha256
        self.missing_files()

    def missing_files(self) -> list[str]:
        """Files that the newest rows promise and that have not come home; what has come meanwhile is fetched."""
        for name, sha256 in list(self.promised.items()):
            if fetched(self.root / name, self.claimed.home.root / name, sha256):
                del self.promised[name]
        return list(self.promised)

    def bring_all(self) -> None:
        """Everything that the node left in the run's folder, such as the state that a training goes on from."""
        if self.mirrored:
            carry(Home(self.root).run_dir(self.claimed.run_id), self.run_dir, _own, anew=True)

    def clear(self) -> None:
        """All that was handed over is in the database, or in the run's folder."""
        shutil.rmtree(Home(self.root).run_dir(self.claimed.run_id) / FOLDER, ignore_errors=True)

    def _bring_log(self) -> None:
        """What the node says goes to the run's log at home."""
        said = _text(self.folder / LOG, self.log_offset)
        self.log_offset += len(said)
        if said:
            self.say(said)

    def say(self, text: bytes) -> None:
        """Add to the run's log."""
        with self.claimed.home.log(self.claimed.run_id).open("ab") as log:
            log.write(text)


def _text(path: Path, offset: int = 0) -> bytes:
    """A file from an offset on; nothing where there is none yet."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return file.read()
    except FileNotFoundError:
        return b""


def _own(path: Path) -> bool:
    return path.name in AT_HOME


def answers_for(session: Session, members: Sequence[Member], home: Home, root: Path) -> str:
    """One file of answers for all runs that may take some; empty where none may, or there are none."""
    runs = [store.get_run(session, run_id=one.claimed.run_id) for one in members]
    vlms = sorted({run.vlm for run in runs if json.loads(run.spec).get("fresh") is False})  # others never ask
    if not vlms:
        return ""
    folder = next_folder(Home(root).run_dir(members[0].claimed.run_id))
    here = members[0].run_dir / "answers.db"  # written here, and then carried: a network disk need not know locks
    there = folder.parent / f"answers-{folder.name}.db"
    try:
        if not write_answers(session, here, vlms=vlms):
            return ""
        carry(here, there)
        return str(there)
    finally:
        here.unlink(missing_ok=True)
