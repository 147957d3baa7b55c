"""A document as a list of blocks, written as Markdown or as one self-contained HTML page."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from engine.common.wording import LAYOUT, printable
from leverplus_tui.text.output import markdown_table, markdown_text

STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
body { color: #1c1c1c; background: #fff; }
table { border-collapse: collapse; margin: 1rem 0; display: block; overflow-x: auto; }
th, td { border-bottom: 1px solid #ccc; padding: .25rem .75rem; text-align: left; white-space: nowrap; }
td.r, th.r { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f4f4f4; padding: .75rem; overflow-x: auto; }
"""


@dataclass(frozen=True)
class Heading:
    """A heading; level 1 is the title."""

    text: str
    level: int = 2


@dataclass(frozen=True)
class Paragraph:
    """Plain text."""

    text: str


@dataclass(frozen=True)
class Bullets:
    """Points of plain text."""

    points: Sequence[str]


@dataclass(frozen=True)
class Grid:
    """A table; columns numbered in `right` are flushed right."""

    headers: Sequence[str]
    lines: Sequence[Sequence[str]]
    right: Sequence[int] = ()


@dataclass(frozen=True)
class Code:
    """Text to be taken as it is."""

    text: str


Block = Heading | Paragraph | Bullets | Grid | Code


def to_markdown(blocks: Sequence[Block]) -> str:
    """GitHub-flavoured Markdown."""
    return "\n\n".join(_markdown(block) for block in blocks) + "\n"


def to_html(blocks: Sequence[Block], *, language: str) -> str:
    """One page without outside references."""
    title = next((block.text for block in blocks if isinstance(block, Heading)), "leverplus")
    body = "\n".join(_html(block) for block in blocks)
    return (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">\n'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        f"<title>{html.escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n{body}\n</body>\n</html>\n"
    )


def _markdown(block: Block) -> str:
    match block:
        case Heading():
            return f"{'#' * block.level} {markdown_text(block.text)}"
        case Paragraph():
            return markdown_text(block.text)
        case Bullets():
            return "\n".join(f"- {markdown_text(point)}" for point in block.points)
        case Grid():
            return markdown_table(block.headers, block.lines, block.right)
        case Code():
            longest = max((len(ticks) for ticks in re.findall("`+", block.text)), default=0)
            fence = "`" * max(3, longest + 1)
            return f"{fence}\n{printable(block.text, LAYOUT)}\n{fence}"


def _html(block: Block) -> str:
    match block:
        case Heading():
            return f"<h{block.level}>{html.escape(block.text)}</h{block.level}>"
        case Paragraph():
            return f"<p>{html.escape(block.text)}</p>"
        case Bullets():
            return "<ul>" + "".join(f"<li>{html.escape(point)}</li>" for point in block.points) + "</ul>"
        case Grid():
            head = _html_line("th", block.headers, block.right)
            body = "".join(_html_line("td", line, block.right) for line in block.lines)
            return f"<table><thead>{head}</thead><tbody>{body}</tbody></table>"
        case Code():
            return f"<pre>{html.escape(block.text)}</pre>"


def _html_line(cell: str, texts: Sequence[str], right: Sequence[int]) -> str:
    marks = [' class="r"' if i in right else "" for i in range(len(texts))]
    return (
        "<tr>" + "".join(f"<{cell}{m}>{html.escape(t)}</{cell}>" for m, t in zip(marks, texts, strict=True)) + "</tr>"
    )
