"""The recipe that makes RL data: for each query propose pointers, let the model answer, score, and yield each candidate.

Prompt, decoding, answering and scoring are those of `engine.recipes.evaluate`. There is no fallback scoring. Probabilities of the
reference answers (`vqa_gt_prob`) are computed where the specification asks for them, else absent from the file.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from db.rows import Fact, Input, Row, Subset, Withdrawn
from db.specs.base import Finding, UserError
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from engine.data.datasets import Dataset, Sample, open_dataset
from engine.data.subsets import draw_subsets, shard
from engine.demonstrations import pools
from engine.demonstrations.choose import (
    Selector,
    encoder_of,
    encoder_rows,
    open_selector,
    pool_facts,
    selector_encoder,
    selector_facts,
)
from engine.features.encoders import Encoder
from engine.features.steps import feature_steps
from engine.features.vectors import Recipe
from engine.recipes.answering_model import (
    changed_facts,
    model_facts,
    open_answering_model,
    server_facts,
    takes_answers_of_other_runs,
)
from engine.recipes.budget import CandidateBudget
from engine.recipes.cached_answers import CachedAnswers
from engine.recipes.dataset_rows import dataset_facts, usable
from engine.recipes.engine_watch import EngineWatch
from engine.recipes.information import InfoScores
from engine.recipes.inputs import dataset_inputs, encoder_input, model_input, selector_inputs
from engine.recipes.proposals import Proposer, Vectors
from engine.recipes.rl_file import metadata, rl_file
from engine.recipes.run_context import RunContext
from engine.recipes.running_accuracy import silent_answers
from engine.selector import PointerSelector
from engine.vlm.local.loading import choose_device
from engine.vlm.protocol import VLM

LEFT_OUT = (("image-unreadable", "candidates"), ("reasoning-cut", "answers"), ("answers-missing", "answers"))
"""Code and subject of what is said of gaps."""


@dataclass(frozen=True)
class GenerationPlan:
    """Everything that is settled before the first proposal."""

    spec: GenerateSpec
    context: RunContext
    dataset: Dataset
    subset: Subset
    drawn: list[Sample]
    """The train questions drawn, by ascending id."""

    @property
    def shard(self) -> slice:
        """Which of them are asked. Pools are drawn for all, so that shards have those of the whole."""
        return slice(self.spec.start_idx, self.spec.end_idx)

    @property
    def queries(self) -> list[Sample]:
        """The questions that are asked."""
        return self.drawn[self.shard]

    def rows(self, queries: Sequence[Sample]) -> list[int]:
        """Train index of each query."""
        return [self.dataset.train.index_of[query.question_id] for query in queries]

    @property
    def like_evaluation(self) -> EvalSpec:
        """The evaluation with the same model, prompt, decoding, encoder and pools."""
        shared = (EvalSpec.model_fields.keys() & GenerateSpec.model_fields.keys()) - {"kind", "shots"}
        return EvalSpec(shots=(self.spec.shots,), **{name: getattr(self.spec, name) for name in shared})


def generate(spec: GenerateSpec, context: RunContext) -> Iterator[Row]:
    """Make RL data as `spec` says: facts, the queries, then candidates as they come, the file, and its findings.

    Candidates in `context.candidates` are not asked again but counted and written. Raises UserError for the user's fault;
    candidates with an unreadable image are left out and reported, with `spec.strict` an error.
    """
    plan = _plan(spec, context)
    yield from _inputs(plan)
    yield from _facts(plan)
    yield plan.subset
    yield from usable("train", plan.queries)
    yield from usable("train", plan.dataset.train.questions, scored=False)
    vlm = open_answering_model(spec, context.cache_dir)
    yield from server_facts(vlm)
    facts = model_facts(vlm)
    yield from (Fact(name, value) for name, value in facts.items())
    yield from vlm.findings()
    _check_scores_references(spec, facts)
    info = InfoScores(spec, vlm, plan.dataset.train, context.run_dir) if spec.info_beams else None
    proposer, made_with = yield from _proposer(plan, vlm, info)
    budget = CandidateBudget(
        spec=spec,
        dataset_sha=plan.dataset.sha,
        train=plan.dataset.train,
        queries=plan.queries,
        proposals=proposer.propose(),
        stored=context.candidates,
        answers=CachedAnswers(vlm, context, at_once=vlm.at_once, shared=takes_answers_of_other_runs(spec)),
        run=context.run_dir.name,
        request_sha=vlm.request_sha,
        at_once=vlm.at_once,
    )
    watch = EngineWatch(vlm)
    for row in budget.rows():
        yield row
        yield from watch.due(budget.answered)
    yield from watch.last(budget.answered)
    yield from changed_facts(facts, vlm)
    yield from _left_out(budget, info)
    meta = metadata(spec, context.run_dir.name, plan.dataset, vlm, proposer.pools, made_with)
    yield from rl_file(context.run_dir, budget, proposer.pools, meta)


def _plan(spec: GenerateSpec, context: RunContext) -> GenerationPlan:
    dataset = open_dataset(spec.dataset, cache_dir=context.cache_dir, images=spec.images)
    (subset,) = draw_subsets(dataset.train, dataset_sha=dataset.sha, limit=spec.queries, seed=spec.seed)
    ids = set(subset.question_ids)
    drawn = [one for one in dataset.train.questions if one.question_id in ids]
    if spec.start_idx >= len(drawn):
        raise UserError(f"start_idx: {spec.start_idx} was asked for, but {len(drawn)} queries were drawn; lower it")
    return GenerationPlan(spec, context, dataset, shard(subset, spec.start_idx, spec.end_idx), drawn)


def _check_scores_references(spec: GenerateSpec, facts: Mapping[str, Any]) -> None:
    field = "info_beams" if spec.info_beams else "reference_probabilities" if spec.reference_probabilities else ""
    if field and "vlm_engine" not in facts:
        raise UserError(
            f"{field}: {spec.vlm} states no probability of a given answer; leave it out, or give a model that is loaded here "
            "(a directory or a hub id)"
        )


def _inputs(plan: GenerationPlan) -> Iterator[Input]:
    spec, cache_dir = plan.spec, plan.context.cache_dir
    yield from dataset_inputs(spec.dataset, plan.dataset, [plan.subset])
    yield from model_input("vlm", spec.vlm, cache_dir)
    if spec.selector and not spec.all_pairs:
        yield from selector_inputs(spec, cache_dir)
    if (spec.retrieved and not spec.all_pairs) or pools.FIELDS.get(spec.pool):
        yield from encoder_input(spec, cache_dir)


def _facts(plan: GenerationPlan) -> Iterator[Fact]:
    yield from dataset_facts(plan.spec, plan.dataset)
    yield Fact("train_order_sha", plan.dataset.train.order_sha)
    yield Fact("subsets", {plan.subset.label: plan.subset.sha})


def _proposer(
    plan: GenerationPlan, vlm: VLM, info: InfoScores | None
) -> Generator[Row, None, tuple[Proposer, dict[str, Any]]]:
    """Pools and everything that proposals are made from; and what of it the file's metadata name."""
    spec, device = plan.spec, str(choose_device(plan.spec.device))
    selector = open_selector(plan.like_evaluation, device) if spec.selector and not spec.all_pairs else None
    embedded = (yield from _selector_vectors(plan, selector, vlm)) if selector else None
    encoder = None
    if (spec.retrieved and not spec.all_pairs) or pools.FIELDS.get(spec.pool):
        encoder = encoder_of(plan.like_evaluation, vlm, plan.context.cache_dir)
        yield from encoder_rows("encoder", encoder, None)
    pool = yield from _pools(plan, encoder, device)
    yield from pool_facts(pool)
    similar = (
        (yield from _vectors(plan, encoder, "both", Recipe())).part(plan.shard).unit()
        if encoder and spec.retrieved and not spec.all_pairs
        else None
    )
    network = selector.network if selector else None
    assert network is None or isinstance(network, PointerSelector), "a checkpoint holds a pointer selector"
    made_with = {
        "encoder": {"name": encoder.name, "model": encoder.model, "sha": encoder.sha} if encoder else None,
        "selector": {"path": str(selector.path), "sha": selector.sha} if selector else None,
    }
    return Proposer(spec, plan.queries, pool, similar, network, embedded, device, info), made_with


