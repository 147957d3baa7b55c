"""Questions to the database and the few writes: keyword functions that take a session of `db.session`.

Reading (a `reading` or `writing` session):
    find_run(session, text, *, deleted=False) -> Run           text: `r12`, `12` or a name; UserError names near misses
    get_run(session, *, run_id) -> Run                         spec_of / spec_text(session, *, run)
    list_runs(session, *, where=None, sort="created desc", limit=None, offset=0) -> list[RunRow]
    count_runs(session, *, where=None) -> int
    run_ids(session, *, where=None, sort="created desc") -> list[int]          job_ids(session, *, limit) -> list[int]
    run_ids_with_answers(session, *, shot, dataset_sha, split, but, limit) -> list[int]
    runs_that_wrote(session, *, path) -> run ids
    run_values(session, *, run_ids, fields) -> {run id: {field: value}}        metric_names(session) -> list[str]
    varying_settings(session, *, run_ids) -> list[str]         setting_fields() -> all settings that a filter can name
    state_counts(session) -> {state: runs}                     largest_subsets(session) -> {shots: questions}
    run_rows(session, *, run_ids) -> list[RunRow]              run_detail(session, *, run_id) -> RunDetail
    run_of_spec(session, *, spec) -> run id or None            note_of(session, *, run_id) -> str
    twin(session, *, spec) -> run id or None: the one to expect the same of
    done_before(session, *, run_id, fields, most) -> run ids that agree in these settings, newest first
    measured_cells(session, *, subset_shas, retrievers) -> list[MeasuredCell]     evaluations_on(session, *, subset_shas, vlm)
    chosen(session, *, run_id, shot) -> {question_id: demonstrations}          newest_with_selector(session, *, paths) -> run id
    cells(session, *, run_ids) -> list[CellRow]                findings / checkpoints / artifacts / processes(session, *, run_id)
                                                               findings_of / specs_of(session, *, run_ids)
    metric_series(session, *, run_id, name) -> [(phase, epoch, step, value)]
    metric_summaries(session, *, run_id) -> list[MetricRow]
    predictions(session, *, run_id, shot, subset_sha=None, order="question_id", limit=None, after=None, question_ids=None)
        -> list[PredictionRow]
    scores(session, *, run_id, shot, subset_sha) -> {question_id: (score, image_id)}
    shown(session, *, run_id, shot) -> (question_ids, answers, demonstrations), each as JSON
    answers_to(session, *, dataset_sha, split, question_ids) -> [(question_id, image_id, references as JSON, label)]
    questions(session, *, dataset_sha, split, question_ids) -> {id: rows.Question}
    find_answers(session, *, request_shas) -> {request_sha: rows.StoredAnswer}
    stored_predictions(session, *, run_id) -> list[rows.Prediction]
    answer_sources(session, *, run_id) -> {run id or None: answers}
    answered(session, *, run_id) -> {(question_id, shot)}     unanswered(session, *, run_id) -> int: asked in vain
    candidates(session, *, run_id, after=0, limit=-1) -> [(row id, rows.Candidate)]
    inputs(session, *, run_id) -> {role: rows.Input}           facts(session, *, run_id) -> {name: value}
    active_processes(session) -> list[ProcessRow]              is_alive(row) -> bool
    list_data(session, *, kind=None) -> list[DataRow]          find_data(session, text) -> DataRow
    all_data(engine, *, kind=None) -> list[DataRow]: registered files looked at again, and what runs wrote
    as_on_disk(row) -> DataRow: how one of them is found now
    changed_data(engine, paths) -> list[DataRow]: those whose content is not what was registered
    left_elsewhere(session) -> list[TicketRow]: sent away and lost here
    runners(session) -> list[str]: other places that runs were sent to
    tickets(session) -> list[TicketRow]: the queue             unfinished_tickets(session, *, limit): left before they were done
    ticket_of(session, *, run_id) -> TicketRow or None
    states(session, *, run_ids) -> {run id: state}             paces(session, *, kind) -> list[Pace]
    list_sweeps(session) / get_sweep(session, *, sweep_id) / find_sweep(session, text) -> SweepRow
    sweep_of(session, *, run_id) -> sweep id or None
    deleted_runs(session) -> run ids                           referrers(session, *, but=()) -> {run id: what uses its files}
    promised_files(session) -> list[PromisedFile]              wrong_cells(session) -> list[WrongCell]
    untrue_series(session) -> [(run, series, name)]
    run_states(session) -> {run id: state}                     refers_to_nothing(session) -> sentences
    trials(session, *, run_id, question_id=None) -> list[TrialRow]: what was tried on an evaluation
    trial(session, *, trial_id) -> TrialRow or None            waits(session, *, run_id) -> bool: anybody waits for an answer
    asking_run(session, *, run_id) -> Run or None: the job that is asked about an evaluation
    asking_runs(session, *, run_ids) -> run ids                askers(session, *, run_id, process_id) -> processes
    names_of(session, *, run_ids) -> {run id: name}            snapshot(session, *, sha256) -> text
    ref(run_id) -> "r12"                                       STATES, ACTIVE, ENDED, FAILED, UNFINISHED: run states
Writing (a `writing` session):
    create_run(session, *, spec, name="", forced=False, environment, parent=None) -> Run
    set_state(session, *, run_id, state)                       resume_run(session, *, run_id) -> Run: an ended run is queued again
    start_process(session, *, run_id, pid, pid_start, boot_id, host, argv, log_path, promise_s=60) -> Process
    heartbeat(session, *, process_id, promise_s=60)            end_process(session, *, process_id, state, exit_code, reason="")
    lost_runs(session, *, alive=is_alive) -> list[int]         marks dead runs as lost; their ids
    add_rows(session, *, run_id, process_id, rows)             may be repeated; DiskFull stores nothing of the batch
    drop_findings(session, *, run_id, codes)
    enqueue(session, *, run_id, device, priority=0, memory_mb=0, needs=(), retries=0, time_limit_s=None, runner="", batch=None)
    pause(session, *, run_ids, paused=True)    prioritise(session, *, run_id, priority)    move_before(session, *, run_id, other)
    say_elsewhere(session, *, run_id, process_id, state, waiting, first=False)
    grant(session, *, run_ids, lane)    say_waiting(session, *, reasons)    try_again(session, *, run_id, not_before)
    note_gone(session, *, checkpoint_id)    set_cell(session, *, cell, n_done, accuracy, ci_low, ci_high)    pause_all(session)
    give_up(session, *, run_id): no more tries
    drop_ticket(session, *, run_id)     at_once(session, *, run_id): no pause before its next try
    settle_spec(session, *, run, spec): names of files in place of names of runs
    keep_snapshot(session, *, text) -> sha256              set_environment(session, *, run_id, environment)
    create_sweep(session, *, name, kind, axes, members) -> sweep id
    tag / untag(session, *, run_id, tags)    note(session, *, run_id, text)    rename(session, *, run_id, name)
    soft_delete / restore(session, *, run_ids)            discard(session, *, run_id)
    add_trial(session, *, run_id, request, asker=None) -> number       forget_trials(session, *, trial_ids) -> int
    take_trial(session, *, run_id, process_id) -> (number, TrialSpec) or None
    add_data(session, *, path, kind, size, sha256, name="", facts=None, modified_ns=None) -> DataRow
    forget_data(session, *, data_id)
"""

