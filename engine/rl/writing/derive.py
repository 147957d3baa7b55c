"""`python -m engine.rl.writing.derive FILE --out NEW.json --step NAME ...`: filters and repairs of RL data, into a new file."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from engine.common.program import file_program, finish
from engine.rl.writing.derivation import derive
from engine.rl.writing.steps import STEPS, parse_steps


def describe(summary: Mapping[str, Any]) -> str:
    """The summary in sentences: the whole, then each step."""
    (queries, queries_left), (candidates, left) = summary["queries"], summary["candidates"]
    lines = [
        f"{summary['source']} -> {summary['out']}",
        f"{queries:,} -> {queries_left:,} queries, {candidates:,} -> {left:,} candidates",
    ]
    for one in summary.get("merged", []):
        lines.append(f"  {one['queries']:,} queries of {one['source']}")
    for first, end in summary.get("holes", []):
        lines.append(f"  queries {first:,} to {end - 1:,} of the range are in no file")
    if summary.get("unlike"):
        lines.append(f"  the files differ in {', '.join(summary['unlike'])}")
    for step in summary["steps"]:
        told = [
            f"{step[f'{what}_before'] - step[f'{what}_after']:,} {what} dropped"
            for what in ("queries", "candidates")
            if step[f"{what}_before"] != step[f"{what}_after"]
        ]
        told += [
            f"{step[f'{what}_changed']:,} {what} changed" for what in ("candidates", "pools") if step[f"{what}_changed"]
        ]
        if step["conflicts"]:
            told.append(f"one kept of equal demonstrations with different scores in {step['conflicts']:,} cases")
        given = " ".join(f"{name}={value}" for name, value in step["parameters"].items())
        lines.append(f"  {' '.join([step['step'], given]).strip()}: {', '.join(told) or 'nothing to do'}")
    if summary["empty_queries"]:
        lines.append(f"  {summary['empty_queries']:,} queries had no candidate and were left out")
    rates = [f"{name.replace('_', ' ')} {a:.3f} -> {b:.3f}" for name, (a, b) in summary["health"].items()]
    return "\n".join([*lines, ", ".join(rates)])


def main(words: Sequence[str] | None = None) -> int:
    """The command line; returns the exit code."""
    parser = file_program(
        "engine.rl.writing.derive", "Filter or repair RL data into a new file.",
        "rl.json --out good.json --step balanced --set balanced.min_positive=2", "RL data of any published layout",
    )  # fmt: skip
    parser.add_argument("--out", type=Path, required=True, help="file to write")
    parser.add_argument("--step", metavar="NAME", action="append", default=[], help=f"in order: {', '.join(STEPS)}")
    parser.add_argument(
        "--merge", type=Path, metavar="FILE", action="append", default=[], help="put in these RL data too"
    )
    parser.add_argument("--set", metavar="STEP.FIELD=VALUE", action="append", default=[], help="parameter of a step")
    parser.add_argument("--overwrite", action="store_true", help="replace the file where it is there already")
    chosen = parser.parse_args(words)
    return finish(
        lambda: derive(
            chosen.source, chosen.out, parse_steps(chosen.step, chosen.set, needed=not chosen.merge),
            merge=chosen.merge, overwrite=chosen.overwrite,
        ),
        describe, chosen.out, as_json=chosen.json,
    )  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
