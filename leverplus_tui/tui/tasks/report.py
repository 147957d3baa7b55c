"""A report of runs, in the form, the language and the file that are asked for."""

from __future__ import annotations

from pathlib import Path

from db.user_error import UserError
from leverplus_tui.jobs.own_command import Said
from leverplus_tui.report.writing import ENDINGS, form_of
from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.tasks.task import Situation, Task, replacing, whole
from leverplus_tui.tui.widgets.picking.offers import Entry, narrowed
from leverplus_tui.tui.widgets.picking.paths import paths

FORMS = (
    ("md", "Markdown"),
    ("html", "HTML, with drawings"),
    ("latex", "LaTeX, tables of figures alone"),
    ("csv", "CSV, figures alone"),
)
LANGUAGES = (("en", "English"), ("zh", "Chinese"))
NAMED = 6
"""Runs in the name of the file."""


def task(at: Situation) -> Task:
    """The window for a report. Raises UserError where no run is meant."""
    if not at.runs:
        raise UserError("A report of which runs? 1 shows them, space marks, P writes the report")
    said = at.said("report")
    form, folder = said.get("format", "md"), said.get("folder") or str(at.library.home.root / "exports")
    more = f"-and-{len(at.runs) - NAMED}-more" if len(at.runs) > NAMED else ""
    name = f"report-{'-'.join(at.refs[:NAMED])}{more}{_ending(form)}"
    against = [Line("against", "against", help="a run such as r12; empty compares all", source=lambda text: narrowed(
        [Entry(ref) for ref in at.refs], text))] if len(at.runs) > 1 else []  # fmt: skip
    lines = [
        Line("format", "format", form, FORMS),
        Line("lang", "language", said.get("lang", "en"), LANGUAGES),
        *against,
        Line("out", "file", str(Path(folder) / name), fresh=False, source=paths),
    ]

    def begin(values: Values) -> Work:
        path = whole(values["out"])
        words = ["report", *at.refs, "--format", values["format"], "--lang", values["lang"], "--out", str(path)]
        words += ["--against", values["against"]] if values.get("against") else []
        return at.by_command(
            shown(f"Writing a report of {at.named}"), "report", words, lambda said: _told(said, path, at.named)
        )

    return Task(
        "report", f"Report of {at.named}", lines, begin,
        check=lambda values: None if values["out"] else "file: say where it is to be written",
        adapt=_adapted, doubt=lambda values: replacing(values["out"]),
        kept=lambda v: {"format": v["format"], "lang": v["lang"], "folder": str(whole(v["out"]).parent)},
    )  # fmt: skip


def _told(said: Said, path: Path, named: str) -> Outcome:
    if said.code:
        return Outcome(said.sentence, "No report was written", failed=True, brief=True)
    return Outcome(f"The report of {named} is in {path}", brief=True)


def _adapted(values: Values) -> Values:
    """The name of the file ends as the form does, unless it ends in a way of its own."""
    path = Path(values["out"])
    known = form_of(path)
    if known is None or known == values["format"]:
        return values
    return {**values, "out": str(path.with_suffix(_ending(values["format"])))}


def _ending(form: str) -> str:
    return next(ending for ending, name in ENDINGS.items() if name == form)
