"""The queue with real job processes: starts, retries, limits, dependencies, and dispatchers that die."""

from __future__ import annotations

import errno
import json
import os
import signal
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import process, store
from db.home import Home
from db.session import DatabaseFile, DatabaseUnwritable, DiskFull, reading, writing
from db.specs import EvalSpec, TrainSpec, UserError
from engine.common.models import memory
from leverplus_tui.jobs import launcher
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.queue import dispatcher as module
from leverplus_tui.queue import lanes as devices
from leverplus_tui.queue import lock, submit, time_limits
from leverplus_tui.queue.dispatcher import Dispatcher
from leverplus_tui.queue.submit import Entry, Wish
from tests.helpers_cli import Desk, make_desk


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path, monkeypatch)
    monkeypatch.setattr(submit, "ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr(module, "lanes", lambda _: {"cpu": 16_000})
    return desk


AT_ITS_TURN = Wish()


class Said(list[str]):
    """Lines of a log."""

    __call__ = list.append


def queued(desk: Desk, vlm: str, wish: Wish = AT_ITS_TURN, **fields: Any) -> int:
    spec = EvalSpec(vlm=vlm, device="cpu", **fields)
    return submit.submit(desk.home, [Entry(spec)], wish)[0]


def ticket(desk: Desk, run_id: int) -> store.TicketRow:
    with reading(desk.database) as session:
        found = store.ticket_of(session, run_id=run_id)
    assert found is not None
    return found


def test_jobs_run_one_after_the_other_and_the_queue_ends(desk: Desk) -> None:
    first, second = queued(desk, "pause"), queued(desk, "plain")
    queue = Dispatcher(desk.home)
    assert queue.turn()
    process_row = desk.until_paused(first)
    assert queue.turn()
    assert ticket(desk, second).waiting == "waits for cpu: r1 at work"
    assert desk.json("show", "r2")["waiting"] == "waits for cpu: r1 at work"
    os.kill(process_row.pid, signal.SIGTERM)
    desk.until(first, "stopped")
    assert queue.turn()
    desk.until(second, "done")
    assert not queue.turn()


def test_a_job_that_was_started_at_once_is_waited_for(desk: Desk) -> None:
    running = desk.launch("pause")
    waiting = queued(desk, "plain")
    desk.until_paused(running)
    Dispatcher(desk.home).turn()
    assert ticket(desk, waiting).waiting == "waits for cpu: r1 at work"
    launcher.stop(desk.home, running)


def listed_gpus(
    folder: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines: str,
    visible: str | None = None,
    *,
    parts: str = "",
    ends: int = 0,
) -> None:
    """A driver that lists these GPUs, and with `-L` these parts of them: no GPU is there."""
    folder.mkdir(exist_ok=True)
    (folder / "cards").write_text(f"{lines}\n")
    (folder / "parts").write_text(parts)
    tool = folder / "nvidia-smi"
    tool.write_text(f'#!/bin/sh\n[ "$1" = -L ] && cat {folder}/parts || cat {folder}/cards\nexit {ends}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=os.pathsep)
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if visible is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)


CARDS = "0, GPU-aaa-1, 81559\n1, GPU-bbb-2, 24564\n2, GPU-ccc-3, [N/A]"


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, {"cuda:0": 81_559, "cuda:1": 24_564, "cuda:2": 0}),
        ("1,0", {"cuda:0": 24_564, "cuda:1": 81_559}),
        (" 1 , 0", {"cuda:0": 24_564, "cuda:1": 81_559}),
        ("GPU-bbb", {"cuda:0": 24_564}),
        ("MIG-xyz", {"cuda:0": 0}),
        ("", {}),
        ("-1", {}),
        ("0,-1,1", {"cuda:0": 81_559}),
        ("7,0", {}),
    ],
)
def test_a_gpu_has_the_memory_of_the_one_that_is_visible_in_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: dict[str, int]
) -> None:
    """CUDA sees nothing behind a word that names no card."""
    listed_gpus(tmp_path / "bin", monkeypatch, CARDS, visible)
    found = devices.lanes()
    assert found.pop("cpu") > 0
    assert found == expected


def test_jobs_share_what_a_container_has_and_not_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "memory_of_machine", lambda: (2 << 30, 1 << 30))
    assert devices.lanes()["cpu"] == 2048
    monkeypatch.setattr(memory, "memory_of_machine", lambda: None)
    assert devices.lanes()["cpu"] > 0


