"""A page of one RL file: read its first queries at once, have its index built, notice when the file changes."""

from __future__ import annotations

import asyncio
import gc
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual import work
from textual.binding import Binding, BindingType

from db.specs.base import UserError
from engine.demo.shipped import WORLDS
from engine.rl.index.head import FIRST, GLANCE
from leverplus_tui.data.rl_files import KnownData, Progress, RLSource
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import percent
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.widgets.text import bar

if TYPE_CHECKING:
    from db.store import DataRow

BUILD_S = 0.2
LOOK_S = 2.0
"""How often the file is looked at for changes while it is in view."""


class RLFilePage(PageScreen):
    """Opens a file; subclasses show it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "again", "read again", tooltip="read the file again", show=False, id="rl.again"),
        Binding("X", "cancel", "stop indexing", tooltip="stop indexing (asks first)", show=False, id="rl.cancel"),
    ]

    def __init__(self, library: Library, row: DataRow) -> None:
        gc.disable()  # a collection can take longer than opening does: it waits until the first queries are there
        super().__init__(library)
        self.row = row
        self.source = RLSource(Path(row.path), row.name, library.home.cache)
        self.problem = ""
        """Why the file cannot be read whole, in one sentence."""

    @property
    def meant_path(self) -> str:
        """The file."""
        return self.row.path

    # What subclasses show

    def show_title(self, building: str = "") -> None:
        """What is known of the file in one line, and how far its index is."""

    def show_first(self) -> None:
        """The first queries are there."""

    async def show_index(self) -> None:
        """The index is there."""

    def show_preview(self) -> None:
        """More may be known of the query in view."""

    def refuse_file(self, sentence: str) -> None:
        """The file cannot be read whole."""

    # Opening

    def on_mount(self) -> None:
        """Begin reading."""
        self.open_file()
        self.set_interval(LOOK_S, self.look)

    def on_unmount(self) -> None:
        """A page that is gone keeps nothing waiting."""
        gc.enable()

    @work(exclusive=True, group="open", exit_on_error=False)
    async def open_file(self) -> None:
        """The first queries at once; the index when it is there."""
        self.problem = ""
        try:
            await self._first_sight()
            if not await asyncio.to_thread(self.source.load):
                await self._build()
        except UserError as error:
            self.refuse_file(str(error))
            return
        if self.source.browse is not None:
            await self._indexed()

    async def _first_sight(self) -> None:
        try:
            for octets in (GLANCE, FIRST):
                await asyncio.to_thread(self.source.read_head, octets)
                self.show_first()
        finally:
            gc.enable()

    async def _build(self) -> None:
        """Have the index built, and say how far it is."""
        indexing = self.source.indexing
        await asyncio.to_thread(indexing.start)
        self.refresh_bindings()
        while not await asyncio.to_thread(self.source.load):
            progress = await asyncio.to_thread(indexing.progress)
            if progress.error:
                self.refuse_file(progress.error)
                return
            if not progress.running and not await asyncio.to_thread(self.source.load):
                self.show_title(shown("not indexed: r begins again"))
                return
            self.show_title(_building(progress))
            await asyncio.sleep(BUILD_S)

    async def _indexed(self) -> None:
        """Everything is known now."""
        self.show_title()
        self.refresh_bindings()
        await self.show_index()
        if await self.source.find_dataset(await asyncio.to_thread(self._known_data)):
            self.show_title()
            self.show_preview()

    def _known_data(self) -> list[KnownData]:
        """The built-in worlds and every registered data set."""
        rows = self.library.database.data_files("dataset") if self.library.is_open else []
        return [KnownData(name, name, "") for name in WORLDS] + [
            KnownData(row.name, row.path, row.sha256) for row in rows if not row.missing
        ]

    @work(exclusive=True, group="look", exit_on_error=False)
    async def look(self) -> None:
        """Notice a file that was changed or went away."""
        if not self.is_current or self.source.browse is None:
            return
        try:
            changed = await asyncio.to_thread(self.source.has_changed)
        except UserError as error:
            if not self.problem:
                self.refuse_file(str(error))
            return
        if changed or self.problem:
            self.notify("The file has changed on disk: it is read again")
            self._reopen()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_cancel(self) -> None:
        """Ask, then stop building the index."""
        detail = shown("The first queries stay readable; r goes on from here.")
        if await self.app.push_screen_wait(Confirm("Stop building the index?", detail)):
            await asyncio.to_thread(self.source.indexing.cancel)

    def action_again(self) -> None:
        """Read the file again."""
        self.notify("Reading the file again")
        self._reopen()

    def _reopen(self) -> None:
        try:
            self.source.indexing.forget_error()
        except UserError as error:
            self.refuse_file(str(error))
            return
        self.source.browse = None
        self.show_title()
        self.open_file()


def _building(progress: Progress) -> str:
    return shown(f"indexing {bar(progress.share, 12)} {percent(progress.share)}  {progress.words}  X stops")
