"""The launch form and other places: what it offers, says and asks of a cluster; repeating and stopping what is there."""

from __future__ import annotations

import shlex
import subprocess
from pathlib import Path

import pytest

from db import store
from db.session import open_database, reading, writing
from db.user_error import UserError
from engine.common.sent import Sent
from leverplus_tui.queue.wishes import Wishes, of_run
from leverplus_tui.tui.screens.dialogs import Confirm
from leverplus_tui.tui.screens.launch import places, starting
from leverplus_tui.tui.screens.launch.preflight import PreflightScreen
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.screens.sheet import Sheet
from tests.helpers_tui import fill, kept, opened, text_of, until
from tests.tui.test_launch_form import form_of

TRAINING = {"rl_data": "builtin", "embeddings": "builtin"}
ASKED = {"on": "slurm:gpu", "gpus": "1", "cpus": "4", "memory": "8", "time_limit": "2h", "account": "lab",
         "sbatch": "qos=long, exclusive", "shared": "/scratch/me"}  # fmt: skip
SINFO = "usual|up|3|(null)|infinite\ngpu|up|2|gpu:4|1-00:00:00\n"


@pytest.fixture(autouse=True)
def _cluster(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Programs of Slurm are here, and two partitions; nobody starts what is queued."""
    for module in ("submit", "sweep"):
        monkeypatch.setattr(f"leverplus_tui.queue.{module}.ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr("shutil.which", lambda name: f"/usr/bin/{name}")
    monkeypatch.setattr("engine.common.extras.find_spec", lambda name: "there")
    monkeypatch.setenv("RAY_TMPDIR", str(tmp_path))
    monkeypatch.delenv("RAY_ADDRESS", raising=False)
    told = subprocess.CompletedProcess(places.SINFO, 0, SINFO, "")
    monkeypatch.setattr(subprocess, "run", lambda *words, **options: told)


def held(kind: str = "rce", **texts: str) -> FormValues:
    found = FormValues(kind)
    found.load({**TRAINING, **texts}, "test")
    return found


def test_the_command_asks_the_same_of_a_cluster() -> None:
    words = shlex.split(held(**ASKED).command())
    beside = words[words.index("--memory") :]
    assert beside == shlex.split(
        "--memory 8 --time-limit 2h --on slurm:gpu --gpus 1 --cpus 4 --account lab --sbatch qos=long --sbatch exclusive "
        "--shared /scratch/me"
    )


@pytest.mark.parametrize(
    ("texts", "path", "sentence"),
    [
        ({"on": "pbs"}, "on", "on = 'pbs': give slurm, slurm:PARTITION, ray, or ray:ADDRESS"),
        ({"gpus": "2"}, "gpus", "gpus = '2': a cluster is asked for it: give --on slurm or --on ray with it"),
        (
            {"on": "ray", "account": "lab"},
            "account",
            "account = 'lab': a cluster is asked for it: give --on slurm with it",
        ),
        ({"on": "slurm", "sbatch": "qos= x"}, "sbatch", "write an option and its value"),
        ({"on": "pbs", "gpus": "2"}, "gpus", ""),
    ],
)
def test_what_no_cluster_can_be_asked_is_refused_in_its_field(texts: dict[str, str], path: str, sentence: str) -> None:
    assert sentence in held(**texts).refusal(path)
    assert bool(sentence) == bool(held(**texts).refusal(path))


def test_what_was_asked_is_kept_and_reads_back(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    started = starting.asked(home, held(**ASKED)).start()
    assert started.queued
    with reading(open_database(home.database)) as session:
        detail = store.run_detail(session, run_id=started.run_ids[0])
    assert detail.ticket is not None
    asked = of_run(detail.ticket, detail.environment["resources"])
    assert asked.model_copy(update={"sbatch": ()}) == Wishes.read(
        {**ASKED, "gpus": 1, "cpus": 4, "memory": 8, "sbatch": ()}
    )
    assert set(asked.sbatch) == {"qos=long", "exclusive"}


def test_what_goes_where_stands_above_the_estimate(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    home = fill(tmp_path / "home", n=4)
    first = starting.ahead(home, held(**ASKED)).estimate.splitlines()[0]
    assert first == (
        "on Slurm, partition gpu: one job, 1 GPU, 4 CPUs, 8 GB, 2h00 at most; this machine stores the rows"
    )
    several = starting.ahead(home, held(on="slurm", seeds="3")).estimate
    assert several.startswith("on Slurm, its usual partition: an array of 3 jobs; ")
    assert not starting.ahead(home, held(on="home")).estimate.startswith("on ")
    monkeypatch.setattr("shutil.which", lambda name: None)
    assert "there is no sbatch here" in starting.ahead(home, held(on="slurm")).estimate
    with pytest.raises(UserError, match="there is no sbatch here"):
        starting.asked(home, held(on="slurm"))


def test_a_device_of_the_node_is_not_looked_for_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    home = fill(tmp_path / "home", n=4)
    assert starting.asked(home, held(device="cuda")).report.blocked
    assert not starting.asked(home, held(device="cuda", **ASKED)).report.blocked


async def test_places_are_offered_with_what_each_is(tmp_path: Path) -> None:
    (tmp_path / "ray").mkdir()
    (tmp_path / "ray/ray_current_cluster").write_text("10.0.0.1:6379\n")
    home = fill(tmp_path / "home", n=4)
    with writing(open_database(home.database)) as session:
        for run_id, runner in ((1, "slurm:gpu"), (2, "ray:10.0.0.9:6379")):
            store.enqueue(session, run_id=run_id, device="cpu", runner=runner)
    async with opened(home) as pilot:
        form = (await form_of(pilot, "rce")).form
        form.go_to("on")
        await pilot.press("enter")
        await until(pilot, lambda: len(form.editor.entries) > 2)
        assert {entry.value: entry.about for entry in form.editor.entries} == {
            "home": "this machine",
            "slurm": "Slurm, its usual partition",
            "slurm:usual": "partition, up, 3 nodes, limit infinite",
            "slurm:gpu": "partition, up, 2 nodes, gpu:4 each, limit 1-00:00:00",
            "ray:10.0.0.1:6379": "the Ray cluster at hand; `leverplus nodes` lists its nodes",
            "ray:10.0.0.9:6379": "used before",
        }


async def test_a_run_of_a_cluster_is_repeated_where_it_ran_unless_asked_otherwise(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    with writing(open_database(home.database)) as session:
        store.enqueue(session, run_id=4, device="cpu", runner="slurm:gpu", memory_mb=2048)
    async with opened(home) as pilot:
        await until(pilot, lambda: "r4" in text_of(pilot))
        await pilot.press("j", "j", "A")
        await until(pilot, lambda: isinstance(pilot.app.screen, Sheet))
        assert "It starts on slurm:gpu, as before" in text_of(pilot)
        await pilot.press("enter")
        await until(pilot, lambda: isinstance(pilot.app.screen, PreflightScreen) or bool(_queued(pilot)))
        if isinstance(pilot.app.screen, PreflightScreen):
            await pilot.press("F" if pilot.app.screen.report.blocked else "enter")
        if isinstance(pilot.app.screen, Confirm):
            await pilot.press("y")
        await until(pilot, lambda: bool(_queued(pilot)))
    with reading(open_database(home.database)) as session:
        found = store.ticket_of(session, run_id=7)
    assert found is not None
    assert (found.runner, found.memory_mb) == ("slurm:gpu", 2048)


def _queued(pilot: object) -> list[str]:
    return [message for message in kept(pilot) if "r7 queued" in message]  # type: ignore[arg-type]


async def test_a_stop_elsewhere_says_how_long_it_may_take(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=4)
    Sent("Slurm", "7", "nowhere").keep(home.run_dir(6))
    async with opened(home) as pilot:
        await pilot.press("X")
        await until(pilot, lambda: isinstance(pilot.app.screen, Confirm) and "90 seconds" in text_of(pilot))
