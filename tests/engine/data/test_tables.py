"""Parquet and Arrow files are read within bounds, and only regular files are."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from db.specs.base import UserError
from engine.data import tables
from engine.data.tables import read_table

arrow = pytest.importorskip("pyarrow", reason="pip install 'leverplus[parquet]'")
parquet = pytest.importorskip("pyarrow.parquet")


def write(path: Path, columns: dict[str, Any], **options: Any) -> Path:
    table = arrow.table(columns)
    if path.suffix == ".parquet":
        parquet.write_table(table, path, **options)
    else:
        new = arrow.ipc.new_file if options.get("file") else arrow.ipc.new_stream
        with arrow.OSFile(str(path), "wb") as sink, new(sink, table.schema) as writer:
            writer.write_table(table)
    return path


FORMS: list[tuple[str, dict[str, Any]]] = [("a.parquet", {}), ("a.arrow", {}), ("b.arrow", {"file": True})]


@pytest.mark.parametrize(("name", "options"), FORMS)
def test_rows_less_some_columns(tmp_path: Path, name: str, options: dict[str, Any]) -> None:
    path = write(tmp_path / name, {"a": [1, 2], "image": [b"x", b"y"], "b": [["u"], []]}, **options)
    assert list(read_table(path, without=("image",))) == [{"a": 1, "b": ["u"]}, {"a": 2, "b": []}]
    assert [row["image"] for row in read_table(path)] == [b"x", b"y"]


@pytest.mark.parametrize("suffix", tables.SUFFIXES)
@pytest.mark.parametrize("kind", ["pipe", "device", "folder"])
def test_only_regular_files_are_read(tmp_path: Path, suffix: str, kind: str) -> None:
    path = tmp_path / f"a{suffix}"
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    else:
        path.mkdir()
    with pytest.raises(UserError, match=f"is a {kind}, not a file|Is a directory"):
        list(read_table(path))


@pytest.mark.parametrize("suffix", tables.SUFFIXES)
def test_more_rows_than_bytes_could_hold_are_refused(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A column of one repeated value takes no room in the file, but a row of objects in memory."""
    monkeypatch.setattr(tables, "MOST_ROWS", 1000)
    path = write(tmp_path / f"a{suffix}", {"a": arrow.nulls(300_000)})
    with pytest.raises(UserError, match=r"300,000 rows in [\d,]+ bytes, more than any honest file"):
        list(read_table(path))


@pytest.mark.parametrize("suffix", tables.SUFFIXES)
def test_a_large_value_in_every_row_is_read_a_few_rows_at_a_time(
    tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tables, "_BYTES_AT_ONCE", 100_000)
    value = arrow.array(["x" * 50_000]).dictionary_encode()
    path = write(tmp_path / f"a{suffix}", {"a": arrow.chunked_array([value.take(arrow.array([0] * 500))])})
    taken: list[int] = []
    batches = tables._parquet_batches if suffix == ".parquet" else tables._arrow_batches
    taken = [batch.num_rows for batch in batches(path, arrow, frozenset())]
    assert (sum(taken), max(taken) <= 2) == (500, True)


def test_thousands_of_columns_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.parquet", {f"c{number}": [1] for number in range(tables.MOST_COLUMNS + 1)})
    with pytest.raises(UserError, match=r"1,001 columns in"):
        list(read_table(path))


@pytest.mark.parametrize(("name", "options"), FORMS)
def test_every_cut_and_every_flipped_byte_is_one_sentence_or_still_rows(
    tmp_path: Path, name: str, options: dict[str, Any]
) -> None:
    path = write(tmp_path / name, {"a": [1, 2], "b": ["u", None], "c": [{"d": 1.5}, {"d": 2.5}]}, **options)
    whole = path.read_bytes()
    damaged = [whole[:length] for length in range(0, len(whole), 37)]
    for at in range(0, len(whole), 23):
        damaged.append(whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :])
    for content in damaged:
        path.write_bytes(content)
        said = ""
        try:
            list(read_table(path))
        except UserError as error:
            said = str(error)
        assert not said or (str(path) in said and "\n" not in said)
