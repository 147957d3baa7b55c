"""A model on several devices, as one model: prompts go in shards to whichever device is free, answers come from all."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from multiprocessing.connection import wait
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db.specs.base import Finding, UserError
from engine.common.images import ImageProblem
from engine.common.shards import borders, cut
from engine.vlm.local.loading import choose_device
from engine.vlm.prompt import Prompt, request_sha
from engine.vlm.protocol import Answer, always
from engine.vlm.spread.messages import Done, Embedded, Enough, Images, Open, Opened, Shard, Some, State, Texts
from engine.vlm.spread.processes import take

LEAST = 64
"""Prompts in a shard at least: a smaller one does not fill a GPU."""
LOOK_S = 0.2
"""How often the wish to stop is looked at."""
MEANS = ("utilisation", "engine_utilisation")
"""Of all devices the mean is told; of other numbers the sum."""
SUMS = ("engine_answers_per_s", "engine_images", "engine_images_encoded", "engine_images_from_disk", "engine_prompt_tokens",
        "engine_prompt_tokens_computed", "engine_tflops", "engine_splits")  # fmt: skip
AHEAD = 2
"""Shards that a device has at a time: it looks at the next one's images while it answers the first."""


class SpreadVLM:
    """See `engine.vlm.protocol.VLM` and `Measured`."""

    def __init__(self, devices: Sequence[str], **options: Any) -> None:
        """`options` are those of `engine.vlm.local.choosing.open_local` but the device. Raises UserError."""
        for device in reversed(devices):
            choose_device(device)  # refuses what is not here
        self.name = str(options["name"])
        self._processes = take(devices)
        for process in self._processes:
            process.send(Open({**options, "device": process.device, "shared": process.shared}))
        opened = [process.expect(Opened) for process in self._processes]
        first = opened[0]
        if len({one.requests_sha for one in opened}) > 1:
            raise UserError(
                f"device: {self.name} is not answered alike on {', '.join(devices)} (another precision or engine); give "
                "devices of one kind, or --engine plain and a --dtype."
            )
        self.sha, self.requests_sha, self.features_sha = first.sha, first.requests_sha, first.features_sha
        self.decode_sha = first.decode_sha
        self.at_once = first.at_once * len(devices)
        self._findings = first.findings
        self._states: list[State] = [one.state for one in opened]

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over model, prompt and decoding: the same as on one device."""
        return request_sha(self.requests_sha, prompt.sha, self.decode_sha)

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, as the devices give them. Prompts of one question stay together, since they
        begin alike."""
        units = borders([(one.images[-1], one.texts[-1]) for one in prompts])
        waiting = deque(cut(units, len(self._processes), LEAST))
        given: list[deque[range]] = [deque() for _ in self._processes]
        places = {process.pipe: at for at, process in enumerate(self._processes)}
        stopped = False
        while True:
            if not stopped and not go_on():
                stopped = True
                waiting.clear()
                for process, shards in zip(self._processes, given, strict=True):
                    if shards:
                        process.send(Enough())
            self._give(prompts, waiting, given)
            busy = [process.pipe for process, shards in zip(self._processes, given, strict=True) if shards]
            if not busy:
                return
            for pipe in wait(busy, LOOK_S):
                at = places[pipe]  # type: ignore[index]
                message = self._processes[at].receive()
                if isinstance(message, Some):
                    self._states[at] = State(self._states[at].facts, message.measures)
                    yield {given[at][0][place]: answer for place, answer in message.answers.items()}
                elif isinstance(message, Done):
                    self._states[at] = message.state
                    given[at].popleft()

    def _give(self, prompts: Sequence[Prompt], waiting: deque[range], given: Sequence[deque[range]]) -> None:
        """Shards to the devices that have fewest, the longest first."""
        while waiting and len(fewest := min(given, key=len)) < AHEAD:
            shard = waiting.popleft()
            fewest.append(shard)
            self._processes[[one is fewest for one in given].index(True)].send(Shard(prompts[shard.start : shard.stop]))

    def facts(self) -> Mapping[str, Any]:
        """Those of the first device, with all devices named and their counts together."""
        all_facts = [one.facts for one in self._states]
        together = {
            name: sum(one.get(name, 0) for one in all_facts) for name in SUMS if any(name in one for one in all_facts)
        }
        return {
            **all_facts[0],
            "vlm_device": ", ".join(str(one["vlm_device"]) for one in all_facts),
            **together,
            **_means(all_facts),
        }

    def measures(self) -> Mapping[str, float]:
        """See `engine.vlm.protocol.Measured`: of all devices."""
        known = [one.measures for one in self._states if one.measures]
        names = known[0] if known else {}
        return {name: sum(one[name] for one in known) for name in names if name not in MEANS} | _means(known)

    def findings(self) -> Sequence[Finding]:
        """Those of the first device."""
        return self._findings

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens, (n, d) float32 on the CPU; each device embeds a part of them."""
        size = -(-len(paths) // len(self._processes)) or 1
        parts = [paths[start : start + size] for start in range(0, len(paths), size)] or [paths]
        asked = list(zip(self._processes, parts, strict=False))
        for process, part in asked:
            process.send(Images(part))
        found: list[Tensor] = []
        failed: Exception | None = None
        for process, _ in asked:  # every reply is taken, so that none is there when the next thing is asked
            try:
                found.append(torch.from_numpy(process.expect(Embedded).vectors))
            except (ImageProblem, UserError) as error:
                failed = failed or error
        if failed is not None:
            raise failed
        return torch.cat(found)

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings, (n, d) float32 on the CPU."""
        self._processes[0].send(Texts(texts))
        return torch.from_numpy(self._processes[0].expect(Embedded).vectors)


def _means(known: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    return {
        name: sum(one[name] for one in known) / len(known)
        for name in MEANS
        if known and all(name in one for one in known)
    }
