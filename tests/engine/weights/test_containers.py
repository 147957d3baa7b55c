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

from engine.weights.anatomy import Unreadable, read_values
from engine.weights.containers import open_weights
from engine.weights.pickle_operations import PickleProblem
from engine.weights.pickle_reader import read_pickle
from tests.helpers_checkpoints import fake_omegaconf

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


def _named(path: Path, module: str, attribute: str, argument: str) -> Path:
    """A torch file whose `x` is what `module`.`attribute` gives for `argument`, named as protocol 4 names it."""

    def text(value: str) -> bytes:
        return b"X" + struct.pack("<I", len(value)) + value.encode()

    torch.save({"state_dict": {"a": torch.zeros(2)}, "x": "PLACE"}, path)
    with zipfile.ZipFile(path) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    payload = text(module) + text(attribute) + b"\x93" + text(argument) + b"\x85R"
    for name in entries:
        if name.endswith("data.pkl"):
            entries[name] = b"\x80\x04" + entries[name][2:].replace(text("PLACE"), payload)
    return _zip(path, entries)


@pytest.mark.parametrize(
    ("module", "attribute"),
    [
        ("omegaconf.omegaconf", "os.system"),
        ("omegaconf.dictconfig", "DictConfig.__class__"),
        ("pytorch_lightning.utilities.parsing", "pickle.loads"),
        ("torch", "load"),
        ("torch", "compile"),
        ("torch._utils", "os.system"),
        ("numpy", "load"),
        ("collections", "OrderedDict.fromkeys"),
    ],
)
def test_a_harmless_module_does_not_make_its_attributes_harmless(tmp_path: Path, module: str, attribute: str) -> None:
    anatomy = open_weights(_named(tmp_path / "w.pt", module, attribute, "touch executed"))
    assert anatomy.unsafe_globals == [f"{module}.{attribute}"]


def test_what_honest_files_name_is_harmless(tmp_path: Path) -> None:
    honest = {
        "dtype": torch.float32, "size": torch.Size([2]), "device": torch.device("cpu"), "layout": torch.strided, "type": int,
        "set": {1}, "bytes": b"x", "half": torch.zeros(2, dtype=torch.half), "parameter": torch.nn.Parameter(torch.zeros(2)),
        "numpy": np.arange(3), "scalar": np.float64(0.5), "path": Path("x"), "nested": {"int8": torch.int8},
        "float8": torch.zeros(2).to(torch.float8_e4m3fn), "complex": torch.zeros(2, dtype=torch.complex64),
    }  # fmt: skip
    for zipped in (True, False):
        torch.save(honest, tmp_path / "w.pt", _use_new_zipfile_serialization=zipped)
        anatomy = open_weights(tmp_path / "w.pt")
        assert (anatomy.unsafe_globals, anatomy.problems) == ([], [])
        assert {name: info.dtype for name, info in anatomy.tensors().items()} == {
            "half": "float16", "parameter": "float32", "float8": "float8_e4m3fn", "complex": "complex64"
        }  # fmt: skip


def test_every_pickle_of_the_old_format_is_looked_at(tmp_path: Path) -> None:
    """Loading executes five pickles in turn; code hides best in one whose value is thrown away."""
    path, mark = tmp_path / "w.pt", tmp_path / "executed"
    torch_file(path, _use_new_zipfile_serialization=False)
    data = path.read_bytes()
    end = read_pickle(data).end
    path.write_bytes(data[:end] + _pickled(_Evil(mark)) + data[read_pickle(data, end).end :])
    assert open_weights(path).unsafe_globals == ["posix.system"]
    assert not mark.exists()


def test_a_second_pickle_in_the_archive_is_refused(tmp_path: Path) -> None:
    path = _zip(tmp_path / "w", {"a/data.pkl": _pickled({}), "b/data.pkl": _pickled(_Evil(tmp_path / "executed"))})
    with pytest.raises(Unreadable, match=r"2 entries data\.pkl"):
        open_weights(path)


def test_stored_configurations_are_read_without_their_classes(tmp_path: Path) -> None:
    """OmegaConf's objects hold each other; only what they contain is kept."""
    with fake_omegaconf() as config_class:
        torch.save({"cfg": config_class({"K": 2, "clip": {"name": "b16"}}), "state_dict": TENSORS}, tmp_path / "w.ckpt")
    anatomy = open_weights(tmp_path / "w.ckpt")
    assert anatomy.unsafe_globals == []
    assert anatomy.metadata == {"cfg": {"K": 2, "clip": {"name": "b16"}}}


