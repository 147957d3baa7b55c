"""Judges a selector checkpoint from names, shapes and few values: what it is, whether it is whole and fits a request."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from db.specs.base import Finding, Report
from db.specs.selector import Shape, parameter_count
from engine.doctor.anatomy import Anatomy, TensorInfo, Unreadable
from engine.doctor.containers import open_weights
from engine.doctor.findings import error, info, warning
from engine.doctor.layouts import CONTAINERS, Naming, Problem, compare, legacy_name, read_names
from engine.doctor.recognition import Recognised, declared_in, expected_of, recognise
from engine.doctor.request import Request, judge_request
from engine.doctor.values import dtype_findings, value_findings

CONVERT = "leverplus convert {path} OUT.safetensors"


@dataclass(frozen=True)
class Opened:
    """A checkpoint as far as it could be understood."""

    path: Path
    anatomy: Anatomy
    tensors: Mapping[str, TensorInfo]
    """The selector's own tensors under their modern names."""
    naming: Naming
    found: Recognised | None
    declared: Mapping[str, Any]

    @property
    def shapes(self) -> dict[str, Shape]:
        """Modern name -> shape."""
        return {name: tensor.shape for name, tensor in self.tensors.items()}

    @property
    def shapes_as_named(self) -> dict[str, Shape]:
        """The names as they stand in the file, less known prefixes: what a loader that renames nothing would see."""
        old = set(self.naming.legacy)
        named = {(legacy_name(n) if self.naming.own[n] in old else n): t for n, t in self.tensors.items()}
        return {name: tensor.shape for name, tensor in named.items()}


def examine_checkpoint(path: Path, expect: Mapping[str, str] | None = None, *, digest: bool = True) -> Report:
    """Report on a checkpoint file or folder. Headers are read, values only of the selector's own tensors.

    `expect` are fields of a request (`variant`, `d_model`, `num_layers`, ...) that the file is held against. `digest` takes
    the SHA-256 of the file meanwhile, which for large files costs more than the judgement.
    """
    with ThreadPoolExecutor(1) as beside:
        facts = beside.submit(_file_facts, path, digest)
        more, findings = _judge(path, expect or {})
        return Report(path=str(path), kind="checkpoint", facts=facts.result() | more, findings=tuple(_once(findings)))


def _judge(path: Path, expect: Mapping[str, str]) -> tuple[dict[str, Any], list[Finding]]:
    try:
        opened, findings = open_checkpoint(path)
    except Unreadable as failure:
        return {}, [_unreadable(path, failure)]
    facts = _facts(opened)
    if opened.found is None or not opened.tensors:
        return facts, [*findings, *_vocabulary(opened, expect)]
    findings += [*_completeness(opened), *_names(opened), *dtype_findings(path, opened.tensors)]
    findings += [*value_findings(path, opened.tensors), *_metadata(opened), *_stale(opened), *lora_findings(opened)]
    findings += _assumed(path, {name: value for name, value in opened.found.assumed.items() if name not in expect})
    request = Request.parse(expect)
    extra, judged = judge_request(path, opened.found, opened.shapes, opened.shapes_as_named, opened.declared, request)
    return facts | extra, [*findings, *judged]


def open_checkpoint(path: Path) -> tuple[Opened, list[Finding]]:
    """Read and recognise a checkpoint; findings are what is wrong with the container and the names. Raises Unreadable."""
    anatomy = open_weights(path)
    findings = [error(code, str(path), f"{sentence}.", "Copy the file again.") for code, sentence in anatomy.problems]
    findings += _unsafe(anatomy)
    tensors = anatomy.tensors()
    findings += _container(anatomy, tensors)
    naming = read_names(tensors)
    findings += [error(code, str(path), _sentence(text), CONVERT_BY_HAND) for code, text in naming.problems]
    own = {modern: tensors[stored] for modern, stored in naming.own.items()}
    declared = _declared(anatomy)
    found, unlike = _recognise(path, {name: t.shape for name, t in own.items()}, declared) if own else (None, [])
    findings += unlike
    if isinstance(found, tuple):
        findings.append(error(found[0], str(path), _sentence(found[1]), "Give a checkpoint of a pointer selector."))
        found = None
    elif found is not None:
        findings += [_recognition_finding(path, code, text) for code, text in found.problems]
    return Opened(path, anatomy, own, naming, found, declared), findings


