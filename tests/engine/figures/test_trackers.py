"""Runs of other trackers: what their own libraries wrote, and what a damaged file gives."""

from __future__ import annotations

import json
import math
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db.specs import UserError
from engine.figures.readers import read_file
from engine.figures.reading import TrackedRun

SCALARS = {
    ("rce", 0, "loss"): 5.0,
    ("rce", 1, "loss"): 4.0,
    ("train", 0, "val_loss"): 4.0,
    ("train", 1, "val_loss"): 3.5,
}


def scalars(run: TrackedRun) -> dict[tuple[str, int, str], float]:
    return {(m.phase, m.step, m.name): m.value for m in run.metrics}


def logged(step: int) -> dict[str, float]:
    return {"rce/loss": 5.0 - step, "val_loss": 4.0 - step / 2}


# What the real libraries write


@pytest.mark.parametrize("store", ["file", "sqlite"])
def test_mlflow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, store: str) -> None:
    mlflow: Any = pytest.importorskip("mlflow", reason="the library whose stores are read")
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / ("mlruns" if store == "file" else "mlflow.db")
    mlflow.set_tracking_uri(path.as_uri() if store == "file" else f"sqlite:///{path}")
    mlflow.set_experiment("lever")
    with mlflow.start_run(run_name="first"):
        mlflow.log_params({"lr": 1e-4, "variant": "v3"})
        for step in range(2):
            mlflow.log_metrics(logged(step), step=step)
    with mlflow.start_run(run_name="deleted") as gone:
        mlflow.log_metric("x", 1)
    mlflow.delete_run(gone.info.run_id)
    (run,) = read_file(path).runs
    assert (run.name, run.section, run.state) == ("first", "lever", "FINISHED")
    assert run.parameters == {"lr": "0.0001", "variant": "v3"}
    assert scalars(run) == SCALARS
    assert run.date


def test_wandb(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wandb: Any = pytest.importorskip("wandb", reason="the library whose offline runs are read")
    monkeypatch.setenv("WANDB_SILENT", "true")
    run = wandb.init(
        mode="offline", project="lever", name="first", dir=str(tmp_path), config={"lr": 1e-4, "a": {"b": 1}}
    )
    for step in range(2):
        run.log(logged(step))
    run.finish()
    wandb.teardown()  # its process writes the rest
    (found,) = read_file(tmp_path).runs
    assert (found.name, found.section) == ("first", "lever")
    assert found.parameters == {"lr": "0.0001", "a.b": "1"}
    assert scalars(found) == SCALARS


def test_tensorboard(tmp_path: Path) -> None:
    writer: Any = pytest.importorskip(
        "tensorboard.summary.writer.event_file_writer", reason="the library whose files are read"
    )
    event_pb2: Any = pytest.importorskip("tensorboard.compat.proto.event_pb2", reason="the library's own messages")
    summary_pb2: Any = pytest.importorskip("tensorboard.compat.proto.summary_pb2", reason="the library's own messages")

    events = writer.EventFileWriter(str(tmp_path / "first"))
    for step in range(2):
        values = [summary_pb2.Summary.Value(tag=tag, simple_value=value) for tag, value in logged(step).items()]
        events.add_event(event_pb2.Event(step=step, wall_time=1.8e9, summary=summary_pb2.Summary(value=values)))
    events.close()
    (run,) = read_file(tmp_path).runs
    assert run.name == "first"
    assert run.date
    assert scalars(run) == SCALARS


def test_trackio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TRACKIO_DIR", str(tmp_path))
    trackio: Any = pytest.importorskip("trackio", reason="the library whose projects are read")
    trackio.init(project="lever", name="first", config={"lr": 1e-4})
    for step in range(2):
        trackio.log(logged(step))
    trackio.finish()
    (run,) = read_file(tmp_path / "lever.db").runs
    assert (run.name, run.section, run.parameters) == ("first", "lever", {"lr": "0.0001"})
    assert scalars(run) == SCALARS


# The same layouts, written by hand


def mlflow_files(root: Path) -> Path:
    run = root / "7" / "abc"
    for name, content in (
        ("metrics/rce/loss", "1 5.0 0\n2 4.0 1\n"), ("metrics/val_loss", "1 4.0 0\n2 nan 1\n"), ("params/lr", "0.1"),
        ("meta.yaml", "run_id: abc\nrun_name: first\nstatus: 3\nstart_time: 1800000000000\nlifecycle_stage: active\n"),
        ("../meta.yaml", "experiment_id: '7'\nname: lever\n"),
    ):  # fmt: skip
        (run / name).parent.mkdir(parents=True, exist_ok=True)
        (run / name).write_text(content)
    return root


def trackio_project(path: Path, metrics: str = '{"rce/loss": 5.0, "note": "x", "val_loss": "NaN"}') -> Path:
    with closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE metrics (id INTEGER PRIMARY KEY, timestamp TEXT, run_name TEXT, step INTEGER, metrics TEXT)"
        )
        database.execute("CREATE TABLE configs (id INTEGER PRIMARY KEY, run_name TEXT, config TEXT, created_at TEXT)")
        database.execute("INSERT INTO metrics VALUES (1, '2026-01-02T00:00:00', 'first', 0, ?)", (metrics,))
        database.execute("""INSERT INTO configs VALUES (1, 'first', '{"lr": 0.1, "_Created": "x"}', '')""")
    return path


