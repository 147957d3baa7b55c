"""What a run was computed with: versions, machine, devices, and the git commit of the folder it was started in."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("leverplus", "torch", "transformers", "numpy", "pillow", "safetensors", "tokenizers", "sqlmodel")
PATIENCE_S = 5


def describe(folder: Path) -> dict[str, Any]:
    """Everything about this machine and `folder` that another person needs to repeat a run. Imports nothing heavy."""
    return {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "host": platform.node(),
        "folder": str(folder),
        "versions": versions(),
        "cpu": _cpu_name(),
        "cpus": os.cpu_count() or 1,
        "gpus": gpus(),
        **visible_devices(),
        **git(folder),
    }


def visible_devices() -> dict[str, str]:
    """Which devices the process was given by a queue, as CUDA numbers them; nothing where it may use all."""
    given = os.environ.get("CUDA_VISIBLE_DEVICES")
    return {} if given is None else {"visible_devices": given}


def versions() -> dict[str, str]:
    """Installed version of each library that can change a number; libraries that are missing are left out."""
    found = {}
    for name in LIBRARIES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def git(folder: Path) -> dict[str, Any]:
    """`git_commit` and `git_dirty` (tracked files changed) of the repository around `folder`; null without one."""
    commit = _output("git", "-C", str(folder), "rev-parse", "HEAD")
    if not commit:
        return {"git_commit": None, "git_dirty": None}
    changes = _output("git", "-C", str(folder), "status", "--porcelain", "--untracked-files=no")
    return {"git_commit": commit, "git_dirty": None if changes is None else bool(changes)}


def gpus() -> list[str]:
    """Name and memory of each NVIDIA GPU, asked of the driver so that torch need not be imported."""
    listing = _output("nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader")
    return listing.splitlines() if listing else []


def _cpu_name() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor()
    names = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(names, platform.processor())


def _output(*command: str) -> str | None:
    """What a helper program prints; none where it is missing, fails or hangs, for a run must not depend on it."""
    if shutil.which(command[0]) is None:
        return None
    # Without optional locks `git status` never writes to the repository that it looks at.
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    try:
        result = subprocess.run(
            command, capture_output=True, text=True, timeout=PATIENCE_S, check=False, env=environment
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return result.stdout.strip() if result.returncode == 0 else None
