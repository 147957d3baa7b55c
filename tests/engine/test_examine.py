"""What a path is recognised as, and what is said of embeddings, sampler caches and files of no known kind."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from db.specs import Report
from engine.doctor.examine import examine
from tests import helpers_checkpoints, helpers_rl

GOLDEN = Path(__file__).parents[1] / "golden"


def codes(report: Report) -> set[str]:
    return {finding.code for finding in report.findings}


def vectors(rows: int = 6, width: int = 4) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(rows, width, generator=torch.Generator().manual_seed(0)), dim=1)


def with_manifest(path: Path, **tensors: torch.Tensor) -> Path:
    save_file(tensors, path, metadata={"manifest": json.dumps({"encoder": "openai/clip-vit-base-patch32"})})
    return path


def cache(path: Path, pools: dict[str, list[int]]) -> Path:
    path.write_text(json.dumps(pools))
    return path


def test_each_kind_is_recognised(tmp_path: Path) -> None:
    assert examine(GOLDEN / "selector_l1.pt").kind == "checkpoint"
    assert examine(GOLDEN / "train_pool.rl_data.json").kind == "rl-data"
    assert examine(GOLDEN / "accuracy_matrices.json").kind == "matrix"
    assert examine(with_manifest(tmp_path / "e.safetensors", embeddings=vectors())).kind == "embeddings"
    assert examine(cache(tmp_path / "c.json", {"1": [2, 3]})).kind == "sampler-cache"
    np.save(tmp_path / "e.npy", vectors().numpy())
    assert examine(tmp_path / "e.npy").kind == "embeddings"
    torch.save(vectors(), tmp_path / "e.pt")
    assert examine(tmp_path / "e.pt").kind == "embeddings"
    (tmp_path / "notes.txt").write_text("hello")
    assert examine(tmp_path / "notes.txt").kind == "unknown"


@pytest.mark.parametrize("variant", helpers_rl.VARIANTS)
def test_every_rl_variant_is_recognised(variant: str, tmp_path: Path) -> None:
    report = examine(helpers_rl.write(tmp_path / "rl.json", helpers_rl.VARIANTS[variant]()))
    assert (report.kind, report.facts["variant"]) == ("rl-data", variant)


def test_sound_embeddings_give_no_finding(tmp_path: Path) -> None:
    report = examine(with_manifest(tmp_path / "e.safetensors", embeddings=vectors()))
    assert report.findings == ()
    assert (report.facts["rows"], report.facts["d_model"], report.facts["unit_norm"]) == (6, 4, True)


def test_faults_of_embeddings(tmp_path: Path) -> None:
    torch.save(vectors(), tmp_path / "bare.pt")
    assert codes(examine(tmp_path / "bare.pt")) == {"encoder-unverified"}
    bad = vectors()
    bad[2, 1] = float("nan")
    assert codes(examine(with_manifest(tmp_path / "a.safetensors", embeddings=bad))) == {"non-finite"}
    zero = vectors()
    zero[3] = 0
    assert codes(examine(with_manifest(tmp_path / "b.safetensors", embeddings=zero))) == {"zero-rows"}
    assert codes(examine(with_manifest(tmp_path / "c.safetensors", embeddings=torch.ones(4, 3)))) == {"constant-tensor"}
    twice = with_manifest(tmp_path / "d.safetensors", candidates=vectors(), queries=vectors())
    assert codes(examine(twice)) == {"identical-embeddings"}
    assert codes(examine(with_manifest(tmp_path / "f.safetensors", embeddings=torch.ones(3)))) == {"d-model"}


def test_faults_of_sampler_caches(tmp_path: Path) -> None:
    assert examine(cache(tmp_path / "a.json", {"1": [2, 3], "2": [1, 3]})).findings == ()
    assert codes(examine(cache(tmp_path / "b.json", {"1": [1, 3]}))) == {"self-demonstration"}
    assert codes(examine(cache(tmp_path / "c.json", {"1": [3, 3]}))) == {"pool-duplicate"}
    assert codes(examine(cache(tmp_path / "d.json", {"1": [2, 3], "2": [3]}))) == {"pool-size-uneven"}


def test_folders(tmp_path: Path) -> None:
    helpers_checkpoints.write_sharded(tmp_path / "shards", helpers_checkpoints.make_tensors())
    assert examine(tmp_path / "shards").kind == "checkpoint"
    (tmp_path / "empty").mkdir()
    report = examine(tmp_path / "empty")
    assert report.kind == "dataset"
    assert "empty" in report.findings[0].message


def test_a_cut_rl_file_is_a_finding(tmp_path: Path) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    path.write_text(path.read_text()[:3000])
    report = examine(path)
    assert report.kind == "rl-data"
    assert codes(report) == {"truncated"}
    assert str(path) in report.findings[0].message


HARD = settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck), database=None)


@pytest.fixture(scope="module")
def texts(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("texts")
    files = [
        helpers_rl.write(folder / name, build(3, 3))
        for name, build in (("s", helpers_rl.strict), ("p", helpers_rl.pooled))
    ]
    return [*(file.read_bytes() for file in files), json.dumps({"1": [2, 3], "2": [1, 4]}).encode()]


@HARD
@given(
    which=st.integers(0, 2),
    share=st.floats(0, 1),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), max_size=4),
)
def test_damaged_text_files_never_crash(
    tmp_path: Path, texts: list[bytes], which: int, share: float, flips: list[tuple[float, int]]
) -> None:
    content = bytearray(texts[which])
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    path = tmp_path / "x.json"
    path.write_bytes(bytes(content[: int(share * len(content))] if not flips else content))
    report = examine(path)
    assert all(finding.message for finding in report.findings)
