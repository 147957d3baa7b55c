"""A home in one file, made while jobs write, and put back with the present home kept beside it."""

from __future__ import annotations

import io
import json
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from db import store
from db.copying import check_copy, copy_database
from db.errors import DatabaseDamaged
from db.fingerprint import content_sha
from db.home import Home
from db.session import open_database, reading, writing
from db.specs import UserError
from engine.common.files.atomic import replacing
from engine.common.sent import SENT
from leverplus_tui.keeping.disk import RESERVES
from leverplus_tui.queue.lock import take

MANIFEST = "leverplus-backup.json"
DATABASE = "leverplus.db"
FORMAT = 1
FOLDERS = ("runs/", "exports/")
"""What runs wrote, and what was made from it: RL data that were derived are registered there."""
KEPT_FILES = ("terminal.json", "keymap.toml")
"""Views, pins and keys of the terminal program."""


@dataclass(frozen=True)
class Made:
    """What a backup holds."""

    path: Path
    runs: int
    files: int
    size: int
    """Bytes of the file."""
    changed: tuple[str, ...]
    """Files that a job wrote anew between the copy of the database and their own; empty unless jobs write."""


def back_up(home: Home, target: Path, *, files: bool = True) -> Made:
    """Write a home to `target` (gzipped where the name ends in .gz): the database as it is at one moment, then what runs
    wrote and what was made from it. The cache is left out. Whole or not at all."""
    _refuse_place(home, target)
    mode: Any = "w:gz" if target.suffix == ".gz" else "w"
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=f".backup-{os.getpid()}-") as folder:
        copy = Path(folder) / DATABASE
        copy_database(home.database, copy)
        try:
            check_copy(copy)  # what `restore` would refuse must not take the place of an older backup
        except DatabaseDamaged as error:
            raise UserError(
                f"no backup was written, for {home.database} is damaged ({error}): `leverplus fsck --repair` saves what can be read"
            ) from None
        database = open_database(copy)
        with reading(database) as session:
            states = store.run_states(session)
            shas = {one.path: one.sha256 for one in store.promised_files(session)}
        database.dispose()
        count, changed = 0, []
        with replacing(target) as draft, tarfile.open(draft, mode, dereference=True) as archive:
            archive.add(copy, DATABASE)
            for path in _files(home, states, but=target) if files else ():
                promised = shas.get(str(Path(folder) / path.relative_to(home.root)))
                try:
                    archive.add(path, str(path.relative_to(home.root)), recursive=False)
                except FileNotFoundError:  # a job put another in its place
                    continue
                count += 1
                if promised is not None and content_sha(path) != promised:
                    changed.append(str(path))
            about = {"format": FORMAT, "made": datetime.now(UTC).isoformat(), "runs": len(states), "files": count,
                     "database_sha256": content_sha(copy), "changed": changed}  # fmt: skip
            _add_text(archive, Path(folder), json.dumps(about, indent=1))
    return Made(target, len(states), count, target.stat().st_size, tuple(changed))


def _refuse_place(home: Home, target: Path) -> None:
    """Whoever agrees that a file is replaced means an older backup, never a part of the home itself."""
    if target.is_dir():
        raise UserError(f"{target} is a folder: name a file in it, such as {target / 'leverplus.tar.gz'}")
    root, place = home.root.resolve(), target.resolve()
    if place.is_relative_to(root / "runs"):
        raise UserError(
            f"{target} lies among the runs, and would become part of itself: give a place outside of {home.root}"
        )
    is_part = place.is_relative_to(root) and place.exists() and not tarfile.is_tarfile(place)
    if is_part or (place.parent == root and place.name.startswith(DATABASE)):
        raise UserError(f"{target} is part of the home that is to be backed up: give a place outside of {home.root}")


def put_back(home: Home, source: Path) -> Path | None:
    """Make the home that a backup holds; returns where the present one is kept, None where there was none.

    Refused while a job lives. Runs that waited when the backup was made are paused, so that nothing starts by itself.
    """
    lock = alone(home, "restore")
    try:
        home.root.parent.mkdir(parents=True, exist_ok=True)
        fresh = Path(tempfile.mkdtemp(dir=home.root.parent, prefix=f".{home.root.name}-restoring-"))
        try:
            _unpack(source, fresh)
            check_copy(fresh / DATABASE)
            database = open_database(fresh / DATABASE)
            with writing(database) as session:
                store.pause_all(session)
            database.dispose()
            fresh.chmod(0o755)
            return _exchange(home.root, fresh)
        finally:
            shutil.rmtree(fresh, ignore_errors=True)
    finally:
        if lock is not None:
            os.close(lock)


