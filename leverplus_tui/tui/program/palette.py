"""Everything that can be asked of the program by name: pages, windows that begin a task, and the keys of the page in view."""

from __future__ import annotations

import asyncio
import importlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from textual import work
from textual.app import App, SystemCommand
from textual.binding import ActiveBinding
from textual.command import CommandPalette
from textual.message import Message
from textual.screen import Screen

from leverplus_tui.text.language import shown
from leverplus_tui.tui import messages
from leverplus_tui.tui.program.remembering import RememberingApp
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.widgets.charts.bars import display_key

if TYPE_CHECKING:
    from db.store import DataRow
    from leverplus_tui.tui.tasks.task import Situation, Task

PAGES = {
    "queue": "waiting.queue:QueueScreen",
    "sweeps": "waiting.sweeps:SweepsScreen",
    "trash": "keeping.trash:TrashScreen",
}
"""Pages that open on top of any other, imported when they are asked for."""
TASKS = {
    "report": "report:task",
    "publish": "publish:task",
    "doctor": "doctor:task",
    "backup": "keeping:backup",
    "restore": "keeping:restore",
    "gc": "keeping:gc",
    "fsck": "keeping:fsck",
}


@dataclass(frozen=True)
class Named:
    """A command of the palette that holds on every page; `keys` are ids of bindings that do the same on some."""

    title: str
    help: str
    action: str
    keys: tuple[str, ...] = ()


COMMANDS = (
    Named("Evaluate: accuracy of a model (eval)", "launch form", "launch('eval')",
          ("runs.evaluate", "jobs.evaluate", "data.evaluate")),
    Named("Train a selector by imitation (RCE)", "launch form", "launch('rce')", ("data.train", "rl.train")),
    Named("Train a selector by policy optimisation (GRPO)", "launch form", "launch('grpo')"),
    Named("Generate RL data: propose, answer, score", "launch form", "launch('generate')"),
    Named("Embed questions and images (embeddings)", "launch form", "launch('embed')"),
    Named("Sweep: vary settings of a run, or of the defaults", "launch form: list several values", "sweep", ("sweeps.new",)),
    Named("Derive RL data: filter or repair into a new file", "choose the file, then the steps", "derive('derive')",
          ("rl.derive", "data.derive")),
    Named("Export RL data in another format", "choose the file, then the format", "derive('export')",
          ("rl.export", "data.export")),
    Named("Import reports, results or another tracker's runs", "shown before it is stored", "ask('import')",
          ("runs.import", "data.import")),
    Named("Add (register) a data file or folder", "it stays where it is", "ask('add')", ("runs.add-data", "data.add")),
    Named("Demo: two small real runs on the built-in world", "minutes on two cores", "ask('demo')", ("runs.demo",)),
    Named("Backup: the whole home into one file", "also while jobs write", "task('backup')"),
    Named("Restore: put a backup in the place of this home", "the present one is kept beside it", "task('restore')"),
    Named("Disk: what lies there, and free what nobody needs (gc)", "shown before it goes", "task('gc')"),
    Named("Check this home, and mend it (fsck)", "files, figures, states", "task('fsck')"),
)  # fmt: skip
ASKED: dict[str, Callable[[], Message]] = {
    "import": messages.ImportFile,
    "add": messages.AddData,
    "demo": messages.LaunchDemo,
}


