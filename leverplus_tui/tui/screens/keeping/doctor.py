"""What the doctor says of a file or run: what is wrong and the way out first, then what was read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from db.specs import Report
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import finding_lines
from leverplus_tui.text.words import clean, fact, spaced
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import Begin, CopyText
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.run.info import Part, found

ROLES = {"error": "$error", "warning": "$warning", "info": "$secondary"}


class DoctorScreen(PageScreen):
    """Reports, one below the other."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("e", "expect", "expect", tooltip="doctor again, with something expected of it", id="doctor.expect"),
        Binding("y", "copy", "copy", tooltip="copy what the doctor says", id="doctor.copy"),
    ]

    def __init__(self, library: Library, reports: Sequence[Report], asked: dict[str, str]) -> None:
        super().__init__(library)
        self.reports, self.asked = tuple(reports), asked
        self._has_read = True

    def body(self) -> ComposeResult:
        """Each report: verdict, findings, facts."""
        with VerticalScroll(id="doctor"):
            for report in self.reports:
                yield Static(Content.assemble(*_parts(report, self.asked["expect"])))

    def on_mount(self) -> None:
        """Arrows scroll at once."""
        self.query_one("#doctor").focus()
        self.bar.status = f"doctor: {verdict(self.reports[0]).rpartition(': ')[2]}"

    @property
    def meant_path(self) -> str:
        """What was examined."""
        return self.asked["subject"]

    def action_expect(self) -> None:
        """Ask for expectations and examine again."""
        self.post_message(Begin("doctor"))

    def action_copy(self) -> None:
        """Copy everything."""
        lines = [line for report in self.reports for line in (verdict(report), *finding_lines(report.findings))]
        self.post_message(CopyText("\n".join(lines), shown("what the doctor says")))


def verdict(report: Report) -> str:
    """`model.pt: checkpoint, 1 error, 2 warnings`."""
    counts = {word: sum(one.severity == word for one in report.findings) for word in ROLES}
    told = [plural(counts["error"], "error")] if counts["error"] else []
    told += [plural(counts["warning"], "warning")] if counts["warning"] else []
    return f"{report.path}: {', '.join([report.kind, *(told or [shown('nothing is wrong with it')])])}"


def _parts(report: Report, expected: str) -> list[Part]:
    worst = next((word for word in ROLES if any(one.severity == word for one in report.findings)), "")
    parts: list[Part] = [(clean(report.path), "bold"), (f"  {report.kind}", "$faint")]
    parts += [(shown("  expected: "), "$faint"), clean(expected)] if expected else []
    parts += ["\n", (verdict(report).rpartition(": ")[2], f"bold {ROLES.get(worst, '$success')}"), "\n\n"]
    parts += found(report.findings)
    for name, value in flatten(report.facts):
        parts += [(f"{spaced(name)}  ", "$faint"), fact(value), "\n"]
    return [*parts, "\n"]
