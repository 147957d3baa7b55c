"""Derives RL data from RL data: filters and repairs that write a new file with its lineage; the original stays as it is."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from db.specs.base import UserError
from engine.common.files.atomic import make_folder
from engine.common.models.fingerprint import file_sha
from engine.common.program import refuse_place
from engine.rl.health.rates import health
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.writing.export import refuse_contradictions, write_rl
from engine.rl.writing.groups import Group, groups_of, uncertain
from engine.rl.writing.merging import holes, write_merged
from engine.rl.writing.steps import Step

MEASURES = ("positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std")
"""Measures of data health that a summary compares."""


@dataclass
class StepCounts:
    """What one step did."""

    step: str
    parameters: dict[str, Any]
    queries_before: int = 0
    queries_after: int = 0
    candidates_before: int = 0
    candidates_after: int = 0
    candidates_changed: int = 0
    pools_changed: int = 0
    conflicts: int = 0
    """Sets of demonstrations whose candidates contradicted each other, of which one was kept."""

    def note(self, step: Step, before: Group, after: Group) -> None:
        """Count one group."""
        known = {id(one) for one in before.candidates}
        self.queries_before += 1
        self.queries_after += bool(after.candidates)
        self.candidates_before += len(before.candidates)
        self.candidates_after += len(after.candidates)
        self.candidates_changed += sum(id(one) not in known for one in after.candidates)
        self.pools_changed += before.pool != after.pool
        self.conflicts += step.conflicts(before)


@dataclass
class Chain:
    """Steps in order, with what each did."""

    steps: Sequence[tuple[str, Step]]
    empty_queries: int = 0
    """Queries that had no candidate to begin with."""
    counts: list[StepCounts] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.counts = [StepCounts(name, step.model_dump(mode="json")) for name, step in self.steps]

    def of(self, groups: Iterable[Group]) -> Iterator[Group]:
        """The groups that are left, changed as the steps say."""
        for group in groups:
            self.empty_queries += not group.candidates
            left = self._applied(group)
            if left.candidates:
                yield left

    def _applied(self, group: Group) -> Group:
        for (_, step), counted in zip(self.steps, self.counts, strict=True):
            if not group.candidates:
                break
            after = step.apply(group)
            counted.note(step, group, after)
            group = after
        return group


def derive(
    source: Path,
    out: Path,
    steps: Sequence[tuple[str, Step]],
    *,
    merge: Sequence[Path] = (),
    overwrite: bool = False,
) -> dict[str, Any]:
    """Write to `out` what `steps` leave of the RL data in `source`, with those in `merge` put in before; returns the
    summary that `--json` prints.

    Raises UserError for legacy beams, for contradicting pointers that no step drops, and where nothing is left.
    """
    for path in (source, *merge):
        refuse_place(path, out, overwrite=overwrite)
    if not merge:
        return _derived(read_rl_file(source), source, out, steps, [])
    make_folder(out.parent)
    with TemporaryDirectory(dir=out.parent, prefix=f".{out.name}-") as folder:
        joined = Path(folder, source.name)
        origins = write_merged([source, *merge], joined)
        return _derived(read_rl_file(joined), source, out, steps, origins)


def _derived(
    file: RLFile, source: Path, out: Path, steps: Sequence[tuple[str, Step]], origins: Sequence[dict[str, Any]]
) -> dict[str, Any]:
    if file.variant == "legacy":
        raise UserError(f"{source}: legacy beam data has no answers to filter or score; generate RL data instead")
    # Counts and metadata come before the groups in the file, and the groups are too many to hold: go over them twice.
    counted = Chain(steps)
    if not sum(1 for _ in counted.of(groups_of(file))):
        raise UserError(f"{source}: nothing is left {_blame(counted)}; loosen that step")
    meta = _meta(file, source, counted, origins)
    write_rl(
        out, refuse_contradictions(Chain(steps).of(groups_of(file)), source), meta, layout="as-stored", subject=source
    )
    merged = {"merged": list(origins), "holes": holes(origins), "unlike": file.meta.get("merged_unlike", [])}
    return _summary(file, source, out, counted) | (merged if origins else {})


def _blame(chain: Chain) -> str:
    emptied = next(
        (counted.step for counted in chain.counts if counted.queries_before and not counted.queries_after), ""
    )
    return f"after step {emptied}" if emptied else "because no query has a candidate"


def _meta(file: RLFile, source: Path, chain: Chain, origins: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """The source's metadata with the lineage of this derivation on top; that of earlier ones is kept inside."""
    lineage: dict[str, Any] = {
        "source": str(source.absolute()),
        "sha256": file_sha(source),
        "variant": file.variant,
        "steps": [asdict(counted) for counted in chain.counts],
    }
    if origins:
        lineage["merged"] = list(origins)
    if "lineage" in file.meta:
        lineage["before"] = file.meta["lineage"]
    changes = {name: value for _, step in chain.steps for name, value in step.changes_meta().items()}
    return {**file.meta, **changes, "derived_at": time.strftime("%Y-%m-%d %H:%M:%S"), "lineage": lineage}


def _summary(file: RLFile, source: Path, out: Path, chain: Chain) -> dict[str, Any]:
    derived = read_rl_file(out)
    before, after = health(file), health(derived)
    return {
        "source": str(source), "out": str(out), "sha256": file_sha(out), "variant": derived.variant,
        "queries": [before["queries"], after["queries"]], "candidates": [before["candidates"], after["candidates"]],
        "empty_queries": chain.empty_queries, "uncertain_index_space": uncertain(file),
        "steps": [asdict(counted) for counted in chain.counts],
        "health": {name: [before[name], after[name]] for name in MEASURES},
    }  # fmt: skip
