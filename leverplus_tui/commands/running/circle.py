"""`leverplus demo circle`: from RL data to a trained selector, held against its controls on held-out questions."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from db import store
from db.home import Home, resolve_home
from db.session import open_database, reading, writing
from db.specs import EvalSpec
from engine.demo import recipe
from engine.doctor.examine import examine
from leverplus_tui.commands.options import HomeOption
from leverplus_tui.commands.running.run import Begun, begin
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.queue.submit import Entry, Wish, submit
from leverplus_tui.results.comparison import compare
from leverplus_tui.results.comparison_text import accuracies, differences
from leverplus_tui.text.numbers import share
from leverplus_tui.text.output import finding_lines, put, say, table
from leverplus_tui.text.words import fact

SHOTS = (1, 2)
CONTROLS = ("random", "fixed", "t2t", "i2i")
OF_THE_SELECTOR = ("qi2qi", "mmices", "untrained")
"""Controls that choose with its embeddings, and with its recipe before training."""


def circle(
    queries: Annotated[
        int, typer.Option("--queries", min=20, help="Train questions that RL data are made for.")
    ] = recipe.QUERIES,
    seed: Annotated[int, typer.Option("--seed", help="Seed of every step.")] = 42,
    queued: Annotated[
        bool, typer.Option("--queue", help="Queue the steps, each behind what it needs, and return.")
    ] = False,
    home: HomeOption = None,
) -> None:
    """Make RL data on the built-in world, train a selector on them, and compare it with its controls, in minutes on two cores.

    Five steps: generate, health, train (for one demonstration, then for two), evaluate on the held-out questions, compare.
    Synthetic throughout.

    Example:
    leverplus demo circle
    leverplus demo circle --queue
    """
    place = resolve_home(home)
    if queued:
        _queue(place, queries, seed)
        return
    data, embeddings = _make(place, queries, seed)
    selector = _train(place, data, embeddings, queries, seed)
    controls = [_evaluate(place, name, seed) for name in CONTROLS]
    controls += [_evaluate(place, name, seed, f"r{selector}") for name in OF_THE_SELECTOR]
    _step(5, "compare: the selector against each control, question by question")
    _compare(place, controls, _evaluate(place, "selector", seed, f"r{selector}"))


def _queue(place: Home, queries: int, seed: int) -> None:
    """The same steps as runs that wait for each other; the evaluations are a sweep."""

    def queue(spec: Any, name: str) -> int:
        waits: set[int] = set()
        entry = Entry(resolved(spec, place, waits), f"circle: {name}", waits=frozenset(waits))
        return submit(place, [entry], Wish())[0]

    data = queue(recipe.one_shot_data(seed, queries=queries), "one-shot data")
    embeddings = queue(recipe.embeddings(), "embeddings")
    first = queue(recipe.selector_a(f"r{data}", f"r{embeddings}", seed), "selector A")
    pairs = queue(recipe.two_shot_data(f"r{first}", seed, queries=queries), "two-shot data")
    selector = queue(recipe.selector_b(f"r{pairs}", f"r{embeddings}", seed), "selector B")
    runs = {queue(_evaluation(name, seed, ""), name): {"retriever": name} for name in CONTROLS}
    of_it = (*OF_THE_SELECTOR, "selector")
    runs |= {queue(_evaluation(name, seed, f"r{selector}"), name): {"retriever": name} for name in of_it}
    with writing(open_database(place.database)) as session:
        axes = {"retriever": [*CONTROLS, *of_it]}
        sweep = store.create_sweep(session, name="circle", kind="eval", axes=axes, members=runs)
    put(f"s{sweep}")
    say(f"queued: r{data} to r{selector}, then the evaluations; `leverplus queue` shows them,")
    say(f"`leverplus sweep show s{sweep}` and `leverplus sweep best s{sweep}` what comes of them")


def _step(number: int, text: str) -> None:
    say(f"\n[{number}/5] {text}")


def _make(place: Home, queries: int, seed: int) -> tuple[int, int]:
    _step(1, f"generate: the model answers {queries} train questions, each behind one of 26 demonstrations")
    data = _run(place, recipe.one_shot_data(seed, queries=queries), "circle: one-shot data")
    _step(2, "health: what these data can teach")
    _health(place, data)
    return data, _run(place, recipe.embeddings(), "circle: embeddings")


def _train(place: Home, data: int, embeddings: int, queries: int, seed: int) -> int:
    _step(3, "train: a selector for one demonstration; it proposes pairs, from which a second one learns two")
    spec = recipe.selector_a(f"r{data}", f"r{embeddings}", seed)
    first = _run(place, resolved(spec, place), "circle: selector A")
    proposed = recipe.two_shot_data(f"r{first}", seed, queries=queries)
    pairs = _run(place, resolved(proposed, place), "circle: two-shot data")
    spec = recipe.selector_b(f"r{pairs}", f"r{embeddings}", seed)
    selector = _run(place, resolved(spec, place), "circle: selector B")
    _step(4, "evaluate: the selector and its controls on the 500 held-out questions")
    return selector


def _evaluate(place: Home, retriever: str, seed: int, selector: str = "") -> int:
    return _run(place, resolved(_evaluation(retriever, seed, selector), place), f"circle: {retriever}")


def _evaluation(retriever: str, seed: int, selector: str) -> EvalSpec:
    shots = (0, *SHOTS) if retriever == "random" else SHOTS
    return EvalSpec.model_validate({"retriever": retriever, "selector": selector, "shots": shots, "seed": seed})


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
