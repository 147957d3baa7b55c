"""Where keys and messages lead: the four modes, the pages that open on top of them, the view before this one."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import TYPE_CHECKING, cast

from textual.screen import Screen

from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.loading import load
from leverplus_tui.tui.program.palette import PaletteApp
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.help import HelpScreen
from leverplus_tui.tui.widgets.charts.bars import offered

if TYPE_CHECKING:
    from leverplus_tui.tui.messages import View
    from leverplus_tui.tui.screens.comparing.page import CompareScreen

MODES = {
    "runs": "runs.page:RunsScreen",
    "compare": "comparing.page:CompareScreen",
    "data": "files.data:DataScreen",
    "jobs": "waiting.jobs:JobsScreen",
}
"""Pages by mode; each is imported when it is first shown, so that the first frame waits for one of them only."""


class GoingApp(PaletteApp):
    """The part of the program that goes from page to page."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._view: View | None = None
        self._before: View | None = None
        for mode, target in MODES.items():
            self.add_mode(mode, self._page_factory(target))

    def _page_factory(self, target: str) -> Callable[[], Screen[None]]:
        def make() -> Screen[None]:
            module, _, name = target.partition(":")
            page = getattr(importlib.import_module(f"leverplus_tui.tui.screens.{module}"), name)
            return cast("PageScreen", page(self.library))

        return make

    async def action_mode(self, mode: str) -> None:
        """Switch to a mode; in that mode already, go to its first page."""
        if mode != self.current_mode:
            await self.switch_mode(mode)
        else:
            await self._to_first_page()

    async def _to_first_page(self) -> None:
        while len(self.screen_stack) > 1:
            page = self.screen
            if isinstance(page, PageScreen) and page.holds_changes:
                page.action_back()
                return
            await self.pop_screen()

    def on_viewed(self, event: messages.Viewed) -> None:
        """Remember this view, and the one before it."""
        view = event.view
        self.library.memory.keep(mode=view.mode, run=view.run_id, tab=view.tab)
        if event.view != self._view:
            self._before = self._view
        self._view = event.view

    async def action_last_view(self) -> None:
        """Go to the view before this one; once more comes back."""
        before = self._before
        if before is None:
            self.notify("There is no view before this one yet")
            return
        if before.mode != self.current_mode:
            await self.switch_mode(before.mode)
        if before.run_id is None:
            await self._to_first_page()
        elif not (isinstance(self.screen, PageScreen) and self.screen.view == before):
            self.post_message(messages.OpenRun(before.run_id, before.tab))

    def action_help(self) -> None:
        """Show the keys that work now."""
        if not isinstance(self.screen, HelpScreen):
            keys = self.screen.active_bindings.values()
            self.push_screen(HelpScreen(key for key in keys if offered(self.screen, key.binding.action)))

    async def on_open_run(self, event: messages.OpenRun) -> None:
        """Push a run's page onto the mode in view."""
        await load("leverplus_tui.tui.screens.run.page")
        from leverplus_tui.tui.screens.run.page import RunScreen  # with specifications: pydantic, 200 ms

        page = RunScreen(self.library, event.run_id, event.tab)
        page.mode = self.current_mode
        if event.shot is not None:
            page.ask_for(event.shot, event.subset, event.beside)
        await self.push_screen(page)
        page.refresh_data()

    async def on_open_curves(self, event: messages.OpenCurves) -> None:
        """Push the curves of runs onto the mode in view."""
        await load("leverplus_tui.tui.screens.curves")
        from leverplus_tui.tui.screens.curves import CurvesScreen  # charts: not before one is asked for

        page = CurvesScreen(self.library, event.run_ids, event.metric)
        page.mode = self.current_mode
        await self.push_screen(page)
        page.refresh_data()

    async def on_compare_runs(self, event: messages.CompareRuns) -> None:
        """Show runs side by side."""
        self.library.memory.keep(compared=list(event.run_ids))
        self.library.to_compare = event.run_ids
        await self.action_mode("compare")
        cast("CompareScreen", self.screen_stack[0]).show_runs(event.run_ids)
