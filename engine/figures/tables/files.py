"""Files whose tables are read by their words: Markdown, CSV, TSV and JSON lines."""

from __future__ import annotations

import re

from engine.common.gate import NotReadable
from engine.figures.reading import Reading
from engine.figures.source import MOST_REPORT, Source
from engine.figures.tables.markdown import markdown_document
from engine.figures.tables.reader import read_tables

MARKDOWN = (".md", ".markdown", ".mdown", ".mkd", ".qmd", ".rmd")
RULE = re.compile(rb"^\s*\|?\s*:?-{2,}:?\s*(\|\s*:?-{2,}:?\s*)+\|?\s*$", re.MULTILINE)
MOST_LINES = 20_000
LONGEST_LINE = 20_000


def is_markdown(source: Source) -> bool:
    """By the name; a text of another name where it has the rule below a table's header."""
    if source.is_folder or source.begins_as_json:
        return False
    return source.suffix in MARKDOWN or (source.suffix in (".txt", "") and bool(RULE.search(source.head)))


def read_markdown(source: Source) -> Reading:
    """The figures of a report. Raises NotReadable where it is larger than any that people write."""
    text = source.text
    lines = text.split("\n")
    if len(source.content) > MOST_REPORT or len(lines) > MOST_LINES or max(map(len, lines)) > LONGEST_LINE:
        raise NotReadable(
            f"{source.path} has {len(source.content):,} bytes in {len(lines):,} lines, more than the {MOST_REPORT:,} bytes, "
            f"{MOST_LINES:,} lines and {LONGEST_LINE:,} characters a line that are read of a report; cut it into parts"
        )
    return read_tables(source.path, markdown_document(text, source.path.stem), "Markdown report")
