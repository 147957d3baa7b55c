"""Keys one after another: each waits until what the one before it set off has come into view, so that none lands elsewhere."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from typing import Any

from textual import events
from textual.app import App, ScreenStackError
from textual.driver import Driver
from textual.message import Message
from textual.message_pump import MessagePump
from textual.screen import Screen
from textual.worker import Worker, get_current_worker

from leverplus_tui.tui.key_reader import install

OPENING = ("dialog", "launch", "submit", "stop", "resume", "data", "quit")
"""Groups of workers that end in a page, a dialog or a message."""
HOLD_S = 30.0
"""Longest time for which a key is held: a page that takes longer must not make the program deaf."""
PATIENCE_S = 5.0
"""After holding keys for so long escape goes through at once, and what is held is forgotten."""
AT_ONCE = ("ctrl+q", "ctrl+c")
"""Keys that wait for nothing."""
LOOK_S = 0.005
LOST_S = 0.25


class Passed(Message):
    """Follows a key through the same queues: where it arrives, the key has been dealt with."""

    def __init__(self, arrived: asyncio.Event) -> None:
        super().__init__()
        self.arrived = arrived


class OrderedKeys(App[None]):
    """The part of the program that takes keys."""

    def __init__(self) -> None:
        super().__init__()
        self._typed: deque[events.Key | events.Paste] = deque()
        self._passing: asyncio.Task[None] | None = None
        self._held_since: float | None = None
        self._asking: set[Worker[Any]] = set()
        """Workers that wait for a person."""

    def get_driver_class(self) -> type[Driver]:
        """What reads the terminal, with keys as they were typed."""
        driver = super().get_driver_class()
        install(driver)
        return driver

    async def on_event(self, event: events.Event) -> None:
        """Keys and pasted text stand in line; everything else goes its way."""
        typed = isinstance(event, events.Key | events.Paste) and not event.is_forwarded
        if not typed or (isinstance(event, events.Key) and event.key in AT_ONCE):
            await super().on_event(event)
            return
        assert isinstance(event, events.Key | events.Paste), "nothing else is typed"
        if isinstance(event, events.Key) and event.key == "escape" and self._held_for() > PATIENCE_S:
            self._typed.clear()
            await super().on_event(event)
            return
        if isinstance(event, events.Key) and event.key == "ctrl+j":
            event = events.Key("enter", "\r")  # typed before the terminal was ours, which then makes a line feed of it
        self._typed.append(event)
        if self._passing is None or self._passing.done():
            self._passing = asyncio.create_task(self._pass_all(), name="keys")

    async def _pass_all(self) -> None:
        try:
            while self._typed and self.is_running:
                first = self._typed[0]
                await self._opened(first.key if isinstance(first, events.Key) else "")
                self._held_since = None
                if not self._typed:
                    return  # forgotten
                event = self._typed.popleft()
                target = self.focused or self.screen
                await super().on_event(event)
                await self._dealt_with(target)
        except ScreenStackError:
            self._typed.clear()  # the program has ended: what was typed behind its last key goes nowhere
        except Exception as error:  # as Textual does with what its own handlers raise
            self._handle_exception(error)

    def _held_for(self) -> float:
        """Seconds for which the key that is next has been held."""
        return 0.0 if self._held_since is None else time.monotonic() - self._held_since

    @property
    def is_starting(self) -> bool:
        """Whether there is nothing at all to act on yet; until then keys wait as long as it takes."""
        return False

    async def _dealt_with(self, target: MessagePump) -> bool:
        """Wait until everything that was sent to `target` so far has come through; False where it is closed or not open yet."""
        arrived = asyncio.Event()
        follower = Passed(arrived)
        follower.set_sender(target)  # what the program itself sends never comes back to it
        if not target.is_running or not target.post_message(follower):
            return False
        try:
            await asyncio.wait_for(arrived.wait(), LOST_S)
        except TimeoutError:
            return False
        return True

    def on_passed(self, event: Passed) -> None:
        """The key before it has been dealt with."""
        event.arrived.set()

    async def _opened(self, key: str) -> None:
        """Return when nothing that this key could act on is on its way into view, or after the longest time."""
        while self.is_starting:
            await asyncio.sleep(LOOK_S)
        self._held_since = time.monotonic()
        while self._held_for() < HOLD_S:
            screen = self.screen
            said = await self._dealt_with(self.focused or screen)
            if said and self.screen is screen and not self._is_opening(screen, key):
                return
            await asyncio.sleep(LOOK_S)

    def _is_opening(self, screen: Screen[Any], key: str) -> bool:
        """Pages, and widgets around the one that takes keys, say in `keeps_back(key)` what has to wait for them."""
        here = (self.focused or screen).ancestors_with_self
        if any(one.keeps_back(key) for one in here if hasattr(one, "keeps_back")):
            return True
        return any(
            not worker.is_finished and worker.group in OPENING and worker not in self._asking for worker in self.workers
        )

    async def push_screen_wait(self, screen: Any, *, mode: str | None = None) -> Any:
        """As Textual's; once the screen is on its way the worker keeps no key back."""
        await self._flush_next_callbacks()
        worker = get_current_worker()
        answer = self.push_screen(screen, wait_for_dismiss=True, mode=mode)
        self._asking.add(worker)
        try:
            return await asyncio.shield(answer)  # a worker that is cancelled leaves the screen to the person
        finally:
            self._asking.discard(worker)
