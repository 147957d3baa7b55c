"""The steps that RL data is derived by: published filters and repairs, each a specification that turns a group into a group.

A group that comes back without candidates is dropped.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import Field, ValidationError

from db.specs.base import Spec, UserError
from engine.common.accuracy import METRIC, clean_answer, vqa_accuracy
from engine.rl.health.rates import UNVERIFIED
from engine.rl.writing.groups import METHOD_ORDER, Group, Pointed, scored_fields


class Step(Spec):
    """A change of one group; what is not changed stays the same object."""

    def apply(self, group: Group) -> Group:
        """The group after the step."""
        raise NotImplementedError

    def conflicts(self, group: Group) -> int:
        """Sets of demonstrations of which only one candidate stays although their scores contradict each other."""
        return 0

    def changes_meta(self) -> dict[str, Any]:
        """What the file's metadata say differently after the step."""
        return {}


class Balanced(Step):
    """Keep queries with enough right and enough wrong candidates."""

    min_positive: int = Field(default=1, ge=0)
    """Right candidates at least."""
    min_negative: int = Field(default=1, ge=0)
    """Wrong candidates at least."""

    def apply(self, group: Group) -> Group:
        positive = sum(one.correct for one in group.candidates)
        enough = positive >= self.min_positive and len(group.candidates) - positive >= self.min_negative
        return group if enough else group.replaced(candidates=())


class Strict(Step):
    """Keep queries whose share of right candidates is in bounds, with enough of both kinds."""

    max_pos_ratio: float = Field(default=0.6, ge=0, le=1)
    """Largest share of right candidates."""
    min_pos_ratio: float = Field(default=0.0, ge=0, le=1)
    """Smallest share of right candidates."""
    min_neg_count: int = Field(default=3, ge=0)
    """Wrong candidates at least."""
    min_pos_count: int = Field(default=2, ge=0)
    """Right candidates at least."""

    def apply(self, group: Group) -> Group:
        total, positive = len(group.candidates), sum(one.correct for one in group.candidates)
        within = self.min_pos_ratio * total <= positive <= self.max_pos_ratio * total
        enough = positive >= self.min_pos_count and total - positive >= self.min_neg_count
        return group if within and enough else group.replaced(candidates=())


class DropTransfers(Step):
    """Drop candidates whose label was copied from another query and never asked of the model."""

    def apply(self, group: Group) -> Group:
        return _keep(group, lambda one: one.fields.get("gen_method") not in UNVERIFIED)


class DropFallback(Step):
    """Drop candidates that were scored by substring (`fallback`), or not at all (`error`, `eval_failed`)."""

    def apply(self, group: Group) -> Group:
        return _keep(group, lambda one: one.fields.get("vqa_eval_mode") != "fallback" and not _failed(one))


class Deduplicate(Step):
    """Keep one candidate for each set of demonstrations: a really scored one, of those that of the better method, else the
    first."""

    ordered: bool = False
    """Tell the orders of one set apart."""

    def apply(self, group: Group) -> Group:
        best: dict[object, Pointed] = {}
        for one in group.candidates:
            key = self._key(one)
            if key not in best or _preference(one) < _preference(best[key]):
                best[key] = one
        kept = {id(one) for one in best.values()}
        return _keep(group, lambda one: id(one) in kept)

    def conflicts(self, group: Group) -> int:
        scores: dict[object, set[float]] = {}
        for one in group.candidates:
            if not _untrusted(one):
                scores.setdefault(self._key(one), set()).add(_score(one))
        return sum(len(found) > 1 for found in scores.values())

    def _key(self, one: Pointed) -> object:
        return one.rows if self.ordered else frozenset(one.rows)


class DropSelf(Step):
    """Drop candidates that show the query itself, answer included."""

    def apply(self, group: Group) -> Group:
        return _keep(group, lambda one: group.query_id not in one.rows)


class DropRepeats(Step):
    """Drop candidates that show a demonstration twice."""

    def apply(self, group: Group) -> Group:
        return _keep(group, lambda one: len(set(one.rows)) == len(one.rows))


class PoolRepair(Step):
    """Take repeats and the query itself out of its pool, and drop pointers outside it or at odds with themselves.

    Positions are counted anew when the file is written.
    """

    def apply(self, group: Group) -> Group:
        pool = tuple(dict.fromkeys(row for row in group.pool if row != group.query_id and row >= 0))
        mended = group if pool == group.pool else group.replaced(pool=pool)
        inside = set(pool)
        return _keep(mended, lambda one: not one.contradicts and (not pool or inside.issuperset(one.rows)))


