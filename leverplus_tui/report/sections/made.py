"""The second half of a report: trainings, data, findings, and what it takes to do all of it again."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from typing import Any

from db.specs import Finding
from db.specs.base import worst_first
from db.store import RunDetail
from leverplus_tui.jobs.named_paths import best_checkpoint
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.report.blocks import (
    Block,
    Bullets,
    Cell,
    Code,
    Folded,
    Heading,
    Paragraph,
    Remark,
    Remarks,
    Table,
    Tone,
)
from leverplus_tui.report.gather import Gathered
from leverplus_tui.report.sections.drawings import distribution_figures, training_figures
from leverplus_tui.results.distributions import Distribution, distributions, is_untold
from leverplus_tui.results.outcome import command_of_run
from leverplus_tui.text.catalogue import Catalogue
from leverplus_tui.text.numbers import count, number, share
from leverplus_tui.text.shots import shots_text
from leverplus_tui.text.times import duration, utc

TONES: Mapping[str, Tone] = {"error": "bad", "warning": "warn", "info": "info"}
LIMITS = ("others", "cause", "absence", "training", "choice", "metric")
"""What no figure of this program shows, whatever it is; the same in every report."""
COMMAND = re.compile(r"^(leverplus [^`]+?(?: --fresh(?= )|$))")
"""A way out that is a command, or begins with one."""
CIRCUMSTANCES = ("python", "platform", "host", "cpu", "cpus", "gpus", "git_commit", "git_dirty", "folder")


def training(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """Curves and last values of the trainings, and which runs they stand behind."""
    if not found.trainings:
        return
    yield Heading(say("training.title"))
    behind = [
        say("training.behind", training=found.names[d.row.ref], runs=say.listed(_children(d.row.ref, found)))
        for d in found.trainings
        if _children(d.row.ref, found)
    ]
    if behind:
        yield Bullets(behind)
    yield from training_figures(found, say)
    yield from distribution_figures(found, say)
    told: list[list[str | Cell]] = [
        _distribution(found.names[d.row.ref], one, say) for d in found.trainings for one in distributions(d)
    ]
    if told:
        yield Table(say.columns("training.distribution columns"), told, range(2, 8), stacked=True)
    untold = [found.names[d.row.ref] for d in found.trainings if is_untold(d)]
    if untold:
        yield Paragraph(say("training.untold", runs=say.listed(untold)))
    lines: list[list[str | Cell]] = [
        [found.names[d.row.ref], m.phase, m.name, str(m.epoch), number(m.value), number(m.lowest), number(m.highest)]
        for d in found.trainings
        for m in d.metrics
    ]
    yield Folded(say("training.values"), [Table(say.columns("training.columns"), lines, (3, 4, 5, 6))])


def _distribution(run: str, one: Distribution, say: Catalogue) -> list[str | Cell]:
    cut = "-" if one.clipped is None else f"{count(one.clipped)} (±{number(one.clip)})"
    ends = map(number, one.histogram.ends)
    return [
        run,
        say(f"training.{one.name}"),
        count(one.histogram.n),
        *ends,
        f"{count(one.no_signal)} / {count(one.groups)}",
        cut,
    ]


def _children(training: str, found: Gathered) -> list[str]:
    """The runs whose demonstrations its selector chose."""
    chose = [d.row.ref for d in found.details if d.facts.get("retriever", d.row.retriever) == "selector"]
    return [found.names[run] for run in chose if found.trained_by.get(run) == training]


def health(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """What the trainings could learn from, and what the answers were made with."""
    made = [d for d in found.details if any("signal_rate" in a.facts for a in d.artifacts)]
    rl = [_rl_data(d, found) for d in (*made, *found.trainings) if d.facts.get("rl_data") or d in made]
    answers: list[list[str | Cell]] = [
        _answers(detail, place, found, say) for detail in found.details for place in range(len(detail.cells))
    ]
    if rl or answers:
        yield Heading(say("health.title"))
    if rl:
        yield Paragraph(say("health.rl how"))
        yield Table(say.columns("health.rl columns"), rl, (1, 2, 3, 4), stacked=True)
    if answers:
        yield Paragraph(say("health.answer how"))
        yield Table(say.columns("health.answer columns"), answers, (2, 3, 4), stacked=True)


def _rl_data(detail: RunDetail, found: Gathered) -> list[str | Cell]:
    facts: dict[str, Any] = {name: value for a in detail.artifacts for name, value in a.facts.items()} | detail.facts
    counts = facts.get("rl_data") if isinstance(facts.get("rl_data"), Mapping) else facts
    groups, pool = facts.get("groups"), facts.get("pool")
    split = f"{groups['train']} / {groups['val']}" if isinstance(groups, Mapping) and "val" in groups else "-"
    median = pool.get("median") if isinstance(pool, Mapping) else facts.get("pool_size")
    rate = facts.get("signal_rate")
    return [
        found.names[detail.row.ref], _count(counts, "queries"), _count(counts, "candidates"),
        share(rate) if isinstance(rate, float) else "-", number(facts.get("predicted_advantage_std")), split, str(median or "-"),
    ]  # fmt: skip


def _count(counts: Any, name: str) -> str:
    value = counts.get(name) if isinstance(counts, Mapping) else None
    return count(value) if isinstance(value, int) else "-"


def _answers(detail: RunDetail, place: int, found: Gathered, say: Catalogue) -> list[str | Cell]:
    cell = detail.cells[place]
    told = [say("health.shown", shots=str(k), n=count(v)) for k, v in sorted(cell.shots_used.items())]
    done = count(cell.n_done) if cell.n_done == cell.n else say("health.of", part=count(cell.n_done), n=count(cell.n))
    distinct = count(cell.distinct_sets) if cell.distinct_sets and cell.shot else "-"
    shares = [detail.facts.get(name) for name in ("empty_share", "cut_share")]
    told_shares = [share(value) if isinstance(value, float) else "-" for value in shares]
    place_of = [found.names[detail.row.ref], say.said(cell.subset), shots_text(cell.shot)]
    return [*place_of, done, distinct, ", ".join(told) or "-", *told_shares]


def findings(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """What is to be said against the runs, worst first."""
    yield Heading(say("findings.title"))
    told = [(run, one) for run, remarks in found.findings.items() for one in remarks]
    ranked = worst_first([one for _, one in told])
    runs = {id(one): run for run, one in told}
    if not ranked:
        yield Paragraph(say("findings.none"))
        return
    yield Remarks([_remark(found.names[runs[id(one)]], one, say) for one in ranked], say("findings.stored"))


def _remark(run: str, finding: Finding, say: Catalogue) -> Remark:
    """In the language of the report; where a sentence has no other words, its code's meaning with the sentence beside it."""
    known = say.is_known(finding.message)
    message = say.said(finding.message) if known else say.meaning(finding.code) or finding.message
    stored = "" if known or message == finding.message else f"{finding.message} {finding.fix}".rstrip()
    fix = COMMAND.sub(r"`\1`", say.said(finding.fix)) if known or say.is_known(finding.fix) else ""
    return Remark(say.word(finding.severity), TONES[finding.severity], finding.code, run, message, fix, stored)


