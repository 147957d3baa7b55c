"""What came out, in words: the first paragraph of a report."""

from __future__ import annotations

from collections.abc import Iterator

from db.store import CellRow, RunDetail
from engine.demo.shipped import is_synthetic
from engine.statistics.intervals import p_phrase
from leverplus_tui.report.gather import Gathered
from leverplus_tui.results.pairs.best_of import Best
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Pair
from leverplus_tui.text.catalogue import Catalogue
from leverplus_tui.text.numbers import accuracy, count, number, signed, signed_interval
from leverplus_tui.text.shots import known_shots

MOST_ROWS = 6
"""Rows of the matrix that are told one by one; of more the numbers alone."""


def lead(found: Gathered, say: Catalogue) -> list[str]:
    """Sentences that say what came out, then what must be known before it is believed."""
    told = [*_compared(found, say)] if len(found.details) > 1 else [*_alone(found.details[0], say)]
    told += _trained(found, say)
    return [*(told or [say("lead.nothing")]), *_caveats(found, say)]


def _compared(found: Gathered, say: Catalogue) -> Iterator[str]:
    rows = [cell for cell in found.comparison.cells if cell.pairs]
    if len(rows) <= MOST_ROWS:
        if found.against:
            for cell in rows:
                yield from _against(cell, found, say)
        else:
            best = {(one.subset, one.n, one.shot): one for one in found.comparison.best}
            for cell in rows:
                one = best.get((cell.subset, cell.n, cell.shot))
                yield _leader(cell, one, found, say) if one is not None else _incomparable(cell, say)
    yield from _count(rows, found, say)


def _where(cell: ComparedCell, say: Catalogue) -> str:
    shots = known_shots(cell.shot)
    told = say("shots.unknown") if shots is None else say.counted("shots", shots)
    size = count(cell.n) if cell.n else "?"
    return say("lead.where", shots=told, questions=say.said(cell.subset), n=size)


def _leader(cell: ComparedCell, best: Best, found: Gathered, say: Catalogue) -> str:
    names = found.names
    values = {
        "where": _where(cell, say), "leader": names[best.leader], "figure": _figure(cell, best.leader),
        "other": names.get(best.runner_up, ""), "other_figure": _figure(cell, best.runner_up),
    }  # fmt: skip
    if best.pair is None:
        return say("lead.single", **values)
    if best.pair.difference is None:
        return say("lead.unlike", reason=say.said(best.pair.reason), **values)
    values |= {"difference": _difference(best.pair), "p": _p(best.pair)}
    if best.better:
        return say("lead.best", **values)
    return say("lead.no best", visible=f"{best.pair.visible_from or 0.0:.1f}", **values)


def _incomparable(cell: ComparedCell, say: Catalogue) -> str:
    return say("lead.incomparable", where=_where(cell, say), reason=say.said(cell.pairs[0].reason))


def _against(cell: ComparedCell, found: Gathered, say: Catalogue) -> Iterator[str]:
    """The one run against each other one, by verdict."""
    names, run = found.names, found.against
    pairs = [pair if pair.b == run else pair.turned() for pair in cell.pairs]
    told = []
    for verdict in ("better", "worse", "not distinguishable", "not comparable"):
        others = [
            names[pair.a] if pair.difference is None else f"{names[pair.a]} ({_difference(pair)})"
            for pair in pairs
            if pair.verdict == verdict
        ]
        if others:
            told.append(say(f"against.{verdict}", others=say.listed(others)))
    if told:
        yield say(
            "lead.against",
            where=_where(cell, say),
            run=names[run],
            figure=_figure(cell, run),
            told=say("lead.semicolon").join(told),
        )


