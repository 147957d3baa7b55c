"""The health of RL data in words and bars: a few lines above the queries, or the whole page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich.cells import cell_len
from textual.content import Content

from db.specs.base import Finding
from engine.rl.index.compare import flat
from leverplus_tui.text.glyphs import ascii_only, glyph
from leverplus_tui.text.language import finding_words, said, shown
from leverplus_tui.text.numbers import count, number, plural, score, share
from leverplus_tui.text.shares import FEW_QUERIES, TOO_FEW
from leverplus_tui.text.states import SEVERITY_ROLES
from leverplus_tui.text.words import clean
from leverplus_tui.tui.theme import COLOURS
from leverplus_tui.tui.ways import in_app
from leverplus_tui.tui.widgets.text import pad, shorten

Part = str | tuple[str, str]
CLASSES = (("all_zero", "none right", "$error"), ("mixed", "mixed", "$success"), ("all_one", "all right", "$secondary"))
_EIGHTHS: tuple[str, ...] = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_SIGNS = {"all_zero": ("░", "."), "mixed": ("█", "#"), "all_one": ("▒", "=")}


def brief(health: Mapping[str, Any], findings: Sequence[Finding], *, width: int, lines: int) -> Content:
    """The health in at most `lines` lines of `width` cells; what does not fit is named, `i` shows it."""
    rows: list[list[Part]] = [_rates(health, width)[0], _groups(health, width), _rewards_line(health, width)]
    rows += [
        _labels_line(shown("made by"), health["gen_methods"], width),
        _labels_line(shown("scored"), health["eval_modes"], width),
    ]
    serious = [finding for finding in findings if finding.severity != "info"]
    room = max(1, lines - len(rows)) if serious else 0
    if len(rows) + min(room, len(serious)) > lines:
        rows = rows[: max(1, lines - min(2, len(serious)))]
    last = [_finding_line(finding, width) for finding in serious[: lines - len(rows)]]
    hidden = len(findings) - len(last)
    if last and hidden:
        more = f"  +{hidden} more: i"
        last[-1] = [*_finding_line(serious[len(last) - 1], width - len(more)), (more, "$faint")]
    elif hidden and len(rows) < lines:
        last = [[(f"{plural(hidden, 'remark')}: i", "$faint")]]
    return _joined([*rows, *last])


def full(health: Mapping[str, Any], findings: Sequence[Finding], meta: Mapping[str, Any], *, width: int) -> Content:
    """Everything that is known of the file, one section below the other."""
    rows: list[list[Part]] = [*_rates(health, width), _groups(health, width), []]
    rows += [[(shown("Findings"), "bold $primary")]]
    rows += [line for finding in findings for line in _finding_lines(finding)] or [[shown("nothing is wrong with it")]]
    rows += [
        [],
        [(shown("Rewards"), "bold $primary"), (shown("  hard_plus_soft, candidates that were scored"), "$faint")],
    ]
    rows += _histogram(health["reward_histogram"], width)
    rows += [
        [],
        *_label_table(shown("Made by"), health["gen_methods"]),
        [],
        *_label_table(shown("Scored by"), health["eval_modes"]),
    ]
    rows += [[], [(shown("Groups"), "bold $primary")], *_group_facts(health)]
    rows += [[], [(shown("Where it comes from"), "bold $primary"), ("  _meta", "$faint")]]
    rows += _meta(meta) or [[shown("the file does not say")]]
    return _joined(rows)


def _joined(rows: Sequence[Sequence[Part]]) -> Content:
    parts: list[Part] = []
    for row in rows:
        parts += [*row, "\n"]
    return Content.assemble(*parts[:-1])


def _rates(health: Mapping[str, Any], width: int) -> list[list[Part]]:
    """Rates with their intervals, in as many lines as that needs; those of few queries are not judged."""
    few = sum(health["groups"].values()) < FEW_QUERIES
    positive = "" if few else _judgement(health["positive_rate"], bad=0.01, poor=0.05)
    signal = "" if few else _judgement(health["signal_rate"], bad=0.10, poor=0.20)
    with_one = "" if few else _judgement(health["query_positive_rate"], poor=0.2)
    pairs = [
        (shown("right"), _rate(health, "positive_rate"), positive),
        (shown("signal"), _rate(health, "signal_rate"), signal),
        (shown("queries with one"), _rate(health, "query_positive_rate"), with_one),
        (shown("advantage sd"), number(health["predicted_advantage_std"]), signal),
        (shown("candidates"), count(int(health["candidates"])), ""),
    ]
    lines: list[list[Part]] = [[]]
    used = 0
    for name, value, colour in pairs:
        need = cell_len(name) + len(value) + 4
        if used + need > width + 3 and lines[-1]:
            lines.append([])
            used = 0
        used += need
        lines[-1] += [(f"{name} ", "$faint"), (value, f"bold {colour}".strip()), "   "]
    return lines


def _rate(health: Mapping[str, Any], name: str) -> str:
    return share(health[name], health.get("intervals", {}).get(name))


def _judgement(value: float, *, bad: float = 0.0, poor: float = 0.0) -> str:
    return "$error" if value < bad else "$warning" if value < poor else ""


def _groups(health: Mapping[str, Any], width: int) -> list[Part]:
    """The three classes as one bar with its legend."""
    groups: Mapping[str, int] = health["groups"]
    total = max(sum(groups.values()), 1)
    legend = [(f"{_sign(key)} {shown(words)} {count(groups[key])}", colour) for key, words, colour in CLASSES]
    room = min(48, width - 8 - sum(cell_len(text) + 2 for text, _ in legend))
    few = f"{shown(TOO_FEW)} ({count(total)})  " if total < FEW_QUERIES else ""
    room -= cell_len(few)
    parts: list[Part] = [(few, "$warning"), (shown("groups "), "$faint")]
    if room >= 9:
        cells = _cells([groups[key] / total for key, _, _ in CLASSES], room)
        parts += [(_sign(key) * n, colour) for (key, _, colour), n in zip(CLASSES, cells, strict=True) if n]
        parts.append(" ")
    for text, colour in legend:
        parts += [" ", (text, colour)]
    return parts


def _sign(key: str) -> str:
    return _SIGNS[key][1 if ascii_only() else 0]


def _cells(shares: Sequence[float], width: int) -> list[int]:
    """Whole cells that sum to `width`; what is not nothing gets at least one."""
    cells = [max(1, round(part * width)) if part else 0 for part in shares]
    while sum(cells) > width:
        cells[cells.index(max(cells))] -= 1
    while 0 < sum(cells) < width:
        cells[cells.index(max(cells))] += 1
    return cells


def _rewards_line(health: Mapping[str, Any], width: int) -> list[Part]:
    """Reward values with their share and a bar each, as many as fit."""
    histogram = health["reward_histogram"]
    total = max(sum(n for _, n in histogram), 1)
    parts: list[Part] = [(shown("reward "), "$faint")]
    used = 7
    for value, n in histogram:
        bar = _bar(n / total, 8) or glyph("dot")
        text = f"{number(value)} {bar} {share(n / total)}"
        used += cell_len(text) + 3
        if used > width:
            parts.append((glyph("ellipsis"), "$faint"))
            break
        parts += [(f"{number(value)} ", "bold"), (bar, "$primary"), f" {share(n / total)}   "]
    return parts


def _bar(part: float, width: int) -> str:
    """A bar in eighths of a cell."""
    if ascii_only():
        return "#" * round(part * width)
    eighths = round(part * width * 8)
    return "█" * (eighths // 8) + _EIGHTHS[eighths % 8]


def _labelled_rate(row: Mapping[str, Any]) -> str:
    return share(row["positive_rate"], row.get("interval"))


def _labels_line(title: str, labels: Mapping[str, Mapping[str, Any]], width: int) -> list[Part]:
    parts: list[Part] = [(f"{title} ", "$faint")]
    used = len(title) + 1
    for name, row in labels.items():
        text = f"{count(int(row['count']))} ({_labelled_rate(row)} right)"
        used += len(name) + len(text) + 4
        if used > width:
            parts.append((glyph("ellipsis"), "$faint"))
            break
        parts += [(clean(name), "bold"), f" {text}   "]
    return parts


def _colour(finding: Finding) -> str:
    return COLOURS[SEVERITY_ROLES[finding.severity]]


def _finding_line(finding: Finding, width: int) -> list[Part]:
    head = f"{glyph(finding.severity)} {finding.code} "
    return [
        (head, _colour(finding)),
        shorten(clean(finding_words(finding)), max(8, width - len(head))),
    ]


def _finding_lines(finding: Finding) -> list[list[Part]]:
    lines: list[list[Part]] = [
        [
            (f"{glyph(finding.severity)} {finding.code} ", f"bold {_colour(finding)}"),
            clean(finding_words(finding)),
        ]
    ]
    if finding.fix:
        lines.append([(f"  {glyph('arrow')} {clean(in_app(said(finding.fix)))}", "$faint")])
    return lines


def _histogram(histogram: Sequence[Sequence[float]], width: int) -> list[list[Part]]:
    most = max((n for _, n in histogram), default=1)
    room = max(10, min(60, width - 24))
    return [[f"{number(value):>8} ", (_bar(n / most, room), "$primary"), f" {count(int(n))}"] for value, n in histogram]


def _label_table(title: str, labels: Mapping[str, Mapping[str, Any]]) -> list[list[Part]]:
    rows: list[list[Part]] = [
        [(pad(title, 28), "bold $primary"), (f"{'candidates':>12}{'right':>24}{shown('mean score'):>12}", "$faint")]
    ]
    for name, row in labels.items():
        figures = f"{count(int(row['count'])):>12}{_labelled_rate(row):>24}{score(row['mean']):>12}"
        rows.append([pad(clean(name), 28), figures])
    return rows


def _group_facts(health: Mapping[str, Any]) -> list[list[Part]]:
    size, pool = health["group_size"], health["pool_size"]
    concentration = health["demonstrations"]
    rows = [
        (shown("kind of file"), str(health["variant"])),
        ("queries", count(int(health["queries"]))),
        (shown("usable candidates"), shown(f"{count(int(health['usable']))} of {count(int(health['candidates']))}")),
        (shown("in a group"), _range(size)),
        (shown("stored pool"), _range(pool) if pool else shown("none: the pool is the union of what was chosen")),
        (shown("signal among the best"), f"3: {share(health['top_3_signal_rate'])}, 5: {share(health['top_5_signal_rate'])}"),
        (shown("accuracies in a group"), _accuracies(health["accuracy_groups"])),
        (shown("rewards in a group"), _rewards(health)),
        (shown("answers in a group"), _answers(health)),
        (shown("repeated candidates"), _repeats(health["duplicates"])),
        (shown("best less selector's pick"), _gap(health)),
        (shown("distinct demonstrations"), _distinct(concentration)),
        (shown("demonstrations each"), ", ".join(f"{shots}: {count(n)}" for shots, n in health["shots"].items())),
    ]  # fmt: skip
    return [[(pad(name, 28), "$faint"), value] for name, value in rows]


def _accuracies(groups: Mapping[str, int]) -> str:
    names = (
        ("all0", shown("all 0")),
        ("all06", shown("all 0.6")),
        ("all1", shown("all 1")),
        ("other_single", shown("all alike")),
        ("diverse", "diverse"),
    )
    return ", ".join(f"{words} {count(groups[key])}" for key, words in names if groups[key])


def _rewards(health: Mapping[str, Any]) -> str:
    distinct = health["unique_rewards"]
    return (
        shown(f"{number(distinct['mean'])} distinct, one alone in {share(health['reward_range']['zero_share'])}")
        if distinct
        else "-"
    )


def _answers(health: Mapping[str, Any]) -> str:
    distinct, alone = health["unique_answers"], health["one_answer_share"]
    return (
        shown(f"{number(distinct['mean'])} distinct, one alone in {share(alone)}") if distinct else shown("not stored")
    )


def _repeats(duplicates: Mapping[str, float]) -> str:
    again = int(duplicates["any_order"])
    return (
        shown(f"{count(again)} ({share(duplicates['ratio'])}), {count(int(duplicates['exact']))} in the same order")
        if again
        else "none"
    )


def _gap(health: Mapping[str, Any]) -> str:
    gap = health["oracle_gap"]
    if gap is None:
        return shown("no beam rank and no log-probability is stored")
    return shown(f"{score(gap)} in score, above 0.2 in {share(health['oracle_gap_share'])}")


def _distinct(concentration: Mapping[str, float]) -> str:
    return shown(
        f"{count(int(concentration['distinct']))}, the commonest is {share(concentration['top_share'])} of all"
    )


def _range(values: Mapping[str, float]) -> str:
    if not values:
        return "-"
    return shown(f"{number(values['min'])} to {number(values['max'])}, median {number(values['median'])}")


def _meta(meta: Mapping[str, Any]) -> list[list[Part]]:
    return [[(pad(clean(key), 28), "$faint"), clean(value)] for key, value in flat(meta).items()]
