"""One question at length: its image, the answers people gave, and for each run its demonstrations, answer and score."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from engine.doctor.shown_answer import Shown
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import score
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.reading.rows import Answered
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.kept import keep_lines
from leverplus_tui.tui.widgets.picture import Picture

if TYPE_CHECKING:
    from db import rows
    from db.store import PredictionRow

DEBOUNCE_S = 0.08
PICTURES = 8
REASONING_SHOWN = 400
"""Letters of what a model thought before it answered."""


class Demonstrations(Vertical):
    """One run's part: what the model said, the images of its demonstrations in prompt order, and a line for each."""

    DEFAULT_CSS = """
    Demonstrations { height: auto; margin-top: 1; }
    Demonstrations > Horizontal { height: auto; }
    Demonstrations Vertical.demonstration { width: 1fr; max-width: 20; height: auto; padding-right: 1; }
    Demonstrations Vertical.demonstration > Picture { height: 6; width: 100%; }
    Demonstrations Vertical.demonstration > Static { height: 1; }
    Demonstrations > .captions { height: auto; }
    """

    def compose(self) -> ComposeResult:
        """Places for demonstrations come when there are some."""
        yield Static("", classes="answer")
        yield Horizontal(classes="demonstrations")
        yield Static("", classes="captions")

    async def _make_places(self, wanted: int) -> None:
        """As many as were wanted at most; unused ones are hidden."""
        lacking = range(len(self.query(".demonstration")), min(wanted, PICTURES))
        made = [Vertical(Picture(), Static(""), classes="demonstration") for _ in lacking]
        await self.query_one(".demonstrations").mount(*made)
        keep_lines(part for one in made for part in [one, *one.query()])

    async def show(self, row: PredictionRow, demos: list[rows.Question | None], *, titled: bool) -> None:
        """Show one answer with its demonstrations; `demos` are None where a question was never stored."""
        self.query_one(".answer", Static).update(_answer(row, titled, demos))
        self.query_one(".demonstrations").display = bool(row.demonstrations)
        await self._make_places(len(row.demonstrations))
        for index, place in enumerate(self.query(".demonstration")):
            place.display = index < len(row.demonstrations)
            if not place.display:
                continue
            question = demos[index] if index < len(demos) else None
            place.query_one(Picture).show(
                question.image if question else "", "" if question else shown("question not stored")
            )
            place.query_one(Static).update(Content.styled(str(index + 1), "$accent"))
        captions = [
            _caption(index, question_id, demos[index] if index < len(demos) else None)
            for index, question_id in enumerate(row.demonstrations)
        ]
        self.query_one(".captions", Static).update(Content("\n").join(captions))


class QuestionView(TellsFailures, VerticalScroll):
    """The question under the cursor."""

    DEFAULT_CSS = """
    QuestionView { height: 1fr; padding: 0 1; }
    QuestionView > #asked { height: auto; margin-bottom: 1; }
    QuestionView > #picture { height: 11; }
    """

    def __init__(self, library: Library) -> None:
        super().__init__(can_focus=False)
        self.library = library
        self._shown: Answered | None = None
        self._timer: Timer | None = None

    def compose(self) -> ComposeResult:
        """Question, image, one part for each of two runs."""
        yield Static("", id="asked")
        yield Picture(id="picture")
        yield Demonstrations(id="first")
        yield Demonstrations(id="second")

    def on_mount(self) -> None:
        """Nothing is under the cursor yet."""
        self._hide()

    def _hide(self) -> None:
        for part in ("#picture", "#first", "#second"):
            self.query_one(part).display = False

    def show(self, answered: Answered | None) -> None:
        """Show a question: its text at once, images and demonstrations when the cursor rests."""
        if answered == self._shown:
            return
        self._shown = answered
        if self._timer is not None:
            self._timer.stop()
        if answered is None:
            self._hide()
            self.query_one("#asked", Static).update(Content.styled(shown("No question here"), "$faint"))
            return
        self.query_one("#asked", Static).update(_asked(answered.row))
        picture = self.query_one("#picture", Picture)
        picture.display = True
        picture.show(answered.row.image, "" if answered.row.image else shown("no image stored"))
        self._timer = self.set_timer(DEBOUNCE_S, self._read)

    @work(exclusive=True, group="question", exit_on_error=False)
    async def _read(self) -> None:
        answered = self._shown
        if answered is None:
            return
        for part, row in (("#first", answered.first), ("#second", answered.second)):
            place = self.query_one(part, Demonstrations)
            place.display = row is not None
            if row is not None:
                shown = await asyncio.to_thread(self.library.database.demonstrations, row)
                await place.show(row, shown, titled=answered.second is not None)