def cost(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """Time, device and speed of each run."""
    yield Heading(say("cost.title"))
    lines = [_cost(detail, found, say) for detail in _all(found)]
    yield Table(say.columns("cost.columns"), lines, (4, 5, 6), stacked=True)
    yield Paragraph(say("cost.how"))


def _cost(detail: RunDetail, found: Gathered, say: Catalogue) -> list[str | Cell]:
    row = detail.row
    worked = duration(row.duration_s)
    if len(detail.processes) > 1:
        worked = say("cost.processes", time=worked, n=len(detail.processes))
    answers, own = sum(detail.sources.values()), detail.sources.get(row.id, 0)
    rate = number(own / row.duration_s) if own and row.duration_s else "-"
    counts = [count(answers), count(own)] if answers else ["-", "-"]
    return [found.names[row.ref], utc(row.started), worked, _device(detail, say), *counts, rate]


def _device(detail: RunDetail, say: Catalogue) -> str:
    made = detail.environment
    used = str(detail.facts.get("vlm_device") or detail.facts.get("device") or "")
    gpus = made.get("gpus") or []
    if gpus and not used.startswith("cpu"):
        return ", ".join(map(str, gpus))
    if made.get("cpu"):
        return say("cost.cpu", cpu=made["cpu"], n=made.get("cpus", "?"))
    return used or "-"


def _all(found: Gathered) -> list[RunDetail]:
    """The runs, and the trainings behind them."""
    own = {detail.row.ref for detail in found.details}
    return [*found.details, *(detail for detail in found.trainings if detail.row.ref not in own)]


def again(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """The command lines, in the order in which they must be given: a training before what uses its selector."""
    yield Heading(say("again.title"))
    yield Paragraph(say("again.how"))
    for detail in sorted(_all(found), key=lambda one: one.row.id):
        yield Heading(f"{found.names[detail.row.ref]} ({detail.row.ref})", 3)
        command = _command(detail, found)
        if command:
            name = f" --name {shlex.quote(detail.row.name)}" if detail.row.name else ""
            yield Code(f"{command}{name}")
        else:
            yield Paragraph(say("again.none"))
            yield Code("\n".join(f"{name}: {value}" for name, value in detail.spec.items() if value not in ("", None)))


def _command(detail: RunDetail, found: Gathered) -> str:
    """Its command line; a selector that a run stands for is named by that run, as a new home would have it."""
    command = command_of_run(detail)
    for training in found.trainings:
        best = best_checkpoint(training)
        if best is not None and training.row.ref == found.trained_by.get(detail.row.ref):
            command = command.replace(f"--selector {shlex.quote(best)}", f"--selector {training.row.ref}")
    return command


def environment(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """What all runs were made with, then what is stored of each, folded."""
    yield Heading(say("environment.title"))
    made = [_circumstances(detail) for detail in _all(found)]
    names = list(dict.fromkeys(name for one in made for name in one))
    alike: list[list[str | Cell]] = [
        [name, made[0][name]]
        for name in names
        if all(one.get(name) == made[0].get(name) for one in made) and name in made[0]
    ]
    if alike:
        yield Table(say.columns("environment.columns"), alike)
    told = {str(line[0]) for line in alike}
    for detail, one in zip(_all(found), made, strict=True):
        lines = [f"{name}: {value}" for name, value in one.items() if name not in told]
        lines += [f"{name}: {value}" for name, value in flatten(detail.facts)]
        if lines:
            yield Folded(say("environment.facts", run=found.names[detail.row.ref]), [Code("\n".join(lines))])


def _circumstances(detail: RunDetail) -> dict[str, str]:
    made: Mapping[str, Any] = detail.environment
    told = {name: made[name] for name in CIRCUMSTANCES if made.get(name) not in (None, "", [])}
    told |= made.get("versions") or {}
    return {name: ", ".join(map(str, value)) if isinstance(value, list) else str(value) for name, value in told.items()}


def limits(say: Catalogue) -> Iterator[Block]:
    """What these numbers do not show."""
    yield Heading(say("limits.title"))
    yield Bullets([say(f"limits.{name}") for name in LIMITS], ours=True)
