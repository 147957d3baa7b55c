"""Row files: what is written comes back, whole frames only, each once, whatever happened to the end of the file."""

from __future__ import annotations

import errno
import os
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from db import rows
from db.errors import DiskFull
from db.specs import Finding
from db.specs.movable import HomePaths
from engine.job.elsewhere.row_files import KINDS, Ended, Note, Reader, Surroundings, Writer, moved, numbers
from engine.job.known import Known

PREDICTION = rows.Prediction(1, 2, (3, 4), "p", "q", "raw", "raw", 0.5, False, False, "", 7, "thought")
CANDIDATE = rows.Candidate(1, (2, 3), "beam", "q2", "r", "r", 1.0, 0, -0.5, None, None, 0.1, False, 7, None, "")
NOTES: list[Note] = [
    Surroundings({"host": "n1", "gpus": []}, {"packages": "a==1\n"}),
    rows.Input("dataset", "/far/runs/r1/data", "sha"),
    rows.Fact("vlm_dtype", {"a": [1, None]}),
    rows.Subset("d", "val", "all", {"file": "/far/x"}, (1, 2), "s"),
    rows.Question("d", "val", 1, 2, "what /far/x?", ("a", "b"), "a", "/far/image.png"),
    rows.Metric("rce", 1, 2, "loss", float("inf")),
    rows.Checkpoint("/far/runs/r1/c.safetensors", "rce", 1, "sha", 10, True, {"loss": 0.5}),
    rows.Artifact("rl-data", "/far/runs/r1/rl.json", "sha", {"queries": 3}),
    rows.Progress(1, 2, "answers"),
    PREDICTION,
    CANDIDATE,
    rows.Cell("s", 2, 10, 10, 50.0, 40.0, 60.0, {2: 10}, 5),
    Finding(code="no-answers", severity="warning", subject="/far/x", message="None.", fix=""),
    rows.Withdrawn("no-answers", "/far/x"),
    rows.TrialReply(1, "r", "r", None, False, -0.5, 0.1, "p", "q", "", "", ({"order": [1, 2]},)),
    Ended("done", 0, "", ""),
]


def read(path: Path) -> list[Note]:
    return [note for frame in Reader(path).new() for note in frame]


def test_every_kind_of_row_comes_back_as_it_was(tmp_path: Path) -> None:
    assert {type(note).__name__ for note in NOTES} == set(KINDS), "a new kind of row needs a place here"
    writer = Writer(tmp_path)
    writer.append(NOTES)
    assert read(writer.path) == NOTES


def test_every_row_that_a_recipe_yields_has_a_kind() -> None:
    yielded = set(re.findall(r"\w+", str(rows.Row))) - {"Settle"}  # which is obeyed, and never stored
    assert len(yielded) > 10
    assert yielded <= set(KINDS)


def test_a_file_that_ends_anywhere_gives_its_whole_frames(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    ends = [0]
    for fact in range(3):
        writer.append([rows.Fact("fact", fact)])
        ends.append(writer.path.stat().st_size)
    content = writer.path.read_bytes()
    for size in range(len(content) + 1):
        cut = tmp_path / "cut"
        cut.write_bytes(content[:size])
        whole = sum(end <= size for end in ends) - 1
        assert read(cut) == [rows.Fact("fact", number) for number in range(whole)], size


@pytest.mark.parametrize("at", [0, 5, 9])
def test_a_damaged_frame_and_what_follows_are_not_read(tmp_path: Path, at: int) -> None:
    writer = Writer(tmp_path)
    writer.append([rows.Fact("first", 1)])
    second = writer.path.stat().st_size
    writer.append([rows.Fact("second", 2)])
    content = bytearray(writer.path.read_bytes())
    content[second + at] ^= 0x55
    writer.path.write_bytes(content)
    assert read(writer.path) == [rows.Fact("first", 1)]


def test_a_reader_goes_on_where_it_was_and_reads_nothing_twice(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    reader = Reader(writer.path)
    assert list(reader.new()) == []
    for number in range(3):
        writer.append([rows.Fact("fact", number)])
        assert list(reader.new()) == [[rows.Fact("fact", number)]]
    assert list(reader.new()) == []


def test_each_attempt_writes_a_file_of_its_own(tmp_path: Path) -> None:
    first, second = Writer(tmp_path), Writer(tmp_path)
    first.append([rows.Fact("from", 1)])
    second.append([rows.Fact("from", 2)])
    assert numbers(tmp_path) == [0, 1]
    assert (read(first.path), read(second.path)) == ([rows.Fact("from", 1)], [rows.Fact("from", 2)])


def test_a_full_disk_leaves_no_torn_frame_before_the_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writer = Writer(tmp_path)
    writer.append([rows.Fact("before", 1)])
    real = os.write

    def full(file: int, content: Any) -> int:
        real(file, bytes(content)[:7])
        raise OSError(errno.ENOSPC, "no space left")

    monkeypatch.setattr(os, "write", full)
    with pytest.raises(DiskFull, match="no space left"):
        writer.append([rows.Fact("during", 2)])
    monkeypatch.undo()
    writer.append([rows.Fact("after", 3)])
    assert read(writer.path) == [rows.Fact("before", 1), rows.Fact("after", 3)]


def test_numbers_of_numpy_and_text_that_is_no_unicode_are_taken(tmp_path: Path) -> None:
    writer = Writer(tmp_path)
    writer.append([rows.Metric("rce", 1, 1, "loss", np.float32(0.5)), rows.Fact("name", "a\udcffb")])  # type: ignore[arg-type]
    assert read(writer.path) == [rows.Metric("rce", 1, 1, "loss", 0.5), rows.Fact("name", "a?b")]
    with pytest.raises(TypeError, match="a row holds a"):
        writer.append([rows.Fact("path", tmp_path)])


def test_paths_move_with_the_home_and_answers_do_not() -> None:
    there, here = HomePaths.of(Path("/far")), HomePaths.of(Path("/near"))
    found = {type(note).__name__: moved(note, there, here) for note in NOTES}
    assert found["Checkpoint"].path == "/near/runs/r1/c.safetensors"  # type: ignore[union-attr]
    assert found["Question"].image == "/near/image.png"  # type: ignore[union-attr]
    assert found["Question"].question == "what /far/x?"  # type: ignore[union-attr]
    assert found["Subset"].rule == {"file": "/near/x"}  # type: ignore[union-attr]
    said = rows.Prediction(1, 0, (), "p", "q", "/far/x <home>/x", "/far/x", 0.0, False, False, "", None, "")
    assert moved(said, there, here) is said


def test_what_was_written_is_known_to_the_next_attempt() -> None:
    wrong = rows.Prediction(2, 2, (), "p", "q3", "", "", 0.0, False, False, "no image", None, "")
    known = Known.of([*NOTES, rows.Input("dataset", "elsewhere", "other"), rows.Fact("vlm_dtype", "bfloat16"), wrong])  # type: ignore[list-item]
    assert known.inputs["dataset"].sha256 == "sha"
    assert known.facts == {"vlm_dtype": "bfloat16"}
    assert set(known.answered) == {(1, 2)}, "an error is asked for again"
    assert known.candidates == [CANDIDATE]
    assert known.answers["q"] == rows.StoredAnswer("raw", False, 7, "thought")
    assert set(known.answers) == {"q", "q2"}
