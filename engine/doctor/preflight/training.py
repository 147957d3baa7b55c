"""Before a training: the checkpoint it starts from, embeddings and RL data, each alone and against each other."""

from __future__ import annotations

from pathlib import Path
from statistics import median
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.train import TrainSpec
from engine.common.findings import error, warning
from engine.demo.shipped import FILES, trained_dir
from engine.doctor.preflight.selector import checkpoint, entry, manifest_at
from engine.doctor.preflight.table import Preflight, refusal
from engine.weights.anatomy import Unreadable

NAMED = {
    "checkpoint": "a checkpoint",
    "embeddings": "embeddings",
    "sampler-cache": "a sampler's cache",
    "matrix": "results",
}
ADVANTAGE_FLOOR = 0.1
"""Least deviation that the group advantage divides by."""
SIZES = ("hidden_dim", "num_layers", "num_heads")


def schedule(spec: TrainSpec, result: Preflight) -> None:
    """There is an epoch to train."""
    if not (spec.rce_epochs or spec.grpo_epochs):
        text = "rce_epochs and grpo_epochs are both 0: there is nothing to train."
        found = error("nothing-to-train", "rce_epochs", text, "Ask for an epoch of one of them.")
        result.add("epochs", "-", "RCE 0, GRPO 0", found)


def dropout(spec: TrainSpec, result: Preflight) -> None:
    """GRPO compares new log-probabilities with old ones, which have no dropout."""
    on = {name: getattr(spec, name) for name in ("dropout", "attn_dropout") if getattr(spec, name) > 0}
    if not (spec.grpo_epochs and spec.grpo_dropout and on):
        return
    told = ", ".join(f"{name}={value:g}" for name, value in on.items())
    text = (
        f"grpo_dropout is on with {told}: new log-probabilities are computed with dropout and those of the reference without, so "
        "that ratios leave their clip range at identical weights and the KL penalty measures noise."
    )
    fix = "Leave grpo_dropout off, unless a published run is to be reproduced."
    result.add("dropout of GRPO", "none in the reference", told, warning("dropout-mismatch", "grpo_dropout", text, fix))


def start(spec: TrainSpec, result: Preflight) -> None:
    """The checkpoint of `init` against what was asked for, as the job will."""
    if not spec.init:
        return
    path = Path(spec.init).expanduser()
    expect = {name: str(getattr(spec, name)) for name in SIZES if spec.asked(name)}
    if spec.variant != "custom" and spec.asked("variant"):
        expect["variant"] = spec.variant
    given = _opened(spec, "embeddings")
    if given is not None:
        expect |= {"d_model": str(given.width)} | ({"encoder": given.encoder} if given.encoder else {})
    recorded = str(entry(manifest_at(path), "embedding").get("encoder") or "not recorded")
    checkpoint(path, expect, result, {"encoder": recorded})
    if spec.asked_parts and path.exists():
        _parts(spec, path, result)


def _parts(spec: TrainSpec, path: Path, result: Preflight) -> None:
    # 20 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.weights.selector_file import open_checkpoint

    try:
        found = open_checkpoint(path)[0].found
    except Unreadable:
        return  # its own row says so
    held = found.parts.model_dump() if found is not None else {}
    for name, value in spec.asked_parts.items():
        if name in held and held[name] != value:
            text = f"{path.name} has {name}={held[name]}, but {name}={value} was asked for."
            fix = f"Drop {name}, or start from other weights."
            result.add(
                name.replace("_", " "), held[name], value, error("hyperparameter-mismatch", str(path), text, fix)
            )


def embeddings(spec: TrainSpec, result: Preflight) -> None:
    """Each embedding file alone, then queries against candidates."""
    # 130 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.embeddings import embedding_report

    for field, what in (("embeddings", "embeddings"), ("query_embeddings", "queries")):
        name = getattr(spec, field)
        if name in ("", "builtin"):
            continue
        try:
            facts, findings = embedding_report(_open(Path(name).expanduser(), field))
        except Unreadable as failure:
            found = error(failure.code, name, f"{failure}.", "Give another file.")
            result.add(what, "unreadable", name, found)
            continue
        has = f"{facts.get('rows', '?')} rows, {facts.get('d_model', '?')} wide"
        result.add(what, has, "one row per train question", *findings)
    _alike(spec, result)


def _alike(spec: TrainSpec, result: Preflight) -> None:
    """Queries against candidates where they lie in two files."""
    # 130 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.embeddings import pair_findings

    candidates, queries = _opened(spec, "embeddings"), _opened(spec, "query_embeddings")
    if candidates is None or queries is None:
        return
    for finding in pair_findings(queries, candidates):
        result.note(finding)
    if candidates.encoder and queries.encoder and candidates.encoder != queries.encoder:
        text = f"{queries.path} was made with {queries.encoder}, {candidates.path} with {candidates.encoder}."
        found = error("encoder-unverified", str(queries.path), text, "Embed queries and candidates with one encoder.")
        result.add("encoders", queries.encoder, candidates.encoder, found)


