"""Fields that another field leaves without effect: whoever sets one, or varies it in a sweep, is told."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from db.specs.base import Spec

Idle = tuple[tuple[str, ...], Callable[[Any], bool], str]
"""Fields, whether they are without effect in a specification, and why."""
_SERVED = ("http://", "https://")
_UNRANKED = ("zero-shot", "random", "fixed")
_RANKED = ("t2t", "i2t", "i2i", "qi2qi", "mmices")
_ANSWERS: tuple[Idle, ...] = (
    (
        ("decode.temperature", "decode.top_p", "decode.top_k", "decode.seed"),
        lambda spec: not spec.decode.do_sample,
        "decode.do_sample is false, so nothing is drawn",
    ),
    (
        ("decode.length_penalty",),
        lambda spec: spec.decode.num_beams == 1,
        "decode.num_beams is 1, and only beams are weighed",
    ),
    (
        ("served_model", "concurrency"),
        lambda spec: not spec.vlm.startswith(_SERVED),
        "vlm is not the address of a server",
    ),
    (("pool_size",), lambda spec: spec.pool == "all", "pool is all, which has no size"),
)
IDLE: dict[str, tuple[Idle, ...]] = {
    "eval": (
        *_ANSWERS,
        (("most_similar_last",), lambda spec: spec.retriever in _UNRANKED, "the retriever ranks nothing by likeness"),
        (("order",), lambda spec: max(spec.shots) < 2, "at most one demonstration is shown"),
        (
            ("seed",),
            lambda spec: spec.retriever in _RANKED and spec.pool == "all" and not spec.limit and spec.order != "shuffled",
            "questions, demonstrations and their order are chosen without drawing",
        ),
    ),
    "generate": _ANSWERS,
    "train": (
        (
            ("rce_lr", "temperature_start", "temperature_end", "rce_reward"),
            lambda spec: not spec.rce_epochs,
            "rce_epochs is 0",
        ),
        (
            ("grpo_lr", "early_epochs", "early_top_k", "late_top_k", "clip_epsilon", "kl_beta", "adaptive_kl", "use_kl",
             "advantage_clip", "grpo_reward", "grpo_dropout", "reference"),
            lambda spec: not spec.grpo_epochs,
            "grpo_epochs is 0",
        ),
        (("kl_beta", "adaptive_kl"), lambda spec: spec.grpo_epochs and not spec.use_kl, "use_kl is false"),
        (("normalize_clamp",), lambda spec: spec.normalize != "z_score_clamp", "normalize is not z_score_clamp"),
    ),
}  # fmt: skip


def idle(spec: Any) -> Iterator[tuple[list[str], str]]:
    """Fields that were set, to something else than their default, and are without effect; with the reason that they share."""
    for fields, is_idle, why in _rules(spec):
        if is_idle(spec) and (found := [field for field in fields if _value(spec, field) != _default(spec, field)]):
            yield found, why


def why_idle(spec: Any, field: str) -> str:
    """Why a field is without effect in a specification; empty where it has one."""
    return next((why for fields, is_idle, why in _rules(spec) if field in fields and is_idle(spec)), "")


def _rules(spec: Any) -> tuple[Idle, ...]:
    return IDLE.get("train" if spec.kind in ("rce", "grpo") else spec.kind, ())


def _value(spec: Any, field: str) -> Any:
    for name in field.split("."):
        spec = getattr(spec, name)
    return spec


def _default(spec: Any, field: str) -> Any:
    *outer, name = field.split(".")
    for part in outer:
        spec = getattr(spec, part)
    owner: type[Spec] = type(spec)
    return owner.model_fields[name].get_default(call_default_factory=True)
