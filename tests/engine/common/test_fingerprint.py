"""Content hashes of model directories and what is remembered of them."""

from __future__ import annotations

import hashlib
import json
import os
from pathlib import Path

import pytest

from engine.common.models.fingerprint import begin_model_sha, file_sha, file_shas, files_sha, model_sha


@pytest.fixture
def model(tmp_path: Path) -> Path:
    directory = tmp_path / "model"
    directory.mkdir()
    for name in ("config.json", "tokenizer.json", "generation_config.json", "README.md"):
        (directory / name).write_text(json.dumps({"file": name}))
    (directory / "model.safetensors").write_bytes(b"weights")
    return directory


def test_a_file_hash_is_its_sha256(model: Path) -> None:
    weights = model / "model.safetensors"
    assert file_sha(weights) == hashlib.sha256(b"weights").hexdigest()
    assert file_shas([weights]) == {weights: file_sha(weights)}


@pytest.mark.parametrize(
    ("name", "counts"),
    [
        ("model.safetensors", True), ("config.json", True), ("tokenizer.json", True), ("chat_template.jinja", True),
        ("generation_config.json", False), ("README.md", False), ("pytorch_model.bin", False),
    ],
)  # fmt: skip
def test_what_decides_answers_counts_and_nothing_else(model: Path, name: str, counts: bool) -> None:
    before = model_sha(model)
    (model / name).write_bytes(b"changed")
    assert (model_sha(model) != before) is counts


def test_the_place_does_not_count(model: Path) -> None:
    before = model_sha(model)
    assert model_sha(model.rename(model.parent / "moved")) == before


def test_hashes_are_remembered_until_the_file_changes(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hashed: list[Path] = []
    real = file_sha

    def counted(path: Path) -> str:
        hashed.append(path)
        return real(path)

    monkeypatch.setattr("engine.common.models.fingerprint.file_sha", counted)
    monkeypatch.setattr("engine.common.models.fingerprint.SETTLED_NS", 0)
    first = model_sha(model, tmp_path / "cache")
    assert sorted(path.name for path in hashed) == ["config.json", "model.safetensors", "tokenizer.json"]
    hashed.clear()
    assert model_sha(model, tmp_path / "cache") == first
    assert hashed == []
    weights = model / "model.safetensors"
    status = weights.stat()
    weights.write_bytes(b"WEIGHTS")
    os.utime(weights, ns=(status.st_atime_ns, status.st_mtime_ns + 1_000))
    assert model_sha(model, tmp_path / "cache") != first
    assert hashed == [weights]


def test_a_file_put_in_place_with_the_old_size_and_time_is_hashed_again(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.common.models.fingerprint.SETTLED_NS", 0)
    weights = model / "model.safetensors"
    status = weights.stat()
    first = file_shas([weights], tmp_path / "cache")
    other = tmp_path / "other"
    other.write_bytes(b"WEIGHTS")
    os.utime(other, ns=(status.st_atime_ns, status.st_mtime_ns))
    other.replace(weights)
    assert file_shas([weights], tmp_path / "cache") != first


def test_a_file_that_has_just_changed_is_not_remembered(model: Path, tmp_path: Path) -> None:
    """A second change may bear the same time: file systems count it in milliseconds, some in seconds."""
    file_shas([model / "model.safetensors"], tmp_path)
    assert json.loads((tmp_path / "fingerprints.json").read_text()) == {}


def test_several_files_have_one_hash_and_one_file_its_own(model: Path) -> None:
    weights, config = model / "model.safetensors", model / "config.json"
    assert files_sha([weights]) == file_sha(weights)
    both = files_sha([weights, config])
    config.write_text("changed")
    assert files_sha([weights, config]) != both


def test_links_are_hashed_as_what_they_point_to(model: Path, tmp_path: Path) -> None:
    linked = tmp_path / "linked"
    linked.mkdir()
    for file in model.iterdir():
        (linked / file.name).symlink_to(file)
    assert model_sha(linked, tmp_path / "cache") == model_sha(model, tmp_path / "cache")


@pytest.mark.parametrize("content", ["", "{", "[]", '{"a": 1}'])
def test_a_damaged_cache_is_only_a_cache(model: Path, tmp_path: Path, content: str) -> None:
    (tmp_path / "fingerprints.json").write_text(content)
    assert model_sha(model, tmp_path) == model_sha(model)


def test_hashes_that_were_begun_are_waited_for_and_not_made_twice(
    model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = model_sha(model)
    hashed: list[str] = []

    def counted(path: Path) -> str:
        hashed.append(path.name)
        return file_sha(path)

    monkeypatch.setattr("engine.common.models.fingerprint.file_sha", counted)
    monkeypatch.setattr("engine.common.models.fingerprint.SETTLED_NS", 0)
    begin_model_sha(model, tmp_path / "cache")
    assert model_sha(model, tmp_path / "cache") == expected
    assert hashed.count("model.safetensors") == 1
    begin_model_sha(model, tmp_path / "cache")
    assert hashed.count("model.safetensors") == 1, "it is in the cache"


def test_a_file_that_changes_after_its_hash_was_begun_is_hashed_again(
    model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.common.models.fingerprint.SETTLED_NS", 0)
    begin_model_sha(model)
    (model / "model.safetensors").write_bytes(b"other weights")
    assert file_shas([model / "model.safetensors"])[model / "model.safetensors"] == file_sha(
        model / "model.safetensors"
    )
