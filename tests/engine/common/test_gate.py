"""No reader waits for a pipe, reads a device without end, or fails with anything but one sentence."""

from __future__ import annotations

import os
import random
import socket
import struct
import tracemalloc
import zipfile
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from db.specs.base import UserError
from engine.common.files import gate
from engine.common.images import ImageProblem, conversion, image_sha, load_image
from engine.common.models.model_files import find_model, read_json
from engine.data.datasets import open_dataset
from engine.data.official import QuestionRow
from engine.data.reading import read_json as read_rows
from engine.doctor.embeddings import open_embeddings
from engine.doctor.examine import examine
from engine.doctor.sampler_cache import read_sampler_cache
from engine.features.embedding_file import read_embeddings
from engine.figures.readers import read_file
from engine.rl.index.head import read_head
from engine.rl.index.query_detail import read_query
from engine.rl.reading.file import read_rl_file
from engine.rl.reading.index_place import side_file
from engine.selector.checkpoint import open_selector
from engine.weights.anatomy import Unreadable
from engine.weights.containers import open_weights
from engine.weights.declared import manifest_beside
from engine.weights.pickle_scan import unsafe_globals
from leverplus_tui.jobs.spec_building import read_spec_file

READERS: dict[str, Callable[[Path], Any]] = {
    "checkpoint": open_weights,
    "selector": open_selector,
    "pickles": unsafe_globals,
    "embeddings": open_embeddings,
    "embeddings of a job": read_embeddings,
    "results": read_file,
    "RL data": read_rl_file,
    "RL head": read_head,
    "RL index": lambda path: side_file(path, path.parent),
    "RL query": lambda path: read_query(path, 0, 0, 40),
    "sampler cache": read_sampler_cache,
    "specification": lambda path: read_spec_file(path, "eval"),
    "data rows": lambda path: read_rows(path, list[QuestionRow]),
    "data set": lambda path: open_dataset(path, cache_dir=path.parent / "cache"),
    "model file": read_json,
    "model": lambda path: find_model(str(path)),
    "image": load_image,
}
SAYS_SO = (UserError, Unreadable, ImageProblem)


