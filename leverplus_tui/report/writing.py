"""A report in each form that it can have."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from leverplus_tui.report.document import document
from leverplus_tui.report.forms.markdown import to_markdown
from leverplus_tui.report.forms.papers import to_csv, to_latex
from leverplus_tui.report.gather import Gathered
from leverplus_tui.report.privacy import EVERYTHING, Shown, hidden
from leverplus_tui.text.catalogue import Catalogue, Language

Form = Literal["md", "html", "latex", "csv"]
ENDINGS: dict[str, Form] = {".md": "md", ".html": "html", ".htm": "html", ".tex": "latex", ".csv": "csv"}


def form_of(path: Path) -> Form | None:
    """The form that a file's name asks for."""
    return ENDINGS.get(path.suffix.lower())


def written(found: Gathered, form: Form, language: Language = "en", shown: Shown = EVERYTHING) -> str:
    """The whole text. The same rows give the same bytes."""
    say = Catalogue(language)
    if form == "latex":
        return to_latex(hidden(found, shown), say)
    if form == "csv":
        return to_csv(hidden(found, shown))
    blocks = document(found, say, shown)
    if form == "md":
        return to_markdown(blocks)
    from leverplus_tui.report.forms.page import to_html  # jinja2 takes longer than everything else of the command

    return to_html(blocks, language="zh" if language == "zh" else "en")
