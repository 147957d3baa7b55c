"""Preflight: what it needs of the machine, that nothing escapes it, and that nothing heavy is imported for it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from db.specs import DecodeSpec, EmbedSpec, EvalSpec, Finding, GenerateSpec, TrainSpec
from engine.demo.shipped import model_dir
from engine.doctor import checkpoint
from engine.doctor.preflight import preflight
from tests.helpers_data import write_official
from tests.helpers_preflight import WIDTH, codes, levels, message, published

GREEDY = DecodeSpec(num_beams=1)


@pytest.fixture(autouse=True)
def empty_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """No model of the hub is on this disk."""
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    return tmp_path / "hub"


def test_nothing_is_wrong_with_a_run_that_chooses_at_random() -> None:
    result = preflight(EvalSpec(retriever="random"))
    assert (result.checks, result.findings) == ([], [])


def test_missing_files_block(tmp_path: Path) -> None:
    assert preflight(EvalSpec(selector=str(tmp_path / "gone.pt"))).blocked
    assert preflight(EvalSpec(dataset=str(tmp_path / "gone"))).blocked
    assert preflight(TrainSpec(rl_data=str(tmp_path / "gone"), embeddings="builtin")).blocked
    assert preflight(TrainSpec(rl_data="builtin", embeddings=str(tmp_path / "gone"))).blocked


def test_a_folder_without_questions_is_no_data_set(tmp_path: Path) -> None:
    result = preflight(EvalSpec(dataset=str(tmp_path), retriever="random"))
    assert (codes(result), levels(result)) == ({"not-found"}, {"data set": "block"})
    write_official(tmp_path / "okvqa")
    assert preflight(EvalSpec(dataset=str(tmp_path / "okvqa"), retriever="random")).findings == []


@pytest.mark.parametrize("spec", [EvalSpec(vlm="an/other", retriever="random"), EmbedSpec(vlm="an/other")])
def test_a_model_that_was_never_downloaded_blocks(spec: EvalSpec | EmbedSpec, empty_cache: Path) -> None:
    result = preflight(spec)
    assert (codes(result), levels(result)["model"]) == ({"not-found"}, "block")
    (empty_cache / "models--an--other").mkdir(parents=True)
    assert preflight(spec).findings == []


def test_a_model_folder_that_is_incomplete_blocks_with_what_is_missing(tmp_path: Path) -> None:
    result = preflight(EvalSpec(vlm=str(tmp_path), retriever="random"))
    assert "config.json is missing" in message(result, "not-found")


@pytest.mark.parametrize(
    "spec",
    [
        EvalSpec(vlm="http://host/v1", retriever="t2t", decode=GREEDY),
        EvalSpec(vlm="http://host/v1", retriever="random", pool="mix-sampler", decode=GREEDY),
        GenerateSpec(vlm="http://host/v1", decode=GREEDY),
        EmbedSpec(vlm="http://host/v1"),
        EmbedSpec(use_image=False, use_text=False),
    ],
)
def test_what_gives_no_features_blocks(spec: EvalSpec | GenerateSpec | EmbedSpec) -> None:
    assert codes(preflight(spec)) == {"no-features"}


@pytest.mark.parametrize(("whole", "severity"), [(1, "error"), (1 << 40, "warning")])
def test_weights_that_do_not_fit_into_memory_are_named_before_they_are_read(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, whole: int, severity: str
) -> None:
    copy = shutil.copytree(model_dir(), tmp_path / "model")
    spec = EvalSpec(vlm=str(copy), retriever="random", device="cpu")
    assert preflight(spec).findings == []
    monkeypatch.setattr("engine.doctor.preflight.machine.memory_of_machine", lambda: (whole, 1))
    [found] = preflight(spec).findings
    assert (found.code, found.severity) == ("memory", severity)
    assert "dtype=bfloat16" in found.fix


def test_a_text_encoder_compares_texts_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.common.models.model_files.require", lambda *_: None)
    folder = tmp_path / "texts"
    shutil.copytree(model_dir(), folder)
    (folder / "modules.json").write_text("[]")
    by_texts = EvalSpec(retriever="t2t", encoder=str(folder))
    assert codes(preflight(by_texts)) == set()
    for fields in ({"retriever": "i2t"}, {"retriever": "qi2qi"}, {"pool": "mix-sampler"}):
        assert codes(preflight(by_texts.model_copy(update=fields))) == {"no-features"}, fields
    assert codes(preflight(EmbedSpec(encoder=str(folder)))) == {"no-features"}
    assert codes(preflight(EmbedSpec(encoder=str(folder), use_image=False))) == set()


def test_a_family_whose_processor_needs_a_package_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("engine.common.extras.find_spec", lambda _: None)
    folder = shutil.copytree(model_dir(), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mistral3"}))
    assert "torchvision" in message(preflight(EvalSpec(vlm=str(folder), retriever="random")), "missing-extra")


def test_a_device_that_this_machine_lacks_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    for name in ("cuda:1", "gpu", "cuda:x"):
        assert levels(preflight(EvalSpec(retriever="random", device=name))) == {"device": "block"}
    elsewhere = preflight(EvalSpec(retriever="random", device="cuda:1"), on="slurm:gpu")
    assert levels(elsewhere) == {"place": "ok"}, "the node has a device of its own"
    assert preflight(EvalSpec(retriever="random", device="gpu"), on="slurm").blocked, "a name that is none anywhere"
    assert preflight(EvalSpec(retriever="random", device="cpu")).findings == []


def test_a_reader_that_fails_is_a_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RecursionError("too deep")

    monkeypatch.setattr(checkpoint, "examine_checkpoint", fail)
    result = preflight(EvalSpec(selector=str(published(tmp_path / "a.pt"))))
    assert result.blocked
    assert "The selector could not be judged (RecursionError: too deep)." in message(result, "unreadable")


def test_findings_are_told_when_they_are_made(tmp_path: Path) -> None:
    told: list[Finding] = []
    path = published(tmp_path / "a.pt", d_model=WIDTH + 1)
    result = preflight(EvalSpec(dataset=str(tmp_path / "gone"), selector=str(path)), told.append)
    assert [finding.code for finding in told][:1] == ["not-found"]
    assert told == result.findings


def test_neither_torch_nor_the_store_is_imported(tmp_path: Path) -> None:
    path = published(tmp_path / "a.pt")
    specs = [EvalSpec(selector=str(path)), TrainSpec(rl_data="builtin", embeddings="builtin", init=str(path))]
    documents = f"[{', '.join(spec.canonical() for spec in specs)}]"
    code = (
        "import json, sys; from db.specs import JOB_SPEC; from engine.doctor.preflight import preflight\n"
        "for spec in json.loads(sys.argv[1]): preflight(JOB_SPEC.validate_python(spec))\n"
        "sys.exit(any(name in sys.modules for name in ('torch', 'transformers', 'sqlmodel', 'huggingface_hub')))"
    )
    assert subprocess.run([sys.executable, "-c", code, documents], check=False).returncode == 0


def test_the_first_finding_waits_for_no_numpy(tmp_path: Path) -> None:
    spec = EvalSpec(selector=str(published(tmp_path / "a.pt")), pool="first", pool_size=2)
    code = (
        "import sys; from db.specs import JOB_SPEC; from engine.doctor.preflight import preflight\n"
        "preflight(JOB_SPEC.validate_json(sys.argv[1]), lambda finding: sys.exit('numpy' in sys.modules))\n"
        "sys.exit('nothing was found')"
    )
    assert subprocess.run([sys.executable, "-c", code, spec.canonical()], check=False).returncode == 0
