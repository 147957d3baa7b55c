"""The program's commands: names and one line of help each. What a command needs is imported when it is called."""

from __future__ import annotations

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
START, LOOK, KEEP, FILES = "Start", "Look", "Keep", "Files"

RUN: dict[str, Leaf] = {
    "eval": Leaf("run:evaluate", "Measure few-shot accuracy of a vision-language model."),
    "rce": Leaf("run:rce", "Train a selector by reward-weighted imitation (RCE)."),
    "grpo": Leaf("run:grpo", "Train a selector by group-relative policy optimisation, after RCE when asked."),
    "generate": Leaf("run:generate", "Make RL data: propose demonstrations, let the model answer, score."),
    "embed": Leaf("run:embed", "Embed queries and candidates of a data set."),
}
DATA: dict[str, Leaf] = {
    "add": Leaf("data:add", "Register a data set, RL data, embeddings or a cache by reference."),
    "list": Leaf("data:list_data", "List what is registered."),
    "show": Leaf("data:show", "Show one registered file."),
    "forget": Leaf("data:forget", "Take a file out of the list; the file stays."),
    "health": Leaf("data:health", "Say what RL data can teach: rates, groups, methods, findings."),
    "derive": Leaf("data_make:derive", "Filter or repair RL data into a new file with its lineage."),
    "export": Leaf("data_make:export", "Write RL data in another format: R2, R3, JSON lines, Parquet."),
}
DEMO: dict[str, Leaf] = {
    "circle": Leaf("circle:circle", "Make RL data, train a selector, hold it against its controls (minutes)."),
    "build": Leaf("demo:build", "Train the built-in model again (minutes on two cores)."),
}

TREE: Tree = {
    "tui": Leaf("tui:tui", "Open the terminal program.", START),
    "run": Branch("Start a job: eval, rce, grpo, generate, embed.", "leverplus run eval --shot 1 --shot 2", RUN, START),
    "bench": Leaf("bench:bench", "Measure how fast a model answers here, and how long a job takes.", START),
    "init": Leaf("init:init", "Make a project home in this folder.", START),
    "runs": Leaf("runs:runs", "List runs with their accuracies.", LOOK),
    "show": Leaf("show:show", "Show one run.", LOOK),
    "logs": Leaf("logs:logs", "Print or follow a run's log.", LOOK),
    "compare": Leaf("compare:compare", "Compare runs question by question.", LOOK),
    "report": Leaf("report:report", "Write a report of runs.", LOOK),
    "stop": Leaf("jobs:stop", "Stop jobs; what is done stays stored.", KEEP),
    "resume": Leaf("jobs:resume", "Go on with a stopped, failed or lost run.", KEEP),
    "rerun": Leaf("jobs:rerun", "Repeat a run as a new run.", KEEP),
    "tag": Leaf("tags:tag", "Tag a run.", KEEP),
    "rename": Leaf("tags:rename", "Give a run another name.", KEEP),
    "note": Leaf("tags:note", "Write or read a note about a run.", KEEP),
    "delete": Leaf("tags:delete", "Hide runs from all lists.", KEEP),
    "data": Branch("Register and examine data files.", "leverplus data add rl_data.json", DATA, FILES),
    "doctor": Leaf("doctor:doctor", "Say what is wrong with files and runs.", FILES),
    "convert": Leaf("convert:convert", "Convert a selector checkpoint between layouts.", FILES),
    "import": Leaf("imports:import_files", "Import published accuracies and predictions.", FILES),
    "demo": Branch("The built-in world.", "leverplus demo circle", DEMO, FILES),
}


class Program(RootGroup):
    """The `leverplus` command."""

    tree = TREE


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
