"""The catalogue of texts: complete in both languages, and what findings say is found by its pattern."""

from __future__ import annotations

import ast
import re
import string
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from engine.doctor.runs import control_not_beaten
from engine.statistics.paired import Paired
from leverplus_tui.text import catalogue
from leverplus_tui.text.catalogue import Catalogue

ROOT = Path(__file__).parents[2]
FOLDER = Path(catalogue.__file__).parent
TEXTS = tomllib.loads((FOLDER / "report.toml").read_text(encoding="utf-8"))
FINDINGS = tomllib.loads((FOLDER / "findings.toml").read_text(encoding="utf-8"))
CODE = re.compile(r"[a-z0-9]+(-[a-z0-9]+)+|forced|confounded|truncated|unrecognised|unreadable|unverifiable")
MAKERS = {"error", "warning", "info", "_finding", "Finding"}
CHINESE = re.compile(r"[\u4e00-\u9fff]")


def _holes(text: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(text) if name}


@cache
def _nodes() -> list[ast.AST]:
    """The whole source, taken apart."""
    paths = [*(ROOT / "engine").rglob("*.py"), *(ROOT / "leverplus_tui").rglob("*.py")]
    return [node for path in paths for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))]


def _codes() -> Iterator[str]:
    """Codes of findings as they stand in the source: given to what makes findings, or set as the code of an exception."""
    for node in _nodes():
        given: list[ast.expr] = []
        if isinstance(node, ast.Call):
            name = node.func.id if isinstance(node.func, ast.Name) else getattr(node.func, "attr", "")
            if name in MAKERS:
                given = [k.value for k in node.keywords if k.arg == "code"] or node.args[:1]
        elif isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "code":
            given = [node.value]
        words = (inner.value for one in given for inner in ast.walk(one) if isinstance(inner, ast.Constant))
        yield from (word for word in words if isinstance(word, str) and CODE.fullmatch(word))


def _sentences() -> str:
    """Every text of the source, each with its holes as a line break."""
    found = []
    for node in _nodes():
        if isinstance(node, ast.JoinedStr):
            found.append("".join(str(v.value) if isinstance(v, ast.Constant) else "\n" for v in node.values))
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            found.append(node.value)
    return "\n\n".join(found)


@pytest.mark.parametrize("section", TEXTS)
def test_both_languages_say_the_same(section: str) -> None:
    for name, text in TEXTS[section].items():
        assert set(text) == {"en", "zh"}, name
        assert _holes(text["en"]) == _holes(text["zh"]), f"{section}.{name}"
        assert text["en"].count("|") == text["zh"].count("|"), f"{section}.{name}: as many heads of columns"
        assert not CHINESE.search(text["en"]), f"{section}.{name}"


def test_every_text_is_used() -> None:
    said = _sentences()
    made = re.compile(r"(word|limits|against|training)\..*|.*\.(one|many)")
    unused = [key for section in TEXTS for name in TEXTS[section] if (key := f"{section}.{name}") not in said]
    assert [key for key in unused if not made.fullmatch(key)] == []


def test_sentences_keep_what_they_tell() -> None:
    for one in FINDINGS["said"]:
        assert _holes(one["zh"]) <= _holes(one["en"]), one["en"]


def test_every_sentence_is_still_said_by_the_program() -> None:
    """Four words on end of each stand in the source; a sentence may be put together from several texts there."""
    said = _sentences()
    stale = []
    for one in FINDINGS["said"]:
        words = max(re.split(r"\{\w+\}", one["en"]), key=len).split()
        ends = [" ".join(words[place : place + 4]) for place in range(len(words) - 3)]
        stale += [one["en"]] if len(ends) > 1 and not any(end in said for end in ends) else []
    assert stale == [], f"these have other words now: {FOLDER / 'findings.toml'}"


def test_every_code_of_a_finding_has_its_chinese_meaning() -> None:
    codes = set(_codes())
    assert len(codes) > 100
    missing = sorted(codes - set(FINDINGS["codes"]))
    assert missing == [], f"write their Chinese into {FOLDER / 'findings.toml'}"


def test_findings_are_said_in_chinese_with_their_figures() -> None:
    say = Catalogue("zh")
    pair = Paired(500, -1.2, 1.1, -3.47, 1.03, 0.2939, 21, 48, 0.3)
    [finding] = control_not_beaten("r5", "qi2qi (r3)", 1, pair)
    text = say.said(finding.message)
    assert text.startswith("1 个示例时")
    assert all(part in text for part in ("qi2qi (r3)", "-1.20", "-3.47", "+1.03", "500", "取最相近的问题与图片"))
    assert CHINESE.search(say.said(finding.fix))
    assert Catalogue("en").said(finding.message) == finding.message


def test_a_sentence_without_a_pattern_stays_and_its_code_has_a_meaning() -> None:
    say = Catalogue("zh")
    assert say.said("The frobnicator by Bob is 3 of 4.") == "The frobnicator by Bob is 3 of 4."
    assert not say.is_known("The frobnicator by Bob is 3 of 4.")
    assert say.meaning("legacy-keys")
    assert say.meaning("no-such-code") == ""


def test_parts_of_a_sentence_are_said_too() -> None:
    say = Catalogue("zh")
    told = "r5 and r2 differ in 2 things, so that a difference cannot be put down to one: pool (pool all, first); model (vlm a, b)."
    assert (
        say.said(told) == "r5 与 r2 有 2 处不同，差值不能归因于其中一处：候选池（pool all, first）；模型（vlm a, b）。"
    )
    assert say.said("385 of 1000 answers were taken from earlier runs (615 by this run, 1 by r2).") == (
        "1000 个回答中有 385 个取自之前的运行（本次运行 615，r2 1）。"
    )
