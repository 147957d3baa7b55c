"""Writes from-upstream.md: every name of the published scripts, and what it is here."""

from __future__ import annotations

from collections.abc import Iterator

from docs.tables import table
from leverplus_tui.jobs.published.names import Name, Scope
from leverplus_tui.jobs.published.presets import published
from leverplus_tui.jobs.published.scopes import SCOPES
from leverplus_tui.jobs.spec_options import defaults, flatten, plain

HEAD = """# From the published scripts

The published research runs on Python scripts with flags, on YAML files and on shell scripts that set variables. This page names
all of them, with their defaults and with ours. An old name works where a field is given by `--set` or in a `--spec` file, and the
command says what it was taken for.

    leverplus run grpo --preset published --data rl_data.json --embeddings embeddings.safetensors
    leverplus run rce --spec grpo_post_train.yaml --data rl_data.json --embeddings embeddings.safetensors
    leverplus run from-script train_v3.sh

- `--preset published` starts from the published defaults. Options and `--set` win over it.
- `--spec FILE.yaml` reads YAML as OmegaConf does: `1e-5` is a number and interpolations are resolved. Lists of `defaults` are not
  composed: give the file that holds the values.
- `run from-script` prints the commands that a shell script comes to, and each line that it could not read. It starts nothing.
  Branches and loops are not followed.
"""
DIFFERENT = """
## Defaults that differ on purpose

| field | published | ours | why |
|---|---|---|---|
"""
WHY = {
    "queries_per_step": "the published trainer steps after every query; 32 in one step are faster (benchmarks/README.md)",
    "dropout": "published as a constant; the flag of the configuration is not read",
    "rce_reward": "normalised rewards let a group without a right answer pull as hard as any",
    "grpo_reward": "normalised twice, a group that hardly differs is blown up to unit variance",
    "grpo_dropout": "dropout on one side of the ratio moves it out of the clip range at equal weights",
    "reference": "a reference from before RCE pulls back to the untrained policy",
    "skip_no_signal": "a group whose rewards are all equal teaches nothing",
    "early_epochs": "of the best three candidates, three right ones have no advantage over each other",
    "early_top_k": "see early_epochs",
    "late_top_k": "see early_epochs",
}
"""Why each of our defaults is not the published one; fields that are alike need no reason."""
NOT_HERE = """
## What is not done here

- **The GPT-2 selector over train rows (v0)**. Its vocabulary is the train set, so that a checkpoint fits no other data.
  `doctor` says so.
- **Captions**. The published code for Qwen returns none, because its post-processing lacks the branch. OKVQA and VQAv2 are
  what is measured.
- **Adapting the encoder (LoRA)**. Embeddings are made once. `doctor` names a checkpoint that holds adapters.
"""


def page() -> str:
    """The page, from the tables that the program itself reads names by."""
    parts = [HEAD, DIFFERENT.rstrip("\n"), *_differences(), *(_scope(scope) for scope in SCOPES), NOT_HERE]
    return "\n".join(parts)


def _differences() -> Iterator[str]:
    ground = _ground("rce")
    for name, text in published("rce").items():
        if text != ground[name]:
            yield f"| `{name}` | {text} | {ground[name]} | {WHY[name]} |"


def _ground(kind: str) -> dict[str, str]:
    return {name: plain(value) for name, value in flatten(defaults(kind))}


def _scope(scope: Scope) -> str:
    kinds = ", ".join(f"`run {kind}`" for kind in scope.kinds)
    here = (
        f"Here: {kinds}."
        if kinds
        else f"Here: `{scope.command}`."
        if scope.command
        else "They name fields of several jobs."
    )
    ground = {name: text for kind in scope.kinds[:1] for name, text in _ground(kind).items()}
    rows = [_row(entry, ground) for entry in scope.names]
    files = ", ".join(f"`{file}`" for file in scope.files)
    return f"\n## {scope.title}\n\n{here} Published in {files}.\n\n" + table(
        ("published", "default", "ours", "default", "note"), rows
    )


def _row(entry: Name, ground: dict[str, str]) -> tuple[str, ...]:
    field = f"`{entry.field}`" + (f" = {entry.switch}" if entry.switch else "") if entry.field else "-"
    turned = "; ".join(f"{a} is {b or 'left out'}" for a, b in list(entry.values.items())[:4])
    own = ground.get(entry.field, "") if entry.field else ""
    return f"`{entry.name}`", entry.default, field, own, "; ".join(filter(None, (entry.why, turned)))
