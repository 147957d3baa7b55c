"""One query of RL data: its image, the answers people gave, its pool, and each candidate with its demonstrations and reward."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.specs.base import UserError
from engine.rl.index.query_rows import CandidateRow, QueryDetail, QueryRow
from leverplus_tui.data.rl_files import RLSource
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.rl.view import CANDIDATE_COLUMNS, asked, candidate_cells, candidate_lines, pool_line
from leverplus_tui.tui.widgets.picture import Picture
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from engine.rl.index.train_questions import TrainRow

PICTURES = 8
SORTS = ("file", "reward", "method", "answer", "pointer")
NO_IMAGE = "no registered data set has this question: o in Data adds one"


class ShownDemonstrations(Horizontal):
    """The demonstrations of the candidate under the cursor, in prompt order, with their images."""

    DEFAULT_CSS = """
    ShownDemonstrations { height: 10; }
    ShownDemonstrations > Vertical { width: 1fr; max-width: 34; height: 10; padding-right: 1; }
    ShownDemonstrations Picture { height: 7; width: 100%; }
    ShownDemonstrations Static { height: 3; }
    ShownDemonstrations.-text, ShownDemonstrations.-unknown { height: 2; }
    ShownDemonstrations.-text > Vertical, ShownDemonstrations.-unknown > Vertical { height: 2; }
    ShownDemonstrations.-text > Vertical, ShownDemonstrations.-unknown > Vertical { max-width: 60; }
    ShownDemonstrations.-text Picture, ShownDemonstrations.-unknown Picture { display: none; }
    """

    def compose(self) -> ComposeResult:
        """Places for as many demonstrations as a pointer can name; unused ones are hidden."""
        for _ in range(PICTURES):
            with Vertical():
                yield Picture()
                yield Static("")

    def show(self, rows: Sequence[int], train_rows: dict[int, TrainRow]) -> None:
        """Show these train rows."""
        self.set_class(not any(train_rows[row].image for row in rows if row in train_rows), "-unknown")
        for index, place in enumerate(self.query(Vertical)):
            place.display = index < len(rows)
            if place.display:
                found = train_rows.get(rows[index])
                place.query_one(Picture).show(
                    found.image if found else "", "" if found and found.image else shown("no image known")
                )
                place.query_one(Static).update(_caption(index, rows[index], found))


def _caption(index: int, row: int, found: TrainRow | None) -> Content:
    head = (f"{index + 1} ", "$accent"), (shown(f"row {row} "), "$faint")
    if found is None:
        return Content.assemble(*head, (shown("question not known"), "$faint"))
    return Content.assemble(*head, clean(found.question), " ", (clean(found.label), "bold $success"))


class RLQueryScreen(PageScreen):
    """A query at length; `[` and `]` go through the list that it was opened from."""

    MODE = "data"
    AUTO_FOCUS = "#candidates"
    DEFAULT_CSS = """
    RLQueryScreen #asked { height: auto; max-height: 6; padding: 0 1; }
    RLQueryScreen #pool { height: 1; padding: 0 1; color: $faint; }
    RLQueryScreen #query-body { height: 1fr; }
    RLQueryScreen #query-picture { width: 28; height: 100%; max-height: 16; padding: 0 1; }
    RLQueryScreen #candidates { width: 1fr; height: 1fr; }
    RLQueryScreen #candidate { height: auto; max-height: 50%; border-top: solid $rule; padding: 0 1; }
    RLQueryScreen #candidate > #candidate-lines { height: auto; }
    RLQueryScreen.-low #candidate > #candidate-lines { max-height: 2; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "left_square_bracket", "step(-1)", "previous", tooltip="previous query of the list", id="query.previous"
        ),
        Binding("right_square_bracket", "step(1)", "next", tooltip="next query of the list", id="query.next"),
        Binding("w", "reward", "reward", tooltip="show the reward under the next mode", id="query.reward"),
        Binding(
            "s", "sort", "sort", tooltip="candidates by file order, reward, method, answer, pointer", id="query.sort"
        ),
        Binding("p", "picture", "preview", tooltip="show or hide images and details", id="query.picture"),
        Binding("y", "copy", "copy", tooltip="copy the candidate under the cursor as JSON", id="query.copy"),
        Binding("S", "sort(-1)", "sort by the one before", show=False, id="query.sort-back"),
    ]

    def __init__(self, library: Library, source: RLSource, ids: Sequence[int], query_id: int) -> None:
        super().__init__(library)
        self.source, self._ids = source, ids
        self.query_id = query_id
        self.group: QueryDetail | None = None
        self.mode, self.sort = "hard_plus_soft", "file"
        self._row: QueryRow | None = None
        self._train_rows: dict[int, TrainRow] = {}
        self._images: str | None = None

    def body(self) -> ComposeResult:
        """Question, pool, image beside candidates, the candidate under the cursor."""
        yield Static("", id="asked")
        yield Static("", id="pool", markup=False)
        with Horizontal(id="query-body"):
            yield Picture(id="query-picture")
            yield LineTable(CANDIDATE_COLUMNS, choosable=False, id="candidates")
        with VerticalScroll(id="candidate", can_focus=False):
            yield Static("", id="candidate-lines")
            yield ShownDemonstrations()

    def on_mount(self) -> None:
        """Read the first query."""
        self.read_query()
        self.table.focus()

    @property
    def table(self) -> LineTable:
        """The candidates."""
        return self.query_one("#candidates", LineTable)

    def fit(self, size: Size) -> None:
        """Images need room; `p` shows them anyway: those of the query and of the demonstrations, or one after the other."""
        roomy = size.width >= 110 and size.height >= 28
        shown = self._images if self._images is not None else "both" if roomy else "none"
        self.query_one("#query-picture").display = shown in ("both", "query")
        self.query_one(ShownDemonstrations).set_class(shown not in ("both", "demonstrations"), "-text")

    # Reading

    @work(exclusive=True, group="query", exit_on_error=False)
    async def read_query(self) -> None:
        """Read the query, then what is known of its demonstrations."""
        query_id = self.query_id
        self._row = (await asyncio.to_thread(self.source.rows, [query_id])).get(query_id)
        if self._row is None:
            return
        self.bar.status = self._place()
        try:
            self.group = await asyncio.to_thread(self.source.group, query_id)
        except UserError as error:
            self._refuse(str(error))
            return
        wanted = {query_id, *(row for candidate in self.group.candidates for row in candidate.rows)}
        self._train_rows = await asyncio.to_thread(self.source.demonstrations, wanted)
        self._show()

    def _place(self) -> str:
        at = self._ids.index(self.query_id) + 1 if self.query_id in self._ids else 0
        return shown(f"{clean(self.source.name)}   {count(at)} of {count(len(self._ids))}")

    def _refuse(self, sentence: str) -> None:
        """A record that cannot be read is one sentence; the next query can be gone to."""
        self.group, self._train_rows = None, {}
        assert self._row is not None, "only a query that was found is refused"
        self.query_one("#asked", Static).update(
            Content.assemble(asked(self._row, None), "\n", (clean(sentence), "$error"))
        )
        self.query_one("#pool", Static).update("")
        self.table.fill([])
        self.query_one("#candidate").display = False

    def _show(self) -> None:
        group, row = self.group, self._row
        assert group is not None, "a query is shown when it was read"
        assert row is not None, "a query is read when its row was found"
        self.query_one("#asked", Static).update(asked(row, group))
        self.query_one("#pool", Static).update(shown(f"reward {self.mode}   sort {self.sort}   {pool_line(group)}"))
        train_row = self._train_rows.get(group.query_id)
        picture = self.query_one("#query-picture", Picture)
        picture.show(train_row.image if train_row else "", "" if train_row and train_row.image else shown(NO_IMAGE))
        here = self.table.cursor_key
        order = sorted(group.candidates, key=self._key)
        self.table.put_rows(
            {one.number: candidate_cells(one, self.mode, self._train_rows) for one in group.candidates}, fresh=True
        )
        self.table.set_keys([one.number for one in order])
        if here is None and order:
            self.table.move_to(order[0].number)
        self._show_candidate()

    def _key(self, candidate: CandidateRow) -> tuple[object, ...]:
        keys: dict[str, tuple[object, ...]] = {
            "file": (),
            "reward": (-candidate.rewards[self.mode],),
            "method": (candidate.method, candidate.rank if not math.isnan(candidate.rank) else math.inf),
            "answer": (candidate.answer.casefold(),),
            "pointer": candidate.rows,
        }
        return (*keys[self.sort], candidate.number)

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The lines below follow the cursor."""
        event.stop()
        self._show_candidate()

    def _here(self) -> CandidateRow | None:
        key = self.table.cursor_key
        if self.group is None or key is None or key >= len(self.group.candidates):
            return None
        return self.group.candidates[key]

    def _show_candidate(self) -> None:
        candidate = self._here()
        self.query_one("#candidate").display = candidate is not None
        if candidate is not None:
            self.query_one("#candidate-lines", Static).update(candidate_lines(candidate))
            self.query_one(ShownDemonstrations).show(candidate.rows, self._train_rows)

    # Keys

    def action_step(self, step: int) -> None:
        """The next or previous query of the list."""
        if self.query_id not in self._ids:
            return
        at = self._ids.index(self.query_id) + step
        if 0 <= at < len(self._ids):
            self.query_id = self._ids[at]
            self.read_query()
        else:
            self.notify("That is the last query of the list" if step > 0 else "That is the first query of the list")

    def action_reward(self) -> None:
        """The next reward mode."""
        if self.group is not None and self.group.candidates:
            modes = list(self.group.candidates[0].rewards)
            self.mode = modes[(modes.index(self.mode) + 1) % len(modes)]
            self._show()

    def action_sort(self, step: int = 1) -> None:
        """The next order of candidates."""
        self.sort = SORTS[(SORTS.index(self.sort) + step) % len(SORTS)]
        if self.group is not None:
            self._show()

    def action_picture(self) -> None:
        """Show or hide images; where they do not fit together, first the query's, then the demonstrations'."""
        together = self.size.width >= 110 and self.size.height >= 28
        order = ("both", "none") if together else ("query", "demonstrations", "none")
        now = self._images if self._images is not None else "both" if together else "none"
        self._images = order[(order.index(now) + 1) % len(order)] if now in order else order[0]
        self.fit(self.size)

    def action_copy(self) -> None:
        """Copy the candidate's record, as stored."""
        candidate = self._here()
        if candidate is None or self.group is None:
            return
        stored = self.group.record.get("pointer_candidates") or [{"pointer": candidate.rows}] * (candidate.number + 1)
        text = json.dumps(stored[candidate.number], ensure_ascii=False)
        self.post_message(CopyText(text, shown(f"candidate {candidate.number + 1} of query {self.query_id}")))
