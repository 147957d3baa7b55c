"""Runs that are sent elsewhere: what `--on` takes and refuses, who collects their rows, how they stop and go on."""

from __future__ import annotations

import json
import os
import socket
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db import process, store
from db.home import Home
from db.session import DatabaseFile, reading, writing
from db.specs import UserError
from engine.common.sent import Sent, forget, sent, wished
from engine.common.where import is_sent, must_answer
from leverplus_tui.commands.running import logs
from leverplus_tui.commands.running import sweep as sweeping
from leverplus_tui.jobs import away, dead_jobs, launcher
from leverplus_tui.jobs import follow as follow_module
from leverplus_tui.jobs.programs import Program, command
from leverplus_tui.keeping.backup import living
from leverplus_tui.keeping.disk import usage
from leverplus_tui.queue import dispatcher as module
from leverplus_tui.queue import time_limits
from leverplus_tui.queue.dispatcher import Dispatcher
from leverplus_tui.results.outcome import way_on
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.started_runs import StartedRuns
from leverplus_tui.tui.reading.database import Database
from leverplus_tui.tui.screens.run.info import standing
from tests.helpers_cli import Desk, make_desk

DEAD = 2**22 + 1
"""No process has such a number."""
TRAINING = ("--data", "builtin", "--embeddings", "builtin")


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    for place in ("submit", "sweep", "lock"):
        monkeypatch.setattr(f"leverplus_tui.queue.{place}.ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("engine.common.extras.find_spec", lambda name: "there")
    monkeypatch.setattr(module, "lanes", lambda _: {"cpu": 16_000})
    return make_desk(tmp_path, monkeypatch)


@pytest.fixture
def collected(monkeypatch: pytest.MonkeyPatch) -> list[tuple[int, ...]]:
    """Runs for which a collector was started; this very process stands for it."""
    found: list[tuple[int, ...]] = []

    def collect(
        home: Home, database: DatabaseFile, *run_ids: int, folder: Path | None = None, waits: bool = False
    ) -> None:
        found.append(run_ids)
        for run_id in run_ids:
            collects(database, home, run_id, os.getpid())

    monkeypatch.setattr(launcher, "collect", collect)
    return found


def collects(database: DatabaseFile, home: Home, run_id: int, pid: int) -> None:
    with writing(database) as session:
        store.start_process(
            session, run_id=run_id, pid=pid, pid_start=process.pid_start(pid), boot_id=process.boot_id(), host=process.host(),
            argv=command(Program.COLLECTOR), log_path=str(home.log(run_id)),
        )  # fmt: skip


def ticket(desk: Desk, run_id: int) -> store.TicketRow:
    with reading(desk.database) as session:
        found = store.ticket_of(session, run_id=run_id)
    assert found is not None
    return found


def away_run(desk: Desk, *words: str) -> int:
    """A queued run that goes to Slurm."""
    call = ("run", "eval", "--vlm", "plain", "--on", "slurm", "--detach", *words)
    return int(desk.json(*call)["run"][1:])


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--on", "pbs"), "give slurm, slurm:PARTITION, ray, or ray:ADDRESS"),
        (("--on", "ray:"), "what stands behind the colon is empty; give an address"),
        (("--on", "slurm: "), "what stands behind the colon is empty; give a partition"),
        (("--on", ""), "give slurm"),
        (("--gpus", "2"), "gpus = 2: a cluster is asked for it: give --on slurm or --on ray with it"),
        (("--on", "ray", "--account", "lab"), "a cluster is asked for it: give --on slurm with it"),
        (("--on", "slurm", "--sbatch", "=3"), "write an option and its value"),
        (("--on", "slurm", "--sbatch", "qos= x"), "write an option and its value"),
    ],
)
def test_what_names_no_place_is_refused_before_anything_is_stored(
    desk: Desk, words: tuple[str, ...], said: str
) -> None:
    assert said in desk.call("run", "eval", *words, code=2).stderr
    assert not desk.home.database.exists()