class PaletteApp(RememberingApp):
    """The part of the program that knows its pages and tasks by name."""

    async def action_page(self, name: str) -> None:
        """Open a page on top of the one in view; the page itself stays where it is."""
        kind = _found("screens", PAGES[name])
        if isinstance(self.screen, kind) or not self.library.is_open:
            return
        page = cast(PageScreen, kind(self.library))
        page.mode = self.current_mode
        await self.push_screen(page)

    def action_launch(self, kind: str) -> None:
        """Open the launch form, filled from the run in view where it is of this kind."""
        template = getattr(self.screen, "template", None)
        self.post_message(messages.EditLaunch(kind, template(kind) if template is not None else None))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_sweep(self) -> None:
        """Open the launch form of the run that is meant, or of a kind that is chosen; values listed in it make a sweep."""
        from leverplus_tui.tui.screens.launch.opening import ask_kind  # not before one is asked for

        if not self.library.is_open:
            return
        swept = await asyncio.to_thread(_found, "widgets", "spec_fields:SWEPT")  # specifications: pydantic, 200 ms
        runs = (await asyncio.to_thread(self._situation)).runs
        rows = await asyncio.to_thread(self.library.database.run_rows, list(runs))
        run = rows[0] if len(rows) == 1 and rows[0].kind in swept else None
        kind = run.kind if run is not None else await ask_kind(self, "Runs of which kind?", swept)
        if kind:
            self.notify("List several values in a field, such as 1,2 or 1..5, or say how many seeds: each makes a run")
            self.post_message(messages.EditLaunch(kind, run.id if run is not None else None))

    def action_ask(self, name: str) -> None:
        """Ask for what this needs, and do it."""
        self.post_message(ASKED[name]())

    def action_task(self, name: str) -> None:
        """Ask for what a task needs, and begin it."""
        self.post_message(messages.Begin(name))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def on_begin(self, event: messages.Begin) -> None:
        """Show the window of a task; what comes of it is the program's work."""
        if not self.library.is_open:
            return
        make = await asyncio.to_thread(_found, "tasks", TASKS[event.task])
        await self._ask_for(make(await asyncio.to_thread(self._situation)))

    async def _ask_for(self, task: Task) -> None:
        from leverplus_tui.tui.screens.sheet import Sheet  # not before one is asked for

        sheet = Sheet(task.heading, task.lines, detail=task.detail, check=task.check, told=task.told, adapt=task.adapt)
        values: dict[str, str] | None = await self.push_screen_wait(sheet)
        if values is None:
            return
        said = self.library.memory.now.said
        self.library.memory.keep(said={**said, task.name: dict(task.kept(values))})
        doubt = task.doubt(values)
        if doubt is None or await self.push_screen_wait(Confirm(*doubt)):
            self.post_message(task.begin(values))

    def _situation(self) -> Situation:
        """The runs and the file that are meant: those of the page in view, else the marked runs."""
        from leverplus_tui.tui.tasks.task import Situation  # as above

        page = self.screen
        shown = page.meant_runs() if isinstance(page, PageScreen) else ()
        path = page.meant_path if isinstance(page, PageScreen) else ""
        known = self.library.database.run_rows(list(shown or self.library.memory.now.marked))
        there = {row.id for row in known if row.deleted is None}
        runs = tuple(run for run in (shown or self.library.memory.now.marked) if run in there)
        return Situation(self.library, page, runs, path)

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_derive(self, what: str) -> None:
        """Make a new file from the RL data in view, or from those that are chosen."""
        from leverplus_tui.tui.tasks import making  # specifications: 200 ms

        files = await asyncio.to_thread(self.library.database.data_files, "rl-data")
        at = await asyncio.to_thread(self._situation)
        row: DataRow | None = next((row for row in files if row.path == at.path), None)
        if row is None and files:
            choices = [(str(place), f"{row.name}  {row.path}") for place, row in enumerate(files)]
            chosen = await self.push_screen_wait(Choose("Of which RL data?", choices))
            if chosen is None:
                return
            row = files[int(chosen)]
        if row is None:
            self.notify("There are no RL data yet: generate some, or add a file (o on the Data page)")
            return
        task = await making.asked(self, at, row, what)
        if task is not None:
            await self._ask_for(task)

    # The palette

    def action_command_palette(self) -> None:
        """Textual's, asked for in the language in use."""
        if not CommandPalette.is_open(cast("App[object]", self)):
            self.push_screen(CommandPalette(placeholder=shown("Search for commands…"), id="--command-palette"))

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """What holds everywhere, then the keys of this page; of Textual's own commands only the choice of colours."""
        active = {one.binding.id: one for one in screen.active_bindings.values() if one.binding.id and one.enabled}
        yield SystemCommand(
            shown("Choose colours"), shown("themes: dark, light, high contrast and others"), self.action_change_theme
        )
        same: set[str] = set()
        told: set[str | None] = set()
        if self.library.is_open:
            for named in COMMANDS:
                key = next((active[one] for one in named.keys if one in active), None)
                same.update(named.keys)
                help_text = shown(f"key {display_key(key.binding)}" if key is not None else named.help)
                yield SystemCommand(shown(named.title), help_text, self._runner(key, f"app.{named.action}"))
        for one in screen.active_bindings.values():
            binding = one.binding
            ours = one.node in (screen, self) and binding.id is not None and binding.id not in same
            if ours and binding.description and one.enabled and binding.id not in told:
                told.add(binding.id)
                words = shown(binding.tooltip or binding.description)
                yield SystemCommand(
                    words[:1].upper() + words[1:], shown(f"key {display_key(binding)}"), self._runner(one, "")
                )

    def _runner(self, active: ActiveBinding | None, action: str) -> Callable[[], None]:
        """Runs what a key does where it is bound; else the action."""
        if active is not None:
            whole = active.binding.action
            prefix = "app" if active.node is self else "screen"
            action = whole if "." in whole.split("(")[0] else f"{prefix}.{whole}"

        def run() -> None:
            self.call_later(self.run_action, action)

        return run


def _found(package: str, target: str) -> Any:
    module, _, name = target.partition(":")
    return getattr(importlib.import_module(f"leverplus_tui.tui.{package}.{module}"), name)
