"""Programs of the engine that run in a process of their own, because they load what the terminal must not."""

from __future__ import annotations

import subprocess

import typer

from leverplus_tui.jobs.process_environment import program


def run_module(module: str, *words: str) -> None:
    """Run `python -m module words...` on this terminal and leave with its exit code when that is not 0."""
    try:
        code = subprocess.run(program(module, *words), check=False).returncode
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if code:
        raise typer.Exit(130 if code < 0 else code)
