"""`leverplus publish`."""

from __future__ import annotations

from typing import Annotated

import typer

from db.session import reading
from leverplus_tui.commands.database import find_run_ids, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunsArgument
from leverplus_tui.publish import targets
from leverplus_tui.publish.content import Place
from leverplus_tui.publish.targets import Target
from leverplus_tui.report.privacy import Shown
from leverplus_tui.text.output import put_json, say


def publish(
    runs: RunsArgument,
    to: Annotated[Target, typer.Option("--to", help="Tracker, or a folder for the Hugging Face hub.")],
    out: Annotated[
        str,
        typer.Option(
            "--out", metavar="PLACE", help="Folder, or address of an MLflow server; else a folder of the home."
        ),
    ] = "",
    project: Annotated[str, typer.Option("--project", help="What the tracker groups runs by.")] = "leverplus",
    replace: Annotated[
        bool, typer.Option("--replace", help="Publish a run anew that changed since it was published.")
    ] = False,
    with_host: Annotated[
        bool, typer.Option("--with-host", help="Also name the machine, its system and servers.")
    ] = False,
    with_paths: Annotated[
        bool, typer.Option("--with-paths", help="Also say where files lie, not only their names.")
    ] = False,
    with_command: Annotated[bool, typer.Option("--with-command", help="Also tell the command lines.")] = False,
    with_diff: Annotated[bool, typer.Option("--with-diff", help="Also show local changes of the code.")] = False,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Publish runs: parameters, metrics, accuracies with intervals, findings, the report, and the selector of a training.

    A run that is published again is known and not doubled. Host, paths, command lines and code changes are left out unless asked
    for. W&B is written offline: `wandb sync` uploads it. A folder for the hub states the figures of all its selector's evaluations.

    Example:
    leverplus publish r12 --to mlflow --out http://tracker:5000
    leverplus publish r7 --to hub-folder --out ./models
    """
    targets.installed(to)
    place_home, database = open_home(home)
    place = Place(targets.place_of(to, out, place_home), project, replace)
    shown = Shown(with_host, with_paths, with_command, with_diff)
    done = []
    with reading(database) as session:
        for run_id in find_run_ids(session, runs):
            run, outcome = targets.publish(session, run_id, to, place, shown)
            done.append({"run": run.ref, "where": outcome.where, "already": outcome.already})
            already = " already, with the same content" if outcome.already else ""
            bad = f"; {run.left_out} points that are not finite were left out" if run.left_out else ""
            say(f"{run.ref} is in {outcome.where}{already}{bad}")
    if as_json:
        put_json({"published": done})
