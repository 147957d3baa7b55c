"""What the screens read and write: functions that are called in a thread and return finished rows.

Whoever shows something asks `Library.database`, which imports this module when the database is opened.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from db import store
from db.home import Home
from db.run_states import ENDED
from db.session import DatabaseFile, Session, open_database, reading, writing
from db.store import CellRow, DataRow, PredictionRow, RunDetail, RunRow
from db.user_error import UserError
from leverplus_tui.jobs.dead_jobs import bury_dead
from leverplus_tui.tui.memory import ListView
from leverplus_tui.tui.reading.rows import Answered, Group, Job, Listing, SideBySide
from leverplus_tui.tui.reading.upkeep import Upkeep
from leverplus_tui.tui.widgets.charts.curves import continuous

if TYPE_CHECKING:
    from db import rows
    from leverplus_tui.results.comparison import Comparison
    from leverplus_tui.results.pairs.choices import Choices
    from leverplus_tui.results.pairs.copying import CopyingRow
    from leverplus_tui.results.since_last import Since
    from leverplus_tui.tui.reading.curve_rows import Curves


REMEMBERED = 200
"""Runs of which what changed since the last one like them is kept; a day goes through thousands."""


class Database(Upkeep):
    """The open database of one home."""

    def __init__(self, path: Path, *, read_only: bool = False) -> None:
        """Open, or create, it. Raises the errors of `db.session.open_database`."""
        self.engine: DatabaseFile = open_database(path, read_only=read_only)
        self._since: dict[int, Since | None] = {}

    def close(self) -> None:
        """Give the connections back."""
        self.engine.dispose()

    def version(self) -> int:
        """A number that changes with every commit of anybody."""
        return self.engine.version()

    def mark_lost(self) -> None:
        """Mark runs whose process is dead as lost."""
        bury_dead(self.engine)

    # Runs

    def listing(self, view: ListView, pinned: Sequence[int] = (), marked: Sequence[int] = ()) -> Listing:
        """Ids of the runs that pass the filter, in order, behind those that are pinned. Raises BadFilter."""
        with reading(self.engine) as session:
            ids = store.run_ids(session, where=view.where or None, sort=view.sort)
            counts, largest = store.state_counts(session), store.largest_subsets(session)
            total = store.count_runs(session)
            known = {row.id for row in store.run_rows(session, run_ids=[*pinned, *marked]) if row.deleted is None}
            top = tuple(run_id for run_id in pinned if run_id in known)
            below = [run_id for run_id in ids if run_id not in top] if top else ids
            groups = self._groups(session, below, view, tuple(largest)) if view.groups else ()
        return Listing(
            ids=(*top, *below),
            total=total,
            shots=tuple(largest),
            largest=max(largest.values(), default=0),
            queued=counts.get("queued", 0),
            running=counts.get("running", 0),
            pinned=top,
            gone=frozenset({*pinned, *marked} - known),
            groups=groups,
        )

    def _groups(
        self, session: Session, ids: Sequence[int], view: ListView, shots: tuple[int, ...]
    ) -> tuple[Group, ...]:
        from leverplus_tui.tui.reading.grouping import grouped, metrics_of  # statistics: fractions and decimals

        return grouped(session, ids, view.groups, shots, metrics_of(view))

    def values(self, ids: Sequence[int], fields: Sequence[str]) -> dict[int, dict[str, str | float | None]]:
        """Settings and metrics of some runs."""
        with reading(self.engine) as session:
            return store.run_values(session, run_ids=list(ids), fields=fields)

    def fields(self, ids: Sequence[int], most: int = 1000) -> tuple[list[str], list[str]]:
        """(metrics that runs wrote, settings that differ among the first of these runs)."""
        with reading(self.engine) as session:
            return store.metric_names(session), store.varying_settings(session, run_ids=ids[:most])

    def counts(self) -> dict[str, int]:
        """Runs by state."""
        with reading(self.engine) as session:
            return store.state_counts(session)

    def run_rows(self, ids: Sequence[int]) -> list[RunRow]:
        """Rows of some runs."""
        with reading(self.engine) as session:
            return store.run_rows(session, run_ids=list(ids))

    def detail(self, run_id: int) -> RunDetail:
        """Everything about one run."""
        with reading(self.engine) as session:
            return store.run_detail(session, run_id=run_id)

    def since(self, run_id: int, go_on: Callable[[], bool]) -> Since | None:
        """What changed since the last run like this one, of a run that has ended read once; None too where `go_on` said no."""
        from leverplus_tui.results.comparison import Stopped  # numpy: 140 ms before the first list
        from leverplus_tui.results.since_last import since_last

        if run_id in self._since:
            return self._since[run_id]
        with reading(self.engine) as session:
            detail = store.run_detail(session, run_id=run_id)
            try:
                found = since_last(session, detail, go_on)
            except Stopped:
                return None
        if detail.row.state in ENDED:
            self._since[run_id] = found
            if len(self._since) > REMEMBERED:
                del self._since[next(iter(self._since))]
        return found

    def find_run(self, text: str) -> int:
        """The id of the run meant by `r12`, `12` or a name. Raises UserError."""
        with reading(self.engine) as session:
            run_id = store.find_run(session, text).id
        return run_id

    def spec(self, run_id: int) -> Any:
        """The specification that a run can be made again from. Raises UserError for one that cannot."""
        with reading(self.engine) as session:
            spec = store.spec_of(session, run=store.get_run(session, run_id=run_id))
        from leverplus_tui.jobs.repeating import must_be_repeatable  # as below

        must_be_repeatable(store.ref(run_id), spec.model_dump())
        return spec

    def command(self, run_id: int) -> str:
        """The command line that makes such a run."""
        from leverplus_tui.results.outcome import command_again  # specifications: pydantic, which lists do without

        self.spec(run_id)  # refused where none makes such a run
        return command_again(self.detail(run_id))

    def series(self, run_id: int, names: Sequence[str]) -> dict[str, tuple[tuple[float, float], ...]]:
        """Points (step, value) by name; phases follow one another, so that x always grows."""
        with reading(self.engine) as session:
            found = {name: store.metric_series(session, run_id=run_id, name=name) for name in names}
        return {name: continuous(points) for name, points in found.items()}

    def curves(self, run_ids: Sequence[int], *, by_seed: bool) -> Curves:
        """Curves of runs for their charts."""
        from leverplus_tui.tui.reading.curve_rows import read_curves  # scipy: 250 ms before the first list

        with reading(self.engine) as session:
            return read_curves(session, run_ids, by_seed=by_seed)

    def side_by_side(self, ids: Sequence[int]) -> SideBySide:
        """Runs side by side, not yet compared, with what is known of each and the settings that are the same in all."""
        from leverplus_tui.results.comparison import described, side_by_side  # numpy: 140 ms before the first list
        from leverplus_tui.results.results_alone import details_of_results

        with reading(self.engine) as session:
            details = details_of_results(session, ids)
            found = side_by_side(session, details)
        settings = [described(detail) for detail in details]
        differing = {row.field for row in found.spec_diff}
        agreeing = {name: value for name, value in settings[0].items() if name not in differing}
        rows = {detail.row.ref: detail.row for detail in details}
        return SideBySide(found, rows, agreeing, {detail.row.ref: detail.checkpoints for detail in details})

    def compared(self, ids: Sequence[int], go_on: Callable[[], bool]) -> Comparison | None:
        """Runs compared but for the findings of each; None where `go_on` said no before the end."""
        from leverplus_tui.results.comparison import Stopped, compare  # numpy: 140 ms before the first list

        with reading(self.engine) as session:
            try:
                return compare(session, ids, judged=False, go_on=go_on)
            except Stopped:
                return None

    def beside(
        self, ids: Sequence[int], base: str, go_on: Callable[[], bool]
    ) -> tuple[list[Choices], list[CopyingRow]] | None:
        """What the runs choose differently, and how their answers relate to what was shown; None where `go_on` said no."""
        from leverplus_tui.results.pairs.choices import choices
        from leverplus_tui.results.pairs.copying import Copies  # numpy: 140 ms before the first list

        copied: list[CopyingRow] = []
        with reading(self.engine) as session:
            details = [store.run_detail(session, run_id=run_id) for run_id in ids]
            chosen = list(choices(session, details, base, go_on))
            copies = Copies(session)
            for detail in details:
                if not go_on():
                    return None
                copied += copies.of(detail)
        return chosen, copied

    def tag(self, run_ids: Sequence[int], words: Sequence[str]) -> None:
        """Put words on runs; a word with a minus in front is taken off. Raises UserError for what is no word."""
        with writing(self.engine) as session:
            for run_id in run_ids:
                store.tag(session, run_id=run_id, tags=[word for word in words if not word.startswith("-")])
                store.untag(session, run_id=run_id, tags=[word[1:] for word in words if word.startswith("-")])

    def rename(self, run_id: int, name: str) -> None:
        """Give a run another name."""
        with writing(self.engine) as session:
            store.rename(session, run_id=run_id, name=name)

    def note(self, run_id: int) -> str:
        """What is written about a run."""
        with reading(self.engine) as session:
            return store.note_of(session, run_id=run_id)

    def write_note(self, run_id: int, text: str) -> None:
        """Write about a run, in place of what is written; an empty text takes the note away."""
        with writing(self.engine) as session:
            store.note(session, run_id=run_id, text=text)

    def delete(self, run_ids: Sequence[int]) -> None:
        """Hide runs from all lists. Raises UserError while one is queued or running, here or elsewhere."""
        from leverplus_tui.jobs.away import must_not_be_away  # as above

        must_not_be_away(Home(self.engine.path.parent), run_ids, "deleted")
        self.mark_lost()
        with writing(self.engine) as session:
            store.soft_delete(session, run_ids=run_ids)

    def must_lack_something(self, run_id: int) -> None:
        """Raises UserError for a run without anything left to do."""
        from leverplus_tui.jobs.launcher import must_lack_something  # as above

        with reading(self.engine) as session:
            must_lack_something(session, run_id)

    def reason(self, run_id: int) -> str:
        """What a run's newest process said when it did not end well."""
        processes = self.detail(run_id).processes
        return (processes[-1].reason if processes else "") or "its log says more"

    # Answers

    def answers(
        self, run_id: int, shot: int, subset_sha: str | None, other: int | None = None, most: int | None = None
    ) -> list[Answered]:
        """Questions of a subset with their answers, by question; beside them those of another run, where one is given."""
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
        with reading(self.engine) as session:
            ids = store.run_ids_with_answers(
                session, shot=cell.shot, dataset_sha=cell.dataset_sha, split=cell.split, but=but, limit=most
            )
            return store.run_rows(session, run_ids=ids)

    def demonstrations(self, row: PredictionRow) -> list[rows.Question | None]:
        """The train questions shown before a question, in prompt order; None where one was never stored."""
        with reading(self.engine) as session:
            found = store.questions(
                session, dataset_sha=row.support_sha, split="train", question_ids=list(row.demonstrations)
            )
        return [found.get(question_id) for question_id in row.demonstrations]

    # Jobs and data

    def jobs(self, limit: int) -> list[Job]:
        """Runs that wait or run first, then those that ended last; the newest process of each."""
        with reading(self.engine) as session:
            ids = store.job_ids(session, limit=limit)
            found = store.run_rows(session, run_ids=ids)
            newest = {run.id: store.processes(session, run_id=run.id) for run in found}
        return [Job(run, newest[run.id][-1] if newest[run.id] else None) for run in found]

    def data_files(self, kind: str | None = None) -> list[DataRow]:
        """What is registered and what runs wrote, with what has become of it; with `kind` only that kind."""
        return store.all_data(self.engine, kind=kind)

    def add_data(self, path: Path) -> DataRow:
        """Register a file or folder. Raises UserError when there is nothing, or nothing that is recognised."""
        from leverplus_tui.data.registering import register  # readers of every kind of file

        row, report = register(self.engine, path)
        if row is None:
            raise UserError(report.findings[0].message)
        return row
