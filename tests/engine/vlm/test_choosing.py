"""Which engine answers: the packed one where it can run and agrees, else generate, with the reason and, loudly, a finding."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from db.specs import DecodeSpec
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import answers_in_order
from tests.helpers_packed import random_prompts, random_samples
from tests.helpers_vlm import save_tiny_llava


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> list[Prompt]:
    return random_prompts(random_samples(tmp_path_factory.mktemp("pictures")), 8, seed=1, most_shots=3)


def opened(directory: Path, engine: str, dtype: str = "float32", cache_dir: Path | None = None) -> LocalVLM:
    vlm = open_vlm(str(directory), decode=DecodeSpec(), device="cpu", dtype=dtype, engine=engine, cache_dir=cache_dir)
    assert isinstance(vlm, LocalVLM)
    return vlm


@pytest.mark.parametrize("engine", ["auto", "packed"])
def test_the_packed_engine_is_taken_where_it_agrees(qwen: Path, engine: str) -> None:
    vlm = opened(qwen, engine)
    assert isinstance(vlm, PackedVLM)
    assert vlm.findings() == ()
    facts = vlm.facts()
    assert facts["vlm_engine"] == "packed"
    assert 0 < facts["vlm_engine_distance"] < 1e-5


def test_plain_is_plain_without_a_word(qwen: Path) -> None:
    vlm = opened(qwen, "plain")
    assert not isinstance(vlm, PackedVLM)
    assert vlm.facts()["vlm_engine"] == "plain"
    assert "vlm_engine_reason" not in vlm.facts()


def test_another_family_says_why_and_is_loud_only_where_it_was_asked(tmp_path: Path) -> None:
    directory = save_tiny_llava(tmp_path)
    for engine, loud in (("auto", []), ("packed", ["engine-differs"])):
        vlm = opened(directory, engine)
        assert not isinstance(vlm, PackedVLM)
        assert "llava" in vlm.facts()["vlm_engine_reason"]
        assert [finding.code for finding in vlm.findings()] == loud


def test_without_a_gpu_half_precision_is_left_to_generate(qwen: Path) -> None:
    assert "float32 only" in opened(qwen, "auto", "bfloat16").facts()["vlm_engine_reason"]
    assert isinstance(opened(qwen, "packed", "bfloat16"), PackedVLM)


def test_a_wrong_prefix_is_found_and_generate_answers(
    qwen: Path, prompts: list[Prompt], monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = answers_in_order(opened(qwen, "plain"), prompts)
    monkeypatch.setattr("engine.packed.prefill.relative_positions", lambda grid, text: (_shifted(grid, text), text + 1))
    vlm = opened(qwen, "auto")
    assert not isinstance(vlm, PackedVLM)
    (finding,) = vlm.findings()
    assert (finding.code, finding.severity) == ("engine-differs", "warning")
    assert "differ from the model's own by" in finding.message
    assert answers_in_order(vlm, prompts) == expected


def test_what_a_self_test_found_is_remembered_until_code_or_weights_change(
    qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tested: list[PackedVLM] = []

    def counted(vlm: PackedVLM) -> float:
        tested.append(vlm)
        return 1e-6 * len(tested)

    monkeypatch.setattr("engine.vlm.local.choosing.distance", counted)
    found = [opened(qwen, "auto", cache_dir=tmp_path).facts()["vlm_engine_distance"] for _ in range(2)]
    assert found == [1e-6, 1e-6]
    monkeypatch.setattr("engine.vlm.local.starts._code", lambda: "another version")
    assert opened(qwen, "auto", cache_dir=tmp_path).facts()["vlm_engine_distance"] == 2e-6
    (tmp_path / "selftests.json").write_text("{broken")
    assert opened(qwen, "auto", cache_dir=tmp_path).facts()["vlm_engine_distance"] == 3e-6


def test_a_failed_self_test_is_not_remembered(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.vlm.local.choosing.distance", lambda _: 0.5)
    assert not isinstance(opened(qwen, "auto", cache_dir=tmp_path), PackedVLM)
    monkeypatch.undo()
    assert isinstance(opened(qwen, "auto", cache_dir=tmp_path), PackedVLM)


def _shifted(grid: tuple[int, int], text: int) -> object:

    return torch.arange(grid[0] * grid[1] + text).expand(3, -1)


def test_a_kernel_that_does_not_run_is_told(qwen: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise RuntimeError("no kernel image is available")

    monkeypatch.setattr("engine.packed.model.language.Language.decode", broken)
    vlm = opened(qwen, "packed")
    assert not isinstance(vlm, PackedVLM)
    assert "no kernel image is available" in vlm.facts()["vlm_engine_reason"]
    assert [finding.code for finding in vlm.findings()] == ["engine-differs"]
