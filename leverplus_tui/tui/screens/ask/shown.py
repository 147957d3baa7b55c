"""What the page that asks a model shows: the request at the left, what came of it at the right."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING, Any

from textual import on
from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import ContentSwitcher, Static

from db.rows import Question
from db.store import TrialRow
from leverplus_tui.text.language import shown
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.screens.ask import trying, views
from leverplus_tui.tui.screens.ask.draft import Draft
from leverplus_tui.tui.screens.ask.search import Questions
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.widgets.picture import Picture
from leverplus_tui.tui.widgets.table import Cell, LineTable

if TYPE_CHECKING:
    from engine.data.sample import Sample

TICK_S = 1.0


class AskView(PageScreen):
    """The request at the left, what came of it at the right."""

    AUTO_FOCUS = "#shown"
    PANE = "#ask-right"
    DEFAULT_CSS = """
    AskView #ask-title { height: 1; padding: 0 1; }
    AskView #ask-body { height: 1fr; }
    AskView #ask-left { width: 1fr; }
    AskView #ask-right { width: 1fr; border-left: solid $rule; }
    AskView #ask-question { height: auto; max-height: 5; padding: 0 1; }
    AskView #ask-pictures { height: 1fr; max-height: 24; padding: 0 1; }
    AskView #ask-pictures > Vertical { width: 1fr; height: 100%; padding-right: 1; }
    AskView #ask-pictures Static { height: 1; color: $faint; }
    AskView #ask-pictures Picture { height: 1fr; width: 100%; }
    AskView #shown { height: 4; }
    AskView #ask-status, AskView #ask-answers { height: auto; max-height: 6; padding: 0 1; }
    AskView #ask-answers { border-bottom: solid $rule; }
    AskView #ask-heading { height: auto; max-height: 2; padding: 0 1; color: $secondary; }
    AskView ContentSwitcher { height: 1fr; }
    """

    def __init__(self, library: Library, run_id: int, question_id: int, shot: int) -> None:
        super().__init__(library)
        self.run_id, self.question_id, self.shot = run_id, question_id, shot
        self.found: trying.Trying | None = None
        self.draft: Draft | None = None
        self.trial_id: int | None = None
        """The request that is shown."""
        self._looked = 0.0
        self._questions: Questions | None = None
        """Train questions, once they were looked for."""
        self._asking = False

    def body(self) -> ComposeResult:
        """Request and answer."""
        yield Static("", id="ask-title")
        with Horizontal(id="ask-body"):
            with Vertical(id="ask-left"):
                yield Static("", id="ask-question")
                with Horizontal(id="ask-pictures"):
                    for name in ("asked", "under"):
                        with Vertical():
                            yield Static("", id=f"{name}-name", markup=False)
                            yield Picture(id=f"{name}-picture")
                yield LineTable(views.SHOWN, id="shown")
            with Vertical(id="ask-right"):
                yield Static("", id="ask-status")
                yield Static("", id="ask-answers")
                yield Static("", id="ask-heading", markup=False)
                with ContentSwitcher(initial="preferred"):
                    yield LineTable(views.PREFERRED, id="preferred")
                    yield LineTable(views.TRIED, id="tried")

    def on_mount(self) -> None:
        """Time passes while a model loads."""
        self.set_interval(TICK_S, self._tick)

    # What is shown

    async def reload(self) -> None:
        """Read the question, what was tried on it, and where the job stands."""
        self.found = await asyncio.to_thread(
            trying.read, self.library, self.run_id, self.question_id, self.shot, self.trial_id
        )
        self._looked = time.monotonic()
        if self.draft is None or self.draft.stored.shot != self.shot:
            unchanged = Draft.of(self.found.stored, self.found.spec.prompt)
            self.draft = unchanged if self.trial is None else unchanged.as_tried(self.trial.request)
        self._show()

    @property
    def trial(self) -> TrialRow | None:
        """The request that is shown; None before the first."""
        return next((one for one in self.found.tried if one.id == self.trial_id), None) if self.found else None

    @property
    def shown(self) -> LineTable:
        """The demonstrations, and the line behind them."""
        return self.query_one("#shown", LineTable)

    @property
    def preferred(self) -> LineTable:
        """What is preferred at the pick under the cursor."""
        return self.query_one("#preferred", LineTable)

    @property
    def tried(self) -> LineTable:
        """What was tried."""
        return self.query_one("#tried", LineTable)

    def _show(self) -> None:
        if self.found is None or self.draft is None:
            return
        run, stored = self.found.run, self.found.stored
        self.query_one("#ask-title", Static).update(
            Content.assemble(
                (shown("Ask the model  "), "bold $primary"), (f"r{self.run_id} ", "bold $accent"), (clean(run.name), "bold"),
                (shown(f"  #{stored.question_id} at {shots_words(stored.shot)}"), "$faint"),
                (shown("  notes, no results"), "$warning"),
            )
        )  # fmt: skip
        self._show_request(self.draft)
        self._tick()
        self.query_one("#ask-answers", Static).update(views.answers(self.draft, self.trial))
        rows = {one.id: views.tried_row(one, stored) for one in self.found.tried}
        self.tried.put_rows(rows, fresh=True)
        self.tried.set_keys(list(rows))
        self._show_pick()

    def _show_request(self, draft: Draft) -> None:
        stored = draft.stored
        parts: list[str | tuple[str, str]] = [
            (clean(draft.question or stored.question) or shown("(question not stored)"), "bold")
        ]
        edited = [
            word
            for word, is_so in (("question", draft.question), ("image", draft.image), ("prompt", draft.prompt))
            if is_so
        ]
        if edited:
            parts.append((shown(f"  changed: {', '.join(edited)}"), "$warning"))
        people = ", ".join(clean(one) for one in dict.fromkeys(stored.answers))
        self.query_one("#ask-question", Static).update(
            Content.assemble(*parts, "\n", (shown("people said "), "$faint"), people)
        )
        image = draft.image or stored.image
        self.query_one("#asked-picture", Picture).show(image, "" if image else shown("no image stored"))
        self.query_one("#asked-name", Static).update(shown("the question"))
        lines = [
            {"place": str(place), **views.named(one, self._named())}
            for place, one in enumerate(draft.demonstrations, 1)
        ]
        offered = (views.pick_of(self.trial, None) or {"best": []})["best"]
        best = offered[0][0] if offered else None
        more = views.named(best, self._named()) if best is not None else {"text": Cell(shown("n adds one"), "faint")}
        self.shown.fill([*lines, {"place": views.NEXT, **more}])
        self.shown.styles.height = len(lines) + 2

    def _named(self) -> dict[int, Question]:
        """Train questions that can be named: those that are stored, and those that were found here."""
        assert self.found is not None, "nothing is shown before it was read"
        if self._questions is None or self.draft is None:
            return self.found.known
        found = [self._questions.by_id[one] for one in self.draft.demonstrations if one in self._questions.by_id]
        return {one.question_id: _row(one) for one in found} | self.found.known

    def _tick(self) -> None:
        if self.found is None:
            return
        waiting = self.trial if self.trial is not None and self.trial.is_open else None
        words = views.status(self.found.standing, self.found.run.vlm, time.monotonic() - self._looked, waiting)
        if self._asking:
            words = Content.styled(shown("checks the request"), "$accent")
        self.query_one("#ask-status", Static).update(words)

    @property
    def place(self) -> int | None:
        """The demonstration under the cursor; None on the line behind the last one."""
        key = self.shown.cursor_key
        return key if self.draft is not None and key is not None and key < len(self.draft.demonstrations) else None

    def _pick(self) -> Any:
        assert self.draft is not None, "a pick is of something"
        return views.pick_of(self.trial, None if self.place is None else self.draft.demonstrations[self.place])

    def _show_pick(self) -> None:
        if self.found is None or self.draft is None:
            return
        pick = self._pick()
        best = pick["best"] if pick is not None else []
        self.preferred.fill([views.preferred_row(pick, at, self.found.known) for at in range(len(best))])
        if self.query_one(ContentSwitcher).current == "tried":
            words = shown(f"tried on this question: {len(self.found.tried)}; enter takes one up again")
        else:
            words = views.heading(self.trial, pick, self.place)
        self.query_one("#ask-heading", Static).update(words)
        self._show_under()

    def _show_under(self) -> None:
        """The picture of the train question under the cursor of the list in use."""
        question_id = self._offered() if self.preferred.has_focus else None
        name = "candidate" if question_id is not None else ""
        if question_id is None and self.draft is not None:
            if self.place is not None:
                question_id, name = self.draft.demonstrations[self.place], shown(f"demonstration {self.place + 1}")
            elif (pick := views.pick_of(self.trial, None)) is not None and pick["best"]:
                question_id, name = pick["best"][0][0], shown("would be next")
        question = self._named().get(question_id) if question_id is not None else None
        self.query_one("#under-name", Static).update(name)
        self.query_one("#under-picture", Picture).show(
            question.image if question else "", "" if question else shown("no picture")
        )

    def _offered(self) -> int | None:
        """The candidate under the cursor; None for STOP and for none."""
        pick, at = self._pick(), self.preferred.cursor_key
        return pick["best"][at][0] if pick is not None and at is not None and at < len(pick["best"]) else None

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """Candidates follow the demonstration, pictures the cursor."""
        event.stop()
        if event.table is self.shown:
            self._show_pick()
        elif event.table is self.preferred:
            self._show_under()

    def on_descendant_focus(self) -> None:
        """The picture is of the list in use."""
        if self.found is not None:
            self._show_under()


def _row(sample: Sample) -> Question:
    return Question(
        "",
        "train",
        sample.question_id,
        sample.image_id,
        sample.question,
        sample.answers,
        sample.label,
        str(sample.image),
    )
