"""What an evaluation is about, settled before its model is loaded: data sets, questions, shots, retriever."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from db.rows import Fact, Input, Row, Subset
from db.specs.evaluate import COMPARED, SELECTING, EvalSpec
from engine.data.datasets import Dataset, Sample, Split, open_dataset
from engine.data.defaults import resolve_retriever
from engine.data.subsets import draw_subsets
from engine.demonstrations.pools import FIELDS
from engine.recipes.dataset_rows import dataset_facts
from engine.recipes.inputs import dataset_inputs, encoder_input, model_input, selector_inputs
from engine.recipes.run_context import RunContext


@dataclass(frozen=True)
class EvaluationPlan:
    """Everything that is settled before the first question is asked."""

    spec: EvalSpec
    dataset: Dataset
    retriever: str
    shots: tuple[int, ...]
    subsets: list[Subset]
    questions: list[Sample]
    """The questions of all subsets, by ascending id."""
    support: Dataset
    """Whose train questions are shown: the data set itself, or another one."""
    train: Split
    """Where demonstrations come from; empty for an evaluation without any."""


def planned(spec: EvalSpec, context: RunContext) -> EvaluationPlan:
    """Open the data sets and draw the questions. Raises UserError."""
    dataset = open_dataset(spec.dataset, cache_dir=context.cache_dir, images=spec.images)
    split = dataset.split(spec.split)
    retriever = resolve_retriever(spec)
    shots = (0,) if retriever == "zero-shot" else tuple(dict.fromkeys(spec.shots))
    subsets = draw_subsets(split, dataset_sha=dataset.sha, limit=spec.limit, first=spec.first, seed=spec.seed)
    ids = {one for subset in subsets for one in subset.question_ids}
    questions = [sample for sample in split.questions if sample.question_id in ids]
    support = _support(spec, dataset, context) if any(shots) else dataset
    train = support.train if any(shots) else Split("train", [])
    return EvaluationPlan(spec, dataset, retriever, shots, subsets, questions, support, train)


def _support(spec: EvalSpec, dataset: Dataset, context: RunContext) -> Dataset:
    """The data set of the demonstrations; the very one that is evaluated where both are the same."""
    other = open_dataset(spec.support, cache_dir=context.cache_dir, images=spec.images) if spec.support else dataset
    return dataset if other.sha == dataset.sha else other


def inputs_of(plan: EvaluationPlan, context: RunContext) -> Iterator[Input]:
    """Everything that the evaluation opens, by content."""
    spec = plan.spec
    yield from dataset_inputs(spec.dataset, plan.dataset, plan.subsets)
    yield from model_input("vlm", spec.vlm, context.cache_dir)
    if plan.retriever == "zero-shot" or not any(plan.shots):
        return
    if plan.support is not plan.dataset:
        yield Input("support", spec.support, plan.support.sha)
    if plan.retriever in SELECTING:
        yield from selector_inputs(spec, context.cache_dir)
    if plan.retriever in COMPARED.keys() - SELECTING or FIELDS.get(spec.pool):
        yield from encoder_input(spec, context.cache_dir)


def facts_of(plan: EvaluationPlan) -> Iterator[Row]:
    """What is stored of data sets, subsets and retriever."""
    yield from dataset_facts(plan.spec, plan.dataset)
    yield Fact("order_sha", plan.dataset.split(plan.spec.split).order_sha)
    yield Fact("subsets", {subset.label: subset.sha for subset in plan.subsets})
    if plan.train.questions:
        yield Fact("train_order_sha", plan.train.order_sha)
    if plan.support is not plan.dataset:
        yield Fact("support", plan.support.name)
        yield Fact("support_sha", plan.support.sha)
    yield Fact("retriever", plan.retriever)
