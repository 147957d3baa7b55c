"""The first half of a report: the runs, how they are set, and what they came to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from db.store import RunDetail
from engine.statistics.intervals import p_text
from leverplus_tui.jobs.spec_options import flatten
from leverplus_tui.report.blocks import Block, Bullets, Cell, Folded, Heading, Lead, Paragraph, Table, Tone
from leverplus_tui.report.gather import Gathered
from leverplus_tui.report.sections import svg
from leverplus_tui.report.sections.drawings import accuracy_figures, difference_bar, difference_scale
from leverplus_tui.report.sections.summary import lead
from leverplus_tui.results.pairs.paired_rows import ComparedCell, Pair
from leverplus_tui.text.catalogue import Catalogue
from leverplus_tui.text.numbers import accuracy, count, number, signed, signed_interval
from leverplus_tui.text.scale import Scale
from leverplus_tui.text.shots import known_shots, shots_text
from leverplus_tui.text.times import utc
from leverplus_tui.text.words import fact

SETTINGS = (
    "dataset", "split", "support", "limit", "first", "vlm", "served_model", "dtype", "engine", "prefill", "encoder", "pool",
    "pool_size", "exclude_same_image", "seed", "rl_data", "embeddings", "variant", "rce_epochs", "rce_lr", "grpo_epochs", "grpo_lr",
    "reward_mode",
)  # fmt: skip
"""Settings that are told where all runs share them; the rest stands in the stored facts."""
VERDICTS: Mapping[str, Tone] = {"better": "good", "worse": "bad"}
LINEAGE = "lineage."
MOST_COLUMNS = 7
"""Runs that stand side by side; of more each is a line."""
MOST_QUESTIONS = 1_000_000
"""Of more no data set could ever consist: then it is not said how many would show a difference."""


def opening(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """What came out, and which runs it came out of."""
    yield Heading(say("report.title"), 1)
    yield Lead(lead(found, say))
    yield Heading(say("runs.title"))
    yield Table(say.columns("runs.columns"), [_run(detail, found, say) for detail in found.details], stacked=True)
    notes = [f"{found.names[d.row.ref]}: {note}" for d in found.details if (note := _note(d, say))]
    if notes:
        yield Bullets(notes)


def _run(detail: RunDetail, found: Gathered, say: Catalogue) -> list[str | Cell]:
    row = detail.row
    state = Cell(say.word(row.state), "" if row.state == "done" else "warn")
    name = Cell(found.names[row.ref], "strong")
    chosen = row.retriever or str(detail.spec.get("sampler") or "-")
    return [
        name,
        row.ref,
        say.word(row.kind),
        row.vlm or "-",
        row.dataset or "-",
        chosen,
        utc(row.created),
        state,
    ]


def _note(detail: RunDetail, say: Catalogue) -> str:
    tags = say("runs.tags", tags=", ".join(detail.row.tags)) if detail.row.tags else ""
    return "; ".join(part for part in (" ".join(detail.note.split()), tags) if part)


def setup(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """What is set alike, what is compared with what, and what differs."""
    yield Heading(say("setup.title"))
    same = list(_alike(found.details, say))
    if same:
        yield from [Paragraph(say("setup.same"))] if len(found.details) > 1 else []
        yield Table(say.columns("setup.same columns"), same)
    if len(found.details) > 1:
        yield Heading(say("setup.differs"), 3)
        yield Paragraph(_planned(found, say))
        yield from _differing(found, say)


def _alike(details: Sequence[RunDetail], say: Catalogue) -> Iterator[list[str | Cell]]:
    specs = [dict(flatten(detail.settings)) for detail in details]
    for name in SETTINGS:
        values = [spec.get(name) for spec in specs]
        if name == "pool_size" and specs[0].get("pool") == "all":
            continue  # it has none
        if values[0] not in (None, "", [], ()) and all(value == values[0] for value in values):
            yield [name, say.said(fact(values[0]))]
    decoding = [{n: v for n, v in spec.items() if n.startswith("decode.")} for spec in specs]
    if decoding[0] and all(one == decoding[0] for one in decoding):
        told = ", ".join(f"{name.removeprefix('decode.')}={value}" for name, value in decoding[0].items())
        yield [say("setup.decoding"), told]
    for name in ("metric", "prompt_sha"):
        values = [detail.facts.get(name) for detail in details]
        if values[0] and all(value == values[0] for value in values):
            yield [name, say.said(fact(values[0]))]


def _planned(found: Gathered, say: Catalogue) -> str:
    names = found.names
    others = [names[run.id] for run in found.comparison.runs if run.id != found.against]
    if found.against:
        return say("setup.planned", run=names[found.against], others=say.listed(others))
    return say("setup.every pair", runs=say.listed(others))


def _differing(found: Gathered, say: Catalogue) -> Iterator[Block]:
    rows = found.comparison.spec_diff
    settings = [row for row in rows if not row.field.startswith(LINEAGE)]
    hashes = [row for row in rows if row.field.startswith(LINEAGE)]
    if settings:
        yield Paragraph(say("setup.differs how"))
        yield _side_by_side({row.field: row.values for row in settings}, found, say)
    else:
        yield Paragraph(say("setup.nothing differs"))
    if hashes:
        told = {row.field.removeprefix(LINEAGE): row.values for row in hashes}
        yield Folded(say("setup.hashes"), [_side_by_side(told, found, say)])


def _side_by_side(settings: Mapping[str, Mapping[str, Any]], found: Gathered, say: Catalogue) -> Table:
    """Runs as columns; as lines where there are too many."""
    runs = [run.id for run in found.comparison.runs]
    rows = [[name, *(_value(name, run, values.get(run), found) for run in runs)] for name, values in settings.items()]
    headers = [say("setup.setting"), *_heads(found)]
    if len(runs) > MOST_COLUMNS:
        headers, *rows = [list(line) for line in zip(headers, *rows, strict=True)]
        headers[0] = say("setup.run")
    return Table(headers, rows, stacked=len(headers) > 4)


def _heads(found: Gathered) -> list[str]:
    return [found.names[run.id] for run in found.comparison.runs]


def _value(field: str, run: str, value: Any, found: Gathered) -> str:
    """A setting as it was settled: the retriever that was left open, the training that wrote a selector."""
    if field == "retriever" and value is None:
        return next(detail.row.retriever for detail in found.details if detail.row.ref == run) or "-"
    if field == "selector" and value and run in found.trained_by:
        return f"{found.names[found.trained_by[run]]}: {Path(str(value)).name}"
    return fact(value)


def accuracies(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """The matrix with its drawings."""
    cells = found.comparison.cells
    if not cells:
        return
    yield Heading(say("accuracy.title"))
    yield from accuracy_figures(found, say)
    headers = [say("accuracy.questions"), say("accuracy.shots"), "n", *_heads(found)]
    runs = [run.id for run in found.comparison.runs]
    if len(runs) > MOST_COLUMNS:
        places = [
            say("pairs.place", shots=_shots(cell, say), questions=f"n = {say.said(cell.size_text)}") for cell in cells
        ]
        headers = [say("setup.run"), *places]
        lines = [[found.names[run], *(_figure(cell, run) for cell in cells)] for run in runs]
    else:
        lines = [_matrix_line(cell, runs, say) for cell in cells]
    yield Table(headers, lines, range(1, len(headers)), stacked=len(headers) > 4)
    yield Paragraph(say("accuracy.how"))


def _matrix_line(cell: ComparedCell, runs: Sequence[str], say: Catalogue) -> list[str | Cell]:
    figures = [_figure(cell, run) for run in runs]
    return [say.said(cell.subset), shots_text(cell.shot), say.said(cell.size_text), *figures]


def _shots(cell: ComparedCell, say: Catalogue) -> str:
    shots = known_shots(cell.shot)
    return say("shots.unknown") if shots is None else say.counted("shots", shots)


def _figure(cell: ComparedCell, run: str) -> str | Cell:
    if run not in cell.accuracy:
        return "-"
    figure, _, interval = cell.shown(run).partition(" ")
    best = cell.best == run
    return Cell(f"* {figure}" if best else figure, "best" if best else "", interval)


def comparisons(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """Differences with their verdicts, each with its interval drawn on one scale."""
    rows = [(cell, pair) for cell in found.comparison.cells for pair in cell.pairs]
    if not rows:
        return
    yield Heading(say("pairs.title"))
    scale = difference_scale([pair for _, pair in rows])
    headers: list[str | Cell] = [*say.columns("pairs.columns")]
    headers[4] = Cell("", svg=svg.bar_axis(scale))
    yield Table(
        headers,
        [_pair(cell, _towards(pair, found), scale, found, say) for cell, pair in rows],
        (5, 6, 7, 8),
        stacked=True,
    )
    yield Paragraph(say.joined([say("pairs.how"), say("pairs.visible")]))
    yield from _seeds(found, say)


def _towards(pair: Pair, found: Gathered) -> Pair:
    return pair.turned() if found.against and pair.a == found.against else pair


def _pair(cell: ComparedCell, pair: Pair, scale: Scale, found: Gathered, say: Catalogue) -> list[str | Cell]:
    head: list[str | Cell] = [
        say("pairs.place", shots=_shots(cell, say), questions=say.said(cell.subset)),
        Cell(say("pairs.minus", a=found.names[pair.a], b=found.names[pair.b]), "strong"),
        Cell(say.word(pair.verdict), VERDICTS.get(pair.verdict, "faint"), _beside(pair, say)),
    ]
    if pair.difference is None:
        return [*head, "", "", "", "", str(pair.n_paired or ""), ""]
    return [
        *head,
        Cell(signed(pair.difference), note=signed_interval(pair.ci_low, pair.ci_high)),
        Cell("", svg=difference_bar(pair, scale)),
        p_text(pair.p_holm) if pair.p_holm is not None else "",
        f"{pair.improved} / {pair.worsened}" if pair.improved or pair.worsened else "-",
        count(pair.n_paired),
        "-" if pair.visible_from is None else f"{pair.visible_from:.1f}",
    ]


def _beside(pair: Pair, say: Catalogue) -> str:
    """Why nothing can be said, what stands beside the verdict, and how many questions would have shown it."""
    parts = [say.said(pair.reason)] if pair.reason else []
    parts += pair.beside
    if pair.verdict == "not distinguishable" and (pair.questions_needed or MOST_QUESTIONS) < MOST_QUESTIONS:
        parts.append(say("pairs.needed", questions=say.counted("questions", pair.questions_needed or 0)))
    return ", ".join(parts)


def _seeds(found: Gathered, say: Catalogue) -> Iterator[Block]:
    groups = found.comparison.groups
    if not groups:
        return
    yield Heading(say("pairs.seeds"), 3)
    lines: list[list[str | Cell]] = [
        [str(cell.shot), _group(name, found), accuracy(one.mean, one.low, one.high), number(one.question_se),
         number(one.run_se), count(one.n)]
        for cell in groups
        for name, one in cell.accuracy.items()
    ]  # fmt: skip
    yield Table(say.columns("pairs.seed columns"), lines, (0, 3, 4, 5), stacked=True)
    pairs: list[list[str | Cell]] = [
        [str(cell.shot), say("pairs.minus", a=_group(pair.a, found), b=_group(pair.b, found)),
         Cell(say.word(pair.verdict), VERDICTS.get(pair.verdict, "faint")),
         Cell(signed(pair.found.mean), note=signed_interval(pair.found.low, pair.found.high)),
         p_text(pair.p_holm), count(pair.found.n)]
        for cell in groups
        for pair in cell.pairs
    ]  # fmt: skip
    if pairs:
        yield Table(say.columns("pairs.seed pair columns"), pairs, (0, 4, 5), stacked=True)


def _group(name: str, found: Gathered) -> str:
    return " + ".join(found.names[run] for run in name.split("+"))


def copied(found: Gathered, say: Catalogue) -> Iterator[Block]:
    """How answers relate to those that were shown."""
    if found.copied:
        yield Heading(say("copying.title"))
        yield Paragraph(say("copying.how"))
        lines: list[list[str | Cell]] = [
            [found.names[row.run], say.said(row.subset), str(row.shot), count(row.n), *map(_noted, row.cells())]
            for row in found.copied
        ]
        yield Table(say.columns("copying.columns"), lines, (2, 3), stacked=True)


def _noted(figure: str) -> Cell:
    """A figure with its interval in smaller letters."""
    value, _, rest = figure.partition(" ")
    return Cell(value, note=rest)
