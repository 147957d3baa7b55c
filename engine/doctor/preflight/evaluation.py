"""Before an evaluation or RL data: the selector that the job will load, and what it was trained on, against the request."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from db.specs.base import Finding
from db.specs.evaluate import COMPARED, SELECTING, DecodeSpec, EvalSpec
from db.specs.generate import GenerateSpec
from engine.common.findings import error, warning
from engine.data.defaults import features_of, reads_selector, resolve_retriever, selector_features, selector_file
from engine.demo import shipped
from engine.doctor.preflight import machine, overlap
from engine.doctor.preflight.selector import checkpoint, entry, manifest_at
from engine.doctor.preflight.table import Preflight

PLACEHOLDERS = {"demonstration": ("question", "answer"), "query": ("question",)}
"""What is filled into each text of a prompt."""
LEFT_OVER = re.compile(r"[{<]\s*(?:question|answer|query|label|…)\s*[}>]", re.IGNORECASE)
"""What reaches the model as it stands there: other signs, other places, braces around what was filled in."""
IMAGE_POOLS = ("image-sampler", "mix-sampler")
COMPARING_POOLS = ("text-sampler", "image-sampler", "mix-sampler")
TRAINING_POOLS = {"shared": "all", "union": "its candidates' own"}
"""What a training's rule means as a pool of an evaluation; `auto` and `fixed` take the pools of the RL data."""


def encoder(spec: EvalSpec | GenerateSpec, result: Preflight) -> None:
    """The encoder of pools and neighbours; a selector brings its own."""
    if isinstance(spec, EvalSpec):
        retriever = resolve_retriever(spec)
        near = retriever in COMPARED and not reads_selector(spec, retriever)
        fields = {field for _, field in COMPARED[retriever]} if near else set()
    else:
        near = spec.retrieved > 0
        fields = {"both"} if near else set()
    if near or spec.pool in COMPARING_POOLS:
        images = bool(fields - {"text"}) or spec.pool in IMAGE_POOLS
        machine.encoder(result, spec.encoder, features_of(spec), images=images)


def prompt(spec: EvalSpec | GenerateSpec, result: Preflight) -> None:
    """Nothing of the texts reaches the model as a placeholder."""
    for field in ("system", "demonstration", "query"):
        left = _left_over(getattr(spec.prompt, field), filled=PLACEHOLDERS.get(field, ()))
        if left:
            text = f"The text prompt.{field} shows the model {left}: nothing is put in there."
            fix = "Write {question} and {answer} in single braces where they are filled in, and nowhere else."
            result.add("prompt", left, field, warning("placeholder-literal", f"prompt.{field}", text, fix))


def _left_over(template: str, filled: tuple[str, ...]) -> str:
    """What of a template still looks like a placeholder when `filled` are put in; empty where nothing does."""
    for name in filled:
        template = template.replace("{" + name + "}", "…")
    found = LEFT_OVER.search(template)
    return found[0] if found else ""


def selector(spec: EvalSpec, result: Preflight) -> None:
    """The selector of an evaluation, found as the job finds it; of one whose embeddings alone are compared, these."""
    retriever = resolve_retriever(spec)
    if any(spec.shots) and reads_selector(spec, retriever):
        _selector(spec, max(spec.shots) if retriever in SELECTING else 1, result)


def proposer(spec: GenerateSpec, result: Preflight) -> None:
    """The selector that proposes pointers for RL data."""
    if spec.selector:
        _selector(spec, spec.shots, result)


def questions(spec: EvalSpec, result: Preflight) -> None:
    """What is asked was not trained on."""
    path = selector_file(spec) if resolve_retriever(spec) == "selector" and any(spec.shots) else None
    if path is not None:
        overlap.questions(spec, path, manifest_at(path), result)


def _selector(spec: EvalSpec | GenerateSpec, shots: int, result: Preflight) -> None:
    path = selector_file(spec)
    if path is None:
        text = "A selector is to choose, but no checkpoint was given and none is built in."
        result.add("checkpoint", "none", "selector", error("not-found", "selector", text, "Name one with --selector."))
        return
    manifest = manifest_at(path)
    recorded = str(entry(manifest, "embedding").get("encoder") or "")
    expect = {"shots": str(shots), "encoder": _asked_encoder(spec, recorded)}
    trained = entry(manifest, "sizes").get("shots")
    if not spec.selector and isinstance(trained, int) and shots > trained:
        expect["shots"] = str(trained)
        result.add("shots asked", trained, shots, _fewer(trained, shots))
    if spec.pool != "all":
        expect["pool_size"] = str(spec.pool_size)
    made = _width(spec, entry(manifest, "embedding"))
    if made is not None:
        expect["d_model"] = str(made)
    checkpoint(path, expect, result, {"encoder": recorded or "not recorded", "pool_size": _trained_pool(manifest)[1]})
    features = selector_features(entry(manifest, "embedding"), encoder=spec.encoder, vlm=features_of(spec))
    images = bool(entry(manifest, "embedding").get("use_image", True))
    machine.encoder(result, features.encoder, features.model, "its encoder", images=images)
    if isinstance(spec, EvalSpec) and resolve_retriever(spec) == "selector":
        _trained_alike(spec, path, manifest, result)


