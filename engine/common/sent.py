"""What a run's folder at home says of a run that was sent elsewhere, so that whoever collects its rows finds it again; and what
people ask of it meanwhile."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.common.files.atomic import write_text

SENT, WISH = "sent.json", "stop-elsewhere"
STOP, KILL = "stop", "kill"


@dataclass(frozen=True)
class Sent:
    """Where a run is. The file is there until the run's end is stored."""

    place: str
    """`Slurm`, `Ray`."""
    job: str
    """By the place's own name."""
    folder: str
    """What was handed over, where the node finds it."""
    log: str = ""
    """What the queue kept of the words of a job that could not speak for itself."""
    tried: int = 1
    """How often it was handed in since somebody asked for it."""

    def heading(self) -> str:
        """What the run's log says before the words of its nodes."""
        return f"handed in to {self.place} as job {self.job}, try {self.tried}\n"

    def keep(self, run_dir: Path) -> None:
        """Write it down."""
        write_text(run_dir / SENT, json.dumps(asdict(self)), durable=True)


def sent(run_dir: Path) -> Sent | None:
    """Where a run is; None for one that was not sent, or has come to its end."""
    try:
        return Sent(**json.loads((run_dir / SENT).read_bytes()))
    except (OSError, ValueError, TypeError):
        return None


def forget(run_dir: Path) -> None:
    """The run has come to its end."""
    for name in (SENT, WISH):
        (run_dir / name).unlink(missing_ok=True)


def wish(run_dir: Path, what: str) -> None:
    """Ask whoever collects the run's rows to `stop` or `kill` it."""
    write_text(run_dir / WISH, what)


def wished(run_dir: Path) -> str:
    """What was asked; empty where nothing was."""
    try:
        return (run_dir / WISH).read_text()
    except OSError:
        return ""
