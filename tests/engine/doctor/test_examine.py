"""What a path is recognised as, and what is said of embeddings, sampler caches and files of no known kind."""

from __future__ import annotations

import json
import os
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

GOLDEN = Path(__file__).parents[2] / "golden"


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


def test_weights_without_a_suffix_are_recognised_by_their_start(tmp_path: Path) -> None:
    helpers_checkpoints.write_safetensors(tmp_path / "selector", helpers_checkpoints.make_tensors())
    assert examine(tmp_path / "selector").facts["variant"] == "v3"
    assert examine(with_manifest(tmp_path / "rows", embeddings=vectors())).kind == "embeddings"
    (tmp_path / "text").write_text("a: 1234 {braces}")
    assert examine(tmp_path / "text").kind == "unknown"


def test_pipes_are_not_waited_for(tmp_path: Path) -> None:
    for name in ("a.pt", "b.npy", "c.json", "d"):
        os.mkfifo(tmp_path / name)
        assert "is a pipe, not a file" in examine(tmp_path / name).findings[0].message


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


def test_embeddings_that_are_no_unit_vectors(tmp_path: Path) -> None:
    torch.save(5 * vectors(), tmp_path / "five.pt")
    assert codes(examine(tmp_path / "five.pt")) == {"encoder-unverified", "not-unit-norm"}
    torch.save(1.005 * vectors(), tmp_path / "near.pt")
    assert codes(examine(tmp_path / "near.pt")) == {"encoder-unverified"}
    recipe = {"encoder": "clip", "standardize": {"mean": [0.0], "std": [1.0]}}
    save_file({"embeddings": 5 * vectors()}, tmp_path / "s.safetensors", metadata={"manifest": json.dumps(recipe)})
    assert examine(tmp_path / "s.safetensors").findings == ()
    both = torch.cat([vectors(), vectors()], dim=1)
    assert examine(with_manifest(tmp_path / "both.safetensors", embeddings=both)).findings == ()


@pytest.mark.parametrize(
    "array",
    [np.zeros((3, 4), np.int64), np.zeros((0, 4), np.float32), np.array([["a", "b"]]), np.zeros((2, 2), complex)],
)
def test_arrays_that_hold_no_vectors(tmp_path: Path, array: np.typing.NDArray[np.generic]) -> None:
    np.save(tmp_path / "e.npy", array)
    assert codes(examine(tmp_path / "e.npy")) == {"not-embeddings"}


def test_a_matrix_that_claims_more_than_its_file_is_not_read(tmp_path: Path) -> None:
    torch.save(torch.ones(1).as_strided((2**45, 2), (0, 0)), tmp_path / "huge.pt")
    (finding,) = examine(tmp_path / "huge.pt").findings
    assert (finding.code, "35,184,372,088,832 x 2" in finding.message) == ("malformed", True)


def test_large_matrices_are_sampled_by_row(tmp_path: Path) -> None:
    many = vectors(100_003, 2)
    many[300, 1] = float("nan")
    report = examine(with_manifest(tmp_path / "e.safetensors", embeddings=many))
    assert (report.facts["rows"], report.facts["rows_read"]) == (100_003, 33_335)
    assert "first row 300 (one row in 3 was read)" in report.findings[0].message


def test_query_and_candidate_files_are_compared(tmp_path: Path) -> None:
    queries, candidates = tmp_path / "query_embeddings.pt", tmp_path / "candidate_embeddings.pt"
    for made, found in (
        (vectors(), {"identical-embeddings"}), (vectors(7), {"rows-uneven"}), (vectors(6, 5), {"d-model"}), (-vectors(), set()),
    ):  # fmt: skip
        torch.save(vectors(), queries)
        torch.save(made, candidates)
        assert codes(examine(queries)) == codes(examine(candidates)) == {"encoder-unverified"} | found


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
    assert (report.findings[0].code, "is empty" in report.findings[0].message) == ("unrecognised", True)


@pytest.mark.parametrize("repeats", [1, 12])
def test_repeated_ids_of_a_data_set_are_named(tmp_path: Path, repeats: int) -> None:
    ids = [*range(20), *range(repeats)]
    rows = [{"question_id": i, "image_id": i, "image": "a.jpg", "question": "q?", "answers": ["cat"] * 10} for i in ids]
    (tmp_path / "train.json").write_text(json.dumps(rows))
    (tmp_path / "val.json").write_text(json.dumps(rows[:1]))
    report = examine(tmp_path)
    (finding,) = report.findings
    assert (report.kind, finding.code, finding.severity) == ("dataset", "duplicate-ids", "error")
    assert (
        "question_id 0 occurs twice" if repeats == 1 else "12 question_ids occur more than once (0, 1,"
    ) in finding.message


def test_a_data_set_of_one_split_is_judged(tmp_path: Path) -> None:
    row = {"question_id": 1, "image_id": 1, "image": "a.jpg", "question": "q?", "answers": ["cat"] * 9}
    (tmp_path / "val.json").write_text(json.dumps([row]))
    (tmp_path / "a.jpg").write_bytes(b"x")
    assert codes(examine(tmp_path)) == {"references-few", "split-missing"}


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
