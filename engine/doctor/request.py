"""Holds a checkpoint against a request: would every parameter that was trained be used, and every one that is used be trained?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.selector import MAX_SHOTS, PUBLISHED, SelectorParts, Shape, expected_tensors, parameter_count
from engine.doctor.findings import error, warning
from engine.doctor.layouts import Coverage, compare
from engine.doctor.recognition import Recognised, extra_parts, missing_parts

SMALL_POOL = 8
"""Below this a pool hardly leaves a choice (our threshold)."""
GATED = ("v2", "v3", "v4_1")
NUMBERS = ("d_model", "hidden_dim", "num_layers", "num_heads", "shots", "pool_size", "train_size")


@dataclass(frozen=True)
class Request:
    """What a checkpoint should be; None means not asked."""

    d_model: int | None = None
    hidden_dim: int | None = None
    num_layers: int | None = None
    num_heads: int | None = None
    shots: int | None = None
    pool_size: int | None = None
    train_size: int | None = None
    variant: str | None = None
    encoder: str | None = None

    @classmethod
    def parse(cls, fields: Mapping[str, str]) -> Request:
        """From text values. Raises UserError naming field, value and what is allowed."""
        values: dict[str, Any] = {}
        for name, text in fields.items():
            if name in NUMBERS:
                if not text.isdigit():
                    raise UserError(f"--expect {name}={text}: give a whole number")
                values[name] = int(text)
            elif name == "variant" and text not in PUBLISHED:
                raise UserError(f"--expect variant={text}: give one of {', '.join(PUBLISHED)}")
            elif name in ("variant", "encoder"):
                values[name] = text
            else:
                raise UserError(f"--expect {name}: give one of {', '.join((*NUMBERS, 'variant', 'encoder'))}")
        return cls(**values)

    @property
    def asks_for_a_network(self) -> bool:
        """Whether anything decides which tensors are needed."""
        return any(v is not None for v in (self.variant, self.d_model, self.hidden_dim, self.num_layers))


@dataclass(frozen=True)
class Case:
    """A checkpoint and a request for it."""

    path: Path
    found: Recognised
    shapes: Mapping[str, Shape]
    declared: Mapping[str, Any]
    request: Request
    cover: Coverage

    @property
    def subject(self) -> str:
        """The file."""
        return str(self.path)


def judge_request(
    path: Path,
    found: Recognised,
    shapes: Mapping[str, Shape],
    shapes_as_named: Mapping[str, Shape],
    declared: Mapping[str, Any],
    request: Request,
) -> tuple[dict[str, Any], list[Finding]]:
    """Facts (shares of parameters matched and left random) and findings of a request; nothing when nothing is asked.

    Coverage is taken of the names as they stand in the file, so that it is what a loader gets that renames nothing.
    """
    if request == Request():
        return {}, []
    wanted = _wanted(found, request)
    case = Case(path, found, shapes, declared, request, compare(shapes, wanted))
    findings = [f for check in CHECKS for f in check(case)]
    as_named = compare(shapes_as_named, wanted)
    facts: dict[str, Any] = {
        "parameters_expected": as_named.parameters,
        "parameters_matched": round(1 - as_named.parameters_random, 6),
        "parameters_random": round(as_named.parameters_random, 6),
        "tensors_missing": len(as_named.missing),
        "tensors_unexpected": len(as_named.unexpected),
    }
    return facts, findings


def _wanted(found: Recognised, request: Request) -> dict[str, Shape]:
    sizes = found.sizes
    parts = wanted_parts(found, request)
    return expected_tensors(
        parts,
        request.d_model or sizes.d_model,
        request.hidden_dim or sizes.hidden_dim,
        sizes.num_layers if request.num_layers is None else request.num_layers,
        sizes.shots,
    )


def wanted_parts(found: Recognised, request: Request) -> SelectorParts:
    """The parts of the variant asked for; those of the file where it is one of several networks under that name."""
    if request.variant is None or (request.variant in found.names and found.parts.state_update != "static"):
        return found.parts
    return PUBLISHED[request.variant]


def _widths(case: Case) -> Iterator[Finding]:
    asked, sizes = case.request, case.found.sizes
    if asked.d_model and asked.d_model != sizes.d_model:
        if "input_proj.weight" not in case.shapes and sizes.d_model == sizes.hidden_dim:
            reason = (
                f"there is no input projection, so the embeddings must be as wide as the selector ({sizes.hidden_dim})"
            )
        else:
            reason = f"it was trained on embeddings {sizes.d_model} wide{_encoder_of(sizes.d_model)}"
        text = f"The request has d_model={asked.d_model}{_encoder_of(asked.d_model)}, but {reason}."
        yield error("d-model", case.subject, text, "Embed with the encoder that it was trained with.")
    if asked.hidden_dim and asked.hidden_dim != sizes.hidden_dim and case.found.parts.projection == "linear":
        text = f"The request has hidden_dim={asked.hidden_dim}, but the selector is {sizes.hidden_dim} wide; loading would fail."
        yield error("hidden-dim", case.subject, text, f"Ask for hidden_dim={sizes.hidden_dim}.")


def _encoder_of(width: int) -> str:
    return {512: " (CLIP B/32 or B/16)", 768: " (CLIP L/14)"}.get(width, "")


def _layers(case: Case) -> Iterator[Finding]:
    asked, has = case.request.num_layers, case.found.sizes.num_layers
    if asked is None or asked == has or case.found.parts.projection == "towers":
        return
    stems = [
        f"{stem}.{layer}."
        for layer in range(min(asked, has), max(asked, has))
        for stem in ("cross_attn_layers", "attn_norms")
    ]
    if asked > has:
        names = [name for name in case.cover.missing if name.startswith(tuple(stems))]
        random = parameter_count([_wanted(case.found, case.request)[name] for name in names])
        share = 100 * random / case.cover.parameters
        text = (
            f"The file has {has} cross-attention layer{'s' * (has != 1)}, the request {asked}: layers {has} to {asked - 1} "
            f"({random:,} of {case.cover.parameters:,} parameters, {share:.0f} %) would stay random."
        )
        yield error("layers-missing", case.subject, text, f"Ask for num_layers={has}.")
    else:
        lost = parameter_count([shape for name, shape in case.shapes.items() if name.startswith(tuple(stems))])
        text = f"The file has {has} cross-attention layers, the request {asked}: {lost:,} trained parameters would be dropped."
        yield error("layers-dropped", case.subject, text, f"Ask for num_layers={has}.")


def _variant(case: Case) -> Iterator[Finding]:
    name, found = case.request.variant, case.found
    if name is None:
        return
    asked = PUBLISHED[name]
    if (asked.projection == "towers") != (found.parts.projection == "towers"):
        text = f"The request is {name}, but the file is of another family ({_looks(found)}): not one tensor fits."
        yield error("family-mismatch", case.subject, text, "Give a checkpoint of that family, or ask for what it is.")
    elif asked.state_update == "gate" and found.parts.state_update == "static" and not extra_parts(found.parts, name):
        yield _gate_missing(case, name)
    elif found.parts.state_update == "gate" and asked.state_update != "gate":
        text = (
            f"The request is {name}, which has no gate: the trained update rule (query_update_gate) would be ignored."
        )
        yield error("gate-ignored", case.subject, text, f"Ask for {_looks(found)}.")
    elif name not in found.names:
        yield from _other_variant(case, name)


def _gate_missing(case: Case, name: str) -> Finding:
    random = (
        parameter_count([(s.hidden_dim, 2 * s.hidden_dim) for s in (case.found.sizes,)]) + case.found.sizes.hidden_dim
    )
    text = (
        f"The file is older than the gate that {name} has since 2025-12-29: {random:,} of {case.cover.parameters:,} parameters "
        f"({100 * random / case.cover.parameters:.0f} %) would stay random and change every pick after the first."
    )
    return error("gate-missing", case.subject, text, "Use it without a gate (static query), as it was trained.")


def _other_variant(case: Case, name: str) -> Iterator[Finding]:
    found = case.found
    missing, extra = missing_parts(found.parts, name), extra_parts(found.parts, name)
    if missing and not extra:
        text = (
            f"The request is {name}, but its {' and '.join(missing)} is not in the file: "
            f"{100 * case.cover.parameters_random:.1f} % of the parameters would stay random."
        )
        yield error("head-missing", case.subject, text, f"Ask for {_looks(found)}, or give the {name} checkpoint.")
        return
    ignored = len(case.cover.unexpected)
    text = f"The file looks like {_looks(found)}, the request is {name}: {ignored} tensors would be ignored"
    if case.cover.missing:
        random = case.cover.parameters - case.cover.parameters_matched
        text += f" and {random:,} of {case.cover.parameters:,} parameters would stay random"
    yield error("variant-mismatch", case.subject, f"{text}.", f"Ask for {_looks(found)}.")


def _looks(found: Recognised) -> str:
    return " or ".join(found.names) or "a selector of its own"


def _shots(case: Case) -> Iterator[Finding]:
    asked, sizes, parts = case.request.shots, case.found.sizes, case.found.parts
    if asked is None or asked <= sizes.shots:
        return
    rows = (
        sizes.shots
        if parts.diversity == "mmr"
        else (parts.step_rows or sizes.shots)
        if parts.step_embedding
        else MAX_SHOTS
    )
    if asked > rows:
        text = f"It has trained step vectors for {rows} shots, {asked} are asked for: further steps would use random rows or fail."
        yield error("shots-beyond-trained", case.subject, text, f"Ask for at most {rows} shots.")
    elif "shots" not in case.found.assumed:
        text = f"It was trained to pick {sizes.shots} demonstrations, {asked} are asked for: the further picks were never trained."
        yield warning("shots-beyond-trained", case.subject, text, f"Judge it at {sizes.shots} shots.")


def _pool(case: Case) -> Iterator[Finding]:
    size = case.request.pool_size
    if size is None:
        return
    shots = case.request.shots or case.found.sizes.shots
    trained = case.declared.get("pool_size") or (case.declared.get("pool") or {}).get("size")
    if size < 2 * shots or size < SMALL_POOL:
        text = f"A pool of {size} leaves {shots} shots hardly a choice: only {size} train questions can ever be shown."
        make = error if size < 2 * shots else warning
        yield make(
            "pool-size", case.subject, text, "Use the pool of training (64 as published) or all train questions."
        )
    elif isinstance(trained, int) and trained != size:
        text = f"It was trained on pools of {trained}, the request has {size}."
        make = error if case.found.parts.projection == "towers" else warning
        yield make("pool-size", case.subject, text, f"Use pools of {trained}.")


def _encoder(case: Case) -> Iterator[Finding]:
    asked = case.request.encoder
    if asked is None:
        return
    recorded = (case.declared.get("embedding") or {}).get("encoder")
    if recorded == asked:
        return
    if recorded:
        text = f"It was trained on embeddings of {recorded}, the request embeds with {asked}."
        yield error("encoder-unverified", case.subject, text, f"Embed with {recorded}.")
    else:
        text = (
            f"No manifest says which encoder made its training embeddings; the width {case.found.sizes.d_model} alone cannot tell "
            f"{asked} from another."
        )
        yield warning(
            "encoder-unverified", case.subject, text, "Check the training command, or retrain with a manifest."
        )


def _heads(case: Case) -> Iterator[Finding]:
    asked, sizes = case.request.num_heads, case.found.sizes
    if asked is None:
        return
    if "num_heads" in case.found.assumed:
        text = (
            f"Heads leave no trace in the tensors: that it was trained with {asked} cannot be verified (published: 1)."
        )
        yield warning("unverifiable", case.subject, text, "Check the training command.")
    elif asked != sizes.num_heads:
        text = f"The manifest says {sizes.num_heads} heads, the request {asked}: the same tensors would compute something else."
        yield error("hyperparameter-mismatch", case.subject, text, f"Ask for num_heads={sizes.num_heads}.")


CHECKS = (_widths, _layers, _variant, _shots, _pool, _encoder, _heads)
