"""What Slurm over several machines must not change: one function for each fault, whose sentence says what held."""

from __future__ import annotations

import json
import time
from typing import Any

from benchmarks.hosts.clusters import SHARED, Slurm, mount
from benchmarks.hosts.network import Host
from benchmarks.hosts.world import HEAD, World, disk_left

SHORT = ("run", "eval", "--fresh", "--shot", "2", "--limit", "40")
LONG = ("run", "eval", "--fresh", "--retriever", "random", "--shot", "1", "--shot", "2", "--limit", "60",
        "--engine", "plain", "--batch-size", "1")  # fmt: skip
TRAINING = ("run", "grpo", "--data", "builtin", "--embeddings", "builtin", "--rce-epochs", "2", "--grpo-epochs", "12")
ON = ("--on", "slurm", "--shared", SHARED, "--cpus", "1")


def evaluation(world: World, slurm: Slurm) -> str:
    run_id = world.start(*SHORT, *ON)
    world.until_over(run_id)
    return f"{world.same_answers(run_id, world.at_home(*SHORT))} answers as at home"


def sweep(world: World, slurm: Slurm) -> str:
    return f"an array: {swept(world, 'random,fixed,t2t', *ON)}"


def swept(world: World, retrievers: str, *on: str) -> str:
    """A sweep of two seeds elsewhere and at home: on which nodes it was, and how many answers are equal."""
    words = (
        "sweep",
        "eval",
        "--fresh",
        "--shot",
        "2",
        "--limit",
        "40",
        "--set",
        f"retriever={retrievers}",
        "--seeds",
        "2",
    )
    here, there = members(world, *words), members(world, *words, *on)
    for one in (*here, *there):
        world.until_over(one)
    nodes = {world.node_of(one) for one in there}
    assert len(nodes) > 1, "one node did all"
    count = sum(world.same_answers(one, other) for one, other in zip(there, here, strict=True))
    return f"{len(there)} members on {', '.join(sorted(nodes))}, {count} answers as at home"


def members(world: World, *words: str) -> list[int]:
    """The runs of a sweep, begun."""
    told = json.loads(world.leverplus(*words, "--detach", "--json").stdout)
    return [int(str(one["run"])[1:]) for one in told["runs"]]


def training(world: World, slurm: Slurm) -> str:
    run_id = world.start(*TRAINING, *ON)
    world.until_over(run_id)
    metrics, weights = world.same_training(run_id, world.at_home(*TRAINING))
    return f"{metrics} metrics and {weights} tensors as at home"


def _begun(world: World) -> int:
    """A long run that has stored its first answers."""
    run_id = world.start(*LONG, *ON)
    world.until_begun(run_id)
    return run_id


def _begun_on(world: World, slurm: Slurm) -> tuple[int, Host]:
    """The same, and the node that it is on."""
    run_id = _begun(world)
    return run_id, slurm.node_of(world.job(run_id))


def put_back(world: World, slurm: Slurm) -> str:
    run_id = _begun(world)
    job = world.job(run_id)
    world.home.run("scontrol", "requeue", job)
    return _went_on(world, slurm, run_id)


def preempted(world: World, slurm: Slurm) -> str:
    run_id, before = _begun_on(world, slurm)
    urgent = world.start(*SHORT, "--on", "slurm:urgent", "--shared", SHARED, "--sbatch", f"nodelist={before.name}",
                         "--sbatch", "exclusive")  # fmt: skip
    world.until_over(urgent)
    return _went_on(world, slurm, run_id)


def node_without_power(world: World, slurm: Slurm) -> str:
    run_id, node = _begun_on(world, slurm)
    node.die()
    try:
        return f"{node.name} lost: {_went_on(world, slurm, run_id)}"
    finally:
        _back(world, slurm, node.name)


def training_without_power(world: World, slurm: Slurm) -> str:
    run_id = world.start(*TRAINING, *ON)
    world.until("epochs", lambda: len(world.rows("SELECT 1 FROM checkpoint WHERE run_id = ?", run_id)) >= 4)
    assert world.state(run_id) == "running", "over before anything could befall it"
    node = slurm.node_of(world.job(run_id))
    node.die()
    try:
        world.until("a second attempt", lambda: _begins_again(world, slurm, run_id))
        world.until_over(run_id)
    finally:
        _back(world, slurm, node.name)
    metrics, weights = world.same_training(run_id, world.at_home(*TRAINING))
    return f"{node.name} lost: {metrics} metrics and {weights} tensors as at home"


def _back(world: World, slurm: Slurm, name: str) -> None:
    node = world.network.hosts[name]
    again = slurm.power_on(node)
    mount(again, world.hosts[HEAD])
    world.until("all nodes idle", lambda: slurm.states().count("IDLE") == len(slurm.nodes))


def node_cut_off(world: World, slurm: Slurm) -> str:
    run_id, node = _begun_on(world, slurm)
    node.cut()
    try:
        world.until("a second attempt", lambda: _begins_again(world, slurm, run_id))
    finally:
        node.join()
    found = _went_on(world, slurm, run_id)
    world.until("no job left", lambda: not _jobs(world))
    world.until("all nodes idle", lambda: slurm.states().count("IDLE") == len(slurm.nodes))
    return f"{node.name} cut off and back: {found}"