def test_what_was_asked_of_the_cluster_is_kept_with_the_run(desk: Desk) -> None:
    run_id = away_run(
        desk, "--gpus", "1", "--cpus", "4", "--account", "lab", "--sbatch", "qos=long", "--sbatch", "--exclusive",
        "--memory", "2", "--time-limit", "2h", "--shared", "scratch",
    )  # fmt: skip
    kept = desk.detail(run_id).environment["resources"]
    assert kept == {
        "gpus": 1, "cpus": 4, "account": "lab", "sbatch": {"qos": "long", "exclusive": ""}, "shared": str(Path.cwd() / "scratch"),
    }  # fmt: skip
    found = ticket(desk, run_id)
    assert (found.runner, found.memory_mb, found.time_limit_s) == ("slurm", 2048, 7200)


def test_whole_runs_go_to_slurm_and_of_ray_trainings_and_members(desk: Desk) -> None:
    assert is_sent("slurm:gpu", "eval", member=False)
    assert not is_sent("ray", "eval", member=False)
    assert is_sent("ray:1.2.3.4:5", "eval", member=True)
    assert is_sent("ray", "grpo", member=False)
    assert not is_sent("", "rce", member=True)


def test_a_sweep_elsewhere_has_one_collector_and_one_here_trains_together(
    desk: Desk, collected: list[tuple[int, ...]]
) -> None:
    words = ("sweep", "rce", *TRAINING, "--set", "rce_lr=1e-4,1e-3", "--set", "dropout=0,0.1", "--detach")
    desk.call(*words, "--on", "slurm", "--cpus", "1")
    queue = Dispatcher(desk.home)
    assert queue.turn()
    assert collected == [(1, 2, 3, 4)]
    desk.call("run", "rce", *TRAINING, "--on", "ray", "--detach")
    queue.turn()
    assert collected[1:] == [(5,)]


