"""`leverplus sweep`: runs of one kind over every combination of some settings."""

from __future__ import annotations

import inspect
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from db import store
from db.home import Home, resolve_home
from db.session import DatabaseFile, open_database, reading
from db.store import SweepRow
from leverplus_tui.commands.database import open_home
from leverplus_tui.commands.options import DetachOption, ForceOption, HomeOption, JsonOption
from leverplus_tui.commands.queueing import QUEUE, wished
from leverplus_tui.commands.running.run import COMMANDS, parameter
from leverplus_tui.commands.running.run import COMMON as OF_RUN
from leverplus_tui.jobs.away import goes_on
from leverplus_tui.jobs.spec_options import options, plain
from leverplus_tui.queue import sweep as sweeping
from leverplus_tui.queue.grid import Grid, grid
from leverplus_tui.queue.submit import tend
from leverplus_tui.queue.sweep import counted, outlook, prepare, queue_sweep
from leverplus_tui.results.sweep_best import best_of_sweep
from leverplus_tui.text.numbers import accuracy, plural
from leverplus_tui.text.output import put, put_json, ring, say, table
from leverplus_tui.text.times import duration, moment

COMMON = {
    "spec_file": OF_RUN["spec_file"],
    "assignments": Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="FIELD=V1,V2",
            help="Values of a field: 1,2 or 1..5 or 0..1:5 or 1e-5..1e-3:3log; [1,2],[4] for a field that is a list. "
            "All combinations of repeated ones are run.",
        ),
    ],
    "seeds": Annotated[
        str | None, typer.Option("--seeds", metavar="N", help="Repeat each with so many seeds, or with these: 7,11.")
    ],
    "name": Annotated[str | None, typer.Option("--name", help="Name of the sweep.")],
    "detach": DetachOption,
    **{name: annotation for name, annotation in QUEUE.items() if name != "queue"},
    "dry_run": Annotated[bool, typer.Option("--dry-run", help="Say which runs it would be, and how long they take.")],
    "force": ForceOption,
    "as_json": JsonOption,
    "home": HomeOption,
}
TEND_EVERY_S = 2.0
"""How often a follower looks for dead jobs and a dead dispatcher."""
SWITCHES = ("detach", "dry_run", "force", "as_json")
SweepArgument = Annotated[str, typer.Argument(metavar="SWEEP", help="A sweep: s3, 3, or a name that only one has.")]
KINDS = {kind: function for function, (kind, _) in COMMANDS.items() if kind != "embed"}
EXAMPLES = {
    "eval": "leverplus sweep eval --set retriever=random,fixed,t2t --seeds 3 --shot 1 --shot 2",
    "rce": "leverplus sweep rce --data r1 --embeddings r2 --set rce_lr=1e-4..1e-2:3log --set dropout=0,0.1 --seeds 3",
    "grpo": "leverplus sweep grpo --data r1 --embeddings r2 --init r3 --set kl_beta=0.01,0.1 --seeds 3",
    "generate": "leverplus sweep generate --queries 200 --set temperatures=[1.0],[0.7,1.3]",
}


def __getattr__(name: str) -> Callable[..., None]:
    """`sweep eval` and its like, made when they are asked for."""
    kind = next((kind for kind, function in KINDS.items() if function == name), None)
    if kind is None:
        raise AttributeError(name)
    shown = options(kind)

    def command(**given: Any) -> None:
        common = {name: given.pop(name) for name in COMMON}
        _sweep(kind, given, **common)

    command.__signature__ = inspect.Signature(  # type: ignore[attr-defined]  # what Typer reads
        [parameter(option) for option in shown]
        + [
            inspect.Parameter(
                name,
                inspect.Parameter.KEYWORD_ONLY,
                default=False if name in SWITCHES else None,
                annotation=annotation,
            )
            for name, annotation in COMMON.items()
        ]
    )
    what = COMMANDS[KINDS[kind]][1].partition("\n")[0]
    command.__doc__ = f"""{what} Once for every combination of settings.

    The runs wait in the queue; this shows them until they have ended, and Ctrl-C leaves them alone.

    Example:
    {EXAMPLES[kind]}
    """
    return command


