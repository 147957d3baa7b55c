"""A report of stored runs: accuracies with intervals, paired comparisons, findings, and how everything was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from importlib import metadata
from typing import Any

from db.specs import Finding
from db.store import RunDetail
from engine.demo.shipped import is_synthetic
from engine.statistics.intervals import p_text
from leverplus_tui.results.comparison import Comparison, Pair
from leverplus_tui.results.copying import CopyingRow
from leverplus_tui.results.document import Block, Bullets, Code, Grid, Heading, Paragraph
from leverplus_tui.results.outcome import command_of_run
from leverplus_tui.text.numbers import accuracy, number, signed, signed_interval
from leverplus_tui.text.shots import shots_text
from leverplus_tui.text.times import duration, moment

LANGUAGES = ("en", "zh")
TEXTS: Mapping[str, tuple[str, str]] = {
    "title": ("Experiment report", "实验报告"),
    "written": (
        "Written {time} by leverplus {version} from stored runs.",
        "由 leverplus {version} 于 {time} 根据已存储的运行生成。",
    ),
    "runs": ("Runs", "运行"),
    "run columns": (
        "run|name|kind|model|data|retriever|started|took|state",
        "运行|名称|类型|模型|数据|检索器|开始|耗时|状态",
    ),
    "accuracy": ("Accuracy", "准确率"),
    "accuracy how": (
        "VQA accuracy in percent, ± the half-width of the 95 % interval, or its ends where it is lopsided. A star marks a run "
        "that is better than every other one in its row beyond noise; rows without a star have no winner.",
        "VQA 准确率（百分比），± 为 95 % 置信区间的半宽，区间不对称时给出上下限。"
        "星号表示该运行显著优于同一行的所有其他运行；没有星号的行没有胜者。",
    ),
    "questions": ("questions", "问题集"),
    "shots": ("shots", "示例数"),
    "pairs": ("Paired comparisons", "成对比较"),
    "pairs how": (
        "Differences in points over the questions that both runs answered, clustered by image; p values by the "
        "sign-flip test, corrected by Holm over all pairs in this table. The intervals are not corrected: one leaves out 0 where "
        "the p value before correction is below 0.05.",
        "差值以百分点计，仅取两个运行都回答过的问题，按图像聚类；p 值由符号翻转检验得到，并对本表所有配对做 Holm 校正；"
        "区间未经校正：当且仅当校正前的 p 值小于 0.05 时区间不含 0。",
    ),
    "pair columns": (
        "questions|shots|pair|difference|95 % interval|p (Holm)|n|improved|worsened|verdict",
        "问题集|示例数|配对|差值|95 % 区间|p (Holm)|n|变好|变差|结论",
    ),
    "better": ("better", "更好"),
    "worse": ("worse", "更差"),
    "not distinguishable": ("not distinguishable", "无法区分"),
    "not comparable": ("not comparable", "不可比较"),
    "training": ("Training", "训练"),
    "metric columns": ("run|phase|metric|epoch|last|lowest|highest", "运行|阶段|指标|轮次|最后值|最小值|最大值"),
    "findings": ("Findings", "发现的问题"),
    "no findings": ("Nothing was found to be wrong with these runs.", "未发现这些运行有任何问题。"),
    "copying": ("Learning or copying", "学习还是复制"),
    "copying how": (
        "How the answers relate to those that the demonstrations showed: percent with its 95 % interval, and in brackets over how "
        "many answers. A run that only copies is right where the answer was shown and nowhere else.",
        "回答与示例所给答案的关系：百分比及 95 % 置信区间，括号内为回答数。只会复制的运行仅在答案已被展示时才正确。",
    ),
    "copying columns": (
        "run|questions|shots|n|copied|of right answers|accuracy, answer shown|accuracy, not shown|majority's answer",
        "运行|问题集|示例数|n|复制|正确回答中复制|答案已展示时准确率|未展示时准确率|多数答案",
    ),
    "made": ("How it was made", "如何得到"),
    "synthetic": (
        "The data set of {runs} is the built-in one: drawn by a program, made to exercise the method. Its figures say nothing "
        "about real images.",
        "{runs} 使用内置数据集：由程序绘制，仅用于演示方法，其数值不能说明真实图像上的表现。",
    ),
    "imported": (
        "{runs} were imported: their figures were measured elsewhere, and their intervals assume the widest spread possible.",
        "{runs} 为导入的结果：数值在别处测得，置信区间按最大可能的离散程度估计。",
    ),
    "forced": ("{run} was forced past preflight.", "{run} 是越过启动前检查强制运行的。"),
}


def report(
    details: Sequence[RunDetail],
    comparison: Comparison | None,
    findings: Mapping[str, Sequence[Finding]],
    copied: Sequence[CopyingRow],
    language: str,
) -> list[Block]:
    """The blocks of a report. `comparison` is none for a single run; `findings` by run, such as `r12`."""
    say = _Phrases(language)
    blocks: list[Block] = [
        Heading(say("title"), 1),
        Paragraph(say("written", time=moment(datetime.now(UTC)), version=metadata.version("leverplus"))),
        Heading(say("runs")),
        Grid(say.columns("run columns"), [_run_line(detail) for detail in details]),
    ]
    warnings = list(_warnings(details, say))
    blocks += [Bullets(warnings)] if warnings else []
    blocks += [*_accuracies(details, comparison, say), *_pairs(comparison, say), *_copying(copied, say)]
    blocks += _training(details, say)
    return [*blocks, *_findings(findings, say), *_made(details, say)]


class _Phrases:
    """The report's sentences in one language."""

    def __init__(self, language: str) -> None:
        self._index = LANGUAGES.index(language)

    def __call__(self, name: str, **values: str) -> str:
        return TEXTS[name][self._index].format(**values)

    def columns(self, name: str) -> list[str]:
        """The headers of a table."""
        return TEXTS[name][self._index].split("|")