def home_cut_off(world: World, slurm: Slurm) -> str:
    run_id = _begun(world)
    world.home.cut()
    stored = world.answers(run_id)
    seen = set()
    try:
        for _ in range(8):
            time.sleep(5)
            seen.add(world.state(run_id))
    finally:
        world.home.join()
    assert seen == {"running"}, f"meanwhile it was called {seen}"
    world.until_over(run_id)
    return f"40 s without network at {stored} answers, called running meanwhile; {same(world, run_id)} as at home"


def slow_cable(world: World, slurm: Slurm) -> str:
    world.home.slow("512kbit")
    try:
        run_id = world.start(*SHORT, *ON)
        world.until_over(run_id)
    finally:
        world.home.slow("1gbit")
    return f"512 kbit/s between home and disk: {world.same_answers(run_id, world.at_home(*SHORT))} answers as at home"


def late_cable(world: World, slurm: Slurm) -> str:
    with world.home.delayed(0.1):
        begun = time.monotonic()
        world.home.run("python", "-S", "-c", f"import socket; socket.create_connection(('{HEAD}', 2222))")
        took = time.monotonic() - begun
        assert took > 0.2, f"there and back in {took:.2f} s"
        run_id = world.start(*SHORT, *ON)
        world.until_over(run_id)
    return f"100 ms each way between home and all others: {world.same_answers(run_id, world.at_home(*SHORT))} answers as at home"


def full_disk(world: World, slurm: Slurm) -> str:
    run_id = _begun(world)
    ballast = disk_left(world) / "ballast"
    _fill(ballast)
    try:
        world.until("the end", lambda: world.state(run_id) not in ("queued", "running"))
        state, reason = world.state(run_id), world.reason(run_id)
    finally:
        ballast.unlink()
    if state == "done":
        return f"done in the room that is kept back; {same(world, run_id)} answers as at home"
    world.leverplus("resume", f"r{run_id}", "--detach")
    world.until_over(run_id)
    return f"{state} ({reason}); resumed, {same(world, run_id)} answers as at home"


def _fill(path: Any) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(bytes(1 << 20))
        except OSError:
            pass


def home_on_network_disk(world: World, slurm: Slurm) -> str:
    told = world.leverplus("--home", f"{SHARED}/home", "run", "eval", "--limit", "1", check=False)
    assert told.returncode == 2, told
    return f"refused: {told.stderr.strip().splitlines()[-1]}"


def collector_killed(world: World, slurm: Slurm) -> str:
    run_id = world.start(*LONG, *ON)
    follower = world.home.begin("leverplus", "logs", f"r{run_id}", "-f")
    world.until_begun(run_id)
    (pid,) = world.rows("SELECT pid FROM process WHERE run_id = ? ORDER BY id DESC LIMIT 1", run_id)[0]
    world.home.run("kill", "-9", str(pid))
    world.until(
        "another collector", lambda: world.rows("SELECT count(*) FROM process WHERE run_id = ?", run_id)[0][0] > 1
    )
    world.until_over(run_id)
    follower.wait(60)
    return f"{same(world, run_id)} answers as at home"


def controller_down(world: World, slurm: Slurm) -> str:
    run_id = _begun(world)
    slurm.head.run("pkill", "-9", "slurmctld")
    stored = world.answers(run_id)
    world.until("rows without a controller", lambda: world.answers(run_id) > stored + 20)
    slurm.begin_head()
    world.until_over(run_id)
    return f"{same(world, run_id)} answers as at home; rows came while it was down"


def devices(world: World, slurm: Slurm) -> str:
    words = ("sweep", "eval", "--fresh", "--shot", "2", "--limit", "20", "--seeds", "4", "--gpus", "1")
    found = members(world, *words, *ON)
    for one in found:
        world.until_over(one)
    rows = [json.loads(world.rows("SELECT environment FROM run WHERE id = ?", one)[0][0]) for one in found]
    seen = [(one["host"], one["visible_devices"]) for one in rows]
    assert all(device in ("0", "1") for _, device in seen), seen
    return f"one each: {', '.join(f'{host} {device}' for host, device in seen)}"


def _jobs(world: World) -> str:
    return world.home.run("squeue", "--noheader").stdout.strip()


def same(world: World, run_id: int) -> int:
    """How many answers of a long run are those of home."""
    return world.same_answers(run_id, world.at_home(*LONG))


def _begins_again(world: World, slurm: Slurm, run_id: int) -> bool:
    """Whether a second attempt is at work; Slurm lets a job that was put back wait two minutes, which is spared here."""
    job = world.job(run_id)
    if "JobState=PENDING" in slurm.job(job):
        world.home.run("scontrol", "update", f"JobId={job}", "StartTime=now", check=False)
    return "attempt 2" in world.log(run_id)


def _went_on(world: World, slurm: Slurm, run_id: int) -> str:
    """To the end, on a second attempt that took over what the first had stored."""
    world.until("a second attempt", lambda: _begins_again(world, slurm, run_id))
    world.until_over(run_id)
    known = [line for line in world.log(run_id).splitlines() if " answers, " in line and "are known" in line][-1]
    return f"{same(world, run_id)} answers as at home; the second attempt began with {known.rpartition('| ')[2]}"


PROOFS = {
    one.__name__.replace("_", "-"): one
    for one in (evaluation, sweep, training, put_back, preempted, node_without_power, training_without_power, node_cut_off,
                home_cut_off, slow_cable, late_cable, full_disk, home_on_network_disk, collector_killed, controller_down, devices)
}  # fmt: skip
