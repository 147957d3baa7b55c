"""What a file would run is told whatever else is wrong with it: no exploit needs a sound end or a dictionary of tensors."""

from __future__ import annotations

import io
import os
import pickle
import struct
import sys
import tarfile
import types
import zipfile
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch

from engine.doctor.examine import examine
from engine.weights.pickle_scan import UNSEEN, unsafe_globals

CALL = b"cos\nsystem\n(S'touch executed'\ntR"
"""Pushes what `os.system` gives, in operations that every protocol has."""


def archive(path: Path, entries: dict[str, bytes], method: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", method) as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


def said(path: Path) -> dict[str, str]:
    return {finding.code: finding.message for finding in examine(path).findings}


class Harmful:
    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, ("touch executed",)


@pytest.mark.parametrize("protocol", range(6))
@pytest.mark.parametrize("name", ["a.pkl", "a.pt", "a.dat", "a.json", "a.npz", "no_suffix"])
def test_a_bare_pickle_of_any_protocol_under_any_name(tmp_path: Path, protocol: int, name: str) -> None:
    (tmp_path / name).write_bytes(pickle.dumps([Harmful()], protocol))
    assert "posix.system" in said(tmp_path / name)["unsafe-pickle"]
    assert not Path("executed").exists()


BROKEN = {
    "no operation": CALL + b"\xff",
    "cut": CALL,
    "cut argument": CALL + b"X\xff\0\0\0a",
    "no mark": CALL + b"t.",
    "memo": CALL + b"g7\n.",
    "not ascii": b"S'\xc3\xa9'\n0" + CALL + b".",
    "base": b"I0x10\n0" + CALL + b".",
    "key of a list": b"]K\x01aK\x00K\x02s0" + CALL + b".",
    "bytes that grow": b"\x96\x01\0\0\0\0\0\0\0a(K\x01e0" + CALL + b".",
    "no storage": b"ctorch._utils\n_rebuild_tensor_v2\n)R0" + CALL + b".",
    "a buffer": b"\x98" + CALL,
    "second of five": b"K\x01." + CALL + b".",
}


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize("holder", ["bare", "zip", "deflated", "torchscript", "cut zip", "checksum", "tar"])
def test_no_damage_hides_what_runs_before_it(tmp_path: Path, kind: str, holder: str) -> None:
    content, path = b"\x80\x04" + BROKEN[kind], tmp_path / "a.pt"
    if holder == "tar":
        with tarfile.open(path, "w") as made:
            member = tarfile.TarInfo("storages")
            member.size = len(content)
            made.addfile(member, io.BytesIO(content))
    elif holder == "bare":
        path.write_bytes(content)
    elif kind == "second of five":
        return  # an entry is one pickle
    else:
        inner = "m/constants.pkl" if holder == "torchscript" else "m/data.pkl"
        method = zipfile.ZIP_DEFLATED if holder == "deflated" else zipfile.ZIP_STORED
        archive(path, {"m/version": b"3\n", inner: content, "m/data/0": bytes(64)}, method)
        if holder == "cut zip":
            path.write_bytes(path.read_bytes()[:-60])
        if holder == "checksum":
            path.write_bytes(path.read_bytes().replace(struct.pack("<L", zlib.crc32(content)), b"\1\2\3\4"))
    assert unsafe_globals(path) == ["os.system"]
    assert "os.system" in said(path)["unsafe-pickle"]


def test_a_name_that_the_file_computes_is_no_known_name(tmp_path: Path) -> None:
    """`str` is harmless, but what it gives may be the name of anything."""
    computed = b"\x80\x04cbuiltins\nstr\n(V os\ntRVsystem\n\x93."
    (tmp_path / "a.pt").write_bytes(computed)
    assert unsafe_globals(tmp_path / "a.pt") == ["a name that the file computes"]


def test_what_is_not_looked_at_is_not_called_safe(tmp_path: Path) -> None:
    """Few bytes may unpack to more operations than are looked at."""
    path = archive(tmp_path / "a.pt", {"a/data.pkl": b"\x80\x04N" + b"\x94" * 3_000_000 + b"."}, zipfile.ZIP_DEFLATED)
    assert unsafe_globals(path) == [UNSEEN]
    assert "operations" in said(path)["unsafe-pickle"]


def test_work_on_one_list_again_and_again_is_counted(tmp_path: Path) -> None:
    many = b"\x80\x04ccollections\nOrderedDict\n\x94(" + b"N" * 30_000 + b"l\x85\x94" + b"h\x00h\x01R0" * 30_000 + b"."
    (tmp_path / "a.pt").write_bytes(many)
    assert unsafe_globals(tmp_path / "a.pt") == [UNSEEN]


@pytest.mark.parametrize("text", ["count\nimage\n12,R\n", "class\nname\n", "(a\nb\n", "import\nos\n", "]\n", "N."])
def test_a_text_that_begins_like_a_pickle_is_a_text(tmp_path: Path, text: str) -> None:
    (tmp_path / "a.csv").write_text(text)
    assert unsafe_globals(tmp_path / "a.csv") == []


class Model(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.layer = torch.nn.Linear(3, 3)


@pytest.mark.parametrize("zipped", [True, False])
def test_a_whole_module_is_named_by_its_own_class(
    tmp_path: Path, zipped: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    module = types.ModuleType("lever_lm")
    module.Model = Model  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "lever_lm", module)
    monkeypatch.setattr(Model, "__module__", "lever_lm")
    path = tmp_path / "whole.pt"
    torch.save(Model(), path, _use_new_zipfile_serialization=zipped)
    report = examine(path)
    assert "lever_lm.Model" in said(path)["unsafe-pickle"]
    assert "a whole Module of class lever_lm.Model was pickled" in said(path)["not-a-checkpoint"]
    assert "state_dict()" in report.model_dump_json()
    torch.save({"model": Model(), "epoch": 3}, path, _use_new_zipfile_serialization=zipped)
    assert "lever_lm.Model" in said(path)["unsafe-pickle"]
    assert "model (a whole Module of class lever_lm.Model)" in said(path)["not-a-checkpoint"]


def test_torchscript_is_named_and_runs_nothing(tmp_path: Path) -> None:
    traced = torch.jit.trace(torch.nn.Linear(3, 3), torch.zeros(1, 3))  # type: ignore[no-untyped-call]
    traced.save(str(tmp_path / "a.pt"))
    assert set(said(tmp_path / "a.pt")) == {"not-a-checkpoint"}
    assert "TorchScript archive of class torch.nn.modules.linear.Linear" in said(tmp_path / "a.pt")["not-a-checkpoint"]


OBJECTS = [
    Harmful,
    print,
    [Harmful()],
    {"state_dict": {"a": Harmful()}},
    {Harmful: 1},
    {("k",): 2},
    {"a": torch.Size([1])},
    3,
]


@pytest.mark.parametrize("value", OBJECTS, ids=[str(place) for place in range(len(OBJECTS))])
def test_words_of_this_program_are_not_shown_for_those_of_the_file(tmp_path: Path, value: Any) -> None:
    torch.save(value, tmp_path / "a.pt")
    (tmp_path / "b.pt").write_bytes(pickle.dumps(value))
    for path in (tmp_path / "a.pt", tmp_path / "b.pt"):
        text = examine(path).model_dump_json()
        assert not any(word in text for word in ("Inert", "GlobalName", "TensorRef", "StorageRef"))