def _sweep(
    kind: str,
    flags: dict[str, Any],
    *,
    spec_file: Path | None,
    assignments: list[str] | None,
    seeds: str | None,
    name: str | None,
    detach: bool,
    dry_run: bool,
    force: bool,
    as_json: bool,
    home: Path | None,
    **queueing: Any,
) -> None:
    place = resolve_home(home)
    found = grid(kind, flags, spec_file, assignments or (), seeds)
    wish = wished(place, queueing | {"queue": True})
    assert wish is not None, "a sweep always queues"
    prepared = prepare(place, found, name or "", force=force, quiet=as_json, on=wish.runner)
    blocked = sum(one.forced for one in prepared.entries) if not force else 0
    for line in outlook(place, prepared, wish):
        say(line)
    if blocked:
        say(f"leverplus: {plural(blocked, 'run')} of {len(found.members)} would be blocked by what is named above; mend it, or "
            "go on with --force")  # fmt: skip
        raise typer.Exit(3)
    if dry_run:
        _dry(found, as_json)
        return
    sweep = queue_sweep(place, found, prepared, wish, name or "")
    if detach:
        put_json(_document(sweep, {})) if as_json else put(sweep.ref)
        return
    say(f"{sweep.ref}: {plural(len(sweep.members), 'run')} queued; Ctrl-C leaves them alone, and")
    say(f"`leverplus sweep stop {sweep.ref}` ends them")
    _attend(place, sweep, as_json)


def _dry(found: Grid, as_json: bool) -> None:
    if as_json:
        put_json({"axes": found.axes, "runs": [member.settings for member in found.members]})
        return
    for member in found.members:
        put(member.label)


