"""What a pointer selector is made of: its parts, the published combinations of them, and the tensors of each part.

Pure Python: the network, the checkpoint reader and the doctor share it. The arithmetic of the parts is in
`engine.selector`; CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from math import prod
from typing import Any, Literal

from pydantic import Field, model_validator

from db.specs.base import Spec

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]
"""Name of a tensor -> its shape."""
StateUpdateName = Literal["static", "weighted", "gate", "gru", "slots"]
ScorerName = Literal["dot", "additive", "bilinear", "two-stage"]
DiversityName = Literal["none", "mmr", "coverage", "dpp"]

MAX_SHOTS = 8
"""Most demonstrations in a pointer; also the rows of the slot embedding."""


class SelectorParts(Spec):
    """The named parts of a pointer selector."""

    projection: Literal["linear", "towers"] = "linear"
    """How embeddings enter: one shared `linear` map to `hidden_dim`, or two `towers` (MLPs that keep the width)."""
    candidate_layers: int = Field(default=0, ge=0)
    """Self-attention layers over the candidates, before the query attends to them."""
    candidate_heads: int = Field(default=1, ge=1)
    """Attention heads of those layers."""
    state_update: StateUpdateName = "gate"
    """How the query changes after a choice; `slots` makes one query for each shot at once."""
    update_weight: float | None = Field(default=None, gt=0, lt=1)
    """Share of the old state in a `weighted` update; none learns it."""
    step_embedding: bool = False
    """Add a learned vector for each step before scoring."""
    step_rows: int = Field(default=0, ge=0, le=MAX_SHOTS)
    """Rows of the step embedding; 0 makes one for each trained shot."""
    slot_layers: int = Field(default=2, ge=0)
    """Self-attention layers over the slots."""
    slot_candidate_attention: bool = True
    """Let the slots attend to the candidates."""
    scorer: ScorerName = "dot"
    """How a state and a candidate become a score; `two-stage` scores the best `top_m` again."""
    top_m: int = Field(default=8, ge=1)
    """Candidates that the second stage looks at."""
    refine_type: Literal["attn", "mlp"] = "attn"
    """Second stage: attention, or an MLP over state and candidate."""
    diversity: DiversityName = "none"
    """What is added to the score from the second step on, so that demonstrations differ."""
    mmr_reduction: Literal["max", "mean"] = "max"
    """Similarity to the chosen candidates in `mmr`: to the nearest, or on average."""
    num_topics: int = Field(default=16, ge=1)
    """Topics of `coverage`."""
    dpp_rank: int = Field(default=32, ge=1)
    """Width of the space that `dpp` measures similarity in."""
    stop: bool = False
    """Append a STOP candidate; once chosen, nothing else can be."""
    temperature: float = Field(default=0.1, gt=0)
    """Scores are divided by it."""
    learn_temperature: bool = False
    """Make the temperature a parameter, starting at `temperature`."""
    exact_mask: bool = False
    """Chosen candidates get probability zero, not the published logit of -100."""

    @model_validator(mode="after")
    def _consistent(self) -> SelectorParts:
        if self.state_update == "slots" and self.step_embedding:
            raise ValueError("slots are the steps already: state_update=slots excludes step_embedding")
        if self.projection == "towers" and (self.candidate_layers or self.state_update == "slots"):
            raise ValueError("towers have no attention: projection=towers excludes candidate_layers and slots")
        return self


class SelectorSizes(Spec):
    """The numbers beside the parts. Heads, dropout and, mostly, shots leave no trace in the shapes of the tensors."""

    d_model: int = Field(ge=1)
    """Width of the embeddings."""
    hidden_dim: int = Field(default=256, ge=1)
    """Width of the selector; towers keep `d_model`."""
    num_layers: int = Field(default=1, ge=0)
    """Cross-attention layers; towers have none."""
    num_heads: int = Field(default=1, ge=1)
    """Attention heads."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout on queries and candidates."""
    attn_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout on attention weights."""
    shots: int = Field(default=2, ge=1, le=MAX_SHOTS)
    """Trained shots."""


class SelectorManifest(Spec):
    """What stands beside the tensors of a selector: everything that shapes cannot say, and where it came from."""

    format: Literal["leverplus-selector"] = "leverplus-selector"
    """Marks the file as ours."""
    variant: str = "custom"
    """Published name of the parts, or `custom`."""
    parts: SelectorParts
    """What it is made of."""
    sizes: SelectorSizes
    """Widths, layers, heads, dropout and trained shots."""
    lineage: dict[str, Any] = Field(default_factory=dict)
    """Where it came from: hashes of RL data and embeddings, start, seed, run."""
    metrics: dict[str, Any] = Field(default_factory=dict)
    """Last values of its training metrics, with phase and epoch."""
    embedding: dict[str, Any] = Field(default_factory=dict)
    """Recipe of the embeddings it was trained on: encoder, image and text, standardisation."""
    pool: dict[str, Any] = Field(default_factory=dict)
    """How the candidates of a query were chosen in training: rule and size."""
    hashes: dict[str, str] = Field(default_factory=dict)
    """SHA-256 of `tensors` (names, types, shapes and values) and, in the file beside it, of the whole `file`."""
    created: str = ""
    """Time of writing in UTC, ISO 8601."""


_RECURRENT = {"state_update": "gru", "step_embedding": True}

PUBLISHED: dict[str, SelectorParts] = {
    name: SelectorParts.model_validate(fields)
    for name, fields in {
        "v1": {"projection": "towers", "state_update": "weighted", "temperature": 0.5},
        "v2": {},
        "v3": {},
        "v4_1": {},
        "v4_2": _RECURRENT,
        "v4_3": {**_RECURRENT, "diversity": "mmr"},
        "v4_4": {**_RECURRENT, "diversity": "mmr", "candidate_layers": 1},
        "v4_5": {**_RECURRENT, "scorer": "additive"},
        "v4_6": {**_RECURRENT, "step_rows": MAX_SHOTS, "diversity": "coverage"},
        "v4_7": {**_RECURRENT, "step_rows": MAX_SHOTS, "diversity": "dpp"},
        "v4_8": {"state_update": "slots"},
        "v4_9": {**_RECURRENT, "scorer": "two-stage"},
        "v4_10": {**_RECURRENT, "stop": True},
    }.items()
}
"""Published name -> parts, with the published defaults."""

EARLIER: dict[str, SelectorParts] = {
    "v1": SelectorParts(projection="towers", state_update="static", learn_temperature=True, exact_mask=True),
    "v2": SelectorParts(state_update="static"),
    "v3": SelectorParts(state_update="static"),
}
"""What three of the names meant before: v1 with a learned temperature, v2 and v3 before the gate of 2025-12-29."""


def expected_tensors(
    parts: SelectorParts, d_model: int, hidden_dim: int = 256, num_layers: int = 1, shots: int = 2
) -> dict[str, Shape]:
    """Name and shape of every tensor of a selector, without building it.

    Towers keep the width of the embeddings and attend to nothing: `hidden_dim` and `num_layers` do not matter to them.
    """
    width = d_model if parts.projection == "towers" else hidden_dim
    tensors = _towers(width) if parts.projection == "towers" else _trunk(parts, d_model, width, num_layers)
    state_update, scorer, diversity = forms(parts)
    tensors |= state_update.tensors(parts, width, shots)
    if parts.step_embedding:
        tensors["step_emb.weight"] = (parts.step_rows or shots, width)
    tensors |= scorer.tensors(parts, width, shots) | diversity.tensors(parts, width, shots)
    if parts.stop:
        tensors["stop_token"] = (1, width)
    if parts.learn_temperature:
        tensors["temperature"] = (1,)
    return tensors


def parameter_count(shapes: Iterable[Shape] | Shapes) -> int:
    """Number of values in tensors of these shapes."""
    return sum(prod(shape) for shape in (shapes.values() if isinstance(shapes, Mapping) else shapes))


def published_names(parts: SelectorParts) -> tuple[str, ...]:
    """Published names whose parts are exactly these: several for v2, v3 and v4_1 (one network), none for our own."""
    return tuple(name for name in PUBLISHED if parts == PUBLISHED[name] or parts == EARLIER.get(name))


def _linear(name: str, rows: int, columns: int, *, bias: bool = True) -> dict[str, Shape]:
    return {f"{name}.weight": (rows, columns)} | ({f"{name}.bias": (rows,)} if bias else {})


def _norm(name: str, width: int) -> dict[str, Shape]:
    return {f"{name}.weight": (width,), f"{name}.bias": (width,)}


def _attention(name: str, width: int) -> dict[str, Shape]:
    inputs: dict[str, Shape] = {f"{name}.in_proj_weight": (3 * width, width), f"{name}.in_proj_bias": (3 * width,)}
    return inputs | _linear(f"{name}.out_proj", width, width)


def _towers(width: int) -> dict[str, Shape]:
    tensors: dict[str, Shape] = {}
    for tower in ("query_proj", "cand_proj"):
        for first in (0, 4):
            tensors |= _linear(f"{tower}.{first}", width, width) | _norm(f"{tower}.{first + 1}", width)
    return tensors


def _trunk(parts: SelectorParts, d_model: int, width: int, num_layers: int) -> dict[str, Shape]:
    tensors = {} if d_model == width else _linear("input_proj", width, d_model, bias=False)
    for i in range(parts.candidate_layers):
        layer = f"cand_encoder.layers.{i}"
        tensors |= _attention(f"{layer}.self_attn", width)
        tensors |= _linear(f"{layer}.linear1", 4 * width, width) | _linear(f"{layer}.linear2", width, 4 * width)
        tensors |= _norm(f"{layer}.norm1", width) | _norm(f"{layer}.norm2", width)
    for i in range(num_layers):
        tensors |= _attention(f"cross_attn_layers.{i}", width)
    for i in range(num_layers):
        tensors |= _norm(f"attn_norms.{i}", width)
    return tensors | _linear("query_proj", width, width, bias=False) | _linear("cand_proj", width, width, bias=False)


def _weighted(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    return {"query_update_weight": ()} if parts.update_weight is None else {}


def _gate(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    return _linear("query_update_gate", width, 2 * width)


def _gru(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    weights: dict[str, Shape] = {f"decoder_gru.weight_{end}": (3 * width, width) for end in ("ih", "hh")}
    return weights | {f"decoder_gru.bias_{end}": (3 * width,) for end in ("ih", "hh")}


def _slots(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    tensors: dict[str, Shape] = {"slot_emb.weight": (MAX_SHOTS, width)}
    for i in range(parts.slot_layers):
        tensors |= _attention(f"slot_self_attn_layers.{i}", width) | _norm(f"slot_norms.{i}", width)
    if parts.slot_candidate_attention:
        tensors |= _attention("slot_cand_attn", width) | _norm("slot_cand_norm", width)
    return tensors


def _additive(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    query = _linear("attn_Wq", width, width) | _linear("attn_Wc", width, width, bias=False)
    return query | _linear("attn_v", 1, width, bias=False)


def _bilinear(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    return {"bilinear.weight": (1, width, width)}


def _two_stage(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    if parts.refine_type == "mlp":
        return _linear("refine_mlp.0", width, 2 * width) | _linear("refine_mlp.3", 1, width)
    # refine_score is stored by upstream but never used
    return _attention("refine_attn", width) | _norm("refine_norm", width) | _linear("refine_score", 1, width)


def _mmr(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    return {"div_lambda": (shots,)}


def _coverage(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    topics: dict[str, Shape] = {"topic_prototypes": (parts.num_topics, width)}
    return topics | _linear("query_topic_head", parts.num_topics, width) | {"cover_lambda": ()}


def _dpp(parts: SelectorParts, width: int, shots: int) -> dict[str, Shape]:
    return _linear("dpp_proj", parts.dpp_rank, width, bias=False) | {"dpp_lambda": ()}


def layer_count(shapes: Shapes, stem: str) -> int:
    """One more than the largest index after `stem`, so that a gap shows up as missing tensors."""
    found = [match for match in (re.match(rf"{re.escape(stem)}\.(\d{{1,3}})\.", name) for name in shapes) if match]
    return 1 + max((int(match.group(1)) for match in found), default=-1)


def has_word(shapes: Shapes, *words: str) -> bool:
    """Whether a tensor's name has one of these words before its first dot."""
    return any(name.partition(".")[0] in words for name in shapes)


