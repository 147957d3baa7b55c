"""`--preset published`: every default of the published scripts that is not ours, as fields of a kind of job."""

from __future__ import annotations

CLIP = "openai/clip-vit-base-patch32"
QWEN = "Qwen/Qwen2.5-VL-3B-Instruct"
PRESETS = ("published",)

_TRAIN = {
    "queries_per_step": "1", "dropout": "0.5", "rce_epochs": "5", "rce_reward": "normalized", "grpo_epochs": "0",
    "grpo_reward": "normalized", "grpo_dropout": "true", "reference": "before_rce", "skip_no_signal": "false",
    "early_epochs": "1", "early_top_k": "3", "late_top_k": "5",
}  # fmt: skip
_V4 = {"grpo_epochs": "50", "grpo_lr": "5e-6"}
_V4_8 = {
    "rce_epochs": "15", "temperature_start": "1.0", "temperature_end": "1.0", "early_epochs": "0", "early_top_k": "none",
    "late_top_k": "none",
}  # fmt: skip
_OTHERS = {
    "generate": {"vlm": QWEN, "encoder": CLIP, "adaptive": "false"},
    "embed": {"encoder": CLIP},
    "eval": {"vlm": QWEN, "encoder": CLIP, "shots": "1,2,3,4", "pool": "first", "pool_size": "2"},
}


def published(kind: str, variant: str = "v3") -> dict[str, str]:
    """Field -> value as it would be typed. A trainer's defaults hang on its variant.

    The pool of an evaluation is the published one too, two rows for all questions: preflight blocks it, as it should.
    """
    if kind not in ("rce", "grpo"):
        return dict(_OTHERS[kind])
    number = int(variant.removeprefix("v4_")) if variant.startswith("v4_") else 0
    fields = _TRAIN | (_V4 if number >= 2 else {}) | (_V4_8 if number >= 8 else {})
    return fields | ({"train_ratio": "0.9"} if number >= 9 else {})
