"""Which selector a checkpoint holds: parts and sizes by the distinctive tensors, and what no tensor can say."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import ValidationError

from db.specs.selector import (
    DIVERSITIES,
    EARLIER,
    MAX_SHOTS,
    PUBLISHED,
    SCORERS,
    STATE_UPDATES,
    Form,
    SelectorParts,
    SelectorSizes,
    Shape,
    expected_tensors,
    forms,
    has_word,
    layer_count,
    published_names,
)
from engine.common.wording import counted
from engine.weights.declared import possible
from engine.weights.layouts import Problem


@dataclass(frozen=True)
class Recognised:
    """What the tensors say a selector is, and what they cannot say."""

    parts: SelectorParts
    sizes: SelectorSizes
    names: tuple[str, ...]
    """Published names that it may be; the first is the declared or the plainest one. Empty for our own combinations."""
    assumed: Mapping[str, Any] = field(default_factory=dict)
    """Fields that neither tensors nor metadata decide, at their published values: heads, for one, leave no trace."""
    problems: tuple[Problem, ...] = ()
    """Why this may not be what it says."""


def recognise(shapes: Mapping[str, Shape], declared: Mapping[str, Any] | None = None) -> Recognised | Problem:
    """Parts and sizes from names and shapes (as `read_names` leaves them), and from what is declared beside them.

    `declared` may hold upstream's metadata (`model_type`, `top_m`, ...), or any field of parts and sizes and `variant`.
    Shapes win over declarations. A problem instead of parts means that this is no selector of a known family.
    """
    declared, impossible = possible(declared or {})
    if foreign := _foreign(shapes):
        return foreign
    try:
        parts, assumed = _parts(shapes, declared)
        sizes, more = _sizes(shapes, parts, declared)
    except ValidationError as failure:
        return _no_selector(failure)
    variant = declared_variant(declared)
    names = compatible_names(parts, variant)
    problems = [*impossible, *_heads(parts, sizes), *_contradictions(parts, variant), *_stripped(parts, declared)]
    problems += [*_hyperparameters(parts, sizes, declared), *_undecidable(parts, shapes, variant)]
    return Recognised(parts, sizes, names, assumed | more, tuple(problems))


def _heads(parts: SelectorParts, sizes: SelectorSizes) -> list[Problem]:
    if parts.projection == "towers" or sizes.hidden_dim % sizes.num_heads == 0:
        return []
    text = f"num_heads cannot be {sizes.num_heads}, which does not divide hidden_dim {sizes.hidden_dim}"
    return [("metadata-conflict", text)]


def _no_selector(failure: ValidationError) -> Problem:
    first = failure.errors()[0]
    where = f"{first['loc'][0]} would be {str(first['input'])[:40]}: " if first["loc"] else ""
    return "not-a-checkpoint", f"the tensors are those of no selector ({where}{first['msg']})"


def declared_in(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """What a file's metadata declare, those of some converters in a nested `config`; `shot_num` is our `shots`."""
    nested = metadata.get("config")
    declared = (nested if isinstance(nested, dict) else {}) | {k: v for k, v in metadata.items() if k != "config"}
    if isinstance(declared.get("shot_num"), int):
        declared.setdefault("shots", declared["shot_num"])
    return declared


def declared_variant(declared: Mapping[str, Any]) -> str:
    """The published name in `variant` or `model_type` (`v4_7_converted_to_v2` is v4_7); empty if there is none."""
    for key in ("variant", "model_type"):
        match = re.match(r"v4_\d+|v[123](?![\d_])", str(declared.get(key, "")))
        if match and match.group() in PUBLISHED:
            return match.group()
    return ""


def _foreign(shapes: Mapping[str, Shape]) -> Problem | None:
    if any(name.endswith("wte.weight") or name.startswith(("lm_model.", "vocab_embedding.")) for name in shapes):
        return "family-mismatch", "this is the language-model ancestor (v0), which is tied to one data set's indices"
    if "query_proj.0.weight" in shapes or "query_proj.weight" in shapes:
        return None
    found = ", ".join(sorted(shapes)[:3]) or "no tensors"
    return (
        "not-a-checkpoint",
        f"no selector is in it: query_proj.weight is missing among {counted(len(shapes), 'tensor')} ({found})",
    )


