"""RL data of several files become one: shards by their ranges, and more candidates for the same queries."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from db.specs.base import UserError
from engine.rl.reading.file import read_rl_file
from engine.rl.writing.derivation import derive
from engine.rl.writing.derive import describe, main
from engine.rl.writing.groups import groups_of
from engine.rl.writing.steps import parse_steps
from tests.helpers_rl import Document, pooled, strict, write


def shard(document: Document, first: int, end: int, **meta: Any) -> Document:
    ids = [name for name in document if name != "_meta"][first:end]
    stated = {**document.get("_meta", {}), "start_idx": first, "end_idx": end, "num_queries_processed": end - first}
    return {"_meta": stated | meta, **{name: document[name] for name in ids}}


def told(path: Path) -> list[Any]:
    return [(one.query_id, one.about, one.pool, one.candidates) for one in groups_of(read_rl_file(path))]


@pytest.mark.parametrize("make", [strict, pooled])
def test_shards_make_the_whole_again(tmp_path: Path, make: Any) -> None:
    document = make(queries=12)
    whole = write(tmp_path / "whole.json", document)
    parts = [write(tmp_path / f"{a}.json", shard(document, a, b)) for a, b in ((8, 12), (0, 4), (4, 8))]
    before = [part.read_bytes() for part in parts]
    summary = derive(parts[0], tmp_path / "out.json", [], merge=parts[1:])
    assert told(tmp_path / "out.json") == told(whole)
    assert [part.read_bytes() for part in parts] == before
    assert (summary["queries"], summary["holes"], summary["unlike"]) == ([12, 12], [], [])
    meta = read_rl_file(tmp_path / "out.json").meta
    assert (meta["start_idx"], meta["end_idx"], "num_queries_processed" in meta) == (0, 12, False)
    assert [one["queries"] for one in meta["lineage"]["merged"]] == [4, 4, 4]
    assert not list(tmp_path.glob(".*")), "nothing is left beside it"


def test_a_hole_between_shards_and_other_models_are_said(tmp_path: Path) -> None:
    document = strict(queries=12)
    one = write(tmp_path / "one.json", shard(document, 0, 4))
    two = write(tmp_path / "two.json", shard(document, 8, 12, vqa_model="another"))
    said = describe(derive(one, tmp_path / "out.json", [], merge=[two]))
    assert "queries 4 to 7 of the range are in no file" in said
    assert "the files differ in vqa_model" in said


def test_mined_candidates_join_the_groups_that_there_are(tmp_path: Path) -> None:
    """Mined files lose metadata and questions; equal candidates count once, steps come after."""
    document = strict(queries=4)
    mined = {
        name: {"pointer_candidates": record["pointer_candidates"][:2]}
        for name, record in document.items()
        if name != "_meta"
    }
    first = next(iter(mined))
    fresh = {**mined[first]["pointer_candidates"][0], "pointer": [3, 1], "gen_method": "mined_from_old"}
    mined[first] = {"pointer_candidates": [*mined[first]["pointer_candidates"], fresh]}
    base, more = write(tmp_path / "base.json", document), write(tmp_path / "mined.json", mined)
    summary = derive(base, tmp_path / "out.json", parse_steps(["drop-self"], []), merge=[more])
    before, after = told(base), told(tmp_path / "out.json")
    assert [one[:3] for one in before] == [one[:3] for one in after]
    assert len(after[0][3]) == len(before[0][3]) + 1
    assert after[0][3][-1].fields["gen_method"] == "mined_from_old"
    assert summary["steps"][0]["step"] == "drop-self"


def test_what_does_not_belong_together_is_refused(tmp_path: Path) -> None:
    document = pooled(queries=3)
    base = write(tmp_path / "base.json", document)
    name = next(one for one in document if one != "_meta")
    asked = json.loads(json.dumps(document))
    asked[name]["query"]["question"] = "Another?"
    pools = json.loads(json.dumps(document))
    field = "candidate_pool_ids" if "candidate_pool_ids" in pools[name] else "candidate_pool_indices"
    pools[name][field] = [*pools[name][field][:-1], 5_000]
    ordered = {**document, "_meta": {**document["_meta"], "dataset_order_sha": "b"}}
    base_of = write(tmp_path / "ordered.json", {**document, "_meta": {**document["_meta"], "dataset_order_sha": "a"}})
    for source, other, said in (
        (base, asked, "these files are of different data sets or orders"),
        (base, pools, "has different candidate pools"),
        (base_of, ordered, "differ in dataset_order_sha"),
    ):
        with pytest.raises(UserError, match=said):
            derive(source, tmp_path / "out.json", [], merge=[write(tmp_path / "other.json", other)])
    assert not (tmp_path / "out.json").exists()


def test_the_command_line_merges_without_a_step(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    document = strict(queries=6)
    parts = [str(write(tmp_path / f"{a}.json", shard(document, a, b))) for a, b in ((0, 3), (3, 6))]
    assert main([parts[0], "--merge", parts[1], "--out", str(tmp_path / "out.json")]) == 0
    assert "3 queries of" in capsys.readouterr().out
    assert main([parts[0], "--out", str(tmp_path / "none.json")]) == 2
    assert main([parts[0], "--merge", parts[0], "--out", parts[0], "--overwrite"]) == 2, "a source stays as it is"
