"""One model in several processes: the answers, hashes and features of one process; stopping; what fails is told."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from db.specs import DecodeSpec, EvalSpec, UserError
from db.specs.evaluate import PromptSpec
from engine.common.images import ImageProblem
from engine.recipes.train import train
from engine.vlm.local.loading import choose_device, devices
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import answers_in_order
from engine.vlm.spread import processes
from engine.vlm.spread.asking import SpreadVLM
from tests.helpers_training import small
from tests.helpers_vlm import Sample


@pytest.fixture(scope="module")
def spread(qwen: Path) -> SpreadVLM:
    found = open_vlm(str(qwen), decode=DecodeSpec(), device="cpu,cpu", engine="packed")
    assert isinstance(found, SpreadVLM)
    return found


@pytest.fixture(autouse=True)
def small_shards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vlm.spread.asking.LEAST", 6)


def test_answers_are_those_of_one_process_and_both_gave_some(
    alone: LocalVLM, spread: SpreadVLM, prompts: list[Prompt]
) -> None:
    assert answers_in_order(spread, prompts) == answers_in_order(alone, prompts)
    assert [one.facts["engine_prompt_tokens"] > 0 for one in spread._states] == [True, True]
    facts = spread.facts()
    assert facts["engine_prompt_tokens"] == alone.facts()["engine_prompt_tokens"]
    assert facts["vlm_device"] == "cpu, cpu"
    assert spread.measures()["tokens_computed"] == facts["engine_prompt_tokens_computed"]


def test_hashes_and_features_are_those_of_one_process(
    alone: LocalVLM, spread: SpreadVLM, prompts: list[Prompt], samples: list[Sample]
) -> None:
    assert spread.request_sha(prompts[0]) == alone.request_sha(prompts[0])
    assert (spread.sha, spread.features_sha) == (alone.sha, alone.features_sha)
    images = [one.image for one in samples[:5]]
    torch.testing.assert_close(spread.embed_images(images), alone.embed_images(images))
    torch.testing.assert_close(spread.embed_texts(["one", "two"]), alone.embed_texts(["one", "two"]))
    assert len(spread.embed_images([])) == 0


def test_a_bad_image_is_that_prompts_alone(
    alone: LocalVLM, spread: SpreadVLM, samples: list[Sample], tmp_path: Path
) -> None:
    missing = tmp_path / "missing.png"
    shown = Sample(1, "what", "one", missing)
    answers = answers_in_order(spread, [build(PromptSpec(), [], samples[0]), build(PromptSpec(), [shown], samples[1])])
    assert not answers[0].error
    assert str(missing) in answers[1].error
    with pytest.raises(ImageProblem) as raised:
        spread.embed_images([missing, samples[0].image])
    assert raised.value.path == missing
    torch.testing.assert_close(
        spread.embed_images([samples[1].image, samples[2].image]),
        alone.embed_images([samples[1].image, samples[2].image]),
    )


def test_nothing_is_begun_once_it_is_to_stop(spread: SpreadVLM, prompts: list[Prompt]) -> None:
    answered: dict[int, object] = {}
    for some in spread.answer(prompts, lambda: not answered):
        answered.update(some)
    assert answered
    assert len(answered) < len(prompts)
    assert len(answers_in_order(spread, prompts)) == len(prompts), "it can be asked again"


def test_a_process_that_died_is_told(qwen: Path, prompts: list[Prompt], spread: SpreadVLM) -> None:
    spread._processes[1]._process.kill()
    spread._processes[1]._process.wait()
    with pytest.raises(RuntimeError, match="the process on cpu ended"):
        answers_in_order(spread, prompts)


def test_a_device_that_is_none_is_refused_before_a_process_starts(qwen: Path) -> None:
    with pytest.raises(UserError, match="no device"):
        open_vlm(str(qwen), decode=DecodeSpec(), device="cpu,a fridge")


def test_processes_that_were_begun_are_taken_by_just_their_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    class Begun:
        def __init__(self, device: str, shared: object, *, whole: bool) -> None:
            self.device, self.whole, self.ended = device, whole, False

        def end(self) -> None:
            self.ended = True

    monkeypatch.setattr(processes, "Process", Begun)
    monkeypatch.setattr(processes, "_gpus", lambda: 2)
    processes.begin("cuda:0", whole=True)
    assert not processes._ready, "one device is opened by whoever asks"
    processes.begin("cuda:all", whole=True)
    begun = processes._ready[:]
    assert processes.take(["cuda:0", "cuda:1"]) == begun
    processes.begin("cuda:1, cuda:0", whole=True)
    others: list[Any] = processes._ready[:]
    taken: list[Any] = processes.take(["cuda:0", "cuda:1"])
    assert [(one.device, one.ended) for one in others] == [("cuda:1", True), ("cuda:0", True)]
    assert [(one.device, one.ended) for one in taken] == [("cuda:0", False), ("cuda:1", False)]


def test_device_names() -> None:
    assert devices("cuda:0, cuda:1") == ["cuda:0", "cuda:1"]
    assert devices("auto") == ["auto"]
    assert choose_device("cpu,cpu") == torch.device("cpu")
    with pytest.raises(UserError, match="empty device"):
        devices("cpu,")
    assert EvalSpec(device="cuda:all").device == "cuda:all"


def test_a_selector_is_trained_on_one_device() -> None:
    with pytest.raises(UserError, match="on one device"):
        next(iter(train(small({"rl_data": "d.json", "embeddings": "e.safetensors"}, device="cpu,cpu"))))