def _asked(row: PredictionRow) -> Content:
    """Question, id, and the answers of people with how often each was given."""
    distinct = sorted(set(row.answers), key=lambda answer: (-row.answers.count(answer), answer))
    counted = ", ".join(
        clean(answer) + (f" x{row.answers.count(answer)}" if row.answers.count(answer) > 1 else "")
        for answer in distinct
    )
    return Content.assemble(
        (clean(row.question) or shown("(question not stored)"), "bold"), (f"  #{row.question_id}", "$faint"), "\n",
        (shown("people said "), "$faint"), counted or "-",
    )  # fmt: skip


def _answer(row: PredictionRow, titled: bool, demos: list[rows.Question | None]) -> Content:
    """The cleaned answer and its score; the raw answer where cleaning changed it; what else is to be known."""
    colour = COLOURS["bad" if row.error else "good" if row.score >= 0.99 else "warn" if row.score > 0 else "bad"]
    parts: list[str | tuple[str, str]] = [(f"r{row.run_id} ", "bold $accent")] if titled else []
    parts += [(shown("answer "), "$faint"), (clean(row.error or row.answer or shown("(empty)")), f"bold {colour}")]
    parts += [(shown("   score "), "$faint"), (score(row.score), colour)]
    if row.raw != row.answer and not row.error:
        parts += [(shown("   raw "), "$faint"), repr(row.raw)]
    notes = [shown("cut by the token limit")] if row.cut else []
    if row.source not in (None, row.run_id):
        notes.append(shown(f"answer of r{row.source}"))
    elif row.reused:
        notes.append(shown("answer reused"))
    if len(row.demonstrations) < row.shot:
        notes.append(shown(f"{len(row.demonstrations)} of {row.shot} demonstrations"))
    if (told := _copied(row, demos)) is not None:
        parts.append((f"   {told}", "$faint"))
    if notes:
        parts.append(("   " + ", ".join(notes), "$warning"))
    if row.reasoning:
        parts += ["\n", (shown("reasoning "), "$faint"), clean(row.reasoning[:REASONING_SHOWN])]
        parts += (
            [(shown(f" ... ({len(row.reasoning):,} letters)"), "$faint")]
            if len(row.reasoning) > REASONING_SHOWN
            else []
        )
    if row.demonstrations:
        parts += ["\n", (shown("demonstrations, in prompt order"), "$faint")]
    return Content.assemble(*parts)


def _copied(row: PredictionRow, demos: list[rows.Question | None]) -> str | None:
    """Whether the answer stands among those shown, and whether a right one did."""
    labels = [question.label for question in demos if question is not None]
    if row.error or not labels:
        return None
    one = Shown(row.answer, row.score, 0, row.answers, labels)
    copied, right = "copied" if one.copied else "not copied", "" if one.reference_shown else "not "
    return shown(f"{copied}, a right answer was {right}shown")


def _caption(index: int, question_id: int, question: rows.Question | None) -> Content:
    if question is None:
        return Content.assemble((f"{index + 1} ", "$accent"), f"#{question_id}")
    return Content.assemble(
        (f"{index + 1} ", "$accent"), clean(question.question), "  ", (clean(question.label), "bold $success")
    )
