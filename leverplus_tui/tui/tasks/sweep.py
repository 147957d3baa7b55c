"""A sweep: a run's settings or the defaults of a kind, some of them varied, queued together."""

from __future__ import annotations

import shlex
from dataclasses import dataclass, field

from db import store
from db.session import reading
from db.specs import SPEC_OF_KIND
from db.user_error import UserError
from leverplus_tui.jobs.spec_building import repeated
from leverplus_tui.queue.estimate import lasts
from leverplus_tui.queue.grid import Grid, count, grid, grid_around
from leverplus_tui.queue.submit import Wish
from leverplus_tui.queue.sweep import Prepared, prepare, queue_sweep
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.output import finding_lines
from leverplus_tui.tui.messages import Outcome, RunsLaunched, Work
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.screens.waiting.sweep import SweepScreen
from leverplus_tui.tui.tasks.task import Situation, Task

KINDS = tuple(kind for kind in SPEC_OF_KIND if kind != "embed")
FORCE = (("no", "no: what preflight refuses is not queued"), ("yes", "yes: the runs say so for ever"))


def task(at: Situation) -> Task:
    """The window for a sweep."""
    said = at.said("sweep")
    run = at.refs[0] if len(at.runs) == 1 else ""
    lines = [
        Line("of", "of", run or said.get("of", "eval"), help=f"{', '.join(KINDS)}; or a run such as r12"),
        Line("set", "--set", said.get("set", ""), help="retriever=random,t2t rce_lr=1e-4..1e-2:3log", first=True),
        Line("seeds", "--seeds", "", help="3, or 7,11; empty repeats nothing"),
        Line("name", "name", "", help="made from what varies when empty"),
        Line("force", "--force", "no", FORCE),
    ]
    sweeping = _Sweeping(at)
    return Task(
        "sweep", "Sweep: runs over every combination of some settings", lines, sweeping.begin,
        detail="What is not varied is as in the run, or a default. Values: 1,2 or 1..5 or 0..1:5 or [1],[1,2]",
        check=sweeping.check, told=_how_many, doubt=sweeping.doubt,
        kept=lambda v: {name: v[name] for name in ("of", "set")},
    )  # fmt: skip


def _how_many(values: Values) -> str:
    try:
        number = count(_assignments(values), values["seeds"] or None)
    except UserError as error:
        return str(error)
    return f"these are {plural(number, 'run')}" if number > 1 else "nothing is varied yet"


def _assignments(values: Values) -> list[str]:
    try:
        return shlex.split(values["set"])
    except ValueError:
        raise UserError(f"--set {values['set']}: a quote is not closed") from None


@dataclass
class _Sweeping:
    """From the window to the queue."""

    at: Situation
    made: Grid | None = None
    notes: list[str] = field(default_factory=list)
    """Names of the published scripts that were understood."""

    def check(self, values: Values) -> None:
        """Make every combination. Raises UserError where one is refused."""
        of, seeds = values["of"].lower(), values["seeds"] or None
        self.notes.clear()
        if of in KINDS:
            self.made = grid(of, {}, None, _assignments(values), seeds, self.notes.append)
            return
        database = self.at.library.database
        with reading(database.engine) as session:
            detail = store.run_detail(session, run_id=database.find_run(values["of"]))
        if detail.row.kind not in KINDS:
            raise UserError(f"{detail.row.ref} is of kind {detail.row.kind}: a sweep is of {', '.join(KINDS)}")
        spec = repeated(detail.row.ref, detail.spec)
        self.made = grid_around(spec, _assignments(values), seeds, self.notes.append)

    def doubt(self, values: Values) -> tuple[str, str]:
        """How many runs, and how long they take."""
        members = self._grid.members
        told = lasts(self.at.library.home, [one.spec for one in members])
        return f"Queue {plural(len(members), 'run')}?", "\n".join([told, *self.notes])

    def begin(self, values: Values) -> Work:
        """Check what is shared once, and queue all or none."""
        found, home = self._grid, self.at.library.home
        name, force = values["name"], values["force"] == "yes"

        def queue() -> Outcome:
            prepared = prepare(home, found, name, force=force, quiet=True)
            if not force and (blocked := sum(one.forced for one in prepared.entries)):
                return _refused(prepared, blocked)
            sweep = queue_sweep(home, found, prepared, Wish(), name)
            words = f"{sweep.ref}: {plural(len(sweep.members), 'run')} queued"
            then = RunsLaunched(tuple(sweep.members), sweep=sweep.ref)
            return Outcome(words, show=lambda: _page(self.at, sweep.id), then=then)

        return Work(f"Queueing {plural(len(found.members), 'run')}", queue, self.at.page, "sweep")

    @property
    def _grid(self) -> Grid:
        assert self.made is not None, "the window closes after a check"
        return self.made


def _refused(prepared: Prepared, blocked: int) -> Outcome:
    findings = {finding.code: finding for one in prepared.checked for finding in one.findings}
    lines = finding_lines(finding for finding in findings.values() if finding.severity != "info")
    return Outcome("\n".join(lines), f"Preflight blocks {plural(blocked, 'run')}: nothing was queued", failed=True)


def _page(at: Situation, sweep_id: int) -> SweepScreen:
    page = SweepScreen(at.library, sweep_id)
    page.mode = getattr(at.page, "mode", page.mode)
    return page
