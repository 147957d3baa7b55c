"""Tables of Markdown reports: which figures they hold, what each is of, and that nothing is left out in silence."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.specs import UserError
from engine.figures.readers import read_file
from engine.figures.reading import Reading

REPORTS = Path(__file__).parent / "reports"


def read(path: Path, text: str) -> Reading:
    path.write_text(text, encoding="utf-8")
    return read_file(path)


def cells(reading: Reading) -> dict[tuple[str, int, int], float]:
    return {(one.label, f.n, f.shot): f.accuracy for one in reading.matrices for f in one.figures}


@pytest.mark.parametrize(
    ("name", "figures", "left_out"),
    [
        ("long_by_size_and_shot", 32, [3]), ("wide_by_shot", 32, []), ("columns_of_models", 24, [6, 15, 24]),
        ("columns_of_samplers", 24, [14]), ("tables_that_are_no_accuracies", 2, [3, 8, 13, 29, 30]),
        ("selector_report.zh", 32, [30, 66, 77, 122, 182]),
    ],
)  # fmt: skip
def test_each_shape_gives_exactly_its_figures_and_lists_the_rest(name: str, figures: int, left_out: list[int]) -> None:
    reading = read_file(REPORTS / f"{name}.md")
    assert reading.figures == figures
    assert [one.line for one in reading.left_out] == left_out
    assert reading.guessed
    assert reading.findings == ()  # what was derived follows from the figures
    lines = (REPORTS / f"{name}.md").read_text().splitlines()
    for matrix in reading.matrices:
        for figure in matrix.figures:
            assert f"{figure.accuracy:g}" in lines[figure.line - 1]


def test_two_days_of_one_report_are_two_runs() -> None:
    first, second = read_file(REPORTS / "selector_report.zh.md").matrices
    told = ("OKVQA", "Qwen2.5-VL-3B-Instruct", "RandSampler", "rce_epoch5_v2format.ckpt")
    for matrix, label, date in ((first, "12-10 v3", "2025-12-10"), (second, "12-12 v3", "2025-12-12")):
        assert (matrix.label, matrix.date) == (label, date)
        assert (matrix.dataset, matrix.vlm, matrix.sampler, matrix.checkpoint) == told
        assert sorted((f.n, f.shot) for f in matrix.figures) == [
            (n, s) for n in (100, 200, 400, 800) for s in (1, 2, 3, 4)
        ]


def test_columns_of_samplers_are_runs_of_their_own() -> None:
    reading = read_file(REPORTS / "columns_of_samplers.md")
    assert [one.sampler for one in reading.matrices] == ["RandSampler", "TextSimSampler", "ImgSimSampler", "MixSampler"]
    assert {(one.dataset, one.vlm) for one in reading.matrices} == {("VQAv2", "Qwen2.5-VL-3B-Instruct")}


def test_what_was_derived_is_held_against_the_figures(tmp_path: Path) -> None:
    text = "# OKVQA, 100 samples\n\n| Shot | a | b | b vs a | diff |\n|--|--|--|--|--|\n| 1 | 50.0% | 51.0% | +1.0% | +1.0% |\n"
    assert read(tmp_path / "r.md", text).findings == ()
    (wrong,) = read(tmp_path / "r.md", text.replace("| +1.0% | +1.0% |", "| -1.0% | +1.0% |")).findings
    assert (wrong.code, wrong.subject) == ("derived-mismatch", "r.md:5")
    mean = text + "| 2 | 60.0% | 61.0% | +1.0% | +1.0% |\n| **平均** | 55.0% | 56.5% | | |\n"
    (wrong,) = read(tmp_path / "r.md", mean).findings
    assert "56.5, and the mean of its column is 56.00" in wrong.message
    assert read(tmp_path / "r.md", mean).figures == 4
    relative = text.replace("| +1.0% | +1.0% |", "| +2.0% | +1.0% |")
    assert read(tmp_path / "r.md", relative).findings == ()


def test_rows_name_what_was_evaluated_and_when(tmp_path: Path) -> None:
    text = """# VQAv2 报告
> 日期：2026-01-08

### 3.3 历史结果对比（2809 queries，800 samples）

