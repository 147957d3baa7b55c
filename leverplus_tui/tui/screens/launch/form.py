"""The launch form: fields from the specification at the left, the equal command line at the right, preflight on the way out."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container, VerticalScroll
from textual.content import Content
from textual.geometry import Size
from textual.widgets import Static

from db.specs import UserError
from leverplus_tui.jobs.named_paths import NotWrittenYet
from leverplus_tui.jobs.spec_options import FieldRefused, members
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import CopyText
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.launch import starting
from leverplus_tui.tui.screens.launch.known import entries
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.launch.spec_form import SpecForm
from leverplus_tui.tui.screens.launch.topics import Topic
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.ways import by_form
from leverplus_tui.tui.widgets.picking.offers import Entry
from leverplus_tui.tui.widgets.spec_fields import SWEPT, Field

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
        self,
        library: Library,
        kind: str,
        *,
        spec: JobSpec | None = None,
        run_id: int | None = None,
        values: dict[str, str] | None = None,
        sources: dict[str, str] | None = None,
    ) -> None:
        """`spec`: what the form is filled with, of this run; over it go `values`, each of its source."""
        super().__init__(library)
        self.kind = kind
        self._held = FormValues(kind)
        if spec is not None:
            self._held.load_spec(spec, f"r{run_id}" if run_id is not None else "before")
        for path, text in (values or {}).items():
            self._held.load({path: text}, (sources or {}).get(path, ""))
        self._refusal = ""
        """What is wrong with the field that is edited, since it was to be left."""
        self._busy = self._starting = False
        self._begun: dict[str, str] = {}

    def body(self) -> ComposeResult:
        """Form and command."""
        yield Static(
            Content.assemble(
                (shown(TITLES[self.kind]), "bold $primary"), (shown("   ^r checks and runs, esc goes back"), "$faint")
            ),
            id="title",
        )
        with Container(id="launch-body"):
            yield SpecForm(self._held, self._known)
            with VerticalScroll(id="launch-right", can_focus=False):
                yield Static(shown("the same from a shell"), classes="heading")
                yield Static("", id="command", markup=False)
                yield Static("", id="sweep", markup=False)
                yield Static("", id="problem", markup=False)
                yield Static("", id="estimate", markup=False)
                yield Static("", id="twin", markup=False)
                yield Static(shown("name: what lists call the run"), id="help", markup=False)

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
            self.query_one("#help", Static).update(
                shown(f"{shown(field.title)}: {', '.join(field.paths)}\nenter opens and closes")
            )
            return
        allowed = shown(f"\none of {', '.join(field.choices)}") if field.choices else ""
        default = shown(f"\ndefault {field.default}") if field.default else ""
        listed = shown("\nseveral values make a sweep: 1,2 or 1 2 or 1-5") if self._sweeps(field) else ""
        self.query_one("#help", Static).update(f"{field.path}: {by_form(shown(field.help))}{allowed}{default}{listed}")

    def _sweeps(self, field: Field) -> bool:
        """Whether a list in this field makes a sweep; said of numbers, where it is seldom looked for."""
        return self.kind in SWEPT and bool({int, float} & set(members(field.annotation)))

    @on(SpecForm.Refused)
    def refused(self, event: SpecForm.Refused) -> None:
        """Say why a field is still being edited."""
        event.stop()
        if event.sentence != self._refusal:
            self._refusal = event.sentence
            self._preview()

    def _known(self, field: Field) -> Sequence[Entry]:
        """What is known of a field's values; called in a thread."""
        return entries(self.library.database.engine, field) if self.library.is_open else ()

    def command(self) -> str:
        """The command line. Raises UserError where a field is wrong."""
        return self._held.command()

    def _preview(self) -> None:
        """The command at once; how long it takes, and what it repeats, when that is read."""
        problem = self._refusal
        try:
            self.query_one("#command", Static).update(self.command())
            self._tell("#sweep", _sweep_words(self._held.count()))
        except UserError as error:
            problem = problem or str(error)
        self._tell("#problem", problem)
        self.query_one("#help").set_class(bool(problem), "-behind")
        if problem:
            for place in ("#sweep", "#estimate", "#twin"):
                self._tell(place, "")
        self._look_ahead(wrong=bool(problem))

    def _tell(self, where: str, line: str) -> None:
        told = self.query_one(where, Static)
        told.update(_said(line))
        told.display = bool(line)

    @work(group="ahead", exclusive=True, exit_on_error=False)
    async def _look_ahead(self, *, wrong: bool) -> None:
        """Say how long it takes, and which run has asked for the same."""
        if wrong:
            return
        try:
            ahead = await asyncio.to_thread(starting.ahead, self.library.home, self._held.copied())
        except UserError as error:  # one of many combinations, or a file that is not there
            self._tell("#problem", str(error) if self._held.count() > 1 else "")
            self._tell("#twin", "")
            return
        self._tell("#estimate", ahead.estimate)
        self._tell("#twin", ahead.twin)

    @property
    def holds_changes(self) -> bool:
        """Whether something was typed that would be lost."""
        return self.form.values != self._begun

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_back(self) -> None:  # type: ignore[override]  # a worker, for it may have to ask
        """Go back; asks where something would be lost. While a request is checked: give that up."""
        if self._busy:
            if not self._starting:
                self.workers.cancel_group(self, "submit")
            return
        changed = [path for path, text in self.form.values.items() if text != self._begun.get(path, text)]
        detail = shown(f"What was changed is lost: {', '.join(changed)}. ^y copies the command first.")
        if not changed or await self.app.push_screen_wait(Confirm("Leave this form?", detail)):
            self.dismiss()

    def action_copy(self) -> None:
        """Copy the command."""
        try:
            self.post_message(CopyText(self.command(), shown("the command")))
        except UserError as error:
            self.notify(str(error), severity="warning", markup=False)

    @work(group="submit", exclusive=True, exit_on_error=False)
    async def action_submit(self) -> None:
        """Check, show what was found, start."""
        if self._busy:
            return
        self._busy = True
        try:
            await self._checked()
        except UserError as error:
            self._refuse(error)
        except asyncio.CancelledError:
            self.notify("Nothing was started")
            self._preview()
            raise
        finally:
            self._busy = self._starting = False

    def _refuse(self, error: UserError) -> None:
        """Say what is wrong, and go to the field that it is about."""
        self.notify(by_form(shown(str(error))), severity="error", markup=False)
        if isinstance(error, FieldRefused):
            self.form.refuse(error.field)
        self._refusal = str(error)
        self._preview()

    async def _checked(self) -> None:
        self.workers.cancel_group(self, "ahead")  # an estimate that comes late must not stand where this is said
        self._tell(
            "#estimate", "checking the request; what is typed now waits for that, and after a while esc gives it up"
        )
        try:
            asked = await asyncio.to_thread(starting.asked, self.library.home, self._held.copied())
        except NotWrittenYet as error:
            named = self.form.values[error.field]
            question = shown(f"{named} has not ended: put this run into the queue, to start when {named} is done?")
            if not await self.app.push_screen_wait(Confirm(question, "What preflight would check is looked at then.")):
                raise
            self.form.set_value("queue", "true")
            asked = await asyncio.to_thread(starting.asked, self.library.home, self._held.copied())
        if asked.report.speaks:
            go = await self.app.push_screen_wait(PreflightScreen(asked.report))
            if not go:
                self._preview()
                return
        self._starting = True
        started = await asyncio.to_thread(asked.start)
        self.post_message(started)
        self.dismiss()


def _sweep_words(count: int) -> str:
    return (
        shown(f"a sweep of {plural(count, 'run')}: every combination of the values that are listed")
        if count > 1
        else ""
    )


def _said(line: str) -> str:
    """A sentence, or what is missing with the help of its field behind it."""
    if (told := shown(line)) != line:
        return by_form(told)
    head, mark, help_text = line.partition(": ")
    return by_form(f"{shown(head)}{mark}{shown(f'{help_text}.')}" if shown(head) != head else line)