def _recognise(
    path: Path, shapes: Mapping[str, Shape], declared: Mapping[str, Any]
) -> tuple[Recognised | Problem, list[Finding]]:
    """What the tensors are; of declarations that no selector can have, a finding."""
    try:
        return recognise(shapes, declared), []
    except ValidationError as failure:
        first = failure.errors()[0]
        text = (
            f"What is declared beside the tensors cannot be: {'.'.join(map(str, first['loc']))} is {first['input']!r}."
        )
        return recognise(shapes), [error("metadata-conflict", str(path), text, "Correct it, or take it away.")]


CONVERT_BY_HAND = "Find the conversion that wrote the file and run it again from the original checkpoint."
RECOGNITION_FIX = {
    "head-missing": "Go back to the checkpoint before conversion; without the head, results are those of a random head.",
    "variant-mismatch": "Trust the tensors: ask for what they are, or give the checkpoint that was meant.",
    "hyperparameter-mismatch": "The shapes are right; correct the configuration.",
    "unverifiable": "Say which it is with --expect variant=... or convert it with a manifest.",
    "family-mismatch": "Give the checkpoint of the family that was asked for.",
}


def _recognition_finding(path: Path, code: str, text: str) -> Finding:
    make = warning if code in ("hyperparameter-mismatch", "unverifiable") else error
    return make(code, str(path), _sentence(text), RECOGNITION_FIX.get(code, ""))


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}{'' if text.endswith('.') else '.'}"


def _once(findings: list[Finding]) -> Iterator[Finding]:
    order = {"error": 0, "warning": 1, "info": 2}
    seen = set()
    for finding in sorted(findings, key=lambda f: order[f.severity]):
        if (finding.code, finding.message) not in seen:
            seen.add((finding.code, finding.message))
            yield finding


def _unreadable(path: Path, failure: Unreadable) -> Finding:
    fix = "Copy the file again and compare sizes." if failure.code == "truncated" else "Give the checkpoint itself."
    return error(failure.code, str(path), _sentence(str(failure)), fix)


def _unsafe(anatomy: Anatomy) -> list[Finding]:
    if not anatomy.unsafe_globals:
        return []
    names = ", ".join(anatomy.unsafe_globals[:4])
    return [
        error(
            "unsafe-pickle",
            str(anatomy.path),
            f"Loading it the usual way would run code by name: {names}; nothing of it was executed.",
            "Do not load it with torch.load; ask its author for safetensors, or convert it: "
            + CONVERT.format(path=anatomy.path),
        )
    ]


def _container(anatomy: Anatomy, tensors: Mapping[str, TensorInfo]) -> list[Finding]:
    """No weights at all, or two containers that disagree (M26)."""
    path, present = str(anatomy.path), [name for name in CONTAINERS if anatomy.containers.get(name)]
    if not tensors:
        others = ", ".join([*anatomy.containers, *anatomy.metadata][:6]) or "nothing"
        text = f"Neither model_state_dict nor state_dict nor bare tensors are in it; it holds {others}."
        return [error("not-a-checkpoint", path, text, "Give the file with the weights.")]
    if len(present) > 1:
        first, second = (_bare_shapes(anatomy.containers[name]) for name in present[:2])
        if first != second:
            text = f"It holds {' and '.join(present)} with different tensors; only {present[0]} would be read."
            return [error("not-a-checkpoint", path, text, "Keep the container that is meant.")]
    return []


def _bare_shapes(tensors: Mapping[str, TensorInfo]) -> dict[str, Shape]:
    return {modern: tensors[stored].shape for modern, stored in read_names(tensors).own.items()}


def _declared(anatomy: Anatomy) -> dict[str, Any]:
    """What is said in the file and beside it: our manifest's parts and sizes, or upstream's metadata fields."""
    return declared_in(anatomy.metadata) | told(manifest_of(anatomy) or manifest_beside(anatomy.path))


