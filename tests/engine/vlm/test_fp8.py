"""Reading prompts in fp8 is refused where it cannot be, is told where it is, and shares no answers with anything else."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch

from db.rows import Fact, Prediction
from db.specs import DecodeSpec, EvalSpec, Finding, GenerateSpec, UserError
from engine.packed.agreement import Agreement
from engine.recipes.answering_model import open_answering_model
from engine.recipes.evaluate import evaluate
from engine.recipes.run_context import RunContext
from engine.vlm.local import fp8
from engine.vlm.local.findings import fp8_prefill
from engine.vlm.local.packed import PackedVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import answers_in_order
from tests.helpers_packed import random_prompts, random_samples
from tests.helpers_vlm import save_tiny_llava


@pytest.fixture
def anywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """A CPU multiplies fp8 too, slowly."""
    monkeypatch.setattr(fp8, "refuse", lambda *_: None)


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    return random_prompts(random_samples(tmp_path_factory.mktemp("pictures")), 12, seed=2, most_shots=3)


def opened(directory: Path, cache_dir: Path | None = None, prefill: str = "fp8", **more: Any) -> PackedVLM:
    asked: dict[str, Any] = {"decode": DecodeSpec(), "device": "cpu", "dtype": "bfloat16", "engine": "packed", **more}
    vlm = open_vlm(str(directory), prefill=prefill, cache_dir=cache_dir, **asked)  # type: ignore[arg-type]
    assert isinstance(vlm, PackedVLM)
    return vlm


def test_without_a_gpu_it_is_refused_before_anything_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vlm.local.choosing.load_model", lambda *_, **__: pytest.fail("it was loaded"))
    monkeypatch.setattr("engine.vlm.opening.model_directory", lambda _: tmp_path)
    with pytest.raises(UserError, match=r"prefill: fp8 needs a GPU, and the device is cpu; leave --prefill out\."):
        opened(tmp_path)


@pytest.mark.parametrize("kind", [EvalSpec, GenerateSpec])
def test_what_a_specification_asks_for_reaches_the_engine(kind: type[EvalSpec | GenerateSpec], tmp_path: Path) -> None:
    with pytest.raises(UserError, match="prefill: fp8 needs a GPU"):
        open_answering_model(kind(prefill="fp8", device="cpu"), tmp_path)


@pytest.mark.parametrize(
    ("capability", "dtype", "said"),
    [
        ((8, 6), torch.bfloat16, "compute capability 8.9 or more, and NVIDIA A40 has 8.6"),
        ((9, 0), torch.float32, "dtype is float32; give --dtype bfloat16"),
        ((8, 9), torch.bfloat16, ""),
        ((12, 0), torch.bfloat16, ""),
    ],
)
def test_what_a_gpu_must_have(
    monkeypatch: pytest.MonkeyPatch, capability: tuple[int, int], dtype: torch.dtype, said: str
) -> None:
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda _: capability)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda _: "NVIDIA A40")
    if not said:
        fp8.refuse(torch.device("cuda"), dtype)
        return
    with pytest.raises(UserError, match=said):
        fp8.refuse(torch.device("cuda"), dtype)


def test_it_is_told_and_shares_no_answers(qwen: Path, anywhere: None, prompts: list[Prompt]) -> None:
    vlm, usual = opened(qwen), opened(qwen, prefill="dtype")
    facts = vlm.facts()
    told = facts["vlm_prefill_agreement"]
    assert (facts["vlm_prefill"], told["prompts"]) == ("fp8", 64)
    assert "vlm_prefill" not in usual.facts()
    [finding] = vlm.findings()
    assert (finding.code, finding.subject) == ("fp8-prefill", str(qwen))
    assert f"{told['equal']} of 64 answers" in finding.message
    assert usual.findings() == ()
    assert vlm.requests_sha != usual.requests_sha
    assert vlm.sha == usual.sha
    assert answers_in_order(vlm, prompts) != answers_in_order(usual, prompts)
    for counted in ("engine_images_encoded", "engine_prompt_tokens_computed"):  # the report counts nowhere
        assert vlm.facts()[counted] == usual.facts()[counted]


def test_a_run_bears_the_finding_and_the_facts(anywhere: None, tmp_path: Path) -> None:
    fields: dict[str, Any] = {"retriever": "random", "limit": 3, "shots": (1,), "device": "cpu"}
    spec = EvalSpec(**fields, dtype="bfloat16", engine="packed", prefill="fp8")
    rows = list(evaluate(spec, RunContext(tmp_path, tmp_path)))
    facts = {row.name: row.value for row in rows if isinstance(row, Fact)}
    assert (facts["vlm_prefill"], facts["vlm_dtype"]) == ("fp8", "bfloat16")
    assert "fp8-prefill" in [row.code for row in rows if isinstance(row, Finding)]
    assert len([row for row in rows if isinstance(row, Prediction)]) == 3


def test_what_was_found_is_kept_for_each_decoding(
    qwen: Path, anywhere: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = opened(qwen, tmp_path).agreement
    monkeypatch.setattr(fp8, "_measured", lambda *_: Agreement(64, 1, 16, 0.1, 0.2))
    assert opened(qwen, tmp_path).agreement == first
    greedy = opened(qwen, tmp_path, decode=DecodeSpec(num_beams=1)).agreement
    assert greedy is not None
    assert greedy.equal == 1
    assert opened(qwen, tmp_path).agreement == first


def test_it_is_refused_where_the_packed_engine_does_not_answer(
    qwen: Path, anywhere: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(UserError, match=r"prefill: fp8 needs the packed engine.*llava"):
        opened(save_tiny_llava(tmp_path / "llava"), engine="auto")
    monkeypatch.setattr("engine.vlm.local.choosing.distance", lambda _: 0.5)
    with pytest.raises(
        UserError, match=r"needs the packed engine, which does not answer for .*differ from the model's"
    ):
        opened(qwen)


def test_a_device_that_fails_to_multiply_it_is_told(
    qwen: Path, anywhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("CUBLAS_STATUS_NOT_SUPPORTED")

    monkeypatch.setattr(torch, "_scaled_mm", broken)
    with pytest.raises(UserError, match=r"prefill: fp8 does not run on cpu: CUBLAS_STATUS_NOT_SUPPORTED; leave"):
        opened(qwen)


def test_many_other_answers_are_a_warning() -> None:
    for equal, severity in ((64, "info"), (58, "info"), (57, "warning")):
        finding = fp8_prefill("model", Agreement(64, equal, 16, 0.033, 0.0512))
        assert finding.severity == severity
        assert f"{equal} of 64 answers" in finding.message
        assert "0.051 from float32's (bfloat16's: 0.033" in finding.message
