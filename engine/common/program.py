"""What the small programs of the engine share: run one piece of work, print what came of it, say in a sentence what failed."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.wording import LAYOUT, printable

Summary = dict[str, Any]


class WrittenWrong(UserError):
    """What was written, read back, is not what was meant: a fault of this program."""

    exit_code = 1


def refuse_place(source: Path, out: Path, *, overwrite: bool) -> None:
    """UserError where `out` is the source, a folder, or a file that nobody said to replace."""
    if out.exists() and source.exists() and out.samefile(source):
        raise UserError(f"{out} is the source itself; choose another name, the original is never changed")
    if out.is_dir():
        raise UserError(f"{out} is a folder; name a file in it")
    if out.exists() and not overwrite:
        raise UserError(f"{out} is there already; choose another name, or say --overwrite")


def file_program(module: str, description: str, example: str, source: str) -> argparse.ArgumentParser:
    """The command line of a program that makes one file of another: SOURCE (what it is), `--json`, and an example of the rest."""
    name = f"python -m {module}"
    parser = argparse.ArgumentParser(prog=name, description=description, epilog=f"example: {name} {example}")
    parser.add_argument("source", type=Path, help=source)
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    return parser


def finish(work: Callable[[], Summary], describe: Callable[[Summary], str], out: Path, *, as_json: bool) -> int:
    """Do the work that writes `out` and print its summary, as text or as one JSON document; returns the exit code."""
    try:
        summary = work()
    except UserError as error:
        sys.stderr.write(f"leverplus: {printable(str(error), LAYOUT)}\n")
        return error.exit_code
    except OSError as error:
        sys.stderr.write(f"leverplus: {out}: cannot be written ({error.strerror}); choose another place\n")
        return 2
    text = json.dumps(summary, indent=1) if as_json else describe(summary)
    sys.stdout.write(f"{printable(text, LAYOUT)}\n")
    return 0