def _run_line(detail: RunDetail) -> list[str]:
    row = detail.row
    retriever = row.retriever or "-"
    return [row.ref, row.name, row.kind, row.vlm or "-", row.dataset or "-", retriever, moment(row.created),
            duration(row.duration_s), row.state]  # fmt: skip


def _warnings(details: Sequence[RunDetail], say: _Phrases) -> Iterator[str]:
    synthetic = [detail.row.ref for detail in details if is_synthetic(detail.row.dataset, detail.row.vlm)]
    if synthetic:
        yield say("synthetic", runs=", ".join(synthetic))
    imported = [detail.row.ref for detail in details if detail.row.kind == "import"]
    if imported:
        yield say("imported", runs=", ".join(imported))
    for detail in details:
        if detail.row.forced:
            yield say("forced", run=detail.row.ref)


def _accuracies(details: Sequence[RunDetail], comparison: Comparison | None, say: _Phrases) -> Iterator[Block]:
    runs = [detail.row.ref for detail in details]
    headers = [say("questions"), say("shots"), "n", *runs]
    lines = []
    if comparison is not None:
        for cell in comparison.cells:
            figures = [cell.shown(run) if run in cell.accuracy else "-" for run in runs]
            starred = [f"* {text}" if cell.best == run else text for run, text in zip(runs, figures, strict=True)]
            lines.append([cell.subset, shots_text(cell.shot), cell.size_text, *starred])
    else:
        for figure in details[0].cells:
            text = accuracy(figure.accuracy, figure.ci_low, figure.ci_high)
            lines.append([figure.subset, shots_text(figure.shot), str(figure.n), text])
    if lines:
        yield Heading(say("accuracy"))
        yield Paragraph(say("accuracy how"))
        yield Grid(headers, lines, range(1, len(headers)))


def _pairs(comparison: Comparison | None, say: _Phrases) -> Iterator[Block]:
    found = [(cell, pair) for cell in comparison.cells for pair in cell.pairs] if comparison is not None else []
    if found:
        yield Heading(say("pairs"))
        yield Paragraph(say("pairs how"))
        lines = [[cell.subset, shots_text(cell.shot), *_pair_line(pair, say)] for cell, pair in found]
        yield Grid(say.columns("pair columns"), lines, (1, 3, 5, 6, 7, 8))


def _pair_line(pair: Pair, say: _Phrases) -> list[str]:
    names = f"{pair.b} - {pair.a}"
    if pair.difference is None or pair.p_holm is None:
        return [names, "", "", "", "", "", "", f"{say(pair.verdict)} ({pair.reason})"]
    return [names, signed(pair.difference), signed_interval(pair.ci_low, pair.ci_high), p_text(pair.p_holm),
            str(pair.n_paired), str(pair.improved), str(pair.worsened), say(pair.verdict)]  # fmt: skip


def _copying(rows: Sequence[CopyingRow], say: _Phrases) -> Iterator[Block]:
    if rows:
        yield Heading(say("copying"))
        yield Paragraph(say("copying how"))
        lines = [[row.run, row.subset, str(row.shot), str(row.n), *row.cells()] for row in rows]
        yield Grid(say.columns("copying columns"), lines, (2, 3))


def _training(details: Sequence[RunDetail], say: _Phrases) -> Iterator[Block]:
    lines = [
        [d.row.ref, m.phase, m.name, str(m.epoch), number(m.value), number(m.lowest), number(m.highest)]
        for d in details
        for m in d.metrics
    ]
    if lines:
        yield Heading(say("training"))
        yield Grid(say.columns("metric columns"), lines, (3, 4, 5, 6))


def _findings(findings: Mapping[str, Sequence[Finding]], say: _Phrases) -> Iterator[Block]:
    yield Heading(say("findings"))
    points = [
        f"{run} {finding.severity} {finding.code}: {finding.message} {finding.fix}".rstrip()
        for run, found in findings.items()
        for finding in found
    ]
    yield Bullets(points) if points else Paragraph(say("no findings"))


def _made(details: Sequence[RunDetail], say: _Phrases) -> Iterator[Block]:
    yield Heading(say("made"))
    for detail in details:
        yield Heading(f"{detail.row.ref} {detail.row.name}", 3)
        yield Code("\n".join([_command(detail), *_circumstances(detail)]))


def _command(detail: RunDetail) -> str:
    stored = (f"{name}: {value}" for name, value in detail.spec.items() if value not in ("", None))
    return command_of_run(detail) or "\n".join(stored)  # where there is no command, what is stored is all that is known


def _circumstances(detail: RunDetail) -> Iterator[str]:
    made: Mapping[str, Any] = detail.environment
    commit = made.get("git_commit")
    if commit:
        yield f"git {commit}{' (with local changes)' if made.get('git_dirty') else ''}"
    if made.get("versions"):
        yield "versions " + ", ".join(f"{name} {version}" for name, version in made["versions"].items())
    if made.get("host"):
        yield f"host {made['host']}, {', '.join(made.get('gpus') or []) or made.get('cpu', '')}"
    for name, value in detail.facts.items():
        if isinstance(value, (str, int, float)):
            yield f"{name} {value}"
