"""The launch form: fields from the specification at the left, the equal command line at the right, preflight on the way out."""

from __future__ import annotations

import asyncio
import shlex
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.specs import UserError
from leverplus_tui.jobs.estimate import estimated
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.spec_command import command_text
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText, RunsLaunched
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.launch.spec_form import SpecForm
from leverplus_tui.tui.screens.launch.topics import Topic

if TYPE_CHECKING:
    from db.specs import JobSpec

TITLES = {
    "eval": "Evaluate",
    "rce": "Train a selector: RCE",
    "grpo": "Train a selector: GRPO",
    "generate": "Make RL data",
    "embed": "Embed questions and images",
}


class LaunchScreen(PageScreen):
    """One form for a kind of job."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "submit", "run", tooltip="check the request, then start the job", id="launch.run"),
        Binding("ctrl+y", "copy", "copy command", id="launch.copy"),
        Binding("escape", "back", "back", id="back"),
    ]

    def __init__(
        self, library: Library, kind: str, *, spec: JobSpec | None = None, values: dict[str, str] | None = None
    ) -> None:
        super().__init__(library)
        self.kind = kind
        self._spec, self._given = spec, values or {}
        self._busy = False
        self._begun: dict[str, str] = {}

    def body(self) -> ComposeResult:
        """Form and command."""
        yield Static(
            Content.assemble((TITLES[self.kind], "bold $primary"), ("   ^r checks and runs, esc goes back", "$faint")),
            id="title",
        )
        with Container(id="launch-body"):
            yield self._form()
            with VerticalScroll(id="launch-right", can_focus=False):
                yield Static("the same from a shell", classes="heading")
                yield Static("", id="command", markup=False)
                yield Static("", id="problem", markup=False)
                yield Static("", id="estimate", markup=False)
                yield Static("", id="twin", markup=False)
                yield Static("name: what lists call the run", id="help", markup=False)

    def _form(self) -> SpecForm:
        form = SpecForm(self.kind)
        if self._spec is not None:
            form.load_spec(self._spec)
        form.load_values(self._given)
        return form

    def on_mount(self) -> None:
        """Show the command."""
        self._begun = dict(self.form.values)
        self.form.table.focus()
        self._preview()

    def fit(self, size: Size) -> None:
        """Below 100 columns the command stands under the form."""
        self.query_one("#launch-body").set_class(size.width < 100, "-stacked")

    @property
    def form(self) -> SpecForm:
        """The fields."""
        return self.query_one(SpecForm)

    @on(SpecForm.Changed)
    def changed(self, event: SpecForm.Changed) -> None:
        """The command follows the fields."""
        event.stop()
        self._preview()

    @on(SpecForm.Entered)
    def entered(self, event: SpecForm.Entered) -> None:
        """Say what the field is, or which fields the topic holds."""
        event.stop()
        field = event.line
        if isinstance(field, Topic):
            self.query_one("#help", Static).update(f"{field.title}: {', '.join(field.paths)}\nenter opens and closes")
            return
        allowed = f"\none of {', '.join(field.choices)}" if field.choices else ""
        default = f"\ndefault {field.default}" if field.default else ""
        self.query_one("#help", Static).update(f"{field.path}: {field.help}{allowed}{default}")

    def command(self) -> str:
        """The command line. Raises UserError where a field is wrong."""
        name = f" --name {shlex.quote(self.form.run_name)}" if self.form.run_name else ""
        return command_text(self.form.to_spec()) + name

    def _preview(self) -> None:
        command, problem = self.query_one("#command", Static), self.query_one("#problem", Static)
        try:
            spec = self.form.to_spec()
            command.update(self.command())
            problem.update("")
            self._tell("#estimate", estimated(spec, self.library.home))
            self._look_for_twin(spec)
        except UserError as error:
            problem.update(str(error))
            self._tell("#estimate", "")
            self._tell("#twin", "")

    def _tell(self, where: str, line: str) -> None:
        told = self.query_one(where, Static)
        told.update(line)
        told.display = bool(line)

    @work(group="twin", exclusive=True, exit_on_error=False)
    async def _look_for_twin(self, spec: JobSpec) -> None:
        """Say which run has asked for the same."""
        try:
            asked = await asyncio.to_thread(resolved, spec, self.library.home)
            self._tell("#twin", await asyncio.to_thread(self.library.database.twin, asked))
        except UserError:  # a file that is not there, which is said when the job is to start
            self._tell("#twin", "")

    @property
    def holds_changes(self) -> bool:
        """Whether something was typed that would be lost."""
        return self.form.values != self._begun

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_back(self) -> None:  # type: ignore[override]  # a worker, for it may have to ask
        """Go back; asks where something would be lost."""
        changed = [path for path, text in self.form.values.items() if text != self._begun.get(path, text)]
        detail = f"What was changed is lost: {', '.join(changed)}. ^y copies the command first."
        if not changed or await self.app.push_screen_wait(Confirm("Leave this form?", detail)):
            self.dismiss()

    def action_copy(self) -> None:
        """Copy the command."""
        try:
            self.post_message(CopyText(self.command(), "the command"))
        except UserError as error:
            self.notify(str(error), severity="warning", markup=False)

    @work(group="submit", exclusive=True, exit_on_error=False)
    async def action_submit(self) -> None:
        """Check, show what was found, start."""
        if self._busy:
            return
        try:
            spec = self.form.to_spec()
        except UserError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        self._busy = True
        try:
            await self._checked(spec)
        except UserError as error:
            self.query_one("#problem", Static).update(str(error))
            self.notify(str(error), severity="error", markup=False)
        finally:
            self._busy = False

    async def _checked(self, spec: JobSpec) -> None:
        spec = await asyncio.to_thread(resolved, spec, self.library.home)
        report = await asyncio.to_thread(starting.examined, self.library.home, spec)
        if report is not None and report.speaks:
            go = await self.app.push_screen_wait(PreflightScreen(report))
            if not go:
                return
        run_id = await asyncio.to_thread(starting.launch, self.library.home, spec, self.form.run_name, report)
        self.post_message(RunsLaunched((run_id,)))
        self.dismiss()
