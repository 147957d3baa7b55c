"""Where everything lives: the home folder, found once, and the places inside it. Nothing heavy is imported here."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

from db.user_error import UserError

VARIABLE = "LEVERPLUS_HOME"
LOCAL_NAME = ".leverplus"


@dataclass(frozen=True)
class Home:
    """A home folder; nothing in it is created by looking."""

    root: Path

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.root / "leverplus.db"

    @property
    def runs(self) -> Path:
        """One folder for each run."""
        return self.root / "runs"

    @property
    def cache(self) -> Path:
        """Files keyed by content; everything in it may be deleted."""
        return self.root / "cache"

    def run_dir(self, run_id: int) -> Path:
        """Folder of one run: log, checkpoints, exports."""
        return self.runs / f"r{run_id}"

    def log(self, run_id: int) -> Path:
        """Standard output and error of the run's job processes."""
        return self.run_dir(run_id) / "log.txt"


def resolve_home(explicit: Path | None = None) -> Home:
    """The home to use: `explicit`, else LEVERPLUS_HOME, else the nearest `.leverplus` here or above, else the user's data folder.

    Raises UserError when the chosen path exists and is no folder.
    """
    root = explicit or _from_environment() or _nearest(Path.cwd()) or _user_data()
    root = root.expanduser().absolute()
    if root.exists() and not root.is_dir():
        raise UserError(f"{root} is a file, so it cannot be the home folder: give a folder with --home or {VARIABLE}")
    return Home(root)


def _from_environment() -> Path | None:
    value = os.environ.get(VARIABLE)
    return Path(value) if value else None


def _nearest(folder: Path) -> Path | None:
    candidates = (above / LOCAL_NAME for above in (folder, *folder.parents))
    return next((path for path in candidates if path.is_dir()), None)


def _user_data() -> Path:
    from platformdirs import user_data_path  # 10 ms, and most calls name a home

    return user_data_path("leverplus", appauthor=False)
