"""The lines of a form: what is set first stands open, the rest is folded by topic, and a search goes through all by name."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from leverplus_tui.queue.wishes import CLUSTER
from leverplus_tui.tui.widgets.spec_fields import FIRST, NAME, SEEDS, WAITING

ASKING: Mapping[str, tuple[str, ...]] = {
    "questions and pools": (
        *(
            "split",
            "first",
            "start_idx",
            "end_idx",
            "support",
            "images",
            "seed",
            "encoder",
            "pool",
            "pool_size",
            "exclude_same_image",
        ),
        *("most_similar_last", "order"),
    ),
    "proposals": (
        *("beams", "temperatures", "samples_per_temperature", "retrieved", "random", "info_beams", "construct_order"),
        *("info_gain", "all_pairs"),
        *("reference_probabilities", "adaptive", "min_candidates", "max_candidates"),
    ),
    "features": ("use_image", "use_text", "min_pixels", "max_pixels", "standardize"),
    "prompt": ("prompt.",),
    "decoding": ("decode.",),
    "computing": (
        *(
            "device",
            "dtype",
            "engine",
            "prefill",
            "batch_size",
            "served_model",
            "concurrency",
            "strict",
            "fresh",
            "reuse_served",
        ),
    ),
    "queue": tuple(path for path in WAITING if path not in CLUSTER),
    "cluster": CLUSTER,
}
TRAINING: Mapping[str, tuple[str, ...]] = {
    "selector": (
        *("variant", "init", "diversity_init", "hidden_dim", "num_layers", "num_heads", "dropout", "attn_dropout"),
    ),
    "data": (
        *("query_embeddings", "train_ratio", "split_by", "pool", "filter_gen_methods", "skip_fallback_reward"),
        *("require_positive_query", "skip_no_signal"),
    ),
    "rewards": (*("reward_", "hard_weight", "soft_weight", "rel_weight", "use_logprob", "normalize"),),
    "optimisation": (
        *(
            "label_smoothing",
            "queries_per_step",
            "shuffle",
            "gradient_clip",
            "weight_decay",
            "warmup_ratio",
            "schedule",
        ),
        *("best_by", "patience"),
    ),
    "RCE": ("rce_", "temperature_"),
    "GRPO": (
        *(
            "grpo_",
            "early_",
            "late_",
            "clip_epsilon",
            "kl_beta",
            "adaptive_kl",
            "use_kl",
            "advantage_clip",
            "reference",
        ),
        "freeze_backbone",
    ),
    "computing": ("device", "precision", "cuda_graph", "compile"),
    "queue": tuple(path for path in WAITING if path not in CLUSTER),
    "cluster": CLUSTER,
}
"""Topic -> the fields under it, by how their names begin."""
REST = "other"


@dataclass(frozen=True)
class Topic:
    """Fields that are folded together."""

    title: str
    paths: tuple[str, ...]


def topics(kind: str, paths: Sequence[str]) -> tuple[Topic, ...]:
    """The topics of a kind of job, with those of these fields that are not set first."""
    named = TRAINING if kind in ("rce", "grpo") else ASKING
    under: dict[str, list[str]] = {title: [] for title in (*named, REST)}
    for path in paths:
        if path not in (NAME, SEEDS, *FIRST[kind]):
            under[next((title for title, begun in named.items() if path.startswith(begun)), REST)].append(path)
    return tuple(Topic(title, tuple(held)) for title, held in under.items() if held)


@dataclass
class Lines:
    """Which lines of a form are in view. A line is a field or the title of a topic; its key is its place among all."""

    kind: str
    paths: Sequence[str]
    sought: str | None = None
    """What is searched for; None while nothing is."""
    opened: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        """Number the lines: fields first, then topics."""
        self.topics = topics(self.kind, self.paths)
        self.all: tuple[str | Topic, ...] = (*self.paths, *self.topics)
        self._key = {line: key for key, line in enumerate(self.all)}
        self._topic = {path: topic for topic in self.topics for path in topic.paths}

    def shown(self) -> list[int]:
        """Keys of the lines in view: while something is sought the fields whose names hold every word of it."""
        if self.sought is not None:
            words = self.sought.lower().replace("_", " ").split()
            return [key for key, path in enumerate(self.paths) if all(word in path.replace("_", " ") for word in words)]
        lines: list[str | Topic] = [path for path in self.paths if path not in self._topic]
        for topic in self.topics:
            lines += [topic, *(topic.paths if topic.title in self.opened else ())]
        return [self._key[line] for line in lines]

    def key(self, line: str | Topic) -> int:
        """The key of a field or a topic."""
        return self._key[line]

    def topic(self, path: str) -> Topic | None:
        """The topic that a field is folded under; None for one that stands open."""
        return self._topic.get(path)

    def fold(self, topic: Topic, opened: bool | None = None) -> None:
        """Open or close a topic; without a word the other of the two."""
        if opened is None:
            opened = topic.title not in self.opened
        (self.opened.add if opened else self.opened.discard)(topic.title)