def varint(value: int) -> bytes:
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def field(number: int, value: bytes | int) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    return varint(number << 3 | 2) + varint(len(value)) + value


def item(key: str, value: Any) -> bytes:
    return field(1, key.encode()) + field(16, json.dumps(value).encode())


def wandb_log(path: Path, filler: int = 0) -> Path:
    config = field(1, item("lr", {"value": 0.1})) + field(1, item("long", {"value": "x" * filler}))
    records = [field(17, field(1, b"abc") + field(3, b"lever") + field(4, config) + field(8, b"first"))]
    for step in range(2):
        rows = b"".join(
            field(1, item(name, value)) for name, value in (logged(step) | {"_step": step, "_runtime": 3}).items()
        )
        records.append(field(2, rows))
    content = b":W&B" + b"\xe1\xbe\x00"
    for record in records:
        first = True
        while True:
            left = 32768 - len(content) % 32768
            if left < 7:
                content, left = content + bytes(left), 32768
            part, record = record[: left - 7], record[left - 7 :]
            content += (
                struct.pack("<IHB", 0, len(part), (1 if first else 4) if not record else 2 if first else 3) + part
            )
            first = False
            if not record:
                break
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def event_file(path: Path) -> Path:
    content = b""
    for step in range(2):
        values = b"".join(
            field(1, field(1, tag.encode()) + varint(2 << 3 | 5) + struct.pack("<f", value))
            for tag, value in logged(step).items()
        )
        scalar = varint(1 << 3 | 1) + struct.pack("<d", 1.8e9) + field(2, step)
        tensor = field(1, field(1, b"image") + field(8, field(1, 7)))
        event = scalar + field(5, values + tensor)
        content += struct.pack("<QI", len(event), 0) + event + bytes(4)
    path.write_bytes(content)
    return path


def test_layouts_of_all_trackers(tmp_path: Path) -> None:
    (run,) = read_file(mlflow_files(tmp_path / "mlruns")).runs
    assert (run.name, run.section, run.state, run.date) == ("first", "lever", "FINISHED", "2027-01-15")
    assert scalars(run)["rce", 1, "loss"] == 4.0
    assert math.isnan(scalars(run)["train", 1, "val_loss"])
    (run,) = read_file(trackio_project(tmp_path / "lever.db")).runs
    assert (run.parameters, run.date) == ({"lr": "0.1"}, "2026-01-02")
    assert len(run.metrics) == 2
    for filler in (0, 32_600, 100_000):  # over the edge of a block, and over several
        (run,) = read_file(wandb_log(tmp_path / "offline-run-20270115_101112-abc" / "run-abc.wandb", filler)).runs
        assert (run.name, run.section, run.date) == ("first", "lever", "2027-01-15")
        assert (run.parameters["lr"], len(run.parameters["long"])) == ("0.1", min(filler, 2000))
        assert scalars(run) == SCALARS
    reading = read_file(event_file(tmp_path / "events.out.tfevents.1"))
    assert scalars(reading.runs[0]) == SCALARS
    assert "image" in reading.left_out[0].what


def test_epochs_that_are_logged_are_the_epochs_of_their_steps(tmp_path: Path) -> None:
    path = trackio_project(tmp_path / "lever.db", '{"epoch": 3, "loss": 1.0}')
    assert {(m.name, m.epoch) for m in read_file(path).runs[0].metrics} == {("epoch", 3), ("loss", 3)}


def test_a_run_that_was_killed_is_read_up_to_there(tmp_path: Path) -> None:
    for path in (wandb_log(tmp_path / "run-abc.wandb"), event_file(tmp_path / "events.out.tfevents.1")):
        path.write_bytes(path.read_bytes()[:-9])
        reading = read_file(path)
        assert "cut in the middle of a record" in reading.left_out[0].why
        assert ("rce", 0, "loss") in scalars(reading.runs[0])


def test_a_view_in_the_place_of_a_table_is_not_asked(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "evil.db")) as database, database:
        database.execute("CREATE TABLE configs (id INTEGER, run_name TEXT, config TEXT)")
        database.execute(
            "CREATE VIEW metrics AS WITH RECURSIVE r(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM r) SELECT i AS id FROM r"
        )
    with pytest.raises(UserError, match="is none of the layouts"):
        read_file(tmp_path / "evil.db")


def test_nothing_is_written_beside_a_database(tmp_path: Path) -> None:
    path = trackio_project(tmp_path / "lever.db")
    before = path.read_bytes()
    read_file(path)
    assert [one.name for one in tmp_path.iterdir()] == ["lever.db"]
    assert path.read_bytes() == before


@settings(max_examples=25, deadline=None)
@given(at=st.floats(0, 1), size=st.integers(0, 8), noise=st.binary(max_size=8))
def test_damaged_files_are_read_or_refused_in_one_sentence(
    tmp_path_factory: pytest.TempPathFactory, at: float, size: int, noise: bytes
) -> None:
    folder = tmp_path_factory.mktemp("damaged")
    for path in (
        wandb_log(folder / "run-abc.wandb"), event_file(folder / "events.out.tfevents.1"), trackio_project(folder / "lever.db"),
    ):  # fmt: skip
        content = path.read_bytes()
        place = int(at * len(content))
        path.write_bytes(content[:place] + noise + content[place + size :])
        try:
            assert read_file(path).runs
        except UserError as refused:
            said = str(refused)
            assert said.startswith(str(folder))
            assert "\n" not in said