def _rows(shapes: Mapping[str, Shape], name: str, default: int) -> int:
    shape = shapes.get(name, ())
    return shape[0] if shape else default


def _parts(shapes: Mapping[str, Shape], declared: Mapping[str, Any]) -> tuple[SelectorParts, dict[str, Any]]:
    """Parts by their distinctive tensors; the rest from declarations, else as published."""
    whole = _declared_parts(shapes, declared)
    if whole is not None:
        return whole, {}
    if "query_proj.0.weight" in shapes:
        learned = "temperature" in shapes
        return (EARLIER if learned else PUBLISHED)["v1"], {}
    fields: dict[str, Any] = {
        "candidate_layers": layer_count(shapes, "cand_encoder.layers"),
        **_state(shapes, declared),
    }
    fields |= _told("scorer", SCORERS, shapes, declared) | _told("diversity", DIVERSITIES, shapes, declared)
    fields["stop"] = "stop_token" in shapes
    assumed: dict[str, Any] = {}
    if "temperature" in declared:
        fields["temperature"] = declared["temperature"]
    for name, matters in _invisible(fields).items():
        if matters and name in declared:
            fields[name] = declared[name]
        elif matters:
            assumed[name] = SelectorParts.model_fields[name].default
    return SelectorParts.model_validate(fields), assumed


def _declared_parts(shapes: Mapping[str, Shape], declared: Mapping[str, Any]) -> SelectorParts | None:
    """The declared parts where all are declared and ask for exactly these tensors, as our own files do; else none."""
    if not SelectorParts.model_fields.keys() <= declared.keys():
        return None
    parts = SelectorParts.model_validate({name: declared[name] for name in SelectorParts.model_fields})
    sizes, _ = _sizes(shapes, parts, declared)
    expected = expected_tensors(parts, sizes.d_model, sizes.hidden_dim, sizes.num_layers, sizes.shots)
    return parts if expected == {name: tuple(shape) for name, shape in shapes.items()} else None


def _invisible(fields: Mapping[str, Any]) -> dict[str, bool]:
    """Options of the parts that no tensor shows, and whether they matter here."""
    seen = (STATE_UPDATES[fields["state_update"]], SCORERS[fields["scorer"]], DIVERSITIES[fields["diversity"]])
    return {"candidate_heads": fields["candidate_layers"] > 0} | {name: True for form in seen for name in form.untold}


def _told(
    part: str, table: Mapping[Any, Form], shapes: Mapping[str, Shape], declared: Mapping[str, Any]
) -> dict[str, Any]:
    """A part's form by the words of its tensors, and the options that they tell; without any, the one that is declared among
    those that have no tensors, else the last."""
    *_, last = wordless = [name for name, form in table.items() if not form.words]
    otherwise = declared[part] if declared.get(part) in wordless else last
    name = next((name for name, form in table.items() if has_word(shapes, *form.words)), otherwise)
    options = {option: read(shapes) for option, read in table[name].told.items()}
    return {part: name} | {option: value for option, value in options.items() if value is not None}


def _state(shapes: Mapping[str, Shape], declared: Mapping[str, Any]) -> dict[str, Any]:
    fields = _told("state_update", STATE_UPDATES, shapes, declared)
    if fields["state_update"] == "static" and has_word(shapes, *_LATER):
        fields = {"state_update": "weighted", "update_weight": 0.6}
    if has_word(shapes, "step_emb"):
        fields["step_embedding"] = True
        # published with eight rows whatever the trained shots
        words = (*DIVERSITIES["coverage"].words, *DIVERSITIES["dpp"].words)
        eight = _rows(shapes, "step_emb.weight", 0) == MAX_SHOTS and has_word(shapes, *words)
        fields["step_rows"] = MAX_SHOTS if eight else 0
    return fields


