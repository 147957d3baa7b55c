"""How commands speak: data on standard output, talk on standard error, JSON that every parser takes."""

from __future__ import annotations

import json
import math
import os
import re
import sys
import time
from collections.abc import Iterable, Sequence
from contextlib import suppress
from typing import Any

import typer

from engine.common.wording import LAYOUT, printable


def say(text: str) -> None:
    """A line for the person, never part of the data."""
    typer.echo(printable(text, LAYOUT), err=True)


def say_when(text: str) -> None:
    """A line of a log, with the time. Whoever works for long does not end because its log has no room."""
    with suppress(OSError):
        say(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}")


def ring(text: str) -> None:
    """A bell, and a notification where the terminal knows them (OSC 9); on a terminal alone, and not where LEVERPLUS_BELL is 0."""
    if sys.stderr.isatty() and os.environ.get("LEVERPLUS_BELL", "1") != "0":
        sys.stderr.write(f"\a\x1b]9;leverplus: {printable(text)}\x1b\\")
        sys.stderr.flush()


def put(text: str) -> None:
    """A piece of data, on standard output. What a file supplied cannot steer the terminal."""
    typer.echo(printable(text, LAYOUT))


def put_json(value: Any) -> None:
    """One JSON document; numbers that JSON lacks become null."""
    put(json.dumps(_finite(value), indent=2, ensure_ascii=False, allow_nan=False))


def answer(document: Any, as_json: bool, lines: Iterable[str], hints: Iterable[str] = ()) -> None:
    """What a command found out: one JSON document, or lines of data and what else a person may want to know."""
    if as_json:
        put_json(document)
        return
    for line in lines:
        put(line)
    for hint in hints:
        say(hint)


def table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """Aligned columns; those numbered in `right` are flushed right. Wide (Chinese) characters count two cells."""
    from rich.cells import cell_len  # not needed for JSON

    lines = [[printable(str(cell)) for cell in row] for row in (headers, *rows)]
    widths = [max(cell_len(line[i]) for line in lines) for i in range(len(headers))]
    flushed = set(right)

    def padded(cell: str, i: int) -> str:
        gap = " " * (widths[i] - cell_len(cell))
        return gap + cell if i in flushed else cell + gap

    return "\n".join("  ".join(padded(cell, i) for i, cell in enumerate(line)).rstrip() for line in lines)


def markdown_table(headers: Sequence[str], rows: Iterable[Sequence[str]], right: Iterable[int] = ()) -> str:
    """A GitHub-flavoured Markdown table whose cells show their text as it is."""
    flushed = set(right)
    rule = ["---:" if i in flushed else "---" for i in range(len(headers))]
    lines = [[markdown_text(str(cell)) for cell in line] for line in [list(headers), *rows]]
    return "\n".join(f"| {' | '.join(line)} |" for line in [lines[0], rule, *lines[1:]])


def markdown_text(text: str) -> str:
    """Text in which Markdown and HTML see no markup: a name cannot become a link, an image, a script or another cell."""
    return _MARKUP.sub(r"\\\g<0>", printable(text))


_MARKUP = re.compile(r"[\\`\[\]|<&]|[*~](?=\S)|(?<!\w)_|_(?!\w)")
"""Characters that may mean something, where they may."""


def finding_lines(findings: Iterable[Any]) -> list[str]:
    """Each finding as `! error code: message` with its way out below."""
    lines = []
    for finding in findings:
        lines.append(
            f"{'!' if finding.severity == 'error' else '-'} {finding.severity} {finding.code}: {finding.message}"
        )
        if finding.fix:
            lines.append(f"    -> {finding.fix}")
    return lines


def _finite(value: Any) -> Any:
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, dict):
        return {str(name): _finite(inner) for name, inner in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(inner) for inner in value]
    return value