@pytest.mark.parametrize("shared", [{str(i): "x" for i in range(200)}, ["x"] * 50])
def test_shared_parts_are_not_multiplied(tmp_path: Path, shared: Any) -> None:
    for _ in range(5):
        shared = dict.fromkeys(map(str, range(200)), shared) if isinstance(shared, dict) else [shared] * 50
    torch.save({"state_dict": TENSORS, "meta": shared}, tmp_path / "w.pt")
    assert len(json.dumps(open_weights(tmp_path / "w.pt").metadata)) < 10**6


def test_numbers_that_python_does_not_print_become_words(tmp_path: Path) -> None:
    torch.save({"epoch": 10**5000, 10**5000: 1, "state_dict": TENSORS}, tmp_path / "w.pt")
    assert str(open_weights(tmp_path / "w.pt").metadata).count("integer of 16610 bits") == 2
    save_file({"a": torch.zeros(2)}, tmp_path / "w", metadata={"epoch": "9" * 4200})
    assert open_weights(tmp_path / "w").metadata == {"epoch": "9" * 4200}


def test_a_tensor_that_repeats_its_storage_is_read_up_to_a_bound(tmp_path: Path) -> None:
    torch.save({"small": torch.zeros(1).expand(5, 2), "huge": torch.zeros(1).expand(2**45, 2)}, tmp_path / "w.pt")
    anatomy = open_weights(tmp_path / "w.pt")
    assert read_values(anatomy.tensors()["small"]).shape == (5, 2)
    ((code, sentence),) = anatomy.problems
    assert code == "not-a-checkpoint"
    assert "tensor huge claims" in sentence
    with pytest.raises(Unreadable):
        read_values(anatomy.tensors()["huge"])


def header_file(path: Path, dtype: Any, data: bytes = bytes(32), shape: tuple[int, ...] = (4,)) -> Path:
    header = json.dumps({"a": {"dtype": dtype, "shape": shape, "data_offsets": [0, len(data)]}}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + data)
    return path


@pytest.mark.parametrize("dtype", ["F8_E4M3", "F8_E5M2", "F8_E8M0", "F6_E2M3", "F6_E3M2", "F4"])
def test_types_that_numpy_lacks_are_named_not_read(tmp_path: Path, dtype: str) -> None:
    anatomy = open_weights(header_file(tmp_path / "w", dtype))
    assert anatomy.problems == []
    with pytest.raises(Unreadable, match="whose values are not read here") as caught:
        read_values(anatomy.tensors()["a"])
    assert caught.value.code == "dtype-narrow"


@pytest.mark.parametrize("dtype", ["O", "V8", "S4", "M8[ns]", "i4,i4", "float32", "FloatStorage", "\x1b[31m"])
def test_types_that_the_format_lacks_are_a_problem(tmp_path: Path, dtype: str) -> None:
    anatomy = open_weights(header_file(tmp_path / "w", dtype))
    assert [code for code, _ in anatomy.problems] == ["not-a-checkpoint"]
    assert anatomy.tensors()["a"].start is None


def test_types_of_the_format_are_read(tmp_path: Path) -> None:
    for dtype, kind in (("U16", "uint16"), ("U32", "uint32"), ("U64", "uint64"), ("C64", "complex64")):
        size = np.dtype(kind).itemsize
        info = open_weights(header_file(tmp_path / "w", dtype, bytes(4 * size))).tensors()["a"]
        assert read_values(info).dtype == kind


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "w.pt")
    for path, kind in ((tmp_path / "w.pt", "a pipe"), (Path("/dev/zero"), "a device")):
        with pytest.raises(Unreadable, match=f"is {kind}, not a file"):
            open_weights(path)


def test_a_plain_pickle_is_not_run_either(tmp_path: Path) -> None:
    path, mark = tmp_path / "evil.ckpt", tmp_path / "executed"
    for protocol in range(6):
        path.write_bytes(pickle.dumps(_Evil(mark), protocol))
        with pytest.raises(Unreadable) as caught:
            open_weights(path)
        assert caught.value.unsafe_globals == ["posix.system"]
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