| 日期 | 模型版本 | Shot 1 | Shot 2 |
|------|---------|--------|--------|
| 01-04 | Balanced V2 Epoch 1 | 69.35% | 65.17% |
| 01-04 | Balanced V2 Epoch 1 | 70.03% | 63.42% |
| 01-07 | **Balanced V3 Epoch 1** | **74.58%** ⬆️ | 72.03%* |
"""
    found = read(tmp_path / "r.md", text).matrices
    assert [(one.label, one.date, len(one.figures)) for one in found] == [
        ("Balanced V2 Epoch 1", "2026-01-04", 2),
        ("Balanced V2 Epoch 1", "2026-01-04", 2),
        ("Balanced V3 Epoch 1", "2026-01-07", 2),
    ]  # fmt: skip
    assert {(one.dataset, figure.n) for one in found for figure in one.figures} == {("VQAv2", 800)}


def test_tables_of_several_sizes_make_one_run(tmp_path: Path) -> None:
    part = "## {at}. Shot {n}（测试{n}条数据）\n\n| Shot Num | v1 结果 | v2 结果 | 最佳版本 | v2 vs v1 |\n|-|-|-|-|-|\n"
    part += "| **1** | {a}% | **{b}%** | v2 | +1.0% |\n\n"
    text = "# 对比\n- **数据集**: OKVQA\n\n" + "".join(
        part.format(at=at, n=n, a=a, b=a + 1) for at, (n, a) in enumerate(((100, 50.0), (200, 45.0)), start=1)
    )
    found = read(tmp_path / "r.md", text)
    assert cells(found) == {("v1", 100, 1): 50, ("v2", 100, 1): 51, ("v1", 200, 1): 45, ("v2", 200, 1): 46}
    assert len(found.matrices) == 2


def test_shares_of_one_become_percent_and_signs_of_percent_settle_it(tmp_path: Path) -> None:
    table = (
        "# KL（800 samples）\n\n| Shot Num | KL_BETA=0.12 | KL_BETA=0.15 | 差异 |\n|-|-|-|-|\n| 1 | {} | {} | 0.000 |\n"
    )
    shares = read(tmp_path / "r.md", table.format("0.497", "0.4823"))
    assert cells(shares) == {("KL_BETA=0.12", 800, 1): 49.7, ("KL_BETA=0.15", 800, 1): 48.23}
    assert shares.tables[0].unit == "shares of one, times 100"
    assert sorted(cells(read(tmp_path / "r.md", table.format("0.5 %", "0.25 %"))).values()) == [0.25, 0.5]


@pytest.mark.parametrize(
    ("header", "row", "why"),
    [
        ("| Shot | 平均差异 | 趋势 |", "| Shot 1 | **+0.55%** | ⬆️ 提升 |", "differences"),
        ("| 指标 | Epoch 1 | Epoch 2 |", "| KL | 0.094 | 0.081 |", "how many demonstrations"),
        ("| Shot | early stops (count) |", "| 2 | 31 |", "other numbers"),
        ("| 对比项 | 方案五 | 方案六 |", "| **Shot 1** | **+1.60%** | +1.35% |", "differences"),
    ],
)
def test_tables_without_accuracies_are_refused_with_the_reason(tmp_path: Path, header: str, row: str, why: str) -> None:
    rule = "|".join("-" * 3 for _ in range(header.count("|") - 1))
    with pytest.raises(UserError, match=why) as refused:
        read(tmp_path / "r.md", f"# 800 samples\n\n{header}\n|{rule}|\n{row}\n")
    assert "line 3" in str(refused.value)


def test_code_and_prose_are_no_tables(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="a Markdown report without a table"):
        read(tmp_path / "r.md", "# x\n\n```\n| Shot | acc |\n|-|-|\n| 1 | 50% |\n```\nWe got 50 % at shot 2.\n")


def test_what_is_not_told_is_asked(tmp_path: Path) -> None:
    found = read(tmp_path / "r.md", "# Notes\n\n| Shot | accuracy |\n|-|-|\n| 1 | 50% |\n")
    assert [question.partition(" the figures")[0] for question in found.questions] == [
        "over how many questions", "of which data set", "which model gave",
    ]  # fmt: skip
    assert found.matrices[0].figures[0].n == 0


def test_figures_said_twice_are_kept_once_and_contradictions_stand_apart(tmp_path: Path) -> None:
    table = "\n| Shot | v3 |\n|-|-|\n| 1 | {}% |\n"
    twice = read(tmp_path / "r.md", "# 800 samples\n" + table.format(50) + "\n## again\n" + table.format(50))
    assert (twice.figures, len(twice.left_out)) == (1, 1)
    unlike = read(tmp_path / "r.md", "# 800 samples\n" + table.format(50) + "\n## again\n" + table.format(51))
    assert [one.label for one in unlike.matrices] == ["v3", "v3"]


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("56,2 %", 56.2),
        ("５6.2％", 56.2),
        ("`56.2`", 56.2),
        ("**56.2%** 🥇", 56.2),
        ("56.2 ± 0.3", 56.2),
        ("56.2% (+0.4)", 56.2),
    ],
)
def test_figures_are_read_however_they_are_dressed(tmp_path: Path, cell: str, value: float) -> None:
    found = read(tmp_path / "r.md", f"# n=100\n\n| Shot | acc |\n|-|-|\n| 2-shot | {cell} |\n| 1-shot | 60 |\n")
    assert value in cells(found).values()


def test_a_first_column_that_names_method_and_shots_gives_both(tmp_path: Path) -> None:
    text = "# n=400\n\n| Method | OKVQA |\n|-|-|\n| ours (1-shot) | 52.0 |\n| ours (2-shot) | 53.0 |\n| random 2-shot | 50.0 |\n"
    found = read(tmp_path / "r.md", text)
    assert cells(found) == {("ours", 400, 1): 52, ("ours", 400, 2): 53, ("random", 400, 2): 50}
    assert {one.dataset for one in found.matrices} == {"OKVQA"}


def test_what_is_said_of_a_report_is_said_of_what_its_tables_leave_open(tmp_path: Path) -> None:
    table = "\n| Shot | {} |\n|-|-|\n| 1 | 50% |\n"
    (tmp_path / "r.md").write_text("# n=100\n" + table.format("a") + "\n## VQAv2\n" + table.format("b"))
    found = read_file(tmp_path / "r.md", dataset="okvqa", vlm="Qwen").matrices
    assert [(one.label, one.dataset, one.vlm) for one in found] == [("a", "OKVQA", "Qwen"), ("b", "VQAv2", "Qwen")]
    (tmp_path / "r.md").write_text("# VQAv2, n=100\n" + table.format("a"))
    with pytest.raises(UserError, match="a is of the data set VQAv2, not of OKVQA"):
        read_file(tmp_path / "r.md", dataset="okvqa")


def test_sizes_in_the_header_stand_for_themselves(tmp_path: Path) -> None:
    text = "# OKVQA\n\n| 方法 | 100 条 | n=200 |\n|-|-|-|\n| v2 Shot 1 | 63.8 | 56.7 |\n| v2 Shot 2 | 63.8 | 56.1 |\n"
    assert cells(read(tmp_path / "r.md", text)) == {
        ("v2", 100, 1): 63.8, ("v2", 200, 1): 56.7, ("v2", 100, 2): 63.8, ("v2", 200, 2): 56.1,
    }  # fmt: skip


def test_counts_beside_percentages_are_no_accuracies(tmp_path: Path) -> None:
    text = "# OKVQA（100条）\n\n| Shot | v2 | stopped | acc |\n|-|-|-|-|\n| 1 | 50% | 31 | 51.0 |\n"
    found = read(tmp_path / "r.md", text)
    assert cells(found) == {("v2", 100, 1): 50, ("OKVQA", 100, 1): 51}
    assert [(one.line, one.what) for one in found.left_out] == [(3, "columns stopped")]


def test_all_questions_are_meant_by_a_column_of_sizes_and_never_by_a_heading_of_all_methods(tmp_path: Path) -> None:
    table = "| Questions | Shot | v2 |\n|-|-|-|\n| all | 1 | 50% |\n| 100 | 1 | 51% |\n"
    assert cells(read(tmp_path / "r.md", f"# OKVQA\n\n{table}")) == {("v2", 5046, 1): 50, ("v2", 100, 1): 51}
    bare = "| Shot | v2 |\n|-|-|\n| 1 | 50% |\n"
    assert cells(read(tmp_path / "r.md", f"# OKVQA: all methods\n\n{bare}")) == {("v2", 0, 1): 50}
    assert cells(read(tmp_path / "r.md", f"# OKVQA, full val\n\n{bare}")) == {("v2", 5046, 1): 50}