_LATER = (
    "step_emb", "stop_token", "cand_encoder",
    *(word for table in (SCORERS, DIVERSITIES) for form in table.values() for word in form.words),
)  # fmt: skip
"""Parts that came after the weighted update; a selector that has one of them and no update of its own weighs by 0.6."""


def _sizes(
    shapes: Mapping[str, Shape], parts: SelectorParts, declared: Mapping[str, Any]
) -> tuple[SelectorSizes, dict[str, Any]]:
    stem = "query_proj.0.weight" if parts.projection == "towers" else "query_proj.weight"
    hidden = _rows(shapes, stem, 1)
    projection = shapes.get("input_proj.weight", ())
    seen: dict[str, Any] = {"d_model": projection[1] if len(projection) == 2 else hidden, "hidden_dim": hidden}
    seen["num_layers"] = max(layer_count(shapes, "cross_attn_layers"), layer_count(shapes, "attn_norms"))
    if shots := _trained_shots(shapes, parts):
        seen["shots"] = shots
    told = {name: declared[name] for name in SelectorSizes.model_fields if name in declared and name not in seen}
    invisible = ["shots"] if parts.projection == "towers" else ["num_heads", "shots"]
    assumed = {n: SelectorSizes.model_fields[n].default for n in invisible if n not in seen | told}
    return SelectorSizes.model_validate(told | seen), assumed


def _trained_shots(shapes: Mapping[str, Shape], parts: SelectorParts) -> int:
    for form in forms(parts):
        if form.per_shot:
            return min(_rows(shapes, form.per_shot, 0), MAX_SHOTS)
    if parts.step_embedding and not parts.step_rows:
        return min(_rows(shapes, "step_emb.weight", 0), MAX_SHOTS)
    return 0


def compatible_names(parts: SelectorParts, variant: str = "") -> tuple[str, ...]:
    """Published names that these parts, options included, may have; `variant` first if it is one, else the plainest."""
    names = tuple(name for name in PUBLISHED if not missing_parts(parts, name) and not extra_parts(parts, name))
    plain = ("v3", "v2", "v4_1") if "v3" in names else names
    return tuple(sorted(names, key=lambda name: (name != variant, plain.index(name) if name in plain else 9)))


def variant_of(parts: SelectorParts) -> str:
    """The plainest published name of these parts; `custom` where temperature, masks or update were never published."""
    exact = published_names(parts)
    if exact:
        return "v3" if "v3" in exact else exact[0]
    usual = parts.update_weight in (None, 0.6) and not parts.exact_mask and not parts.learn_temperature
    names = tuple(n for n in compatible_names(parts) if PUBLISHED[n].temperature == parts.temperature and usual)
    return names[0] if names else "custom"


_DISTINCTIVE = {
    "candidate_layers": "candidate encoder (cand_encoder.*)",
    "diversity": "diversity term",
    "stop": "STOP token (stop_token)",
    "scorer": "scorer",
    "state_update": "state update",
    "projection": "projection",
}
_PLAIN = {"candidate_layers": 0, "diversity": "none", "stop": False, "scorer": "dot", "state_update": "static"}


def missing_parts(parts: SelectorParts, name: str) -> list[str]:
    """Distinctive parts of a published selector that these parts lack, in words."""
    return [
        f"{_DISTINCTIVE[key]} {wanted}" if isinstance(wanted, str) else _DISTINCTIVE[key]
        for key, wanted, found in _differences(parts, name)
        if wanted != _PLAIN.get(key) and (found == _PLAIN.get(key) or isinstance(wanted, str))
    ]


def extra_parts(parts: SelectorParts, name: str) -> list[str]:
    """Distinctive parts that a published selector lacks, in words."""
    return [
        f"{_DISTINCTIVE[key]} {found}" if isinstance(found, str) else _DISTINCTIVE[key]
        for key, _, found in _differences(parts, name)
        if found != _PLAIN.get(key)
    ]


