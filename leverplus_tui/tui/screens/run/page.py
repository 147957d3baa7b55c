"""One run: overview, metrics, log, configuration, answers. Each tab is made when it is shown first: all at once stop the screen."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Static

from db.run_states import ACTIVE
from leverplus_tui.jobs.spec_options import defaults, flatten
from leverplus_tui.text.language import shown
from leverplus_tui.text.states import STATE_ROLES, SYNTHETIC, doubts, marks, shown_state, state_text
from leverplus_tui.text.words import clean
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import EditLaunch, View, Viewed
from leverplus_tui.tui.screens.dialogs import Tell
from leverplus_tui.tui.screens.run.actions import RUN_KEYS
from leverplus_tui.tui.screens.run.answers import Answers
from leverplus_tui.tui.screens.run.log_page import EMPTY, LogPage
from leverplus_tui.tui.screens.run.metrics import Metrics
from leverplus_tui.tui.screens.run.overview import Overview
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.widgets.kept import keep_lines
from leverplus_tui.tui.widgets.log import LogView
from leverplus_tui.tui.widgets.matrix import Matrix
from leverplus_tui.tui.widgets.spec_fields import AUTO, auto_fields
from leverplus_tui.tui.widgets.table import Cell, Column, LineTable

if TYPE_CHECKING:
    from db.store import RunDetail, RunRow

TABS = ("overview", "metrics", "log", "config", "answers")
CONFIG = (Column("field", "field", 22, flex=8), Column("value", "value", 20, flex=200))
FOCUS: dict[str, type[Widget]] = {
    "overview": Matrix,
    "metrics": LineTable,
    "log": LogView,
    "config": LineTable,
    "answers": LineTable,
}


class RunScreen(LogPage):
    """Everything about one run, in five tabs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab", "next_tab(1)", "next tab", id="run.next-tab"),
        Binding("shift+tab", "next_tab(-1)", "previous tab", show=False, id="run.previous-tab"),
        Binding("e", "again", "again", tooltip="open the launch form filled from this run", id="run.again"),
        *RUN_KEYS,
        Binding(
            "M", "ask_model", "ask the model", tooltip="ask the model a question again, changed at will", id="run.ask"
        ),
    ]

    def __init__(self, library: Library, run_id: int, tab: str = "overview") -> None:
        super().__init__(library)
        self.run_id = run_id
        self.tab = tab if tab in TABS else "overview"
        self.detail: RunDetail | None = None
        self._wanted: tuple[int, str, int | None] | None = None
        self._begun, self._ready = {self.tab}, {self.tab}
        """Tabs that were asked for, and those that are made and can be filled."""
        self.overview, self.answers = Overview(), Answers(library)

    def ask_for(self, shot: int, subset: str, beside: int | None) -> None:
        """Open with the answers behind a figure, beside those of another run."""
        self._wanted = (shot, subset, beside)

    def body(self) -> ComposeResult:
        """Title, tab line, the tabs."""
        yield Static("", id="title")
        yield Static("", id="tabs")
        with ContentSwitcher(initial=self.tab):
            yield self._pane(self.tab)

    def _pane(self, name: str) -> Widget:
        pane: Widget
        if name == "overview":
            pane = self.overview
        elif name == "metrics":
            pane = Metrics(self.library)
        elif name == "log":
            pane = LogView(empty=EMPTY)
        elif name == "config":
            pane = LineTable(CONFIG)
        else:
            pane = self.answers
        pane.id = name
        return pane

    @property
    def view(self) -> View:
        """This run, at the tab in view."""
        return View(self.mode, self.run_id, self.tab)

    def show_ages(self) -> None:
        """Write the title, and the first tab, again."""
        if self.detail is not None:
            self._show_title(self.detail)
            if self.tab == "overview":
                self._show_tab(self.detail)

    def on_mount(self) -> None:
        """Begin with the tab that was asked for."""
        self._name_tabs()
        self._show_pane()

    def keeps_back(self, key: str) -> bool:
        """Keys wait for the tab that was asked for."""
        return self.tab not in self._ready or super().keeps_back(key)

    # Reading

    async def reload(self) -> None:
        """Read the run and show what is in view."""
        first = self.detail is None
        self.detail = await asyncio.to_thread(self.library.database.detail, self.run_id)
        if self._wanted is not None:
            self._choose(self.detail, *self._wanted)
            self._wanted = None
        self._show_title(self.detail)
        self._show_tab(self.detail)
        self.follow_state()
        if first:
            self._focus()
        self._read_since()

    def run_here(self) -> RunRow | None:
        """This run."""
        return self.detail.row if self.detail is not None else None

    @work(exclusive=True, group="since", exit_on_error=False)
    async def _read_since(self) -> None:
        """What changed since the last run like it, which takes longer to read than all the rest."""
        told = await asyncio.to_thread(self.library.database.since, self.run_id, lambda: self.is_attached)
        self.overview.show_since(told)

    def _choose(self, detail: RunDetail, shot: int, subset: str, beside: int | None) -> None:
        """The cell that was asked for, by its subset's label where that is one of this run's."""
        cells = sorted(
            (cell for cell in detail.cells if cell.shot == shot), key=lambda cell: (cell.subset != subset, -cell.n)
        )
        if cells:
            self.answers.choose(cells[0], beside)

    def _show_title(self, detail: RunDetail) -> None:
        row = detail.row
        state = COLOURS[STATE_ROLES.get(shown_state(row), "")]
        self.query_one("#title", Static).update(
            Content.assemble(
                (f"{row.ref} ", "bold $accent"), (clean(row.name), "bold"), (f"  {row.kind}  ", "$faint"),
                (state_text(row), state), ("".join(f"  {mark}" for mark in doubts(row)), "bold $warning"),
                (f"  {SYNTHETIC}" if SYNTHETIC in marks(row) else "", "$secondary"),
            )
        )  # fmt: skip

    def _show_tab(self, detail: RunDetail) -> None:
        if self.tab not in self._ready:
            return
        pane = self.query_one(f"#{self.tab}")
        if isinstance(pane, Overview | Metrics | Answers):
            pane.show(detail)
        elif isinstance(pane, LogView):
            pane.expect(more=detail.row.state in ACTIVE)
        elif isinstance(pane, LineTable):
            pane.fill(list(_config(detail)))

    # Tabs

    async def _switch(self, tab: str) -> None:
        self.tab = tab
        self._name_tabs()
        if tab not in self._begun:
            self._begun.add(tab)
            pane = self._pane(tab)
            await self.query_one(ContentSwitcher).add_content(pane)
            keep_lines([pane, *pane.query()])
            self._ready.add(tab)
        if self.tab == tab and tab in self._ready:  # else another was asked for meanwhile, or who asked first shows it
            self._show_pane()

    def _show_pane(self) -> None:
        self.query_one(ContentSwitcher).current = self.tab
        self.watch_log(self.log_run)
        if self.detail is not None:
            self._show_tab(self.detail)
            self._focus()

    def _name_tabs(self) -> None:
        parts: list[Content | tuple[str, str]] = []
        for name in TABS:
            title = f" {shown(name.capitalize())} "
            if name == self.tab:
                parts.append((title, "bold $background on $secondary"))
            else:
                parts.append(Content.from_markup(f"[@click=screen.tab('{name}')]{title}[/]"))
        self.query_one("#tabs", Static).update(Content.assemble(*parts))
        self.post_message(Viewed(self.view))

    def _focus(self) -> None:
        found = self.query_one(f"#{self.tab}")
        target = found if isinstance(found, FOCUS[self.tab]) else next(iter(found.query(FOCUS[self.tab])), None)
        if target is not None and target.display:
            self.set_focus(target)  # at once: `focus()` lets the next keys go to the tab before

    async def action_tab(self, tab: str) -> None:
        """Show a tab."""
        await self._switch(tab)

    async def action_next_tab(self, step: int) -> None:
        """Show the next or previous tab, round the end."""
        await self._switch(TABS[(TABS.index(self.tab) + step) % len(TABS)])

    @on(LineTable.Chosen, "#config")
    def field_chosen(self, event: LineTable.Chosen) -> None:
        """A field of the configuration in full."""
        event.stop()
        if self.detail is not None:
            row = _config(self.detail)[event.key]
            field, value = (cell.text if isinstance(cell, Cell) else cell for cell in (row["field"], row["value"]))
            self.app.push_screen(Tell(field, value))

    @on(Matrix.Chosen)
    async def cell_chosen(self, event: Matrix.Chosen) -> None:
        """A cell of the matrix opens its answers."""
        event.stop()
        cell = self.overview.places.get((event.row, event.column))
        if cell is not None:
            self.answers.choose(cell)
            await self._switch("answers")

    @property
    def log_run(self) -> int | None:
        """This run while its log is in view."""
        return self.run_id if self.tab == "log" and "log" in self._ready else None

    # What is done with the run

    def action_again(self) -> None:
        """Open the launch form filled from this run."""
        if self.detail is not None:
            self.post_message(EditLaunch(self.detail.row.kind, self.run_id))

    async def action_ask_model(self) -> None:
        """Try things on the question under the cursor of the answers."""
        if self.detail is None or self.detail.row.kind != "eval":
            self.notify("Only an evaluation can be asked about")
            return
        if self.tab != "answers":
            await self._switch("answers")
        self.answers.ask_model()

    def here(self) -> int:
        """This run."""
        return self.run_id

    def deleted(self) -> None:
        """There is nothing here any more."""
        self.dismiss()


def _config(detail: RunDetail) -> list[dict[str, Cell | str]]:
    """The specification in the order of its fields, what differs from the defaults in colour."""
    auto = auto_fields(detail.row.kind)
    stored, ground = dict(flatten(detail.settings)), dict(flatten(defaults(detail.row.kind)))
    order = [*(path for path in ground if path in stored), *(path for path in stored if path not in ground)]
    return [
        {
            "field": Cell(path, "faint"),
            "value": Cell(
                AUTO if stored[path] is None and path in auto else shown_value(stored[path]),
                "" if stored[path] == ground.get(path) else "accent",
            ),
        }
        for path in order
    ]


def shown_value(value: object) -> str:
    """A value of a specification in one line; `-` for nothing."""
    if value in (None, "", []):
        return "-"
    return clean(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))