def list_sweeps(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """List sweeps, newest first.

    Example:
    leverplus sweep list
    """
    place, database = open_home(home)
    with reading(database) as session:
        rows = store.list_sweeps(session)
        states = {row.id: store.states(session, run_ids=list(row.members)) for row in rows}
    if as_json:
        put_json([_document(row, states[row.id]) for row in rows])
        return
    if not rows:
        say(f"no sweeps in {place.root}: {EXAMPLES['eval']}")
        return
    lines = [
        (row.ref, row.name, row.kind, " x ".join(f"{n} ({len(v)})" for n, v in row.axes.items()), counted(states[row.id]),
         moment(row.created))
        for row in rows
    ]  # fmt: skip
    put(table(("sweep", "name", "kind", "varies", "runs", "created"), lines))


def show_sweep(sweep: SweepArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Show the runs of a sweep: settings, state, figures.

    Example:
    leverplus sweep show s1
    """
    _, database = open_home(home)
    with reading(database) as session:
        found = store.find_sweep(session, sweep)
        rows = store.run_rows(session, run_ids=list(found.members))
    if as_json:
        put_json(_document(found, {row.id: row.state for row in rows}))
        return
    shots = sorted({cell.shot for row in rows for cell in row.cells})
    lines = []
    for row in rows:
        cells = [row.headline(shot) for shot in shots]
        figures = [accuracy(c.accuracy, c.ci_low, c.ci_high) if c is not None else "-" for c in cells]
        settings = [plain(value) for value in found.members[row.id].values()]
        state = f"{row.state} {row.waiting}".strip()
        lines.append((row.ref, *settings, *figures, duration(row.duration_s), state))
    put(f"{found.ref} {found.name}: {counted({row.id: row.state for row in rows})}")
    put(table(("run", *found.axes, *(f"acc@{shot}" for shot in shots), "took", "state"), lines))


def best(
    sweep: SweepArgument,
    by: Annotated[
        str,
        typer.Option(
            "--by", metavar="METRIC", help="Metric of a training, such as greedy_reward, or acc@2 of evaluations."
        ),
    ] = "",
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Say which settings are best, with intervals, and what choosing the best of so many adds by chance.

    Evaluations are compared question by question at each number of shots, or at the one that --by names; trainings by a
    metric of their best epoch, over seeds.

    Example:
    leverplus sweep best s1 --by acc@2
    leverplus sweep best s2 --by greedy_reward
    """
    _, database = open_home(home)
    with reading(database) as session:
        found = store.find_sweep(session, sweep)
        chosen = best_of_sweep(session, found, by)
    put_json(chosen.document) if as_json else put("\n".join(chosen.lines))


def stop_sweep(sweep: SweepArgument, as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Stop all runs of a sweep, waiting and running ones; what is done stays stored.

    Example:
    leverplus sweep stop s1
    """
    place, database = open_home(home, tended=False)
    with reading(database) as session:
        found = store.find_sweep(session, sweep)
    states = sweeping.stop(place, found)
    tend(place, database)
    put_json(_document(found, states)) if as_json else put(f"{found.ref}: {counted(states)}")


def resume_sweep(
    sweep: SweepArgument, detach: DetachOption = False, as_json: JsonOption = False, home: HomeOption = None
) -> None:
    """Queue what a sweep lacks: its stopped, failed and lost runs. What is stored is not computed again.

    Example:
    leverplus sweep resume s1
    """
    place, database = open_home(home)
    with reading(database) as session:
        found = store.find_sweep(session, sweep)
    lacking = sweeping.resume_missing(place, found)
    say(f"{found.ref}: {plural(len(lacking), 'run')} queued again")
    if not detach:
        _attend(place, found, as_json)
    elif as_json:
        put_json(_document(found, {}))


def _attend(place: Home, sweep: SweepRow, as_json: bool) -> None:
    """Say when runs end, until all have; leaves with 1 where some did not end well."""
    database = open_database(place.database)
    try:
        states = _followed(place, database, sweep)
    except KeyboardInterrupt:
        say(
            f"\n{sweep.ref} goes on; `leverplus sweep show {sweep.ref}` shows it, `leverplus sweep stop {sweep.ref}` ends it"
        )
        raise typer.Exit(130) from None
    ring(f"{sweep.ref}: {counted(states)}")
    if as_json:
        put_json(_document(sweep, states))
    else:
        put(f"{sweep.ref}: {counted(states)}")
        say(f"next: leverplus sweep show {sweep.ref}   leverplus sweep best {sweep.ref}")
    if any(state != "done" for state in states.values()):
        say(f"`leverplus sweep resume {sweep.ref}` goes on with what is missing")
        raise typer.Exit(1)


def _followed(place: Home, database: DatabaseFile, sweep: SweepRow) -> dict[int, str]:
    before: dict[int, str] = {}
    seen, tended = -1, 0.0
    while True:
        if time.monotonic() - tended > TEND_EVERY_S:
            tended = time.monotonic()
            tend(place, database)
        if (version := database.version()) != seen:
            seen = version
            with reading(database) as session:
                stored = store.states(session, run_ids=list(sweep.members))
            states = {one: "running" if goes_on(place, one, state) else state for one, state in stored.items()}
            for run_id, state in states.items():
                if state not in store.ACTIVE and before.get(run_id) != state:
                    ended = sum(one not in store.ACTIVE for one in states.values())
                    label = " ".join(f"{k}={plain(v)}" for k, v in sweep.members[run_id].items())
                    say(f"r{run_id} {state}: {label} ({ended} of {len(states)})")
            before = states
            if all(state not in store.ACTIVE for state in states.values()):
                return states
        time.sleep(0.2)


def _document(sweep: SweepRow, states: dict[int, str]) -> dict[str, Any]:
    runs: Sequence[dict[str, Any]] = [
        {"run": store.ref(run), "settings": settings, **({"state": states[run]} if run in states else {})}
        for run, settings in sweep.members.items()
    ]
    return {"sweep": sweep.ref, "name": sweep.name, "kind": sweep.kind, "axes": sweep.axes, "runs": list(runs)}
