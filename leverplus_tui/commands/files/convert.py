"""`leverplus convert`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from db.home import resolve_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.commands.run_program import run_program
from leverplus_tui.jobs.named_paths import checkpoint_path
from leverplus_tui.jobs.programs import Program


def convert(
    checkpoint: Annotated[
        str,
        typer.Argument(help="Selector checkpoint in any known layout, a run that trained one (r12), or `builtin`."),
    ],
    out: Annotated[Path, typer.Argument(help="File to write.")],
    to: Annotated[
        Literal["leverplus", "upstream"],
        typer.Option("--to", help="safetensors with a manifest, or the published .pt layout."),
    ] = "leverplus",
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="What the file itself cannot tell, such as num_heads=4."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Convert a selector checkpoint between layouts, and check that the function it computes is unchanged.

    Example:
    leverplus convert v3_epoch5.pt selector.safetensors
    leverplus convert r12 for_upstream.pt --to upstream
    """
    sets = [word for assignment in assignments or () for word in ("--set", assignment)]
    source = str(checkpoint_path(checkpoint, resolve_home(home)))
    run_program(Program.CONVERT, source, str(out), "--to", to, *sets, *(["--json"] if as_json else []))
