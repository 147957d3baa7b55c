"""The collector: runs whose nodes are processes of this machine, killed, put back, taken away, stopped; every row once."""

from __future__ import annotations

import hashlib
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

from db import rows, store
from db.errors import DatabaseBusy
from db.home import Home
from db.session import writing
from db.specs import EvalSpec, TrainSpec, UserError
from engine.common.models.fingerprint import file_sha
from engine.common.sent import KILL, STOP, Sent, sent, wish
from engine.job.elsewhere import collector
from engine.job.elsewhere.machine import Status, Unreachable
from engine.job.elsewhere.member import answers_for
from engine.job.elsewhere.parcel import carry, fetched
from engine.job.elsewhere.row_files import Writer
from tests.helpers_elsewhere import Away, Here, quick
from tests.helpers_worker import PAUSE_AFTER, PAUSED, QUESTIONS

ALL = {(2, question): "a" for question in range(1, QUESTIONS + 1)}
PAUSES = EvalSpec(vlm="pause", shots=(2,))


@pytest.fixture
def away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Away]:
    quick(monkeypatch)
    machine = Here()
    yield Away(Home(tmp_path / "home"), machine)
    machine.end()


def paused(away: Away, run_id: int, root: Path | None = None) -> bool:
    """The node has answered a third and waits for a signal."""
    return (Home(root or away.home.root).run_dir(run_id) / PAUSED).exists()


def some(away: Away, run_id: int) -> int:
    """How many answers are stored: the signal may meet the node before or after its next one."""
    found = len(away.answers(run_id))
    assert PAUSE_AFTER <= found < QUESTIONS
    return found


def halfway(away: Away, run_id: int) -> bool:
    return paused(away, run_id) and len(away.answers(run_id)) == PAUSE_AFTER


def test_a_run_elsewhere_is_stored_as_one_here(away: Away) -> None:
    run_id = away.queue()
    away.collect(run_id)
    detail = away.detail(run_id)
    assert (detail.row.state, away.answers(run_id)) == ("done", ALL)
    assert detail.row.cells[0].accuracy == 50.0
    assert detail.environment["versions"], "what it was computed with is the node's"
    assert "handed in to Here as job 1" in away.home.log(run_id).read_text()
    assert "r1: done" in away.home.log(run_id).read_text()
    left = {path.name for path in away.home.run_dir(run_id).iterdir()}
    assert left == {"log.txt", "seen"}, "what was handed over is gone"


def test_members_of_a_sweep_are_handed_in_together_and_end_one_by_one(away: Away) -> None:
    run_ids = [away.queue(EvalSpec(vlm=vlm, shots=(2,))) for vlm in ("plain", "user-error", "plain")]
    away.collect(*run_ids)
    assert len(away.machine.handed) == 1
    assert len(away.machine.handed[0]) == 3
    assert [away.row(run_id).state for run_id in run_ids] == ["done", "failed", "done"]
    assert "no data set at /nowhere" in away.process(run_ids[1]).reason


def test_a_stop_is_passed_on_and_a_resumed_run_asks_for_what_is_missing(away: Away) -> None:
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    wish(away.home.run_dir(run_id), STOP)
    away.turn(found)
    assert away.row(run_id).state == "stopped"
    assert away.process(run_id).reason == f"`leverplus resume r{run_id}` goes on from here"
    before = some(away, run_id)
    away.collect(run_id)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)
    assert away.detail(run_id).facts["answered_before"] == before


def test_a_stop_reaches_a_node_that_no_signal_reaches(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(away.machine, "ask_to_stop", lambda jobs: None)
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    wish(away.home.run_dir(run_id), STOP)
    away.turn(found)
    assert away.row(run_id).state == "stopped"


def test_a_kill_ends_what_does_not_listen(away: Away) -> None:
    run_id = away.queue(EvalSpec(vlm="deaf", shots=(2,)))
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    wish(away.home.run_dir(run_id), KILL)
    away.turn(found)
    assert (away.row(run_id).state, away.process(run_id).reason) == ("stopped", "killed on request")


def test_an_attempt_that_is_put_back_waits_again_and_goes_on_from_its_own_rows(away: Away) -> None:
    """As Slurm does at a preemption: the same job, begun again, perhaps on another node, without a word to home."""
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    away.machine.said["1"] = Status("waiting", "PENDING", "BeginTime")
    away.machine.processes["1"].send_signal(signal.SIGTERM)
    away.machine.processes["1"].wait()
    away.turn(found, until=lambda: away.row(run_id).state == "queued")
    assert away.row(run_id).waiting == "Here: waits: BeginTime"
    away.turn(found, until=lambda: found.open[0].ended is not None)
    before = some(away, run_id)
    away.machine.processes["1"] = away.machine.begin(away.machine.handed[0][0])
    del away.machine.said["1"]
    away.turn(found)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)
    assert away.detail(run_id).facts["answered_before"] == before, "its own rows told it, not home"
    assert len(away.machine.handed) == 1


