"""Measures how fast a model answers here, through the packed engine and through generate, and remembers it for estimates.

`python -m engine.job.bench --home DIR --spec JSON --questions N`: the specification of an evaluation; prints a table, or JSON.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from db.home import Home
from db.specs import EvalSpec, UserError
from engine.common.importing import no_collections
from engine.doctor.duration import Pace, remember
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import VLM, Answer, answers_in_order

SHOTS = 4
PLAIN_SHARE = 4
"""Generate is asked one of so many questions: it takes many times as long."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Command line."""
    begin = time.monotonic()
    parser = argparse.ArgumentParser(prog="python -m engine.job.bench", description="Measure how fast a model answers.")
    parser.add_argument("--home", required=True, type=Path)
    parser.add_argument("--spec", required=True, help="evaluation (JSON)")
    parser.add_argument("--questions", type=int, default=32)
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args(arguments)
    try:
        spec = EvalSpec.model_validate_json(asked.spec)
        found = list(measured(spec, Home(asked.home).cache, asked.questions, begin))
    except UserError as error:
        print(f"leverplus: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    print(json.dumps({"paces": [asdict(one) for one in found]}) if asked.json else table(found))  # noqa: T201
    return 0


def measured(spec: EvalSpec, cache_dir: Path, questions: int, begin: float) -> Iterator[Pace]:
    """The pace of each engine that can run, the packed one first; remembered in the cache. Raises UserError."""
    with no_collections():
        # seconds that --help and a wrong specification need not wait
        from engine.data.datasets import open_dataset
        from engine.recipes.answering_model import open_answering_model
        from engine.vlm.local.plain import LocalVLM

    cache_dir.mkdir(parents=True, exist_ok=True)
    dataset = open_dataset(spec.dataset, cache_dir=cache_dir)
    vlm = open_answering_model(spec, cache_dir, quick=False)  # generate is measured on the same weights
    facts = vlm.facts()
    if "vlm_engine" not in facts:
        raise UserError(f"vlm: {spec.vlm} is answered elsewhere or by a rule: there is no engine to measure here.")
    start_s = time.monotonic() - begin
    sizes = {split: len(dataset.split(split).questions) for split in ("train", "val") if dataset.has(split)}
    sides: dict[str, VLM] = {str(facts["vlm_engine"]): vlm}
    if isinstance(vlm, LocalVLM) and facts["vlm_engine"] == "packed":
        caps = spec.prompt.min_pixels, spec.prompt.max_pixels
        sides["plain"] = LocalVLM(vlm.loaded, decode=spec.decode, batch_size=spec.batch_size, pixels=caps)
    for engine, side in sides.items():
        count = questions if len(sides) == 1 or engine == "packed" else max(2, questions // PLAIN_SHARE)
        warm, alone, shown = _prompts(spec, dataset.split(spec.split).questions, dataset.train.questions, count)
        _answered(side, warm)
        query = _seconds(side, alone) / len(alone)
        more = (_seconds(side, shown) / len(shown) - query) / SHOTS
        pace = Pace(
            engine, spec.device, str(facts["vlm_device"]), start_s, query, max(0.0, more),
            datetime.now(UTC).isoformat(timespec="seconds"), sizes, spec.dataset, len(alone) + len(shown),
        )  # fmt: skip
        remember(spec, cache_dir, pace)
        yield pace


def _prompts(
    spec: EvalSpec, questions: Sequence[object], train: Sequence[object], count: int
) -> tuple[list[Prompt], list[Prompt], list[Prompt]]:
    """To warm up, without demonstrations, with them: of different questions, so that no image was seen before."""
    rng = random.Random(0)
    count = max(1, min(count, len(questions) // 2 - 1))
    drawn = rng.sample(list(questions), min(len(questions), 2 * count + 2))
    if len(train) < SHOTS or len(drawn) < 2 * count + 1:
        raise UserError(f"dataset: {spec.dataset} has too few questions to measure with; give a larger one.")

    def asked(queries: Sequence[object], shots: int) -> list[Prompt]:
        return [build(spec.prompt, rng.sample(list(train), shots), query) for query in queries]  # type: ignore[arg-type]

    warm = drawn[2 * count :]
    return [*asked(warm, 0), *asked(warm, SHOTS)], asked(drawn[:count], 0), asked(drawn[count : 2 * count], SHOTS)


def _seconds(vlm: VLM, prompts: Sequence[Prompt]) -> float:
    begin = time.monotonic()
    _answered(vlm, prompts)
    return time.monotonic() - begin


def _answered(vlm: VLM, prompts: Sequence[Prompt]) -> list[Answer]:
    answers = answers_in_order(vlm, prompts)
    bad = next((one.error for one in answers if one.error), "")
    if bad:
        raise UserError(f"dataset: a question cannot be asked, so nothing can be measured: {bad}")
    return answers


def table(found: Sequence[Pace]) -> str:
    """For people."""
    lines = [f"{'engine':8}{'0 shots':>14}{f'{SHOTS} shots':>14}{'start':>9}  measured over"]
    for one in found:
        most = one.query_s + SHOTS * one.demonstration_s
        rates = "".join(f"{1 / seconds:>10.2f} q/s" for seconds in (one.query_s, most))
        lines.append(f"{one.engine:8}{rates}{one.start_s:>7.1f} s  {one.answers} answers on {one.card}")
    if len(found) > 1:
        packed, plain = ([one.query_s, one.query_s + SHOTS * one.demonstration_s] for one in found)
        lines.append(f"{'':8}" + "".join(f"{b / a:>12.1f} x" for a, b in zip(packed, plain, strict=True)))
    return "\n".join(lines)


if __name__ == "__main__":
    sys.exit(main())
