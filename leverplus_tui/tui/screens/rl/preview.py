"""The query under the cursor beside the list: image, answers, and the best of its candidates."""

from __future__ import annotations

import asyncio

from textual import work
from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from db.specs.base import UserError
from engine.rl.index.query_rows import QueryDetail, QueryRow
from leverplus_tui.data.rl_files import RLSource
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import score
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.rl.view import asked
from leverplus_tui.tui.widgets.picture import Picture
from leverplus_tui.tui.widgets.text import pad

DEBOUNCE_S = 0.08
MODE = "hard_plus_soft"


class QueryPreview(VerticalScroll):
    """Follows the cursor, a moment after it rests."""

    DEFAULT_CSS = """
    QueryPreview { height: 1fr; padding: 0 1; }
    QueryPreview > Static { height: auto; margin-bottom: 1; }
    QueryPreview > Picture { height: 11; margin-bottom: 1; }
    """

    def __init__(self, source: RLSource) -> None:
        super().__init__(can_focus=False)
        self.source = source
        self._row: QueryRow | None = None
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Question, image, candidates."""
        yield Static("", id="preview-asked")
        yield Picture(id="preview-picture")
        yield Static("", id="preview-candidates")

    def show(self, row: QueryRow | None) -> None:
        """Show a query: what the list knows at once, the rest when the cursor rests."""
        self._row = row
        if self._timer is not None:
            self._timer.stop()
        if row is None:
            return
        self.query_one("#preview-asked", Static).update(asked(row, None))
        self._timer = self.set_timer(DEBOUNCE_S, self._read)

    @work(exclusive=True, group="preview", exit_on_error=False)
    async def _read(self) -> None:
        row = self._row
        if row is None:
            return
        try:
            group = await asyncio.to_thread(self.source.group, row.query_id)
        except UserError as error:
            self.query_one("#preview-candidates", Static).update(Content.styled(clean(str(error)), "$error"))
            return
        train_row = (await asyncio.to_thread(self.source.demonstrations, [row.query_id])).get(row.query_id)
        if row is not self._row:
            return
        self.query_one("#preview-asked", Static).update(asked(row, group))
        picture = self.query_one("#preview-picture", Picture)
        picture.display = bool(train_row and train_row.image)
        picture.show(train_row.image if train_row else "")
        self.query_one("#preview-candidates", Static).update(_best(group))


def _best(group: QueryDetail) -> Content:
    """Candidates by reward, one line each."""
    parts: list[str | tuple[str, str]] = [(shown("candidates by reward"), "$faint")]
    for one in sorted(group.candidates, key=lambda candidate: (-candidate.rewards[MODE], candidate.number)):
        reward = one.rewards[MODE]
        parts += ["\n", (f"#{one.number + 1:<3}", "$faint"), pad(",".join(map(str, one.rows)), 14)]
        parts += [
            (f" {score(reward):>5} ", "$success" if reward > 0 else "$faint"),
            clean(one.answer) or shown("(empty)"),
        ]
    return Content.assemble(*parts)