def _rows_of(name: str) -> Callable[[Shapes], int | None]:
    return lambda shapes: shapes[name][0] if shapes.get(name) else None


@dataclass(frozen=True)
class Form:
    """One form of a part as a checkpoint shows it: the tensors it has, and what they tell of its options."""

    tensors: Callable[[SelectorParts, int, int], dict[str, Shape]] = lambda parts, width, shots: {}
    """(parts, width, trained shots) -> name and shape of its tensors."""
    words: tuple[str, ...] = ()
    """What the names of its tensors begin with, up to the first dot; no other form has these words."""
    told: Mapping[str, Callable[[Shapes], Any]] = field(default_factory=dict)
    """Option that its tensors tell -> how it is read; None where the tensor is missing."""
    untold: tuple[str, ...] = ()
    """Options that leave no trace in its tensors."""
    per_shot: str = ""
    """Its tensor with a row for each trained shot: it can pick no further ones."""


STATE_UPDATES: dict[StateUpdateName, Form] = {
    "slots": Form(
        _slots,
        ("slot_emb", "slot_self_attn_layers", "slot_norms", "slot_cand_attn", "slot_cand_norm"),
        told={
            "slot_layers": lambda shapes: max(
                layer_count(shapes, "slot_self_attn_layers"), layer_count(shapes, "slot_norms")
            ),
            "slot_candidate_attention": lambda shapes: has_word(shapes, "slot_cand_attn", "slot_cand_norm"),
        },
    ),
    "gru": Form(_gru, ("decoder_gru",)),
    "gate": Form(_gate, ("query_update_gate",)),
    "weighted": Form(_weighted, ("query_update_weight",)),
    "static": Form(),
}
SCORERS: dict[ScorerName, Form] = {
    "additive": Form(_additive, ("attn_Wq", "attn_Wc", "attn_v")),
    "bilinear": Form(_bilinear, ("bilinear",)),
    "two-stage": Form(
        _two_stage,
        ("refine_attn", "refine_norm", "refine_score", "refine_mlp"),
        told={"refine_type": lambda shapes: "mlp" if has_word(shapes, "refine_mlp") else "attn"},
        untold=("top_m",),
    ),
    "dot": Form(),
}
DIVERSITIES: dict[DiversityName, Form] = {
    "mmr": Form(_mmr, ("div_lambda",), untold=("mmr_reduction",), per_shot="div_lambda"),
    "coverage": Form(
        _coverage,
        ("topic_prototypes", "query_topic_head", "cover_lambda"),
        told={"num_topics": _rows_of("topic_prototypes")},
    ),
    "dpp": Form(_dpp, ("dpp_proj", "dpp_lambda"), told={"dpp_rank": _rows_of("dpp_proj.weight")}),
    "none": Form(),
}
"""Name in a specification -> what a checkpoint shows of it; the form without tensors of its own stands last."""


def forms(parts: SelectorParts) -> tuple[Form, Form, Form]:
    """The forms of state update, scorer and diversity."""
    return STATE_UPDATES[parts.state_update], SCORERS[parts.scorer], DIVERSITIES[parts.diversity]
