"""What a difference between two runs can be put down to: findings that stand beside a verdict and leave it as it is.

`confounded` says that runs differ in more than one thing, `recipes-differ` that their selectors were trained unlike,
`engine-differs` that their answers were computed unlike.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from db import store
from db.session import Session
from db.specs import EvalSpec, Finding, whole_spec
from db.specs.evaluate import COMPARED, SELECTING
from db.store import RunDetail
from engine.common.findings import info, warning
from engine.data.defaults import selector_file
from engine.doctor.preflight.selector import entry, manifest_at
from leverplus_tui.jobs.spec_options import flatten

THINGS: dict[str, tuple[str, ...]] = {
    "data": ("dataset", "split", "support", "lineage.dataset_sha", "lineage.support_sha"),
    "model": ("vlm", "served_model", "lineage.vlm_files_sha"),
    "prompt": ("prompt.",),
    "decoding": ("decode.",),
    "choice of demonstrations": ("retriever", "selector"),
    "order of demonstrations": ("most_similar_last", "order"),
    "pool": ("pool", "pool_size", "exclude_same_image"),
    "encoder": ("encoder",),
    "engine": ("engine", "prefill", "lineage.vlm_engine", "lineage.vlm_dtype"),
}
"""What a comparison can be about -> the settings and facts that make it up; a name with a dot at its end is a group."""
NOT_RECIPE = ("seed", "device")
"""Settings of a training that make no other recipe of it."""
PUBLISHED_THINGS: dict[str, tuple[str, ...]] = {
    "model": ("vlm",),
    "sampler": ("sampler",),
    "method": ("label", "selector"),
}
"""The same of published figures, as far as they are told."""
OF_NEIGHBOURS = {"order of demonstrations", "encoder"}
"""Things that matter only to retrievers that rank by likeness; a selector has an encoder of its own."""
TOGETHER = (("rl_data", "embeddings", "query_embeddings"), ("kind", "init", "rce_epochs", "grpo_epochs"))
"""Settings of a training that change together: other data come with other embeddings, another phase with its epochs."""


@dataclass(frozen=True)
class Made:
    """What decides a run's answers: its settings and facts, flat, and the recipe that trained its selector."""

    kind: str
    values: Mapping[str, Any]
    recipe: Mapping[str, Any]
    """Empty where no selector chose, or nothing tells how it was trained."""


def made(session: Session, detail: RunDetail) -> Made:
    """What decided the answers of a run."""
    facts = {f"lineage.{name}": value for name, value in flatten(detail.facts)}
    values = dict(flatten(detail.settings)) | facts | {"retriever": detail.facts.get("retriever", detail.row.retriever)}
    if values.get("pool") == "all":
        values["pool_size"] = None  # it has none
    if values.get("lineage.vlm_dtype") == "float32":
        values.pop("lineage.vlm_engine", None)  # either engine gives the same answers
    chooses = values["retriever"] == "selector"
    return Made(detail.row.kind, values, dict(flatten(training_recipe(session, detail))) if chooses else {})


def training_recipe(session: Session, detail: RunDetail) -> dict[str, Any]:
    """The specification that trained a run's selector: of the run that wrote it, else as its manifest tells; or empty."""
    path = str(detail.facts.get("selector") or detail.spec.get("selector") or "")
    if not path:
        return {}
    known = store.specs_of(session, run_ids=store.runs_that_wrote(session, path=path))
    if known:
        return next(iter(known.values()))
    file = selector_file(EvalSpec(selector=path))
    return whole_spec(entry(manifest_at(file), "lineage", "spec")) if file is not None and file.is_file() else {}


def differing(a: Made, b: Made, *, shown: bool = True) -> dict[str, list[str]]:
    """Thing -> the settings of it that are not the same in two evaluations; a selector's recipe counts by its settings.

    `shown` is false where no demonstrations are: what chooses them then differs in vain.
    """
    if {a.kind, b.kind} == {"import"}:
        told = {thing: _unlike(a.values, b.values, names) for thing, names in PUBLISHED_THINGS.items()}
        return {thing: names for thing, names in told.items() if names}
    if {a.kind, b.kind} != {"eval"}:
        return {}
    retrievers = {a.values.get("retriever"), b.values.get("retriever")}
    idle = set() if shown else {"choice of demonstrations", "pool", *OF_NEIGHBOURS}
    if not retrievers <= COMPARED.keys() - SELECTING:
        idle |= OF_NEIGHBOURS
    found = {thing: _unlike(a.values, b.values, names) for thing, names in THINGS.items() if thing not in idle}
    if shown and retrievers == {"selector"}:
        for name in recipe_differences(a, b):
            found[f"training of the selector ({name})"] = [name]
            found.pop("choice of demonstrations", None)
    return {thing: names for thing, names in found.items() if names}


