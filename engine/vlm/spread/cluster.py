"""One model on the nodes of a Ray cluster: shards of prompts to whichever node is free, answers as they come, lost shards again.

Every node needs this program at the same version, and the model and the images under the same paths. The job stays at home,
where it alone stores rows; a node that goes away takes with it the answers of its shard that had not come yet, no others.
"""

from __future__ import annotations

import os
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from loguru import logger
from torch import Tensor

from db.specs.base import UserError
from engine.common.images import ImageProblem
from engine.common.models.model_files import find_model
from engine.common.shards import borders, cut
from engine.common.where import MEMORY, ON, must_answer
from engine.demo.shipped import BUILTIN, model_dir
from engine.vlm.local.choosing import open_local
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import Answer, always
from engine.vlm.spread import asking
from engine.vlm.spread.answering import measures, opened, state
from engine.vlm.spread.messages import Done, Embedded, Failed, Opened, Some, State

PATIENCE_S = 120.0
"""How long a cluster without a living worker is waited for."""
MOST_LOST = 20
"""Workers that may be lost before it is no accident."""


def address() -> str | None:
    """Of the cluster that this job was told to use, empty for the one at hand; None where it was told of none."""
    on, _, where = os.environ.get(ON, "").partition(":")
    return where if on == "ray" else None


@dataclass
class _Worker:
    """An actor on some node."""

    actor: Any
    opening: Any
    """What comes when it has loaded the model; None once it came."""
    shard: list[int] = field(default_factory=list)
    """Positions of the prompts that it was given and has not answered."""
    stream: Any = None
    given: tuple[int, ...] = ()


