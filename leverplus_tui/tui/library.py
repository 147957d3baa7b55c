"""What the screens read: one open database, and functions that are called in a thread and return finished rows.

sqlmodel and the store are imported when the database is opened, so that the first frame does not wait for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sqlalchemy import Engine

    from db import rows
    from db.home import Home
    from db.store import CellRow, DataRow, PredictionRow, ProcessRow, RunDetail, RunRow
    from leverplus_tui.results.comparison import Comparison


@dataclass(frozen=True)
class Listing:
    """A filtered and sorted list of runs: ids only, and the shots that figures exist for."""

    ids: tuple[int, ...]
    total: int
    shots: tuple[int, ...]
    largest: int
    """Greatest number of questions behind a figure."""
    queued: int
    running: int


@dataclass(frozen=True)
class Answered:
    """One question of a subset under one or two runs."""

    first: PredictionRow | None
    second: PredictionRow | None = None

    @property
    def row(self) -> PredictionRow:
        """Whichever there is."""
        found = self.first or self.second
        assert found is not None, "one of the two runs answered"
        return found

    @property
    def change(self) -> float:
        """Score of the first run less that of the one beside it; 0 where one is missing."""
        return self.first.score - self.second.score if self.first and self.second else 0.0


@dataclass(frozen=True)
class Job:
    """A process of a run, with the run's row."""

    run: RunRow
    process: ProcessRow | None