PARTED = """\
GPU 0: NVIDIA H100 (UUID: GPU-aaa-1)
  MIG 1g.10gb     Device  0: (UUID: MIG-p)
  MIG 3g.40gb+me  Device  1: (UUID: MIG-q)
GPU 1: NVIDIA A30 (UUID: GPU-bbb-2)
"""


@pytest.mark.parametrize(
    ("visible", "expected"),
    [
        (None, [("cuda:1", "GPU-bbb-2", 24_564), ("cuda:2", "MIG-p", 10_240), ("cuda:3", "MIG-q", 40_960)]),
        ("MIG-q", [("cuda:0", "MIG-q", 40_960)]),
        ("GPU-bbb", [("cuda:0", "GPU-bbb", 24_564)]),
    ],
)
def test_each_part_of_a_card_is_a_device(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, visible: str | None, expected: list[tuple[str, str, int]]
) -> None:
    listed_gpus(tmp_path / "bin", monkeypatch, CARDS.rpartition("\n")[0], visible, parts=PARTED)
    assert devices.gpus(os.environ) == [devices.Gpu(*one) for one in expected]
    name, word, _ = expected[-1]
    assert devices.environment("auto", (name,), os.environ) == {"CUDA_VISIBLE_DEVICES": word}


def test_a_card_that_fails_is_looked_for_again_and_a_silent_driver_takes_none_away(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "lanes", devices.lanes)
    desk.database.dispose()
    queue = Dispatcher(desk.home)
    for told, ends, seen in (
        (CARDS, 0, {"cuda:0", "cuda:1", "cuda:2"}),
        ("0, GPU-aaa-1, 81559\nUnable to determine the device handle for GPU1: Unknown Error", 15, {"cuda:0"}),
        ("Failed to initialize NVML: Driver/library version mismatch", 18, {"cuda:0"}),
        (CARDS, 0, {"cuda:0", "cuda:1", "cuda:2"}),
        ("No devices were found", 0, set()),
    ):
        listed_gpus(tmp_path / "bin", monkeypatch, told, ends=ends)
        queue._looked = -module.DEVICES_S
        assert set(queue.lanes) - {"cpu"} == seen, told


