"""What preflight found before a run: what, checkpoint, request, side by side; then the findings in sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.states import LEVEL_SEVERITIES, SEVERITY_ROLES
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.run.info import found
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.specs import Finding

WHAT, LEVEL, FRAME = 12, 9, 14
"""Cells of the outer columns, and of everything around a table: border, padding, gutter, scroll bar, blanks."""
LINES = 9
"""Lines of the dialogue beside table and sentences: border, padding, verdict, keys."""


@dataclass(frozen=True)
class PreflightReport:
    """The doctor's answer to a request."""

    checks: Sequence[Any]
    findings: tuple[Finding, ...]

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting unless it is forced."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def speaks(self) -> bool:
        """Whether there is anything that a person should see before the run starts."""
        return any(finding.severity != "info" for finding in self.findings)


class PreflightScreen(ModalScreen[bool]):
    """Shows the report; returns whether the run shall start."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "go", "start", id="preflight.go"),
        Binding(
            "F",
            "force",
            "force",
            tooltip="run although an error was found; the run says so for ever",
            id="preflight.force",
        ),
        Binding("escape", "cancel", "back", id="preflight.back"),
    ]

    def __init__(self, report: PreflightReport) -> None:
        super().__init__()
        self.report = report

    def compose(self) -> ComposeResult:
        """Verdict, table, sentences, keys."""
        blocked = self.report.blocked
        with Vertical(classes="dialog wide"):
            words = "Preflight blocks this run" if blocked else "Preflight has warnings"
            yield Static(Content.assemble((words, "bold $error" if blocked else "bold $warning")))
            yield LineTable(columns(self.app.size.width), choosable=False)
            with VerticalScroll():
                yield Static(Content.assemble(*found(self.report.findings)))
            yield KeyBar()

    def on_mount(self) -> None:
        """Fill the table, what is wrong first."""
        table = self.query_one(LineTable)
        rows = sorted(self.report.checks, key=lambda check: ("block", "warn", "ok").index(check.level))
        table.fill([_row(check) for check in rows])
        table.display = bool(rows)
        table.focus()
        self._fit(self.app.size.height)

    def on_resize(self, event: events.Resize) -> None:
        """Share the new height."""
        self._fit(event.size.height)

    def _fit(self, height: int) -> None:
        """At most half of the dialogue for the table, so that sentences and keys are in view; both scroll."""
        room = height * 9 // 10 - LINES
        rows = min(len(self.report.checks) + 1, max(4, room // 2))
        self.query_one(LineTable).styles.height = rows
        self.query_one(VerticalScroll).styles.max_height = max(3, room - rows)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Starting is for reports without an error, forcing for those with one."""
        if action in ("go", "force"):
            return (action == "force") == self.report.blocked
        return True

    def action_go(self) -> None:
        """Start."""
        self.dismiss(True)

    def action_cancel(self) -> None:
        """Do not start."""
        self.dismiss(False)

    def action_force(self) -> None:
        """Ask once more, then start."""
        detail = "Its figures are not those of the request; the run carries !cfg in every table from now on."

        def answered(yes: bool | None) -> None:
            if yes:
                self.dismiss(True)

        self.app.push_screen(Confirm("Run it although preflight found an error?", detail), answered)


def columns(width: int) -> tuple[Column, ...]:
    """The three columns and the verdict on a terminal of this width; file and request get the same room."""
    room = min(100, width * 94 // 100) - WHAT - LEVEL - FRAME
    half = max(10, room // 2)
    return (
        Column("what", "what", WHAT),
        Column("checkpoint", "checkpoint", half),
        Column("request", "request", half),
        Column("level", "", LEVEL),
    )


def _row(check: Any) -> dict[str, Cell | str]:
    severity = LEVEL_SEVERITIES[check.level]
    return {
        "what": clean(str(check.what)),
        "checkpoint": clean(str(check.checkpoint)),
        "request": clean(str(check.request)),
        "level": Cell(f"{glyph(severity)} {check.level}", SEVERITY_ROLES[severity]),
    }
