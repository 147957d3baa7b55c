"""`leverplus report`: what came out stands first, in words; all forms and languages tell the same rows, and nothing else."""

from __future__ import annotations

import csv
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from tests.helpers_browser import measured
from tests.helpers_cli import Desk, store_eval
from tests.helpers_report import HOSTILE, MOST
from tests.helpers_tui import training

RUNS = ("r2", "r3", "r4")
HEADINGS = {
    "en": ["Experiment report", "The runs", "Configuration", "What is compared with what", "Accuracy", "Paired comparisons",
           "Training", "Data health", "Findings", "What it took", "Commands to repeat it", "Environment",
           "What these numbers do not show"],
    "zh": ["实验报告", "运行", "配置", "比较的是什么", "准确率", "成对比较", "训练", "数据状况", "发现的问题", "耗费",
           "重现命令", "环境", "这些数值不能说明什么"],
}  # fmt: skip


class Page(HTMLParser):
    """Tags and references of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.references: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.references += [str(value) for name, value in attrs if name in ("src", "href", "srcset", "action", "data")]


def _page(desk: Desk, tmp_path: Path, *words: str, name: str = "report.html") -> Path:
    path = tmp_path / name
    desk.call("report", *words, "--out", str(path))
    return path


@pytest.mark.parametrize("language", ["en", "zh"])
def test_every_section_stands_in_its_order(filled: Desk, language: str) -> None:
    text = filled.call("report", *RUNS, "--lang", language).stdout
    found = [line.lstrip("# ") for line in text.splitlines() if line.startswith("#")]
    wanted = HEADINGS[language]
    assert [heading for heading in found if heading in wanted] == wanted


def test_the_first_paragraph_says_what_came_out(filled: Desk) -> None:
    first = filled.call("report", "r2", "r3").stdout.split("\n\n")[1]
    assert "no run is the best beyond noise: fixed ones shows the highest figure, 51.25" in first
    assert "would have been seen in 4 of 5 cases" in first
    assert "Of 1 pair compared, none differs beyond noise" in first
    second = filled.call("report", "r2", "r4").stdout.split("\n\n")[1]
    assert re.search(
        r"is the best: 90\.00 .*random ones \(50\.00 ±3\.0 %\), the best of the others, is \+40\.00", second
    )
    assert "synthetic" in second
    assert "the training, trained by RCE for 3 epochs, ends at a loss of 1.7" in second
    alone = filled.call("report", "r2").stdout.split("\n\n")[1]
    assert "random ones reaches 50.00 ±3.0 % with 2 shots over 80 questions (all)" in alone


def test_one_run_can_be_compared_with_the_others_alone(filled: Desk) -> None:
    text = filled.call("report", "r2", "r3", "--against", "r4").stdout
    assert re.search(r"is better than random ones \(\+40\.00 .*\) and fixed ones \(\+38\.75", text)
    assert "Of 2 pairs compared, all differ beyond noise" in text
    assert "name another run" in filled.call("report", "r4", "--against", "r4", code=2).stderr


def test_columns_are_names(filled: Desk) -> None:
    store_eval(filled, MOST, name="fixed ones", retriever="random")
    text = filled.call("report", "r2", "r3", "r5").stdout
    assert "| questions | shots | n | random ones | fixed ones (r3) | fixed ones (r5) |" in text


def test_many_runs_are_lines(filled: Desk) -> None:
    for number in range(6):
        store_eval(filled, MOST, name=f"run {number}", retriever="random", seed=number)
    text = filled.call("report", *(f"r{number}" for number in range(2, 11))).stdout
    assert "| run | 2 shots, n = 80 |" in text
    assert "| run 5 | 90.00 ±3.0 |" in text
    assert re.search(r"\| run \|.* seed \|", text)


@pytest.mark.parametrize("form", ["md", "html", "latex", "csv"])
@pytest.mark.parametrize("language", ["en", "zh"])
def test_the_same_rows_give_the_same_bytes(
    filled: Desk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, form: str, language: str
) -> None:
    texts = set()
    for place, zone in enumerate(("UTC", "Asia/Shanghai")):
        monkeypatch.setenv("TZ", zone)
        path = _page(filled, tmp_path, *RUNS, "--format", form, "--lang", language, name=f"{place}.txt")
        texts.add(path.read_bytes())
    assert len(texts) == 1
    assert texts.pop().count(b"2026-06-12 14:0") > 0 or form in ("latex", "csv")


def test_the_chinese_report_says_findings_in_chinese(filled: Desk) -> None:
    text = filled.call("report", *RUNS, "--lang", "zh").stdout
    remarks = [line for line in text.splitlines() if line.startswith("- **")]
    assert len(remarks) > 3
    known = [line for line in remarks if "off-the-map" not in line]
    assert all(re.search(r"[\u4e00-\u9fff]{4}", line.partition(": ")[2]) for line in known), known
    assert "更好" in text
    assert "无法区分" in text
    assert "better" not in text.replace("better_", "")


def test_names_are_text_in_every_form(filled: Desk, tmp_path: Path) -> None:
    page = _page(filled, tmp_path, *RUNS).read_text(encoding="utf-8")
    assert "<script" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    markdown = filled.call("report", *RUNS).stdout
    outside = re.sub(r"```.*?```", "", markdown, flags=re.DOTALL)
    assert r"\<script>alert(1)\</script> \[a\](http://b) \& \`c\`" in outside
    assert "<script" not in outside.replace(r"\<script", "")
    latex = filled.call("report", *RUNS, "--format", "latex").stdout
    assert r"\textbackslash{}e \{f\} \#" in latex
    assert r"\% \$" in latex


def test_the_page_is_whole_in_itself(filled: Desk, tmp_path: Path) -> None:
    text = _page(filled, tmp_path, *RUNS).read_text(encoding="utf-8")
    page = Page(text)
    assert page.references == []
    assert not {"script", "link", "img", "iframe", "object"} & set(page.tags)
    assert "@import" not in text
    assert "url(" not in text
    assert "prefers-color-scheme: dark" in text
    assert page.tags.count("svg") > 6
    assert page.tags.count("details") >= 4


def test_tables_for_papers_hold_figures_and_differences(filled: Desk, tmp_path: Path) -> None:
    text = _page(filled, tmp_path, *RUNS, name="tables.tex").read_text(encoding="utf-8")
    assert text.count(r"\begin{tabular}") == text.count(r"\bottomrule") == 2
    inside = re.findall(r"\\begin\{tabular\}\{(\w+)\}(.*?)\\end\{tabular\}", text, re.DOTALL)
    for columns, body in inside:
        for line in body.splitlines():
            if line.endswith(r"\\"):
                wide = sum(int(n) - 1 for n in re.findall(r"\\multicolumn\{(\d+)\}", line))
                assert len(re.findall(r"(?<!\\)&", line)) + 1 + wide == len(columns), line
    store_eval(filled, MOST, name="[a] name", retriever="random")
    assert "\n{}[a] name & " in filled.call("report", "r5", "r2", "--format", "latex").stdout
    lines = list(csv.DictReader(filled.call("report", *RUNS, "--format", "csv").stdout.splitlines()))
    assert [line["what"] for line in lines] == ["accuracy"] * 3 + ["difference"] * 3
    assert {line["verdict"] for line in lines} == {"", "better", "not distinguishable"}
    assert [line["name"] for line in lines][2] == HOSTILE
    assert "end the name in" in filled.call("report", "r2", "--out", str(tmp_path / "a.pdf"), code=2).stderr


def test_only_a_selector_that_chose_counts_as_trained_here(filled: Desk) -> None:
    text = filled.call("report", *RUNS).stdout
    assert "- the training trained the selector of" in text
    assert "| the training | 1 000 | 17 955 | 65.5 % |" in text
    assert "--selector r1 --name" in text
    assert "trained the selector" not in filled.call("report", "r2", "r3").stdout


def test_rewards_and_advantages_are_told_and_drawn(filled: Desk, tmp_path: Path) -> None:
    text = filled.call("report", *RUNS).stdout
    assert "| the training | Candidate rewards | 8 201 | 0 | 1.395 | 2 | 208 / 800 | - |" in text
    assert "| the training | Advantages | 5 891 | -2 | 0.003 | 1.9 | 208 / 800 | 31 (±2) |" in text
    page = _page(filled, tmp_path, *RUNS).read_text(encoding="utf-8")
    assert page.count('<rect class="mark s0"') >= 13
    assert "% of 8 201 candidates, by value" in page
    training(filled.database, told=False)
    assert "was not stored by grpo-k64" in filled.call("report", "r5").stdout


def test_a_browser_shows_the_verdicts_at_every_width(filled: Desk, tmp_path: Path) -> None:
    """In the light and in the dark, on a desk and on a phone: nothing is cut off, and every verdict is inside the page."""
    page = _page(filled, tmp_path, *RUNS)
    script = """(() => {
        const seen = [...document.querySelectorAll('td > .good, td > .bad, td > .faint')].map(e => e.getBoundingClientRect());
        return {verdicts: seen.length, right: Math.max(...seen.map(r => r.right)), left: Math.min(...seen.map(r => r.left)),
                page: document.documentElement.scrollWidth, width: innerWidth,
                paper: getComputedStyle(document.body).backgroundColor,
                drawn: [...document.querySelectorAll('.panel > svg')].filter(e => e.getBoundingClientRect().height > 100).length}
    })()"""
    papers = []
    for width, dark in ((1100, False), (390, True)):
        found = measured(page, script, width=width, dark=dark)
        assert found["verdicts"] == 3
        assert found["left"] >= 0
        assert found["right"] <= found["width"] == width
        assert found["page"] <= width
        assert found["drawn"] == 5
        papers.append(found["paper"])
    assert papers == ["rgb(255, 255, 255)", "rgb(20, 23, 26)"]
