"""What preflight found before a run: what, checkpoint, request, side by side; then the findings in sentences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import LEVEL_SEVERITIES, SEVERITY_ROLES
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.run.info import found
from leverplus_tui.tui.ways import by_form
from leverplus_tui.tui.widgets.charts.bars import KeyBar
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.specs import Finding

WHAT, LEVEL, FRAME = 12, 9, 14
"""Cells of the outer columns, and of everything around a table: border, padding, gutter, scroll bar, blanks."""
LINES = 9
"""Lines of the dialogue beside table and sentences: border, padding, verdict, keys."""


@dataclass(frozen=True)
class Member:
    """A run of a sweep: what is varied in it, and how preflight judged it; `later` where it waits for files of another."""

    settings: Mapping[str, str]
    level: str


@dataclass(frozen=True)
class PreflightReport:
    """The doctor's answer to a request."""

    checks: Sequence[Any]
    findings: tuple[Finding, ...]
    members: tuple[Member, ...] = ()
    """Runs of a sweep; their table stands where that of the checks does."""
    outlook: str = ""
    """How many runs, and how long they will take."""

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting unless it is forced."""
        return any(finding.severity == "error" for finding in self.findings)

    @property
    def speaks(self) -> bool:
        """Whether there is anything that a person should see before the run starts: of a sweep, what it consists of."""
        return bool(self.members) or any(finding.severity != "info" for finding in self.findings)

    @property
    def verdict(self) -> Content:
        """In words."""
        if self.blocked:
            blocked = [member for member in self.members if member.level == "block"]
            which = (
                shown(f"{len(blocked)} of {plural(len(self.members), 'run')}") if self.members else shown("this run")
            )
            return Content.styled(shown(f"Preflight blocks {which}"), "bold $error")
        if any(finding.severity != "info" for finding in self.findings):
            return Content.styled(shown("Preflight has warnings"), "bold $warning")
        if self.members and all(member.level == "later" for member in self.members):
            return Content.styled(shown("Preflight looks at these runs when what they wait for is done"), "bold")
        return Content.styled(shown("Preflight found nothing wrong"), "bold $success")


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
        with Vertical(classes="dialog wide"):
            yield Static(self.report.verdict)
            if self.report.outlook:
                yield Static(self.report.outlook, markup=False)
            yield LineTable(self._columns(), choosable=False)
            with VerticalScroll():
                yield Static(Content.assemble(*found(self.report.findings, by_form)))
            yield KeyBar()

    def on_mount(self) -> None:
        """Fill the table, what is wrong first."""
        table = self.query_one(LineTable)
        rows = sorted(self._lines, key=lambda one: ("block", "warn", "ok", "later").index(one.level))
        table.fill([_member_row(one) if isinstance(one, Member) else _row(one) for one in rows])
        table.display = bool(rows)
        table.focus()
        self._fit(self.app.size.height)

    @property
    def _lines(self) -> Sequence[Any]:
        return self.report.members or self.report.checks

    def _columns(self) -> tuple[Column, ...]:
        return member_columns(self.report.members) if self.report.members else columns(self.app.size.width)

    def on_resize(self, event: events.Resize) -> None:
        """Share the new height."""
        self._fit(event.size.height)

    def _fit(self, height: int) -> None:
        """At most half of the dialogue for the table, so that sentences and keys are in view; both scroll."""
        room = height * 9 // 10 - LINES - self.report.outlook.count("\n") - bool(self.report.outlook)
        rows = min(len(self._lines) + 1, max(4, room // 2))
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
        detail = shown("Its figures are not those of the request; the run carries !cfg in every table from now on.")

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


def member_columns(members: Sequence[Member]) -> tuple[Column, ...]:
    """A column for each field that is varied, as wide as its values, and the verdict."""
    varied = [
        Column(
            field,
            name := field.rpartition(".")[2],
            min(40, max(len(name), *(len(one.settings[field]) for one in members))),
        )
        for field in members[0].settings
    ]
    return (*varied, Column("level", "", LEVEL))


def _row(check: Any) -> dict[str, Cell | str]:
    shown = {"what": check.what, "checkpoint": check.checkpoint, "request": check.request}
    return {name: clean(str(value)) for name, value in shown.items()} | {"level": _level(check.level)}


def _member_row(member: Member) -> dict[str, Cell | str]:
    return {field: clean(value) for field, value in member.settings.items()} | {"level": _level(member.level)}


def _level(level: str) -> Cell:
    if level not in LEVEL_SEVERITIES:
        return Cell(level, "faint")
    severity = LEVEL_SEVERITIES[level]
    return Cell(f"{glyph(severity)} {level}", SEVERITY_ROLES[severity])
