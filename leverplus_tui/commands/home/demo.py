"""`leverplus demo build`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from leverplus_tui.commands.run_program import run_program
from leverplus_tui.jobs.programs import Program


def build(
    context: typer.Context,
    out: Annotated[Path, typer.Argument(help="Folder for the model.")],
    seed: Annotated[int | None, typer.Option("--seed", help="Seed of weights and episodes.")] = None,
) -> None:
    """Train the built-in model again: a tiny vision-language model that learns in context. Everything about it is synthetic.

    Example:
    leverplus demo build ./world
    """
    words = [] if seed is None else ["--seed", str(seed)]
    run_program(Program.BUILD_MODEL, str(out), *words)
