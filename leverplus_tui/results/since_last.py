"""What changed since the last run like this one: settings, data, code, packages, machine, and what it did to the figures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from db import store
from db.run_states import ENDED
from db.session import Session
from db.store import RunDetail
from leverplus_tui.jobs.spec_options import flatten, plain
from leverplus_tui.results.comparison import compare, described, spec_diff
from leverplus_tui.results.pairs.paired_rows import Pair
from leverplus_tui.results.what_changed import made_differently
from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.numbers import count, difference, number
from leverplus_tui.text.shots import shots_words
from leverplus_tui.text.times import duration
from leverplus_tui.text.words import clean, spaced

ALIKE = {
    "eval": ("dataset", "split", "vlm"),
    "generate": ("dataset", "vlm"),
    "embed": ("dataset",),
    "rce": (),
    "grpo": (),
}
"""Kind -> the settings in which a run must agree with another to be one like it."""
LOOKED_AT = 30
"""Earlier runs among which the one with the fewest differences is sought."""
MOST = 6
"""Settings that are named; more are counted."""
MACHINE = ("host", "cpu", "gpus", "platform", "python")
METRICS = ("greedy_reward", "val_loss", "top1_agreement")
"""What a training is judged by here, in its best epoch."""
LONGEST = 32


@dataclass(frozen=True)
class Effect:
    """What became of one figure."""

    about: str
    """`2 shots`, or a metric."""
    words: str
    verdict: str
    """`better`, `worse`, `inside the noise`, or why nothing can be said."""


@dataclass(frozen=True)
class Since:
    """This run against the last one like it."""

    run: int
    name: str
    earlier_s: float
    """Seconds between the two."""
    changes: Mapping[str, tuple[str, ...]]
    """`settings`, `data`, `code`, `packages`, `machine` -> what differs; what is the same in both is left out."""
    effects: tuple[Effect, ...]

    @property
    def heading(self) -> str:
        """`since r5 demo: random, 3m12 before`."""
        return f"since {store.ref(self.run)} {clean(self.name)}, {duration(self.earlier_s)} before"

    def lines(self) -> list[tuple[str, str]]:
        """(what, in words), for each thing that changed and for each figure."""
        changed = [(what, "; ".join(words)) for what, words in self.changes.items()]
        return [
            *(changed or [("changed", "nothing that either run noted")]),
            *((one.about, f"{one.words}: {one.verdict}") for one in self.effects),
        ]

    def as_json(self) -> dict[str, Any]:
        """The document of `leverplus show --json`."""
        effects = [{"about": one.about, "words": one.words, "verdict": one.verdict} for one in self.effects]
        changes = {what: list(words) for what, words in self.changes.items()}
        return {"run": store.ref(self.run), "changes": changes, "effects": effects}


def since_last(session: Session, detail: RunDetail, go_on: Callable[[], bool] = lambda: True) -> Since | None:
    """The comparison with the last run like this one; None where there is none. Raises Stopped once `go_on` says no."""
    before = last_like(session, detail)
    if before is None:
        return None
    earlier = store.run_detail(session, run_id=before)
    return Since(
        run=before,
        name=earlier.row.name,
        earlier_s=(detail.row.created - earlier.row.created).total_seconds(),
        changes={what: words for what, words in _changes(session, earlier, detail) if words},
        effects=tuple(_effects(session, earlier, detail, go_on)),
    )


def last_like(session: Session, detail: RunDetail) -> int | None:
    """The run that this one repeats, else of the newest earlier ones the one with the fewest other settings."""
    fields = ALIKE.get(detail.row.kind)
    if fields is None:
        return None
    ids = store.done_before(session, run_id=detail.row.id, fields=fields, most=LOOKED_AT)
    if detail.row.parent in ids:
        return detail.row.parent
    own, others = dict(flatten(detail.settings)), store.specs_of(session, run_ids=ids)
    return min(ids, key=lambda run: (_differing(own, dict(flatten(others[run]))), -run), default=None)


def _differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> int:
    return sum(a.get(name) != b.get(name) for name in a.keys() | b.keys())


def _changes(session: Session, a: RunDetail, b: RunDetail) -> Iterator[tuple[str, tuple[str, ...]]]:
    rows = spec_diff({"a": described(a), "b": described(b)})
    settings = [
        _turned(row.field, row.values["a"], row.values["b"])
        for row in rows
        if not row.field.startswith(("lineage.", "made."))
    ]
    more = (f"and {len(settings) - MOST} more",) if len(settings) > MOST else ()
    yield "settings", (*settings[:MOST], *more)
    lineage = [_thing(row.field) for row in rows if row.field.startswith("lineage.")]
    yield "data", ((f"other content: {', '.join(dict.fromkeys(lineage))}",) if lineage else ())
    told = made_differently(session, a, b)
    commits = [_turned("commit", *(str(one.environment.get("git_commit", ""))[:10] for one in (a, b)))]
    moved = a.environment.get("git_commit") != b.environment.get("git_commit")
    yield "code", (*(commits if moved else ()), *(line for line in told if line.startswith("uncommitted")))
    yield "packages", tuple(line.partition(": ")[2] for line in told if line.startswith("installed"))
    yield "machine", tuple(_machine(a, b))


def _thing(field: str) -> str:
    """What a hash is of: `lineage.dataset_sha` is the data set's."""
    words = spaced(field.removeprefix("lineage.")).split()
    return " ".join(word for word in words if word not in ("sha", "sha256"))


def _machine(a: RunDetail, b: RunDetail) -> Iterator[str]:
    for name in MACHINE:
        if name in a.environment and name in b.environment and a.environment[name] != b.environment[name]:
            yield _turned(name, a.environment[name], b.environment[name])


def _turned(name: str, before: Any, after: Any) -> str:
    return f"{name} {_value(before)} {glyph('arrow')} {_value(after)}"


def _value(value: Any) -> str:
    """A setting as it would be typed; of a long one its end, which tells most of a path."""
    text = clean(plain(value)) or "none"
    return text if len(text) <= LONGEST else glyph("ellipsis") + text[1 - LONGEST :]


def _effects(session: Session, a: RunDetail, b: RunDetail, go_on: Callable[[], bool]) -> Iterator[Effect]:
    if b.row.state not in ENDED:
        return
    if b.row.cells and a.row.cells:
        found = compare(session, [a.row.id, b.row.id], judged=False, go_on=go_on)
        for cell in found.cells:
            if cell.pairs:
                yield _effect(shots_words(cell.shot), cell.pairs[0])
        return
    before, after = _best(a), _best(b)
    for name in METRICS:
        if name in before and name in after:
            words = f"{number(before[name])} {glyph('arrow')} {number(after[name])}"
            yield Effect(spaced(name), words, "one training of each, so that chance is not known")


def _best(detail: RunDetail) -> dict[str, float]:
    """The best value of each metric, whatever the phase that it was written in."""
    return {m.name: m.lowest if store.smaller_is_better(m.name) else m.highest for m in detail.metrics}


def _effect(about: str, pair: Pair) -> Effect:
    if pair.difference is None:
        return Effect(about, "no difference", pair.reason or pair.verdict)
    verdict = "inside the noise" if pair.verdict == "not distinguishable" else pair.verdict
    beside = f" ({', '.join(pair.beside)})" if pair.beside and pair.verdict in ("better", "worse") else ""
    n = f" over {count(pair.n_paired)} question{'' if pair.n_paired == 1 else 's'}" if pair.n_paired else ""
    return Effect(about, f"{difference(pair.difference, pair.ci_low, pair.ci_high)}{n}", verdict + beside)
