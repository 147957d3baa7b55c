"""`leverplus demo load`: a home in which every page of the terminal program has something to show."""

from __future__ import annotations

import time
from collections.abc import Sequence

from db import store
from db.home import Home, resolve_home
from db.session import DatabaseFile, open_database, reading, writing
from db.specs import EvalSpec, GenerateSpec, JobSpec, TrainSpec, UserError
from engine.demo import recipe
from leverplus_tui.commands.options import HomeOption
from leverplus_tui.jobs import launcher, preflight
from leverplus_tui.jobs.follow import follow
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.text.output import put, say
from leverplus_tui.text.times import duration

TAG = "demo"
Named = tuple[str, JobSpec]


def made() -> tuple[Named, ...]:
    """RL data and embeddings."""
    data = GenerateSpec(queries=40, shots=2, selector="builtin")
    return ("RL data", data), ("embeddings", recipe.embeddings())


def trainings(data: str, embeddings: str) -> tuple[Named, ...]:
    """One training of each kind on what two runs wrote."""
    rce = recipe.selector_b(data, embeddings, 42, rce_epochs=10)
    grpo = TrainSpec(kind="grpo", rl_data=data, embeddings=embeddings, rce_epochs=5, grpo_epochs=10)
    return ("RCE", rce), ("GRPO", grpo)


def evaluations() -> tuple[Named, ...]:
    """The built-in selector and its controls on the same 40 questions, one of them with a second seed."""
    ways = {name: {"retriever": name} for name in ("random", "fixed", "t2t", "i2i")}
    ways |= {name: {"retriever": name, "selector": "builtin"} for name in ("qi2qi", "untrained", "selector")}
    found = [(name, EvalSpec.model_validate({"shots": (1, 2), "limit": 40, **way})) for name, way in ways.items()]
    return *found, ("random, seed 43", EvalSpec(shots=(1, 2), limit=40, retriever="random", seed=43))


def running() -> Named:
    """RL data for a thousand questions, which takes minutes: it still runs when everything else is there."""
    return "still running", recipe.one_shot_data(7)


def load(home: HomeOption = None) -> None:
    """Fill a home with twelve small runs of the built-in world, and start one more, so that every page has something to show.

    Real runs with small limits: RL data, embeddings, two trainings, and the built-in selector with its controls on 40
    questions. Synthetic throughout, and too small to conclude anything from.

    Example:
    leverplus demo load --home ./demo
    leverplus tui --home ./demo
    """
    place = resolve_home(home)
    database = open_database(place.database)
    with reading(database) as session:
        known = store.run_ids(session, where=f"tag:{TAG}")
    if known:
        raise UserError(
            f"{place.root} holds runs with the tag {TAG} already, such as r{known[0]}: `--home FOLDER` fills another home"
        )
    began = time.monotonic()
    data, embeddings = _finished(place, database, made())
    _finished(place, database, trainings(f"r{data}", f"r{embeddings}"))
    _finished(place, database, evaluations())
    name, spec = running()
    last = _start(place, database, name, spec)
    say(
        f"twelve runs in {duration(time.monotonic() - began)}, synthetic; r{last} still runs: `leverplus stop r{last}` ends it"
    )
    put(f"leverplus tui --home {place.root}")


def _finished(place: Home, database: DatabaseFile, jobs: Sequence[Named]) -> list[int]:
    """Run them, two at a time. Returns their numbers. Raises UserError for one that does not end well."""
    found: list[int] = []
    for first in range(0, len(jobs), 2):
        started = {_start(place, database, name, spec): name for name, spec in jobs[first : first + 2]}
        for run_id, name in started.items():
            follow(database, run_id, quiet=True)
            with reading(database) as session:
                state = store.get_run(session, run_id=run_id).state
            say(f"  r{run_id} {name}: {state}")
            if state != "done":
                raise UserError(f"r{run_id} ({name}) is {state}: `leverplus logs r{run_id}` says why")
        found += started
    return found


def _start(place: Home, database: DatabaseFile, name: str, spec: JobSpec) -> int:
    spec = resolved(spec, place)
    checked = preflight.check(spec, place, quiet=True)
    if checked.blocked:
        raise UserError(f"preflight blocks '{name}': {'; '.join(one.message for one in checked.stored())}")
    run_id = launcher.launch(place, spec, name=f"demo: {name}", findings=checked.stored())
    with writing(database) as session:
        store.tag(session, run_id=run_id, tags=[TAG])
    return run_id
