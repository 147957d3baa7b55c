"""`leverplus tui`."""

from __future__ import annotations

import gc
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from db.home import Home, resolve_home
from db.user_error import UserError
from leverplus_tui.commands.options import HomeOption
from leverplus_tui.text.glyphs import fit_to_terminal
from leverplus_tui.text.output import say
from leverplus_tui.tui.graphics.way import CHOICES


def tui(
    run: Annotated[str | None, typer.Option("--run", metavar="RUN", help="Open this run.")] = None,
    compare: Annotated[
        str | None, typer.Option("--compare", metavar="RUN,RUN", help="Open these runs side by side.")
    ] = None,
    read_only: Annotated[bool, typer.Option("--read-only", help="Look, and change nothing.")] = False,
    lang: Annotated[str | None, typer.Option("--lang", metavar="en|zh", help="Language of the program.")] = None,
    pictures: Annotated[
        str | None,
        typer.Option("--pictures", metavar="auto|kitty|sixel|cells|off", help="How to draw pictures in this terminal."),
    ] = None,
    web: Annotated[
        bool, typer.Option("--web", help="Show it in a browser (read-only), with a link that has a token.")
    ] = False,
    write: Annotated[bool, typer.Option("--write", help="With --web: may start, stop and delete.")] = False,
    host: Annotated[
        str,
        typer.Option("--host", metavar="ADDRESS", help="With --web: where to listen; others can be reached by all."),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", metavar="N", min=0, max=65535, help="With --web: which port; 0 takes a free one.")
    ] = 8765,
    home: HomeOption = None,
) -> None:
    """Open the terminal program.

    Example:
    leverplus tui
    leverplus tui --run r12
    leverplus tui --compare r10,r12
    leverplus tui --web --port 9000
    """
    if lang is not None and lang not in ("en", "zh"):
        raise UserError(f"--lang {lang} is not known: en or zh")
    if lang is not None:
        os.environ["LEVERPLUS_LANG"] = lang  # the process behind a browser reads it too
    if pictures is not None and pictures not in CHOICES:
        raise UserError(f"--pictures {pictures} is not known: {', '.join(CHOICES[:-1])} or {CHOICES[-1]}")
    if write and not web:
        raise UserError("--write belongs to --web: in a terminal the program may write unless --read-only is given")
    if web:
        from leverplus_tui.commands.home.web import serve  # not needed in a terminal

        links = [f"--{name}={value}" for name, value in (("run", run), ("compare", compare)) if value]
        serve(resolve_home(home), host=host, port=port, write=write and not read_only, links=links)
        return
    served = os.environ.get("TEXTUAL_DRIVER", "").endswith(":WebDriver")  # to a browser, by the line above
    if not served and not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UserError(
            "tui needs a terminal, and this is none: `leverplus runs` and `leverplus show RUN` print instead"
        )
    if not served and not sys.stderr.isatty():  # Textual's way, so that what a program prints can be piped
        raise UserError("tui draws on standard error, which goes elsewhere here: start it without `2>`")
    if not served:
        fit_to_terminal(os.environ)
    runs = tuple(name.strip() for name in (compare or "").split(",") if name.strip())
    place, said = resolve_home(home), ""
    while (backup := _shown(place, run, runs, read_only=read_only, said=said, pictures=pictures or "")) is not None:
        said, run, runs = _restored(place, backup), None, ()
        if served:  # the browser's page has ended with the program; the one that is loaded next tells of it
            from leverplus_tui.tui.memory import Memory  # known to the program that was shown

            memory = Memory(place.root)
            memory.keep(notice=said)
            memory.write()
            return


def _shown(
    place: Home, run: str | None, compare: Sequence[str], *, read_only: bool, said: str, pictures: str
) -> Path | None:
    """Show the program until it is left. The backup that is to be put back, where it was left for that."""
    gc.disable()  # what is imported stays: looking through it again and again is a tenth of the start; the app enables it
    from leverplus_tui.tui.app import LeverplusApp  # Textual: 100 ms, which the sentence above need not wait

    app = LeverplusApp(place, run=run, compare=compare, read_only=read_only, said=said, pictures=pictures)
    app.run()
    return app.restoring


def _restored(place: Home, backup: Path) -> str:
    """Put a backup back; what the program says of that when it is shown again."""
    from leverplus_tui.keeping.backup import put_back  # archives: nobody else waits for them

    say(f"restoring {backup} ...")
    try:
        kept = put_back(place, backup)
    except (UserError, OSError) as error:
        return f"Nothing was restored: {error}"
    return f"This is what {backup} holds; the home of before is {kept}. Runs that waited are paused: Q, then Z lets them go"
