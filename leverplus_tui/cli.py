"""The program's commands: names and one line of help each. What a command needs is imported when it is called."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from leverplus_tui.commands.lazy import Branch, Leaf, RootGroup, Tree, printed
from leverplus_tui.jobs.process_environment import settle

settle()

EXAMPLE = """
leverplus run eval --shot 2     # evaluate; with nothing set, the built-in model on the built-in data
leverplus tui                   # look at it
"""
START, QUEUE, LOOK, KEEP, FILES = "Start", "Queue", "Look", "Keep", "Files"

RUN: dict[str, Leaf] = {
    "eval": Leaf("running.run:evaluate", "Measure few-shot accuracy of a vision-language model."),
    "rce": Leaf("running.run:rce", "Train a selector by reward-weighted imitation (RCE)."),
    "grpo": Leaf("running.run:grpo", "Train a selector by group-relative policy optimisation, after RCE when asked."),
    "generate": Leaf("running.run:generate", "Make RL data: propose demonstrations, let the model answer, score."),
    "embed": Leaf("running.run:embed", "Embed queries and candidates of a data set."),
    "from-script": Leaf("running.scripts:from_script", "Say how a published shell script is expressed here."),
}
SWEEP: dict[str, Leaf] = {
    "eval": Leaf("running.sweep:evaluate", "Evaluate every combination of settings."),
    "rce": Leaf("running.sweep:rce", "Train by RCE with every combination of settings."),
    "grpo": Leaf("running.sweep:grpo", "Train by GRPO with every combination of settings."),
    "generate": Leaf("running.sweep:generate", "Make RL data with every combination of settings."),
    "list": Leaf("running.sweep:list_sweeps", "List sweeps."),
    "show": Leaf("running.sweep:show_sweep", "Show the runs of a sweep."),
    "best": Leaf("running.sweep:best", "Say which settings are best, and what choosing adds by chance."),
    "stop": Leaf("running.sweep:stop_sweep", "Stop all runs of a sweep."),
    "resume": Leaf("running.sweep:resume_sweep", "Queue what a sweep lacks."),
}
QUEUED: dict[str, Leaf] = {
    "list": Leaf("running.queue:show_queue", "List what runs and what waits, and for what."),
    "move": Leaf("running.queue:move", "Move a waiting run to another place."),
    "pause": Leaf("running.queue:pause", "Hold waiting runs back."),
    "resume": Leaf("running.queue:unpause", "Let paused runs wait for a device again."),
    "cancel": Leaf("running.queue:cancel", "Take runs out of the queue."),
}
TRASH: dict[str, Leaf] = {
    "list": Leaf("home.keeping:trash_list", "List deleted runs and what they hold on disk."),
    "restore": Leaf("home.keeping:trash_restore", "Bring deleted runs back."),
    "empty": Leaf("home.keeping:trash_empty", "Erase deleted runs for ever."),
}
DATA: dict[str, Leaf] = {
    "add": Leaf("files.data:add", "Register a data set, RL data, embeddings or a cache by reference."),
    "list": Leaf("files.data:list_data", "List what is registered."),
    "show": Leaf("files.data:show", "Show one registered file."),
    "forget": Leaf("files.data:forget", "Take a file out of the list; the file stays."),
    "health": Leaf("files.data:health", "Say what RL data can teach: rates, groups, methods, findings."),
    "derive": Leaf("files.data_make:derive", "Filter or repair RL data into a new file with its lineage."),
    "export": Leaf("files.data_make:export", "Write RL data in another format: R2, R3, JSON lines, Parquet."),
}
DEMO: dict[str, Leaf] = {
    "load": Leaf("home.demo_load:load", "Fill a home with twelve small runs and one that still runs (two minutes)."),
    "circle": Leaf("running.circle:circle", "Make RL data, train a selector, hold it against its controls (minutes)."),
    "build": Leaf("home.demo:build", "Train the built-in model again (minutes on two cores)."),
}

TREE: Tree = {
    "tui": Leaf("home.tui:tui", "Open the terminal program.", START),
    "run": Branch("Start a job: eval, rce, grpo, generate, embed.", "leverplus run eval --shot 1 --shot 2", RUN, START),
    "sweep": Branch(
        "Runs over every combination of settings.",
        "leverplus sweep eval --set retriever=random,t2t --seeds 3",
        SWEEP,
        QUEUE,
    ),
    "queue": Branch("Runs that wait for a device.", "leverplus queue", QUEUED, QUEUE, default="list"),
    "pause": Leaf("running.queue:pause", "Hold waiting runs back.", QUEUE),
    "unpause": Leaf("running.queue:unpause", "Let paused runs wait for a device again.", QUEUE),
    "nodes": Leaf("running.nodes:nodes", "List the nodes of a Ray cluster.", QUEUE),
    "priority": Leaf("running.queue:priority", "Let a waiting run start earlier or later.", QUEUE),
    "bench": Leaf("running.bench:bench", "Measure how fast a model answers here, and how long a job takes.", START),
    "init": Leaf("home.init:init", "Make a project home in this folder.", START),
    "runs": Leaf("results.runs:runs", "List runs with their accuracies.", LOOK),
    "show": Leaf("results.show:show", "Show one run.", LOOK),
    "logs": Leaf("running.logs:logs", "Print or follow a run's log.", LOOK),
    "compare": Leaf("results.compare:compare", "Compare runs question by question.", LOOK),
    "ask": Leaf("running.ask:ask", "Ask a question of an evaluation again, with other demonstrations or words.", LOOK),
    "report": Leaf("results.report:report", "Write a report of runs.", LOOK),
    "export": Leaf("results.export:export", "Write answers or figures for other programs.", LOOK),
    "publish": Leaf("results.publish:publish", "Publish runs to a tracker, or as a folder for the hub.", LOOK),
    "stop": Leaf("running.jobs:stop", "Stop jobs; what is done stays stored.", KEEP),
    "resume": Leaf("running.jobs:resume", "Go on with a stopped, failed or lost run.", KEEP),
    "rerun": Leaf("running.jobs:rerun", "Repeat a run as a new run.", KEEP),
    "tag": Leaf("results.tags:tag", "Tag a run.", KEEP),
    "rename": Leaf("results.tags:rename", "Give a run another name.", KEEP),
    "note": Leaf("results.tags:note", "Write or read a note about a run.", KEEP),
    "delete": Leaf("results.tags:delete", "Put runs into the trash.", KEEP),
    "trash": Branch("Deleted runs.", "leverplus trash", TRASH, KEEP, default="list"),
    "gc": Leaf("home.keeping:gc", "Say what lies on the disk, and delete what nobody needs.", KEEP),
    "backup": Leaf("home.keeping:backup", "Write the home into one file, also while jobs write.", KEEP),
    "restore": Leaf("home.keeping:restore", "Put a backup in the home's place, and keep the home.", KEEP),
    "fsck": Leaf("home.keeping:fsck", "Check files, figures and states, and mend them.", KEEP),
    "data": Branch("Register and examine data files.", "leverplus data add rl_data.json", DATA, FILES),
    "doctor": Leaf("files.doctor:doctor", "Say what is wrong with files and runs.", FILES),
    "convert": Leaf("files.convert:convert", "Convert a selector checkpoint between layouts.", FILES),
    "import": Leaf("results.imports:import_files", "Import published accuracies and predictions.", FILES),
    "demo": Branch("The built-in world.", "leverplus demo circle", DEMO, FILES),
}


class Program(RootGroup):
    """The `leverplus` command."""

    tree = TREE

    def without_options(self, words: Sequence[str]) -> Callable[[], object] | None:
        """The terminal program of a home: Typer reads options by pydantic, a sixth of the time until the first frame."""
        match words:
            case ["tui"]:
                home = None
            case ["--home", folder, "tui"] | ["tui", "--home", folder]:
                home = Path(folder)
            case _:
                return None
        from leverplus_tui.commands.home.tui import tui

        return partial(tui, home=home)


app = typer.Typer(cls=Program, rich_markup_mode=None, pretty_exceptions_enable=False, no_args_is_help=True)


def _version(asked: bool) -> None:
    if asked:
        from importlib import metadata  # half of what `--help` costs

        typer.echo(f"leverplus {metadata.version('leverplus')}")
        raise typer.Exit


@app.callback(epilog=printed(EXAMPLE))
def program(
    context: typer.Context,
    home: Annotated[
        Path | None, typer.Option(help="Folder of the runs; else LEVERPLUS_HOME, else the nearest .leverplus/.")
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Manage experiments on in-context demonstrations for vision-language models, in the terminal."""
    context.obj = home


if __name__ == "__main__":
    app()