def test_a_node_that_comes_back_does_not_speak_for_the_attempt_that_took_its_place(away: Away) -> None:
    """Slurm gives up a node whose cable is cut and begins the job elsewhere; with the cable back, it ends what was left there."""
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    cut_off, folder = away.machine.processes["1"], away.machine.handed[0][0]
    away.machine.processes["1"] = away.machine.begin(folder)
    away.turn(found, until=lambda: found.open[0].attempt == 2)
    cut_off.send_signal(signal.SIGTERM)
    cut_off.wait()
    read_to_its_end = found.open[0].readers[1]
    away.turn(found, until=lambda: read_to_its_end.offset == read_to_its_end.path.stat().st_size)
    assert not found.open or (found.open[0].ended is None or found.open[0].ended.state == "done")
    assert away.row(run_id).state in ("running", "done")
    away.turn(found)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)


def test_a_killed_node_is_lost_with_its_rows_kept_and_the_words_of_the_queue(away: Away) -> None:
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    away.machine.processes["1"].kill()
    away.turn(found)
    assert away.row(run_id).state == "lost"
    assert "exit code -9" in away.process(run_id).reason
    assert len(away.answers(run_id)) == PAUSE_AFTER
    away.collect(run_id)
    assert away.answers(run_id) == ALL


def test_a_node_that_is_taken_away_is_handed_in_again_a_few_times(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "MOST_TRIES", 3)
    run_id = away.queue(EvalSpec(vlm="die", shots=(2,)))
    away.machine.said = {str(job): Status("gone", "NODE_FAIL") for job in range(1, 9)}
    away.collect(run_id)
    assert len(away.machine.handed) == 3
    assert (away.row(run_id).state, away.process(run_id).reason) == ("lost", "Here took its node away 3 times")


def test_another_collector_finds_the_job_and_stores_nothing_twice(away: Away) -> None:
    run_id = away.queue(PAUSES)
    away.collect(run_id, until=lambda: halfway(away, run_id))
    before = sent(away.home.run_dir(run_id))
    second = away.collect(run_id, until=lambda: True)
    assert sent(away.home.run_dir(run_id)) == before
    assert len(away.machine.handed) == 1
    away.machine.processes["1"].send_signal(signal.SIGTERM)
    away.turn(second)
    some(away, run_id)
    log = away.home.log(run_id).read_text()
    assert log.count("eval begins on") == 1, "the log of the node is taken over once"


def test_what_ended_while_nobody_collected_is_found(away: Away) -> None:
    run_id = away.queue()
    away.collect(run_id, until=lambda: True)
    away.machine.processes["1"].wait()
    away.collect(run_id)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)
    assert len(away.machine.handed) == 1


def test_jobs_that_end_with_their_collector_are_handed_in_again(away: Away) -> None:
    away.machine.lasting = False
    run_id = away.queue(PAUSES)
    away.collect(run_id, until=lambda: halfway(away, run_id))
    away.machine.end()
    away.collect(run_id)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)
    assert len(away.machine.handed) == 2


def test_a_busy_database_is_waited_for_and_loses_no_row(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = away.queue()
    real, failures = store.add_rows, iter(range(5))

    def add_rows(*args: object, **more: object) -> None:
        if next(failures, None) is not None:
            raise DatabaseBusy("held by another program")
        real(*args, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "add_rows", add_rows)
    away.collect(run_id)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)


def test_a_refused_job_fails_with_the_words_of_the_queue(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object) -> None:
        raise UserError("Slurm refuses the job: invalid partition specified: nowhere")

    monkeypatch.setattr(away.machine, "submit", refuse)
    run_ids = [away.queue(), away.queue()]
    away.collect(*run_ids)
    assert [away.row(run_id).state for run_id in run_ids] == ["failed", "failed"]
    assert "invalid partition" in away.process(run_ids[0]).reason


def test_answers_of_other_runs_go_along_and_are_not_asked_for_again(away: Away) -> None:
    first, second = away.queue(), away.queue()
    away.collect(first)
    away.collect(second)
    with writing(away.database) as session:
        assert store.answer_sources(session, run_id=second) == {first: QUESTIONS}