def recipe_differences(a: Made, b: Made) -> list[str]:
    """Settings in which the trainings of two selectors differ; those that change together count as one."""
    if not (a.recipe and b.recipe):
        return []
    names = [name for name in dict.fromkeys([*a.recipe, *b.recipe]) if name not in NOT_RECIPE]
    unlike = [name for name in names if a.recipe.get(name) != b.recipe.get(name)]
    again = {name for group in TOGETHER for name in [one for one in unlike if one in group][1:]}
    return [name for name in unlike if name not in again]


def about(first: str, second: str, a: Made, b: Made, *, shown: bool = True) -> list[Finding]:
    """What stands beside the verdict on run `second` against run `first`; nothing where they differ in one thing."""
    recipes = _recipes(first, second, a, b) if shown else []
    return [*_confounded(first, second, a, b, shown), *recipes, *_engines(first, second, a, b)]


def _confounded(first: str, second: str, a: Made, b: Made, shown: bool) -> list[Finding]:
    things = differing(a, b, shown=shown)
    if len(things) < 2:
        return []
    told = "; ".join(_told(thing, names, a, b) for thing, names in things.items())
    text = (
        f"{second} and {first} differ in {len(things)} things, so that a difference cannot be put down to one: {told}."
    )
    fix = f"Repeat one of them with only one thing changed: `leverplus rerun {first}` with the other's value of it."
    return [warning("confounded", f"{second} against {first}", text, fix)]


def _recipes(first: str, second: str, a: Made, b: Made) -> list[Finding]:
    names = recipe_differences(a, b)
    if len(names) < 2:
        return []
    told = "; ".join(f"{name} {_short(a.recipe.get(name))}, {_short(b.recipe.get(name))}" for name in names[:8])
    more = f", and {len(names) - 8} more" if len(names) > 8 else ""
    text = f"The selectors of {first} and {second} were trained by recipes that differ in {len(names)} settings: {told}{more}."
    fix = "Train the two with one recipe but for the setting that you study, and with several seeds."
    return [warning("recipes-differ", f"{second} against {first}", text, fix)]


def _engines(first: str, second: str, a: Made, b: Made) -> list[Finding]:
    names = [
        name for name in _unlike(a.values, b.values, THINGS["engine"]) if name != "engine"
    ]  # which may be left open
    if not names or {a.kind, b.kind} != {"eval"}:
        return []
    told = _told("engine", names, a, b).removeprefix("engine ")
    text = f"The answers of {first} and {second} were computed unlike {told}: some may differ by rounding alone."
    return [info("engine-differs", f"{second} against {first}", text, "Repeat one of them as the other was computed.")]


def _unlike(a: Mapping[str, Any], b: Mapping[str, Any], names: Sequence[str]) -> list[str]:
    groups = tuple(name for name in names if name.endswith("."))
    asked = [name for name in dict.fromkeys([*a, *b]) if name in names or (groups and name.startswith(groups))]
    facts = [name for name in asked if name.startswith("lineage.")]
    # A fact that only one run states is of another version, and says nothing of a difference.
    known = [name for name in asked if name not in facts or (name in a and name in b)]
    return [name for name in known if a.get(name) != b.get(name)]


def _told(thing: str, names: Sequence[str], a: Made, b: Made) -> str:
    values = [f"{name.removeprefix('lineage.')} {_value(name, a)}, {_value(name, b)}" for name in names]
    return f"{thing} ({'; '.join(values)})"


def _value(name: str, run: Made) -> str:
    return _short(run.values[name] if name in run.values else run.recipe.get(name))


def _short(value: Any) -> str:
    text = " ".join(str("-" if value in (None, "") else value).split())
    return text if len(text) <= 32 else f"{text[:14]}…{text[-14:]}"
