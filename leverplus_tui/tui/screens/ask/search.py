"""A window that finds a train question by words of its text, with its picture: to be shown as a demonstration."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, Static
from textual.worker import Worker

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.dialogs import keys_line
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.picking.field import waits
from leverplus_tui.tui.widgets.picture import Picture
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from engine.data.sample import Sample

MOST = 200
"""Questions that are listed; more words narrow them."""
COLUMNS = (
    Column("text", "question", 20, flex=70), Column("label", "answer", 8, flex=12),
    Column("id", "id", 9, align="right", priority=1),
)  # fmt: skip


class Questions:
    """Train questions, and what they say in small letters: that takes longer than finding a word in all of it."""

    def __init__(self, samples: Sequence[Sample]) -> None:
        self.samples = samples
        self.by_id = {sample.question_id: sample for sample in samples}
        self._said = [f"{sample.question} {sample.label}".lower() for sample in samples]

    def matching(self, text: str) -> Iterator[Sample]:
        """Those whose question and answer hold all of the words; a word may also be the beginning of the id."""
        words = text.lower().split()
        if len(words) == 1 and words[0].isdecimal() and len(words[0]) < 19 and int(words[0]) in self.by_id:
            yield self.by_id[int(words[0])]
            return
        numbers = tuple(word for word in words if word.isdigit())
        for sample, said in zip(self.samples, self._said, strict=True):
            left = [word for word in words if word not in said] if words else ()
            if not left or (numbers and all(str(sample.question_id).startswith(word) for word in left)):
                yield sample


class FindQuestion(TellsFailures, ModalScreen[int | None]):
    """Asks for a train question; `first` stand on top while nothing is typed."""

    DEFAULT_CSS = """
    FindQuestion .dialog { height: 90%; }
    FindQuestion Horizontal { height: 1fr; margin-top: 1; }
    FindQuestion Picture { width: 24; height: 100%; max-height: 12; margin-left: 1; }
    FindQuestion LineTable { width: 1fr; background: $panel; }
    FindQuestion #found { height: 1; color: $faint; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "cancel", id="find.cancel"),
        Binding("down", "move(1)", show=False),
        Binding("up", "move(-1)", show=False),
    ]

    def __init__(self, heading: str, questions: Questions, first: Sequence[int]) -> None:
        super().__init__()
        self.heading, self.questions = heading, questions
        self._first = [questions.by_id[one] for one in first if one in questions.by_id]
        self._shown: list[Sample] = []
        self._looking: Worker[None] | None = None

    def compose(self) -> ComposeResult:
        """A line to type in, the questions, the picture of the one under the cursor."""
        with Vertical(classes="dialog wide"):
            yield Static(Content(self.heading).stylize("bold"))
            yield Input(placeholder=shown("words of the question, its answer, or an id"), compact=True)
            yield Static("", id="found", markup=False)
            with Horizontal():
                yield LineTable(COLUMNS)
                yield Picture()
            yield keys_line(("enter", "show it"), ("esc", "cancel"))

    def on_mount(self) -> None:
        """What is preferred, then all in order."""
        self._looking = self._look("")

    @property
    def table(self) -> LineTable:
        """What was found."""
        return self.query_one(LineTable)

    def on_input_changed(self, event: Input.Changed) -> None:
        """Look for the words."""
        event.stop()
        self._looking = self._look(event.value)

    @work(exclusive=True, group="find", exit_on_error=False)
    async def _look(self, text: str) -> None:
        found = self._first if not text.strip() and self._first else None
        if found is None:
            found = await asyncio.to_thread(lambda: list(islice(self.questions.matching(text), MOST + 1)))
        self._shown = found[:MOST]
        self.table.fill(
            [
                {
                    "text": clean(one.question),
                    "label": Cell(clean(one.label), "good"),
                    "id": Cell(str(one.question_id), "faint"),
                }
                for one in self._shown
            ]
        )
        more = (
            shown(f"the first {MOST}: more words narrow them") if len(found) > MOST else plural(len(found), "question")
        )
        if found is self._first:
            more = shown(
                f"{plural(len(found), 'question')} preferred here; type to search all {count(len(self.questions.samples))}"
            )
        self.query_one("#found", Static).update(more)
        self._picture()

    def keeps_back(self, key: str) -> bool:
        """Keys of the list wait for what is found."""
        return waits(key, self._looking)

    def on_line_table_moved(self, event: LineTable.Moved) -> None:
        """The picture follows the cursor."""
        event.stop()
        self._picture()

    def _picture(self) -> None:
        sample = self._under()
        self.query_one(Picture).show(
            str(sample.image) if sample else "", "" if sample else shown("nothing holds these words")
        )

    def _under(self) -> Sample | None:
        place = self.table.cursor_key
        return self._shown[place] if place is not None and place < len(self._shown) else None

    def action_move(self, step: int) -> None:
        """Arrows move in the list while something is typed."""
        self.table.action_move(step)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Enter takes the question under the cursor."""
        event.stop()
        self._take()

    def on_line_table_chosen(self, event: LineTable.Chosen) -> None:
        """A double click takes it too."""
        event.stop()
        self._take()

    def _take(self) -> None:
        if (sample := self._under()) is not None:
            self.dismiss(sample.question_id)
