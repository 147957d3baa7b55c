"""What is done with runs on behalf of pages: started, repeated, stopped, gone on with; and how those that were started ended."""

from __future__ import annotations

import asyncio

from textual import work

from db.run_states import ACTIVE
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.errands import ErrandApp
from leverplus_tui.tui.program.started_runs import StartedRuns
from leverplus_tui.tui.screens.dialogs import Confirm

FEW = 6
"""Runs that are named one by one."""
STOPPED = "What is done stays stored; R goes on from there. 20 seconds are given to finish what is being written."
STOPPED_AWAY = "What is done stays stored; R goes on from there. The other machine gets 90 seconds to finish."


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
        """Go on with a run: in the queue at once, else as its window says."""
        from leverplus_tui.queue.submit import AS_BEFORE, go_on  # the store: 400 ms
        from leverplus_tui.tui.tasks import again

        home, database = self.library.home, self.library.database
        queued, here, wish = event.queued, False, AS_BEFORE
        if not queued:
            row = (await asyncio.to_thread(database.run_rows, [event.run_id]))[0]
            await asyncio.to_thread(database.must_lack_something, event.run_id)
            values = await self.push_screen_wait(again.going_on(home, database.engine, row))
            if values is None:
                return
            wishes = again.wishes_of(values)
            queued, here = wishes.queues, again.comes_here(values)
            wish = await asyncio.to_thread(wishes.wish, home)
        why = await asyncio.to_thread(go_on, home, event.run_id, queued=queued, here=here, wish=wish)
        words = shown(f"r{event.run_id} waits in the queue: Q shows it") if queued else f"r{event.run_id} goes on"
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
        """Ask when and where, check as the launch form does, start."""
        from leverplus_tui.tui.program import repeating  # specifications and the store: 400 ms
        from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
        from leverplus_tui.tui.tasks import again

        home, engine = self.library.home, self.library.database.engine
        row = (await asyncio.to_thread(self.library.database.run_rows, [event.run_id]))[0]
        spec = await asyncio.to_thread(repeating.spec_of, engine, row)
        before = await asyncio.to_thread(repeating.place_of, engine, row)
        values = await self.push_screen_wait(again.repeating(home, engine, row, before))
        if values is None:
            return
        wishes = again.wishes_of(values)
        report = await asyncio.to_thread(repeating.examined, home, spec, wishes.on)
        if report.speaks and not await self.push_screen_wait(PreflightScreen(report)):
            return
        run_id = await asyncio.to_thread(repeating.repeat, home, spec, row, report, wishes)
        self.post_message(messages.RunsLaunched((run_id,), queued=wishes.queues, repeats=True))
