"""What pages ask the program to do: launch, stop and go on with runs, register data, copy; and how what it started ended."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path

from textual import work

from db.run_states import ACTIVE
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.read_only import ReadOnlyKeys
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Ask, AskPath, Confirm, Tell
from leverplus_tui.tui.started_runs import StartedRuns


class RequestApp(ReadOnlyKeys):
    """The part of the program that does what messages ask for."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._started_runs = StartedRuns()

    def _pages(self) -> list[PageScreen]:
        return [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, PageScreen)]

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_edit_launch(self, event: messages.EditLaunch) -> None:
        """Open the launch form."""
        from leverplus_tui.tui.screens.launch.form import LaunchScreen  # specifications: pydantic, 200 ms

        spec = await asyncio.to_thread(self.library.database.spec, event.run_id) if event.run_id is not None else None
        page = LaunchScreen(self.library, event.kind, spec=spec, run_id=event.run_id, values=event.values)
        page.mode = self.current_mode
        await self.push_screen(page)

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_ask_model(self, event: messages.AskModel) -> None:
        """Open the page that asks the model of an evaluation."""
        from leverplus_tui.tui.screens.ask.page import AskScreen  # data sets and the store: 500 ms

        page = AskScreen(self.library, event.run_id, event.question_id, event.shot)
        page.mode = self.current_mode
        await self.push_screen(page)
        page.refresh_data()

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_launch_demo(self) -> None:
        """Start the two runs of the demonstration."""
        from leverplus_tui.tui.screens.launch import starting  # specifications and the store: 400 ms

        started = await asyncio.to_thread(starting.launch_demo, self.library.home)
        self.post_message(messages.RunsLaunched(started))

    def on_runs_launched(self, event: messages.RunsLaunched) -> None:
        """Say what runs now, and let the list go there."""
        self.library.launched = event.run_ids[0] if event.sweep else event.run_ids[-1]
        for page in self._pages():
            page.post_message(messages.DataChanged(-1))  # the lists put their cursor there
        if event.sweep:
            last = event.run_ids[-1]
            self.notify(f"{event.sweep}: {len(event.run_ids)} runs to r{last} wait in the queue, 4 shows them")
            return
        names = ", ".join(f"r{run_id}" for run_id in event.run_ids)
        more = "; mark both with space, v compares them" if len(event.run_ids) == 2 else ""
        self.notify(f"{names} started: 4 shows the log{more}")
        self._started_runs.add(event.run_ids)
        self._tell_ends()

    @work(group="stop", exclusive=True, exit_on_error=False)
    async def on_stop_run(self, event: messages.StopRun) -> None:
        """Ask, then stop."""
        row = (await asyncio.to_thread(self.library.database.run_rows, [event.run_id]))[0]
        if row.state not in ACTIVE:
            self.notify(f"{row.ref} is {row.state}: nothing to stop")
            return
        detail = "What is done stays stored; R goes on from there. It gets 20 seconds to finish what it is writing."
        if await self.push_screen_wait(Confirm(f"Stop {row.ref} {row.name}?", detail)):
            from leverplus_tui.jobs import launcher  # the store: 400 ms

            state = await asyncio.to_thread(launcher.stop, self.library.home, event.run_id)
            self.notify(f"{row.ref} is {state}")

    @work(group="resume", exclusive=True, exit_on_error=False)
    async def on_resume_run(self, event: messages.ResumeRun) -> None:
        """Go on with a run, where it was."""
        from leverplus_tui.queue.submit import go_on  # the store: 400 ms

        await asyncio.to_thread(go_on, self.library.home, event.run_id)
        self.notify(f"r{event.run_id} goes on")
        self._started_runs.add([event.run_id], again=True)
        self._tell_ends()

    @work(group="ends", exit_on_error=False)
    async def _tell_ends(self) -> None:
        """Say how runs ended that were started from here."""
        for sentence, failed in await asyncio.to_thread(self._started_runs.ended, self.library):
            self.notify(sentence, severity="error" if failed else "information", timeout=10 if failed else None)

    @work(group="data", exclusive=True, exit_on_error=False)
    async def on_add_data(self) -> None:
        """Ask for a path, register what is there."""
        add = self.library.database.add_data
        asked = AskPath(
            "Add a file or folder", detail="RL data, embeddings, a sampler cache or a data set; it stays where it is",
            value=str(Path.cwd()) + "/", placeholder="/data/okvqa", take=lambda text: add(Path(text).expanduser())
        )  # fmt: skip
        if await self.push_screen_wait(asked):
            row = asked.taken
            self.notify(f"{row.ref} {row.name} ({row.kind}) is registered", markup=False)

    @work(group="data", exclusive=True, exit_on_error=False)
    async def on_import_file(self) -> None:
        """Ask for a path, show what was read of it, store it after a yes."""
        from leverplus_tui.tui.screens import importing  # readers and statistics: 200 ms

        asked = AskPath(
            "Import figures, predictions or trainings", detail="A report, results of another program, a tracker's folder",
            value=str(Path.cwd()) + "/", placeholder="report.md", take=lambda text: importing.read(Path(text).expanduser())
        )  # fmt: skip
        if not (text := await self.push_screen_wait(asked)):
            return
        found, path, said = asked.taken, Path(text).expanduser(), {"dataset": "", "vlm": ""}
        while (answer := await self.push_screen_wait(importing.ConfirmReading(found))) in said:
            question = "Which data set are they of?" if answer == "dataset" else "Which model gave them?"
            read = partial(importing.read_as, path, said, answer)
            more = Ask(question, value=said[answer], may_be_empty=True, take=read)
            given = await self.push_screen_wait(more)
            if given is not None:
                said[answer], found = given, more.taken
        if answer == "take":
            database = self.library.database.engine
            self.notify(await asyncio.to_thread(importing.store, self.library.home, database, found, **said))

    @work(group="work", exit_on_error=False)
    async def on_work(self, event: messages.Work) -> None:
        """Do it, and say how it ended: at length on the page that asked, in one line everywhere else."""
        self.notify(event.words)
        heading, text, failed = await asyncio.to_thread(event.do)
        if self.screen is event.page:
            self.push_screen(Tell(heading, text, error=failed))
        else:
            self.notify(f"{heading}: {event.words}\n{text}", severity="error" if failed else "information", timeout=10)

    def on_copy_text(self, event: messages.CopyText) -> None:
        """To the clipboard, by the terminal's own way (OSC 52)."""
        self.copy_to_clipboard(event.text)
        lines = event.text.rstrip("\n").count("\n") + 1
        if lines > 1:
            self.notify(f"Copied {event.what}, {plural(lines, 'line')}")
        else:
            self.notify(event.text[:200] + " ..." * (len(event.text) > 200), title=f"Copied {event.what}")
