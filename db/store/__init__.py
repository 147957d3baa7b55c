"""Questions to the database and the few writes: keyword functions that take a session of `db.session`.

Reading (a `reading` or `writing` session):
    find_run(session, text, *, deleted=False) -> Run           text: `r12`, `12` or a name; UserError names near misses
    get_run(session, *, run_id) -> Run                         spec_of(run) -> the specification
    list_runs(session, *, where=None, sort="created desc", limit=None, offset=0) -> list[RunRow]
    count_runs(session, *, where=None) -> int
    run_ids(session, *, where=None, sort="created desc") -> list[int]          job_ids(session, *, limit) -> list[int]
    run_ids_with_answers(session, *, shot, dataset_sha, split, but, limit) -> list[int]
    state_counts(session) -> {state: runs}                     largest_subsets(session) -> {shots: questions}
    run_rows(session, *, run_ids) -> list[RunRow]              run_detail(session, *, run_id) -> RunDetail
    cells(session, *, run_ids) -> list[CellRow]                findings / checkpoints / artifacts / processes(session, *, run_id)
                                                               findings_of / specs_of(session, *, run_ids)
    metric_series(session, *, run_id, name) -> [(phase, epoch, step, value)]
    metric_names(session, *, run_id) -> list[str]              metric_summaries(session, *, run_id) -> list[MetricRow]
    predictions(session, *, run_id, shot, subset_sha=None, order="question_id", limit=None, after=None, question_ids=None)
        -> list[PredictionRow]                                 count_predictions(session, *, run_id, shot, subset_sha=None) -> int
    scores(session, *, run_id, shot, subset_sha) -> {question_id: (score, image_id)}
    question(session, *, dataset_sha, split, question_id) -> rows.Question     questions(..., question_ids) -> {id: rows.Question}
    subset_question_ids(session, *, run_id, subset_sha) -> list[int]
    find_answers(session, *, request_shas) -> {request_sha: rows.StoredAnswer}
    answered(session, *, run_id) -> {(question_id, shot)}      candidates_done(session, *, run_id) -> {(query_id, pointer)}
    candidates(session, *, run_id, after=0, limit=-1) -> [(row id, rows.Candidate)]
    active_processes(session) -> list[ProcessRow]              is_alive(row) -> bool
    list_data(session, *, kind=None) -> list[DataRow]          find_data(session, text) -> DataRow
    known_data(engine, *, kind=None) -> list[DataRow]: registered files looked at again, and what runs wrote
    looked_at(row) -> DataRow: how one of them is found now
    changed_data(engine, paths) -> list[DataRow]: those whose content is not what was registered
    ref(run_id) -> "r12"                                       STATES, ENDED: names of run states
Writing (a `writing` session):
    create_run(session, *, spec, name="", forced=False, environment, parent=None) -> Run
    set_state(session, *, run_id, state)                       resume_run(session, *, run_id) -> Run: an ended run is queued again
    start_process(session, *, run_id, pid, pid_start, boot_id, host, argv, log_path, promise_s=60) -> Process
    heartbeat(session, *, process_id, promise_s=60)            end_process(session, *, process_id, state, exit_code, reason="")
    lost_runs(session, *, alive=is_alive) -> list[int]         marks dead runs as lost; their ids
    add_rows(session, *, run_id, process_id, rows)             may be repeated; DiskFull stores nothing of the batch
    tag / untag(session, *, run_id, tags)    note(session, *, run_id, text)    rename(session, *, run_id, name)
    soft_delete / restore(session, *, run_ids)
    add_data(session, *, path, kind, size, sha256, name="", facts=None, modified_ns=None) -> DataRow
    forget_data(session, *, data_id)
"""

from db.store.adding import add_rows
from db.store.answers import (
    PredictionRow,
    answered,
    candidates,
    candidates_done,
    count_predictions,
    find_answers,
    predictions,
    question,
    questions,
    scores,
    subset_question_ids,
)
from db.store.base import ref
from db.store.detail import (
    CheckpointRow,
    RunDetail,
    artifacts,
    checkpoints,
    findings,
    findings_of,
    run_detail,
    specs_of,
)
from db.store.files import DataRow, add_data, find_data, forget_data, list_data
from db.store.filters import BadFilter
from db.store.jobs import (
    ProcessRow,
    active_processes,
    end_process,
    heartbeat,
    is_alive,
    lost_runs,
    processes,
    start_process,
)
from db.store.known import changed_data, known_data, looked_at
from db.store.listing import FindingCounts, ProgressRow, RunRow, count_runs, list_runs, run_rows
from db.store.matrix import CellRow, cells
from db.store.metrics import MetricRow, metric_names, metric_series, metric_summaries
from db.store.run_lists import job_ids, largest_subsets, run_ids, run_ids_with_answers, state_counts
from db.store.runs import (
    ENDED,
    STATES,
    AnySpec,
    StateConflict,
    create_run,
    default_name,
    find_run,
    get_run,
    note,
    rename,
    restore,
    resume_run,
    set_state,
    soft_delete,
    spec_of,
    tag,
    untag,
)

__all__ = [
    "ENDED",
    "STATES",
    "AnySpec",
    "BadFilter",
    "CellRow",
    "CheckpointRow",
    "DataRow",
    "FindingCounts",
    "MetricRow",
    "PredictionRow",
    "ProcessRow",
    "ProgressRow",
    "RunDetail",
    "RunRow",
    "StateConflict",
    "active_processes",
    "add_data",
    "add_rows",
    "answered",
    "artifacts",
    "candidates",
    "candidates_done",
    "cells",
    "changed_data",
    "checkpoints",
    "count_predictions",
    "count_runs",
    "create_run",
    "default_name",
    "end_process",
    "find_answers",
    "find_data",
    "find_run",
    "findings",
    "findings_of",
    "forget_data",
    "get_run",
    "heartbeat",
    "is_alive",
    "job_ids",
    "known_data",
    "largest_subsets",
    "list_data",
    "list_runs",
    "looked_at",
    "lost_runs",
    "metric_names",
    "metric_series",
    "metric_summaries",
    "note",
    "predictions",
    "processes",
    "question",
    "questions",
    "ref",
    "rename",
    "restore",
    "resume_run",
    "run_detail",
    "run_ids",
    "run_ids_with_answers",
    "run_rows",
    "scores",
    "set_state",
    "soft_delete",
    "spec_of",
    "specs_of",
    "start_process",
    "state_counts",
    "subset_question_ids",
    "tag",
    "untag",
]
