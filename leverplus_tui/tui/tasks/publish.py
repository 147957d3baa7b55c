"""Runs in other people's trackers, and in folders for the hub."""

from __future__ import annotations

from typing import cast

from db.user_error import UserError
from leverplus_tui.jobs.own_command import Said
from leverplus_tui.publish.targets import Target, installed, place_of
from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.tasks.task import NO_YES, Situation, Task

TARGETS = (
    ("mlflow", "MLflow"),
    ("wandb", "W&B, an offline folder"),
    ("tensorboard", "TensorBoard"),
    ("trackio", "trackio"),
    ("hub-folder", "a folder for the Hugging Face hub"),
)
SHOWN = ("host", "paths", "command", "diff")
"""What is left out unless it is asked for."""
WORDS = {
    "host": "the machine and servers",
    "paths": "where files lie",
    "command": "command lines",
    "diff": "local changes of the code",
}


def task(at: Situation) -> Task:
    """The window for publishing. Raises UserError where no run is meant."""
    if not at.runs:
        raise UserError("Publish which runs? 1 shows them, space marks, U publishes")
    said = at.said("publish")
    lines = [
        Line("to", "to", said.get("to", "mlflow"), TARGETS),
        Line("out", "place", said.get("out", ""), help="folder, or address of a server; empty: in the home"),
        Line("project", "project", said.get("project", "leverplus")),
        Line("replace", "--replace", "no", (("no", "no"), ("yes", "publish anew what changed since"))),
        *(Line(name, f"tell {name}", "no", (NO_YES[0], ("yes", f"yes: {WORDS[name]}"))) for name in SHOWN),
    ]

    def begin(values: Values) -> Work:
        words = ["publish", *at.refs, "--to", values["to"], "--project", values["project"] or "leverplus"]
        words += ["--out", values["out"]] if values["out"] else []
        words += ["--replace"] if values["replace"] == "yes" else []
        words += [f"--with-{name}" for name in SHOWN if values[name] == "yes"]
        return at.by_command(shown(f"Publishing {at.named} to {values['to']}"), "publishing", words, _told)

    def told(values: Values) -> str:
        return "" if values["out"] else f"to {place_of(cast(Target, values['to']), '', at.library.home, make=False)}"

    return Task(
        "publish", f"Publish {at.named}", lines, begin, check=lambda values: installed(values["to"]), told=told,
        kept=lambda v: {name: v[name] for name in ("to", "out", "project")},
    )  # fmt: skip


def _told(said: Said) -> Outcome:
    if said.code:
        return Outcome(said.sentence, "Not published", failed=True, brief=True)
    lines = said.err.strip().splitlines()
    return Outcome("\n".join(lines), "Published", brief=len(lines) < 4)
