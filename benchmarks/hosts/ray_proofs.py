"""What a Ray cluster over several machines must not change: one function for each fault, whose sentence says what held."""

from __future__ import annotations

import json
import re
import time

from benchmarks.hosts.clusters import SHARED, Ray
from benchmarks.hosts.network import Host
from benchmarks.hosts.slurm_proofs import LONG, SHORT, members, swept
from benchmarks.hosts.world import World


def evaluation(world: World, ray: Ray) -> str:
    words = (*SHORT, "--dataset", world.data())
    run_id = world.start(*words, "--on", f"ray:{ray.address}")
    world.until_over(run_id)
    return f"{world.same_answers(run_id, world.at_home(*words))} answers as at home"


def unshared_data(world: World, ray: Ray) -> str:
    """The images of the built-in data lie in the home's cache, which no other machine sees."""
    run_id = world.start(*SHORT, "--on", f"ray:{ray.address}")
    world.until_over(run_id, "failed")
    return f"refused: {world.reason(run_id)}"


def node_cut_off(world: World, ray: Ray) -> str:
    """Answers are asked again of the lost shard alone: those that had come are counted once."""
    words = (*LONG, "--shot", "4", "--limit", "100", "--dataset", world.data())  # shards for all nodes
    run_id = world.start(*words, "--on", f"ray:{ray.address}")
    world.until_begun(run_id, answers=10)
    node, stored = _cut_at_work(world, ray), world.answers(run_id)
    try:
        world.until_over(run_id)
    finally:
        node.join()
    lost = [int(count) for count in re.findall(r"(\d+) prompts are asked again", world.log(run_id))]
    assert lost, "nothing was lost"
    count = world.same_answers(run_id, world.at_home(*words))
    return f"{node.name} cut off at {stored}: {sum(lost)} prompts asked again, {count} answers as at home"


def _cut_at_work(world: World, ray: Ray) -> Host:
    """Cut off a node that answers prompts just now: not each has been given some yet."""
    node: Host = world.until("a node at work", lambda: next((one for one in ray.nodes if _answers(one)), None))
    node.cut()
    return node


def _answers(node: Host) -> bool:
    return node.run("pgrep", "-f", "ray::_Node.answer", check=False).returncode == 0


def sweep(world: World, ray: Ray) -> str:
    return swept(world, "random,fixed", "--on", f"ray:{ray.address}", "--shared", SHARED)


def member_cut_off(world: World, ray: Ray) -> str:
    words = ("sweep", *LONG[1:], "--seeds", "2")
    there = members(world, *words, "--on", f"ray:{ray.address}", "--shared", SHARED)
    world.until("both at work", lambda: all(world.answers(one) > 10 for one in there))
    lost, other = there
    before, beside = world.node_of(lost), world.node_of(other)
    world.hosts[before].cut()
    try:
        world.until("another node", lambda: world.node_of(lost) != before)
        after = world.node_of(lost)
        for one in there:
            world.until_over(one)
    finally:
        world.hosts[before].join()
    assert "attempt 2" not in world.log(other), "the other member began again as well"
    count = sum(world.same_answers(one, world.at_home(*LONG, "--seed", str(42 + at))) for at, one in enumerate(there))
    return f"r{lost} went on from {before} to {after}, r{other} stayed on {beside}; {count} answers as at home"


def home_cut_off(world: World, ray: Ray) -> str:
    words = (*LONG, "--dataset", world.data())
    run_id = world.start(*words, "--on", f"ray:{ray.address}")
    world.until_begun(run_id)
    stored = world.answers(run_id)
    world.home.cut()
    try:
        time.sleep(30)
    finally:
        world.home.join()
    world.until("an end", lambda: _ended(world, run_id))
    state, reason = world.state(run_id), world.reason(run_id)
    if state != "done":
        ray.join(world.home, cpus=0)
        world.leverplus("resume", f"r{run_id}", "--detach")
        world.until_over(run_id)
    count = world.same_answers(run_id, world.at_home(*words))
    return f"30 s without network at {stored} answers: {state} ({reason}); in the end {count} as at home"


def _ended(world: World, run_id: int) -> bool:
    world.leverplus("runs")
    return world.state(run_id) not in ("queued", "running")


def devices(world: World, ray: Ray) -> str:
    for node in ray.nodes:
        ray.join(node, cpus=2, gpus=2)
    words = (
        "sweep",
        "rce",
        "--data",
        "builtin",
        "--embeddings",
        "builtin",
        "--rce-epochs",
        "1",
        "--seeds",
        "4",
        "--gpus",
        "1",
    )
    found = members(world, *words, "--on", f"ray:{ray.address}", "--shared", SHARED)
    for one in found:
        world.until_over(one)
    rows = [json.loads(world.rows("SELECT environment FROM run WHERE id = ?", one)[0][0]) for one in found]
    seen = [(row["host"], row.get("visible_devices")) for row in rows]
    assert all(device in ("0", "1") for _, device in seen), seen
    return f"one each: {', '.join(f'{host} {device}' for host, device in seen)}"


PROOFS = {
    one.__name__.replace("_", "-"): one
    for one in (evaluation, unshared_data, node_cut_off, sweep, member_cut_off, home_cut_off, devices)
}