class ClusterVLM(asking.SpreadVLM):
    """See `engine.vlm.protocol.VLM` and `Measured`."""

    def __init__(self, where: str, **options: Any) -> None:
        """`options` are those of `engine.vlm.local.choosing.open_local` but the device. Raises UserError."""
        self._ray = connected(where)
        self.name = str(options["name"])
        resources = self._ray.cluster_resources()
        self._gpus = int(resources.get("GPU", 0))
        count = self._gpus or sum(1 for node in self._ray.nodes() if node["Alive"] and node["Resources"].get("CPU"))
        if not count:
            raise UserError("the Ray cluster has neither a GPU nor a node with a CPU: `leverplus nodes` shows it")
        self._options = {**options, "device": "cuda" if self._gpus else "cpu", "cache_dir": None}
        self._options.pop("directory")
        self._lost = 0
        self._workers = [self._worker() for _ in range(count)]
        self._states: list[State] = []
        first = self._first_opened()
        self.sha, self.requests_sha, self.features_sha = first.sha, first.requests_sha, first.features_sha
        self.decode_sha = first.decode_sha
        self.at_once = first.at_once * count
        self._findings = first.findings

    def _worker(self) -> _Worker:
        memory = int(os.environ.get(MEMORY) or 0) << 20
        asked = {"num_cpus": 1, "num_gpus": 1 if self._gpus else 0, "max_concurrency": 2, "max_restarts": 0,
                 "scheduling_strategy": "SPREAD"} | ({"memory": memory} if memory else {})  # fmt: skip
        actor = self._ray.remote(_Node).options(**asked).remote()
        return _Worker(actor, actor.open.remote(self._options))

    def _first_opened(self) -> Opened:
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline:
            ready, _ = self._ray.wait([worker.opening for worker in self._workers], timeout=asking.LOOK_S)
            for worker in [one for one in self._workers if one.opening in ready]:
                if (opened := self._opened(worker)) is not None:
                    return opened
        raise UserError(
            f"no node of the Ray cluster had room in {PATIENCE_S:.0f} s: `leverplus nodes` shows what is free"
        )

    def _opened(self, worker: _Worker) -> Opened | None:
        """What a worker says once it has loaded; None where its node is gone, and another takes its place."""
        try:
            said = self._ray.get(worker.opening)
        except self._ray.exceptions.RayError as error:
            self._replace(worker, error)
            return None
        if isinstance(said, Failed):
            raise said.error
        assert isinstance(said, Opened), "a worker answers its opening"
        worker.opening = None
        if getattr(self, "requests_sha", said.requests_sha) != said.requests_sha:
            raise UserError(
                f"{self.name} is not answered alike on all nodes (other weights, precision, engine or version of leverplus): "
                "make them alike, or give --engine plain and a --dtype"
            )
        self._states.append(said.state)
        return said

    def _replace(self, worker: _Worker, why: Exception) -> None:
        """Another worker for one whose node is gone; what it has not answered is asked again."""
        self._lost += 1
        logger.warning(
            "a node of the cluster was lost ({}); {} prompts are asked again", type(why).__name__, len(worker.shard)
        )
        if self._lost > MOST_LOST:
            raise UserError(f"{self._lost} workers of the Ray cluster were lost, so something is wrong with it: {why}")
        self._workers[self._workers.index(worker)] = self._worker()

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, as the nodes give them."""
        units = borders([(one.images[-1], one.texts[-1]) for one in prompts])
        waiting = deque(list(shard) for shard in cut(units, len(self._workers), asking.LEAST))
        stopped, silent_since = False, time.monotonic()
        while True:
            if not stopped and not go_on():
                stopped = True
                waiting.clear()
                for worker in self._workers:
                    if worker.stream is not None:
                        worker.actor.enough.remote()
            for worker in self._workers:
                if waiting and worker.opening is None and worker.stream is None:
                    self._hand(worker, waiting.popleft(), prompts)
            busy = {worker.stream: worker for worker in self._workers if worker.stream is not None}
            if not busy and not waiting:
                return
            opening = {worker.opening: worker for worker in self._workers if worker.opening is not None and waiting}
            ready, _ = self._ray.wait([*busy, *opening], timeout=asking.LOOK_S)
            if ready or busy:
                silent_since = time.monotonic()
            elif time.monotonic() - silent_since > PATIENCE_S:
                raise UserError(f"no node of the Ray cluster came back in {PATIENCE_S:.0f} s; resume when it is there")
            for one in ready:
                if one in opening:
                    self._opened(opening[one])
                    continue
                worker = busy[one]
                before = worker.shard
                answers = self._next(worker)
                if answers:
                    self._refuse_blind(answers, prompts)
                    yield answers
                if worker not in self._workers and before and not stopped:
                    waiting.appendleft(worker.shard)

    def _hand(self, worker: _Worker, shard: list[int], prompts: Sequence[Prompt]) -> None:
        worker.shard, worker.given = list(shard), tuple(shard)
        stream = worker.actor.answer.options(num_returns="streaming")
        worker.stream = stream.remote([prompts[at] for at in shard])

    def _next(self, worker: _Worker) -> dict[int, Answer]:
        """The next answers of a worker; empty at the end of its shard, or where it is lost."""
        try:
            said = self._ray.get(next(worker.stream))
        except StopIteration:
            worker.stream, worker.shard = None, []
            return {}
        except self._ray.exceptions.RayError as error:
            self._replace(worker, error)
            return {}
        if isinstance(said, Failed):
            raise said.error
        if isinstance(said, Done):
            self._states[0] = said.state
            return {}
        assert isinstance(said, Some), "a worker streams answers"
        found = {worker.given[place]: answer for place, answer in said.answers.items()}
        worker.shard = [at for at in worker.shard if at not in found]
        return found

    def _refuse_blind(self, answers: dict[int, Answer], prompts: Sequence[Prompt]) -> None:
        """A node that does not see an image that is here would mark its question, and make another figure."""
        for at, answer in answers.items():
            if answer.error and not answer.silent and all(Path(image).exists() for image in prompts[at].images):
                raise UserError(
                    f"a node of the cluster cannot read what this machine can ({answer.error}): share the folder"
                )

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens, (n, d) float32 on the CPU; each node embeds a part of them."""
        size = -(-len(paths) // len(self._workers)) or 1
        parts = [paths[start : start + size] for start in range(0, len(paths), size)] or [paths]
        return torch.cat([torch.tensor(one.vectors) for one in self._asked("embed_images", parts)])

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32 on the CPU."""
        return torch.tensor(self._asked("embed_texts", [texts])[0].vectors)

    def _asked(self, what: str, parts: Sequence[Any]) -> list[Embedded]:
        """One reply to each part; a part whose node is lost is asked of another."""
        replies: dict[int, Embedded] = {}
        while len(replies) < len(parts):
            left = [at for at in range(len(parts)) if at not in replies]
            ready = [one for one in list(self._workers) if one.opening is None or self._opened(one) is not None]
            asked = [
                (at, worker, getattr(worker.actor, what).remote(parts[at]))
                for at, worker in zip(left, ready, strict=False)
            ]
            for at, worker, ref in asked:
                try:
                    said = self._ray.get(ref)
                except self._ray.exceptions.RayError as error:
                    self._replace(worker, error)
                    continue
                if isinstance(said, Failed):
                    raise said.error
                replies[at] = said
        return [replies[at] for at in range(len(parts))]


class _Node:
    """What works on a node: a model, opened once, asked shard after shard."""

    def __init__(self) -> None:
        self._enough = False
        self._vlm: Any = None

    def open(self, options: dict[str, Any]) -> Any:
        """Load the model as it is found on this node."""
        name = options["name"]
        try:
            directory = find_model(str(model_dir()) if name == BUILTIN else name)
            self._vlm = open_local(**options, directory=directory)
            return opened(self._vlm)
        except UserError as error:
            return Failed(error)

    def answer(self, prompts: Sequence[Prompt]) -> Iterator[Any]:
        """Answers of a shard as they come."""
        self._enough = False
        try:
            for answers in self._vlm.answer(prompts, lambda: not self._enough):
                yield Some(answers, measures(self._vlm))
            yield Done(state(self._vlm))
        except (UserError, RuntimeError) as error:
            yield Failed(error if isinstance(error, UserError) else RuntimeError(str(error)))

    def enough(self) -> None:
        """Begin nothing more of the shard under way."""
        self._enough = True

    def embed_images(self, paths: Sequence[Path]) -> Any:
        """See `SpreadVLM`."""
        return self._embedded(lambda: self._vlm.embed_images(paths))

    def embed_texts(self, texts: Sequence[str]) -> Any:
        """See `SpreadVLM`."""
        return self._embedded(lambda: self._vlm.embed_texts(texts))

    def _embedded(self, compute: Callable[[], Tensor]) -> Any:
        try:
            return Embedded(compute().numpy())
        except (UserError, ImageProblem) as error:
            return Failed(error)


def connected(where: str) -> Any:
    """Ray, connected to the cluster at an address; without one to the cluster at hand, else to this machine alone."""
    try:
        import ray
    except ImportError:
        raise UserError("--on ray needs Ray: pip install -e '.[ray]' here and on every node") from None
    must_answer(where)
    try:
        ray.init(address=where or None, ignore_reinit_error=True, log_to_driver=False, logging_level="warning")
    except (ConnectionError, ValueError, RuntimeError) as error:
        raise UserError(
            f"no Ray cluster answers at {where or 'the usual address'} ({error}): `ray status` looks at it"
        ) from None
    return ray