def rl_data(spec: TrainSpec, result: Preflight) -> None:
    """RL data under the reward asked for, and whether the embeddings have the rows that they name."""
    path = _place(spec, "rl_data")
    if not path.is_file():
        text = f"There is no RL data at {path}."
        found = error("not-found", str(path), text, "Give a file or a registered name.")
        result.add("RL data", "missing", spec.rl_data, found)
        return
    # 200 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.rl.health.findings import rl_findings
    from engine.rl.reading.file import read_rl_file
    from engine.rl.selection import weights_of

    try:
        data = read_rl_file(path)
    except UserError as failure:
        result.add("RL data", path.name, spec.reward_mode, *_no_rl_data(path, failure))
        return
    if spec.rl_data != "builtin":
        facts, findings = rl_findings(
            data, mode=spec.reward_mode, weights=weights_of(spec), methods=spec.filter_gen_methods
        )
        has = f"{facts['queries']:,} queries, signal {100 * facts['signal_rate']:.0f} %"
        result.add("RL data", has, spec.reward_mode, *findings)
    _normalised_twice(spec, data, result)
    _meet(spec, data, result)


def _normalised_twice(spec: TrainSpec, data: Any, result: Preflight) -> None:
    """Rewards that are normalised before the advantage normalises them: its floor no longer keeps small noise small."""
    if not spec.grpo_epochs or spec.grpo_reward != "normalized":
        return
    # 200 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.rl.health.usable import group_deviations, usable
    from engine.rl.selection import weights_of

    deviations = group_deviations(
        usable(
            data, mode=spec.reward_mode, weights=weights_of(spec), fallback=not spec.skip_fallback_reward,
            methods=spec.filter_gen_methods,
        )
    )  # fmt: skip
    blown = deviations[(deviations > 0) & (deviations < ADVANTAGE_FLOOR)]
    if len(blown):
        text = (
            f"grpo_reward=normalized normalises rewards before the group advantage does: {len(blown):,} of {len(deviations):,} "
            f"groups have rewards that differ by a deviation below {ADVANTAGE_FLOOR:g} (median {median(blown.tolist()):.2g}), "
            "which is blown up to that of a clear difference."
        )
        fix = "Take grpo_reward=raw, whose advantage keeps small differences small."
        result.add("rewards", "normalised once", "twice", warning("double-normalisation", "grpo_reward", text, fix))


def _no_rl_data(path: Path, failure: UserError) -> list[Finding]:
    """What the file is instead, or what is damaged in it."""
    # 60 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.examine import examine

    report = examine(path)
    if report.kind != "rl-data":
        text = f"{path} is no RL data but {NAMED.get(report.kind, 'a file of another kind')}."
        return [error("not-rl-data", str(path), text, "Give the JSON file of `leverplus run generate`.")]
    errors = [finding for finding in report.findings if finding.severity == "error"]
    return errors or [refusal(failure.code, str(path), failure)]


def _meet(spec: TrainSpec, data: Any, result: Preflight) -> None:
    """RL data against embeddings: the rows they name, and the train questions that both were made of."""
    # 60 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.rl.selection import Unusable, select

    candidates = _opened(spec, "embeddings")
    queries = _opened(spec, "query_embeddings") or candidates
    if candidates is None or queries is None:
        return
    try:
        select(data, spec, candidate_rows=candidates.rows, query_rows=_query_rows(queries))
    except Unusable as failure:
        codes = {finding.code for finding in result.findings if finding.severity == "error"}
        if failure.code not in codes:
            found = refusal(failure.code, str(data.path), failure)
            result.add("rows", f"{candidates.rows:,} embedded", "those of the RL data", found)
        return
    _same_questions(data, candidates, result)


def _query_rows(opened: Any) -> int:
    """As the job reads: the matrix of the queries where the file has one for them, else that of the candidates."""
    matrix = opened.matrices.get("queries")
    return int(opened.rows if matrix is None else matrix.shape[0])


def _same_questions(data: Any, opened: Any, result: Preflight) -> None:
    theirs, ours = data.meta.get("dataset_order_sha"), entry(opened.manifest, "dataset").get("train_order_sha")
    if theirs and ours and theirs != ours:
        text = (
            f"{data.path} was made on other train questions than {opened.path}, or in another order: "
            "its ids name other rows there."
        )
        fix = "Embed the data set that the RL data was made on: `leverplus run embed --dataset ...`"
        result.add(
            "train order", str(ours)[:12], str(theirs)[:12], error("dataset-mismatch", str(data.path), text, fix)
        )


def _place(spec: TrainSpec, field: str) -> Path:
    name = getattr(spec, field)
    if name != "builtin":
        return Path(name).expanduser()
    return trained_dir() / FILES["rl-data" if field == "rl_data" else "embeddings"]


def _open(path: Path, field: str) -> Any:
    # 130 ms that the first finding does not wait for (benchmarks/preflight.py)
    from engine.doctor.embeddings import open_embeddings

    if not path.is_file():
        raise Unreadable("not-found", f"{field}: {path} does not exist; make it with `leverplus run embed`")
    return open_embeddings(path)


def _opened(spec: TrainSpec, field: str) -> Any:
    """The header of an embedding file; None where there is none, or none that can be read, which its own row says."""
    if not getattr(spec, field):
        return None
    try:
        return _open(_place(spec, field), field)
    except Unreadable:
        return None
