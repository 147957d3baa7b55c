"""The first tab of a run: its matrix, how far it is, what was found, and what it was made of."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import events
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.sources import sources_text
from leverplus_tui.text.states import marks
from leverplus_tui.text.times import age, duration
from leverplus_tui.text.words import clean, fact, spaced
from leverplus_tui.tui.screens.run.info import Part, found, reason, since, summary
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.matrix import Figure, Matrix, Place, cell_width
from leverplus_tui.tui.widgets.text import shorten

if TYPE_CHECKING:
    from db.store import CellRow, CheckpointRow, ProcessRow, RunDetail
    from leverplus_tui.results.since_last import Since

LEAST_LABEL, LONGEST_LABEL = 10, 28
"""Cells of a subset's name."""
MARK_BADGES = {"!cfg": "forced", "!few": "fewer shots", "!same": "same demos"}


class Overview(VerticalScroll):
    """Everything about a run on one page."""

    DEFAULT_CSS = """
    Overview { padding: 0 1; height: 1fr; }
    Overview > Static { height: auto; }
    Overview > Matrix { margin-bottom: 1; }
    """

    def __init__(self) -> None:
        super().__init__(can_focus=False)
        self.places: dict[Place, CellRow] = {}
        self._detail: RunDetail | None = None
        self._told: Since | None = None

    def compose(self) -> ComposeResult:
        """What it is, its figures, the rest."""
        yield Static("", id="about")
        yield Matrix(id="matrix")
        yield Static("", id="rest")

    def show(self, detail: RunDetail) -> None:
        """Show a run."""
        self._detail = detail
        self.query_one("#about", Static).update(
            Content.assemble(*reason(detail), *summary(detail.row), *_times(detail))
        )
        self._show_matrix(detail)
        self._show_rest(detail)

    def _show_rest(self, detail: RunDetail) -> None:
        told = [*since(self._told), "\n"] if self._told is not None else []
        self.query_one("#rest", Static).update(Content.assemble(*_findings(detail), *told, *_made(detail)))

    def on_resize(self, _: events.Resize) -> None:
        """Names of subsets give way to figures."""
        if self._detail is not None:
            self._show_matrix(self._detail)

    def show_since(self, told: Since | None) -> None:
        """Show what changed since the last run like it."""
        self._told = told
        if self._detail is not None:
            self._show_rest(self._detail)

    def _show_matrix(self, detail: RunDetail) -> None:
        cells = detail.row.cells
        subsets = list(dict.fromkeys(cell.subset for cell in cells))
        shots = sorted({cell.shot for cell in cells})
        self.places = {(subsets.index(cell.subset), shots.index(cell.shot)): cell for cell in cells}
        badges = [MARK_BADGES[mark] for mark in marks(detail.row) if mark in MARK_BADGES]
        figures = {place: _figure(cell, badges) for place, cell in self.places.items()}
        titles, labels = [shots_words(shot) for shot in shots], [clean(subset) for subset in subsets]
        matrix, figure = self.query_one(Matrix), cell_width(figures.values()) + 1
        matrix.display = bool(figures)
        if len(subsets) < len(shots) and LEAST_LABEL + 2 + figure * len(shots) > self.size.width:
            # shots stand below one another where they have no room side by side: no figure needs scrolling to the side
            self.places = {(shot, subset): cell for (subset, shot), cell in self.places.items()}
            turned = {(shot, subset): one for (subset, shot), one in figures.items()}
            matrix.show(titles, [shorten(label, figure - 1) for label in labels], turned)
            return
        room = max(LEAST_LABEL, min(LONGEST_LABEL, self.size.width - 2 - figure * len(shots)))
        matrix.show([shorten(label, room) for label in labels], titles, figures)


def _figure(cell: CellRow, badges: list[str]) -> Figure:
    own = list(badges)
    if cell.shot and cell.shots_used and set(cell.shots_used) != {cell.shot} and "fewer shots" not in own:
        own.append("fewer shots")
    if cell.shot == 0:
        own = [badge for badge in own if badge == "forced"]
    return Figure(
        cell.accuracy, cell.ci_low, cell.ci_high, cell.n, cell.n_done, ", ".join(shown(badge) for badge in own[:1])
    )


def _times(detail: RunDetail) -> list[Part]:
    row = detail.row
    parts: list[Part] = [(shown("started "), "$faint"), age(row.started or row.created)]
    parts += [(shown("   took "), "$faint"), duration(row.duration_s)]
    if row.parent is not None:
        parts += [(shown("   from "), "$faint"), f"r{row.parent}"]
    if detail.children:
        parts += [(shown("   led to "), "$faint"), ", ".join(f"r{child}" for child in detail.children)]
    if detail.sources:
        parts += [(shown("   answers "), "$faint"), sources_text(row.id, detail.sources)]
    if row.tags:
        parts += [(shown("   tags "), "$faint"), clean(" ".join(row.tags))]
    if detail.note:
        parts += ["\n", (clean(detail.note), "italic")]
    return [*parts, "\n"]


def _findings(detail: RunDetail) -> list[Part]:
    if not detail.findings:
        return []
    return [(shown("Findings"), "bold $primary"), "\n", *found(detail.findings), "\n"]


def _made(detail: RunDetail) -> list[Part]:
    """Lineage, checkpoints, files, processes: whatever there is."""
    parts = _block(
        shown("Made of"), [(spaced(name), shorten(fact(value), 200)) for name, value in detail.facts.items()]
    )
    parts += _block(shown("Checkpoints"), _checkpoints(detail.checkpoints))
    parts += _block("Files", [(item.kind, f"{clean(item.path)}  {item.sha256[:10]}") for item in detail.artifacts])
    parts += _block(
        shown("Environment"), [(spaced(name), shorten(fact(value), 200)) for name, value in detail.environment.items()]
    )
    parts += _block(shown("Processes"), [_process(item) for item in detail.processes])
    return parts


def _checkpoints(items: Sequence[CheckpointRow]) -> list[tuple[str, str]]:
    """Those that are on disk, and how many were written over."""
    rows = [_checkpoint(item) for item in items if not item.replaced]
    gone = sum(1 for item in items if item.replaced)
    return rows + ([("", shown(f"{count(gone)} earlier, written over"))] if gone else [])


def _checkpoint(item: CheckpointRow) -> tuple[str, str]:
    label = f"{item.phase} {item.epoch}" + (" best" if item.is_best else "")
    return label, shown(f"{clean(item.path)}  {count(item.parameters)} parameters  {item.sha256[:10]}")


def _process(item: ProcessRow) -> tuple[str, str]:
    words = shown(f"pid {item.pid} on {clean(item.host)}, begun {age(item.started)}")
    if item.exit_code is not None:
        words += shown(f", exit {item.exit_code}")
    return item.state, words + (f", {clean(in_app(item.reason))}" if item.reason else "")


def _block(title: str, rows: list[tuple[str, str]]) -> list[Part]:
    if not rows:
        return []
    width = min(28, max(len(name) for name, _ in rows))
    parts: list[Part] = [(title, "bold $primary"), "\n"]
    for name, value in rows:
        parts += [(f"  {shorten(clean(name), width):<{width}}  ", "$faint"), value, "\n"]
    return [*parts, "\n"]
