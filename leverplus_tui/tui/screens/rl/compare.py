"""Two RL files side by side: rates, overlap, what their makers say of prompt and model, and the same query in both."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from db.specs.base import UserError
from engine.rl.index.compare import Overlap, Pair, SideBySide, shared_pointers
from leverplus_tui.data.rl_files import RLSource
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, number, percent, plural, score, share, signed
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.rl.query import RLQueryScreen
from leverplus_tui.tui.screens.rl.view import CLASS_ROLES
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable
from leverplus_tui.tui.widgets.text import bar, pad, shorten

if TYPE_CHECKING:
    from db.store import DataRow

DEBOUNCE_S = 0.08
BUILD_S = 0.2
SORTS = ("id", "difference", "class")
WORDS = {
    "queries": "queries", "candidates": "candidates", "positive_rate": "right", "query_positive_rate": "queries with one",
    "signal_rate": "signal", "predicted_advantage_std": "advantage sd",
}  # fmt: skip
COLUMNS = (
    Column("id", "query", 7, align="right"),
    Column("question", "question", 16, flex=60),
    Column("class_a", "A", 6),
    Column("class_b", "B", 6),
    Column("n", "n A/B", 7, align="right", priority=1),
    Column("mean_a", "mean A", 6, align="right"),
    Column("mean_b", "mean B", 6, align="right"),
    Column("change", "A-B", 6, align="right"),
    Column("best", "best A/B", 9, align="right", priority=2),
)


class RLCompareScreen(PageScreen):
    """A is the file that was open, B the one that was chosen."""

    MODE = "data"
    AUTO_FOCUS = "#pairs"
    DEFAULT_CSS = """
    RLCompareScreen #rl-sides { height: auto; max-height: 50%; padding: 0 1; border-bottom: solid $rule; }
    RLCompareScreen #rl-sides > Static { height: auto; }
    RLCompareScreen #pairs { height: 1fr; }
    RLCompareScreen #pair { height: auto; padding: 0 1; color: $faint; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "s", "sort", "sort", tooltip="by query, by difference of the means, unlike classes first", id="pairs.sort"
        ),
        Binding("b", "other", "open in B", tooltip="open the query in the other file", id="pairs.other"),
        Binding("y", "copy", "copy", tooltip="copy the comparison as text", id="pairs.copy"),
    ]

    def __init__(self, library: Library, first: RLSource, other: DataRow) -> None:
        super().__init__(library)
        self.first = first
        self.second = RLSource(Path(other.path), other.name, library.home.cache)
        self.sides: SideBySide | None = None
        self.sort = "id"
        self._pairs: dict[int, Pair] = {}
        self._timer: Timer | None = None
        self._text = ""

    def body(self) -> ComposeResult:
        """Figures of both, then the queries that both have."""
        yield Empty("Reading the other file", id="empty")
        with VerticalScroll(id="rl-sides", can_focus=False):
            yield Static("", id="rl-sides-text")
        yield Static("", id="summary", markup=False)
        with Vertical():
            yield LineTable(COLUMNS, id="pairs")
        yield Static("", id="pair", markup=False)

    def on_mount(self) -> None:
        """Read the other file."""
        self._ready(False)
        self.compare_files()

    @property
    def table(self) -> LineTable:
        """The shared queries."""
        return self.query_one("#pairs", LineTable)

    def _ready(self, ready: bool) -> None:
        self.query_one("#empty").display = not ready
        for part in ("#rl-sides", "#summary", "#pairs", "#pair"):
            self.query_one(part).display = ready

    @work(exclusive=True, group="open", exit_on_error=False)
    async def compare_files(self) -> None:
        """Load both indexes (the other's is built first where there is none)."""
        empty = self.query_one("#empty", Empty)
        for source in (self.first, self.second):
            try:
                error = await self._load(source, empty)
            except UserError as failure:
                error = str(failure)
            if error:
                empty.say(f"{clean(source.name)} cannot be compared", [clean(error)], [("esc", "back")])
                return
        assert self.first.browse is not None, shown("loaded above")
        assert self.second.browse is not None, shown("loaded above")
        self.sides = await asyncio.to_thread(SideBySide, self.first.browse, self.second.browse)
        await self._show(self.sides)

    async def _load(self, source: RLSource, empty: Empty) -> str:
        """Why a file cannot be read; '' when its index is loaded."""
        if source.browse is None and not await asyncio.to_thread(source.load):
            await asyncio.to_thread(source.read_head)
            await asyncio.to_thread(source.indexing.start)
            while not await asyncio.to_thread(source.load):
                progress = await asyncio.to_thread(source.indexing.progress)
                if progress.error or not progress.running:
                    if await asyncio.to_thread(source.load):
                        break
                    return progress.error or shown("the building of its index was stopped: open it to begin again")
                empty.say(f"Indexing {clean(source.name)}", [f"{bar(progress.share, 24)} {percent(progress.share)}"])
                await asyncio.sleep(BUILD_S)
        return ""

    async def _show(self, sides: SideBySide) -> None:
        overlap = await asyncio.to_thread(sides.overlap)
        if not overlap.both:
            self.query_one("#empty", Empty).say(
                "No query is in both files",
                [f"A {clean(self.first.name)}, B {clean(self.second.name)}"],
                [("esc", "back")],
            )
            self._ready(False)
            return
        self._ready(True)
        figures, made = self._figures(sides, overlap), _makers(sides)
        warned = ""
        if overlap.unlike_questions:
            warned = shown(
                f"shared ids that ask different questions: {count(overlap.unlike_questions)}; these files are not of one data set"
            )
        self._text = "\n".join([*figures, *([warned] if warned else []), shown("made with"), *made])
        parts: list[str | tuple[str, str]] = [(figures[0], "bold"), "\n", "\n".join(figures[1:]), "\n"]
        parts += [(warned, "$error"), "\n"] if warned else []
        parts += [(shown("made with, where they differ (_meta)"), "bold $primary"), "\n", "\n".join(made)]
        self.query_one("#rl-sides-text", Static).update(Content.assemble(*parts))
        self._fill(sides)
        self.table.focus()

    def _figures(self, sides: SideBySide, overlap: Overlap) -> list[str]:
        lines = [pad("", 24) + pad(f"A {clean(self.first.name)}", 24) + f"B {clean(self.second.name)}"]
        lines += [
            pad(shown(WORDS[name]), 24) + pad(_rate(name, a), 24) + _rate(name, b) for name, a, b in sides.rates()
        ]
        alone = f"only in A {count(overlap.first_only)}   only in B {count(overlap.second_only)}"
        return [*lines, pad(shown("queries in both"), 24) + f"{count(overlap.both)}   {shown(alone)}"]

    def _fill(self, sides: SideBySide) -> None:
        ids = sides.select(self.sort)
        self._take(sides.pairs(ids[:60]), fresh=True)
        self.table.set_keys(ids)
        self.query_one("#summary", Static).update(
            shown(f"{plural(len(ids), 'query', 'queries')} in both   sort {self.sort}")
        )
        self.bar.status = f"{clean(self.first.name)} and {clean(self.second.name)}"

    def _take(self, pairs: dict[int, Pair], *, fresh: bool = False) -> None:
        if fresh:
            self._pairs.clear()
        self._pairs.update(pairs)
        self.table.put_rows({key: _cells(pair) for key, pair in pairs.items()}, fresh=fresh)

    @on(LineTable.Wanted)
    def rows_wanted(self, event: LineTable.Wanted) -> None:
        """Rows that came into view."""
        event.stop()
        if self.sides is not None:
            self._take(self.sides.pairs(list(event.keys)))

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """Say what the candidates of both have in common, when the cursor rests."""
        event.stop()
        if self._timer is not None:
            self._timer.stop()
        if event.key is not None:
            self._timer = self.set_timer(DEBOUNCE_S, self._share)

    @work(exclusive=True, group="pair", exit_on_error=False)
    async def _share(self) -> None:
        key = self.table.cursor_key
        if key is None:
            return
        place = self.query_one("#pair", Static)
        try:
            first = await asyncio.to_thread(self.first.group, key)
            second = await asyncio.to_thread(self.second.group, key)
        except UserError as error:
            place.update(clean(str(error)))
            return
        both, unlike = shared_pointers(first, second)
        pools = len(set(first.pool) & set(second.pool))
        words = shown(f"query {key}: {both} pointers in both, {unlike} of them scored differently")
        if first.pool and second.pool:
            words += shown(f"; pools share {pools} of {len(first.pool)} and {len(second.pool)}")
        place.update(words)

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the query in A."""
        event.stop()
        self.app.push_screen(RLQueryScreen(self.library, self.first, list(self.table.keys), event.key))

    def action_other(self) -> None:
        """Open the query in B."""
        key = self.table.cursor_key
        if key is not None:
            self.app.push_screen(RLQueryScreen(self.library, self.second, list(self.table.keys), key))

    def action_sort(self) -> None:
        """The next order."""
        self.sort = SORTS[(SORTS.index(self.sort) + 1) % len(SORTS)]
        if self.sides is not None:
            self._fill(self.sides)
            self.table.action_end(-1)

    def action_copy(self) -> None:
        """Copy the figures."""
        if self._text:
            self.post_message(CopyText(self._text, shown("the comparison")))


def _makers(sides: SideBySide) -> list[str]:
    """What `_meta` says where it differs, one field a line."""
    rows = [[clean(part) for part in row] for row in sides.makers()]
    return [pad(name, 24) + pad(shorten(a, 23), 24) + shorten(b, 60) for name, a, b in rows] or [
        shown("nothing differs, or neither file says")
    ]


def _rate(name: str, value: float) -> str:
    if name in ("queries", "candidates"):
        return count(int(value))
    return number(value) if name == "predicted_advantage_std" else share(value)


def _cells(pair: Pair) -> dict[str, Cell | str]:
    first, second = pair.first, pair.second
    change = pair.difference
    question = clean(first.question or second.question) or shown("(question not stored)")
    return {
        "id": Cell(str(first.query_id), "faint"),
        "question": Cell(question, "bad" if pair.same_question is False else ""),
        "class_a": Cell(first.group_class, CLASS_ROLES[first.group_class]),
        "class_b": Cell(second.group_class, CLASS_ROLES[second.group_class]),
        "n": Cell(f"{first.n}/{second.n}", "faint"),
        "mean_a": score(first.mean),
        "mean_b": score(second.mean),
        "change": Cell(signed(change), "good" if change > 0 else "bad" if change < 0 else "faint"),
        "best": Cell(f"{score(first.best)}/{score(second.best)}", "faint"),
    }