def told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest knows, parts and sizes beside its other fields, less what its conversion only assumed."""
    parts, sizes, lineage = (_fields(manifest.get(name)) for name in ("parts", "sizes", "lineage"))
    assumed = _fields(lineage.get("assumed"))
    return {name: value for name, value in (dict(manifest) | parts | sizes).items() if name not in assumed}


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def manifest_beside(path: Path) -> dict[str, Any]:
    """Our manifest beside a file or in a folder, which may hold a few fields only; empty if there is none."""
    try:
        content = _fields(json.loads(beside(path).read_bytes()))
    except (OSError, ValueError, RecursionError):
        return {}
    return content if content.get("format") == "leverplus-selector" else {}


def beside(path: Path) -> Path:
    """Where the manifest of a file or folder lies."""
    return path / "manifest.json" if path.is_dir() else path.with_name(f"{path.name}.json")


def manifest_of(anatomy: Anatomy) -> dict[str, Any]:
    """Our manifest where the file carries one, else empty."""
    for value in anatomy.metadata.values():
        if isinstance(value, dict) and value.get("format") == "leverplus-selector":
            return value
    return {}


def _completeness(opened: Opened) -> list[Finding]:
    """Tensors that the file should have by what it is (M5), and tensors that belong to nothing."""
    assert opened.found is not None
    cover = compare(opened.shapes, expected_of(opened.found))
    if cover.complete:
        return []
    code = "layer-incomplete" if cover.missing or cover.misshapen else "variant-mismatch"
    return [
        error(
            code,
            str(opened.path),
            _sentence(f"the file is damaged or only partly converted: {cover.sentence()}"),
            "Go back to the checkpoint before conversion.",
        )
    ]


def _names(opened: Opened) -> list[Finding]:
    """Single-layer names (M1): a loader that ignores unknown names leaves the cross-attention random."""
    old = opened.naming.legacy
    if not old or any(code == "mixed-keys" for code, _ in opened.naming.problems):
        return []
    lost = parameter_count([opened.shapes[n] for n, stored in opened.naming.own.items() if stored in set(old)])
    total = parameter_count(opened.shapes)
    return [
        error(
            "legacy-keys",
            str(opened.path),
            f"{len(old)} tensors ({lost:,} of {total:,} parameters, {100 * lost / total:.1f} %) have the names of the "
            "single-layer code; a loader that skips unknown names leaves them out and the cross-attention stays random, "
            "whatever num_layers says.",
            f"{CONVERT.format(path=opened.path)} renames them to layer 0 and proves that the function is unchanged.",
        )
    ]


def _metadata(opened: Opened) -> list[Finding]:
    """Stored epoch and phase against the file's name (M27); upstream stores the epoch from 0 and names it from 1."""
    name, meta = opened.path.name, opened.anatomy.metadata
    clashes = []
    told = re.search(r"(rce|grpo)?_?epoch[=_]?(\d+)", name)
    stored = meta.get("epoch")
    if told and isinstance(stored, int) and "pytorch-lightning_version" not in meta and stored + 1 != int(told[2]):
        clashes.append(f"the name says epoch {told[2]}, the file epoch {stored + 1}")
    if told and told[1] and isinstance(meta.get("phase"), str) and meta["phase"] != told[1]:
        clashes.append(f"the name says {told[1]}, the file {meta['phase']}")
    if not clashes:
        return []
    text = _sentence(f"{'; '.join(clashes)}")
    return [
        warning("metadata-conflict", str(opened.path), text, "Trust the file; rename it so that results can be traced.")
    ]


def _stale(opened: Opened) -> list[Finding]:
    """A conversion that is older than its original or holds other numbers (M25)."""
    match = re.fullmatch(r"(.+)_v2format\.ckpt", opened.path.name)
    original = opened.path.with_name(f"{match[1]}.pt") if match else opened.path
    if not match or not original.is_file():
        return []
    try:
        source, _ = open_checkpoint(original)
    except Unreadable:
        return []
    reason = ""
    if opened.path.stat().st_mtime < original.stat().st_mtime:
        reason = "is older than"
    if _digests(opened.tensors, source.tensors) != _digests(source.tensors, opened.tensors):
        reason = "holds other numbers than"
    if not reason:
        return []
    text = f"The conversion {reason} {original.name}: it was made from another epoch."
    return [warning("stale-conversion", str(opened.path), text, f"Convert again: leverplus convert {original} OUT")]


