"""Work that the program does while people look at something else: announced, shown in the line above, ended in a message.

It belongs to the program and not to a page, so that leaving a page ends nothing; leaving the program asks.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from pathlib import Path

from textual import work

from leverplus_tui.jobs import own_command
from leverplus_tui.text.language import shown
from leverplus_tui.text.times import duration
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.telling import TellingApp
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Confirm, Tell
from leverplus_tui.tui.ways import in_app

WAIT, NOW, STAY = "wait", "now", "stay"
TOLD_S = 10.0
"""How long it is shown how an errand ended; `m` shows it afterwards."""


@dataclass(eq=False)
class Errand:
    """One piece of work."""

    words: str
    noun: str
    began: float = field(default_factory=time.monotonic)


def _ended(words: str, outcome: messages.Outcome) -> str:
    """What was done and how it ended as one sentence, the details below."""
    if not outcome.heading:
        return outcome.text
    how = shown(outcome.heading)
    return f"{shown(words)}: {how[:1].lower()}{how[1:]}\n{outcome.text}"


class ErrandApp(TellingApp):
    """The part of the program that does long work."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._errands: list[Errand] = []
        self._leaving = False
        self.restoring: Path | None = None
        """The backup that is to be put in the place of the home, once no page reads it any more."""

    def _pages(self) -> list[PageScreen]:
        return [screen for stack in self._screen_stacks.values() for screen in stack if isinstance(screen, PageScreen)]

    @property
    def at_work(self) -> list[str]:
        """What is being done, and for how long."""
        now = time.monotonic()
        return [f"at work for {duration(now - one.began)}: {one.words}" for one in self._errands]

    @work(group="work", exit_on_error=False)
    async def on_work(self, event: messages.Work) -> None:
        """Do it, and say how it ended: at length on the page that asked, in a message everywhere else."""
        errand = Errand(event.words, event.noun)
        self._errands.append(errand)
        self._show_errands()
        self.notify(event.words)
        try:
            outcome = await asyncio.to_thread(event.do)
        except BaseException:
            self._leaving = False  # whoever waits to leave shall see what went wrong
            raise
        finally:
            self._errands.remove(errand)
            self._show_errands()
        if self.screen is not event.page or outcome.brief:
            told = _ended(event.words, outcome)
            self.notify(told, severity="error" if outcome.failed else "information", timeout=TOLD_S)
        else:
            page = outcome.show() if outcome.show else Tell(outcome.heading, in_app(outcome.text), error=outcome.failed)
            self.push_screen(page)
        if outcome.then is not None:
            self.post_message(outcome.then)
        if self._leaving and not self._errands:
            self.exit()

    def _show_errands(self) -> None:
        self.library.errands = ", ".join(errand.noun for errand in self._errands)
        self._tell_going_on()

    def _tell_going_on(self) -> None:
        """Jobs and errands, in the line above every page."""
        for page in self._pages():
            page.post_message(messages.GoingOn(self.library.jobs, self.library.errands))

    # Leaving

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def on_restore_home(self, event: messages.RestoreHome) -> None:
        """Ask, then leave; who runs the program puts the backup back and begins it anew, for no page may hold what was there."""
        if self._errands:
            self.notify(f"Still at work: {self.library.errands}. Restore when that is done", severity="warning")
            return
        home = self.library.home.root
        detail = (
            f"{home} is kept beside it. This page ends meanwhile; the one that is opened next says how it went."
            if self.is_web
            else f"{home} is kept beside it. The program closes, restores, and opens again."
        )
        if await self.push_screen_wait(Confirm(f"Put back {event.words}?", detail)):
            self.restoring = event.path
            self.exit()

    async def action_quit(self) -> None:
        """Leave at once, or ask where something is at work; jobs go on either way."""
        if self._errands:
            self._ask_to_leave()
        else:
            self.exit()

    @work(group="quit", exclusive=True, exit_on_error=False)
    async def _ask_to_leave(self) -> None:
        nouns = ", ".join(errand.noun for errand in self._errands)
        choices = [
            (WAIT, shown("wait until that is done, then quit")),
            (NOW, shown("quit now: it is given up, and nothing half written stays")),
            (STAY, "stay"),
        ]
        answer = await self.push_screen_wait(Choose(f"Quit? Still at work: {nouns}", choices))
        if answer == NOW:
            own_command.end_all()
        elif answer == WAIT:
            self._leaving = True
            self.notify(f"Quits when this is done: {nouns}. q asks again")
        if answer == NOW or (answer == WAIT and not self._errands):
            self.exit()
