"""What several tests of a model in several processes answer: a tiny model, its prompts, and itself in one process."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import pytest

from db.specs import DecodeSpec
from db.specs.evaluate import PromptSpec
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt, build
from tests.helpers_packed import random_samples
from tests.helpers_vlm import Sample, save_tiny_qwen

SHOTS = (0, 1, 2)


@pytest.fixture(scope="module")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_tiny_qwen(tmp_path_factory.mktemp("qwen"))


@pytest.fixture(scope="module")
def samples(tmp_path_factory: pytest.TempPathFactory) -> list[Sample]:
    return random_samples(tmp_path_factory.mktemp("pictures"))


@pytest.fixture(scope="module")
def prompts(samples: list[Sample]) -> list[Prompt]:
    """Of each question its shots side by side, as an evaluation asks them."""
    spec = PromptSpec(max_pixels=28 * 28 * 9)
    each = [[build(spec, samples[at + 1 : at + 1 + shots], samples[at]) for shots in SHOTS] for at in range(24)]
    return list(chain.from_iterable(each))


@pytest.fixture(scope="module")
def alone(qwen: Path) -> LocalVLM:
    found = open_vlm(str(qwen), decode=DecodeSpec(), device="cpu", engine="packed")
    assert isinstance(found, LocalVLM)
    return found