@pytest.fixture(
    params=["pipe", "socket", "device", "folder", "nothing", "link to itself", "below a file", "long", "null"]
)
def no_file(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "a.json"
    match request.param:
        case "pipe":
            os.mkfifo(path)
        case "device":
            path.symlink_to("/dev/zero")
        case "folder":
            path.mkdir()
        case "link to itself":
            path.symlink_to(path)
        case "below a file":
            path.write_text("{}")
            path = path / "b"
        case "long":
            path = tmp_path / ("a" * 5000)
        case "null":
            path = tmp_path / "a\0b"
    if request.param == "socket":
        with socket.socket(socket.AF_UNIX) as end:
            end.bind(str(path))
            yield path
    else:
        yield path


@pytest.mark.parametrize("reader", READERS)
def test_what_is_no_file_gets_a_sentence(reader: str, no_file: Path) -> None:
    with pytest.raises(SAYS_SO) as caught:
        READERS[reader](no_file)
    assert len(str(caught.value)) < 12_000
    assert (image_sha(no_file), conversion(no_file), manifest_beside(no_file)) == ("missing", "", {})


def test_the_doctor_tells_of_what_is_no_file(no_file: Path) -> None:
    report = examine(no_file)
    assert [finding.severity for finding in report.findings] == ["error"]


DEEP = {
    "lists": "[" * 50_000, "objects": '{"a":' * 50_000, "closed": "[" * 50_000 + "]" * 50_000,
    "within": '{"1": {"query": ' + "[" * 900 + "]" * 900 + "}}", "toml": "a = " + "[" * 50_000, "dots": "a." * 25_000 + "a = 1",
    "header": "[" + "a." * 25_000 + "a]", "inline": "a = " + "{a=" * 25_000, "numbers": "[" + "9" * 10_000 + "]",
    "not text": "\udcff\udcfe", "null": "\0", "mark": "\ufeff",
}  # fmt: skip


@pytest.mark.parametrize("kind", DEEP)
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", ["train_questions.json", b"val\xff.json"])
def test_deep_and_odd_texts_get_a_sentence(reader: str, kind: str, name: str | bytes, tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(DEEP[kind].encode("utf-8", "surrogateescape"))
    with suppress(*SAYS_SO):
        READERS[reader](path)
    assert examine(path).kind


def test_a_read_error_later_gets_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("x")
    with pytest.raises(UserError, match="Input/output error"), gate.opened(tmp_path / "a"):
        raise OSError(5, "Input/output error")


def test_a_file_that_grows_is_read_to_its_bound(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="more than 10 bytes"):
        gate.read_bytes(Path("/proc/self/status"), 10)  # which tells no size
    with (tmp_path / "a").open("wb") as file:
        file.write(b"[")
        file.truncate(1 << 40)  # a file with a hole takes no room
    for reader in ("results", "sampler cache", "specification", "data rows", "model file", "image"):
        with pytest.raises(SAYS_SO, match="has 1,099,511,627,776 bytes"):
            READERS[reader](tmp_path / "a")
    assert examine(tmp_path / "a").findings


def memory_of(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        with pytest.raises(SAYS_SO):
            work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_a_header_of_many_tensors_is_refused_at_once(tmp_path: Path) -> None:
    entry = ',"%d":{"dtype":"F32","shape":[],"data_offsets":[0,4]}'
    header = ("{" + "".join(entry % i for i in range(120_000))[1:] + "}").encode()
    (tmp_path / "a").write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    assert memory_of(lambda: open_weights(tmp_path / "a")) < 400 << 20
    (tmp_path / "a").write_bytes(struct.pack("<Q", 90 << 20) + b"{" + bytes(90 << 20))
    assert memory_of(lambda: open_weights(tmp_path / "a")) < 1 << 20


def test_documents_that_would_take_gigabytes_are_refused_before_they_are_parsed(tmp_path: Path) -> None:
    (tmp_path / "train.json").write_bytes(b"[" + b"[]," * 4_000_000 + b"[]]")
    for reader in ("results", "model file", "data set", "sampler cache"):
        assert memory_of(lambda reader=reader: READERS[reader](tmp_path / "train.json")) < 80 << 20  # type: ignore[misc]


def test_a_record_of_empty_candidates_is_refused_before_it_is_decoded(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b'{"1": {"pointer_candidates": [' + b"{}," * 2_000_000 + b"{}]}}")
    assert memory_of(lambda: read_rl_file(tmp_path / "a")) < 64 << 20
    (tmp_path / "a").write_bytes(b'{"1": {"id_list": [' + b"[]," * 2_000_000 + b"[]]}}")
    assert memory_of(lambda: read_rl_file(tmp_path / "a")) < 64 << 20


def test_a_list_of_entries_that_would_take_gigabytes_is_not_read(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a", "w") as made:
        made.writestr("a/data.pkl", b"\x80\x02N.")
    content = bytearray((tmp_path / "a").read_bytes())
    content[-10:-6] = struct.pack("<L", 1 << 30)
    (tmp_path / "a").write_bytes(bytes(1 << 20) + bytes(content))
    (tmp_path / "a").write_bytes(b"PK\x03\x04" + (tmp_path / "a").read_bytes())
    assert memory_of(lambda: open_weights(tmp_path / "a")) < 8 << 20


def test_random_files_get_a_report(tmp_path: Path) -> None:
    """Texts and bytes put together from what the formats begin with and consist of."""
    generator = random.Random(0)
    parts = [
        b"{", b"}", b"[", b"]", b'"', b":", b",", b'"1"', b'"query_id"', b'"pointer_candidates"', b'"id_list"', b"null", b"NaN",
        b"1e999", b"-", b"\x80\x02", b"cos\nsystem\n", b"PK\x03\x04", b"PK\x05\x06", b"\x93NUMPY\x01\0", b"\0", b"\xff", b"(", b"t",
        b"R", b".", b"X\x01\0\0\0a", b"q\0", b"\x94", b"\x93", b"ustar", b"<html", b"version https://git-lfs", b"\xef\xbb\xbf",
        b'"__metadata__"', b'"data_offsets"', b'"shape"', b"\x10\0\0\0\0\0\0\0{", b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"%!PS",
        b'"rows"', b'"question_id"', b'"shot_num:1"', b"=", b"\n", b"[a]", b"a.b", b"'", b"9" * 30,
    ]  # fmt: skip
    names = ("a.json", "a.pt", "a.npy", "a.toml", "a", "a.safetensors", "a.jsonl", "a.pkl", "train.json", "a.jpg")
    for _ in range(700):
        path = tmp_path / generator.choice(names)
        path.write_bytes(b"".join(generator.choices(parts, k=generator.randint(0, 25))))
        assert examine(path).path
        for read in generator.sample(list(READERS.values()), 3):
            with suppress(*SAYS_SO):
                read(path)
        path.unlink()
