"""Tables of a Markdown file. markdown-it-py knows what is a table and what only looks like one, as in a block of code."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from markdown_it import MarkdownIt
from markdown_it.token import Token

from engine.figures.tables.grid import Document, Table, TableRow
from engine.figures.tables.words import plain

SETTING = re.compile(r"[-*>\s]*([^:：|]{1,24}?)\s*[:：]\s*(\S.{0,300})")
_PARSER = (
    MarkdownIt("commonmark")
    .enable("table")
    .disable(["link", "image", "autolink", "html_inline", "entity", "reference"])
)


@dataclass
class _Walk:
    """Where in the document the walk is."""

    headings: list[tuple[int, str]] = field(default_factory=list)
    paragraph: str = ""
    title: str = ""
    settings: dict[str, str] = field(default_factory=dict)

    def heading(self, level: int, text: str) -> None:
        """A new section begins."""
        self.headings = [(above, told) for above, told in self.headings if above < level] + [(level, text)]
        self.title = self.title or text
        self.paragraph = ""

    def text(self, content: str) -> None:
        """A paragraph, which may hold settings line by line."""
        self.paragraph = plain(content)
        for line in content.splitlines():
            if found := SETTING.fullmatch(plain(line)):
                self.settings.setdefault(found[1].strip(" *").casefold(), found[2].strip(" *"))

    def around(self) -> tuple[str, ...]:
        """What stands above, the nearest first."""
        return (self.paragraph, *(text for _, text in reversed(self.headings)))


def markdown_document(text: str, name: str) -> Document:
    """The tables of a Markdown text in their order."""
    tokens, walk, tables = _PARSER.parse(text), _Walk(), []
    at = 0
    while at < len(tokens):
        token = tokens[at]
        if token.type == "heading_open":
            walk.heading(int(token.tag[1]), plain(_inline(tokens[at + 1])))
            at += 2
        elif token.type == "table_open":
            end = _closing(tokens, at)
            tables.append(_table(tokens[at:end], walk))
            walk.paragraph = ""
            at = end
        elif token.type == "inline":
            walk.text(_inline(token))
        at += 1
    return Document(tuple(tables), walk.title, name, walk.settings)


def _closing(tokens: Sequence[Token], at: int) -> int:
    return next(i for i in range(at, len(tokens)) if tokens[i].type == "table_close")


def _table(tokens: Sequence[Token], walk: _Walk) -> Table:
    header, *rows = _rows(tokens)
    return Table(header.line, header.cells, tuple(rows), walk.around())


def _rows(tokens: Sequence[Token]) -> Iterator[TableRow]:
    line, cells = 0, list[str]()
    for token in tokens:
        if token.type == "tr_open":
            line, cells = (token.map[0] + 1 if token.map else 0), []
        elif token.type == "inline":
            cells.append(plain(_inline(token)))
        elif token.type == "tr_close":
            yield TableRow(line, tuple(cells))


def _inline(token: Token) -> str:
    """The words of a text, without the marks that set them bold or in a fixed width."""
    parts = token.children or []
    return "".join("\n" if part.type.endswith("break") else part.content for part in parts)
