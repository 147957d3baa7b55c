"""What is checked before anything heavy is loaded: the files of a request, against each other and against the request."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from db.specs.base import Finding, Spec
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from db.specs.train import TrainSpec
from engine.doctor.anatomy import Unreadable
from engine.doctor.findings import error, warning

Level = Literal["ok", "warn", "block"]
RANK: dict[str, Level] = {"error": "block", "warning": "warn", "info": "ok"}
RENAMED_ON_LOADING = ("legacy-keys",)
"""Faults of a file that our loader mends exactly; in a run they are worth a warning."""


ROWS: dict[str, tuple[str, tuple[str, ...]]] = {
    "variant": ("variant", ("variant-mismatch", "family-mismatch", "head-missing", "gate-missing", "gate-ignored")),
    "num_layers": ("num_layers", ("layers-missing", "layers-dropped", "layer-incomplete")),
    "shots": ("shots", ("shots-beyond-trained",)),
    "d_model": ("d_model", ("d-model", "hidden-dim")),
    "pool_size": ("", ("pool-size",)),
}
"""Row of the table by field of the request -> (fact of the file, findings that belong to the row)."""


@dataclass(frozen=True, slots=True)
class Check:
    """One row of the preflight table."""

    what: str
    checkpoint: str
    """What the file says."""
    request: str
    """What the run asks for."""
    level: Level = "ok"


@dataclass
class Preflight:
    """The table and the findings of one request."""

    checks: list[Check] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)

    def add(self, what: str, has: object, asked: object, *findings: Finding) -> None:
        """One row with the findings that belong to it; the worst gives its level."""
        levels = [RANK[finding.severity] for finding in findings]
        level: Level = "block" if "block" in levels else "warn" if "warn" in levels else "ok"
        self.checks.append(Check(what, str(has), str(asked), level))
        self.findings += findings

    @property
    def blocked(self) -> bool:
        """An error keeps the run from starting."""
        return any(finding.severity == "error" for finding in self.findings)


def preflight(spec: Spec) -> Preflight:
    """Check a job's specification. Reads headers and RL data; loads no model and no torch. Never raises for a bad file."""
    result = Preflight()
    checks = CHECKS.get(type(spec))
    if checks is not None:
        for check in checks:
            check(spec, result)
    return result


def _dataset(spec: Any, result: Preflight) -> None:
    if spec.dataset != "builtin" and not Path(spec.dataset).expanduser().exists():
        text = f"There is no data set at {spec.dataset}."
        result.add(
            "data set",
            "missing",
            spec.dataset,
            error("not-found", spec.dataset, text, "Give a folder or a registered name."),
        )


def _model(spec: Any, result: Preflight) -> None:
    """Directories are looked into here; names of a hub are left to the job, which asks the local cache."""
    folder = Path(spec.vlm).expanduser()
    if spec.vlm == "builtin" or spec.vlm.startswith(("http://", "https://")) or not folder.is_dir():
        return
    if not (folder / "config.json").is_file():
        text = f"{folder} has no config.json, so it is no model folder."
        result.add(
            "model", "no config.json", spec.vlm, error("not-found", spec.vlm, text, "Give the folder of the model.")
        )


def _evaluated_selector(spec: EvalSpec, result: Preflight) -> None:
    path = _selector_path(spec.selector)
    if path is None or spec.retriever not in (None, "selector"):
        return
    expect = {"shots": str(max(spec.shots))}
    if spec.pool != "all":
        expect["pool_size"] = str(spec.pool_size)
    _checkpoint(path, expect, result)
    manifest = _manifest(path)
    _trained_alike(spec, path, manifest, result)


def _selector_path(name: str) -> Path | None:
    if name != "builtin":
        return Path(name).expanduser() if name else None
    from engine.demo import selector_path

    return selector_path()


def _checkpoint(path: Path, expect: dict[str, str], result: Preflight) -> None:
    from engine.doctor.checkpoint import examine_checkpoint

    if not path.exists():
        text = f"There is no checkpoint at {path}."
        result.add("checkpoint", "missing", path, error("not-found", str(path), text, "Check the path."))
        return
    report = examine_checkpoint(path, expect, digest=False)
    findings = [_mended(finding) for finding in report.findings]
    placed = {code for _, codes in ROWS.values() for code in codes}
    result.add("checkpoint", path.name, "every parameter loaded", *[f for f in findings if f.code not in placed])
    for asked, (fact, codes) in ROWS.items():
        has = report.facts.get(fact, "?") if fact else "-"
        result.add(asked.replace("_", " "), has, expect.get(asked, "-"), *[f for f in findings if f.code in codes])


def _mended(finding: Finding) -> Finding:
    if finding.code not in RENAMED_ON_LOADING:
        return finding
    text = f"{finding.message.removesuffix('.')}; here they are loaded as layer 0, which is exact."
    return finding.model_copy(update={"severity": "warning", "message": text})


