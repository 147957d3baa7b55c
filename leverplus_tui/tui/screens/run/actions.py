"""What is done to runs, alike on every page that shows them: stop, resume, tag, rename, note, delete, copy the command."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual import work
from textual.binding import Binding, BindingType

from db.run_states import ACTIVE, UNFINISHED
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.messages import CopyText, OpenCurves, RepeatRun, ResumeRun, StopRuns
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Ask, Confirm

if TYPE_CHECKING:
    from db.store import RunRow

RUN_KEYS: list[BindingType] = [
    Binding(
        "C",
        "curves",
        "curves",
        tooltip="curves of the run, or of all that are marked, in one colour each",
        id="run.curves",
    ),
    Binding("X", "stop", "stop", tooltip="stop the job (asks first; what is done stays stored)", id="run.stop"),
    Binding("R", "resume", "resume", tooltip="resume: go on with a stopped, failed or lost run", id="run.resume"),
    Binding("A", "repeat", "rerun", tooltip="rerun: repeat the run exactly, as a new run", id="run.repeat"),
    Binding("y", "copy", "copy", tooltip="copy the command that makes this run", id="run.copy"),
    Binding("t", "tag", "tag", tooltip="tag the run, or all that are marked", id="run.tag"),
    Binding("D", "delete", "delete", tooltip="delete the run, or all that are marked (asks first)", id="run.delete"),
    Binding("r,f2", "rename", "rename", tooltip="rename: give the run another name", id="run.rename"),
    Binding("a", "note", "note", tooltip="write a note about the run", id="run.note"),
]
"""What can be done to the runs that are meant, on every page that shows runs."""


class RunActions(PageScreen):
    """A page on which some runs are meant."""

    _offered: list[bool] | None = None

    def here(self) -> int | None:
        """The run that is meant; None where there is none."""
        return None

    def run_here(self) -> RunRow | None:
        """The run that is meant, as it was read last; None where there is none."""
        return None

    def offers(self, action: str) -> bool:
        """Stopping is for a live run, going on for one that lacks something, repeating for one that was made here."""
        run = self.run_here()
        if action == "repeat":
            return run is not None and run.kind != "import"
        if action == "stop":
            return run is not None and run.state in ACTIVE
        if action == "resume":
            return run is not None and (run.state in UNFINISHED or _lacks_answers(run))
        return super().offers(action)

    def follow_state(self) -> None:
        """The cursor is elsewhere, or the run goes on: name the keys anew where that makes other ones."""
        now = [self.offers(action) for action in ("stop", "resume", "repeat")]
        if now != self._offered:
            self._offered = now
            self.refresh_bindings()

    def _one(self) -> int | None:
        """The run that is meant; says so where there is none."""
        if (run_id := self.here()) is None:
            self.notify("There is no run under the cursor")
        return run_id

    def meant(self) -> tuple[int, ...]:
        """The runs that are meant by what can be done to several."""
        return () if (run_id := self.here()) is None else (run_id,)

    def meant_runs(self) -> tuple[int, ...]:
        """The same for tasks of the program."""
        return self.meant()

    def action_curves(self) -> None:
        """Curves of the runs that are meant."""
        if run_ids := self.meant():
            self.post_message(OpenCurves(tuple(run_ids)))

    def action_stop(self) -> None:
        """Stop the run's job."""
        if (run_id := self._one()) is not None:
            self.post_message(StopRuns((run_id,)))

    def action_repeat(self) -> None:
        """Start a run of the same specification."""
        if (run_id := self._one()) is not None:
            self.post_message(RepeatRun(run_id))

    def action_resume(self) -> None:
        """Go on with the run."""
        if (run_id := self._one()) is not None:
            self.post_message(ResumeRun(run_id))

    @work(exclusive=True, group="copy", exit_on_error=False)
    async def action_copy(self) -> None:
        """Copy the command line that makes the run."""
        if (run_id := self._one()) is not None:
            text = await asyncio.to_thread(self.library.database.command, run_id)
            self.post_message(CopyText(text, shown(f"the command of r{run_id}")))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_tag(self) -> None:
        """Put words on the runs, or take them off."""
        run_ids = self.meant()
        if not run_ids:
            return
        held = " ".join((await asyncio.to_thread(self.library.database.run_rows, run_ids[:1]))[0].tags)
        tag = self.library.database.tag
        words = await self.app.push_screen_wait(
            Ask(f"Tags for {named(run_ids)}", placeholder="baseline paper -smoke",
                detail="Words with blanks between them; a minus in front takes one off."
                + (f" r{run_ids[0]} has: {held}" if held else ""),
                take=lambda words: tag(run_ids, words.split()))
        )  # fmt: skip
        if words:
            self.notify(f"{named(run_ids)}: {words}")

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_rename(self) -> None:
        """Give the run another name."""
        if (run_id := self._one()) is None:
            return
        present = (await asyncio.to_thread(self.library.database.run_rows, [run_id]))[0].name
        rename = self.library.database.rename
        name = await self.app.push_screen_wait(
            Ask(f"New name of r{run_id}", value=present, may_be_empty=True, take=lambda name: rename(run_id, name))
        )
        if name is not None and name != present:
            self.notify(f"r{run_id} is now called {name}")

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_note(self) -> None:
        """Write about the run, or change what is written."""
        if (run_id := self._one()) is None:
            return
        present = await asyncio.to_thread(self.library.database.note, run_id)
        write = self.library.database.write_note
        text = await self.app.push_screen_wait(
            Ask(f"Note about r{run_id}", value=present, detail="Nothing takes the note away.", may_be_empty=True,
                take=lambda text: write(run_id, text))
        )  # fmt: skip
        if text is not None and text != present:
            self.notify(f"r{run_id}: {text or 'the note is gone'}")

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_delete(self) -> None:
        """Ask, then hide the runs from all lists."""
        run_ids = self.meant()
        if not run_ids:
            return
        detail = shown(
            "It leaves all lists, but nothing is erased: T shows the trash, and R there brings back what is chosen."
        )
        if await self.app.push_screen_wait(Confirm(f"Delete {named(run_ids)}?", detail)):
            await asyncio.to_thread(self.library.database.delete, run_ids)
            self.notify(f"{named(run_ids)} deleted; T shows the trash, and R there brings back")
            self.deleted()

    def deleted(self) -> None:
        """The runs that were meant are gone."""


def _lacks_answers(run: RunRow) -> bool:
    """Done, but for questions that could not be asked."""
    return run.state == "done" and run.kind == "eval" and any(cell.n_done < cell.n for cell in run.cells)


def named(run_ids: Sequence[int], most: int = 6) -> str:
    """`r3, r4`, or how many there are where that would be long."""
    if len(run_ids) > most:
        return plural(len(run_ids), "run")
    return ", ".join(f"r{run_id}" for run_id in run_ids)