def _digests(tensors: Mapping[str, TensorInfo], shared_with: Mapping[str, TensorInfo]) -> dict[str, str]:
    from engine.doctor.anatomy import read_values

    shared = {n: t for n, t in tensors.items() if n in shared_with and t.start is not None}
    return {n: hashlib.sha256(read_values(t).tobytes()).hexdigest() for n, t in shared.items()}


def _assumed(path: Path, fields: Mapping[str, Any]) -> list[Finding]:
    """What leaves no trace in the tensors and is said nowhere else (M28): loading takes the published values."""
    if not fields:
        return []
    pairs = [f"{name}={value}" for name, value in fields.items()]
    text = (
        f"Neither the tensors nor a manifest tell {', '.join(fields)}: taken as published ({', '.join(pairs)}), which may "
        "not be what it was trained with."
    )
    answer = f"{CONVERT.format(path=path)} {' '.join(f'--set {pair}' for pair in pairs)}"
    return [info("unverifiable", str(path), text, f"Record the values of the training command: {answer}")]


def _vocabulary(opened: Opened, expect: Mapping[str, str]) -> list[Finding]:
    """A v0 file is tied to one index set: the rows of its embedding less three are the train questions (M18)."""
    rows = next((t.shape[0] for n, t in opened.tensors.items() if n.endswith("wte.weight") and t.shape), None)
    size = expect.get("train_size", "")
    if rows is None or not size.isdigit() or rows - 3 == int(size):
        return []
    text = f"It was trained on an index set of {rows - 3:,} questions, the request has {int(size):,}."
    return [error("vocabulary-mismatch", str(opened.path), text, "Use the data set that it was trained on.")]


def _file_facts(path: Path, digest: bool) -> dict[str, Any]:
    if not path.is_file():
        return {}
    size = {"bytes": path.stat().st_size}
    if not digest:
        return size
    with path.open("rb") as file:
        return size | {"sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def _facts(opened: Opened) -> dict[str, Any]:
    facts: dict[str, Any] = {"format": opened.anatomy.format}
    if opened.found is not None:
        sizes, names = opened.found.sizes, opened.found.names
        facts |= {
            "variant": names[0] if names else "custom", "also": list(names[1:]), "d_model": sizes.d_model,
            "hidden_dim": sizes.hidden_dim, "num_layers": sizes.num_layers, "shots": sizes.shots,
            "parameters": parameter_count(opened.shapes), "tensors": len(opened.tensors),
            "state_update": opened.found.parts.state_update, "assumed": dict(opened.found.assumed),
        }  # fmt: skip
    if opened.naming.prefix:
        facts["prefix"] = opened.naming.prefix
    if opened.naming.beside:
        facts["tensors_beside"] = len(opened.naming.beside)
    keys = ("epoch", "phase", "model_type", "metrics", "kl_beta")
    return facts | {key: opened.anatomy.metadata[key] for key in keys if key in opened.anatomy.metadata}


def lora_findings(opened: Opened) -> list[Finding]:
    """Low-rank adapters of the encoder in the file (M19): embeddings made without them do not fit this selector."""
    adapters = [name for name in opened.naming.beside if ".lora_" in name]
    if not adapters:
        return []
    beside = opened.path.parent / "lora"
    where = "a side folder lora/ is there" if beside.is_dir() else "there is no side folder lora/ either"
    text = (
        f"{len(adapters)} tensors adapt the CLIP encoder (LoRA), and {where}: the adaptation is lost when only the selector "
        "is loaded, and embeddings exported without it do not fit."
    )
    make = info if beside.is_dir() else error
    return [make("lora-mismatch", str(opened.path), text, "Embed with the adapted encoder, or train without adapters.")]