def _manifest(path: Path) -> dict[str, Any]:
    from engine.doctor.checkpoint import manifest_of
    from engine.doctor.containers import open_weights

    try:
        return manifest_of(open_weights(path))
    except Unreadable:
        return {}


def _trained_alike(spec: EvalSpec, path: Path, manifest: dict[str, Any], result: Preflight) -> None:
    """Prompt, decoding, encoder and pools of training against those of this evaluation, as far as the manifest tells."""
    if not manifest:
        return
    lineage, recipe, pool = (manifest.get(name) or {} for name in ("lineage", "embedding", "pool"))
    made = lineage.get("rl_meta") or {}
    for name, code, asked in (
        ("prompt", "prompt-mismatch", spec.prompt.sha()),
        ("decode", "decode-mismatch", spec.decode.sha()),
    ):
        told = made.get(f"{name}_sha")
        if told:
            result.add(name, told[:12], asked[:12], *_differs(code, path, name, told, asked))
    if recipe.get("encoder"):
        result.add("encoder", recipe["encoder"], spec.encoder, *_encoder(path, str(recipe["encoder"]), spec.encoder))
    if pool.get("rule"):
        result.add("pools", f"{pool['rule']} {pool.get('size', '')}".strip(), spec.pool)


def _differs(code: str, path: Path, name: str, told: str, asked: str) -> Iterator[Finding]:
    if told != asked:
        text = f"The RL data behind {path.name} were made with another {name} than this evaluation uses."
        yield warning(
            code, str(path), text, f"Evaluate with the {name} of the RL data, or generate RL data with this one."
        )


def _encoder(path: Path, trained: str, asked: str) -> Iterator[Finding]:
    if trained != asked:
        text = f"{path.name} was trained on embeddings of {trained}, this run embeds with {asked}."
        yield error("encoder-unverified", str(path), text, f"Set encoder={trained}.")


def _train_overlap(spec: EvalSpec, result: Preflight) -> None:
    if spec.split == "train" and (spec.selector or spec.retriever == "selector"):
        text = "The questions come from the train split, which the selector was trained on: its accuracy there is not held out."
        result.add("questions", "train", "train", warning("train-eval-overlap", "questions", text, "Use --split val."))


def _start_checkpoint(spec: TrainSpec, result: Preflight) -> None:
    if not spec.init:
        return
    expect = {"hidden_dim": str(spec.hidden_dim), "num_layers": str(spec.num_layers), "num_heads": str(spec.num_heads)}
    if spec.variant != "custom":
        expect["variant"] = spec.variant
    embeddings = _opened_embeddings(spec.embeddings)
    if embeddings is not None:
        expect["d_model"] = str(embeddings.width)
    _checkpoint(Path(spec.init).expanduser(), expect, result)


def _opened_embeddings(name: str) -> Any:
    from engine.doctor.embeddings import open_embeddings

    path = Path(name).expanduser()
    if name == "builtin" or not path.is_file():
        return None
    try:
        return open_embeddings(path)
    except Unreadable:
        return None


def _training_embeddings(spec: TrainSpec, result: Preflight) -> None:
    from engine.doctor.embeddings import embedding_report, open_embeddings

    for field_name in ("embeddings", "query_embeddings"):
        name = getattr(spec, field_name)
        if name in ("", "builtin"):
            continue
        path = Path(name).expanduser()
        try:
            if not path.is_file():
                raise Unreadable("not-found", f"{field_name}: {path} does not exist; make it with leverplus run embed")
            facts, findings = embedding_report(open_embeddings(path))
        except Unreadable as failure:
            result.add(
                field_name, "unreadable", name, error(failure.code, str(path), f"{failure}.", "Give another file.")
            )
            continue
        result.add(
            field_name,
            f"{facts.get('rows', '?')} rows, {facts.get('d_model', '?')} wide",
            "one row per train question",
            *findings,
        )


def _training_data(spec: TrainSpec, result: Preflight) -> None:
    from engine.doctor.examine import examine

    if spec.rl_data == "builtin":
        return
    path = Path(spec.rl_data).expanduser()
    if not path.is_file():
        text = f"There is no RL data at {path}."
        result.add(
            "RL data", "missing", spec.rl_data, error("not-found", str(path), text, "Give a file or a registered name.")
        )
        return
    report = examine(path)
    facts = report.facts
    shown = f"{facts.get('queries', '?')} queries, signal {100 * facts.get('signal_rate', 0):.0f} %"
    result.add("RL data", shown, spec.reward_mode, *report.findings)


CHECKS: dict[type[Spec], tuple[Callable[[Any, Preflight], None], ...]] = {
    EvalSpec: (_dataset, _model, _evaluated_selector, _train_overlap),
    TrainSpec: (_start_checkpoint, _training_embeddings, _training_data),
    GenerateSpec: (_dataset, _model),
    EmbedSpec: (_dataset, _model),
}