def test_a_run_elsewhere_goes_on_elsewhere_with_what_it_is_given_now(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = away_run(desk, "--memory", "2", "--time-limit", "1h", "--cpus", "4")
    desk.call("queue", "cancel", f"r{run_id}")
    desk.call("resume", f"r{run_id}", "--memory", "8", "--detach")
    found = ticket(desk, run_id)
    assert (found.state, found.runner, found.memory_mb, found.time_limit_s) == ("queued", "slurm", 8192, 3600)
    assert desk.detail(run_id).environment["resources"] == {"cpus": 4}
    desk.call("queue", "cancel", f"r{run_id}")
    desk.call("resume", f"r{run_id}", "--here")
    assert desk.state(run_id) == "done"


def test_a_stop_is_left_for_the_collector(
    desk: Desk, collected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    run_id = away_run(desk)
    Dispatcher(desk.home).turn()
    run_dir = desk.home.run_dir(run_id)
    asked = []

    def ends(_: float) -> None:
        asked.append(wished(run_dir))
        with writing(desk.database) as session:
            row = store.processes(session, run_id=run_id)[-1]
            store.end_process(session, process_id=row.id, state="stopped", exit_code=0)

    monkeypatch.setattr("leverplus_tui.jobs.away.time.sleep", ends)
    assert desk.json("stop", f"r{run_id}") == {f"r{run_id}": "stopped"}
    assert asked == ["stop"]


def test_what_does_not_stop_nicely_is_killed(
    desk: Desk, collected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away, "NICELY_S", 0.0)
    monkeypatch.setattr(away, "AT_ALL_S", 0.0)
    run_id = away_run(desk)
    Dispatcher(desk.home).turn()
    launcher.stop(desk.home, run_id)
    assert wished(desk.home.run_dir(run_id)) == "kill"


def _lost(desk: Desk, *words: str) -> int:
    """A run whose job is in Slurm's queue and whose collector is gone."""
    run_id = away_run(desk, *words)
    with writing(desk.database) as session:
        store.grant(session, run_ids=[run_id], lane="slurm")
    Sent("Slurm", "7", str(desk.home.root)).keep(desk.home.run_dir(run_id))
    _dies(desk, run_id, DEAD)
    return run_id


def _dies(desk: Desk, run_id: int, pid: int) -> None:
    """A collector that is gone without a word."""
    collects(desk.database, desk.home, run_id, pid)
    with writing(desk.database) as session:
        store.lost_runs(session)
    assert desk.state(run_id) == "lost"


def test_a_dead_collector_is_replaced_a_few_times(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _lost(desk)
    begun: list[tuple[int, ...]] = []
    monkeypatch.setattr(launcher, "collect", lambda home, database, *run_ids, waits: begun.append(run_ids))
    queue = Dispatcher(desk.home)
    for number in range(module.MOST_COLLECTORS + 2):
        before = len(begun)
        queue._collect_again()
        if len(begun) > before:
            _dies(desk, run_id, DEAD + 1 + number)
    assert begun == [(run_id,)] * module.MOST_COLLECTORS


def test_what_is_over_elsewhere_is_not_collected_again(desk: Desk, collected: list[tuple[int, ...]]) -> None:
    run_id = _lost(desk)
    (desk.home.run_dir(run_id) / "sent.json").unlink()
    Dispatcher(desk.home)._collect_again()
    assert collected == []
    assert desk.state(run_id) == "lost"


def test_a_stop_of_a_run_without_a_collector_starts_one(
    desk: Desk, collected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(away, "NICELY_S", 0.0)
    monkeypatch.setattr(away, "AT_ALL_S", 0.0)
    run_id = _lost(desk)
    launcher.stop(desk.home, run_id)
    assert collected == [(run_id,)]
    assert sent(desk.home.run_dir(run_id)) is not None


def test_the_limit_of_a_slurm_job_is_slurms_and_that_of_a_ray_task_is_ours(
    desk: Desk, collected: list[tuple[int, ...]], monkeypatch: pytest.MonkeyPatch
) -> None:
    slurm = away_run(desk, "--time-limit", "1h")
    ray = int(desk.json("run", "rce", *TRAINING, "--on", "ray", "--time-limit", "1h", "--detach")["run"][1:])
    queue = Dispatcher(desk.home)
    queue.turn()
    for run_id in (slurm, ray):
        Sent("there", "7", "nowhere").keep(desk.home.run_dir(run_id))
        with writing(desk.database) as session:
            store.set_state(session, run_id=run_id, state="running")
    monkeypatch.setattr(time_limits, "since", lambda _: 3601.0)
    queue.turn()
    assert wished(desk.home.run_dir(ray)) == "", "a clock that was set forwards: nobody has lived so long"
    monkeypatch.setattr(process, "age_s", lambda *_: 1e6)
    queue.turn()
    assert [wished(desk.home.run_dir(run_id)) for run_id in (slurm, ray)] == ["", "stop"]
    monkeypatch.setattr(time_limits, "since", lambda _: 3601.0 + time_limits.GRACE_S)
    queue.turn()
    assert wished(desk.home.run_dir(ray)) == "kill"


def test_lists_say_what_the_queue_elsewhere_says(desk: Desk, collected: list[tuple[int, ...]]) -> None:
    run_id = away_run(desk)
    Dispatcher(desk.home).turn()
    row: Any = desk.detail(run_id).processes[-1]
    with writing(desk.database) as session:
        waiting = "Slurm: waits: Priority (others are before it)"
        store.say_elsewhere(session, run_id=run_id, process_id=row.id, state="queued", waiting=waiting)
    assert desk.json("queue")[0]["waiting"] == waiting
    assert waiting in desk.call("queue").stdout
    assert json.loads(desk.call("runs", "--json").stdout)[0]["waiting"] == waiting
    detail = desk.detail(run_id)
    assert standing(detail.row)[0] == (waiting, "$warning"), "the info pane and the page of jobs"
    (process_row,) = detail.processes
    assert away.collects(process_row)
    said_by_itself = replace(process_row, argv=("/usr/lib/engine/job/elsewhere/collector.py", "--home", "h", "r1"))
    assert away.collects(said_by_itself)
    assert not away.collects(replace(process_row, argv=tuple(command(Program.JOB, "r1"))))


# What is done with a run of another place


def test_a_run_of_a_cluster_is_repeated_there_with_what_it_was_given(desk: Desk) -> None:
    run_id = away_run(desk, "--gpus", "1", "--sbatch", "qos=long", "--memory", "2", "--time-limit", "2h")
    again = int(desk.json("rerun", f"r{run_id}", "--detach")["run"][1:])
    found = ticket(desk, again)
    assert (found.runner, found.memory_mb, found.time_limit_s) == ("slurm", 2048, 7200)
    assert desk.detail(again).environment["resources"] == {"gpus": 1, "sbatch": {"qos": "long"}}
    assert desk.detail(again).row.parent == run_id


def test_a_run_of_a_cluster_is_repeated_here_where_that_is_asked(desk: Desk) -> None:
    run_id = away_run(desk)
    desk.call("rerun", f"r{run_id}", "--here")
    assert desk.state(run_id + 1) == "done"
    assert desk.detail(run_id + 1).ticket is None


def test_a_hint_to_start_again_says_where(desk: Desk) -> None:
    run_id = away_run(desk, "--cpus", "2", "--sbatch", "exclusive", "--shared", "/scratch", "--time-limit", "90m")
    collects(desk.database, desk.home, run_id, os.getpid())
    with writing(desk.database) as session:
        row = store.processes(session, run_id=run_id)[-1]
        store.end_process(session, process_id=row.id, state="failed", exit_code=2, reason="Slurm refuses the job")
    words = "--vlm plain --time-limit 90m --on slurm --cpus 2 --sbatch exclusive --shared /scratch"
    assert words in way_on(desk.detail(run_id))


def test_what_follows_a_run_of_a_cluster_goes_there_too(desk: Desk) -> None:
    words = ("run", "rce", *TRAINING, "--on", "slurm:gpu", "--gpus", "1", "--memory", "4", "--then", "eval", "--detach")
    desk.call(*words)
    found = ticket(desk, 2)
    assert (found.runner, found.memory_mb, found.needs) == ("slurm:gpu", 4096, (1,))
    assert desk.detail(2).environment["resources"] == {"gpus": 1}


@pytest.mark.parametrize("words", [("delete", "--yes"), ("resume", "--here")])
def test_a_run_whose_job_is_still_in_a_queue_is_neither_deleted_nor_gone_on_with_here(
    desk: Desk, words: tuple[str, ...]
) -> None:
    run_id = _lost(desk)
    said = desk.call(words[0], f"r{run_id}", *words[1:], code=2).stderr
    assert f"job 7 on Slurm works on it; `leverplus stop r{run_id}` ends that first" in said
    assert desk.state(run_id) == "lost"
    with pytest.raises(UserError, match="job 7 on Slurm"):
        Database(desk.home.database).delete([run_id])
    forget(desk.home.run_dir(run_id))
    desk.call("delete", f"r{run_id}", "--yes")


def test_disk_and_home_of_a_run_that_is_elsewhere_are_left_alone(desk: Desk) -> None:
    run_id = _lost(desk)
    (desk.home.run_dir(run_id) / "reserve").write_bytes(b"held by a node")
    assert usage(desk.home, desk.database).waste == ()
    assert living(desk.home) == [f"r{run_id}"]
    forget(desk.home.run_dir(run_id))
    assert [one.path.name for one in usage(desk.home, desk.database).waste] == ["reserve"]
    assert living(desk.home) == []


def test_nobody_is_told_of_the_end_of_a_run_that_goes_on_elsewhere(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[str] = []
    monkeypatch.setattr(dead_jobs, "notify", lambda about: told.append(about["run"]))
    for number, away_one in enumerate((True, False)):
        run_id = away_run(desk)
        if away_one:
            Sent("Slurm", "7", "nowhere").keep(desk.home.run_dir(run_id))
        collects(desk.database, desk.home, run_id, DEAD + number)
    dead_jobs.bury_dead(desk.database)
    assert told == ["r2"]


def test_who_follows_a_run_waits_for_another_collector(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _lost(desk)
    seen = follow_module._standing(desk.database, run_id)
    assert (seen.state, seen.note) == ("running", follow_module.BETWEEN)
    tended: list[str] = []

    def tend(database: DatabaseFile) -> None:
        tended.append(desk.state(run_id))
        with writing(database) as session:
            store.resume_run(session, run_id=run_id)
            store.set_state(session, run_id=run_id, state="stopped")

    monkeypatch.setattr(follow_module, "PROOF_S", 0.0)
    assert follow_module.follow(desk.database, run_id, quiet=True, tend=tend) == "stopped"
    assert tended == ["lost"]


def test_who_follows_a_run_that_nobody_collects_gives_up(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    run_id = _lost(desk)
    monkeypatch.setattr(follow_module, "COLLECTED_S", 0.0)
    assert follow_module.follow(desk.database, run_id, quiet=True, tend=lambda _: None) == "lost"


def test_nobody_says_that_a_run_has_ended_while_its_job_goes_on(desk: Desk) -> None:
    run_id = _lost(desk)
    library = Library(desk.home)
    library.open()
    started = StartedRuns()
    started.add([run_id])
    started.add_sweep("s1", [run_id])
    assert not logs._ended(desk.home, desk.database, run_id)
    assert started.ended(library) == []
    forget(desk.home.run_dir(run_id))
    assert logs._ended(desk.home, desk.database, run_id)
    assert [failed for _, failed in started.ended(library)] == [True, True]
    library.close()


def test_who_follows_a_sweep_waits_for_a_run_that_goes_on_elsewhere(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("sweep", "rce", *TRAINING, "--seeds", "1", "--on", "slurm", "--detach")
    found = desk.json(*words)
    run_id = int(found["runs"][0]["run"][1:])
    Sent("Slurm", "7", "nowhere").keep(desk.home.run_dir(run_id))
    _dies(desk, run_id, DEAD)
    monkeypatch.setattr("leverplus_tui.commands.running.sweep.time.sleep", lambda _: _ends(desk, run_id))
    monkeypatch.setattr(sweeping, "tend", lambda home, database: None)
    with reading(desk.database) as session:
        sweep = store.find_sweep(session, found["sweep"])
    assert sweeping._followed(desk.home, desk.database, sweep) == {run_id: "stopped"}


def _ends(desk: Desk, run_id: int) -> None:
    assert desk.state(run_id) == "lost", "it was followed beyond this"
    forget(desk.home.run_dir(run_id))
    with writing(desk.database) as session:
        store.resume_run(session, run_id=run_id)
        store.set_state(session, run_id=run_id, state="stopped")


def test_what_goes_where_is_said_before_it_goes(desk: Desk) -> None:
    said = desk.call("run", "eval", "--vlm", "plain", "--on", "slurm:gpu", "--gpus", "2", "--detach").stderr
    assert "on Slurm, partition gpu: one job, 2 GPUs; this machine stores the rows" in said
    words = ("sweep", "rce", *TRAINING, "--seeds", "3", "--on", "ray:10.0.0.1:6379", "--memory", "4", "--detach")
    assert (
        "on the Ray cluster at 10.0.0.1:6379: 3 tasks, 4 GB; this machine stores the rows" in desk.call(*words).stderr
    )
    said = desk.call("run", "eval", "--vlm", "plain", "--on", "ray", "--detach").stderr
    assert "here, with prompts answered on the nodes of the Ray cluster" in said


def test_a_cluster_that_nobody_answers_for_is_refused_at_once() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # nobody listens, and nobody else can
        with pytest.raises(UserError, match=r"no Ray cluster answers at 127.0.0.1:\d+ "):
            must_answer(f"127.0.0.1:{bound.getsockname()[1]}")
        bound.listen()
        must_answer(f"127.0.0.1:{bound.getsockname()[1]}")
    for judged_by_ray in ("", "auto", "ray://10.0.0.1:10001"):
        must_answer(judged_by_ray)