def test_a_fresh_run_and_a_training_are_given_no_answers(away: Away) -> None:
    away.collect(away.queue())
    away.queue(EvalSpec(vlm="plain", fresh=True))
    fresh = away.collector(2)
    with writing(away.database) as session:
        assert answers_for(session, fresh.open, away.home, away.home.root) == ""
    run_id = away.queue(TrainSpec(kind="rce", rl_data="builtin", embeddings="builtin"))
    training = away.collector(run_id)
    with writing(away.database) as session:
        assert answers_for(session, training.open, away.home, away.home.root) == ""


def test_where_nodes_see_another_folder_files_go_there_and_come_back(away: Away, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    given = away.home.root / "runs" / "r99" / "selector.safetensors"
    given.parent.mkdir(parents=True)
    given.write_bytes(b"weights")
    run_id = away.queue(EvalSpec(vlm="pause", shots=(2,), selector=str(given)), resources={"shared": str(shared)})
    found = away.collector(run_id)
    root = found.open[0].root
    found.begin()
    away.turn(found, until=lambda: paused(away, run_id, root))
    assert root.parent == shared
    assert root.stat().st_mode & 0o77 == 0, "what lies there is executed: nobody else may write to it"
    assert (root / "runs" / "r99" / "selector.safetensors").read_bytes() == b"weights"
    written = root / "runs" / f"r{run_id}" / "state.bin"
    written.write_bytes(b"state")
    wish(away.home.run_dir(run_id), STOP)
    away.turn(found)
    assert away.row(run_id).state == "stopped"
    assert (away.home.run_dir(run_id) / "state.bin").read_bytes() == b"state", "a local resume has what the node left"
    assert not (away.home.run_dir(run_id) / "elsewhere").exists()
    away.collect(run_id)
    assert away.answers(run_id) == ALL


def test_an_artifact_of_a_mirrored_home_is_brought_before_its_row(away: Away, tmp_path: Path) -> None:
    run_id = away.queue(resources={"shared": str(tmp_path / "shared")})
    found = away.collector(run_id)
    member = found.open[0]
    with writing(away.database) as session:
        folder = member.hand_over(session, "")
    member.sent = Sent("Here", "1", str(folder))
    there = member.root / "runs" / f"r{run_id}" / "embeddings.safetensors"
    there.write_bytes(b"vectors")
    sha256 = file_sha(there)
    Writer(folder).append([rows.Artifact("embeddings", str(there), sha256, {"at": str(there)})])
    member.read()
    here = away.home.run_dir(run_id) / "embeddings.safetensors"
    assert here.read_bytes() == b"vectors"
    ((_, frame),) = member.unstored
    assert member._brought(frame) == [rows.Artifact("embeddings", str(here), sha256, {"at": str(here)})]  # type: ignore[arg-type]


def silent(away: Away, monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """A queue that nobody reaches; what is returned lets it answer."""
    answers = away.machine.statuses

    def no_answer(jobs: Sequence[str]) -> None:
        raise Unreachable("Unable to contact slurm controller")

    monkeypatch.setattr(away.machine, "statuses", no_answer)
    return lambda: monkeypatch.setattr(away.machine, "statuses", answers)


def test_runs_are_handed_in_when_the_queue_answers(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    let_answer = silent(away, monkeypatch)
    run_ids = [away.queue(EvalSpec(vlm="plain", shots=(2,), seed=seed)) for seed in (1, 2)]
    found = away.collect(*run_ids, until=lambda: "does not answer" in away.row(run_ids[1]).waiting)
    found.turn()
    assert (away.machine.handed, away.row(run_ids[0]).state) == ([], "queued")
    let_answer()
    away.turn(found)
    assert len(away.machine.handed) == 1, "still together"
    assert [away.row(run_id).state for run_id in run_ids] == ["done", "done"]


def test_a_node_that_is_lost_while_the_queue_is_silent_is_no_end_of_its_run(
    away: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = away.queue(PAUSES)
    found = away.collect(run_id, until=lambda: halfway(away, run_id))
    away.machine.processes["1"].kill()
    away.machine.said["1"] = Status("gone", "NODE_FAIL")
    found._ask()
    let_answer = silent(away, monkeypatch)
    found._see(found.open[0], True)
    found._see(found.open[0], True)
    for _ in range(collector.LAST_WORDS):
        found._see(found.open[0], True)
    assert "does not answer" in away.row(run_id).waiting
    let_answer()
    away.turn(found)
    assert (away.row(run_id).state, away.answers(run_id)) == ("done", ALL)


def test_a_run_that_was_not_handed_in_yet_can_be_stopped(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    silent(away, monkeypatch)
    run_id = away.queue()
    found = away.collect(run_id, until=lambda: "does not answer" in away.row(run_id).waiting)
    wish(away.home.run_dir(run_id), STOP)
    away.turn(found)
    assert (away.row(run_id).state, away.machine.handed) == ("stopped", [])
    assert away.process(run_id).reason == "stopped before Here answered"


def test_a_file_is_known_by_what_it_holds_and_not_by_size_and_time(tmp_path: Path) -> None:
    """A network disk tells both of a while ago: the last weights of a training stayed those of the epoch before."""
    there, here = tmp_path / "there", tmp_path / "here"
    there.write_bytes(b"epoch 11")
    carry(there, here)
    when = there.stat()
    there.write_bytes(b"epoch 12")
    os.utime(there, ns=(when.st_atime_ns, when.st_mtime_ns))
    carry(there, here)
    assert here.read_bytes() == b"epoch 11", "size and time say that nothing changed"
    assert fetched(there, here, file_sha(there))
    assert here.read_bytes() == b"epoch 12"
    assert not fetched(there, here, "0" * 64), "not the file that is meant: it comes later"
    assert not fetched(tmp_path / "nowhere", here, "0" * 64)
    assert here.read_bytes() == b"epoch 12"
    there.write_bytes(b"epoch 13")
    os.utime(there, ns=(when.st_atime_ns, when.st_mtime_ns))
    carry(there, here, anew=True)
    assert here.read_bytes() == b"epoch 13"


def test_a_run_is_done_when_the_files_have_come_that_its_rows_promise(
    away: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = away.queue(resources={"shared": str(tmp_path / "shared")})
    found = away.collector(run_id)
    member = found.open[0]
    member.promised["runs/late"] = hashlib.sha256(b"weights").hexdigest()
    found.begin()
    away.turn(found, until=lambda: member.unheard > 1)
    assert (away.row(run_id).state, member.ended is not None) == ("running", True)
    (member.root / "runs/late").write_bytes(b"weights")
    away.turn(found)
    assert away.row(run_id).state == "done"
    assert (away.home.root / "runs/late").read_bytes() == b"weights"


def test_a_file_that_never_comes_is_named(away: Away, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(collector, "LAST_FILES", 2)
    run_id = away.queue(resources={"shared": str(tmp_path / "shared")})
    found = away.collector(run_id)
    found.open[0].promised["runs/never"] = "0" * 64
    found.begin()
    away.turn(found)
    assert away.row(run_id).state == "done"
    assert "runs/never" in away.home.log(run_id).read_text()


def test_what_a_node_left_goes_along_when_its_run_is_handed_in_again(away: Away, tmp_path: Path) -> None:
    """A state that home has from an earlier submission must not take the place of a newer one."""
    run_id = away.queue(EvalSpec(vlm="pause", shots=(2,)), resources={"shared": str(tmp_path / "shared")})
    found = away.collector(run_id)
    root = found.open[0].root
    away.home.run_dir(run_id).mkdir(parents=True, exist_ok=True)
    (away.home.run_dir(run_id) / "state.bin").write_bytes(b"first")
    found.begin()
    away.turn(found, until=lambda: paused(away, run_id, root))
    state = root / "runs" / f"r{run_id}" / "state.bin"
    assert state.read_bytes() == b"first"
    state.write_bytes(b"second")
    away.machine.processes["1"].kill()
    away.machine.said["1"] = Status("gone", "NODE_FAIL")
    away.turn(found, until=lambda: len(away.machine.handed) == 2)
    assert state.read_bytes() == b"second"
    away.turn(found)
    assert away.answers(run_id) == ALL


def test_a_node_whose_parent_is_gone_stops_by_itself(away: Away) -> None:
    """As a task of Ray's that was killed: its program must not go on unseen."""
    run_id = away.queue(EvalSpec(vlm="pause", shots=(2,)))
    found = away.collector(run_id)
    with writing(away.database) as session:
        folder = found.open[0].hand_over(session, "")
    process = away.machine.begin(folder, str(os.getpid() + 1))
    assert process.wait() == 0
    assert "stopped" in (folder / "log.txt").read_text()


def test_a_node_of_another_version_works_on_nothing(away: Away, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.job.elsewhere.parcel.versions", lambda: {"leverplus": "9.9"})
    run_id = away.queue()
    away.collect(run_id)
    assert away.row(run_id).state == "failed"
    assert "home has leverplus 9.9" in away.process(run_id).reason
    assert away.answers(run_id) == {}
