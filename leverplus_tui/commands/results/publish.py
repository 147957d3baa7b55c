"""`leverplus publish`."""

from __future__ import annotations

import importlib
import importlib.util
import os
from pathlib import Path
from typing import Annotated, Literal

import typer

from db import store
from db.home import Home
from db.session import Session, reading
from db.specs import UserError
from leverplus_tui.commands.database import find_run_ids, open_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunsArgument
from leverplus_tui.publish.content import Outcome, Place, Published, published, runs_of_selector
from leverplus_tui.publish.selector_file import carried
from leverplus_tui.report.privacy import Shown
from leverplus_tui.text.output import put_json, say

Target = Literal["mlflow", "wandb", "tensorboard", "trackio", "hub-folder"]
LIBRARY = {"hub-folder": "huggingface_hub"}
EXTRA = {"hub-folder": "hub"}


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
    _installed(to)
    place_home, database = open_home(home)
    place = Place(_place(to, out, place_home), project, replace)
    shown = Shown(with_host, with_paths, with_command, with_diff)
    done = []
    with reading(database) as session:
        for run_id in find_run_ids(session, runs):
            run, outcome = _publish(session, run_id, to, place, shown)
            done.append({"run": run.ref, "where": outcome.where, "already": outcome.already})
            already = " already, with the same content" if outcome.already else ""
            bad = f"; {run.left_out} points that are not finite were left out" if run.left_out else ""
            say(f"{run.ref} is in {outcome.where}{already}{bad}")
    if as_json:
        put_json({"published": done})


def _publish(session: Session, run_id: int, to: Target, place: Place, shown: Shown) -> tuple[Published, Outcome]:
    run = published(session, run_id, shown)
    module = importlib.import_module(f"leverplus_tui.publish.to_{to.replace('-', '_')}")
    if to != "hub-folder":
        return run, module.publish(run, place)
    detail = store.run_detail(session, run_id=run_id)
    if detail.row.kind == "eval":
        path = Path(str(detail.facts.get("selector") or ""))
        chose = detail.row.retriever == "selector" and path.is_file()
        run = run.with_files(carried(path, shown)) if chose else run
        return run, module.publish(run, place, (run,))
    ids = runs_of_selector(session, [row.path for row in detail.checkpoints])
    return run, module.publish(run, place, tuple(published(session, one, shown) for one in ids))


def _installed(to: Target) -> None:
    name = LIBRARY.get(to, to)
    if importlib.util.find_spec(name) is None:
        extra = EXTRA.get(to, to)
        raise UserError(f"--to {to} needs the library {name}, which is not installed: pip install 'leverplus[{extra}]'")


def _place(to: Target, out: str, home: Home) -> str:
    """Where to publish: what was given, what the tracker's own variable says, else a folder of the home."""
    folder = home.root / "exports"
    if to == "mlflow":
        given = out or os.environ.get("MLFLOW_TRACKING_URI", "")
        if "://" in given:
            return given
        return f"sqlite:///{_made(Path(given).expanduser().absolute() if given else folder / 'mlflow') / 'mlflow.db'}"
    own = os.environ.get("TRACKIO_DIR", "") if to == "trackio" else ""
    chosen = out or own
    return str(Path(chosen).expanduser().absolute() if chosen else folder / to)


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder
