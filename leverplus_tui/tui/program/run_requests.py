"""What is done with runs on behalf of pages: started, repeated, stopped, gone on with; and how those that were started ended."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from textual import work

from db.run_states import ACTIVE
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.errands import ErrandApp
from leverplus_tui.tui.program.started_runs import StartedRuns
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Confirm

if TYPE_CHECKING:
    from db.store import RunRow

FEW = 6
"""Runs that are named one by one."""
THERE, NOW, QUEUED = "there", "now", "queue"
STOPPED = "What is done stays stored; R goes on from there. It gets 20 seconds to finish what it is writing."
STOPPED_AWAY = "What is done stays stored; R goes on from there. It gets 90 seconds to finish, because another machine works on it."


class RunRequestApp(ErrandApp):
    """The part of the program that starts and ends runs."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._started_runs = StartedRuns()

    def on_runs_launched(self, event: messages.RunsLaunched) -> None:
        """Say what runs now, and let the list go there."""
        self.library.launched = event.run_ids[0] if event.sweep else event.run_ids[-1]
        for page in self._pages():
            page.post_message(messages.DataChanged(-1))  # the lists put their cursor there
        if event.sweep:
            self._started_runs.add_sweep(event.sweep, event.run_ids)
            self.notify(
                f"{event.sweep}: {len(event.run_ids)} runs to r{event.run_ids[-1]} wait in the queue, W shows them"
            )
            self._tell_ends()
            return
        names = ", ".join(f"r{run_id}" for run_id in event.run_ids)
        more = shown("; mark both with space, v compares them") if len(event.run_ids) == 2 else ""
        after = "".join(shown(f"; r{run_id} waits for it") for run_id in event.following)
        self.notify(
            f"{names} queued: Q shows what it waits for{after}"
            if event.queued
            else f"{names} started: 4 shows the log{after}{more}"
        )
        self._started_runs.add((*event.run_ids, *event.following), repeats=event.repeats)
        self._tell_ends()

    @work(group="stop", exclusive=True, exit_on_error=False)
    async def on_stop_runs(self, event: messages.StopRuns) -> None:
        """Ask, then stop."""
        rows = await asyncio.to_thread(self.library.database.run_rows, event.run_ids)
        active = [row for row in rows if row.state in ACTIVE]
        if not active:
            self.notify(
                ", ".join(shown(f"{row.ref} is {row.state}") for row in rows[:FEW]) + shown(": nothing to stop")
            )
            return
        far = await asyncio.to_thread(self._are_away, [row.id for row in active])
        detail = STOPPED_AWAY if far else STOPPED
        one = f"{active[0].ref} {active[0].name}" if len(active) == 1 else plural(len(active), "run")
        if await self.push_screen_wait(Confirm(f"Stop {one}?", detail)):
            active.sort(key=lambda row: row.state != "queued")  # waiting ones first, or they would start
            self.post_message(self._stopping([row.id for row in active], one))

    def _are_away(self, run_ids: list[int]) -> bool:
        """Whether another machine works on one of them."""
        from leverplus_tui.jobs.away import is_away  # the store: 400 ms

        return any(is_away(self.library.database.engine, self.library.home, run_id) for run_id in run_ids)

    def _stopping(self, run_ids: list[int], one: str) -> messages.Work:
        home = self.library.home

        def stop() -> messages.Outcome:
            from leverplus_tui.jobs import launcher  # the store: 400 ms

            states = [shown(f"r{run_id} is {shown(launcher.stop(home, run_id))}") for run_id in run_ids]
            return messages.Outcome(", ".join(states), brief=True)

        return messages.Work(f"Stopping {one}", stop, self.screen, "stopping")

    @work(group="resume", exclusive=True, exit_on_error=False)
    async def on_resume_run(self, event: messages.ResumeRun) -> None:
        """Go on with a run."""
        from leverplus_tui.queue.submit import go_on  # the store: 400 ms

        why = await asyncio.to_thread(go_on, self.library.home, event.run_id, queued=event.queued)
        words = shown(f"r{event.run_id} waits in the queue: Q shows it") if event.queued else f"r{event.run_id} goes on"
        self.notify(why or words)
        self._started_runs.add([event.run_id], again=True)
        self._tell_ends()

    @work(group="ends", exit_on_error=False)
    async def _tell_ends(self) -> None:
        """Say how runs ended that were started from here."""
        for sentence, failed in await asyncio.to_thread(self._started_runs.ended, self.library):
            self.notify(sentence, severity="error" if failed else "information", timeout=10 if failed else None)

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_repeat_run(self, event: messages.RepeatRun) -> None:
        """Ask when, check as the launch form does, start."""
        from leverplus_tui.queue.wishes import Wishes  # as below
        from leverplus_tui.tui.program import repeating  # specifications and the store: 400 ms
        from leverplus_tui.tui.screens.launch.preflight import PreflightScreen

        row = (await asyncio.to_thread(self.library.database.run_rows, [event.run_id]))[0]
        spec = await asyncio.to_thread(repeating.spec_of, self.library.database.engine, row)
        before = await asyncio.to_thread(repeating.place_of, self.library.database.engine, row)
        there = [(THERE, shown(f"run it on {before.on}, as before"))] if before.on else []
        when = await self.push_screen_wait(
            Choose(_question(row), [*there, (NOW, shown("start it now")), (QUEUED, shown("put it into the queue"))])
        )
        if not when:
            return
        wishes = before if when == THERE else Wishes(queue=when == QUEUED)
        report = await asyncio.to_thread(repeating.examined, self.library.home, spec, wishes.on)
        if report.speaks and not await self.push_screen_wait(PreflightScreen(report)):
            return
        run_id = await asyncio.to_thread(repeating.repeat, self.library.home, spec, row, report, wishes)
        self.post_message(messages.RunsLaunched((run_id,), queued=wishes.queues, repeats=True))


def _question(row: RunRow) -> str:
    return shown(f"Repeat {row.ref} {clean(row.name)} with the same specification?")
