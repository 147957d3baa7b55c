"""From an evaluation's specification to the demonstrations of each question: encoder, pool and retriever put together."""

from __future__ import annotations

from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch

from db.rows import Fact, Row
from db.specs.base import Finding, UserError, canonical_json, sha256_text
from db.specs.evaluate import WITHOUT_MODEL, EvalSpec
from engine.data.defaults import features_of, reads_selector, selector_features, selector_file
from engine.data.sample import Sample, Split
from engine.demonstrations import pools, retrieve
from engine.demonstrations.pools import Pools
from engine.demonstrations.retrieve import RETRIEVERS, Demonstrations, Selects, Task
from engine.features.encoders import Encoder, open_encoder
from engine.features.steps import feature_steps
from engine.features.vectors import Recipe, encoder_mismatch, recipe_of
from engine.selector import PointerSelector, checkpoint
from engine.vlm.local.loading import choose_device
from engine.vlm.opening import is_server, open_vlm
from engine.vlm.protocol import VLM

Chosen = dict[int, list[Demonstrations]]
"""For each number of shots, the train indices shown to each question, in prompt order."""


@dataclass(frozen=True)
class Selector:
    """A loaded selector, and how its embeddings are made."""

    network: Selects
    path: Path
    sha: str
    """Hash of the weights, whatever the container."""
    variant: str = ""
    embedding: Mapping[str, Any] = field(default_factory=dict)
    """The manifest's entry; empty where the file does not say."""
    assumed: Mapping[str, Any] = field(default_factory=dict)
    """Fields that the file does not tell, at their published values."""

    @property
    def recipe(self) -> Recipe:
        """How questions are embedded; image and text, not standardised, where the file does not say."""
        return recipe_of(self.embedding) if self.embedding else Recipe()


def choose(
    spec: EvalSpec,
    retriever: str,
    shots: Sequence[int],
    queries: Sequence[Sample],
    train: Split,
    vlm: VLM,
    cache_dir: Path,
) -> Generator[Row, None, Chosen]:
    """The demonstrations of `queries` for every number of shots. Yields facts, findings and progress; raises UserError."""
    if not any(shots) or retriever == "zero-shot":
        return {shot: [()] * len(queries) for shot in shots}
    task = (yield from prepare(spec, retriever, shots, queries, train, vlm, cache_dir)).task
    chooser = RETRIEVERS[retriever](task)
    chosen = {shot: in_order(chooser(shot), spec.order, queries, spec.seed) for shot in shots}
    ids = {shot: [[train.ids[row] for row in rows] for rows in lists] for shot, lists in chosen.items()}
    yield Fact("demonstrations_sha", sha256_text(canonical_json(ids)))
    return chosen


@dataclass(frozen=True)
class Prepared:
    """Everything that a retriever looks at, and what makes such features of further questions."""

    task: Task
    selector: Selector | None
    embedding: Embedding | None
    """None where nothing is compared."""


@dataclass(frozen=True)
class Embedding:
    """How the features that a retriever compares are made."""

    encoder: Encoder
    recipe: Recipe | None
    """A selector's own; None for the usual ones."""


def prepare(
    spec: EvalSpec,
    retriever: str,
    shots: Sequence[int],
    queries: Sequence[Sample],
    train: Split,
    vlm: VLM,
    cache_dir: Path,
) -> Generator[Row, None, Prepared]:
    """Selector, features and pools of `queries`, as `choose` takes them. Yields facts, findings and progress; raises UserError."""
    device = str(choose_device(spec.device))
    selector = _selector_of(spec, retriever, device)
    features, embedding = yield from _features(spec, retriever, queries, train, vlm, selector, cache_dir)
    asked = pools.Request(spec.pool, spec.pool_size, spec.seed, spec.exclude_same_image, device)
    pool = pools.build_pools(asked, queries, train, features=features, cache_dir=cache_dir)
    yield from pool_facts(pool)
    task = Task(
        queries=queries,
        train=train,
        pools=pool,
        seed=spec.seed,
        shots=max(shots),
        most_similar_last=spec.most_similar_last,
        features=features,
        selector=selector.network if selector else None,
        device=device,
    )
    return Prepared(task, selector, embedding)


def in_order(rows: list[Demonstrations], order: str, queries: Sequence[Sample], seed: int) -> list[Demonstrations]:
    """The demonstrations of each query as its prompt shows them; shuffling draws by (seed, question_id)."""
    if order == "reversed":
        return [one[::-1] for one in rows]
    if order == "shuffled":
        drawn = (np.random.default_rng([seed, query.question_id]) for query in queries)
        return [tuple(int(row) for row in rng.permutation(one)) for rng, one in zip(drawn, rows, strict=True)]
    return rows


def _selector_of(spec: EvalSpec, retriever: str, device: str) -> Selector | None:
    """The selector that the retriever asks, or whose embeddings it compares; none where it does without."""
    if not reads_selector(spec, retriever):
        return None
    return open_selector(spec, device, trained=retriever != "untrained")


def open_selector(spec: EvalSpec, device: str = "cpu", *, trained: bool = True) -> Selector:
    """The selector that `spec` names, or the built-in one; with `trained` false, its recipe before any training.

    Raises UserError where there is none.
    """
    path = selector_file(spec)
    if path is None:
        raise UserError("selector: no checkpoint was given; name one with --selector, or choose another retriever")
    loaded = checkpoint.open_selector(path)
    network = loaded.selector if trained else _before_training(loaded, spec.seed)
    return Selector(
        network=network.to(device),
        path=path,
        sha=checkpoint.tensors_sha(network.state_dict()),
        variant=next(iter(loaded.names), "custom"),
        embedding=loaded.manifest.embedding if loaded.manifest else {},
        assumed=loaded.assumed,
    )


