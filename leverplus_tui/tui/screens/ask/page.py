"""Ask the model: one question of an evaluation, changed at will, with the answer beside the stored one. Notes, no results."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from pydantic import ValidationError
from textual import on, work
from textual.binding import Binding, BindingType
from textual.widgets import ContentSwitcher

from db.specs import PromptSpec, UserError
from db.specs.ask import LONGEST_TEXT
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.words import clean
from leverplus_tui.tui.messages import StopRuns
from leverplus_tui.tui.screens.ask import trying, views
from leverplus_tui.tui.screens.ask.draft import Draft
from leverplus_tui.tui.screens.ask.search import FindQuestion, Questions
from leverplus_tui.tui.screens.ask.shown import AskView
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Ask, Confirm
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    pass

PROMPT_FIELDS = ("query", "demonstration", "system")


class AskScreen(AskView):
    """One question, and all that can be done with it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("a,ctrl+r", "ask", "ask", tooltip="ask the model what stands at the left", id="ask.ask"),
        Binding(
            "t", "turn", "tried", tooltip="what was tried on this question, or what the pool offers", id="ask.turn"
        ),
        Binding("n", "add", "add", tooltip="show one more train question, found by its words", id="ask.add"),
        Binding(
            "s",
            "swap",
            "swap",
            tooltip="show another train question in place of the one under the cursor",
            id="ask.swap",
        ),
        Binding("x,delete", "remove", "remove", tooltip="take the demonstration under the cursor out", id="ask.remove"),
        Binding("K,shift+up", "shift(-1)", "up", tooltip="move the demonstration one place up", id="ask.up"),
        Binding("J,shift+down", "shift(1)", "down", tooltip="move the demonstration one place down", id="ask.down"),
        Binding("e", "question", "question", tooltip="ask another text about the image", id="ask.question"),
        Binding("p", "prompt", "prompt", tooltip="change a text of the prompt", id="ask.prompt"),
        Binding("i", "image", "image", tooltip="show another image file with the question", id="ask.image"),
        Binding("u", "reset", "reset", tooltip="back to what the evaluation asked", id="ask.reset"),
        Binding("o", "shots", "shots", tooltip="begin from the answer at another number of shots", id="ask.shots"),
        Binding("D", "forget", "forget", tooltip="take the note under the cursor away (asks first)", id="ask.forget"),
        Binding("X", "stop", "stop", tooltip="stop the job that holds the model (asks first)", id="ask.stop"),
        Binding("tab,shift+tab", "other_table", "other list", show=False, id="ask.other"),
    ]

    # Changing the request

    def _take(self, draft: Draft, place: int | None = None) -> None:
        self.draft = draft
        self._show()
        if place is not None:
            self.shown.move_to(place)

    def action_shift(self, step: int) -> None:
        """Move the demonstration under the cursor."""
        if self.draft is not None and self.place is not None:
            moved = self.draft.moved(self.place, step)
            self._take(moved, self.place + step if moved != self.draft else self.place)

    def action_remove(self) -> None:
        """Take the demonstration under the cursor out."""
        if self.draft is not None and self.place is not None:
            self._take(self.draft.without(self.place))

    def action_reset(self) -> None:
        """What the evaluation asked."""
        if self.found is not None:
            self._take(Draft.of(self.found.stored, self.found.spec.prompt))

    @on(LineTable.Chosen, "#shown")
    def place_chosen(self, event: LineTable.Chosen) -> None:
        """Enter on a demonstration puts another one there, behind the last one one more."""
        event.stop()
        self._find(event.key)

    @on(LineTable.Chosen, "#preferred")
    def candidate_chosen(self, event: LineTable.Chosen) -> None:
        """Enter on a candidate shows it at this pick."""
        event.stop()
        if self.draft is not None and (question_id := self._offered()) is not None:
            self._put(self.draft, len(self.draft.demonstrations) if self.place is None else self.place, question_id)

    def action_add(self) -> None:
        """One more demonstration."""
        if self.draft is not None:
            self._find(len(self.draft.demonstrations))

    def action_swap(self) -> None:
        """Another demonstration in place of the one under the cursor."""
        if self.place is None:
            self.notify("There is no demonstration under the cursor: n adds one")
        else:
            self._find(self.place)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def _find(self, place: int) -> None:
        """Ask for a train question; the data set is opened the first time."""
        if self.found is None or self.draft is None:
            return
        if self._questions is None:
            found = self.found
            self._questions = await asyncio.to_thread(lambda: Questions(trying.candidates(self.library, found)))
        shown = self.draft.demonstrations
        pick = views.pick_of(self.trial, shown[place] if place < len(shown) else None)
        first = [one for one, _ in pick["best"] if one is not None] if pick is not None else []
        heading = (
            f"Which train question in place of {place + 1}?" if place < len(shown) else "Which train question next?"
        )
        question_id = await self.app.push_screen_wait(FindQuestion(heading, self._questions, first))
        if question_id is not None:
            self._put(self.draft, place, question_id)

    def _put(self, draft: Draft, place: int, question_id: int) -> None:
        if place >= len(draft.demonstrations) and draft.is_full:
            self.notify(f"A prompt shows {plural(len(draft.demonstrations), 'demonstration')} at most: x takes one out")
            return
        self._take(draft.put(place, question_id), place)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_question(self) -> None:
        """Another text about the image."""
        if self.draft is None:
            return
        asked = Ask("Ask what about the image?", value=self.draft.question or self.draft.stored.question, may_be_empty=True,
                    detail="Scored by the stored question's answers; empty is its own text.")  # fmt: skip
        text = await self.app.push_screen_wait(asked)
        if text is not None and len(text) > LONGEST_TEXT:
            self.notify(f"A question has {LONGEST_TEXT} letters at most, this has {len(text)}", severity="warning")
        elif text is not None:
            self._take(self.draft.asked(text))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_image(self) -> None:
        """Another image for the question."""
        if self.draft is None:
            return
        asked = Ask("Which image?", value=self.draft.image or self.draft.stored.image, may_be_empty=True,
                    detail="A file; empty is the question's own image.")  # fmt: skip
        text = await self.app.push_screen_wait(asked)
        if text is None:
            return
        path = Path(text).expanduser().absolute() if text else None
        if path is not None and not path.is_file():
            self.notify(f"There is no file {path}", severity="warning")
        else:
            self._take(self.draft.shown(str(path) if path else ""))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_prompt(self) -> None:
        """Another text of the prompt."""
        if self.draft is None:
            return
        prompt = self.draft.prompt or self.draft.prompt_of_run
        choices = [(name, f"{name:14}{clean(getattr(prompt, name)) or '(none)'}") for name in PROMPT_FIELDS]
        field = await self.app.push_screen_wait(Choose("Which text of the prompt?", choices))
        if not field:
            return
        help_text = str(PromptSpec.model_fields[field].description)
        value = getattr(prompt, field).replace("\\", "\\\\").replace("\n", "\\n")
        asked = Ask(field, detail=f"{help_text} \\n is a new line.", value=value, may_be_empty=True)
        text = await self.app.push_screen_wait(asked)
        if text is None:
            return
        text = text.replace("\\\\", "\0").replace("\\n", "\n").replace("\0", "\\")
        try:
            changed = PromptSpec.model_validate({**prompt.model_dump(), field: text})
        except ValidationError as error:
            self.notify(error.errors()[0]["msg"].removeprefix("Value error, "), severity="error")
            return
        self._take(self.draft.prompted(changed))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_shots(self) -> None:
        """The stored answer at another number of shots."""
        if self.found is None:
            return
        choices = [(str(row.shot), f"{shots_words(row.shot)}: {clean(row.answer)}") for row in self.found.others]
        if not choices:
            self.notify(f"r{self.run_id} answered this question at {shots_words(self.shot)} alone")
            return
        chosen = await self.app.push_screen_wait(Choose("The answer at how many shots?", choices))
        if chosen:
            self.shot, self.trial_id = int(chosen), None
            self.refresh_data()

    # Asking

    @work(group="ask", exit_on_error=False)
    async def action_ask(self) -> None:
        """Ask; what waits already is not asked twice, but sees to it that somebody answers."""
        if self.draft is None or self._asking:
            return
        request, trial = self.draft.request(), self.trial
        self._asking = True
        self._tick()
        try:
            if trial is not None and trial.is_open and trial.request == request:
                await asyncio.to_thread(trying.start, self.library, self.run_id)
            else:
                self.trial_id = await asyncio.to_thread(trying.ask, self.library, self.run_id, request)
        except UserError as error:
            self.notify(str(error), severity="error", timeout=10)
        finally:
            self._asking = False
        self.refresh_data()

    def action_stop(self) -> None:
        """Stop the job."""
        if self.found is None or self.found.standing.job is None:
            self.notify("No job holds the model")
        else:
            self.post_message(StopRuns((self.found.standing.job,)))

    # What was tried

    def action_turn(self) -> None:
        """Show what was tried, or what the pool offers."""
        switch = self.query_one(ContentSwitcher)
        switch.current = "preferred" if switch.current == "tried" else "tried"
        self._show_pick()
        (self.tried if switch.current == "tried" else self.shown).focus()

    def action_other_table(self) -> None:
        """From one list to the other."""
        lower = self.tried if self.query_one(ContentSwitcher).current == "tried" else self.preferred
        (lower if self.shown.has_focus else self.shown).focus()

    @on(LineTable.Chosen, "#tried")
    def trial_chosen(self, event: LineTable.Chosen) -> None:
        """Take up what was tried: its request, its answer, its picks."""
        event.stop()
        if self.found is None or self.draft is None:
            return
        self.trial_id = event.key
        if (trial := self.trial) is None:
            return
        if trial.shot != self.shot:
            self.shot, self.draft = trial.shot, None
        else:
            self.draft = self.draft.as_tried(trial.request)
        self.refresh_data()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_forget(self) -> None:
        """Take a note away."""
        trial_id = self.tried.cursor_key if self.tried.has_focus else None
        if trial_id is None:
            self.notify("t lists what was tried; D takes the note under the cursor away")
            return
        if await self.app.push_screen_wait(
            Confirm("Take this note away?", "Nothing brings it back; no figure changes.")
        ):
            await asyncio.to_thread(trying.forget, self.library, trial_id)
            self.refresh_data()