@dataclass(frozen=True)
class Held:
    """What a backup says of itself."""

    made: datetime
    runs: int
    files: int


def look_into(home: Home, source: Path) -> Held:
    """What a backup says of itself. Raises UserError for one that is none, and where it could not be put back now."""
    if not source.is_file():
        raise UserError(f"there is no backup {source}: give a file that `leverplus backup` wrote")
    lock = alone(home, "restore")
    if lock is not None:
        os.close(lock)
    try:
        with tarfile.open(source) as archive:
            about = json.load(archive.extractfile(MANIFEST) or io.BytesIO())
        return Held(datetime.fromisoformat(about["made"]), int(about["runs"]), int(about["files"]))
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError, TypeError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{source} is no whole backup ({error}): take another one") from None


def living(home: Home) -> list[str]:
    """Runs whose process lives, or may live where it cannot be looked at, or whose job is in a queue elsewhere; a damaged
    database, which people restore and mend, knows of none."""
    if not home.database.exists():
        return []
    try:
        with reading(open_database(home.database)) as session:
            rows = store.active_processes(session)
    except DatabaseDamaged:
        return []
    here = [store.ref(row.run_id) for row in rows if row.ended is None and store.is_alive(row)]
    return list(dict.fromkeys([*here, *(path.parent.name for path in sorted(home.runs.glob(f"r*/{SENT}")))]))


def alone(home: Home, then: str) -> int | None:
    """The queue's lock, so that nothing starts meanwhile. Raises UserError while a dispatcher or a job lives; `then`: what is
    to be done afterwards."""
    if not home.root.exists():
        return None
    lock = take(home)
    if lock is None:
        raise UserError(f"runs wait or run in {home.root}: `leverplus queue` lists them; stop them, then {then}")
    if alive := living(home):
        os.close(lock)
        raise UserError(f"{', '.join(alive)} at work in {home.root}: `leverplus stop {' '.join(alive)}`, then {then}")
    return lock


def _exchange(root: Path, fresh: Path) -> Path | None:
    kept = None
    if root.exists():
        kept = root.with_name(f"{root.name}-before-restore-{datetime.now(UTC):%Y%m%dT%H%M%S%f}")
        root.rename(kept)
    try:
        fresh.rename(root)
    except OSError:
        if kept is not None:
            kept.rename(root)
        raise
    return kept


def _unpack(source: Path, folder: Path) -> None:
    """Only what a backup holds, and nothing outside of the folder. Raises UserError for anything else."""
    try:
        with tarfile.open(source) as archive:
            for member in archive:
                if member.name not in (DATABASE, MANIFEST, *KEPT_FILES) and not member.name.startswith(FOLDERS):
                    raise UserError(f"{source} holds {member.name}, so it is no backup of a home")
                _take_out(archive, member, folder)
        about = json.loads((folder / MANIFEST).read_text())
        right = about["format"] == FORMAT and about["database_sha256"] == content_sha(folder / DATABASE)
    except (tarfile.TarError, EOFError, OSError, ValueError, KeyError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise UserError(f"{source} is no whole backup ({error}): take another one") from None
    if not right:
        raise UserError(f"{source} is damaged, or of another version: its database is not the one that it says")
    (folder / MANIFEST).unlink()


def _take_out(archive: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> None:
    """One file, by hand: before Python 3.11.4 an archive could not be told to stay in a folder."""
    place = folder / member.name
    data = archive.extractfile(member)
    if data is None or not place.resolve().is_relative_to(folder.resolve()):
        raise tarfile.ExtractError(f"{member.name} is no file of a home")
    place.parent.mkdir(parents=True, exist_ok=True)
    with data, place.open("wb") as out:
        shutil.copyfileobj(data, out)
    place.chmod(member.mode & 0o755 | 0o600)
    os.utime(place, (member.mtime, member.mtime))


def _files(home: Home, states: dict[int, str], but: Path) -> Iterator[Path]:
    """What lies in the folders of runs, but for reserves and drafts; what was made from them; what the terminal program keeps."""
    yield from (path for name in KEPT_FILES if (path := home.root / name).is_file())
    for place in (home.root / "exports", *map(home.run_dir, states)):
        for folder, folders, names in os.walk(place):
            folders.sort()
            for name in sorted(names):
                if name not in RESERVES and not name.startswith(".") and Path(folder, name) != but:
                    yield Path(folder, name)


def _add_text(archive: tarfile.TarFile, folder: Path, text: str) -> None:
    path = folder / MANIFEST
    path.write_text(text)
    archive.add(path, MANIFEST)
