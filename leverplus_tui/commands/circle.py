"""`leverplus demo circle`: from RL data to a trained selector, held against its controls on held-out questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from db import store
from db.home import Home, resolve_home
from db.session import open_database, reading
from db.specs import EmbedSpec, EvalSpec, GenerateSpec, TrainSpec
from engine.doctor.examine import examine
from leverplus_tui.commands.options import HomeOption
from leverplus_tui.commands.run import Begun, begin
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.results.comparison import compare
from leverplus_tui.results.comparison_text import accuracies, differences
from leverplus_tui.text.numbers import share
from leverplus_tui.text.output import finding_lines, put, say, table
from leverplus_tui.text.words import fact

SHOTS = (1, 2)
CONTROLS = ("random", "fixed", "t2t", "i2i")
OF_THE_SELECTOR = ("qi2qi", "untrained")
"""Controls that choose with its embeddings, and with its recipe before training."""
TRAINING = {
    "variant": "v4_2", "hidden_dim": 128, "dropout": 0.2, "rce_epochs": 30, "rce_lr": 2e-3, "schedule": "cosine",
    "temperature_start": 1.0, "temperature_end": 0.2, "grpo_epochs": 10, "grpo_lr": 1e-4,
}  # fmt: skip
"""Settings that fit a few hundred queries of narrow features; everything else is at its default."""


def circle(
    queries: Annotated[int, typer.Option("--queries", min=20, help="Train questions that RL data are made for.")] = 400,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every step.")] = 42,
    home: HomeOption = None,
) -> None:
    """Make RL data on the built-in world, train a selector on them, and compare it with its controls, in minutes on two cores.

    Five steps: generate, health, train (RCE, then GRPO), evaluate on the held-out questions, compare. Synthetic throughout.

    Example:
    leverplus demo circle
    """
    place = resolve_home(home)
    made = _make(place, queries, seed)
    selector = _train(place, made, seed)
    controls = [_evaluate(place, name, seed) for name in CONTROLS]
    controls += [_evaluate(place, name, seed, f"r{selector}") for name in OF_THE_SELECTOR]
    _step(5, "compare: the selector against each control, question by question")
    _compare(place, controls, _evaluate(place, "selector", seed, f"r{selector}"))


def _step(number: int, text: str) -> None:
    say(f"\n[{number}/5] {text}")


def _make(place: Home, queries: int, seed: int) -> tuple[int, int]:
    _step(1, f"generate: the model answers {queries} train questions behind different demonstrations")
    data = _run(place, GenerateSpec(queries=queries, seed=seed), "circle: RL data")
    _step(2, "health: what these data can teach")
    _health(place, data)
    return data, _run(place, EmbedSpec(standardize=True), "circle: embeddings")


def _train(place: Home, made: tuple[int, int], seed: int) -> int:
    _step(3, "train: a selector by RCE, then by GRPO")
    data, embeddings = made
    spec = TrainSpec.model_validate(
        TRAINING | {"kind": "grpo", "rl_data": f"r{data}", "embeddings": f"r{embeddings}", "seed": seed}
    )
    selector = _run(place, resolved(spec, place), "circle: selector")
    _step(4, "evaluate: the selector and its controls on the 500 held-out questions")
    return selector


def _evaluate(place: Home, retriever: str, seed: int, selector: str = "") -> int:
    shots = (0, *SHOTS) if retriever == "random" else SHOTS
    spec = EvalSpec.model_validate({"retriever": retriever, "selector": selector, "shots": shots, "seed": seed})
    return _run(place, resolved(spec, place), f"circle: {retriever}")


def _run(place: Home, spec: object, name: str) -> int:
    return begin(place, spec, Begun(name=name), follows=True)


def _health(place: Home, run: int) -> None:
    with reading(open_database(place.database)) as session:
        (artifact,) = store.artifacts(session, run_id=run)
    report = examine(Path(artifact.path))
    for name in ("queries", "candidates", "positive_rate", "signal_rate", "predicted_advantage_std", "groups"):
        value, interval = report.facts[name], report.facts["intervals"].get(name)
        put(f"  {name.replace('_', ' ').ljust(24)}{share(value, interval) if interval else fact(value)}")
    for line in finding_lines(report.findings) or ["nothing is wrong with them"]:
        put(f"  {line}")


def _compare(place: Home, controls: list[int], selector: int) -> None:
    with reading(open_database(place.database)) as session:
        found = compare(session, [*controls, selector], planned=selector)
    names = {run.id: run.name.removeprefix("circle: ") for run in found.runs}
    put("\n" + ", ".join(f"{run} {name}" for run, name in names.items()) + "  (synthetic)")
    put("\n" + accuracies(found, table))
    put("\n" + differences(found, table))
    say(f"\nnext: leverplus tui --compare {','.join(names)}")
