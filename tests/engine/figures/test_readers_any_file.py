"""Whatever a file holds, it is read or refused in one sentence: no traceback, and no waiting."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.specs import UserError
from engine.figures.readers import READERS, read_file
from engine.figures.reading import Reading

NAMES = (
    "a.json", "a.jsonl", "a.csv", "a.tsv", "a.md", "a.log", "a.txt", "a.xlsx", "okvqa_metrics.json", "m_OKVQA_acc.csv",
    "events.out.tfevents.1", "mlflow.db", "run-a.wandb", "a",
)  # fmt: skip
KEYS = st.sampled_from(
    [
        "rows", "results", "configs", "logs", "n", "shot", "shots", "trials", "accuracy", "question_id", "answer", "answers",
        "doc", "doc_id", "resps", "filtered_resps", "epoch", "loss", "index", "prediction", "test_data_num=100-x", "shot_num=1",
        "shot_num", "Overall", "x",
    ]
)  # fmt: skip
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=5)
    | st.sampled_from(["0.5", "50 %", "\ud800", "1"])
)
VALUES = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=12
)
CELLS = st.sampled_from(
    [
        "Shot", "Shot 1", "n", "1", "2", "100", "50.5%", "0.5", "+1.0%", "-", "平均", "差异", "v2 vs v1", "v1", "v2", "RandSampler",
        "", "105", "日期", "12-10", "200 条", "Qwen2.5-VL-3B", "Epoch", "1e9", "9" * 30, "\u0000", "**1**", "a|b",
    ]
)  # fmt: skip


def outcome(name: str, content: bytes) -> Reading | None:
    with TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(content)
        try:
            return read_file(path)
        except UserError as refused:
            said = str(refused)
        assert "\n" not in said
        assert folder in said
        return None


def sound(reading: Reading | None) -> None:
    if reading is not None:
        assert all(0 <= f.accuracy <= 100 and f.n >= 0 for one in reading.matrices for f in one.figures)
        assert reading.matrices or reading.answers or reading.runs


FEW = settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@FEW
@given(name=st.sampled_from(NAMES), content=st.binary(max_size=300))
def test_any_bytes(name: str, content: bytes) -> None:
    sound(outcome(name, content))


@FEW
@given(name=st.sampled_from(("a.json", "okvqa_metrics.json")), value=VALUES)
def test_any_json(name: str, value: Any) -> None:
    reading = outcome(name, json.dumps(value).encode())
    if reading is not None:
        assert all(0 <= f.accuracy <= 100 for one in reading.matrices for f in one.figures)


@FEW
@given(rows=st.lists(st.dictionaries(KEYS, VALUES, max_size=4), max_size=4))
def test_any_json_lines(rows: list[dict[str, Any]]) -> None:
    outcome("a.jsonl", "\n".join(map(json.dumps, rows)).encode())


@FEW
@given(
    rows=st.lists(st.lists(CELLS, min_size=1, max_size=6), min_size=1, max_size=6),
    heading=st.sampled_from(("", "# OKVQA 100 samples", "## 2-shot")),
)
def test_any_table(rows: list[list[str]], heading: str) -> None:
    width = len(rows[0])
    lines = ["| " + " | ".join(row[:width] + [""] * (width - len(row))) + " |" for row in rows]
    text = f"{heading}\n\n" + "\n".join([lines[0], "|" + "---|" * width, *lines[1:]]) + "\n"
    sound(outcome("a.md", text.encode()))
    sound(outcome("a.csv", "\n".join(",".join(row) for row in rows).encode()))
    sound(outcome("a.log", text.encode()))


@pytest.mark.parametrize(
    "piece",
    [
        "[",
        "*",
        "`",
        "_a*",
        "|",
        "\\",
        "![](",
        "<!--",
        "> ",
        "- ",
        "&#x",
        "a\n",
        "# a\n",
        "|a|b|\n|-|-|\n",
        "~~~\n",
        "1,",
        "vs ",
        "Shot 1 ",
        "n=1 ",
    ],
)
def test_long_repetitions_end_soon(piece: str) -> None:
    outcome("a.md", ("| Shot | acc |\n|-|-|\n| 1 | 50% |\n\n" + piece * (15_000 // len(piece))).encode())
    outcome("a.md", (piece * (600_000 // len(piece))).encode())
    outcome("a.csv", (piece * (100_000 // len(piece))).encode())
    outcome("a.log", ("Epoch 1: " + piece * (100_000 // len(piece))).encode())


def test_each_reader_is_told_apart_by_its_words() -> None:
    assert all(reader.layout and reader.kind for reader in READERS)
