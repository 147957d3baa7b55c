"""`leverplus show`."""

from __future__ import annotations

import json
from typing import Annotated

import typer

from db import store
from db.session import Session
from db.store import RunDetail
from db.user_error import UserError
from leverplus_tui.commands.database import find_run_id, reading_home
from leverplus_tui.commands.options import HomeOption, JsonOption, RunArgument
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.results.health import run_findings
from leverplus_tui.results.pairs.copying import HEADERS, copying, line
from leverplus_tui.results.run_result import detail_json, print_detail_result
from leverplus_tui.results.since_last import since_last
from leverplus_tui.text.output import put, put_json, say, table
from leverplus_tui.text.plot import curve
from leverplus_tui.text.times import iso, moment


def show(
    run: RunArgument,
    diff: Annotated[
        bool, typer.Option("--diff", help="Print the uncommitted changes of the folder that it was made in.")
    ] = False,
    packages: Annotated[bool, typer.Option("--packages", help="Print the packages that were installed.")] = False,
    curves: Annotated[
        list[str] | None,
        typer.Option("--curve", metavar="METRIC", help="Draw a metric, such as val_loss. May be repeated."),
    ] = None,
    as_json: JsonOption = False,
    home: HomeOption = None,
) -> None:
    """Show one run: result, what changed since the last run like it, specification, how it was made, checkpoints, findings.

    Example:
    leverplus show r12
    leverplus show r12 --json
    leverplus show r12 --diff
    leverplus show r12 --curve val_loss --curve greedy_reward
    """
    with reading_home(home) as session:
        if curves:
            _draw(session, find_run_id(session, run, deleted=True), curves)
            return
        if diff or packages:
            _print_kept(session, find_run_id(session, run, deleted=True), diff, packages)
            return
        detail = store.run_detail(session, run_id=find_run_id(session, run, deleted=True))
        findings = run_findings(session, detail)
        copied = copying(session, detail)
        since = since_last(session, detail)
    if as_json:
        told = {"since": since.as_json() if since is not None else None}
        put_json(detail_json(detail, findings) | {"copying": [row.as_json() for row in copied]} | told)
        return
    print_detail_result(detail, findings)
    if detail.row.waiting:
        put(f"  {detail.row.waiting}")
    if copied:
        put("\nlearning or copying: answers against those of the demonstrations, % (n)")
        put(table(HEADERS, [line(row) for row in copied], right=(1, 2)))
    if since is not None:
        put(f"\n{since.heading}")
        put("\n".join(f"  {what:<15} {words}" for what, words in since.lines()))
    put("\nspecification")
    put(_lines(detail.spec))
    put("\nmade")
    put(_lines(_made(detail)))
    if detail.facts:
        put("\nlineage")
        put(_lines(detail.facts))
    for process in detail.processes:
        put(
            f"\nprocess {process.pid} on {process.host}: {process.state} {moment(process.ended)} {process.reason}".rstrip()
        )
        put(f"  log {process.log_path}")


def _draw(session: Session, run_id: int, names: list[str]) -> None:
    """The metrics over their epochs, one drawing for each phase. Raises UserError for a metric that the run has not."""
    known = list(dict.fromkeys(metric.name for metric in store.metric_summaries(session, run_id=run_id)))
    for name in names:
        if name not in known:
            has = ", ".join(known) if known else "none"
            raise UserError(f"--curve {name}: r{run_id} has no such metric; it has {has}")
        by_phase: dict[str, list[tuple[float, float]]] = {}
        for phase, epoch, step, value in store.metric_series(session, run_id=run_id, name=name):
            by_phase.setdefault(phase, []).append((epoch or step, value))
        for phase, points in by_phase.items():
            put(curve(f"{phase} {name}", points))


def _print_kept(session: Session, run_id: int, diff: bool, packages: bool) -> None:
    """Texts that the run was made with, as they were."""
    environment = store.run_detail(session, run_id=run_id).environment
    for name, wanted, what in (("git_diff", diff, "uncommitted changes"), ("packages", packages, "list of packages")):
        sha = environment.get(name)
        if wanted and sha:
            put(store.snapshot(session, sha256=sha).rstrip())
        elif wanted:
            why = "had none" if sha == "" else "is of an older version, or has no process yet, and kept none"
            say(f"no {what}: r{run_id} {why}")


def _made(detail: RunDetail) -> dict[str, object]:
    row = detail.row
    made: dict[str, object] = {"created": iso(row.created), "forced": row.forced, "tags": list(row.tags)}
    if row.parent is not None:
        made["repeats"] = f"r{row.parent}"
    if detail.note:
        made["note"] = detail.note
    return made | detail.environment


def _lines(values: object) -> str:
    flat = list(flatten(values))
    width = max((len(name) for name, _ in flat), default=0)
    return "\n".join(
        f"  {name.ljust(width)}  {value if isinstance(value, str) else json.dumps(value)}" for name, value in flat
    )
