"""Pages from which jobs are launched: the form for a kind of job, filled from a run where one is meant."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from textual import work
from textual.app import App

from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import AddData, EditLaunch, ImportFile
from leverplus_tui.tui.screens.base import PageScreen
from leverplus_tui.tui.screens.choosing import Choose

KINDS = {
    "eval": "measure the accuracy of a model with demonstrations",
    "rce": "imitate good demonstrations, weighted by reward",
    "grpo": "group-relative policy optimisation, also after RCE",
    "generate": "make RL data: propose, answer, score",
    "embed": "embed queries and candidates",
}
"""Kind of job -> what it does."""


async def ask_kind(app: App[Any], question: str, kinds: Iterable[str]) -> str | None:
    """Let one of these kinds be chosen; for a worker."""
    chosen: str | None = await app.push_screen_wait(
        Choose(question, [(kind, f"{kind:10} {shown(KINDS[kind])}") for kind in kinds])
    )
    return chosen


class LaunchPage(PageScreen):
    """Opens launch forms."""

    def template(self, kind: str) -> int | None:
        """The run that a form for this kind of job is filled from; None for the defaults."""
        return None

    def given(self, kind: str) -> dict[str, str]:
        """Fields that take the run that is meant, which is also where they come from; none."""
        return {}

    def action_launch(self, kind: str) -> None:
        """Open the launch form."""
        given = self.given(kind)
        self.post_message(EditLaunch(kind, self.template(kind), given, sources=given))

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_train(self) -> None:
        """Choose what to make, then open the launch form."""
        kind = await ask_kind(self.app, "What shall be made?", (kind for kind in KINDS if kind != "eval"))
        if kind:
            self.action_launch(kind)

    def action_import_file(self) -> None:
        """Ask for a file of another program and take what it holds."""
        self.post_message(ImportFile())

    def action_add_data(self) -> None:
        """Register data."""
        self.post_message(AddData())
