"""Loads selectors from every known layout, strictly and without executing anything, and saves ours.

Ours is one safetensors file whose metadata hold the manifest (`leverplus`), so that a file that was moved still says what
it is, and a copy of the manifest beside it (`best.safetensors.json`), for people and for `grep`. The embedded one is the
truth. A file of another program may be explained by such a neighbour (`grpo_epoch5.pt.json`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch
from pydantic import ValidationError
from safetensors.torch import save

from db.specs.base import UserError
from db.specs.selector import (
    SelectorManifest,
    SelectorParts,
    SelectorSizes,
    Shape,
    expected_tensors,
)
from engine.common.files.atomic import write_bytes, write_text
from engine.selector import PointerSelector
from engine.weights.anatomy import Anatomy, TensorInfo, Unreadable, read_values
from engine.weights.containers import open_weights
from engine.weights.declared import beside, manifest_beside, told
from engine.weights.layouts import CONTAINERS, Naming, Problem, compare, read_names
from engine.weights.recognition import Recognised, compatible_names, declared_in, recognise, variant_of

METADATA_KEY = "leverplus"
ANSWERS = frozenset({"variant", *SelectorParts.model_fields, *SelectorSizes.model_fields})
"""What a caller may say where a file is silent."""


@dataclass(frozen=True)
class Loaded:
    """A selector and what is known of the file it came from."""

    selector: PointerSelector
    """In eval mode."""
    naming: Naming
    """How the file names its tensors."""
    file_format: str
    """torch-zip, torch-legacy, safetensors or sharded."""
    names: tuple[str, ...] = ()
    """Published names that it may be, the declared or plainest first."""
    assumed: Mapping[str, Any] = field(default_factory=dict)
    """What neither file nor caller said, at its published value."""
    manifest: SelectorManifest | None = None
    """Ours, if it has one."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    """What else the file holds: epoch, phase, kl_beta, metrics, ..."""
    taken: str = ""
    """The container that was read."""
    second_sets: tuple[str, ...] = ()
    """Containers with another complete set of weights, which were not."""


def load_selector(path: str | Path, *, answers: Mapping[str, Any] | None = None) -> PointerSelector:
    """Load a selector from any layout that upstream or we ever wrote, in eval mode.

    Every tensor of the selector must be there with the right shape, and none may be left over. `answers` are fields of
    parts and sizes (`num_heads`, `mmr_reduction`, `variant`, ...) that the file does not tell; without them the published
    values are taken where those exist, and a question is raised where only the user can tell. Raises UserError.
    """
    return open_selector(path, answers=answers).selector


def open_selector(path: str | Path, *, answers: Mapping[str, Any] | None = None) -> Loaded:
    """`load_selector`, with what is known of the file."""
    path, answers = Path(path), dict(answers or {})
    if unknown := sorted(set(answers) - ANSWERS):
        raise UserError(f"{unknown[0]} is no field of a selector; known are {', '.join(sorted(ANSWERS))}")
    anatomy = _open(path)
    infos = anatomy.tensors()
    naming = read_names(infos)
    _refuse(path, naming.problems)
    _agree(path, anatomy, naming)
    shapes = {name: infos[in_file].shape for name, in_file in naming.own.items()}
    manifest = _embedded(path, anatomy) or _beside(path)
    full = manifest if isinstance(manifest, SelectorManifest) else None
    found = _understand(path, shapes, manifest, anatomy.metadata, answers)
    selector = _build(path, found, shapes, {name: infos[in_file] for name, in_file in naming.own.items()})
    if full is not None and full.hashes.get("tensors") not in (None, tensors_sha(selector.state_dict())):
        raise UserError(
            f"{path}: the weights are not those that its manifest describes; write it again from its source"
        )
    return Loaded(
        selector, naming, anatomy.format, found.names, found.assumed, full, anatomy.metadata, anatomy.taken,
        tuple(anatomy.second_sets()),
    )  # fmt: skip


def read_manifest(path: str | Path) -> SelectorManifest | None:
    """The manifest of a selector of ours, without loading it; none for files of other programs. Raises UserError."""
    path = Path(path)
    manifest = _embedded(path, _open(path)) or _beside(path)
    return manifest if isinstance(manifest, SelectorManifest) else None


def save_selector(
    path: str | Path,
    selector: PointerSelector,
    *,
    lineage: Mapping[str, Any] | None = None,
    metrics: Mapping[str, Any] | None = None,
    embedding: Mapping[str, Any] | None = None,
    pool: Mapping[str, Any] | None = None,
    variant: str = "",
) -> SelectorManifest:
    """Write `path` (.safetensors) and the manifest beside it, each atomically; returns the manifest.

    `lineage` holds hashes of RL data and embeddings, start, seed and run; `embedding` the recipe that queries and
    candidates must be embedded with; `pool` the rule and size of the pools in training; `variant` the published name
    where the parts may have several.
    """
    path = Path(path)
    if path.suffix != ".safetensors":
        raise UserError(f"{path}: a selector is saved as .safetensors; rename it")
    tensors = {name: tensor.detach().float().cpu().contiguous() for name, tensor in selector.state_dict().items()}
    manifest = SelectorManifest(
        variant=_name(selector.parts, variant),
        parts=selector.parts,
        sizes=selector.sizes,
        lineage=dict(lineage or {}),
        metrics=dict(metrics or {}),
        embedding=dict(embedding or {}),
        pool=dict(pool or {}),
        hashes={"tensors": tensors_sha(tensors)},
        created=datetime.now(UTC).isoformat(timespec="seconds"),
    )
    data = save(tensors, metadata={METADATA_KEY: manifest.model_dump_json()})
    write_bytes(path, data, durable=True)
    hashes = manifest.hashes | {"file": hashlib.sha256(data).hexdigest()}
    manifest = manifest.model_copy(update={"hashes": hashes})
    write_text(beside(path), manifest.model_dump_json(indent=1) + "\n", durable=True)
    return manifest


def _name(parts: SelectorParts, asked: str) -> str:
    """The name asked for where the parts may have it; else the plainest, which `custom` parts do not have."""
    plain = variant_of(parts)
    return asked if plain != "custom" and asked in compatible_names(parts) else plain


def tensors_sha(tensors: Mapping[str, torch.Tensor]) -> str:
    """SHA-256 (hex) of names, types, shapes and values, whatever the order and the container."""
    digest = hashlib.sha256()
    for name in sorted(tensors):
        values = tensors[name].detach().cpu().contiguous().numpy()
        digest.update(f"{name} {values.dtype} {list(values.shape)}\n".encode())
        digest.update(values.tobytes())
    return digest.hexdigest()


def _open(path: Path) -> Anatomy:
    try:
        anatomy = open_weights(path)
    except Unreadable as error:
        _harmless(path, error.unsafe_globals)
        raise UserError(_about(path, str(error))) from error
    _harmless(path, anatomy.unsafe_globals)
    _refuse(path, tuple(anatomy.problems))
    if not anatomy.tensors():
        held = ", ".join([*anatomy.containers, *anatomy.metadata][:8]) or "nothing"
        wanted = " or ".join(name for name in CONTAINERS if name)
        raise UserError(f"{path} has no {wanted}; it holds {held}. Give a selector's checkpoint")
    return anatomy


def _harmless(path: Path, unsafe: list[str]) -> None:
    if unsafe:
        raise UserError(
            f"{path} asks to run {', '.join(unsafe[:3])} when it is unpickled; nothing was run. "
            "If you trust its author, ask for the weights alone as safetensors"
        )


def _about(path: Path, sentence: str) -> str:
    return sentence if str(path) in sentence else f"{path}: {sentence}"


def _refuse(path: Path, problems: tuple[Problem, ...]) -> None:
    if problems:
        raise UserError(f"{path}: {problems[0][1]}; see `leverplus doctor {path}`")


def _agree(path: Path, anatomy: Anatomy, naming: Naming) -> None:
    """Some converters store every tensor twice; the two must be the same."""
    first, *others = [name for name in CONTAINERS if anatomy.containers.get(name)]
    for other in others:
        infos = anatomy.containers[other]
        for name, again in read_names(infos).own.items():
            if name not in naming.own:
                continue
            one, two = _values(path, anatomy.containers[first][naming.own[name]]), _values(path, infos[again])
            if not torch.equal(one, two):
                raise UserError(f"{path}: {name} differs between {first} and {other}; save the one that you mean alone")


def _embedded(path: Path, anatomy: Anatomy) -> SelectorManifest | None:
    content = anatomy.metadata.get(METADATA_KEY)
    return None if content is None else _manifest(path, content)


def _beside(path: Path) -> SelectorManifest | dict[str, Any]:
    """The manifest beside a file or in a folder: whole, or as fields that the file itself does not tell."""
    content = manifest_beside(path)
    whole = isinstance(content.get("sizes"), dict) and "d_model" in content["sizes"]
    return _manifest(beside(path), content) if whole else content


def _manifest(path: Path, content: Any) -> SelectorManifest:
    try:
        return SelectorManifest.model_validate(content)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(
            f"{path}: the manifest's field {where} is not understood ({error.errors()[0]['msg']}); "
            "it may be of a newer version of this program"
        ) from error


def _same(path: Path, manifest: SelectorManifest, known: Mapping[str, Any], answers: Mapping[str, Any]) -> None:
    for name, value in answers.items():
        if name == "variant" and value not in (manifest.variant, *_names(manifest)):
            raise UserError(f"{path}: the manifest says {manifest.variant}, not {value}; drop the answer")
        if name != "variant" and known.get(name, value) != value:
            raise UserError(f"{path}: the manifest says {name}={known[name]}, not {value}; drop the answer")


def _names(manifest: SelectorManifest) -> tuple[str, ...]:
    known = () if manifest.variant == "custom" else compatible_names(manifest.parts, manifest.variant)
    return known or (manifest.variant,)


def _understand(
    path: Path,
    shapes: Mapping[str, Shape],
    manifest: SelectorManifest | dict[str, Any],
    metadata: Mapping[str, Any],
    answers: dict[str, Any],
) -> Recognised:
    """What a selector is: what its manifest says, else what tensors, fields beside them and answers say together."""
    if not isinstance(manifest, SelectorManifest):
        return _recognise(path, shapes, declared_in(metadata) | told(manifest), answers)
    known = told(manifest.model_dump())
    _same(path, manifest, known, answers)
    if manifest.lineage.get("assumed"):
        return _recognise(path, shapes, known, answers)
    return Recognised(manifest.parts, manifest.sizes, _names(manifest))


def _recognise(
    path: Path, shapes: Mapping[str, Shape], declared: Mapping[str, Any], answers: dict[str, Any]
) -> Recognised:
    try:
        found = recognise(shapes, {**declared, **answers})
        strict = recognise(shapes, answers)
    except ValidationError as error:
        where = ".".join(map(str, error.errors()[0]["loc"]))
        raise UserError(f"{path}: {where} cannot be {error.errors()[0]['input']!r} in a selector") from error
    if not isinstance(found, Recognised) or not isinstance(strict, Recognised):
        raise UserError(f"{path}: {found[1]}; give a selector's checkpoint")  # type: ignore[index]
    # metadata may err about what the shapes show; the caller's answers may not
    fatal = [problem for problem in found.problems if problem[0] != "hyperparameter-mismatch"]
    _refuse(path, (*fatal, *(p for p in strict.problems if p[0] == "hyperparameter-mismatch")))
    return found


def _build(
    path: Path, found: Recognised, shapes: Mapping[str, Shape], infos: Mapping[str, TensorInfo]
) -> PointerSelector:
    sizes = found.sizes
    expected = expected_tensors(found.parts, sizes.d_model, sizes.hidden_dim, sizes.num_layers, sizes.shots)
    coverage = compare(shapes, expected)
    if not coverage.complete:
        raise UserError(
            f"{path} does not fit the selector it holds: {coverage.sentence()}; see `leverplus doctor {path}`"
        )
    tensors = {name: _values(path, info) for name, info in infos.items()}
    selector = PointerSelector(found.parts, **sizes.model_dump())
    selector.load_state_dict(tensors, strict=True)
    return selector.eval()


def _values(path: Path, info: TensorInfo) -> torch.Tensor:
    """One tensor in float32, refused where its numbers are damaged."""
    try:
        values = read_values(info)
    except Unreadable as error:
        raise UserError(_about(path, str(error))) from error
    if values.dtype.kind != "f":
        raise UserError(f"{path}: {info.name} holds {info.dtype}, not floating-point weights")
    if not np.isfinite(values).all():
        raise UserError(f"{path}: {info.name} holds NaN or infinity: training diverged; take an earlier epoch")
    return torch.from_numpy(values.astype(np.float32))
