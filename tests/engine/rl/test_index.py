"""The index of an RL file: what it holds, when it is made anew, and what an interrupted or failed build leaves."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from db.specs.base import UserError
from engine.common.files.atomic import replacing
from engine.rl.health.findings import rl_findings
from engine.rl.index import build as rl_index
from engine.rl.index.browse import Browse
from engine.rl.index.build import build, main
from engine.rl.index.head import read_head
from engine.rl.index.query_rows import Mark
from engine.rl.reading import index_place
from engine.rl.reading.file import read_rl_file
from tests import helpers_rl

BAD: dict[str, tuple[Callable[[str], str], str]] = {
    "truncated": (lambda text: text[: len(text) // 2], "is cut at byte"),
    "wrong types": (lambda text: text.replace('"vqa_eval_mode": "vqaEval"', '"vqa_eval_mode": 5', 1), "query 0, field"),
    "duplicate keys": (lambda text: text.rstrip("}\n") + '}, "0": {"pointer_candidates": []}}', "query 0 stands twice"),
    "huge strings": (lambda text: text.replace("talking", "x" * 200_001, 1), "longer than 200000 characters"),
    "not JSON": (lambda text: "hello", "not JSON"),
    "empty": (lambda text: "", "is empty"),
}


@pytest.mark.parametrize("variant", sorted(helpers_rl.VARIANTS))
def test_index_and_head_agree_on_every_variant(tmp_path: Path, variant: str) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.VARIANTS[variant]())
    browse = Browse(build(path, tmp_path / "cache"))
    head = {row.query_id: row for row in read_head(path).rows}
    rows = browse.rows(browse.select())
    assert rows.keys() == head.keys()
    for key, row in rows.items():
        first = head[key]
        assert (row.n, row.question, row.image_id) == (first.n, first.question, first.image_id)
        assert (row.start, row.length, row.pool) == (first.start, first.length, first.pool)
        assert np.allclose([row.best, row.mean, row.spread], [first.best, first.mean, first.spread], atol=1e-6)
        if variant != "legacy":  # whose beams nobody scored
            judged = (first.usable, first.positives, first.group_class)
            assert (row.usable, row.positives, row.group_class) == judged


@pytest.mark.parametrize("variant", sorted(helpers_rl.VARIANTS))
def test_index_holds_the_same_health_as_the_doctor_finds(tmp_path: Path, variant: str) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.VARIANTS[variant]())
    browse = Browse(build(path, tmp_path / "cache"))
    measures, findings = rl_findings(read_rl_file(path))
    assert browse.health == json.loads(json.dumps(measures))
    assert browse.findings == findings
    assert browse.variant == measures["variant"]


def test_an_index_that_fits_is_left_alone_and_a_changed_file_gets_another(tmp_path: Path) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain()), tmp_path / "cache"
    side = build(path, cache)
    before = side.stat().st_mtime_ns
    assert build(path, cache) == side
    assert side.stat().st_mtime_ns == before
    helpers_rl.write(path, helpers_rl.plain(seed=1))
    os.utime(path, ns=(1, 1))
    assert Browse.of(path, cache) is None
    assert build(path, cache) != side
    assert not side.exists()


def test_a_write_of_the_same_size_and_time_is_still_noticed(tmp_path: Path) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain()), tmp_path / "cache"
    time = path.stat().st_mtime_ns
    first = index_place.side_file(path, cache)
    path.write_bytes(path.read_bytes().replace(b"talking", b"walking", 1))
    os.utime(path, ns=(time, time))
    assert index_place.side_file(path, cache) != first


@pytest.mark.parametrize("kind", sorted(BAD))
def test_each_malformed_kind_gets_one_sentence_and_leaves_nothing(
    tmp_path: Path, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    spoil, said = BAD[kind]
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.strict())
    path.write_text(spoil(path.read_text()))
    with pytest.raises(UserError, match=said):
        build(path, tmp_path / "cache")
    assert main([str(path), "--cache", str(tmp_path / "cache")]) == 2
    assert said in capsys.readouterr().err
    left = list((tmp_path / "cache" / index_place.FOLDER).iterdir())
    assert [file.suffix for file in left] == [".json"]
    assert said in json.loads(left[0].read_text())["error"]


def test_a_build_that_fails_midway_leaves_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain()), tmp_path / "cache"

    def full(part: Path, indexed: rl_index.Indexed) -> None:
        part.write_bytes(b"half")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(rl_index, "_write", full)
    with pytest.raises(UserError, match="cannot be written"):
        build(path, cache)
    assert not list((cache / index_place.FOLDER).iterdir())


def test_a_file_that_changes_while_it_is_read_is_refused(tmp_path: Path) -> None:
    path = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain())

    def touch(stage: str, done: int, total: int) -> None:
        os.utime(path, ns=(done, done))

    with pytest.raises(UserError, match="changed while it was read"):
        build(path, tmp_path / "cache", touch)


def test_leftovers_of_dead_builders_are_removed(tmp_path: Path) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.plain()), tmp_path / "cache"
    side = index_place.side_file(path, cache)
    side.parent.mkdir(parents=True)
    killed = "import os; from engine.rl.index import build; build._write = lambda draft, _: os._exit(9); build.main()"
    subprocess.run([sys.executable, "-c", killed, str(path), "--cache", str(cache)])
    assert len(list(side.parent.glob(f".{side.name}-*"))) == 1
    with replacing(side) as draft:
        build(path, cache)
        assert list(side.parent.glob(f".{side.name}-*")) == [draft]


def test_the_process_builds_an_index_and_says_nothing_when_done(tmp_path: Path) -> None:
    path, cache = helpers_rl.write(tmp_path / "rl.json", helpers_rl.pooled()), tmp_path / "cache"
    command = [sys.executable, "-m", "engine.rl.index.build", str(path), "--cache", str(cache)]
    subprocess.run(command, check=True, capture_output=True)
    assert [file.suffix for file in (cache / index_place.FOLDER).iterdir()] == [".sqlite"]
    assert Browse.of(path, cache) is not None


def test_records_are_found_where_they_lie_among_values_that_json_does_not_know(tmp_path: Path) -> None:
    document = helpers_rl.strict()
    text = json.dumps(document, indent=2).replace('"vqa_gt_prob": 1e-07', '"vqa_gt_prob": NaN', 7)
    text = text.replace('"vqa_gt_prob": 1e-07', '"vqa_gt_prob": -Infinity', 9)
    path = tmp_path / "rl.json"
    path.write_text("\ufeff" + text, encoding="utf-8")
    browse = Browse(build(path, tmp_path / "cache"))
    for query_id in range(10):
        group = browse.group(query_id)
        assert group.question == document[str(query_id)]["query"]["question"]
        assert len(group.candidates) == 8


def test_marks_name_what_is_odd_about_candidates(tmp_path: Path) -> None:
    def candidate(pointer: list[int], accuracy: float = 1.0, **more: object) -> dict[str, object]:
        return {"pointer": pointer, "vqa_correct": int(accuracy > 0), "vqa_acc_score": accuracy} | more

    group = [
        candidate([1, 2]), candidate([1, 2]), candidate([2, 1]), candidate([1, 2], 0.0), candidate([3, 3]),
        candidate([5, 4]), candidate([6, 7], vqa_eval_mode="fallback"), candidate([8, 9], eval_failed=True),
        candidate([7, 9], gen_method="global_positive_transfer"),
    ]  # fmt: skip
    path = helpers_rl.write(tmp_path / "rl.json", {"5": {"pointer_candidates": group}})
    browse = Browse(build(path, tmp_path / "cache"))
    found = browse.group(5).candidates
    assert [one.marks for one in found] == [
        Mark(0), Mark.DUPLICATE, Mark.REORDERED, Mark.DUPLICATE | Mark.DISAGREE, Mark.REPEAT, Mark.SELF, Mark.FALLBACK,
        Mark.FAILED, Mark.UNVERIFIED,
    ]  # fmt: skip
    assert [one.twin for one in found[:4]] == [None, 0, 0, 0]
    assert browse.rows([5])[5].marks == Mark(2047) & ~(Mark.OUTSIDE | Mark.SPACE | Mark.UNSURE)


def test_pointers_outside_the_pool_and_in_mixed_spaces_are_marked(tmp_path: Path) -> None:
    document = helpers_rl.pooled(queries=1)
    group = document["0"]["pointer_candidates"]
    group.append(group[0] | {"pointer": [150, 151], "pointer_global": [150, 151]})
    document["0"]["candidate_pool_ids"] = [one for one in document["0"]["candidate_pool_ids"] if one not in (150, 151)]
    group[:-1] = []
    group.insert(0, {"pointer": [0, 1], "pointer_global": document["0"]["candidate_pool_ids"][:2]})
    browse = Browse(build(helpers_rl.write(tmp_path / "rl.json", document), tmp_path / "cache"))
    first, second = browse.group(0).candidates
    assert first.marks == Mark(0)
    assert second.marks == Mark.OUTSIDE | Mark.SPACE
    assert (first.space, second.space) == ("local", "global")