def _count(rows: list[ComparedCell], found: Gathered, say: Catalogue) -> Iterator[str]:
    """How many pairs were compared, how many differ, and the largest difference where rows are not told one by one."""
    compared = [(cell, pair) for cell in rows for pair in cell.pairs if pair.difference is not None]
    if not compared:
        return
    apart = sum(pair.verdict in ("better", "worse") for _, pair in compared)
    key = "lead.count none" if not apart else "lead.count all" if apart == len(compared) else "lead.count"
    yield say(key, pairs=say.counted("pairs", len(compared)), apart=count(apart), rest=count(len(compared) - apart))
    if len(rows) > MOST_ROWS:
        cell, pair = max(compared, key=lambda one: abs(one[1].difference or 0.0))
        names = found.names
        yield say(
            "lead.largest", where=_where(cell, say), a=names[pair.a], b=names[pair.b], difference=_difference(pair),
            verdict=say.word(pair.verdict),
        )  # fmt: skip
    unlike = sum(pair.difference is None for cell in rows for pair in cell.pairs)
    if unlike:
        yield say("lead.not compared", pairs=say.counted("pairs", unlike))


def _alone(detail: RunDetail, say: Catalogue) -> Iterator[str]:
    """One run: its figures, or what it made."""
    cells = detail.cells[:MOST_ROWS]
    if cells:
        figures = [_cell(cell, say) for cell in cells]
        yield say("lead.alone", run=detail.row.name, figures=say.listed(figures))
        if len(detail.cells) > len(cells):
            yield say("lead.more figures", n=count(len(detail.cells) - len(cells)))
    for artifact in detail.artifacts:
        made = artifact.facts.get("candidates")
        if isinstance(made, int):
            queries = artifact.facts.get("queries")
            yield say("lead.generated", run=detail.row.name, candidates=count(made), queries=str(queries or "?"))


def _cell(cell: CellRow, say: Catalogue) -> str:
    shots = known_shots(cell.shot)
    told = say("shots.unknown") if shots is None else say.counted("shots", shots)
    figure = accuracy(cell.accuracy, cell.ci_low, cell.ci_high)
    return say(
        "lead.figure", figure=figure, shots=told, questions=say.said(cell.subset), n=count(cell.n_done or cell.n)
    )


def _trained(found: Gathered, say: Catalogue) -> Iterator[str]:
    """What each training that is reported came to, by the loss on queries it did not see."""
    for detail in found.trainings:
        losses = {m.phase: m for m in detail.metrics if m.name == "val_loss"}
        for phase, loss in losses.items():
            uniform = next((m.value for m in detail.metrics if (m.phase, m.name) == (phase, "uniform_loss")), None)
            values = {"run": found.names[detail.row.ref], "phase": phase.upper(), "epochs": count(loss.epoch)}
            key = "lead.trained" if uniform is None else "lead.trained against random"
            yield say(
                key, last=number(loss.value), lowest=number(loss.lowest), highest=number(loss.highest),
                uniform=number(uniform), **values,
            )  # fmt: skip


def _caveats(found: Gathered, say: Catalogue) -> Iterator[str]:
    names = found.names
    synthetic = [names[d.row.ref] for d in found.details if is_synthetic(d.row.dataset, d.row.vlm)]
    if synthetic:
        yield say(
            "caveat.synthetic" if len(synthetic) < len(found.details) else "caveat.all synthetic",
            runs=say.listed(synthetic),
        )
    imported = [names[d.row.ref] for d in found.details if d.row.kind == "import"]
    if imported:
        yield say("caveat.imported", runs=say.listed(imported))
    for detail in found.details:
        if detail.row.forced:
            yield say("caveat.forced", run=names[detail.row.ref])
        if detail.row.state != "done":
            yield say("caveat.unfinished", run=names[detail.row.ref], state=say.word(detail.row.state))
    serious = [one for remarks in found.findings.values() for one in remarks if one.severity != "info"]
    if serious:
        yield say("caveat.findings", findings=say.counted("findings", len(serious)))


def _figure(cell: ComparedCell, run: str) -> str:
    return accuracy(cell.accuracy[run], *cell.interval.get(run, (None, None))) if run in cell.accuracy else "-"


def _difference(pair: Pair) -> str:
    return f"{signed(pair.difference)} {signed_interval(pair.ci_low, pair.ci_high)}"


def _p(pair: Pair) -> str:
    adjusted = pair.p_holm if pair.p_bh is None else pair.p_bh
    return p_phrase(adjusted) if adjusted is not None else ""
