"""How the list of runs is looked at: columns, order, groups, saved views, pins. All of it is remembered."""

from __future__ import annotations

import asyncio

from textual import work

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.shots import shots_text
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.reading.rows import ALL_BUT_SEED, Listing
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.dialogs import Ask, Confirm
from leverplus_tui.tui.screens.filtered import FilteredPage
from leverplus_tui.tui.widgets.table import Column

SORTED_BY = ("name", "state", "kind", "duration", "n", "dataset", "vlm", "retriever", "seed", "findings")
TEXTS = frozenset({"name", "state", "kind", "dataset", "vlm", "retriever"})
SAVE, FORGET, PLAIN = "save as ...", "forget ...", "everything, newest first"


class LookedAt(FilteredPage):
    """A list whose view is kept in the memory of the home; subclasses read it again in `select_again`."""

    ASCENDING = TEXTS
    listing: Listing

    @property
    def looked(self) -> ListView:
        """The view."""
        return self.library.memory.now.view

    @property
    def where(self) -> str:
        """The filter."""
        return self.looked.where

    @where.setter
    def where(self, text: str) -> None:
        self.library.memory.view(where=text)

    @property
    def sort(self) -> str:
        """The order."""
        return self.looked.sort

    @sort.setter
    def sort(self, text: str) -> None:
        self.library.memory.view(sort=text)

    @property
    def asked(self) -> object:
        """The view, and what stands on top of it."""
        return self.looked, self.library.memory.now.pinned

    @property
    def extra(self) -> tuple[str, ...]:
        """Chosen columns that are settings or metrics."""
        own = {column.key for column in self.every_column()}
        return tuple(key for key in self.looked.columns if key not in own and not key.startswith("@"))

    def every_column(self) -> list[Column]:
        """Columns that the list has without settings and metrics."""
        raise NotImplementedError

    async def _fields(self) -> tuple[list[str], list[str]]:
        return await asyncio.to_thread(self.library.database.fields, self.listing.ids)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_sort(self) -> None:
        """Choose what to sort by: what the list has, metrics, settings that differ."""
        metrics, settings = await self._fields()
        shots = [f"acc@{shots_text(shot)}" for shot in self.listing.shots]
        named = [f"{which}.{name}" for name in metrics for which in ("best", "last")]
        fields = dict.fromkeys(["created", *shots, *self.extra, *SORTED_BY, *named, *settings])
        chosen = await self.app.push_screen_wait(
            Choose("Sort by", [(field, field) for field in fields], current=self.sort.split()[0])
        )
        if chosen:
            smallest = chosen in TEXTS or chosen.endswith("loss")
            self.sort = f"{chosen} {'asc' if smallest else 'desc'}"
            self._from_top = True
            self.select_again()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_columns(self) -> None:
        """Choose the columns; settings that differ come before those that do not."""
        metrics, settings = await self._fields()
        own = [(column.key, column.title) for column in self.every_column() if column.key != "id"]
        named = [f"{which}.{name}" for name in metrics for which in ("best", "last", "min", "max")]
        more = [key for key in self.extra if key not in (*named, *settings)]
        choices = [*own, *((name, name) for name in (*more, *settings, *named, "lr"))]
        shown = self.looked.columns or tuple(column.key for column in self.table.columns)
        found = await self.app.push_screen_wait(ChooseMany("Which columns?", list(dict(choices).items()), shown))
        if found is not None:
            self.library.memory.view(columns=tuple(key for key in found if key != "id"))
            self.select_again()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_group(self) -> None:
        """Choose the settings that runs are grouped by; none ends it."""
        _, settings = await self._fields()
        names = dict.fromkeys([*self.looked.groups, "kind", "dataset", "vlm", "retriever", "variant", *settings])
        choices = [(ALL_BUT_SEED, shown(f"{shown(ALL_BUT_SEED)} (means and spreads over seeds)"))]
        choices += [(name, name) for name in names if name != ALL_BUT_SEED]
        found = await self.app.push_screen_wait(ChooseMany("Group by which settings?", choices, self.looked.groups))
        if found is not None:
            self.library.memory.view(groups=found)
            self.select_again()

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_views(self) -> None:
        """Go to a saved view, save this one, or forget one."""
        saved = self.library.memory.now.views
        choices = [(f"view {name}", f"{name}   {_described(view)}") for name, view in saved.items()]
        choices += [(PLAIN, shown(PLAIN)), (SAVE, shown("save what is shown now under a name"))]
        choices += [(FORGET, shown("forget a saved view"))] if saved else []
        chosen = await self.app.push_screen_wait(Choose("Views", choices))
        if chosen == SAVE:
            await self._save_view()
        elif chosen == FORGET:
            gone = await self.app.push_screen_wait(Choose("Forget which view?", [(name, name) for name in saved]))
            if gone:
                self.library.memory.keep(views={name: view for name, view in saved.items() if name != gone})
                self.notify(f"{gone} is forgotten")
        elif chosen:
            self.library.memory.keep(view=ListView() if chosen == PLAIN else saved[chosen.removeprefix("view ")])
            self._from_top = True
            self.show_filter()
            self.select_again()

    async def _save_view(self) -> None:
        name = await self.app.push_screen_wait(
            Ask("Name of this view", detail=_described(self.looked), placeholder=shown("best trainings"))
        )
        if not name:
            return
        saved = self.library.memory.now.views
        if name in saved and saved[name] != self.looked:
            was = f"It shows {_described(saved[name])}"
            if not await self.app.push_screen_wait(Confirm(f"Put this view in the place of {name}?", was)):
                return
        self.library.memory.keep(views={**saved, name: self.looked})
        self.notify(f"{name} is saved: w goes there")


def _described(view: ListView) -> str:
    parts = [view.where or shown("all runs"), shown(f"by {view.sort}")]
    if view.groups:
        parts.append(shown(f"grouped by {', '.join(view.groups)}"))
    if view.columns:
        parts.append(plural(len(view.columns), "column"))
    return "   ".join(parts)
