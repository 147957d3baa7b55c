"""`leverplus bench`."""

from __future__ import annotations

from typing import Annotated

import typer

from db.home import resolve_home
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.commands.run_program import run_program
from leverplus_tui.jobs.estimate import estimated
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.programs import Program
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.text.output import say

SHOTS = ["1", "2", "3", "4"]


def bench(
    vlm: Annotated[str | None, typer.Option(help="Model, as in `run eval`. [builtin]")] = None,
    dataset: Annotated[str | None, typer.Option(help="Data set whose questions are asked. [builtin]")] = None,
    device: Annotated[str | None, typer.Option(help="Where to compute, as in `run eval`. [auto]")] = None,
    dtype: Annotated[str | None, typer.Option(help="Precision, as in `run eval`. [auto]")] = None,
    shot: Annotated[
        list[str] | None, typer.Option(metavar="N", help="Shot counts of the job that is estimated. [1 to 4]")
    ] = None,
    limit: Annotated[str | None, typer.Option(help="Questions of the job that is estimated. [all]")] = None,
    questions: Annotated[int, typer.Option(min=1, max=4096, help="Questions to measure with.")] = 32,
    assignments: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Any field of an evaluation, such as decode.num_beams=1."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Measure how fast a model answers on this machine, through both engines, and say how long a job will take.

    What is measured is remembered for model, device and precision: later launches show an estimate without measuring again.

    Example:
    leverplus bench
    leverplus bench --vlm Qwen/Qwen2.5-VL-3B-Instruct --dataset ./okvqa --shot 1 --shot 2 --shot 3 --shot 4
    """
    place = resolve_home(home)
    flags = {"vlm": vlm, "dataset": dataset, "device": device, "dtype": dtype, "shots": shot or SHOTS, "limit": limit}
    spec = resolved(build_spec("eval", flags, None, assignments or ()), place)
    words = ["--home", str(place.root), "--spec", spec.model_dump_json(), "--questions", str(questions)]
    run_program(Program.BENCH, *words, *(["--json"] if as_json else []))
    say(f"a job: {estimated(spec, place)}")
