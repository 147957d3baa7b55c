"""A real OpenAI-compatible server (transformers' own) with the built-in model answers as the model does here."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from db.specs import DecodeSpec, EvalSpec, PromptSpec
from engine.demo.shipped import model_dir
from engine.doctor.preflight import preflight
from engine.vlm.opening import open_vlm
from engine.vlm.probes import difference
from engine.vlm.prompt import build
from engine.vlm.protocol import Served, answers_in_order
from tests.helpers_vlm import world_samples

GREEDY = DecodeSpec(num_beams=1)
ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    for package in ("fastapi", "uvicorn", "openai"):
        pytest.importorskip(package, reason="no server is installed (extra serve-test)")
    environment = {**os.environ, "HF_HUB_OFFLINE": "1"}
    command = [sys.executable, "-m", "tests.serve_builtin"]
    with subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stderr is not None
            said: list[str] = []
            for line in server.stderr:
                said.append(line)
                if found := re.search(r"running on (http://\S+)", line):
                    yield f"{found[1]}/v1"
                    return
            raise AssertionError(f"the server did not start: {''.join(said[-20:])}")
        finally:
            server.terminate()


def test_a_real_server_answers_as_the_model_does_here(url: str, tmp_path: Path) -> None:
    samples = world_samples(tmp_path, 24)
    shown = [(shots, at) for at in range(10) for shots in (0, 1, 2, 4)]
    prompts = [build(PromptSpec(), samples[at + 1 : at + 1 + shots], samples[at]) for shots, at in shown]
    served = open_vlm(url, decode=GREEDY, served_model=str(model_dir()), concurrency=2)
    local = open_vlm("builtin", decode=GREEDY, engine="plain", dtype="float32", device="cpu")
    expected = answers_in_order(local, prompts)
    assert answers_in_order(served, prompts) == expected
    assert len({answer.raw for answer in expected}) > 3


def test_a_real_server_is_recognised_and_has_nothing_against_a_run(url: str) -> None:
    served = open_vlm(url, decode=GREEDY, served_model=str(model_dir()))
    assert isinstance(served, Served)
    before = served.fingerprint()
    assert not difference(before, served.fingerprint())
    assert all(first is not None and first == second for first, second in before["probes"].values())
    asked = EvalSpec(vlm=url, served_model=str(model_dir()), retriever="random", shots=(4,), decode=GREEDY)
    assert preflight(asked).findings == []
