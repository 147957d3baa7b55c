"""Both engines without a GPU: processor time of the built-in model, and equal tokens in float32."""

from __future__ import annotations

import random
import statistics
import time
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from benchmarks.vlm_timing import Table
from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.vlm.prompt import build
from engine.vlm.protocol import answers_in_order

GREEDY, BEAMS = DecodeSpec(num_beams=1), DecodeSpec()
SHOTS = (1, 2, 3, 4)


def cpu(table: Table, questions: int) -> None:
    """The built-in model: four shot counts, three beams, processor time of both engines, images included."""
    from engine.data.datasets import open_dataset
    from engine.vlm.opening import open_vlm

    with TemporaryDirectory() as cache:
        data = open_dataset("builtin", cache_dir=Path(cache))
        rng = random.Random(0)
        prompts = []
        for query in data.val.questions[:questions]:
            shown = rng.sample(data.train.questions, 4)
            prompts += [build(PromptSpec(), shown[:shots], query) for shots in SHOTS]
        taken: dict[str, list[float]] = {"plain": [], "packed": []}
        answers: dict[str, Any] = {}
        for _ in range(3):
            for engine in taken:
                vlm = open_vlm("builtin", decode=BEAMS, device="cpu", cache_dir=Path(cache), engine=engine)
                begin = time.process_time()
                answers[engine] = answers_in_order(vlm, prompts)
                taken[engine].append(time.process_time() - begin)
        median = {name: round(statistics.median(each), 3) for name, each in taken.items()}
        table.put(
            "CPU seconds", median | {"ratio": round(median["plain"] / median["packed"], 2), "answers": len(prompts)}
        )
        table.put("equal answers", sum(a == b for a, b in zip(answers["plain"], answers["packed"], strict=True)))


def exact(table: Table, count: int) -> None:
    """Random prompts through both engines in float32 under several decodings."""
    from tests.helpers_packed import loaded, random_prompts, random_samples
    from tests.helpers_packed import packed as ours
    from tests.helpers_packed import plain as theirs
    from tests.helpers_vlm import save_tiny_qwen

    decodings = (GREEDY, BEAMS, DecodeSpec(num_beams=5, max_new_tokens=9, length_penalty=1.0))
    with TemporaryDirectory() as folder:
        samples = random_samples(Path(folder))
        model = loaded(save_tiny_qwen(Path(folder) / "model"))
        with torch.no_grad():
            model.model.lm_head.weight[model.processor.tokenizer.eos_token_id] *= 2.5
        for seed, decode in enumerate(decodings):
            prompts = random_prompts(samples, -(-count // len(decodings)), seed=seed)
            expected = answers_in_order(theirs(model, decode), prompts)
            found = answers_in_order(ours(model, decode), prompts)
            differing = sum(a != b for a, b in zip(expected, found, strict=True))
            table.put(f"{decode.num_beams} beams", {
                "prompts": len(prompts), "different answers": differing, "ended early": sum(not one.cut for one in expected),
            })  # fmt: skip
