"""Holds a checkpoint against a request: would every parameter that was trained be used, and every one that is used be trained?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.selector import (
    MAX_SHOTS,
    PUBLISHED,
    SelectorParts,
    SelectorSizes,
    Shape,
    expected_tensors,
    forms,
    parameter_count,
)
from engine.common.findings import error, warning
from engine.common.wording import counted, parameters
from engine.weights.layouts import Coverage, compare
from engine.weights.recognition import Recognised, extra_parts, missing_parts

SMALL_POOL = 8
"""Below this a pool hardly leaves a choice (our threshold)."""
NUMBERS = {
    "d_model": (1, 1_000_000), "hidden_dim": (1, 1_000_000), "num_layers": (0, 1000), "num_heads": (1, 10_000),
    "shots": (0, 10_000), "pool_size": (1, 10**9), "train_size": (1, 10**9),
}  # fmt: skip
"""Field -> least and largest value that is worth judging: a list of tensors is made for every layer."""
NAMES = ("variant", "encoder")


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
                values[name] = _number(name, text)
            elif name == "variant" and text not in PUBLISHED:
                raise UserError(f"--expect variant={text}: give one of {', '.join(PUBLISHED)}")
            elif name in NAMES:
                values[name] = text
            else:
                raise UserError(f"--expect {name}: give one of {', '.join((*NUMBERS, *NAMES))}")
        return cls(**values)


EXPECTED = tuple(field.name for field in fields(Request))


def expectations(given: Iterable[str]) -> dict[str, str]:
    """`FIELD=VALUE` pairs. Raises UserError naming the fields that exist and what their values may be."""
    wanted = {}
    for pair in given:
        field, equals, value = pair.partition("=")
        if not equals or field not in EXPECTED or not value:
            raise UserError(f"--expect {pair}: write FIELD=VALUE with a field of {', '.join(EXPECTED)}")
        wanted[field] = value
    Request.parse(wanted)
    return wanted


def _number(name: str, text: str) -> int:
    least, largest = NUMBERS[name]
    if text.isascii() and text.isdigit() and len(text) < 20 and least <= int(text) <= largest:
        return int(text)
    raise UserError(f"--expect {name}={text[:40]}: give a whole number from {least} to {largest:,}")


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
    parts, sizes = wanted_parts(found, request), found.sizes
    if parts.projection != found.parts.projection:  # the sizes of one family say little of the other's
        sizes = SelectorSizes(d_model=sizes.d_model, shots=sizes.shots)
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
    layers = range(min(asked, has), max(asked, has))
    stems = tuple(f"{stem}.{layer}." for layer in layers for stem in ("cross_attn_layers", "attn_norms"))
    have = f"The file has {counted(has, 'cross-attention layer')}, the request {asked}"
    which = f"layer {layers[0]}" if len(layers) == 1 else f"layers {layers[0]} to {layers[-1]}"
    if asked > has:
        wanted = _wanted(case.found, case.request)
        random = parameter_count([wanted[name] for name in case.cover.missing if name.startswith(stems)])
        text = f"{have}: {which} would stay random, {parameters(random, case.cover.parameters)}."
        yield error("layers-missing", case.subject, text, f"Ask for num_layers={has}.")
    else:
        lost = parameter_count([shape for name, shape in case.shapes.items() if name.startswith(stems)])
        text = f"{have}: the trained {which} would be dropped, {parameters(lost, parameter_count(case.shapes))}."
        yield error("layers-dropped", case.subject, text, f"Ask for num_layers={has}.")


def _variant(case: Case) -> Iterator[Finding]:
    name, found = case.request.variant, case.found
    if name is None:
        return
    asked = PUBLISHED[name]
    if (asked.projection == "towers") != (found.parts.projection == "towers"):
        text = (
            f"The request is {name}, but the file is of another family ({_looks(found)}): {_random(case)}, and "
            f"{counted(len(case.cover.unexpected), 'tensor')} of the file would be ignored."
        )
        yield error("family-mismatch", case.subject, text, "Give a checkpoint of that family, or ask for what it is.")
    elif asked.state_update == "gate" and found.parts.state_update == "static" and not extra_parts(found.parts, name):
        yield _gate_missing(case, name)
    elif found.parts.state_update == "gate" and asked.state_update != "gate":
        text = (
            f"The request is {name}, which has no gate: the trained update rule (query_update_gate) would be ignored, "
            f"and {_random(case)}."
        )
        yield error("gate-ignored", case.subject, text, f"Ask for {_looks(found)}.")
    elif name not in found.names:
        yield from _other_variant(case, name)


def _random(case: Case) -> str:
    cover = case.cover
    return f"{parameters(cover.parameters - cover.parameters_matched, cover.parameters)} would stay random"


def _gate_missing(case: Case, name: str) -> Finding:
    width = case.found.sizes.hidden_dim
    gate = parameters(width * 2 * width + width, case.cover.parameters)
    text = (
        f"The file is older than the gate that {name} has since 2025-12-29: {gate} would stay random and change every pick "
        "after the first."
    )
    return error("gate-missing", case.subject, text, "Use it without a gate (static query), as it was trained.")


def _other_variant(case: Case, name: str) -> Iterator[Finding]:
    found = case.found
    missing, extra = missing_parts(found.parts, name), extra_parts(found.parts, name)
    if missing and not extra:
        text = f"The request is {name}, but its {' and '.join(missing)} is not in the file: {_random(case)}."
        yield error("head-missing", case.subject, text, f"Ask for {_looks(found)}, or give the {name} checkpoint.")
        return
    ignored = counted(len(case.cover.unexpected), "tensor")
    text = f"The file looks like {_looks(found)}, the request is {name}: {ignored} would be ignored"
    if case.cover.missing:
        text += f" and {_random(case)}"
    yield error("variant-mismatch", case.subject, f"{text}.", f"Ask for {_looks(found)}.")


def _looks(found: Recognised) -> str:
    return " or ".join(found.names) or "a selector of its own"


def _shots(case: Case) -> Iterator[Finding]:
    asked, sizes = case.request.shots, case.found.sizes
    if asked is None or asked <= sizes.shots:
        return
    rows, what = _trained_rows(case)
    if asked > rows:
        text = f"{what}, {asked} are asked for: further picks would use random values or fail."
        yield error("shots-beyond-trained", case.subject, text, f"Ask for at most {counted(rows, 'shot')}.")
    elif "shots" not in case.found.assumed:
        picks = counted(sizes.shots, "demonstration")
        text = f"It was trained to pick {picks}, {asked} are asked for: the further picks were never trained."
        yield warning("shots-beyond-trained", case.subject, text, f"Judge it at {counted(sizes.shots, 'shot')}.")


def _trained_rows(case: Case) -> tuple[int, str]:
    """The most shots that the tensors allow, and which of them says so."""
    parts, shots = case.found.parts, case.found.sizes.shots
    for what, form in zip(("state", "score", "diversity"), forms(parts), strict=True):
        if form.per_shot:
            return shots, f"It has trained {what} weights ({form.per_shot}) for {counted(shots, 'shot')}"
    if parts.step_embedding:
        rows = parts.step_rows or shots
        return rows, f"It has trained step vectors (step_emb) for {counted(rows, 'shot')}"
    if parts.state_update == "slots":
        return MAX_SHOTS, f"It has {MAX_SHOTS} trained slots (slot_emb)"
    return MAX_SHOTS, f"A selector picks at most {MAX_SHOTS} demonstrations"


def _pool(case: Case) -> Iterator[Finding]:
    size = case.request.pool_size
    if size is None:
        return
    shots = case.request.shots or case.found.sizes.shots
    trained = case.declared.get("pool_size") or (case.declared.get("pool") or {}).get("size")
    if size < 2 * shots or size < SMALL_POOL:
        few = counted(size, "train question")
        text = f"A pool of {size} leaves {counted(shots, 'shot')} hardly a choice: only {few} can ever be shown."
        make = error if size < 2 * shots else warning
        yield make(
            "pool-size", case.subject, text, "Use the pool of training (64 as published) or all train questions."
        )
    elif isinstance(trained, int) and trained != size:
        never = trained < SMALL_POOL or trained < 2 * shots
        text = f"It was trained on pools of {trained} (K={trained}), the request has {size}"
        text += ": it has hardly ever had a choice." if never else "."
        make = error if never or case.found.parts.projection == "towers" else warning
        yield make(
            "pool-size", case.subject, text, "Train it on larger pools." if never else f"Use pools of {trained}."
        )


def _encoder(case: Case) -> Iterator[Finding]:
    asked = case.request.encoder
    if asked is None:
        return
    recorded = (case.declared.get("embedding") or {}).get("encoder")
    if recorded and _same_encoder(str(recorded), asked):
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


def _same_encoder(recorded: str, asked: str) -> bool:
    """A folder may hold a copy of a published encoder, so of folders only the last name counts."""
    folder = any(name.startswith(("/", ".", "~")) for name in (recorded, asked))
    return recorded == asked or (folder and Path(recorded).name == Path(asked).name)


def _heads(case: Case) -> Iterator[Finding]:
    asked, sizes = case.request.num_heads, case.found.sizes
    if asked is None or asked == sizes.num_heads:
        return
    if "num_heads" in case.found.assumed:
        text = (
            f"Heads leave no trace in the tensors: that it was trained with {asked} cannot be verified "
            f"(published: {sizes.num_heads})."
        )
        yield warning("unverifiable", case.subject, text, "Check the training command.")
    else:
        text = (
            f"The manifest says {counted(sizes.num_heads, 'head')}, the request {asked}: the same tensors would compute "
            "something else."
        )
        yield error("hyperparameter-mismatch", case.subject, text, f"Ask for num_heads={sizes.num_heads}.")


CHECKS = (_widths, _layers, _variant, _shots, _pool, _encoder, _heads)
