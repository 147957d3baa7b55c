"""A tiny learnable world for training tests: embeddings, and RL data in which near demonstrations are rewarded."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from db.rows import Checkpoint, Metric, Row
from db.specs import Finding, TrainSpec

GOLDEN = Path(__file__).parent / "golden"
ROWS, WIDTH = 60, 12

Metrics = dict[tuple[str, int, str], float]


def write_world(
    folder: Path, *, queries: int = 40, candidates: int = 6, pool: int = 10, shots: int = 2, seed: int = 0
) -> dict[str, str]:
    """Write RL data with stored pools and an embedding file; returns the fields `rl_data` and `embeddings`. A candidate
    is right when its demonstrations lie near the query, so a selector can learn what to pick."""
    rng = np.random.default_rng(seed)
    rows = rng.normal(size=(ROWS, WIDTH)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    document: dict[str, Any] = {"_meta": {"version": "k64"}}
    for query in range(queries):
        near = rows @ rows[query]
        members = rng.permutation([i for i in range(ROWS) if i != query])[:pool].tolist()
        group = []
        for _ in range(candidates):
            local = rng.permutation(pool)[:shots].tolist()
            picked = [members[i] for i in local]
            accuracy = float(np.clip(0.5 + near[picked].mean(), 0, 1) > 0.6)
            group.append(
                {"pointer": local, "pointer_global": picked, "vqa_correct": int(accuracy), "vqa_acc_score": accuracy}
            )
        document[str(query)] = {
            "query": {"image_id": query // 2},
            "candidate_pool_ids": members,
            "pointer_candidates": group,
        }
    return write_files(folder, document, torch.from_numpy(rows))


def write_files(folder: Path, document: dict[str, Any], embeddings: Tensor) -> dict[str, str]:
    """Write a document and embeddings; returns the fields `rl_data` and `embeddings`."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "rl.json").write_text(json.dumps(document))
    save_file({"embeddings": embeddings}, folder / "embeddings.safetensors")
    return {"rl_data": str(folder / "rl.json"), "embeddings": str(folder / "embeddings.safetensors")}


def small(files: dict[str, str], **fields: Any) -> TrainSpec:
    """A specification that trains in well under a second."""
    sizes: dict[str, Any] = {"hidden_dim": 8, "queries_per_step": 8, "rce_epochs": 2, "rce_lr": 1e-2, "grpo_lr": 1e-3}
    return TrainSpec(**{**files, **sizes, "device": "cpu", **fields})


def golden_spec(name: str, folder: Path, **fields: Any) -> TrainSpec:
    """The published run of this name, as our specification expresses it; its files are written to `folder`."""
    config = json.loads((GOLDEN / f"{name}.log.json").read_text())["config"]
    tensors = golden_tensors(name)
    folder.mkdir(parents=True, exist_ok=True)
    save_file({"embeddings": tensors["embeddings"]}, folder / "embeddings.safetensors")
    start = {key.removeprefix("init."): value for key, value in tensors.items() if key.startswith("init.")}
    torch.save(
        {"epoch": 0, "phase": "rce", "model_state_dict": start, "kl_beta": 0.1, "metrics": {}}, folder / "init.pt"
    )
    published: dict[str, Any] = {
        "kind": "grpo",
        "rl_data": str(GOLDEN / f"{name}.rl_data.json"),
        "embeddings": str(folder / "embeddings.safetensors"),
        "init": str(folder / "init.pt"),
        "hidden_dim": config["hidden_dim"],
        "num_layers": config["num_layers"],
        "dropout": 0.0,
        "attn_dropout": 0.0,
        "queries_per_step": 1,
        "shuffle": False,
        "reward_mode": config["reward_mode"],
        "rce_epochs": config["rce_epochs"],
        "rce_lr": config["rce_lr"],
        "rce_reward": "raw" if config["rce_use_raw_reward"] else "normalized",
        "grpo_epochs": config["grpo_epochs"],
        "grpo_lr": config["grpo_lr"],
        "grpo_reward": "normalized",
        "reference": "before_rce",
        "skip_no_signal": False,
        "early_epochs": config["early_epochs"],
        "early_top_k": config["early_top_k"],
        "late_top_k": config["late_top_k"],
        "freeze_backbone": config["freeze_backbone_in_grpo"],
        "device": "cpu",
    }
    return TrainSpec(**{**published, **fields})


def golden_tensors(name: str) -> dict[str, Tensor]:
    """Initial and final weights and embeddings of a published run."""
    tensors: dict[str, Tensor] = load_file(GOLDEN / f"{name}.weights.safetensors")
    return tensors


def metrics_of(rows: Iterable[Row]) -> Metrics:
    """(phase, epoch, name) -> value."""
    return {(row.phase, row.epoch, row.name): row.value for row in rows if isinstance(row, Metric)}


def codes_of(rows: Iterable[Row]) -> list[str]:
    """Codes of the findings."""
    return [row.code for row in rows if isinstance(row, Finding)]


def checkpoints_of(rows: Iterable[Row]) -> list[Checkpoint]:
    """Checkpoint rows."""
    return [row for row in rows if isinstance(row, Checkpoint)]
