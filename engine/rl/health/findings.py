"""What is wrong with RL data: too little signal, leaks, mixed index spaces, labels that were never verified."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from db.specs.base import Finding
from engine.common.findings import error, info, warning
from engine.common.wording import capital
from engine.rl.health.impossible import impossible_values
from engine.rl.health.origin import UNIFORM_SPREAD, literal_prompts, uniform_groups
from engine.rl.health.rates import UNVERIFIED, health
from engine.rl.reading.file import RLFile
from engine.rl.rewards import Weights

POSITIVES_SUSPICIOUS, POSITIVES_FEW, POSITIVES_MANY = 0.01, 0.05, 0.90
QUERIES_FEW, SIGNAL_FEW, MIXED_FEW, FALLBACK_MANY = 0.20, 0.10, 0.50, 0.10
REPEATS_MANY, ONE_ANSWER_MANY = 0.10, 0.50
"""Ours: generators drop repeats, and demonstrations that matter change answers in more than half of the groups."""


EMPTY_MANY = 0.05
"""Ours, as for evaluations: honest answers of the published models are empty in under one of a hundred."""
LITERAL_SOME, LITERAL_MANY, UNIFORM_MANY = 0.01, 0.5, 0.8
"""Ours: a question may itself hold a brace, and a few groups have proposals that are equally likely by chance."""


@dataclass(frozen=True)
class Case:
    """A file, its measures and how to call it."""

    data: RLFile
    measures: dict[str, Any]

    @property
    def subject(self) -> str:
        """The file."""
        return str(self.data.path)


def rl_findings(
    data: RLFile, *, mode: str = "hard_plus_soft", weights: Weights | None = None, methods: Sequence[str] = ()
) -> tuple[dict[str, Any], list[Finding]]:
    """(measures, findings) of an RL file as a training under this reward sees it; no finding for a file without fault."""
    case = Case(data, health(data, mode=mode, weights=weights, methods=methods))
    return case.measures, [finding for check in CHECKS for finding in check(case)]


def _positives(case: Case) -> Iterator[Finding]:
    if data_is_legacy(case.data):
        return
    rate, usable = case.measures["positive_rate"], case.measures["usable"]
    count = round(rate * usable)
    if not usable:
        yield error(
            "positive-rate-low", case.subject, "No candidate was scored by the official metric.", "Score them again."
        )
    elif rate < POSITIVES_SUSPICIOUS:
        text = (
            f"Only {count:,} of {usable:,} candidates are right ({100 * rate:.2f} %, below 1 %): suspect the prompt, not the "
            "demonstrations. A template that does not insert the question gives exactly this."
        )
        yield error(
            "positive-rate-low", case.subject, text, "Read a stored prompt or raw answer before training on it."
        )
    elif rate < POSITIVES_FEW:
        text = f"{100 * rate:.1f} % of the candidates are right (below 5 %, our threshold): little can be imitated."
        yield warning(
            "positive-rate-low", case.subject, text, "Check prompt and scoring; spend more candidates on a query."
        )
    elif rate > POSITIVES_MANY:
        text = f"{100 * rate:.1f} % of the candidates are right (above 90 %): hardly any choice matters."
        yield warning("positive-rate-high", case.subject, text, "Use harder queries.")
    if rate >= POSITIVES_FEW and case.measures["query_positive_rate"] < QUERIES_FEW:
        share = 100 * case.measures["query_positive_rate"]
        text = f"Only {share:.1f} % of the queries have a right candidate at all (below 20 %)."
        yield warning(
            "query-positive-rate-low", case.subject, text, "Spend more candidates on the queries without one."
        )


def _signal(case: Case) -> Iterator[Finding]:
    if data_is_legacy(case.data) or not case.measures["usable"]:
        return
    rate, groups = case.measures["signal_rate"], case.measures["groups"]
    total = max(sum(groups.values()), 1)
    if rate < SIGNAL_FEW:
        text = (
            f"{100 * rate:.2f} % of the groups can teach anything (two candidates with different rewards; below 10 %, published): "
            f"expect a mean advantage deviation near {case.measures['predicted_advantage_std']:.4f}."
        )
        yield error(
            "signal-rate-low",
            case.subject,
            text,
            "Generate more candidates per query, or other queries; do not train on it.",
        )
    elif groups["mixed"] / total < MIXED_FEW:
        text = f"{100 * groups['mixed'] / total:.0f} % of the groups have right and wrong candidates (below 50 %)."
        yield info("mixed-groups-few", case.subject, text, "GRPO learns from the others only where scores differ.")


def _self_demonstration(case: Case) -> Iterator[Finding]:
    own = case.data.query_ids[case.data.group()]
    bad = (case.data.candidates.rows == own[:, None]).any(1)
    if bad.any():
        text = f"{int(bad.sum()):,} pointers show the query itself, answer included (first: {case.data.place(bad)})."
        yield error("self-demonstration", case.subject, text, "Drop these candidates.")
    pools = case.data.pools
    owners = np.repeat(case.data.query_ids, pools.sizes())
    leaks = int((pools.ids == owners).sum())
    if leaks:
        text = (
            f"{leaks:,} stored pools contain their own query (first: query {owners[(pools.ids == owners).argmax()]})."
        )
        yield error("self-demonstration", f"{case.subject} pools", text, "Take the query out of its pool.")


def _repeats(case: Case) -> Iterator[Finding]:
    rows = np.sort(case.data.candidates.rows, axis=1)
    bad = ((rows[:, 1:] == rows[:, :-1]) & (rows[:, 1:] >= 0)).any(1)
    if bad.any():
        text = f"{int(bad.sum()):,} pointers name a demonstration twice (first: {case.data.place(bad)}); that costs about 100 nats."
        yield error("pointer-repeat", case.subject, text, "Drop these candidates.")


def _spaces(case: Case) -> Iterator[Finding]:
    mixed = case.data.mixed_groups()
    if mixed.any():
        text = (
            f"In {int(mixed.sum()):,} groups some pointers count inside the pool and others over all train rows, or contradict "
            f"themselves (first: {case.data.place(case.data.odd_spaces())}); read in one way, they name the wrong demonstrations."
        )
        yield error("index-space-mixed", case.subject, text, "Generate these queries again, or drop them.")


def _out_of_pool(case: Case) -> Iterator[Finding]:
    c = case.data.candidates
    pooled = case.data.pools.sizes()[case.data.group()] > 0
    bad = pooled & ((c.positions < 0) & (c.rows >= 0)).any(1)
    if bad.any():
        text = f"{int(bad.sum()):,} pointers name a demonstration outside the query's stored pool (first: {case.data.place(bad)})."
        yield error("pointer-out-of-pool", case.subject, text, "Drop these candidates, or repair the pools.")


def _pools(case: Case) -> Iterator[Finding]:
    pools, sizes = case.data.pools, case.data.pools.sizes()
    if not sizes.any():
        return
    group = np.repeat(np.arange(len(sizes)), sizes)
    low, width = pools.ids.min(), np.ptp(pools.ids) + 1
    keys = np.sort(group * width + (pools.ids - low))
    repeated = int((keys[1:] == keys[:-1]).sum())
    if repeated:
        text = f"{repeated:,} entries of the stored pools repeat another of the same pool."
        yield error("pool-duplicate", case.subject, text, "Remove the repeats; pointers must be renumbered.")
    kinds, lacking = np.unique(sizes[sizes > 0]), int((sizes == 0).sum())
    told = []
    if len(kinds) > 1:
        told.append(f"stored pools have {len(kinds)} sizes, from {kinds[0]} to {kinds[-1]}")
    if lacking:
        told.append(
            f"{lacking:,} of {len(sizes):,} queries have no stored pool, so what was chosen there is their pool"
        )
    if told:
        text = f"{'; '.join(told)}: losses over them are not comparable."
        fix = "Compare losses with the uniform reference only."
        yield warning("pool-size-uneven", case.subject, capital(text), fix)


def _groups(case: Case) -> Iterator[Finding]:
    singles = int((case.data.sizes() == 1).sum())
    if singles:
        text = (
            f"{singles:,} groups have one candidate: no advantage (upstream's GRPO turns NaN on them; ours skips them)."
        )
        yield warning("single-candidate-group", case.subject, text, "Generate more candidates for these queries.")
    empty = int((case.data.sizes() == 0).sum())
    if empty:
        yield warning(
            "empty-group", case.subject, f"{empty:,} queries have no candidate.", "They are left out of training."
        )


def _scoring(case: Case) -> Iterator[Finding]:
    c, total = case.data.candidates, max(len(case.data.candidates.lengths), 1)
    fallback = int(c.mode.of("fallback").sum())
    if fallback / total > FALLBACK_MANY:
        text = (
            f"{100 * fallback / total:.0f} % of the candidates were scored by substring, not by the official metric (above 10 %, "
            "published); there an empty answer counts as half right."
        )
        yield warning("fallback-share", case.subject, text, "Score the stored answers again with the official metric.")
    elif fallback and case.data.meta.get("strict_eval") is True:
        text = (
            f"_meta says strict_eval, which drops what the official metric cannot score, yet {fallback:,} of {total:,} candidates "
            f"were scored by substring (first: {case.data.place(c.mode.of('fallback'))}): they were merged in from elsewhere."
        )
        yield warning("fallback-share", case.subject, text, "Score them again with the official metric, or drop them.")
    copied = int(c.method.of(*UNVERIFIED).sum())
    if copied:
        text = f"The labels of {copied:,} candidates were copied from another query and never asked of the model."
        yield warning("unverified-transfer", case.subject, text, "Drop them, or let the model answer.")
    if np.isnan(c.correct).any() and not data_is_legacy(case.data):
        absent = int(np.isnan(c.correct).sum())
        text = f"{absent:,} of {total:,} candidates have no vqa_correct; modes that weigh it see 0 there."
        yield warning("correctness-missing", case.subject, text, "Train with reward_mode=soft_only, or score again.")


def _variety(case: Case) -> Iterator[Finding]:
    repeated, alike = case.measures["duplicates"], case.measures["one_answer_share"]
    if repeated["ratio"] > REPEATS_MANY:
        text = (
            f"{repeated['any_order']:,} candidates ({100 * repeated['ratio']:.0f} %, above 10 %, our threshold) repeat the "
            f"demonstrations of another in their group, {repeated['exact']:,} of them in the same order."
        )
        yield warning(
            "duplicate-candidates",
            case.subject,
            text,
            "De-duplicate (`leverplus data derive`), or propose more widely.",
        )
    if alike is not None and alike > ONE_ANSWER_MANY and case.measures["usable"]:
        text = (
            f"In {100 * alike:.0f} % of the groups all candidates got one and the same answer (above 50 %, our threshold): the "
            "choice of demonstrations does not reach the model."
        )
        yield info(
            "answers-alike", case.subject, text, "Look at a stored prompt: are the demonstrations in it, answers too?"
        )


def _empty_answers(case: Case) -> Iterator[Finding]:
    """A stored answer of no text is a fault of prompt, decoding or post-processing, not of the demonstrations."""
    scored = np.isfinite(case.data.candidates.accuracy)
    empty, of = int((case.data.candidates.answer.of("") & scored).sum()), int(scored.sum())
    if empty and EMPTY_MANY * of <= empty < of / 2:  # where most are missing, the file stores no answers
        text = (
            f"{empty:,} of {of:,} scored candidates ({100 * empty / of:.0f} %) have an empty answer: their rewards tell of the "
            "prompt or the post-processing, not of the demonstrations."
        )
        yield warning("empty-answers", case.subject, text, "Look at the raw answers, then generate the data again.")


def _meta(case: Case) -> Iterator[Finding]:
    if not case.data.meta:
        text = "The file has no _meta: which model, prompt and decoding made it cannot be verified."
        yield info("meta-missing", case.subject, text, "Keep the generator's output; repairs often drop _meta.")


def _prompts(case: Case) -> Iterator[Finding]:
    literal, seen = literal_prompts(case.data.path)
    if literal and literal >= LITERAL_SOME * seen:
        text = (
            f"{literal:,} of the first {seen:,} stored prompts hold a placeholder such as {{question}} that nothing was put in "
            "for: the model never saw what it was asked, and these rewards say nothing of demonstrations."
        )
        make = error if literal >= LITERAL_MANY * seen else warning
        yield make("placeholder-literal", case.subject, text, "Mend the template and generate the data again.")


def _policy(case: Case) -> Iterator[Finding]:
    alike, groups = uniform_groups(case.data)
    if groups and alike >= UNIFORM_MANY * groups:
        text = (
            f"In {100 * alike / groups:.0f} % of the groups the policy that proposed the candidates held all of them for equally "
            f"likely (log-probabilities within {UNIFORM_SPREAD:g}): it was as good as untrained, and its beams are random picks."
        )
        fix = "Look at how the proposing selector was loaded (`leverplus doctor CHECKPOINT`), then generate again."
        yield warning("policy-uniform", case.subject, text, fix)


def data_is_legacy(data: RLFile) -> bool:
    """Beam data without answers: nothing in it is right or wrong."""
    return data.variant == "legacy"


CHECKS: tuple[Callable[[Case], Iterator[Finding]], ...] = (
    _positives, _signal, _self_demonstration, _repeats, _spaces, _out_of_pool, _pools, _groups, _scoring, _variety,
    lambda case: impossible_values(case.data), _empty_answers, _meta, _prompts, _policy,
)  # fmt: skip
