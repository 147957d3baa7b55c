"""Files whose tables are read by their words: Markdown, CSV, TSV and JSON lines."""

from __future__ import annotations

import re

from engine.common.files.gate import NotReadable
from engine.figures.reading import Reading
from engine.figures.source import MOST_REPORT, Source
from engine.figures.tables.delimited import delimited_document, json_lines_document
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


def is_delimited(source: Source) -> bool:
    """CSV or TSV by its name."""
    return source.suffix in (".csv", ".tsv") and not source.is_folder


def read_delimited(source: Source) -> Reading:
    """The figures of a CSV or TSV table."""
    return read_tables(source.path, delimited_document(source), f"{source.suffix[1:].upper()} table")


def is_json_lines(source: Source) -> bool:
    """One JSON object of plain values a line."""
    return bool(source.rows) and not any(isinstance(value, dict | list) for value in source.rows[0][1].values())


def read_json_lines(source: Source) -> Reading:
    """The figures of a table of JSON lines."""
    return read_tables(source.path, json_lines_document(source), "table of JSON lines")
