"""What a training is made of: data, embeddings and starting weights, opened and checked against each other."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from db.rows import Fact, Row
from db.specs import Finding, TrainSpec, UserError
from db.specs.selector import PUBLISHED, SelectorParts
from db.specs.train import VARIES
from engine.demo.shipped import FILES, is_synthetic, trained_dir
from engine.features.embedding_file import EmbeddingFile, read_embeddings
from engine.rl.reading.file import RLFile, read_rl_file
from engine.rl.selection import columns_for
from engine.selector import PointerSelector
from engine.selector.checkpoint import load_selector
from engine.training.group_tensors import RLTensors, load_groups
from engine.training.losses import advantage_statistics, group_advantage
from engine.weights.recognition import variant_of

BUILTIN = {"rl_data": FILES["rl-data"], "embeddings": FILES["embeddings"]}
"""Files of the built-in world."""


@dataclass(frozen=True)
class Inputs:
    """Opened files."""

    file: RLFile
    embeddings: EmbeddingFile
    queries: EmbeddingFile
    tensors: RLTensors

    @property
    def signal_rate(self) -> float:
        """Share of train groups whose rewards differ."""
        return float(self.tensors.train.signal().mean())

    @property
    def predicted_spread(self) -> float:
        """Mean over train groups of the deviation of the advantage, from raw rewards of all candidates."""
        groups = self.tensors.train
        advantage = group_advantage(groups.raw, mask=groups.mask)
        return float(advantage_statistics(advantage[:, None], groups.mask[:, None])[1].mean())

    def facts(self) -> Iterator[Row]:
        """What the data are, in numbers."""
        train, val = self.tensors.train, self.tensors.val
        sizes = np.concatenate([train.pool_sizes, val.pool_sizes])
        yield Fact("rl_data", dict(self.tensors.counts))
        yield Fact("groups", {"train": len(train), "val": len(val), "shots": train.shots})
        yield Fact("pool", pool_facts(sizes))
        yield Fact("signal_rate", self.signal_rate)
        yield Fact("predicted_advantage_std", self.predicted_spread)


def open_inputs(spec: TrainSpec) -> Inputs:
    """Read the files of a specification. UserError in one sentence for what does not fit together."""
    file = read_rl_file(_path(spec, "rl_data"), columns_for(spec))
    embeddings = read_embeddings(_path(spec, "embeddings"))
    queries = read_embeddings(Path(spec.query_embeddings)) if spec.query_embeddings else embeddings
    if queries.width != embeddings.width:
        raise UserError(
            f"{queries.path} has vectors of width {queries.width}, {embeddings.path} of width {embeddings.width}; "
            "embed queries and candidates with one encoder"
        )
    rows = {"candidate_rows": len(embeddings.candidates), "query_rows": len(queries.queries)}
    return Inputs(file, embeddings, queries, load_groups(file, spec, **rows))


def input_paths(spec: TrainSpec) -> dict[str, Path]:
    """The file behind each field that names one. Raises UserError for a built-in file that is not there."""
    paths = {"rl_data": _path(spec, "rl_data"), "embeddings": _path(spec, "embeddings")}
    further = {name: Path(getattr(spec, name)) for name in ("query_embeddings", "init") if getattr(spec, name)}
    return paths | further


def check_batch(specs: Sequence[TrainSpec]) -> None:
    """UserError unless the specifications differ in numbers only that runs of one batch may differ in."""
    first = specs[0].model_dump()
    for spec in specs[1:]:
        for name, value in spec.model_dump().items():
            if value != first[name] and name not in VARIES:
                raise UserError(
                    f"{name} is {first[name]!r} in one run and {value!r} in another: runs that train together may "
                    f"differ in {', '.join(sorted(VARIES))} only"
                )
    if not (specs[0].rce_epochs or specs[0].grpo_epochs):
        raise UserError("rce_epochs and grpo_epochs are both 0: there is nothing to train")


def mixed_spaces(file: RLFile) -> Iterator[Finding]:
    """A warning where groups hold pointers of both index spaces, or ones whose space is a guess."""
    mixed, unsure = file.mixed_groups(), ~file.candidates.certain
    if mixed.any() or unsure.any():
        where = file.query_ids[mixed] if mixed.any() else file.query_ids[file.group()[unsure]]
        yield Finding(
            code="index-space-mixed",
            severity="warning",
            subject=str(file.path),
            message=f"{int(mixed.sum())} queries (first {where[0]}) mix pointers into their pool with rows of the train "
            f"split, and {int(unsure.sum())} candidates could be read either way; each was resolved by itself.",
            fix=f"`leverplus doctor {file.path}` lists them",
        )


def synthetic(spec: TrainSpec, file: RLFile) -> Iterator[Finding]:
    """A note where a file without the name of the built-in world was made with it."""
    dataset, vlm = (str(file.meta.get(name, "")) for name in ("dataset", "vqa_model"))
    if spec.rl_data != "builtin" and is_synthetic(dataset, vlm):
        yield Finding(
            code="synthetic-data",
            severity="info",
            subject=str(file.path),
            message=f"These RL data come from the built-in world (data set {dataset or 'unknown'}, model {vlm or 'unknown'}): what "
            "is learned from them says nothing about real data.",
        )


def build_selectors(specs: Sequence[TrainSpec], width: int, shots: int) -> list[PointerSelector]:
    """A selector for each run: from `init`, or new weights drawn from the run's seed."""
    if specs[0].init:
        start = _from_checkpoint(specs[0], width, shots)
        return [start] * len(specs)
    built = []
    for spec in specs:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(spec.seed)
            built.append(_new(spec, width, shots))
    return built


