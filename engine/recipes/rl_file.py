"""The file that a generation of RL data leaves: its groups, what its metadata say of its making, and what the doctor says of it."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from db.rows import Artifact, Row
from db.specs.base import UserError
from db.specs.generate import GenerateSpec
from engine.common.accuracy import METRIC
from engine.common.models.fingerprint import file_sha
from engine.data.datasets import Dataset
from engine.demonstrations.pools import Pools
from engine.recipes.budget import CandidateBudget
from engine.rl.health.findings import rl_findings
from engine.rl.reading.file import read_rl_file
from engine.rl.writing.export import VERSIONS, write_rl
from engine.rl.writing.groups import Group, generated_group
from engine.vlm.protocol import VLM

FILE = "rl_data.json"
MEASURES = ("queries", "candidates", "positive_rate", "query_positive_rate", "signal_rate", "predicted_advantage_std")
"""What is worth showing beside the file."""
NOTES = {
    False: "vqa_gt_prob is absent: probabilities of the reference answers were not computed",
    True: "vqa_gt_prob: sum over distinct reference answers of min(count/3, 1) exp(mean log-probability of the answer's tokens)",
}
"""Whether probabilities of the references were asked for -> what the file says of them."""
INFORMED = {
    "probability": "; beam_score of infoscore: P(answer | pointer, query) - P(answer | query), P of the mean token",
    "log_probability": "; beam_score of infoscore: log P(answer | pointer, query) - log P(answer | query), P of the mean token",
}
"""What the file says of the scores of beams of InfoScores."""


def rl_file(run_dir: Path, budget: CandidateBudget, pool: Pools, meta: Mapping[str, Any]) -> Iterator[Row]:
    """The RL file, and what the doctor says of it. Raises UserError where no candidate was scored."""
    if not any(group.in_order() for group in budget.done):
        raise UserError(
            f"no candidate could be scored: {budget.first_error or budget.first_silence or 'the pools are smaller than a pointer'}"
        )
    path = run_dir / FILE
    pooled = pool.rule != "all"
    write_rl(path, _groups(budget, pool if pooled else None), meta, layout="r3" if pooled else "r2")
    measures, findings = rl_findings(read_rl_file(path))
    yield Artifact("rl-data", str(path), file_sha(path), {name: measures[name] for name in MEASURES})
    yield from findings


def _groups(budget: CandidateBudget, pool: Pools | None) -> Iterator[Group]:
    """Queries by ascending train index; one without candidates is left out."""
    for group in sorted(budget.done, key=lambda one: one.row):
        members = pool.of(group.place).tolist() if pool else []
        candidates = group.in_order()
        if candidates:
            yield generated_group(group.row, group.query, members, candidates)


def metadata(
    spec: GenerateSpec, run: str, dataset: Dataset, vlm: VLM, pool: Pools, made_with: Mapping[str, Any]
) -> dict[str, Any]:
    """Published fields first, then ours: every hash that training and evaluation are compared by."""
    return {
        "created_at": time.strftime("%Y-%m-%d %H:%M:%S"),
        "version": VERSIONS["r2" if pool.rule == "all" else "r3"],
        "vqa_model": vlm.name,
        "task_gen_args": spec.decode.model_dump(mode="json"),
        "strict_eval": True,
        "params": {
            "num_beams": spec.beams if spec.selector else 0,
            "temps": list(spec.temperatures) if spec.selector else [],
            "num_samples_per_temp": spec.samples_per_temperature if spec.selector else 0,
            "num_random": spec.random,
            "num_retrieval": spec.retrieved,
            **(_informed(spec) if spec.info_beams else {}),
        },
        "notes": NOTES[spec.reference_probabilities] + (INFORMED[spec.info_gain] if spec.info_beams else ""),
        **(_range(spec, len(pool.excluded)) if spec.start_idx or spec.end_idx else {}),
        "made_by": "leverplus",
        "run": run,
        "dataset": dataset.name,
        "dataset_sha": dataset.sha,
        "dataset_order_sha": dataset.train.order_sha,
        "model_sha": vlm.sha,
        "prompt_sha": spec.prompt.sha(),
        "decode_sha": spec.decode.sha(),
        "metric": METRIC,
        "shots": spec.shots,
        "pool": {"rule": pool.rule, "size": pool.size, "seed": spec.seed, "sha": pool.sha},
        **made_with,
        "spec": spec.model_dump(mode="json"),
    }


def _informed(spec: GenerateSpec) -> dict[str, Any]:
    """Under the names of the published generator, whose files state them in their names."""
    return {
        "scorer": "infoscore",
        "beam_size": spec.info_beams,
        "construct_order": spec.construct_order,
        "candidate_num": spec.pool_size,
        "gain": spec.info_gain,
    }


def _range(spec: GenerateSpec, queries: int) -> dict[str, int]:
    """Which of the drawn queries a shard has, as published generators state it."""
    return {"start_idx": spec.start_idx, "end_idx": spec.start_idx + queries}
