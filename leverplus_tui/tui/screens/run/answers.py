"""The answers tab: the questions of one cell, each with image, demonstrations, answer and score. Here one learns why."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Static
from textual.worker import Worker

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, plural, score, signed
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import AskModel
from leverplus_tui.tui.reading.rows import Answered
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.run.question import QuestionView
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.store import CellRow, RunDetail

FIRST = 60
"""Lines that are written at once."""
MOST = 20_000
"""Questions held at once; more are named, not shown."""
SORTS = ("question_id", "score", "score desc", "changed")


def sort_answers(rows: list[Answered], by: str) -> list[Answered]:
    """By question, by score, or those that changed most between two runs first (worse before better).

    Questions that only one of the two runs answered have no change to be sorted by and come last.
    """
    if by == "score":
        return sorted(rows, key=lambda row: (row.row.score, row.row.question_id))
    if by == "score desc":
        return sorted(rows, key=lambda row: (-row.row.score, row.row.question_id))
    if by == "changed":
        return sorted(rows, key=lambda row: (row.second is None, -abs(row.change), row.change, row.row.question_id))
    return sorted(rows, key=lambda row: row.row.question_id)


def shared_scores(rows: list[Answered], other: int) -> str:
    """How many scores differ among the questions that both runs answered, and how many only one of them did."""
    both = [row for row in rows if row.first and row.second]
    alone = len(rows) - len(both)
    if not both:
        return shown(f"no question answered by r{other} too")
    changed = sum(1 for row in both if row.change)
    only = shown(f", {count(alone)} only here") if alone else ""
    return shown(f"{count(changed)} of {count(len(both))} shared scores unlike r{other}'s{only}")


class Answers(TellsFailures, Container):
    """A table of questions, and the one under the cursor at length."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "sort", "sort", tooltip="by question, score, or what changed between two runs", id="answers.sort"),
        Binding("c", "beside", "beside", tooltip="put another run's answers beside these", id="answers.beside"),
        Binding("o", "cell", "other figure", tooltip="another number of shots or set of questions", id="answers.cell"),
        Binding("right_square_bracket", "step(1)", "next question", show=False, id="answers.next"),
        Binding("left_square_bracket", "step(-1)", "previous question", show=False, id="answers.previous"),
        Binding("l,right", "page(1)", "scroll the question", show=False, id="answers.scroll-down"),
        Binding("h,left", "page(-1)", "scroll the question back", show=False, id="answers.scroll-up"),
    ]
    DEFAULT_CSS = """
    Answers { height: 1fr; layout: vertical; }
    Answers > #answers-head { height: 1; padding: 0 1; color: $faint; }
    Answers > #answers-body { layout: horizontal; height: 1fr; }
    Answers #questions { width: 1fr; }
    Answers QuestionView { width: 1fr; border-left: solid $rule; }
    Answers.-stacked > #answers-body { layout: vertical; }
    Answers.-stacked #questions { height: 2fr; width: 100%; }
    Answers.-stacked QuestionView { height: 3fr; width: 100%; border-left: none; border-top: solid $rule; }
    Answers.-stacked #picture { height: 6; }
    Answers.-stacked Vertical.demonstration > Picture { height: 4; }
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library
        self.cell: CellRow | None = None
        self.other: int | None = None
        self.sort = "question_id"
        self._detail: RunDetail | None = None
        self._rows: list[Answered] = []
        self._by_question: dict[int, Answered] = {}
        self._reading: Worker[None] | None = None
        self._listed: object = None
        """Which answers are in the table."""

    def compose(self) -> ComposeResult:
        """What is shown, the questions, the question."""
        yield Static("", id="answers-head", markup=False)
        with Container(id="answers-body"):
            yield LineTable(id="questions")
            yield QuestionView(self.library)

    @property
    def table(self) -> LineTable:
        """The questions."""
        return self.query_one("#questions", LineTable)

    def on_resize(self) -> None:
        """Below 110 columns the question stands under the list."""
        self.set_class(self.size.width < 100, "-stacked")

    # What is shown

    def choose(self, cell: CellRow, other: int | None = None) -> None:
        """Show this cell, with another run beside it where one is given."""
        self.cell = cell
        self.other = other
        if other is not None:
            self.sort = "changed"

    def show(self, detail: RunDetail) -> None:
        """Show a run; without a chosen cell its largest subset at most shots."""
        self._detail = detail
        cells = detail.row.cells
        if self.cell is None and cells:
            largest = max(cell.n for cell in cells)
            self.cell = max((cell for cell in cells if cell.n == largest), key=lambda cell: cell.shot)
        if self.cell is None:
            self._head(shown("No answers yet: only evaluations have them, and they appear as they are given"))
            self.table.fill([])
            return
        self._reading = self._read(self.cell)

    @property
    def _asked(self) -> object:
        return self.cell and (self.cell.shot, self.cell.subset_sha), self.other

    def keeps_back(self, key: str) -> bool:  # every key
        """Keys wait for answers that were asked for, not for more of the same."""
        return self._reading is not None and not self._reading.is_finished and self._listed != self._asked

    @work(exclusive=True, group="answers", exit_on_error=False)
    async def _read(self, cell: CellRow) -> None:
        assert self._detail is not None, "answers are read of a run"
        found = await asyncio.to_thread(
            self.library.database.answers, self._detail.row.id, cell.shot, cell.subset_sha, self.other, MOST
        )
        self._rows = await asyncio.to_thread(sort_answers, found, self.sort)
        self._fill(cell)
        self._listed = self._asked

    def _fill(self, cell: CellRow) -> None:
        self._by_question = {row.row.question_id: row for row in self._rows}
        self.table.set_columns(_columns(self.other))
        keys = [row.row.question_id for row in self._rows]
        self.table.put_rows({key: _row(self._by_question[key], self.other) for key in keys[:FIRST]}, fresh=True)
        self.table.set_keys(keys)
        self._head(
            "   ".join([shots_words(cell.shot), self._counted(cell), shown(f"by {self.sort}"), clean(cell.subset)])
        )
        self._open()

    def _counted(self, cell: CellRow) -> str:
        whole = len(self._rows) < MOST
        if self.other is None:
            return plural(len(self._rows), "answer") if whole else shown(f"first {count(MOST)} of {count(cell.n_done)}")
        return shared_scores(self._rows, self.other) + ("" if whole else shown(f" (first {count(MOST)} answers)"))

    def _head(self, text: str) -> None:
        self.query_one("#answers-head", Static).update(text)

    @on(LineTable.Wanted)
    def rows_wanted(self, event: LineTable.Wanted) -> None:
        """Lines are written when they come into view: those of 5,000 answers at once stop the screen for 150 ms."""
        event.stop()
        known = self._by_question
        self.table.put_rows({key: _row(known[key], self.other) for key in event.keys if key in known})

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The question follows the cursor."""
        event.stop()
        self._open()

    def _open(self) -> None:
        key = self.table.cursor_key
        self.query_one(QuestionView).show(self._by_question.get(key) if key is not None else None)

    # Keys

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_sort(self) -> None:
        """Choose the order."""
        sorts = SORTS if self.other is not None else SORTS[:-1]
        chosen = await self.app.push_screen_wait(Choose("Sort by", [(by, by) for by in sorts], current=self.sort))
        if chosen and self.cell is not None:
            self.sort = chosen
            self._rows = sort_answers(self._rows, chosen)
            self._fill(self.cell)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_cell(self) -> None:
        """Choose another cell of the matrix."""
        if self._detail is None or not self._detail.row.cells:
            return
        cells = self._detail.row.cells
        words = [
            (str(index), shown(f"{shots_words(cell.shot)} on {clean(cell.subset)}")) for index, cell in enumerate(cells)
        ]
        current = str(cells.index(self.cell)) if self.cell in cells else ""
        chosen = await self.app.push_screen_wait(Choose("Which figure?", words, current=current))
        if chosen:
            self.cell = cells[int(chosen)]
            self.show(self._detail)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_beside(self) -> None:
        """Choose a run whose answers to the same questions stand beside these."""
        if self._detail is None or self.cell is None:
            return
        runs = await asyncio.to_thread(self.library.database.runs_with_answers, self.cell, self._detail.row.id)
        choices = [(str(run.id), f"{run.ref}  {clean(run.name)}") for run in runs]
        if not choices and self.other is None:
            self.notify("No other run answered these questions with this number of shots")
            return
        if self.other is not None:
            choices.insert(0, ("", "none"))
        chosen = await self.app.push_screen_wait(Choose("Whose answers beside these?", choices))
        if chosen is not None:
            self.other = int(chosen) if chosen else None
            self.sort = "changed" if chosen else "question_id"
            self.show(self._detail)

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter on a question: try things on it."""
        event.stop()
        self.ask_model()

    def ask_model(self) -> None:
        """Open the page that asks the model the question under the cursor."""
        key = self.table.cursor_key
        if self._detail is None or self._detail.row.kind != "eval":
            self.notify("Only an evaluation can be asked about")
        elif key is None or self.cell is None or self._by_question[key].first is None:
            self.notify("Choose a question that this run answered, then M asks its model again")
        else:
            self.post_message(AskModel(self._detail.row.id, key, self.cell.shot))

    def action_step(self, rows: int) -> None:
        """Next or previous question."""
        self.table.action_move(rows)

    def action_page(self, direction: int) -> None:
        """Scroll the question."""
        view = self.query_one(QuestionView)
        view.scroll_relative(y=direction * max(1, view.size.height - 2), animate=False)


def _columns(other: int | None) -> list[Column]:
    text = Column("text", "text", 24 if other is None else 16, flex=60)
    columns = [Column("id", "question", 9, align="right", priority=3), text]
    if other is None:
        return [*columns, Column("answer", "answer", 10, flex=8), Column("wanted", "most said", 9, flex=8, priority=2),
                Column("score", "score", 5, align="right")]  # fmt: skip
    return [*columns, Column("answer", "this", 10, flex=6), Column("second", f"r{other}", 10, flex=6),
            Column("score", "score", 5, align="right"), Column("change", "change", 6, align="right")]  # fmt: skip


def _row(answered: Answered, other: int | None) -> dict[str, Cell | str]:
    row = answered.row
    role = "bad" if row.error else "good" if row.score >= 0.99 else "warn" if row.score > 0 else "faint"
    cells: dict[str, Cell | str] = {
        "id": Cell(str(row.question_id), "faint"),
        "text": clean(row.question) or shown("(question not stored)"),
        "answer": Cell(clean(row.error or row.answer or shown("(empty)")), role),
        "wanted": Cell(clean(max(row.answers, key=row.answers.count)) if row.answers else "", "faint"),
        "score": Cell(score(row.score), role),
    }
    if other is not None:
        second = answered.second
        cells["second"] = (
            clean(second.error or second.answer or shown("(empty)")) if second else Cell(shown("not asked"), "faint")
        )
        change = answered.change
        cells["change"] = Cell(signed(change) if change else "", "good" if change > 0 else "bad")
    return cells
