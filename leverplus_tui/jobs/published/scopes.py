"""Which published scripts share which names, and what a name with a value means here."""

from __future__ import annotations

from collections.abc import Iterator

from leverplus_tui.jobs.published.evaluation import CONFIG, INFERENCE, PROMPT, SAMPLERS
from leverplus_tui.jobs.published.generation import BEAMS, EMBEDDING, GENERATORS, REPAIRS
from leverplus_tui.jobs.published.names import Name, Scope
from leverplus_tui.jobs.published.shell import SHELL
from leverplus_tui.jobs.published.training import SUPERVISED, TRAINER_YAML, TRAINERS

VARIANT_SCRIPTS = {"grpo_post_train.py": "v3"} | {f"grpo_post_train_v4_{n}.py": f"v4_{n}" for n in range(2, 11)}
"""Trainer -> the variant that it trains."""
_V2, _V3 = (f"train/lever_lm/{v}/query_img_text_icd_img_text_lever_lm" for v in ("v2", "v3"))

SCOPES: tuple[Scope, ...] = (
    Scope("Trainers", ("rce", "grpo"), tuple(VARIANT_SCRIPTS), TRAINERS),
    Scope("Configuration of the trainers (which read none of it)", ("rce", "grpo"),
          ("train/lever_lm/v3/grpo_post_train.yaml",), TRAINER_YAML),
    Scope("Supervised training", ("rce",),
          ("train.yaml", f"{_V2}.yaml", f"{_V2}_k4.yaml", f"{_V2}_lora.yaml", f"{_V3}.yaml"), SUPERVISED),
    Scope("Generation of RL data", ("generate",), ("generate_rl_data.py", "generate_rl_data_k64.py",
          "generate_rl_data_shard.py", "generate_balanced_rl_data.py"), GENERATORS),
    Scope("Repairs of RL data", (), ("mine_positive_samples.py", "augment_rl_data_diversity.py"), REPAIRS,
          command="data derive"),
    Scope("Beams with InfoScores", ("generate",), ("generate_data.yaml", "generate_data_random.yaml"), BEAMS),
    Scope("Embeddings", ("embed",), ("export_embeddings.py",), EMBEDDING),
    Scope("Inference", ("eval",), ("inference_v3.py", "evaluate_v3.py"), INFERENCE),
    Scope("Configuration of inference", ("eval",), ("inference.yaml",), CONFIG),
    Scope("Prompt and decoding", ("eval", "generate"), ("infer_model/qwen2.5_vl_3B.yaml", "task/vqa.yaml"), PROMPT),
    Scope("Samplers of candidates", ("generate", "eval"), ("sampler/rand_sampler.yaml", "sampler/text_sim_sampler.yaml",
          "sampler/img_sim_sampler.yaml", "sampler/mix_sampler.yaml"), SAMPLERS),
    Scope("Variables of the shell scripts", (), ("train_v3.sh", "inference_v3_best.sh", "inference.sh",
          "generate_rl_data.sh", "generate_data.sh", "grpo_post_train.sh"), SHELL),
)  # fmt: skip


def scope_of(file: str) -> Scope | None:
    """The scope of a published script or configuration file, by its name."""
    return next((scope for scope in SCOPES for one in scope.files if one == file or one.endswith(f"/{file}")), None)


def find(kind: str, path: str) -> Name | None:
    """What a published name means to a kind of job. A dotted path may stand below others, as where a launcher composed
    its configuration of several files."""
    parts = path.split(".")
    for start in range(len(parts)):
        for scope in SCOPES:
            found = scope.find(".".join(parts[start:])) if kind in scope.kinds else None
            if found is not None:
                return found
    return None


def names_of(kind: str) -> list[str]:
    """The published names that mean something to a kind of job."""
    return [entry.name for scope in SCOPES if kind in scope.kinds for entry in scope.names]


def ours(entry: Name, text: str | None) -> Iterator[tuple[str, str]]:
    """(our field, value as it would be typed) that a published name with this value sets; None is a bare flag."""
    value = entry.switch if text is None else entry.values.get(text, text)
    if entry.field and value:
        yield entry.field, value
        yield from entry.also