from db.run_states import ACTIVE, ENDED, FAILED, STATES, UNFINISHED
from db.store.base import ref
from db.store.data.data_on_disk import all_data, as_on_disk, changed_data
from db.store.data.files import DataRow, add_data, find_data, forget_data, list_data
from db.store.data.snapshots import keep_snapshot, snapshot
from db.store.figures.adding import add_rows
from db.store.figures.answers import (
    PredictionRow,
    answer_sources,
    answered,
    answers_to,
    candidates,
    find_answers,
    predictions,
    questions,
    scores,
    shown,
    stored_predictions,
    unanswered,
)
from db.store.figures.evaluations import MeasuredCell, chosen, evaluations_on, measured_cells, newest_with_selector
from db.store.figures.matrix import CellRow, cells
from db.store.figures.metrics import MetricRow, metric_series, metric_summaries, sum_up, untrue_series
from db.store.jobs.inputs import drop_findings, facts, inputs
from db.store.jobs.jobs import (
    ProcessRow,
    active_processes,
    end_process,
    heartbeat,
    is_alive,
    lost_runs,
    processes,
    start_process,
)
from db.store.jobs.keeping import (
    PromisedFile,
    WrongCell,
    deleted_runs,
    names_of,
    note_gone,
    pause_all,
    promised_files,
    referrers,
    refers_to_nothing,
    run_states,
    set_cell,
    wrong_cells,
)
from db.store.jobs.queue import (
    TicketRow,
    at_once,
    drop_ticket,
    enqueue,
    give_up,
    grant,
    left_elsewhere,
    move_before,
    pause,
    prioritise,
    runners,
    say_elsewhere,
    say_waiting,
    states,
    ticket_of,
    tickets,
    try_again,
    unfinished_tickets,
)
from db.store.jobs.runs import (
    Run,
    StateConflict,
    asking_run,
    create_run,
    default_name,
    discard,
    done_before,
    find_run,
    get_run,
    note,
    note_of,
    rename,
    restore,
    resume_run,
    run_of_spec,
    set_environment,
    set_state,
    soft_delete,
    spec_of,
    spec_text,
    tag,
    twin,
    untag,
)
from db.store.jobs.sweeps import (
    Pace,
    SweepRow,
    create_sweep,
    find_sweep,
    get_sweep,
    list_sweeps,
    paces,
    settle_spec,
    sweep_of,
)
from db.store.jobs.trials import (
    TrialRow,
    add_trial,
    askers,
    asking_runs,
    forget_trials,
    take_trial,
    trial,
    trials,
    waits,
)
from db.store.lists.detail import (
    CheckpointRow,
    RunDetail,
    artifacts,
    checkpoints,
    findings,
    findings_of,
    run_detail,
    specs_of,
)
from db.store.lists.filters import BadFilter
from db.store.lists.listing import FindingCounts, ProgressRow, RunRow, count_runs, list_runs, run_rows
from db.store.lists.run_lists import (
    job_ids,
    largest_subsets,
    run_ids,
    run_ids_with_answers,
    run_values,
    runs_that_wrote,
    state_counts,
)
from db.store.lists.settings import metric_names, setting_fields, smaller_is_better, varying_settings
