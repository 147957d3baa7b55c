"""Programs of the engine on this terminal: started, waited for, and left with their exit code."""

from __future__ import annotations

import subprocess

import typer

from leverplus_tui.jobs.programs import Program, command


def run_program(program: Program, *words: str) -> None:
    """Run a program on this terminal and leave with its exit code when that is not 0."""
    try:
        code = subprocess.run(command(program, *words), check=False).returncode
    except KeyboardInterrupt:
        raise typer.Exit(130) from None
    if code:
        raise typer.Exit(130 if code < 0 else code)