def _before_training(loaded: checkpoint.Loaded, seed: int) -> PointerSelector:
    """The weights that a training of this recipe draws first, by its own seed where the manifest tells that."""
    trained_with = loaded.manifest.lineage.get("spec") if loaded.manifest else None
    drawn = trained_with.get("seed", seed) if isinstance(trained_with, dict) else seed
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.manual_seed(int(drawn))
        return PointerSelector(loaded.selector.parts, **loaded.selector.sizes.model_dump()).eval()


def _features(
    spec: EvalSpec,
    retriever: str,
    queries: Sequence[Sample],
    train: Split,
    vlm: VLM,
    selector: Selector | None,
    cache_dir: Path,
) -> Generator[Row, None, tuple[dict[tuple[str, str], Any], Embedding | None]]:
    """What pool and retriever compare, and how more of the retriever's is made. A selector brings its own encoder; the rest
    uses the one of `spec`."""
    sides = {"query": queries, "train": train.questions}
    compared = {(side, field) for field in pools.FIELDS.get(spec.pool, ()) for side in sides}
    found: dict[tuple[str, str], Any] = {}
    embedding = None
    if selector is not None:
        yield from selector_facts(selector)
        encoder = selector_encoder(spec, selector, vlm, cache_dir)
        yield from encoder_rows("selector_encoder", encoder, selector)
        embedding = Embedding(encoder, selector.recipe)
        found |= yield from feature_steps(
            encoder, retrieve.wanted(retriever), sides, cache_dir=cache_dir, recipe=selector.recipe
        )
    else:
        compared |= set(retrieve.wanted(retriever))
    if compared:
        encoder = encoder_of(spec, vlm, cache_dir)
        yield from encoder_rows("encoder", encoder, None)
        embedding = embedding or Embedding(encoder, None)
        if retriever == "i2t" and not encoder.joint:
            yield _unlike_spaces(retriever, encoder)
        found |= yield from feature_steps(encoder, sorted(compared), sides, cache_dir=cache_dir)
    return found, embedding


def encoder_of(spec: EvalSpec, vlm: VLM, cache_dir: Path) -> Encoder:
    """The encoder that `spec` names; a rule in the place of a model has no features, and takes those of `features_of`."""
    if spec.encoder == "vlm" and vlm.name in WITHOUT_MODEL and features_of(spec) != vlm.name:
        vlm = _features_model(spec, features_of(spec), cache_dir)
    return open_encoder(spec.encoder, vlm, device=spec.device, dtype=spec.dtype, cache_dir=cache_dir)


def selector_encoder(spec: EvalSpec, selector: Selector, vlm: VLM, cache_dir: Path) -> Encoder:
    """The encoder that the selector was trained on, where its manifest names one, else the encoder of `spec`."""
    name, model = selector_features(selector.embedding, encoder=spec.encoder, vlm=_told(spec, vlm))
    if name == "vlm" and model != vlm.name and not _same_features(selector, vlm):
        vlm = _features_model(spec, model, cache_dir)
    return open_encoder(name, vlm, device=spec.device, dtype=spec.dtype, cache_dir=cache_dir)


def _told(spec: EvalSpec, vlm: VLM) -> str:
    return features_of(spec) if vlm.name in WITHOUT_MODEL else vlm.name


def _features_model(spec: EvalSpec, name: str, cache_dir: Path) -> VLM:
    return open_vlm(name, decode=spec.decode, prompt=spec.prompt, device=spec.device, cache_dir=cache_dir)


def _same_features(selector: Selector, vlm: VLM) -> bool:
    """Whether the answering model is the one of the selector's embeddings under another name."""
    return not is_server(vlm.name) and selector.embedding.get("encoder_sha") == vlm.features_sha


def encoder_rows(name: str, encoder: Encoder, selector: Selector | None) -> Generator[Row, None, None]:
    facts = {"": encoder.name, "_model": encoder.model, "_sha": encoder.sha, "_dtype": encoder.dtype}
    for part, value in facts.items():
        yield Fact(f"{name}{part}", value)
    mismatch = encoder_mismatch(selector.embedding, encoder) if selector and selector.embedding else ""
    if selector and mismatch:
        yield Finding(
            code="encoder-mismatch",
            severity="warning",
            subject=str(selector.path),
            message=f"the selector's training embeddings do not go with the ones it is given now: {mismatch}",
            fix="embed and train again with this encoder, or evaluate with the model and pixel caps of the training",
        )


def selector_facts(selector: Selector) -> Generator[Row, None, None]:
    yield Fact("selector", str(selector.path))
    yield Fact("selector_sha", selector.sha)
    yield Fact("variant", selector.variant)
    if selector.assumed:
        yield Fact("selector_assumed", dict(selector.assumed))


def pool_facts(pool: Pools) -> Generator[Row, None, None]:
    yield Fact("pool", pool.rule)
    yield Fact("pool_size", pool.size)
    yield Fact("pool_per_query", pool.own is not None)
    yield Fact("pool_sha", pool.sha)


def _unlike_spaces(retriever: str, encoder: Encoder) -> Finding:
    return Finding(
        code="spaces-differ",
        severity="warning",
        subject=retriever,
        message=f"{retriever} compares images with texts, but {encoder.model} does not train its image and text features to agree",
        fix="give a CLIP model as the encoder: --set encoder=DIR",
    )
