"""`leverplus tui`."""

from __future__ import annotations

import gc
import sys
from typing import Annotated

import typer

from db.home import resolve_home
from db.user_error import UserError
from leverplus_tui.commands.options import HomeOption


def tui(
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Open this run.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="RUN,RUN", help="Open these runs side by side.")
    ] = None,
    home: HomeOption = None,
) -> None:
    """Open the terminal program.

    Example:
    leverplus tui
    leverplus tui --run r12
    leverplus tui --compare r10,r12
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "tui needs a terminal, and this is none: `leverplus runs` and `leverplus show RUN` print instead"
        )
    gc.disable()  # what is imported stays: looking through it again and again is a tenth of the start; the app enables it
    from leverplus_tui.tui.app import LeverplusApp  # Textual: 100 ms, which the sentence above need not wait

    runs = tuple(name.strip() for name in (compare or "").split(",") if name.strip())
    LeverplusApp(resolve_home(home), run=run, compare=runs).run()
