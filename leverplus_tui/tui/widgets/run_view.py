"""How one run is written: its state, its figures, its marks, its line in a table. The same words on every screen."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from leverplus_tui.tui.theme import STATE_ROLES, ascii_only, glyph
from leverplus_tui.tui.widgets.table import Cell, Column, Row
from leverplus_tui.tui.widgets.text import accuracy, clean, count, duration, plural, short_name

if TYPE_CHECKING:
    from db.store import CellRow, RunRow

MARKS = {"shots-truncated": "!few", "pool-degenerate": "!same", "prompt-mismatch": "!text", "decode-mismatch": "!dec"}
"""Findings that change what a figure means; a run that was forced past one is `!cfg`."""
SYNTHETIC = "synth"
MARK_WORDS = {
    "!cfg": "forced past preflight",
    "!few": "fewer demonstrations than asked",
    "!same": "every question got the same demonstrations",
    "!text": "prompt differs from the training data's",
    "!dec": "decoding differs from the training data's",
    SYNTHETIC: "built-in data or model: says nothing about real data",
}
WORDS = {"running": "run", "generate": "gen", "embed": "emb"}


def now() -> datetime:
    """The present, in one place, so that pictures of screens can hold it still."""
    return datetime.now(UTC)


def shown_state(run: RunRow) -> str:
    """The stored state, or `stalled` for a living process that was silent for longer than it announced."""
    if run.state == "running" and run.heartbeat is not None and run.promise_s is not None:
        silent = (now() - run.heartbeat).total_seconds()
        if silent > run.promise_s:
            return "stalled"
    return run.state


def state_text(run: RunRow) -> str:
    """Sign and word, and the share that is done while it runs: `▶ run 62%`."""
    state = shown_state(run)
    text = f"{glyph(state)} {WORDS.get(state, state)}"
    progress = run.progress
    if state == "running" and progress is not None and progress.total:
        return f"{text} {min(99, 100 * progress.done // progress.total)}%"
    return text


def state_cell(run: RunRow) -> Cell:
    """`state_text` in the colour of the state."""
    return Cell(state_text(run), STATE_ROLES.get(shown_state(run), ""))


def marks(run: RunRow) -> list[str]:
    """What must be known before a figure of this run is believed."""
    found = ["!cfg"] if run.forced else []
    found += [MARKS[code] for code in run.findings.codes if code in MARKS]
    return found + ([SYNTHETIC] if "builtin" in (run.dataset, run.vlm) else [])


def doubts(run: RunRow | None) -> list[str]:
    """The marks but for `synth`, which is no fault."""
    return [mark for mark in marks(run) if mark != SYNTHETIC] if run is not None else []


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
    """`48.5 ±3.3`; `?` in front while questions are missing; `-` where never run."""
    if figure is None:
        return Cell("-", "faint")
    text = accuracy(figure.accuracy, figure.ci_low, figure.ci_high)
    if figure.n_done < figure.n:
        return Cell("?" + text, "faint")
    return Cell(text, "" if state == "done" else "faint")


def size_text(figures: Sequence[CellRow]) -> str:
    """How many questions stand behind the figures shown."""
    sizes = {figure.n for figure in figures}
    return "" if not sizes else count(max(sizes)) if len(sizes) == 1 else f"{glyph('ellipsis')}{count(max(sizes))}"


def how(run: RunRow) -> str:
    """Who chooses, or what is trained."""
    return clean(run.retriever or run.variant or "-")


def age(moment: datetime | None) -> str:
    """`4m12 ago` for today, else the date, in local time."""
    if moment is None:
        return "-"
    seconds = (now() - moment).total_seconds()
    if seconds < 12 * 3600:
        return f"{duration(seconds)} ago"
    return moment.astimezone().strftime("%m-%d %H:%M")


def run_columns(shots: Sequence[int], newest: int = 0, largest: int = 0) -> list[Column]:
    """The columns of the runs table. Figures of few shots stay longest; wider terminals show where they come from.

    `newest` is the greatest id and `largest` the greatest n: no number is ever cut.
    """
    figure = 12 if ascii_only() else 11
    return [
        Column("id", "id", max(3, len(f"r{newest}"))),
        Column("name", "name", 12, flex=20),
        Column("kind", "kind", 4, priority=6),
        Column("how", "retriever", 9, priority=5, flex=4),
        *(
            Column(f"@{shot}", f"@{shot}", figure, align="right", priority=2 + (index > 2))
            for index, shot in enumerate(shots)
        ),
        Column("n", "n", max(4, len(count(largest))), align="right", priority=1),
        Column("dataset", "data", 9, priority=7, flex=6),
        Column("vlm", "model", 9, priority=8, flex=8),
        Column("age", "started", 11, align="right", priority=9),
        Column("duration", "took", 6, align="right", priority=8),
        Column("state", "state", 9),
        Column("flag", "flag", 7),
        Column("tags", "tags", 6, priority=10, flex=10),
    ]


def hidden_words(hidden: Sequence[Column]) -> str:
    """Which columns have no room: figures by name, for `-` in the others would read as never run."""
    shots = " ".join(column.title for column in hidden if column.key.startswith("@"))
    others = sum(1 for column in hidden if not column.key.startswith("@"))
    if not hidden:
        return ""
    if not shots:
        return f"{plural(others, 'column')} hidden (c)"
    return f"{shots} hidden" + (f", {plural(others, 'column')} more" if others else "") + " (c)"


def run_row(run: RunRow, shots: Sequence[int], names: Collection[str] = ()) -> Row:
    """One run as a line of that table; `names` are those of models and data sets that it must be told from."""
    figures = {shot: run.headline(shot) for shot in shots}
    return {
        "id": Cell(run.ref, "accent"),
        "name": clean(run.name),
        "kind": Cell(WORDS.get(run.kind, run.kind), "faint"),
        "how": how(run),
        **{f"@{shot}": figure_cell(figure, run.state) for shot, figure in figures.items()},
        "n": Cell(size_text([figure for figure in figures.values() if figure is not None]), "faint"),
        "dataset": Cell(short_name(run.dataset, names), "faint"),
        "vlm": Cell(short_name(run.vlm, names), "faint"),
        "age": Cell(age(run.started or run.created), "faint"),
        "duration": Cell(duration(run.duration_s), "faint"),
        "state": state_cell(run),
        "flag": flag_cell(run),
        "tags": Cell(clean(" ".join(run.tags)), "info"),
    }
