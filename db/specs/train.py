"""What training a selector is: RL data, network, RCE (reward-weighted imitation), GRPO (group-relative policy)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field, model_validator

from db.specs.base import Spec
from db.specs.selector import PUBLISHED, SelectorParts

RewardMode = Literal[
    "hard_plus_soft", "hard_plus_soft_v2", "separated", "hard_only", "soft_only", "hard01_plus_gtprob",
    "hard01_plus_gtprob_separated", "hard_plus_gtprob_plus_rel", "legacy",
]  # fmt: skip

VARIES = frozenset({"rce_lr", "grpo_lr", "kl_beta", "temperature_start", "temperature_end", "seed", "weight_decay"})
"""Fields in which runs that train as one batch may differ."""


class TrainSpec(Spec):
    """A pointer selector trained by RCE, then GRPO. The defaults are sound; every published recipe can be expressed."""

    kind: Literal["rce", "grpo"] = "rce"
    """Name of the job; which phases run is decided by `rce_epochs` and `grpo_epochs`."""
    rl_data: str
    """RL data file, or `builtin`."""
    embeddings: str
    """Embedding file (safetensors, .pt or .npy) with its rows in train order, or `builtin`."""
    query_embeddings: str = ""
    """Embedding file of the queries where it differs from that of the candidates."""
    init: str = ""
    """Checkpoint to start from; empty starts from random weights."""
    variant: str = "v3"
    """Published name of the selector (v1, v2, v3, v4_1 ... v4_10), or `custom` for `parts` alone."""
    parts: SelectorParts | None = None
    """Parts that differ from those of the variant."""
    diversity_init: float | None = Field(default=None, allow_inf_nan=False)
    """Raw weight (before softplus) that the diversity term starts with; left out, the variant's own."""
    hidden_dim: int = Field(default=256, ge=1)
    """Width of the selector."""
    num_layers: int = Field(default=1, ge=0)
    """Cross-attention layers."""
    num_heads: int = Field(default=1, ge=1)
    """Attention heads."""
    dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout on queries and candidates."""
    attn_dropout: float = Field(default=0.1, ge=0, lt=1)
    """Dropout on attention weights."""
    label_smoothing: float = Field(default=0.0, ge=0, lt=1)
    """Label smoothing of RCE."""
    train_ratio: float = Field(default=0.8, gt=0, lt=1)
    """Share of queries, by ascending id, that is trained on; the rest validates."""
    split_by: Literal["id", "image"] = "id"
    """Split by query id as published, or so that no image is on both sides."""
    pool: Literal["auto", "fixed", "union", "shared"] = "auto"
    """What a query chooses from: its stored pool (`fixed`), the rows that its candidates name (`union`), all rows of the
    embeddings (`shared`); `auto` takes the stored pool where there is one, else the union."""
    queries_per_step: int = Field(default=32, ge=1)
    """Queries in one optimiser step; 1 is the published way."""
    shuffle: bool = True
    """New query order in each epoch."""
    seed: int = 42
    """Seed of weights, order and dropout."""
    device: str = "auto"
    """Where to compute: `auto`, `cpu`, `cuda`, `cuda:1`."""
    precision: Literal["float32", "tf32", "bfloat16"] = "float32"
    """Arithmetic of the forward pass."""
    cuda_graph: bool = True
    """Record the training step as a CUDA graph where the device allows it."""
    compile: bool = False
    """Compile the network before the first step: it costs half a minute, which long trainings on a GPU win back."""
    gradient_clip: float = Field(default=1.0, ge=0)
    """Largest gradient norm; 0 does not clip."""
    weight_decay: float = Field(default=0.01, ge=0)
    """Weight decay of AdamW."""
    warmup_ratio: float = Field(default=0.0, ge=0, lt=1)
    """Share of each phase's steps with a rising learning rate."""
    schedule: Literal["constant", "cosine"] = "constant"
    """Learning rate after the warm-up."""
    best_by: Literal["greedy_reward", "loss"] = "greedy_reward"
    """What the best epoch is best in, on validation queries: the reward of the pointer that the selector finds most probable,
    or the loss (GRPO: expected reward). Of epochs of equal reward the last is best."""
    patience: int = Field(default=0, ge=0)
    """Stop a phase after this many epochs without a better one by `best_by` and go back to the best epoch; 0 never stops."""
    reward_mode: RewardMode = "hard_plus_soft"
    """How a candidate's reward is made of its correctness and score."""
    hard_weight: float = 1.0
    """Weight of correctness."""
    soft_weight: float = 1.0
    """Weight of the VQA score."""
    rel_weight: float = 0.1
    """Weight of the relevance of a wrong answer."""
    reward_alpha: float = 0.0
    """Weight of the quality in the `legacy` mode."""
    reward_beta: float = 0.0
    """Weight of correctness in the `legacy` mode."""
    reward_correctness_mode: Literal["01", "pm1"] = "01"
    """Correctness as 0/1 or -1/+1 in the `legacy` mode."""
    use_logprob: bool = False
    """Take the quality from the log-probability in the `legacy` mode."""
    filter_gen_methods: tuple[str, ...] = ()
    """Keep only candidates of these generation methods; empty keeps all."""
    skip_fallback_reward: bool = True
    """Drop candidates that were not scored by the official metric."""
    require_positive_query: bool = False
    """Drop queries without a candidate of reward 1 or more."""
    skip_no_signal: bool = True
    """Leave groups whose rewards are all equal (or that have one candidate) out of GRPO, and count them."""
    normalize: Literal["z_score", "z_score_clamp", "rank"] = "z_score_clamp"
    """Normalisation of rewards inside a group, where a phase asks for normalised rewards."""
    normalize_clamp: float = Field(default=3.0, gt=0)
    """Bound of `z_score_clamp`."""
    rce_epochs: int = Field(default=5, ge=0)
    """Epochs of RCE."""
    rce_lr: float = Field(default=1e-4, gt=0)
    """Learning rate of RCE."""
    temperature_start: float = Field(default=2.0, gt=0)
    """Temperature of the reward weights at the first step."""
    temperature_end: float = Field(default=0.5, gt=0)
    """Temperature of the reward weights at the last step."""
    rce_reward: Literal["raw", "normalized"] = "raw"
    """Rewards that RCE weighs by."""
    rce_top1_only: bool = False
    """Imitate only the first listed candidate."""
    grpo_epochs: int = Field(default=0, ge=0)
    """Epochs of GRPO after RCE."""
    grpo_lr: float = Field(default=1e-5, gt=0)
    """Learning rate of GRPO."""
    early_epochs: int = Field(default=0, ge=0)
    """GRPO epochs that use `early_top_k`; later ones use `late_top_k`."""
    early_top_k: int | None = Field(default=None, ge=1)
    """Candidates of best reward used in early epochs; none uses all."""
    late_top_k: int | None = Field(default=None, ge=1)
    """Candidates of best reward used in later epochs; none uses all."""
    clip_epsilon: float = Field(default=0.2, gt=0)
    """Half-width of the interval that the probability ratio is clipped to."""
    kl_beta: float = Field(default=0.1, ge=0)
    """Weight of the KL penalty at the start."""
    adaptive_kl: bool = True
    """Adapt the KL weight after each step: times 1.5 above 0.1, divided by 1.5 below 0.01, inside [0.001, 10]."""
    use_kl: bool = True
    """Add the KL penalty to the loss."""
    advantage_clip: float = Field(default=5.0, gt=0)
    """Bound of the advantage."""
    grpo_reward: Literal["raw", "normalized"] = "raw"
    """Rewards that enter the group advantage; `normalized` is the published double normalisation."""
    grpo_dropout: bool = False
    """Use dropout for the new log-probabilities of GRPO, as published; the reference has none."""
    reference: Literal["after_rce", "before_rce"] = "after_rce"
    """Weights that give the old log-probabilities."""
    freeze_backbone: bool = False
    """Leave the projections as they are during GRPO."""

    @model_validator(mode="before")
    @classmethod
    def _complete_parts(cls, given: Any) -> Any:
        """Overrides are completed to whole parts here, so that the stored specification says what was trained."""
        if not isinstance(given, Mapping) or given.get("parts") is None:
            return given
        parts = given["parts"]
        overrides = parts.model_dump(exclude_unset=True) if isinstance(parts, SelectorParts) else parts
        base = PUBLISHED.get(given.get("variant", "v3"))
        if base is None or not isinstance(overrides, Mapping):
            return given
        return {**given, "parts": base.model_dump() | dict(overrides)}

    @model_validator(mode="after")
    def _known_variant(self) -> TrainSpec:
        if self.variant not in PUBLISHED and not (self.variant == "custom" and self.parts):
            known = ", ".join(PUBLISHED)
            raise ValueError(f"variant {self.variant!r} is unknown: choose one of {known}, or custom with parts")
        if self.diversity_init is not None and self.init:
            raise ValueError("diversity_init is for new weights: drop it, or drop init")
        if self.diversity_init is not None and (self.parts or PUBLISHED[self.variant]).diversity == "none":
            raise ValueError(f"diversity_init: {self.variant} has no diversity term; choose v4_3, v4_4, v4_6 or v4_7")
        if self.hidden_dim % self.num_heads:
            raise ValueError(f"num_heads={self.num_heads} does not divide hidden_dim={self.hidden_dim}")
        return self

    def asked(self, name: str) -> bool:
        """Whether a field was asked for: it is not at its default.

        Who gave the value is not asked: what the form, a file or the database gives is whole, and must train the same.
        """
        return bool(getattr(self, name) != type(self).model_fields[name].get_default(call_default_factory=True))

    @property
    def asked_parts(self) -> dict[str, Any]:
        """The parts that differ from those of the variant; all of them where the variant is `custom`."""
        if self.parts is None:
            return {}
        own = self.parts.model_dump()
        published = PUBLISHED[self.variant].model_dump() if self.variant in PUBLISHED else {}
        return {name: value for name, value in own.items() if name not in published or published[name] != value}
