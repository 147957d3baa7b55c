"""What pages ask the program to do: open the launch form, register and import files, copy."""

from __future__ import annotations

import asyncio
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from textual import work

from db.user_error import UserError
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui import messages
from leverplus_tui.tui.program.loading import load
from leverplus_tui.tui.program.run_requests import RunRequestApp
from leverplus_tui.tui.screens.dialogs import Ask, AskPath

if TYPE_CHECKING:
    from engine.figures.reading import Reading


def _there(text: str) -> Path:
    """The path that was typed. Raises UserError where there is nothing."""
    path = Path(text).expanduser()
    if not path.exists():
        raise UserError(f"there is nothing at {path}: give an existing file or folder")
    return path


class RequestApp(RunRequestApp):
    """The part of the program that does what messages ask for."""

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_edit_launch(self, event: messages.EditLaunch) -> None:
        """Open the launch form."""
        await load("leverplus_tui.tui.screens.launch.form")
        from leverplus_tui.tui.screens.launch.form import LaunchScreen  # specifications: pydantic, 200 ms

        spec = await asyncio.to_thread(self.library.database.spec, event.run_id) if event.run_id is not None else None
        page = LaunchScreen(
            self.library, event.kind, spec=spec, run_id=event.run_id, values=event.values, sources=event.sources
        )
        page.mode = self.current_mode
        await self.push_screen(page)

    @work(group="launch", exclusive=True, exit_on_error=False)
    async def on_ask_model(self, event: messages.AskModel) -> None:
        """Open the page that asks the model of an evaluation."""
        await load("leverplus_tui.tui.screens.ask.page")
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

    @work(group="data", exclusive=True, exit_on_error=False)
    async def on_add_data(self) -> None:
        """Ask for a path, register what is there."""
        asked = AskPath(
            "Add a file or folder", detail="RL data, embeddings, a sampler cache or a data set; it stays where it is",
            value=str(Path.cwd()) + "/", placeholder="/data/okvqa", take=_there
        )  # fmt: skip
        if await self.push_screen_wait(asked):
            self.post_message(self._registering(asked.taken))

    def _registering(self, path: Path) -> messages.Work:
        """Hashing a large file takes minutes, and goes on whatever is in view."""
        database = self.library.database

        def register() -> messages.Outcome:
            row = database.add_data(path)
            return messages.Outcome(f"{row.ref} {row.name} ({row.kind}) is registered", brief=True)

        return messages.Work(f"Registering {path}", register, self.screen, f"adding {path.name}")

    @work(group="data", exclusive=True, exit_on_error=False)
    async def on_import_file(self) -> None:
        """Ask for a path, show what was read of it, store it after a yes."""
        from leverplus_tui.tui.screens.files import importing  # readers and statistics: 200 ms

        asked = AskPath(
            "Import figures, predictions or trainings", detail="A report, results of another program, a tracker's folder",
            value=str(Path.cwd()) + "/", placeholder="report.md", take=lambda text: importing.read(Path(text).expanduser())
        )  # fmt: skip
        if not (text := await self.push_screen_wait(asked)):
            return
        found, path, said = asked.taken, Path(text).expanduser(), {"dataset": "", "vlm": "", "shot": ""}
        while (answer := await self.push_screen_wait(importing.ConfirmReading(found, said))) in said:
            read = partial(importing.read_as, path, said, answer)
            more = Ask(importing.QUESTIONS[answer], value=said[answer], may_be_empty=True, take=read)
            given = await self.push_screen_wait(more)
            if given is not None:
                said[answer], found = given, more.taken
        if answer == "take":
            self.post_message(self._importing(found, said))

    def _importing(self, found: Reading, said: dict[str, str]) -> messages.Work:
        from leverplus_tui.tui.screens.files import importing  # as above

        home, database = self.library.home, self.library.database.engine

        def take() -> messages.Outcome:
            return messages.Outcome(importing.store(home, database, found, **said), brief=True)

        return messages.Work(f"Importing {found.path}", take, self.screen, f"importing {found.path.name}")

    def on_copy_text(self, event: messages.CopyText) -> None:
        """To the clipboard, by the terminal's own way (OSC 52)."""
        self.copy_to_clipboard(event.text)
        lines = event.text.rstrip("\n").count("\n") + 1
        if lines > 1:
            self.notify(f"Copied {event.what}, {plural(lines, 'line')}")
        else:
            self.notify(event.text[:200] + " ..." * (len(event.text) > 200), title=f"Copied {event.what}")
