"""What is known of a field's values, with what each is: registered data, what runs wrote, models of this machine, variants."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from db import store
from db.run_states import ACTIVE
from db.session import DatabaseFile, reading
from db.specs import SPEC_OF_KIND
from db.specs.evaluate import WITHOUT_MODEL
from db.specs.selector import PUBLISHED, SelectorParts
from db.store import DataRow, RunDetail, RunRow
from engine.common.models.model_files import cached_models
from engine.demo.shipped import BUILTIN, WORLDS
from leverplus_tui.jobs.named_paths import FIELDS, WRITTEN
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, number
from leverplus_tui.text.times import age
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.launch.places import places
from leverplus_tui.tui.widgets.picking.offers import Entry
from leverplus_tui.tui.widgets.spec_fields import THEN, WAITING, Field

NEWEST = 200
"""Runs that are looked at."""
LOOKED_INTO = 40
"""Runs whose files are looked for."""
RETRIEVERS = {
    "auto": "a selector if one is given or built in, else random",
    "zero-shot": "no demonstrations",
    "random": "drawn from the pool by seed and question",
    "fixed": "the same for every question",
    "coreset": "few that cover the pool, the same for every question",
    "t2t": "nearest questions",
    "i2t": "questions nearest to the image",
    "i2i": "nearest images",
    "qi2qi": "nearest images and questions together",
    "mmices": "of the nearest questions those with the nearest images",
    "mmr": "near the question and unlike each other",
    "untrained": "a selector's recipe with new weights",
    "selector": "what a trained selector points at",
}
WORDS = {
    "copy-nearest": "no model: the answer of the demonstration next to the question",
    "majority": "no model: the most frequent answer shown",
}
DATA = {"dataset": "dataset", "support": "dataset", "rl_data": "rl-data", "selector": "checkpoint", "init": "checkpoint",
        "embeddings": "embeddings", "query_embeddings": "embeddings"}  # fmt: skip
"""Field -> the kind of registered file that it takes."""
ENCODERS = ("clip", "siglip", "siglip2", "bert", "xlm-roberta", "mpnet", "distilbert", "roberta", "modernbert")
"""Types of models that embed and answer nothing."""
AFTERWARDS = {
    "eval": "measure the selector that was trained",
    "rce": "train on the RL data or embeddings, or from the checkpoint",
    "grpo": "train on the RL data or embeddings, or from the checkpoint",
    "generate": "make RL data with the selector that was trained",
    "embed": "embed the questions of a data set",
}
"""What may come after a run, on what it wrote."""
KINDS = {"selector": "kind:rce,grpo", "init": "kind:rce,grpo", "rl_data": "kind:generate", "embeddings": "kind:embed",
         "query_embeddings": "kind:embed"}  # fmt: skip
"""Field -> the runs that write what it takes."""


def entries(file: DatabaseFile, field: Field) -> tuple[Entry, ...]:
    """What can be put into a field beside what people make up; called in a thread."""
    if field.choices:
        return tuple(
            Entry(choice, RETRIEVERS.get(choice, "") if field.path == "retriever" else "") for choice in field.choices
        )
    if field.path == "variant":
        return tuple(Entry(name, _parts(parts)) for name, parts in PUBLISHED.items())
    if field.path not in (*FIELDS, *WAITING):
        return ()
    found = [*_waiting(file, field.path), *_shipped(field.path), *_stored(file, field.path), *_models(field.path)]
    first: dict[str, Entry] = {}
    for entry in found:
        first.setdefault(entry.value, entry)
    return tuple(first.values())


def _parts(parts: SelectorParts) -> str:
    """What it is made of."""
    told = [f"{parts.state_update} state", f"{parts.scorer} scorer"]
    told += [f"{parts.diversity} diversity"] if parts.diversity != "none" else []
    told += ["towers"] if parts.projection == "towers" else []
    told += ["attention among candidates"] if parts.candidate_layers else []
    return ", ".join([*told, *(["may stop early"] if parts.stop else [])])


def _shipped(path: str) -> Iterator[Entry]:
    if path in ("dataset", "support"):
        for name in WORLDS:
            yield Entry(
                name,
                shown("the built-in world, synthetic") if name == BUILTIN else shown("the built-in world before 0.3"),
            )
    elif path == "vlm":
        yield Entry(BUILTIN, shown("the built-in tiny model"))
        yield from (Entry(name, WORDS.get(name, shown("no model"))) for name in sorted(WITHOUT_MODEL))
    elif path == "encoder":
        yield Entry("vlm", shown("the model that is evaluated"))
    elif path in ("selector", "rl_data", "embeddings", "init"):
        yield Entry(BUILTIN, "made with the built-in model")


def _models(path: str) -> Iterator[Entry]:
    """Models of the local hub cache, by whether they answer or embed."""
    if path not in ("vlm", "encoder"):
        return
    for name, kind in cached_models():
        if (kind.split("_")[0] in ENCODERS) == (path == "encoder"):
            yield Entry(name, shown(f"{kind or 'model'}, on this machine"))


def _stored(file: DatabaseFile, path: str) -> Iterator[Entry]:
    kind = DATA.get(path)
    with reading(file) as session:
        if kind is not None:
            yield from (_file(row) for row in store.list_data(session, kind=kind) if row.missing is None)
        if path in KINDS:
            rows = store.list_runs(session, where=KINDS[path], limit=LOOKED_INTO)
            details = [store.run_detail(session, run_id=row.id) for row in rows]
            yield from (Entry(one.row.ref, _made(one, path)) for one in details if WRITTEN[path](one) is not None)
            yield from (Entry(row.ref, _unfinished(row)) for row in rows if row.state in ACTIVE)
        elif path in ("dataset", "support", "vlm"):
            yield from _used(store.list_runs(session, where="kind:eval,generate,embed", limit=NEWEST), path)


def _unfinished(row: RunRow) -> str:
    return f"{clean(row.name)}, {row.state}: queue waits for it"


def _waiting(file: DatabaseFile, path: str) -> Iterator[Entry]:
    """Runs to wait for, kinds of job that come after one, and places to run it."""
    if path == "on":
        yield from places(file)
    elif path == THEN:
        yield from (Entry(kind, AFTERWARDS[kind]) for kind in SPEC_OF_KIND)
    elif path == "after":
        with reading(file) as session:
            rows = store.list_runs(session, where=f"state:{','.join(ACTIVE)}", limit=NEWEST)
        yield from (Entry(row.ref, f"{clean(row.name)}, {row.kind}, {row.state}") for row in rows)


def _file(row: DataRow) -> Entry:
    counts = [
        f"{count(value)} {name}"
        for name, value in row.facts.items()
        if isinstance(value, int) and not isinstance(value, bool)
    ]
    return Entry(row.name, ", ".join([*counts[:2], clean(row.path)]))


def _made(detail: RunDetail, path: str) -> str:
    """A run and its recipe: `demo: GRPO, v3, 2 shots, 10+5 epochs, greedy reward 1.40, 3m ago`."""
    spec, facts, parts = detail.spec, dict(flatten(detail.facts)), [clean(detail.row.name)]
    if path in ("selector", "init"):
        shots = facts.get("sizes.shots")
        parts += [str(spec.get("variant", "")), *([f"{shots} shots"] if shots else [])]
        parts += [f"{spec.get('rce_epochs')}+{spec.get('grpo_epochs')} epochs", *_best(detail)]
    elif path == "rl_data":
        candidates = facts.get("rl_data.candidates") or facts.get("candidates")
        parts += [f"{count(candidates)} candidates"] if isinstance(candidates, int) else []
        parts += [f"{spec.get('queries') or 'all'} queries of {spec.get('dataset')}"]
    else:
        parts += [f"{spec.get('dataset')} by {spec.get('encoder')}"]
    return ", ".join([*parts, age(detail.row.ended or detail.row.created)])


def _best(detail: RunDetail) -> list[str]:
    rewards = [
        one.metrics["greedy_reward"] for one in detail.checkpoints if one.is_best and "greedy_reward" in one.metrics
    ]
    return [f"greedy reward {number(rewards[-1])}"] if rewards else []


def _used(rows: Sequence[RunRow], path: str) -> Iterator[Entry]:
    """What runs were about, the newest first."""
    for row in rows:
        value = row.vlm if path == "vlm" else row.dataset
        if value:
            yield Entry(value, shown(f"used by {row.ref}, {age(row.created)}"))
