"""Weight files of every kind are read by their headers; damaged and hostile ones are named and harmless."""

from __future__ import annotations

import io
import json
import os
import pickle
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from engine.doctor.anatomy import Unreadable, read_values
from engine.doctor.containers import open_weights
from engine.doctor.pickle_reader import PickleProblem, read_pickle

TENSORS = {
    "weight": torch.arange(12, dtype=torch.float32).reshape(3, 4),
    "turned": torch.arange(12, dtype=torch.float32).reshape(3, 4).t(),
    "half": torch.tensor([1.5, -2.0], dtype=torch.float16),
    "brain": torch.tensor([0.5, -3.0], dtype=torch.bfloat16),
    "scalar": torch.tensor(7.0),
    "view": torch.arange(20, dtype=torch.float32)[5:8],
    "empty": torch.zeros(0, 3),
}


def torch_file(path: Path, **options: Any) -> Path:
    torch.save({"epoch": 3, "model_state_dict": TENSORS, "metrics": {"val_loss": 1.5}}, path, **options)
    return path


def safetensors_file(path: Path) -> Path:
    save_file({k: v.contiguous() for k, v in TENSORS.items()}, path, metadata={"spec": json.dumps({"shots": 2})})
    return path


WRITERS: dict[str, Callable[[Path], Path]] = {
    "torch-zip": torch_file,
    "torch-legacy": lambda path: torch_file(path, _use_new_zipfile_serialization=False),
    "safetensors": safetensors_file,
}


@pytest.mark.parametrize("kind", WRITERS)
def test_names_shapes_types_and_values_agree_with_torch(kind: str, tmp_path: Path) -> None:
    anatomy = open_weights(WRITERS[kind](tmp_path / "w"))
    assert (anatomy.format, anatomy.problems, anatomy.unsafe_globals) == (kind, [], [])
    assert set(anatomy.tensors()) == set(TENSORS)
    for name, tensor in TENSORS.items():
        info = anatomy.tensors()[name]
        assert info.shape == tuple(tensor.shape)
        assert info.dtype == str(tensor.dtype).removeprefix("torch.")
        np.testing.assert_array_equal(read_values(info), tensor.float().numpy(), strict=False)


def test_metadata_is_kept_and_plain(tmp_path: Path) -> None:
    assert open_weights(torch_file(tmp_path / "a")).metadata == {"epoch": 3, "metrics": {"val_loss": 1.5}}
    assert open_weights(safetensors_file(tmp_path / "b")).metadata == {"spec": {"shots": 2}}


def test_sharded_folders(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(2)}, tmp_path / "model-1.safetensors")
    index = {"weight_map": {"a": "model-1.safetensors", "b": "model-2.safetensors"}}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps(index))
    anatomy = open_weights(tmp_path)
    assert set(anatomy.tensors()) == {"a"}
    assert {code for code, _ in anatomy.problems} == {"truncated"}


class _Evil:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.target}",)


@pytest.mark.parametrize("zipped", [True, False])
def test_code_in_a_pickle_is_named_and_never_run(tmp_path: Path, zipped: bool) -> None:
    path, mark = tmp_path / "evil.pt", tmp_path / "executed"
    torch.save({"state_dict": TENSORS, "x": _Evil(mark)}, path, _use_new_zipfile_serialization=zipped)
    anatomy = open_weights(path)
    assert anatomy.unsafe_globals == ["posix.system"]
    assert set(anatomy.tensors()) == set(TENSORS)
    assert not mark.exists()


