"""What lies on the disk, by run, and what of it nobody needs any more."""

from __future__ import annotations

import os
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from db import store
from db.home import Home
from db.session import DatabaseFile, reading
from engine.common.files.atomic import abandoned
from engine.common.sent import sent

STATE_FILES = ("training.safetensors", "training-*.safetensors")
"""What a killed training goes on from."""
RESERVES = ("reserve", "reserve-last-word")
OLD_S = 3600.0
"""A folder without a run is left alone for this long: its run may be about to be stored."""
VISUAL_TOKENS = "visual_tokens"
"""Folder of the cache that `engine.packed.images.disk` fills."""
UNREAD_S = 30 * 86400.0
RUN_FOLDER = re.compile(r"r(\d+)")


@dataclass(frozen=True)
class Waste:
    """A file or folder that can go, and why."""

    path: Path
    size: int
    run_id: int | None
    why: str


@dataclass(frozen=True)
class Usage:
    """The disk of a home."""

    runs: dict[int, int]
    """Run -> bytes in its folder."""
    database: int
    cache: int
    visual_tokens: int
    """Of the cache, what a vision tower made of images."""
    backups: int
    waste: tuple[Waste, ...]

    @property
    def freeable(self) -> int:
        """Bytes that can go."""
        return sum(one.size for one in self.waste)


def usage(home: Home, database: DatabaseFile, *, cache: bool = False) -> Usage:
    """Look at every run's folder; with `cache`, everything that can be computed again counts as waste too."""
    with reading(database) as session:
        states = store.run_states(session)
        kept = {Path(one.path) for one in store.promised_files(session)}
        used = store.referrers(session)
    folders = dict(run_folders(home))
    waste = [one for run_id, folder in folders.items() for one in _waste(run_id, folder, states, kept, used)]
    waste += [
        Waste(path, path.stat().st_size, None, "draft of a process that is gone")
        for folder in (home.root, home.cache)
        for path in abandoned(folder, "")
    ]
    waste += _unread(home.cache / VISUAL_TOKENS) if not cache else []
    if cache and home.cache.exists():
        waste.append(Waste(home.cache, folder_size(home.cache), None, "cache, computed again when needed"))
    return Usage(
        runs={run_id: folder_size(folder) for run_id, folder in folders.items()},
        database=sum(folder_size(path) for path in home.root.glob("leverplus.db*")),
        cache=folder_size(home.cache),
        visual_tokens=folder_size(home.cache / VISUAL_TOKENS),
        backups=folder_size(home.root / "backups"),
        waste=tuple(waste),
    )


def free(waste: Iterator[Waste] | tuple[Waste, ...]) -> int:
    """Delete what can go; the bytes that are free now. What cannot be deleted stays."""
    freed = 0
    for one in waste:
        if one.path.is_dir() and not one.path.is_symlink():
            shutil.rmtree(one.path, ignore_errors=True)
        else:
            with suppress(OSError):
                one.path.unlink()
        freed += one.size if not one.path.exists() else 0
    return freed


def folder_size(path: Path) -> int:
    """Bytes of a file, or of all files below a folder; a file with several names counts once, and links nothing."""
    seen: set[tuple[int, int]] = set()
    total = 0
    for folder, _, names in os.walk(path) if path.is_dir() else [(str(path.parent), [], [path.name])]:
        for name in names:
            with suppress(OSError):
                status = os.lstat(os.path.join(folder, name))
                if (status.st_dev, status.st_ino) not in seen:
                    seen.add((status.st_dev, status.st_ino))
                    total += status.st_size
    return total


def run_folders(home: Home) -> Iterator[tuple[int, Path]]:
    """Numbers and folders of runs, whether or not there is such a run."""
    if home.runs.is_dir():
        for folder in sorted(home.runs.iterdir()):
            if (found := RUN_FOLDER.fullmatch(folder.name)) and folder.is_dir():
                yield int(found[1]), folder


def _unread(root: Path) -> Iterator[Waste]:
    """Folders of visual tokens, one for each model and version, that nobody has read from for long."""
    for folder in sorted(one for one in root.iterdir() if one.is_dir()) if root.is_dir() else ():
        if time.time() - max((one.stat().st_mtime for one in os.scandir(folder)), default=0.0) > UNREAD_S:
            yield Waste(folder, folder_size(folder), None, "visual tokens that no run has read for 30 days")


def _waste(
    run_id: int, folder: Path, states: dict[int, str], kept: set[Path], used: dict[int, list[str]]
) -> Iterator[Waste]:
    state = states.get(run_id)
    if state is None:
        if run_id not in used and time.time() - folder.stat().st_mtime > OLD_S:
            yield Waste(folder, folder_size(folder), run_id, "folder of no run")
        return
    if state in store.ACTIVE or sent(folder) is not None:
        return
    names = [name for name in RESERVES if (folder / name).exists()]
    found = {folder / name: "reserve of a process that is gone" for name in names}
    drafts = [path for place in (folder, folder / "checkpoints") for path in abandoned(place, "")]
    found |= dict.fromkeys(drafts, "draft of a process that is gone")
    if state == "done":
        found |= {path: "state of a training that is done" for name in STATE_FILES for path in folder.glob(name)}
    for path, why in found.items():
        if path not in kept:
            yield Waste(path, folder_size(path), run_id, why)