def test_a_run_that_declares_more_than_any_device_has_is_refused(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would wait for ever."""
    listed_gpus(tmp_path / "bin", monkeypatch, CARDS.rpartition("\n")[0])
    words = ("--vlm", "plain", "--device", "cuda", "--memory", "100")
    said = "declares 102400 MB, and cuda:0 or cuda:1 has 81559 MB: queue it with less --memory"
    assert said in desk.call("run", "eval", *words, "--queue", code=2).stderr
    assert said in desk.call("sweep", "eval", *words, "--seeds", "2", "--detach", code=2).stderr
    assert desk.json("runs") == []
    run_id = submit.submit(desk.home, [Entry(EvalSpec(vlm="plain", device="cuda"))], AT_ITS_TURN)[0]
    desk.call("stop", "r1")
    assert said in desk.call("resume", "r1", "--memory", "100", code=2).stderr
    assert desk.state(run_id) == "stopped"


def test_small_jobs_share_a_listed_gpu_by_declared_memory(
    desk: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Real processes on a listing that is not true: what is seen is who starts, what they are told, and who waits."""
    listed_gpus(tmp_path / "bin", monkeypatch, "0, GPU-a, 80000\n1, GPU-b, 80000\n2, GPU-c, 80000", "2,0")
    monkeypatch.setattr(module, "lanes", devices.lanes)
    entries = [Entry(EvalSpec(vlm="pause", device="cuda", seed=seed)) for seed in range(4)]
    small = submit.submit(desk.home, entries, Wish(memory_mb=30_000))
    (alone,) = submit.submit(desk.home, [Entry(EvalSpec(vlm="pause", device="cuda", seed=9))], AT_ITS_TURN)
    queue = Dispatcher(desk.home)
    assert queue.turn()
    told = {}
    for run_id in small:
        row = desk.until_paused(run_id)
        words = Path(f"/proc/{row.pid}/environ").read_bytes().split(b"\0")
        told[run_id] = [word.decode().partition("=")[2] for word in words if word.startswith(b"CUDA_VISIBLE_DEVICES=")]
    assert list(told.values()) == [["2"], ["2"], ["0"], ["0"]]
    assert [ticket(desk, run_id).lane for run_id in small] == ["cuda:0", "cuda:0", "cuda:1", "cuda:1"]
    assert queue.turn()
    assert ticket(desk, alone).waiting == "waits for cuda:0 or cuda:1: r1, r2, r3, r4 at work"
    for run_id in small:
        launcher.stop(desk.home, run_id)
    queue.turn()
    desk.until_paused(alone)
    launcher.stop(desk.home, alone)


def test_priorities_and_places_decide_who_is_next(desk: Desk) -> None:
    first, second, third = (queued(desk, "plain") for _ in range(3))
    desk.call("priority", f"r{third}", "5")
    desk.call("queue", "move", f"r{second}", "--before", f"r{first}")
    assert [row["run"] for row in desk.json("queue")] == ["r3", "r2", "r1"]
    desk.call("queue", "move", f"r{first}")
    assert [(row["run"], row["priority"]) for row in desk.json("queue")] == [("r1", 5), ("r3", 5), ("r2", 0)]
    desk.call("pause", "r1")
    assert desk.json("queue")[0]["paused"]
    desk.call("unpause", "r1")
    desk.call("queue", "cancel", "r1", "r2", "r3")
    assert desk.json("queue") == []
    assert [desk.state(run) for run in (first, second, third)] == ["stopped"] * 3
    assert "does not wait" in desk.call("pause", "r1", code=2).stderr


@given(st.data())
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_run_that_is_moved_leaves_the_others_in_their_order(desk: Desk, data: st.DataObject) -> None:
    """Also where several were queued in the same microsecond, or put there by earlier moves."""
    with writing(desk.database) as session:
        for one in store.tickets(session):
            store.discard(session, run_id=one.run_id)
        for place, priority in data.draw(
            st.lists(st.tuples(st.integers(1, 4), st.integers(0, 1)), min_size=2, max_size=6)
        ):
            run = store.create_run(session, spec=EvalSpec(), environment={})
            assert run.id is not None
            store.enqueue(session, run_id=run.id, device="cpu", priority=priority)
            session.run("UPDATE ticket SET place = ? WHERE run_id = ?", (place, run.id))
        for _ in range(3):
            before = [one.run_id for one in store.tickets(session)]
            moved = data.draw(st.sampled_from(before))
            rest = [run_id for run_id in before if run_id != moved]
            other = data.draw(st.sampled_from([None, *rest]))
            store.move_before(session, run_id=moved, other=other)
            at = 0 if other is None else rest.index(other)
            assert [one.run_id for one in store.tickets(session)] == [*rest[:at], moved, *rest[at:]]


def test_a_lost_job_is_tried_again_as_often_as_it_may(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE_S", 0.0)
    run_id = queued(desk, "die", Wish(retries=1))
    queue = Dispatcher(desk.home)
    queue.turn()
    for tries in (1, 2):
        desk.wait(lambda tries=tries: len(desk.detail(run_id).processes) == tries)  # type: ignore[misc]
        row = desk.detail(run_id).processes[-1]
        desk.wait(lambda row=row: not store.is_alive(row))  # type: ignore[misc]
        queue.turn()
        queue.turn()
    assert desk.state(run_id) == "lost"
    assert (ticket(desk, run_id).tried, len(desk.detail(run_id).processes)) == (1, 2)
    assert not queue.goes_on()


def test_a_failed_run_that_somebody_stops_is_not_tried_again(desk: Desk) -> None:
    """Between its failure and the next look of the dispatcher."""
    run_id = queued(desk, "bug", Wish(retries=3))
    queue = Dispatcher(desk.home)
    queue.turn()
    desk.until(run_id, "failed")
    desk.call("stop", "r1")
    assert not queue.turn()
    assert (desk.state(run_id), len(desk.detail(run_id).processes)) == ("failed", 1)


def test_a_wrong_input_is_not_tried_again(desk: Desk) -> None:
    run_id = queued(desk, "user-error", Wish(retries=3))
    queue = Dispatcher(desk.home)
    queue.turn()
    desk.until(run_id, "failed")
    assert not queue.turn()
    assert len(desk.detail(run_id).processes) == 1


def test_a_job_that_takes_too_long_is_asked_then_killed(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = queued(desk, "deaf", Wish(time_limit_s=60))
    queue = Dispatcher(desk.home)
    queue.turn()
    row = desk.until_paused(run_id)
    age = 61.0
    monkeypatch.setattr(process, "age_s", lambda *_: age)
    queue.turn()
    assert [finding.code for finding in desk.detail(run_id).findings] == ["time-limit"]
    assert desk.state(run_id) == "running"
    age = 60.0 + time_limits.GRACE_S
    queue.turn()
    desk.wait(lambda: not store.is_alive(row))
    assert desk.state(run_id) == "stopped"
    assert desk.detail(run_id).processes[-1].reason == "time limit of 1m00 reached, killed 20s later"
    assert not queue.turn()


def test_the_age_of_a_process_is_the_kernels() -> None:
    far = datetime(1990, 1, 1, tzinfo=UTC)
    assert 0 <= process.age_s(process.pid_start(os.getpid()), far) < 86_400


def test_a_run_that_names_an_unfinished_one_waits_for_what_it_writes(desk: Desk) -> None:
    first = queued(desk, "plain")
    refused = desk.call("run", "eval", "--vlm", "plain", "--selector", "r1", code=2)
    assert "--queue waits for it" in refused.stderr
    desk.call("run", "eval", "--vlm", "plain", "--selector", "r1", "--device", "cpu", "--queue")
    assert ticket(desk, 2).needs == (first,)
    queue = Dispatcher(desk.home)
    queue.turn()
    desk.until(first, "done")
    queue.turn()
    assert desk.state(2) == "failed"
    last = desk.detail(2).processes[-1]
    assert (last.exit_code, "r1: that run (eval, done) wrote nothing of the kind" in last.reason) == (2, True)
    assert "wrote nothing" in desk.log(2)


def test_then_is_queued_behind_a_run_and_takes_what_it_writes(desk: Desk) -> None:
    assert "give one of eval" in desk.call("run", "eval", "--queue", "--then", "dance", code=2).stderr
    desk.call("run", "eval", "--vlm", "plain", "--queue", "--then", "eval --vlm plain --shot 1")
    assert ticket(desk, 2).needs == (1,)
    with reading(desk.database) as session:
        spec = store.spec_of(session, run=store.get_run(session, run_id=2))
    assert isinstance(spec, EvalSpec)
    assert (spec.shots, spec.selector) == ((1,), "")


def test_then_takes_every_option_or_refuses_it(desk: Desk) -> None:
    for words, option in {
        "eval --retries 2": "--retries",
        "eval --then eval": "--then",
        "eval --force": "--force",
    }.items():
        told = desk.call("run", "eval", "--vlm", "plain", "--queue", "--then", words, code=2).stderr
        assert f"{option} cannot be given to a run that follows" in told
    desk.call("run", "eval", "--vlm", "plain", "--queue", "--then", "eval --preset published --vlm plain --shot 1")
    with reading(desk.database) as session:
        spec = store.spec_of(session, run=store.get_run(session, run_id=2))
    assert spec == build_spec("eval", {"vlm": "plain", "shots": ["1"]}, preset="published")
    assert spec != build_spec("eval", {"vlm": "plain", "shots": ["1"]})


def test_then_leaves_one_json_document(desk: Desk) -> None:
    told = desk.call("run", "eval", "--vlm", "plain", "--device", "cpu", "--json", "--then", "eval --vlm plain")
    assert json.loads(told.stdout)["status"] == "done"


def test_then_after_a_training_evaluates_its_selector(desk: Desk) -> None:
    words = ("--data", "builtin", "--embeddings", "builtin", "--device", "cpu", "--queue")
    desk.call("run", "rce", *words, "--then", "eval --vlm plain")
    with reading(desk.database) as session:
        specs = [store.spec_of(session, run=store.get_run(session, run_id=run)) for run in (1, 2)]
    assert isinstance(specs[0], TrainSpec)
    assert isinstance(specs[1], EvalSpec)
    assert specs[1].selector == "r1"


def test_a_run_cannot_wait_for_itself(desk: Desk) -> None:
    first = queued(desk, "plain")
    second = queued(desk, "plain", Wish(needs=(first,)))
    with pytest.raises(UserError, match="r1 cannot wait for r2, which waits for r1"), writing(desk.database) as session:
        store.enqueue(session, run_id=first, device="cpu", needs=[second])


def test_a_home_that_is_moved_away_is_begun_nowhere_else(
    desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither by the job that works nor by those that wait, which would each be lost there."""
    running, waiting = queued(desk, "pause"), queued(desk, "plain")
    queue = Dispatcher(desk.home)
    queue.turn()
    row = desk.until_paused(running)
    desk.home.root.rename(tmp_path / "elsewhere")
    moved = Desk(Home(tmp_path / "elsewhere"))
    with pytest.raises(DatabaseUnwritable, match="moved, deleted or replaced"):
        queue.turn()
    with pytest.raises(DatabaseUnwritable, match="is not there: the home was moved"):
        Dispatcher(desk.home)
    assert module.main(["--home", str(desk.home.root)]) == 1
    assert "queue.lock" in capsys.readouterr().err
    worker = launcher.spawn([*launcher.WORKER, "--home", str(desk.home.root), "r2"], tmp_path / "log")
    assert worker.wait() == 2, (tmp_path / "log").read_text()
    os.kill(row.pid, signal.SIGTERM)
    moved.until(running, "failed")
    assert "put the home back" in moved.detail(running).processes[-1].reason
    moved.wait(lambda: not store.is_alive(row))
    assert not desk.home.root.exists()
    Dispatcher(moved.home).turn()
    moved.until(waiting, "done")


def test_of_two_dispatchers_one_works(desk: Desk) -> None:
    queued(desk, "plain")
    held = lock.take(desk.home)
    assert held is not None
    assert lock.take(desk.home) is None
    os.close(held)
    again = lock.take(desk.home)
    assert again is not None
    os.close(again)


def test_a_dead_dispatcher_is_replaced_by_the_next_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[Any, ...]] = []
    monkeypatch.setattr(launcher, "spawn", lambda *words, **_: started.append(words))
    queued(desk, "plain")
    held = lock.take(desk.home)
    lock.ensure_dispatcher(desk.home, desk.database)
    assert started == [], "one is at work"
    assert held is not None
    os.close(held)
    lock.ensure_dispatcher(desk.home, desk.database)
    assert len(started) == 1
    desk.call("queue", "cancel", "r1")
    lock.ensure_dispatcher(desk.home, desk.database)
    assert len(started) == 1, "nothing waits"


@pytest.mark.parametrize(
    "words", ["runs", "show r1", "queue list", "sweep list", "tag r1 kept", "logs r1", "gc --dry-run"]
)
def test_any_command_replaces_a_dead_dispatcher(desk: Desk, monkeypatch: pytest.MonkeyPatch, words: str) -> None:
    queued(desk, "plain")
    asked: list[Home] = []
    monkeypatch.setattr(submit, "ensure_dispatcher", lambda home, database: asked.append(home))
    desk.call(*words.split())
    assert asked == [desk.home]
    monkeypatch.undo()


@pytest.mark.parametrize("words", ["queue pause r1", "queue cancel r1", "priority r1 5", "stop r1"])
def test_what_changes_the_queue_is_done_before_anything_starts(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, words: str
) -> None:
    run_id = queued(desk, "plain")
    seen: list[tuple[str, int, bool]] = []

    def ensured(home: Home, database: DatabaseFile) -> None:
        with reading(database) as session:
            ticket = store.ticket_of(session, run_id=run_id)
            assert ticket is not None
            seen.append((store.get_run(session, run_id=run_id).state, ticket.priority, ticket.paused))

    monkeypatch.setattr(submit, "ensure_dispatcher", ensured)
    desk.call(*words.split())
    assert ("queued", 0, False) not in seen


def test_a_dispatcher_that_died_between_deciding_and_starting_is_made_up_for(desk: Desk) -> None:
    run_id = queued(desk, "plain")
    with writing(desk.database) as session:
        store.grant(session, run_ids=[run_id], lane="cpu")
    Dispatcher(desk.home).turn()
    desk.until(run_id, "done")


def test_a_run_that_is_about_to_start_is_not_called_paused(desk: Desk) -> None:
    run_id = queued(desk, "plain")
    with writing(desk.database) as session:
        store.grant(session, run_ids=[run_id], lane="cpu")
    said = desk.call("pause", f"r{run_id}", code=2).stderr
    assert f"r{run_id} was just given to cpu and starts" in said


def test_a_run_that_two_processes_were_started_for_is_done_once(desk: Desk) -> None:
    """As when a dispatcher is killed after it started a job and before it wrote so down."""
    run_id = queued(desk, "pause")
    launcher.spawn([*launcher.WORKER, "--home", str(desk.home.root), f"r{run_id}"], desk.home.log(run_id))
    desk.until_paused(run_id)
    second = launcher.spawn([*launcher.WORKER, "--home", str(desk.home.root), f"r{run_id}"], desk.home.log(run_id))
    assert second.wait() == 1
    assert "already worked on by process" in desk.log(run_id)
    assert desk.state(run_id) == "running"
    launcher.stop(desk.home, run_id)


def test_the_whole_queue_with_its_own_process(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """`run` works until nothing is left and gives the lock back."""
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "ROUND_S", 0.05)
    runs = [queued(desk, "plain", seed=seed) for seed in range(3)]
    module.run(desk.home, lock.take(desk.home))
    assert [desk.state(run) for run in runs] == ["done"] * 3
    free = lock.take(desk.home)
    assert free is not None
    os.close(free)


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EAGAIN, "Resource temporarily unavailable"),
        DiskFull("no room"),
        DatabaseUnwritable("it is read-only"),
        UserError("r7 was erased meanwhile"),
    ],
)
def test_what_passes_ends_no_queue(desk: Desk, monkeypatch: pytest.MonkeyPatch, error: Exception) -> None:
    """A disk that is full for a moment when a job is to be started: before, every waiting run failed, or the queue stood still."""
    monkeypatch.setattr(module, "LOOK_S", 0.01)
    monkeypatch.setattr(module, "ROUND_S", 0.05)
    monkeypatch.setattr(module, "say_when", said := Said())
    runs = [queued(desk, "plain", seed=seed) for seed in range(2)]
    place, name = (launcher, "spawn") if isinstance(error, OSError) else (store, "grant")
    real, failing = getattr(place, name), [error, error, error]

    def tried(*words: Any, **more: Any) -> Any:
        if failing:
            raise failing.pop()
        return real(*words, **more)

    monkeypatch.setattr(place, name, tried)
    module.run(desk.home, lock.take(desk.home))
    assert [(desk.state(run), len(desk.detail(run).processes)) for run in runs] == [("done", 1)] * 2
    assert len([line for line in said if "looking again" in line]) == 1, "the same is said once"


def test_a_program_that_is_not_there_fails_a_run(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(launcher, "WORKER", ("/nowhere/python",))
    run_id = queued(desk, "plain")
    module.run(desk.home, lock.take(desk.home))
    assert desk.state(run_id) == "failed"


def test_a_run_that_is_gone_on_with_at_once_is_waited_for(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody else starts what waits for it: the queue had ended with its end."""
    first = queued(desk, "pause")
    second = queued(desk, "plain", Wish(needs=(first,)))
    desk.call("stop", "r1")
    assert not Dispatcher(desk.home).turn()
    seen: list[str] = []
    monkeypatch.setattr(submit, "ensure_dispatcher", lambda home, database: seen.append(desk.state(first)))
    desk.call("resume", "r1", "--detach")
    assert seen[-1] != "stopped", "looked for after it goes on"
    desk.until_paused(first)
    desk.call("stop", "r1")
    with writing(desk.database) as session:
        store.soft_delete(session, run_ids=[first])
    Dispatcher(desk.home).turn()
    assert "was deleted" in ticket(desk, second).waiting
    desk.call("trash", "restore", "r1")
    with reading(desk.database) as session:
        assert store.states(session, run_ids=[first]) == {first: "stopped"}


def test_a_stopped_waiting_run_can_be_queued_again(desk: Desk) -> None:
    run_id = queued(desk, "plain", Wish(memory_mb=100))
    desk.call("stop", "r1")
    desk.call("resume", "r1", "--queue")
    assert (desk.state(run_id), ticket(desk, run_id).memory_mb) == ("queued", 100)
    Dispatcher(desk.home).turn()
    desk.until(run_id, "done")


def test_a_cancelled_run_that_waits_for_another_waits_again(desk: Desk) -> None:
    queued(desk, "plain")
    desk.call("run", "eval", "--vlm", "plain", "--selector", "r1", "--device", "cpu", "--queue")
    desk.call("queue", "cancel", "r2")
    assert "waits for its turn in the queue" in desk.call("resume", "r2").stderr
    assert (desk.state(2), ticket(desk, 2).needs) == ("queued", (1,))
