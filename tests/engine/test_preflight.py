"""Preflight: what blocks a run, what warns, and that nothing heavy is imported for it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np

from db.specs import EvalSpec, TrainSpec
from db.specs.selector import PUBLISHED
from engine.checkpoint import save_selector
from engine.doctor.preflight import Preflight, preflight
from engine.selector import PointerSelector
from tests import helpers_checkpoints as make
from tests import helpers_rl

GOLDEN = Path(__file__).parents[1] / "golden"


def levels(result: Preflight) -> dict[str, str]:
    return {check.what: check.level for check in result.checks}


def codes(result: Preflight) -> set[str]:
    return {finding.code for finding in result.findings}


def test_nothing_is_wrong_with_the_default_run() -> None:
    result = preflight(EvalSpec(retriever="random"))
    assert (result.checks, result.findings) == ([], [])


def test_a_sound_checkpoint_fills_the_table() -> None:
    result = preflight(EvalSpec(selector=str(GOLDEN / "selector_l1.pt")))
    assert not result.blocked
    assert set(levels(result).values()) == {"ok"}
    assert {"checkpoint", "variant", "num layers", "shots"} <= set(levels(result))


def test_missing_files_block(tmp_path: Path) -> None:
    assert preflight(EvalSpec(selector=str(tmp_path / "gone.pt"))).blocked
    assert preflight(EvalSpec(dataset=str(tmp_path / "gone"))).blocked
    assert preflight(TrainSpec(rl_data=str(tmp_path / "gone"), embeddings="builtin")).blocked
    assert preflight(TrainSpec(rl_data="builtin", embeddings=str(tmp_path / "gone"))).blocked


def test_old_names_warn_because_they_are_loaded_exactly(tmp_path: Path) -> None:
    path = make.write_converted(tmp_path / "w_v2format.ckpt", make.make_tensors())
    result = preflight(EvalSpec(selector=str(path)))
    assert not result.blocked
    assert codes(result) == {"legacy-keys", "unverifiable"}
    assert levels(result)["checkpoint"] == "warn"


def test_a_pool_of_two_blocks() -> None:
    result = preflight(EvalSpec(selector=str(GOLDEN / "selector_l1.pt"), pool="first", pool_size=2))
    assert (codes(result), levels(result)["pool size"]) == ({"pool-size", "unverifiable"}, "block")


def test_training_holds_the_start_against_the_request(tmp_path: Path) -> None:
    np.save(tmp_path / "e.npy", np.random.default_rng(0).normal(size=(200, 32)).astype(np.float32))
    data = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    spec = TrainSpec(
        rl_data=str(data), embeddings=str(tmp_path / "e.npy"), init=str(GOLDEN / "selector_l1.pt"), hidden_dim=16
    )
    assert not preflight(spec).blocked
    wrong = spec.model_copy(update={"hidden_dim": 32, "num_layers": 3})
    assert {"hidden-dim", "layers-missing"} <= codes(preflight(wrong))


def test_data_without_signal_blocks(tmp_path: Path) -> None:
    document = helpers_rl.strict()
    for record in list(document.values())[1:]:
        for candidate in record["pointer_candidates"]:
            candidate |= {"vqa_correct": 0, "vqa_acc_score": 0.0}
    spec = TrainSpec(rl_data=str(helpers_rl.write(tmp_path / "rl.json", document)), embeddings="builtin")
    result = preflight(spec)
    assert result.blocked
    assert {"positive-rate-low", "signal-rate-low"} <= codes(result)


def test_evaluating_a_selector_on_train_questions_warns() -> None:
    result = preflight(EvalSpec(selector=str(GOLDEN / "selector_l1.pt"), split="train"))
    assert "train-eval-overlap" in codes(result)


def test_neither_torch_nor_the_store_is_imported() -> None:
    code = (
        "import sys; from db.specs import EvalSpec; from engine.doctor.preflight import preflight\n"
        f"preflight(EvalSpec(selector={str(GOLDEN / 'selector_l1.pt')!r}))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sqlmodel')))"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def trained(path: Path, *, prompt_sha: str, decode_sha: str, encoder: str = "vlm") -> Path:
    """A selector whose manifest says what its RL data were made with."""
    lineage = {"rl_meta": {"prompt_sha": prompt_sha, "decode_sha": decode_sha}}
    selector = PointerSelector(PUBLISHED["v3"], make.D_MODEL, make.HIDDEN_DIM)
    save_selector(path, selector, lineage=lineage, embedding={"encoder": encoder}, pool={"rule": "auto", "size": 64})
    return path


def test_prompt_decoding_and_encoder_of_training_are_held_against_the_evaluation(tmp_path: Path) -> None:
    asked = EvalSpec()
    alike = trained(tmp_path / "a.safetensors", prompt_sha=asked.prompt.sha(), decode_sha=asked.decode.sha())
    assert codes(preflight(asked.model_copy(update={"selector": str(alike)}))) == set()
    other = trained(tmp_path / "b.safetensors", prompt_sha="0" * 64, decode_sha="1" * 64)
    result = preflight(asked.model_copy(update={"selector": str(other)}))
    assert codes(result) == {"prompt-mismatch", "decode-mismatch"}
    assert (levels(result)["prompt"], levels(result)["decode"]) == ("warn", "warn")
    clip = trained(
        tmp_path / "c.safetensors", prompt_sha=asked.prompt.sha(), decode_sha=asked.decode.sha(), encoder="clip"
    )
    assert codes(preflight(asked.model_copy(update={"selector": str(clip)}))) == {"encoder-unverified"}


def test_the_shipped_selector_gives_no_finding() -> None:
    result = preflight(EvalSpec(retriever="selector", selector="builtin", shots=(1, 2)))
    assert (result.findings, levels(result)["prompt"], levels(result)["decode"]) == ([], "ok", "ok")