def test_a_plain_pickle_is_not_run_either(tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.ckpt", tmp_path / "executed"
    path.write_bytes(pickle.dumps(_Evil(mark)))
    assert open_weights(path).unsafe_globals == ["posix.system"]
    assert not mark.exists()


@pytest.mark.parametrize(
    ("content", "code", "word"),
    [
        (b"", "truncated", "empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "not-a-checkpoint", "git-lfs"),
        (b"<!DOCTYPE html><html>", "not-a-checkpoint", "web page"),
        (b'{"a": 1}', "not-a-checkpoint", "JSON"),
        (b"\x1f\x8b\x08\x00", "not-a-checkpoint", "gzip"),
        (b"hello, I am no checkpoint at all", "not-a-checkpoint", "neither"),
        (pickle.dumps([1, 2]), "not-a-checkpoint", "plain pickle"),
        (b"PK\x03\x04rest", "truncated", "cut at byte 8"),
        (struct.pack("<Q", 2**60) + b"{" + b"x" * 50, "not-a-checkpoint", "claims"),
        (struct.pack("<Q", 400) + b'{"a":' + b" " * 20, "truncated", "cut"),
    ],
)
def test_what_is_no_checkpoint_is_named(tmp_path: Path, content: bytes, code: str, word: str) -> None:
    path = tmp_path / "w"
    path.write_bytes(content)
    with pytest.raises(Unreadable, match=word) as caught:
        open_weights(path)
    assert caught.value.code == code


def _zip(path: Path, entries: dict[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)
    return path


def _pickled(value: object) -> bytes:
    stream = io.BytesIO()
    pickle.Pickler(stream, protocol=2).dump(value)
    return stream.getvalue()


def test_zip_tricks(tmp_path: Path) -> None:
    entries = {"a/data.pkl": _pickled({}), "../../etc/passwd": b"x"}
    assert "outside the archive" in open_weights(_zip(tmp_path / "path", entries)).problems[0][1]
    bomb = _zip(tmp_path / "bomb", {"a/data.pkl": _pickled({}), "a/data/0": bytes(10**7)}, zipfile.ZIP_DEFLATED)
    assert "zip bomb" in open_weights(bomb).problems[0][1]
    with pytest.raises(Unreadable, match=r"without data\.pkl"):
        open_weights(_zip(tmp_path / "other", {"readme": b"x"}))


def test_a_pickle_that_unpacks_to_too_much_is_refused_before_it_is_unpacked(tmp_path: Path) -> None:
    path = _zip(tmp_path / "w", {"a/data.pkl": bytes(80 * 2**20)}, zipfile.ZIP_DEFLATED)
    tracemalloc.start()
    with pytest.raises(Unreadable, match="more than reasonable"):
        open_weights(path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**20


def test_lying_sizes_are_truncation(tmp_path: Path) -> None:
    path = safetensors_file(tmp_path / "w")
    path.write_bytes(path.read_bytes()[:-6])
    assert {code for code, _ in open_weights(path).problems} == {"truncated"}
    header = json.dumps({"a": {"dtype": "F32", "shape": [2**40], "data_offsets": [0, 4]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + b"\0" * 4)
    ((code, sentence),) = open_weights(path).problems
    assert (code, "shape and type need" in sentence) == ("truncated", True)


def test_a_huge_memo_index_costs_nothing() -> None:
    huge = b"\x80\x02]r\xff\xff\xff\xff."
    assert read_pickle(huge).value == []


@pytest.mark.parametrize(
    "data", [b"", b".", b"\x80\x02.", b"0.", b"(.", b"\x80\x04t.", b"cos\nsystem\n", b"K\x01K\x01s."]
)
def test_malformed_pickles_are_problems(data: bytes) -> None:
    with pytest.raises(PickleProblem):
        read_pickle(data)


# Each of the following draws many files; together they are the 2,000 and more cases that no reader may crash on.

HARD = settings(max_examples=700, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def survives(path: Path, content: bytes) -> None:
    """Reading answers with an anatomy or with one sentence, reads every tensor it claims, and stays small."""
    path.write_bytes(content)
    try:
        anatomy = open_weights(path)
        for info in anatomy.tensors().values():
            if info.start is not None and info.numel < 10_000:
                read_values(info)
    except Unreadable as error:
        sentence = str(error)
    else:
        sentence = anatomy.format
    assert sentence


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[bytes]:
    folder = tmp_path_factory.mktemp("files")
    return [write(folder / kind).read_bytes() for kind, write in WRITERS.items()]


@HARD
@given(
    data=st.binary(max_size=400),
    start=st.sampled_from([b"", b"PK\x03\x04", b"\x80\x02", b"\x10\0\0\0\0\0\0\0{", b"\x80\x04\x95"]),
)
def test_random_bytes(tmp_path: Path, data: bytes, start: bytes) -> None:
    survives(tmp_path / "w", start + data)


@HARD
@given(which=st.integers(0, 2), share=st.floats(0, 1))
def test_truncated_files(tmp_path: Path, files: list[bytes], which: int, share: float) -> None:
    survives(tmp_path / "w", files[which][: int(share * len(files[which]))])


@HARD
@given(
    which=st.integers(0, 2),
    flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 7)), min_size=1, max_size=6),
)
def test_flipped_bits(tmp_path: Path, files: list[bytes], which: int, flips: list[tuple[float, int]]) -> None:
    content = bytearray(files[which])
    for place, bit in flips:
        content[int(place * len(content))] ^= 1 << bit
    survives(tmp_path / "w", bytes(content))