class Rescore(Step):
    """Score the stored answers again with the official metric; what has no answer of its own or no references is dropped.

    A failed candidate is scored by its raw generation; without one it stays failed, because its answer is a placeholder.
    """

    def apply(self, group: Group) -> Group:
        references = [
            one["answer"] if isinstance(one, dict) else one for one in (group.about or {}).get("gt_answers_raw") or ()
        ]
        if not references:
            return group.replaced(candidates=())
        scored = [_rescored(one, references) for one in group.candidates]
        return group.replaced(candidates=tuple(one for one in scored if one is not None))

    def changes_meta(self) -> dict[str, Any]:
        return {"metric": METRIC}


STEPS: dict[str, type[Step]] = {
    "balanced": Balanced,
    "strict": Strict,
    "drop-transfers": DropTransfers,
    "drop-fallback": DropFallback,
    "deduplicate": Deduplicate,
    "drop-self": DropSelf,
    "drop-repeats": DropRepeats,
    "pool-repair": PoolRepair,
    "rescore": Rescore,
}


def parse_steps(names: Sequence[str], assignments: Sequence[str], *, needed: bool = True) -> list[tuple[str, Step]]:
    """Steps by name with `STEP.FIELD=VALUE` assignments. Raises UserError naming what is not known."""
    if not names and needed:
        raise UserError(f"no step was given; choose from {', '.join(STEPS)} with --step")
    values: dict[str, dict[str, str]] = {name: {} for name in names}
    for name in names:
        if name not in STEPS:
            raise UserError(f"there is no step {name!r}; choose from {', '.join(STEPS)}")
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        step, _, parameter = path.partition(".")
        if not (equals and step in values and parameter):
            raise UserError(f"--set {assignment}: write STEP.FIELD=VALUE for one of the steps {', '.join(names)}")
        values[step][parameter] = text
    return [(name, _validated(name, values[name])) for name in names]


def _validated(name: str, values: Mapping[str, str]) -> Step:
    try:
        return STEPS[name].model_validate(dict(values))
    except ValidationError as error:
        first = error.errors()[0]
        known = ", ".join(STEPS[name].model_fields) or "it has no fields"
        where = ".".join(map(str, first["loc"]))
        raise UserError(f"--set {name}.{where}={first['input']}: {first['msg'].lower()} ({known})") from None


def _keep(group: Group, wanted: Callable[[Pointed], bool]) -> Group:
    kept = tuple(one for one in group.candidates if wanted(one))
    return group if len(kept) == len(group.candidates) else group.replaced(candidates=kept)


def _failed(one: Pointed) -> bool:
    """Never scored, so that its values are placeholders."""
    return bool(one.fields.get("eval_failed")) or one.fields.get("vqa_eval_mode") == "error"


def _untrusted(one: Pointed) -> bool:
    """Its score is not what the official metric says of an answer to this query."""
    fields = one.fields
    return _failed(one) or fields.get("vqa_eval_mode") == "fallback" or fields.get("gen_method") in UNVERIFIED


def _score(one: Pointed) -> float:
    told = one.fields.get("vqa_acc_score")
    return float(one.correct if told is None else told)


def _preference(one: Pointed) -> tuple[bool, int]:
    """What was really scored first, then by the method's place in the published order, in which those of later tools are last."""
    name = str(one.fields.get("gen_method") or "")
    place = next((at for at, method in enumerate(METHOD_ORDER) if name.startswith(method)), len(METHOD_ORDER))
    return _untrusted(one), place


def _rescored(one: Pointed, references: Sequence[str]) -> Pointed | None:
    """None for a candidate without an answer of its own; the same object where nothing changes."""
    if one.fields.get("gen_method") in UNVERIFIED:
        return None
    raw = next((one.fields[name] for name in ("vqa_raw_generation", "raw_generation") if one.fields.get(name)), None)
    if _failed(one) and raw is None:
        return one
    answer = None if _failed(one) else one.fields.get("vqa_pred_answer")
    if answer is None and raw is not None:
        answer = clean_answer(str(raw))
    if answer is None:
        return None
    score = vqa_accuracy(answer, references)
    fields = {**one.fields, "vqa_pred_answer": answer, **scored_fields(answer, references, score), "eval_failed": False}
    if fields.get("eval_split_used") == "fallback":
        fields["eval_split_used"] = None
    return one if fields == one.fields else Pointed(one.rows, fields, one.contradicts)
