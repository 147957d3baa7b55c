"""Programs of the engine that run in a process of their own, because they load what the terminal must not."""

from __future__ import annotations

import subprocess
import sys

import typer


def run_module(module: str, *words: str) -> None:
    """Run `python -m module words...` on this terminal and leave with its exit code when that is not 0."""
    try:
        # -P: a folder called `engine` where the user stands must not be imported in place of ours.
        code = subprocess.run([sys.executable, "-P", "-m", module, *words], check=False).returncode
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if code:
        raise typer.Exit(130 if code < 0 else code)
