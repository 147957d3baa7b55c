"""A model on a real Ray cluster of several nodes on this machine: the answers of one process, also when a node is killed."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

from db.specs import DecodeSpec, UserError
from engine.common.where import ON
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Answer, answers_in_order
from engine.vlm.spread.cluster import ClusterVLM, address
from tests.helpers_vlm import Sample

NODES = 3
ROOT = Path(__file__).parents[3]


def test_where_a_job_runs_is_told_by_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(ON, raising=False)
    assert address() is None
    for told, meant in (("ray", ""), ("ray:10.0.0.1:6379", "10.0.0.1:6379"), ("slurm", None)):
        monkeypatch.setenv(ON, told)
        assert address() == meant


@pytest.fixture(scope="module")
def ray_cluster() -> Iterator[Any]:
    ray = pytest.importorskip("ray", reason="Ray is an extra: pip install -e '.[ray]'")
    from ray.cluster_utils import Cluster

    os.environ["PYTHONPATH"] = os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")])
    cluster = Cluster()
    for _ in range(NODES):
        cluster.add_node(num_cpus=1, object_store_memory=80 << 20)
    cluster.wait_for_nodes()
    yield cluster
    ray.shutdown()
    cluster.shutdown()


@pytest.fixture(scope="module")
def spread(qwen: Path, ray_cluster: Any) -> ClusterVLM:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv(ON, f"ray:{ray_cluster.address}")
        found = open_vlm(str(qwen), decode=DecodeSpec(), engine="packed")
    assert isinstance(found, ClusterVLM)
    return found


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vlm.spread.asking.LEAST", 6)


def test_answers_hashes_and_features_are_those_of_one_process(
    alone: LocalVLM, spread: ClusterVLM, prompts: list[Prompt], samples: list[Sample]
) -> None:
    assert len(spread._workers) == NODES
    assert answers_in_order(spread, prompts) == answers_in_order(alone, prompts)
    assert spread.request_sha(prompts[0]) == alone.request_sha(prompts[0])
    images = [Path(sample.image) for sample in samples[:5]]
    assert torch.equal(spread.embed_images(images), alone.embed_images(images))
    assert torch.equal(spread.embed_texts(["a", "b c"]), alone.embed_texts(["a", "b c"]))


def test_a_stop_ends_the_shards_under_way(spread: ClusterVLM, prompts: list[Prompt]) -> None:
    found: dict[int, Answer] = {}

    def go_on() -> bool:
        return not found

    for answers in spread.answer(prompts, go_on):
        found.update(answers)
    assert 0 < len(found) < len(prompts)
    assert len(answers_in_order(spread, prompts)) == len(prompts), "it answers again afterwards"


def test_an_image_that_a_node_does_not_see_stops_the_run(
    spread: ClusterVLM, prompts: list[Prompt], tmp_path: Path
) -> None:
    with pytest.raises(UserError, match="share the folder"):
        spread._refuse_blind({0: Answer("", error="no such file")}, prompts)


def test_a_killed_node_loses_nothing_but_the_answers_under_way(
    alone: LocalVLM, spread: ClusterVLM, prompts: list[Prompt], ray_cluster: Any
) -> None:
    """Last, because a node is gone afterwards. Enough prompts that every node is at work when one is killed."""
    prompts = prompts * 10
    found: dict[int, Answer] = {}
    for number, answers in enumerate(spread.answer(prompts)):
        assert not found.keys() & answers.keys(), "no prompt is answered twice"
        found |= answers
        if number == 0:
            ray_cluster.remove_node(ray_cluster.list_all_nodes()[-1], allow_graceful=False)
    assert spread._lost >= 1
    assert [found[at] for at in range(len(prompts))] == answers_in_order(alone, prompts)
