"""Odd numbers, types and keys in RL data and result files: each gives findings or one sentence, never a traceback."""

from __future__ import annotations

import json
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.specs import Report, UserError
from engine.doctor.examine import examine
from engine.rl.index.browse import Browse
from engine.rl.index.build import build
from tests import helpers_rl

BEYOND_FLOATS, MANY_DIGITS, DEEP = "@1e400@", "@digits@", "@deep@"
SPELT = {BEYOND_FLOATS: "1e400", MANY_DIGITS: "9" * 5000, DEEP: "[" * 3000 + "]" * 3000}
"""What `json.dumps` cannot write, put in afterwards."""
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, -100, 0.5, 7.5, 1e300, 10**30, 2**31, 2**63, float("nan"), float("-inf"), "", "x", "12", "\ud800", [], {},
    [[]], [None], {"answer": 1}, BEYOND_FLOATS, MANY_DIGITS, DEEP,
)  # fmt: skip
ODD_KEYS = (
    "",
    "abc",
    "-1",
    "007",
    "9" * 23,
    "9" * 5000,
    "_x",
    "_meta",
    "\ud800",
    "question_id",
    "shot_num=99999999999",
)
MATRICES = [
    {"source_file": "a.md", "model": "m", "dataset": name, "method": "A", "rows": [
        {"n": n, "shot": shot, "accuracy": 64.2} for n in (100, 200) for shot in (1, 2)]}
    for name in ("OKVQA", "okvqa")
]  # fmt: skip
ANSWERS = [
    {"question_id": i, "image_id": 5, "answer": "cat", "answers": [{"answer": "cat"}] * 3, "question": "what?"}
    for i in range(3)
]
DOCUMENTS: tuple[Any, ...] = (
    *(build(2, 3) for build in (helpers_rl.strict, helpers_rl.pooled, helpers_rl.fixed, helpers_rl.balanced, helpers_rl.legacy)),
    MATRICES,
    {"2025-12-12-test_data_num=100-okvqa": {"shot_num=1": 0.64, "shot_num=2": 0.55}},
    {"shot_num_1": 0.5, "shot_num_2": 0.4}, ANSWERS, {str(i): row for i, row in enumerate(ANSWERS)},
    {"5": [1, 2, 3], "6": [2, 3, 4]},
)  # fmt: skip
HARD = settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck), database=None)


def slots(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every value inside, outermost first."""
    keys = list(value) if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ()
    for key in keys:
        yield value, key
        yield from slots(value[key])


def changed(document: Any, rng: random.Random) -> str:
    """The text of a document with one value replaced, removed, doubled or renamed."""
    document = json.loads(json.dumps(document))
    container, key = rng.choice(list(slots(document)))
    action = rng.random()
    if action < 0.15 and isinstance(container, dict):
        container[rng.choice(ODD_KEYS)] = container.pop(key)
    elif action < 0.25:
        del container[key]
    else:
        container[key] = rng.choice(ODD_VALUES)
    text = json.dumps(document)
    for token, spelling in SPELT.items():
        text = text.replace(json.dumps(token), spelling)
    return text


def said(report: Report) -> bytes:
    """The report as `--json` prints it."""
    return json.dumps(report.model_dump(mode="json"), ensure_ascii=False).encode()


@HARD
@given(seed=st.integers(0, 2**32))
def test_odd_values_never_crash(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "x.json"
    path.write_text(changed(rng.choice(DOCUMENTS), rng))
    report = examine(path)
    assert said(report)
    assert all(finding.message for finding in report.findings)


@settings(HARD, max_examples=100)
@given(seed=st.integers(0, 2**32))
def test_odd_values_are_indexed_and_shown_or_refused(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    path = tmp_path / "x.json"
    path.write_text(changed(rng.choice(DOCUMENTS[:5]), rng))
    with suppress(UserError):
        browse = Browse(build(path, tmp_path / "cache"))
        for query_id in browse.select():
            browse.group(query_id)


@settings(HARD, max_examples=100)
@given(
    share=st.floats(0, 1), flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 255)), max_size=3)
)
def test_damaged_arrays_never_crash(tmp_path: Path, share: float, flips: list[tuple[float, int]]) -> None:
    path = tmp_path / "x.npy"
    np.save(path, np.eye(3, dtype=np.float32))
    content = bytearray(path.read_bytes())
    for place, octet in flips:
        content[int(place * len(content))] = octet
    path.write_bytes(bytes(content if flips else content[: int(share * len(content))]))
    assert said(examine(path))


@pytest.mark.parametrize(
    ("text", "code", "words"),
    [
        ("", "truncated", "is empty"), ("{}", "unrecognised", "empty JSON object"), ("[]", "unrecognised", "empty JSON list"),
        ('{"run": "r1", "kind": "eval"}', "unrecognised", "keys run, kind"), ('{"a": 1}\n{"a": 2}', "unrecognised", "JSON lines"),
        ('{"a": [1, 2', "truncated", "cut"), ("<html>", "not-a-checkpoint", "web page"),
        ("version https://git-lfs.github.com/spec/v1\n", "not-a-checkpoint", "git-LFS pointer"),
        ('{"0": {"query": ' + "[" * 9999, "malformed", "nested too deeply"),
        ('[{"pointer_candidates": []}]', "malformed", "a JSON list"),
        ('{"_meta": {"a": 1}}', "malformed", "no query"), ("\ufeff{}", "unrecognised", "empty JSON object"),
    ],
)  # fmt: skip
def test_what_is_no_data_is_named(tmp_path: Path, text: str, code: str, words: str) -> None:
    path = tmp_path / "x.json"
    path.write_text(text)
    (finding,) = examine(path).findings
    assert (finding.code, words in finding.message, bool(finding.fix)) == (code, True, True)


@pytest.mark.parametrize(
    "start", [{"_note": "text"}, {"_list": [1]}, {"_meta": {}, "_other": [1]}, {"_fix_description": {"7": {"a": 1}}}]
)
def test_remarks_before_the_records_are_ignored(tmp_path: Path, start: dict[str, Any]) -> None:
    report = examine(helpers_rl.write(tmp_path / "rl.json", start | helpers_rl.strict(3, 8)))
    assert (report.kind, report.facts["queries"]) == ("rl-data", 3)


@pytest.mark.parametrize("first", [{"_fix_failed": True}, {"_fix_info": {"a": 1}}, {"later": [1, "}"]}])
def test_a_record_may_begin_with_any_field(tmp_path: Path, first: dict[str, Any]) -> None:
    document = {"7": first | helpers_rl.strict(8, 8)["7"]}
    assert examine(helpers_rl.write(tmp_path / "rl.json", document)).kind == "rl-data"


def test_refused_records_are_named(tmp_path: Path) -> None:
    document = helpers_rl.strict(2, 2)
    for key, words in (("abc", "key 'abc'"), ("9" * 23, "largest possible id"), ("00", "stands twice")):
        (finding,) = examine(helpers_rl.write(tmp_path / "rl.json", document | {key: document["0"]})).findings
        assert finding.code == "malformed"
        assert words in finding.message
    text = json.dumps(document, ensure_ascii=False).replace("Qwen/", "\x80", 1).encode("latin-1")
    (tmp_path / "rl.json").write_bytes(text)
    (finding,) = examine(tmp_path / "rl.json").findings
    assert "_meta: the text is not UTF-8" in finding.message