class Library:
    """The database of one home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._engine: Engine | None = None

    @property
    def is_open(self) -> bool:
        """Whether reading is possible."""
        return self._engine is not None

    @property
    def engine(self) -> Engine:
        """The open database."""
        assert self._engine is not None, "the library is read before it was opened"
        return self._engine

    def open(self) -> None:
        """Open, or create, the database. Raises the errors of `db.session.open_database`."""
        from db.session import open_database

        self._engine = open_database(self.home.database)

    def close(self) -> None:
        """Give the connections back."""
        if self._engine is not None:
            self._engine.dispose()

    def version(self) -> int:
        """A number that changes with every commit of anybody."""
        from db.connection import data_version

        return data_version(self.engine)

    def mark_lost(self) -> list[int]:
        """Mark runs whose process is dead as lost; writes only when there is one.

        Where that is impossible now (read-only, or busy), whoever looks next does it.
        """
        from db import store
        from db.session import DatabaseBusy, DatabaseUnwritable, reading, writing

        with reading(self.engine) as session:
            active = store.active_processes(session)
        if all(row.ended is None and store.is_alive(row) for row in active):
            return []
        try:
            with writing(self.engine) as session:
                return store.lost_runs(session)
        except (DatabaseBusy, DatabaseUnwritable):
            return []

    # Runs

    def listing(self, where: str, sort: str) -> Listing:
        """Ids of the runs that pass the filter, in order. Raises BadFilter."""
        from db.session import reading
        from db.store.base import query
        from db.store.filters import runs_condition, runs_order

        condition = runs_condition(where or None)
        sql = f"SELECT run.id FROM run WHERE {condition.sql} ORDER BY {runs_order(sort)}"
        with reading(self.engine) as session:
            ids = session.connection().exec_driver_sql(sql, condition.parameters).scalars().all()
            states = query(session, "SELECT state, count(*) AS n FROM run WHERE deleted_at IS NULL GROUP BY state")
            shots = query(session, "SELECT shot, max(n) AS n FROM cell GROUP BY shot ORDER BY shot")
        counts = {row["state"]: int(row["n"]) for row in states}
        return Listing(
            ids=tuple(ids),
            total=sum(counts.values()),
            shots=tuple(row["shot"] for row in shots),
            largest=max((row["n"] for row in shots), default=0),
            queued=counts.get("queued", 0),
            running=counts.get("running", 0),
        )

    def run_rows(self, ids: Sequence[int]) -> list[RunRow]:
        """Rows of some runs."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            return store.run_rows(session, run_ids=list(ids))

    def detail(self, run_id: int) -> RunDetail:
        """Everything about one run."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            return store.run_detail(session, run_id=run_id)

    def find_run(self, text: str) -> int:
        """The id of the run meant by `r12`, `12` or a name. Raises UserError."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            run_id = store.find_run(session, text).id
        assert run_id is not None, "a stored run has a key"
        return run_id

    def spec(self, run_id: int) -> Any:
        """The specification of a run."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            return store.spec_of(store.get_run(session, run_id=run_id))

    def command(self, run_id: int) -> str:
        """The command line that makes such a run."""
        from leverplus_tui.jobs.spec_command import command_text

        return command_text(self.spec(run_id))

    def bad_filter(self) -> type[Exception]:
        """What `listing` raises for a filter that cannot be understood."""
        from db.store import BadFilter

        return BadFilter

    def series(self, run_id: int, names: Sequence[str]) -> dict[str, tuple[tuple[float, float], ...]]:
        """Points (step, value) by name; phases follow one another, so that x always grows."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            found = {name: store.metric_series(session, run_id=run_id, name=name) for name in names}
        return {name: _continuous(points) for name, points in found.items()}

    def side_by_side(self, ids: Sequence[int]) -> tuple[Comparison, dict[str, RunRow], dict[str, Any]]:
        """Runs compared but for their findings, their rows by `r12`, and the settings that are the same in all."""
        from db import store
        from db.session import reading
        from leverplus_tui.results.comparison import compare, described

        with reading(self.engine) as session:
            found = compare(session, list(ids), judged=False)
            details = [store.run_detail(session, run_id=run_id) for run_id in ids]
        settings = [described(detail) for detail in details]
        differing = {row.field for row in found.spec_diff}
        agreeing = {name: value for name, value in settings[0].items() if name not in differing}
        return found, {detail.row.ref: detail.row for detail in details}, agreeing

    def tag(self, run_ids: Sequence[int], words: Sequence[str]) -> None:
        """Put words on runs; a word with a minus in front is taken off. Raises UserError for what is no word."""
        from db import store
        from db.session import writing

        with writing(self.engine) as session:
            for run_id in run_ids:
                store.tag(session, run_id=run_id, tags=[word for word in words if not word.startswith("-")])
                store.untag(session, run_id=run_id, tags=[word[1:] for word in words if word.startswith("-")])

    def rename(self, run_id: int, name: str) -> None:
        """Give a run another name."""
        from db import store
        from db.session import writing

        with writing(self.engine) as session:
            store.rename(session, run_id=run_id, name=name)

    def note(self, run_id: int) -> str:
        """What is written about a run."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            return store.note_of(session, run_id=run_id)

    def write_note(self, run_id: int, text: str) -> None:
        """Write about a run, in place of what is written; an empty text takes the note away."""
        from db import store
        from db.session import writing

        with writing(self.engine) as session:
            store.note(session, run_id=run_id, text=text)

    def delete(self, run_ids: Sequence[int]) -> None:
        """Hide runs from all lists. Raises UserError while one is queued or running."""
        from db import store
        from db.session import writing

        with writing(self.engine) as session:
            store.soft_delete(session, run_ids=run_ids)

    def reason(self, run_id: int) -> str:
        """What a run's newest process said when it did not end well."""
        processes = self.detail(run_id).processes
        return (processes[-1].reason if processes else "") or "its log says more"

    # Answers

    def answers(
        self, run_id: int, shot: int, subset_sha: str | None, other: int | None = None, most: int | None = None
    ) -> list[Answered]:
        """Questions of a subset with their answers, by question; beside them those of another run, where one is given."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            first = store.predictions(session, run_id=run_id, shot=shot, subset_sha=subset_sha, limit=most)
            if other is None:
                return [Answered(row) for row in first]
            asked = [row.question_id for row in first]
            second = store.predictions(session, run_id=other, shot=shot, question_ids=asked)
        beside = {row.question_id: row for row in second}
        return [Answered(row, beside.get(row.question_id)) for row in first]

    def runs_with_answers(self, cell: CellRow, but: int, most: int = 30) -> list[RunRow]:
        """Newest runs that answered questions of the same data set with as many shots."""
        from db import store
        from db.session import reading
        from db.store.base import query

        sql = """
            SELECT DISTINCT cell.run_id AS id FROM cell JOIN run ON run.id = cell.run_id
            JOIN subset ON subset.id = cell.subset_id JOIN dataset ON dataset.id = subset.dataset_id
            WHERE cell.shot = :shot AND dataset.sha = :sha AND subset.split = :split AND run.id <> :but
                AND run.deleted_at IS NULL
            ORDER BY run.id DESC LIMIT :most
        """
        parameters = {"shot": cell.shot, "sha": cell.dataset_sha, "split": cell.split, "but": but, "most": most}
        with reading(self.engine) as session:
            ids = [row["id"] for row in query(session, sql, parameters)]
            return store.run_rows(session, run_ids=ids)

    def demonstrations(self, row: PredictionRow) -> list[rows.Question | None]:
        """The train questions shown before a question, in prompt order; None where one was never stored."""
        from db import store
        from db.session import reading

        with reading(self.engine) as session:
            found = store.questions(
                session, dataset_sha=row.dataset_sha, split="train", question_ids=list(row.demonstrations)
            )
        return [found.get(question_id) for question_id in row.demonstrations]

    # Jobs and data

    def jobs(self, limit: int) -> list[Job]:
        """Runs that wait or run first, then those that ended last; the newest process of each."""
        from db import store
        from db.session import reading
        from db.store.base import query

        sql = """
            SELECT id FROM run WHERE deleted_at IS NULL AND EXISTS (SELECT 1 FROM process WHERE run_id = run.id)
                OR state = 'queued' AND deleted_at IS NULL
            ORDER BY CASE state WHEN 'running' THEN 0 WHEN 'queued' THEN 1 ELSE 2 END, coalesce(ended_at, created_at) DESC
            LIMIT :limit
        """
        with reading(self.engine) as session:
            ids = [row["id"] for row in query(session, sql, {"limit": limit})]
            found = store.run_rows(session, run_ids=ids)
            newest = {run.id: store.processes(session, run_id=run.id) for run in found}
        return [Job(run, newest[run.id][-1] if newest[run.id] else None) for run in found]

    def data_files(self, kind: str | None = None) -> list[DataRow]:
        """What is registered and what runs wrote, with what has become of it; with `kind` only that kind."""
        from db import store

        return store.all_data(self.engine, kind=kind)

    def add_data(self, path: Path) -> DataRow:
        """Register a file or folder. Raises UserError when there is nothing, or nothing that is recognised."""
        from db.specs import UserError
        from leverplus_tui.data.registering import register

        row, report = register(self.engine, path)
        if row is None:
            raise UserError(report.findings[0].message)
        return row

    def log_path(self, run_id: int) -> Path:
        """Where a run's processes write."""
        return self.home.log(run_id)


def _continuous(points: Sequence[tuple[str, int, int, float]]) -> tuple[tuple[float, float], ...]:
    """A phase that counts its steps from the start again is put behind the one before."""
    placed: list[tuple[float, float]] = []
    shift, phase, last = 0.0, None, 0.0
    for name, _, step, value in points:
        if name != phase:
            shift = last if phase is not None and step <= last - shift else shift
            phase = name
        x = step + shift
        placed.append((x, value))
        last = max(last, x)
    return tuple(placed)
