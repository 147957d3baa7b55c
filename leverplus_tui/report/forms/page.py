"""A report as one self-contained HTML page: light and dark, drawings inline, no script, nothing fetched."""

from __future__ import annotations

from collections.abc import Sequence

import jinja2
from markupsafe import Markup, escape

from engine.common.wording import LAYOUT, printable
from leverplus_tui.report.blocks import Block, Heading


def to_html(blocks: Sequence[Block], *, language: str) -> str:
    """The page. Every text is escaped; only our own drawings enter as they are."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("leverplus_tui.report.forms"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
        keep_trailing_newline=True,
    )
    environment.filters |= {"coded": _coded, "drawing": Markup, "plain": _plain}
    environment.globals["kind"] = lambda block: type(block).__name__.lower()
    title = next((block.text for block in blocks if isinstance(block, Heading)), "leverplus")
    page = environment.get_template("page.html.jinja")
    return page.render(blocks=blocks, language={"zh": "zh"}.get(language, language), title=title)


def _plain(text: str) -> str:
    """What a file supplied, without characters that turn or hide text."""
    return printable(str(text), LAYOUT)


def _coded(text: str) -> Markup:
    """A text of ours, in which pairs of backquotes mean code."""
    parts = _plain(text).split("`")
    if len(parts) % 2 == 0:
        return escape(_plain(text))
    return Markup("").join(Markup("<code>{}</code>").format(p) if i % 2 else escape(p) for i, p in enumerate(parts))
