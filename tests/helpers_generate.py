"""A scripted model for tests of generation, and a job process with it: `python -m tests.helpers_generate --home H RUN`.

The process writes the hash of every prompt it answers to `asked.txt` in the run's folder; with `vlm=dies` its first one
kills itself once it has answered a few batches and something of them is stored.
"""

from __future__ import annotations

import os
import re
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from db import store
from db.session import open_database, reading
from db.specs.base import Finding
from engine.common.images import MISSING_SHA, image_sha
from engine.job import recorder, worker
from engine.recipes import answering_model
from engine.vlm.prompt import Prompt, request_sha
from engine.vlm.protocol import Answer, always

LABEL = re.compile(r"Short answer:(.+)$")
BATCHES_BEFORE_DEATH = 3


def like_last_demonstration(prompt: Prompt) -> str:
    """Copies the answer of the last demonstration: right where that has the query's answer."""
    found = LABEL.search(prompt.texts[-2])
    assert found, "a demonstration ends with its answer"
    return found[1]


@dataclass
class ScriptedVLM:
    """Answers by a rule and remembers what it was asked."""

    reply: Callable[[Prompt], str] = like_last_demonstration
    cut: bool = False
    """Every answer is ended by the token limit."""
    name: str = "scripted"
    sha: str = "model"
    decode_sha: str = "decode"
    features_sha: str = "features"
    before_answer: Callable[[Sequence[Prompt]], None] = lambda prompts: None
    asked: list[str] = field(default_factory=list)
    calls: list[int] = field(default_factory=list)
    embedded: list[Path] = field(default_factory=list)
    at_once: int = 32

    def findings(self) -> Sequence[Finding]:
        return ()

    def request_sha(self, prompt: Prompt) -> str:
        return request_sha(self.sha, prompt.sha, self.decode_sha)

    def request_sha_of(self, prompt_sha: str) -> str:
        """Hash of the request with the prompt of this hash."""
        return request_sha(self.sha, prompt_sha, self.decode_sha)

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        self.before_answer(prompts)
        self.calls.append(len(prompts))
        self.asked += [prompt.sha for prompt in prompts]
        yield {place: self._answer(prompt) for place, prompt in enumerate(prompts)}

    def _answer(self, prompt: Prompt) -> Answer:
        missing = [path for path in prompt.images if image_sha(path) == MISSING_SHA]
        return Answer("", error=f"{missing[0]}: no file") if missing else Answer(self.reply(prompt), cut=self.cut)

    def facts(self) -> Mapping[str, Any]:
        return {"vlm": self.name, "vlm_batch_size": 8 if not self.calls else 4}

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        self.embedded += paths
        return torch.tensor([[float(int(path.stem[-2:])), 1.0, 3.0] for path in paths])

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        return torch.tensor([[float(len(text)), 1.0, 9.0] for text in texts])


def main() -> int:
    """The worker with the scripted model."""
    home, run = Path(sys.argv[sys.argv.index("--home") + 1]), sys.argv[-1]
    log = home / "runs" / run / "asked.txt"
    first = not log.exists()
    log.parent.mkdir(parents=True, exist_ok=True)
    log.touch()
    vlm = ScriptedVLM()

    def written_down(prompts: Sequence[Prompt]) -> None:
        with log.open("a") as file:
            file.writelines(f"{vlm.request_sha(prompt)}\n" for prompt in prompts)
        if first and len(vlm.calls) == BATCHES_BEFORE_DEATH:
            _die_with_something_stored(home, int(run.removeprefix("r")))

    vlm.before_answer = written_down
    vars(answering_model)["open_vlm"] = lambda *_, **__: vlm
    recorder.FLUSH_S = 0.01
    return worker.main()


def _die_with_something_stored(home: Path, run_id: int) -> None:
    database = open_database(home / "leverplus.db")
    while True:
        with reading(database) as session:
            if store.candidates(session, run_id=run_id, limit=1):
                os.kill(os.getpid(), signal.SIGKILL)
        time.sleep(0.01)


if __name__ == "__main__":
    sys.exit(main())