def _fewer(trained: int, shots: int) -> Finding:
    """Of a selector that nobody named: the run goes on and says at which shots it showed fewer."""
    text = f"The built-in selector was trained to pick {trained} demonstrations; where {shots} are asked for it shows {trained}."
    fix = f"Ask for at most {trained} shots, name a selector that was trained with more, or choose another retriever."
    return warning("shots-beyond-trained", "selector", text, fix)


def _asked_encoder(spec: EvalSpec | GenerateSpec, recorded: str) -> str:
    """What the run would feed the selector with. A recorded encoder is used unless another one is named."""
    if spec.encoder != "vlm":
        return spec.encoder
    return recorded or f"the features of {Path(spec.vlm).name}"


def _width(spec: EvalSpec | GenerateSpec, embedding: Mapping[str, Any]) -> int | None:
    features = selector_features(embedding, encoder=spec.encoder, vlm=features_of(spec))
    parts = sum(bool(embedding.get(name, True)) for name in ("use_image", "use_text"))
    return machine.width(features.encoder, features.model, parts=parts)


def _trained_alike(spec: EvalSpec, path: Path, manifest: Mapping[str, Any], result: Preflight) -> None:
    """Prompt, decoding and pools of training against those of this evaluation, as far as the manifest tells."""
    made = entry(manifest, "lineage", "rl_meta")
    told, asked = str(made.get("prompt_sha") or ""), spec.prompt.sha()
    if told:
        differs = [_mismatch("prompt", path)] if told != asked else []
        result.add("prompt", told[:12], asked[:12], *differs)
    _decoding(spec.decode, path, made, result)
    if manifest:
        rule, size = _trained_pool(manifest)
        findings = _pools(spec, path, rule, size) if rule else ()
        result.add("pools", f"{rule} {size}".strip() or "not recorded", _pool_text(spec), *findings)


def _mismatch(name: str, path: Path) -> Finding:
    said = {"decode": "decoding"}.get(name, name)
    text = f"The RL data behind {path.name} were made with another {said} than this evaluation uses."
    fix = f"Evaluate with the {said} of the RL data, or generate RL data with this one."
    return warning(f"{name}-mismatch", str(path), text, fix)


def _decoding(decode: DecodeSpec, path: Path, made: Mapping[str, Any], result: Preflight) -> None:
    """Field by field where the RL data say how they were decoded, else by the hash."""
    told, given = str(made.get("decode_sha") or ""), entry(made, "task_gen_args")
    asked = decode.model_dump(exclude=set() if decode.do_sample else {"seed"})
    other = {name: value for name, value in given.items() if name in asked and asked[name] != value}
    if other:
        theirs = ", ".join(f"{name}={value}" for name, value in other.items())
        ours = ", ".join(f"{name}={asked[name]}" for name in other)
        text = f"The RL data behind {path.name} were made with {theirs}; this evaluation decodes with {ours}."
        settings = " ".join(f"--set decode.{name}={value}" for name, value in other.items())
        fix = f"Evaluate with {settings}, or generate RL data with this decoding."
        result.add("decode", theirs, ours, warning("decode-mismatch", str(path), text, fix))
    elif told:
        differs = [_mismatch("decode", path)] if told != decode.sha() else []
        result.add("decode", told[:12], decode.sha()[:12], *differs)
    elif given:
        result.add("decode", "as far as recorded", "the same")


def _trained_pool(manifest: Mapping[str, Any]) -> tuple[str, str]:
    """(rule, size) of the pools in training, as a manifest tells; empty where it does not."""
    pool, made = entry(manifest, "pool"), entry(manifest, "lineage", "rl_meta", "pool")
    rule = str(pool.get("rule") or "")
    if rule in ("auto", "fixed"):
        rule = str(made.get("rule") or "stored")
    size = pool.get("size") or pool.get("median") or made.get("size") or ""
    return TRAINING_POOLS.get(rule, rule), str(size)


def _pool_text(spec: EvalSpec) -> str:
    return "all train questions" if spec.pool == "all" else f"{spec.pool} {spec.pool_size}"


def _pools(spec: EvalSpec, path: Path, rule: str, size: str) -> Iterator[Finding]:
    if rule in (spec.pool, "stored") and spec.pool != "all":
        return
    if rule == spec.pool or (spec.pool == "all" and path == shipped.selector_path(spec.dataset)):
        return  # the shipped selector is measured on all train questions, and documented so
    chosen = "the same for every question" if spec.pool in ("first", "random") else "in which it never chose"
    text = f"{path.name} learned to choose from pools of {size or '?'} ({rule}); here it gets {_pool_text(spec)}, {chosen}."
    fix = (
        f"Compare with --pool {rule} --pool-size {size}." if size and "-" in rule else "Compare with pools as trained."
    )
    yield warning("pool-mismatch", str(path), text, fix)