def as_trained(spec: TrainSpec, selector: PointerSelector) -> TrainSpec:
    """The specification with what was really trained: a start from `init` brings its own variant, parts and sizes."""
    if not spec.init:
        return spec
    variant, sizes = variant_of(selector.parts), selector.sizes
    used: dict[str, Any] = {name: getattr(sizes, name) for name in ("hidden_dim", "num_layers", "num_heads")}
    used["parts"] = None if PUBLISHED.get(variant) == selector.parts else selector.parts
    return spec.model_copy(update={"variant": variant, **used})


def trained_facts(used: TrainSpec, selector: PointerSelector) -> Iterator[Row]:
    """Which network was trained, of the specification `as_trained`; `variant` is what lists show."""
    yield Fact("variant", used.variant)
    yield Fact("sizes", selector.sizes.model_dump())


def pool_facts(sizes: Any) -> dict[str, int]:
    """Least, middle and greatest size of the pools."""
    return {"smallest": int(sizes.min()), "median": int(np.median(sizes)), "largest": int(sizes.max())}


def _path(spec: TrainSpec, field: str) -> Path:
    given = getattr(spec, field)
    path = trained_dir() / BUILTIN[field] if given == "builtin" else Path(given)
    if given == "builtin" and not path.is_file():
        raise UserError(f"{field}=builtin: the built-in {BUILTIN[field]} is not part of this installation; name a file")
    return path


def _parts(spec: TrainSpec) -> SelectorParts:
    return spec.parts or PUBLISHED[spec.variant]


def _new(spec: TrainSpec, width: int, shots: int) -> PointerSelector:
    selector = PointerSelector(
        _parts(spec),
        width,
        hidden_dim=spec.hidden_dim,
        num_layers=spec.num_layers,
        num_heads=spec.num_heads,
        dropout=spec.dropout,
        attn_dropout=spec.attn_dropout,
        shots=shots,
    )
    if spec.diversity_init is not None:
        weights = [p for name, p in selector.named_parameters() if name in ("div_lambda", "cover_lambda", "dpp_lambda")]
        with torch.no_grad():
            weights[0].fill_(spec.diversity_init)
    return selector


def _from_checkpoint(spec: TrainSpec, width: int, shots: int) -> PointerSelector:
    """The selector of `init` with this run's dropout; what was asked for must be what the file holds."""
    answers = {name: getattr(spec, name) for name in ("variant", "num_heads") if spec.asked(name)}
    loaded = load_selector(spec.init, answers={n: v for n, v in answers.items() if v != "custom"})
    held = {**loaded.sizes.model_dump(), **loaded.parts.model_dump()}
    asked = {name: getattr(spec, name) for name in ("hidden_dim", "num_layers") if spec.asked(name)}
    for name, value in (asked | spec.asked_parts).items():
        if value != held[name]:
            raise UserError(
                f"{spec.init} has {name}={held[name]}, but {name}={value} was asked for; "
                f"drop {name}, or start from other weights"
            )
    if loaded.sizes.d_model != width:
        raise UserError(
            f"{spec.init} was trained on embeddings of width {loaded.sizes.d_model}, but those given are {width} wide; "
            "embed with the encoder it was trained with"
        )
    if shots > loaded.max_shots:
        loaded = loaded.widened(shots)
    sizes = loaded.sizes.model_copy(update={"dropout": spec.dropout, "attn_dropout": spec.attn_dropout})
    selector = PointerSelector(loaded.parts, **sizes.model_dump())
    selector.load_state_dict(loaded.state_dict())
    return selector
