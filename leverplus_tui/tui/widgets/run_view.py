"""How one run is written: its state, its figures, its marks, its line in a table. The same words on every screen."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from leverplus_tui.text.figures import figure_text, size_text
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import accuracy, count, plural
from leverplus_tui.text.shots import shots_text
from leverplus_tui.text.states import STATE_ROLES, SYNTHETIC, marks, short_word, shown_state, state_text
from leverplus_tui.text.times import age, duration
from leverplus_tui.text.words import clean, short_name
from leverplus_tui.tui.widgets.table import Cell, Column, Row

if TYPE_CHECKING:
    from db.store import CellRow, RunRow


def state_cell(run: RunRow) -> Cell:
    """`▶ run 62%` in the colour of the state."""
    return Cell(state_text(run, short=True), STATE_ROLES.get(shown_state(run), ""))


def flag_cell(run: RunRow) -> Cell:
    """The first mark and how many more; before a mere `synth`, how many findings there are."""
    shown = marks(run)
    if shown and shown[0] != SYNTHETIC:
        return Cell(shown[0] + (f"+{len(shown) - 1}" if len(shown) > 1 else ""), "warn")
    counts = (("error", run.findings.errors, "bad"), ("warning", run.findings.warnings, "warn"))
    text, role = next(((f"{glyph(sign)}{n}", role) for sign, n, role in counts if n), ("", ""))
    if not shown:
        return Cell(text, role)
    return Cell(f"{text} syn", role) if text else Cell(SYNTHETIC, "info")


def figure_cell(figure: CellRow | None, state: str) -> Cell:
    """A figure of a run in this state; those that may still change are faint."""
    if figure is None:
        return Cell("-", "faint")
    whole = state == "done" and figure.n_done >= figure.n
    return Cell(figure_text(figure, short=True), "" if whole else "faint")


def how(run: RunRow) -> str:
    """Who chooses, or what is trained."""
    return clean(run.retriever or run.variant or "-")


def figure_widths(rows: Iterable[RunRow], shots: Sequence[int]) -> dict[int, int]:
    """Cells that the longest figure of these runs takes, by shots."""
    held = list(rows)
    return {
        shot: max((len(figure_cell(row.headline(shot), row.state).text) for row in held), default=0) for shot in shots
    }


def run_columns(
    shots: Sequence[int], newest: int = 0, largest: int = 0, widths: Mapping[int, int] | None = None
) -> list[Column]:
    """The columns of the runs table. Each is headed by the word that filters and sorts by it.

    Figures stay longest, those of few shots before others; wider terminals show where they come from.

    `newest` is the greatest id, `largest` the greatest n, `widths` those of the figures: no number is ever cut.
    """
    figure = len(accuracy(48.55, 45.25, 51.85))
    return [
        Column("id", "id", max(3, len(f"r{newest}"))),
        Column("name", "name", 8, flex=20),
        Column("kind", "kind", 4, priority=6),
        Column("how", "retriever", 9, priority=5, flex=4),
        *(
            Column(
                f"@{shot}",
                f"acc@{shots_text(shot)}",
                max(figure, (widths or {}).get(shot, 0)),
                align="right",
                priority=1 + (index > 3),
            )
            for index, shot in enumerate(shots)
        ),
        Column("n", "n", max(4, len(count(largest))), align="right", priority=4),
        Column("dataset", "dataset", 9, priority=7, flex=6),
        Column("vlm", "vlm", 9, priority=8, flex=8),
        Column("created", "created", 11, align="right", priority=9),
        Column("duration", "duration", 8, align="right", priority=8),
        Column("state", "state", 9, priority=2),
        Column("flag", "flag", 7, priority=3),
        Column("tags", "tags", 6, priority=10, flex=10),
    ]


def hidden_words(hidden: Sequence[Column]) -> str:
    """Which columns have no room: figures by name, for `-` in the others would read as never run."""
    shots = " ".join(column.title for column in hidden if column.key.startswith("@"))
    others = sum(1 for column in hidden if not column.key.startswith("@"))
    if not hidden:
        return ""
    if not shots:
        return shown(f"{plural(others, 'column')} hidden (c)")
    return shown(f"{shots} hidden") + (shown(f", {plural(others, 'column')} more") if others else "") + " (c)"


def run_row(run: RunRow, shots: Sequence[int], names: Collection[str] = ()) -> Row:
    """One run as a line of that table; `names` are those of models and data sets that it must be told from."""
    figures = {shot: run.headline(shot) for shot in shots}
    return {
        "id": Cell(run.ref, "accent"),
        "name": clean(run.name),
        "kind": Cell(short_word(run.kind), "faint"),
        "how": how(run),
        **{f"@{shot}": figure_cell(figure, run.state) for shot, figure in figures.items()},
        "n": Cell(size_text([figure for figure in figures.values() if figure is not None]), "faint"),
        "dataset": Cell(short_name(run.dataset, names), "faint"),
        "vlm": Cell(short_name(run.vlm, names), "faint"),
        "created": Cell(age(run.created), "faint"),
        "duration": Cell(duration(run.duration_s), "faint"),
        "state": state_cell(run),
        "flag": flag_cell(run),
        "tags": Cell(clean(" ".join(run.tags)), "info"),
    }