def _selector_vectors(plan: GenerationPlan, selector: Selector, vlm: VLM) -> Generator[Row, None, Vectors]:
    yield from selector_facts(selector)
    encoder = selector_encoder(plan.like_evaluation, selector, vlm, plan.context.cache_dir)
    yield from encoder_rows("selector_encoder", encoder, selector)
    return (yield from _vectors(plan, encoder, "both", selector.recipe)).part(plan.shard)


def _vectors(
    plan: GenerationPlan, encoder: Encoder, field: str, recipe: Recipe | None = None
) -> Generator[Row, None, Vectors]:
    """Features of the train split, each image encoded once; those of all drawn queries are some of its rows."""
    asked = [("train", field)]
    sides = {"train": plan.dataset.train.questions}
    found = yield from feature_steps(encoder, asked, sides, cache_dir=plan.context.cache_dir, recipe=recipe)
    train: Tensor = found["train", field]
    return Vectors(train[plan.rows(plan.drawn)], train)


def _pools(plan: GenerationPlan, encoder: Encoder | None, device: str) -> Generator[Row, None, pools.Pools]:
    spec = plan.spec
    features: dict[tuple[str, str], Tensor] = {}
    for field in pools.FIELDS.get(spec.pool, ()):
        assert encoder is not None, "a pool of neighbours comes with an encoder"
        vectors = yield from _vectors(plan, encoder, field)
        features |= {("query", field): vectors.queries, ("train", field): vectors.train}
    asked = pools.Request(spec.pool, spec.pool_size, spec.seed, spec.exclude_same_image, device)
    return pools.build_pools(
        asked, plan.drawn, plan.dataset.train, features=features, cache_dir=plan.context.cache_dir
    ).part(plan.shard)


def _left_out(budget: CandidateBudget, info: InfoScores | None) -> Iterator[Row]:
    """What has no answer: `gaps` of them, which going on with the run asks for again."""
    unread = budget.left_out + (info.left_out if info else 0)
    yield Fact("gaps", unread + budget.silent)
    found = list(_gaps(budget, unread, budget.first_error or (info.first_error if info else "")))
    yield from found
    said = {finding.code for finding in found}
    yield from (Withdrawn(code, subject) for code, subject in LEFT_OUT if code not in said)


def _gaps(budget: CandidateBudget, unread: int, first_error: str) -> Iterator[Finding]:
    if unread:
        yield Finding(
            code="image-unreadable",
            severity="warning",
            subject="candidates",
            message=f"{unread} candidates were left out, because an image cannot be read: {first_error}.",
            fix=f"put the images in place and `leverplus resume {budget.run}`; what was answered is not asked again",
        )
    if budget.silent:
        asked, needed = budget.silent + budget.answered, budget.answers.tokens_needed()
        yield silent_answers(budget.silent, asked, budget.first_silence, needed)