def _differences(parts: SelectorParts, name: str) -> list[tuple[str, Any, Any]]:
    published = PUBLISHED[name]
    allowed = {key: {getattr(published, key)} for key in _DISTINCTIVE}
    if name in EARLIER:
        allowed["state_update"].add("static")
    if published.step_embedding:
        allowed["state_update"].add("weighted")
    if name == "v4_5":
        allowed["scorer"] |= {"dot", "bilinear"}
    found = {key: getattr(parts, key) for key in _DISTINCTIVE}
    if found["candidate_layers"] and published.candidate_layers:
        allowed["candidate_layers"].add(found["candidate_layers"])
    return [(k, getattr(published, k), found[k]) for k in _DISTINCTIVE if found[k] not in allowed[k]]


def _contradictions(parts: SelectorParts, variant: str) -> list[Problem]:
    if not variant:
        return []
    if parts.projection != PUBLISHED[variant].projection:
        family = "bi-encoder (v1)" if parts.projection == "towers" else "cross-attention family (v2 and later)"
        return [("family-mismatch", f"it says {variant}, but the tensors are those of the {family}")]
    missing, extra = missing_parts(parts, variant), extra_parts(parts, variant)
    if missing and not extra:
        return [("head-missing", f"it says {variant}, but the {' and the '.join(missing)} is not in it")]
    if extra or missing:
        looks = compatible_names(parts)
        seen = f"the tensors are those of {' or '.join(looks)}" if looks else f"it holds a {' and a '.join(extra)}"
        return [("variant-mismatch", f"it says {variant}, but {seen}")]
    return []


def _stripped(parts: SelectorParts, declared: Mapping[str, Any]) -> list[Problem]:
    """Optional parts that the metadata say were trained."""
    found = {"use_gru": parts.state_update == "gru", "use_step_emb": parts.step_embedding}
    lost = [key for key, there in found.items() if declared.get(key) is True and not there]
    return [("head-missing", f"the metadata say {key}, but no tensor of it is in the file") for key in lost]


_DECLARED_AS = {
    "num_slot_layers": "slot_layers",
    "attention_type": "scorer",
    "use_slot_cand_attn": "slot_candidate_attention",
}


def _hyperparameters(parts: SelectorParts, sizes: SelectorSizes, declared: Mapping[str, Any]) -> list[Problem]:
    """Declared values that the shapes contradict; the shapes are right."""
    shown: dict[str, Any] = {
        "d_model": sizes.d_model, "hidden_dim": sizes.hidden_dim, "num_layers": sizes.num_layers,
        "scorer": parts.scorer, "candidate_layers": parts.candidate_layers,
    }  # fmt: skip
    if parts.projection == "towers":  # which have neither
        del shown["hidden_dim"], shown["num_layers"]
    shown |= {option: getattr(parts, option) for form in forms(parts) for option in form.told}
    told = {_DECLARED_AS.get(key, key): (key, value) for key, value in declared.items()}
    return [
        (
            "hyperparameter-mismatch",
            f"{told[name][0]} is declared as {str(told[name][1])[:80]}, but the tensors have {found}",
        )
        for name, found in shown.items()
        if name in told and told[name][1] != found
    ]


def _undecidable(parts: SelectorParts, shapes: Mapping[str, Shape], variant: str) -> list[Problem]:
    """Eight step vectors and no head: trained with eight shots, or a v4_6 or v4_7 whose head was stripped."""
    plain = parts.scorer == "dot" and parts.diversity == "none" and not parts.stop and not parts.candidate_layers
    if variant or not plain or _rows(shapes, "step_emb.weight", 0) != MAX_SHOTS:
        return []
    text = "it is either a v4_2 (or v4_5 with dot scores) trained with 8 shots, or a v4_6 or v4_7 without its head"
    return [("unverifiable", f"{text}; only you can tell: say variant=v4_2 if it is the former")]


def expected_of(found: Recognised) -> dict[str, Shape]:
    """Names and shapes of the selector that was recognised."""
    sizes = found.sizes
    return expected_tensors(found.parts, sizes.d_model, sizes.hidden_dim, sizes.num_layers, sizes.shots)
