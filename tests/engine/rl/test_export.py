"""RL data in other formats: every variant, equal columns when read back, and what cannot be said in a layout."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from db.specs import UserError
from engine.common.program import WrittenWrong
from engine.doctor.examine import examine
from engine.rl.index.browse import Browse
from engine.rl.index.build import build
from engine.rl.index.head import read_head
from engine.rl.reading.columns import NUMBERS, TEXTS
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.writing import export as rl_export
from engine.rl.writing.derivation import derive
from engine.rl.writing.export import export, main, refuse_contradictions
from engine.rl.writing.groups import Group, groups_of
from engine.rl.writing.parquet import flat, read_parquet
from engine.rl.writing.steps import parse_steps
from tests import helpers_rl
from tests.helpers_rl import VARIANTS, Document, write

SCORED = sorted(set(VARIANTS) - {"legacy"})
POOLED = ["R3", "R4"]


def source(tmp_path: Path, variant: str) -> Path:
    return write(tmp_path / "source.json", SOUND[variant]())


def mixed() -> Document:
    """The R6 fixture without the records that lost their pool, whose positions now stand for nothing."""
    document = helpers_rl.mixed()
    for record in document.values():
        if "candidate_pool_ids" not in record:
            for candidate in record["pointer_candidates"]:
                candidate["pointer"] = candidate.pop("pointer_global", candidate["pointer"])
    return document


SOUND = {**VARIANTS, "R6": mixed}
"""Every variant, without contradictions."""


def repaired(document: Document) -> Document:
    """The R4 fixture without the record whose repair failed, whose pointers lie outside its pool."""
    return {key: record for key, record in document.items() if not (key != "_meta" and record.get("_fix_failed"))}


def same_columns(one: Path, other: Path, *, pools: bool) -> None:
    a, b = read_rl_file(one), read_rl_file(other)
    assert a.query_ids.tolist() == b.query_ids.tolist()
    assert a.offsets.tolist() == b.offsets.tolist()
    assert a.candidates.rows.tolist() == b.candidates.rows.tolist()
    for name in NUMBERS:
        np.testing.assert_array_equal(getattr(a.candidates, name), getattr(b.candidates, name), name)
    for name in TEXTS:
        left, right = getattr(a.candidates, name), getattr(b.candidates, name)
        assert [left.texts[code] for code in left.codes] == [right.texts[code] for code in right.codes], name
    assert [(q.question_id, q.image_id, q.question, q.answers) for q in a.queries] == [
        (q.question_id, q.image_id, q.question, q.answers) for q in b.queries
    ]
    if pools:
        assert a.pools.ids.tolist() == b.pools.ids.tolist()
        assert a.candidates.positions.tolist() == b.candidates.positions.tolist()


@pytest.mark.parametrize("variant", SCORED)
def test_every_variant_becomes_global_rows(tmp_path: Path, variant: str) -> None:
    path = source(tmp_path, variant)
    told = export(path, tmp_path / "out.json", to="r2")
    same_columns(path, tmp_path / "out.json", pools=False)
    found = read_rl_file(tmp_path / "out.json")
    assert not found.pools.sizes().any()
    assert (found.candidates.space == 0).all()
    assert found.candidates.certain.all()
    assert told["pools"] == ("left out" if variant in (*POOLED, "R6") else "none")
    if variant in ("R2", "R3"):
        assert found.variant == "R2"


@pytest.mark.parametrize("variant", POOLED)
def test_pooled_variants_become_positions(tmp_path: Path, variant: str) -> None:
    path = write(tmp_path / "source.json", repaired(VARIANTS[variant]()))
    told = export(path, tmp_path / "out.json", to="r3")
    same_columns(path, tmp_path / "out.json", pools=True)
    assert read_rl_file(tmp_path / "out.json").variant == "R3"
    assert (told["pools"], told["read_back"]) == ("kept", "identical")
    again = export(tmp_path / "out.json", tmp_path / "again.json", to="r3")
    assert again["sha256"] == told["sha256"], "written again, it is the same file"


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_lines_hold_everything(tmp_path: Path, variant: str) -> None:
    path, out = source(tmp_path, variant), tmp_path / "out.jsonl"
    told = export(path, out, to="jsonl")
    assert list(groups_of(read_rl_file(out))) == list(groups_of(read_rl_file(path)))
    lines = out.read_text().splitlines()
    assert len(lines) == 1 + told["queries"]
    assert json.loads(lines[0]) == {"_meta": SOUND[variant]().get("_meta", {})}
    assert json.loads(lines[1])["pointer_candidates"][0]["pointer_global"]


@pytest.mark.parametrize("variant", ["R3", "R5"])
def test_lines_are_read_like_the_file_that_they_came_from(tmp_path: Path, variant: str) -> None:
    path, out = source(tmp_path, variant), tmp_path / "out.jsonl"
    export(path, out, to="jsonl")
    report, original = examine(out), examine(path)
    assert (report.kind, report.facts["candidates"]) == ("rl-data", original.facts["candidates"])
    assert {one.code for one in report.findings} == {one.code for one in original.findings}
    head, first = read_head(out), read_head(path)
    assert (head.whole, head.meta) == (True, first.meta)
    assert [(row.query_id, row.n, row.question) for row in head.rows] == [
        (row.query_id, row.n, row.question) for row in first.rows
    ]
    begun = read_head(out, octets=len(out.read_bytes().splitlines(keepends=True)[0]) + 10)
    assert begun.rows, "more is read when the first record does not end"
    browse = Browse(build(out, tmp_path / "cache"))
    query = browse.select("", "id")[0]
    there, here = browse.group(query), Browse(build(path, tmp_path / "cache")).group(query)
    assert [one.rows for one in there.candidates] == [one.rows for one in here.candidates]
    derived = derive(out, tmp_path / "new.json", parse_steps(["drop-repeats"], ()))
    assert derived["candidates"][0] == original.facts["candidates"]


@pytest.mark.parametrize(
    ("line", "sentence"),
    [(b'{"query_id": 4, "pointer_', "the file is cut in line 4; copy it again"), (b'{"other": 1}', "line 4 .*query_id"),
     (b'{"query_id": 1}', "query 1 stands twice, also on line 4")],
)  # fmt: skip
def test_damaged_lines_are_named(tmp_path: Path, line: bytes, sentence: str) -> None:
    out = tmp_path / "out.jsonl"
    export(write(tmp_path / "source.json", helpers_rl.strict(queries=2)), out, to="jsonl")
    out.write_bytes(out.read_bytes() + line)
    with pytest.raises(UserError, match=rf"out\.jsonl: {sentence}"):
        read_rl_file(out)


@pytest.mark.parametrize("variant", sorted(VARIANTS))
def test_parquet_holds_a_row_per_candidate(tmp_path: Path, variant: str) -> None:
    pytest.importorskip("pyarrow")
    path, out = source(tmp_path, variant), tmp_path / "out.parquet"
    told = export(path, out, to="parquet")
    expected = [row for group in groups_of(read_rl_file(path)) for row in flat(group)]
    assert list(read_parquet(out)) == expected
    assert told["candidates"] == len(expected)


def test_without_pyarrow_parquet_is_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"needs pyarrow: pip install 'leverplus\[parquet\]'.*, or export to jsonl"):
        export(source(tmp_path, "R2"), tmp_path / "out.parquet", to="parquet")
    assert [one.name for one in tmp_path.iterdir()] == ["source.json"]


def test_flat_rows_name_what_has_no_column() -> None:
    document = helpers_rl.balanced(queries=1, candidates=1)
    group = Group.of_record(3, document["0"] | {"_fix_info": {"n": 1}}, [[1, 2]], [False])
    (row,) = flat(group.replaced(candidates=(group.candidates[0],)))
    assert (row["query_id"], row["pointer"], row["vqa_correct"]) == (3, [1, 2], None)
    assert set(row["answers"]) == {"talking", "mimicry"}
    assert json.loads(row["record"]) == {"_fix_info": {"n": 1}}
    assert json.loads(row["query"])["gt_answers_raw"][0]["answer_confidence"] == "yes"
    assert row["other"] is None


def test_legacy_beams_are_no_rl_data(tmp_path: Path) -> None:
    for layout in ("r2", "r3"):
        with pytest.raises(UserError, match="legacy beam data has no answers"):
            export(source(tmp_path, "legacy"), tmp_path / "out.json", to=layout)


@pytest.mark.parametrize("variant", ["R1", "R2", "R5"])
def test_positions_need_a_pool(tmp_path: Path, variant: str) -> None:
    with pytest.raises(UserError, match=r"source.json: query 0 has no stored pool, which r3 needs"):
        export(source(tmp_path, variant), tmp_path / "out.json", to="r3")
    assert not (tmp_path / "out.json").exists()


def test_positions_need_pointers_inside_the_pool(tmp_path: Path) -> None:
    document = helpers_rl.pooled()
    document["9"]["pointer_candidates"][3] |= {"pointer": [0, 300], "pointer_global": [0, 300]}
    path = write(tmp_path / "source.json", document)
    with pytest.raises(UserError, match=r"query 9, candidate 3: \[0, 300\] is not inside the stored pool"):
        export(path, tmp_path / "out.json", to="r3")
    assert export(path, tmp_path / "out.json", to="r2")["candidates"] == 80


def contradicting() -> Document:
    document = helpers_rl.pooled(queries=3)
    document["1"]["pointer_candidates"][2]["pointer_global"] = [198, 199]
    document["1"]["pointer_candidates"][2]["pointer"] = [0, 1]
    return document


def test_contradicting_pointers_are_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "source.json", contradicting())
    for layout in rl_export.FORMATS[:3]:
        with pytest.raises(UserError, match=r"query 1, candidate 2: pointer and pointer_global contradict"):
            export(path, tmp_path / "out.json", to=layout)
    with pytest.raises(UserError, match="pool-repair"):
        list(refuse_contradictions(groups_of(read_rl_file(path)), path))


def test_the_original_and_other_files_are_never_written_over(tmp_path: Path) -> None:
    path, out = source(tmp_path, "R2"), tmp_path / "out.json"
    before = path.read_bytes()
    with pytest.raises(UserError, match="is the source itself"):
        export(path, path, to="r2", overwrite=True)
    out.write_text("precious")
    with pytest.raises(UserError, match="--overwrite"):
        export(path, out, to="r2")
    assert out.read_text() == "precious"
    export(path, out, to="r2", overwrite=True)
    assert read_rl_file(out).variant == "R2"
    assert path.read_bytes() == before
    with pytest.raises(UserError, match="is a folder"):
        export(path, tmp_path, to="r2")


def test_a_file_that_reads_back_differently_is_not_placed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(tmp_path / "source.json", helpers_rl.pooled())

    def forgetful(file: RLFile) -> Iterator[Group]:
        groups = groups_of(file)
        return groups if file.path == path else (group.replaced(pool=group.pool[1:]) for group in groups)

    monkeypatch.setattr(rl_export, "groups_of", forgetful)
    with pytest.raises(WrittenWrong, match="reads back differently"):
        export(path, tmp_path / "out.json", to="r3")
    assert [one.name for one in tmp_path.iterdir()] == ["source.json"]


def test_marks_of_repairs_are_kept_aside(tmp_path: Path) -> None:
    path = write(tmp_path / "source.json", repaired(helpers_rl.fixed()))
    export(path, tmp_path / "out.json", to="r3")
    meta = json.loads((tmp_path / "out.json").read_text())["_meta"]
    assert (meta["version"], meta["repaired"]["fix_version"]) == ("k64", "v3")


def test_command_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, out = source(tmp_path, "R3"), tmp_path / "out.json"
    assert main([str(path), str(out), "--format", "r2"]) == 0
    told = capsys.readouterr().out
    assert "10 queries, 80 candidates" in told
    assert "the stored pools were left out" in told
    assert main([str(path), str(out), "--format", "r2", "--overwrite", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["candidates"] == 80
    assert main([str(path), str(out), "--format", "r2"]) == 2
    assert "--overwrite" in capsys.readouterr().err
    assert main([str(tmp_path / "none.json"), str(tmp_path / "x"), "--format", "r2"]) == 2
    assert "none.json" in capsys.readouterr().err
