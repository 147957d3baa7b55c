"""The embedding file: vectors by question index, with a manifest that says how they were made.

Ours is safetensors with tensors `embeddings` (train rows) and optionally `val`, or `candidates` and `queries`, and the
manifest as JSON under `manifest` in its metadata. Bare `.pt`, `.pth` and `.npy` matrices are read too, without running
anything that they may hold.
"""

from __future__ import annotations

import codecs
import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from db.specs.base import UserError, canonical_json
from engine.common.files.atomic import replacing
from engine.common.files.gate import NotReadable, size_of
from engine.weights.archive import ZIP_ERRORS
from engine.weights.pickle_scan import UNSEEN, unsafe_globals

MANIFEST = "manifest"


@dataclass(frozen=True)
class EmbeddingFile:
    """Vectors of a data set."""

    path: Path
    candidates: Tensor  # (N, d) float32: the train rows, in the order of question ids
    queries: Tensor  # (M, d) float32: the same tensor as the candidates where the file has one for both
    val: Tensor | None = None  # (V, d) float32: the validation rows
    manifest: Mapping[str, Any] = field(default_factory=dict)
    """How they were made; empty for a bare matrix, of which nothing can be verified."""

    @property
    def width(self) -> int:
        """Width of a vector."""
        return int(self.candidates.shape[1])


def write_embeddings(path: Path, tensors: Mapping[str, Tensor], manifest: Mapping[str, Any]) -> None:
    """Write an embedding file in one step: it is complete or not there. `tensors` as in the module's description."""
    for name, tensor in tensors.items():
        _checked(tensor, path, name)
    save_tensors(path, {name: tensor.float().contiguous() for name, tensor in tensors.items()}, manifest)


def save_tensors(path: Path, tensors: dict[str, Tensor], manifest: Mapping[str, Any]) -> None:
    """Write a safetensors file, whole or not at all. Raises UserError when it cannot be."""
    try:
        with replacing(path) as draft:
            save_file(tensors, draft, metadata={MANIFEST: canonical_json(dict(manifest))})
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be written: {error}") from None


DAMAGE = (
    *ZIP_ERRORS,
    LookupError,
    AttributeError,
    TypeError,
    ArithmeticError,
    AssertionError,
    MemoryError,
    SyntaxError,
)
"""What NumPy and torch raise for damaged files."""


def read_manifest(path: Path) -> dict[str, Any]:
    """The manifest of a safetensors file, without its tensors; empty where there is none. Raises UserError."""
    try:
        with safe_open(str(path), framework="pt") as file:
            found = json.loads((file.metadata() or {}).get(MANIFEST, "{}"))
    except (OSError, SafetensorError, ValueError) as error:
        raise UserError(f"{path} is not a readable embedding file: {error}") from None
    return found if isinstance(found, dict) else {}


def read_embeddings(path: Path) -> EmbeddingFile:
    """Read vectors from safetensors, `.pt`, `.pth` or `.npy`. Raises UserError naming the file and what is wrong."""
    try:
        size_of(path)
    except NotReadable as error:
        raise UserError(f"embeddings: {error}; make it with `leverplus run embed`") from None
    if path.suffix == ".safetensors":
        tensors, manifest = _read_safetensors(path), read_manifest(path)
    else:
        tensors, manifest = _read_bare(path), {}
    tensors = {name: _checked(tensor, path, name) for name, tensor in tensors.items()}
    candidates = next((tensors[name] for name in ("candidates", "embeddings", "queries") if name in tensors), None)
    if candidates is None:
        raise UserError(f"{path} has no tensor named embeddings or candidates; it has: {', '.join(tensors) or 'none'}.")
    queries = tensors.get("queries", candidates)
    others = (queries, tensors.get("val", candidates))
    if any(other.shape[1] != candidates.shape[1] for other in others):
        raise UserError(f"{path} holds vectors of different widths; queries, candidates and val must have one width.")
    return EmbeddingFile(path, candidates, queries, tensors.get("val"), manifest)


def _read_safetensors(path: Path) -> dict[str, Tensor]:
    try:
        with safe_open(str(path), framework="pt") as file:
            return {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} is not a readable safetensors file: {error}") from None


def _read_bare(path: Path) -> dict[str, Tensor]:
    """A matrix, or a dict of matrices, from NumPy's or torch's own files; nothing in them is executed."""
    try:
        found = np.load(path, allow_pickle=False) if path.suffix == ".npy" else _torch_load(path)
    except pickle.UnpicklingError:
        raise UserError(
            f"{path} holds more than tensors and arrays, which could run code, and is not opened; "
            "save the matrix alone as .npy or .safetensors."
        ) from None
    except DAMAGE as error:
        raise UserError(f"{path} is not a readable embedding file: {error}") from None
    named = found if isinstance(found, dict) else {"embeddings": found}
    tensors = {str(name): _as_tensor(value) for name, value in named.items()}
    return {name: tensor for name, tensor in tensors.items() if tensor is not None}


def _as_tensor(value: object) -> Tensor | None:
    if isinstance(value, np.ndarray):
        return torch.from_numpy(np.ascontiguousarray(value)) if value.dtype.kind in "fiu" else None
    return value if isinstance(value, Tensor) else None


def _torch_load(path: Path) -> Any:
    """torch.load for tensors and plain numeric NumPy arrays only (`.pth` feature files are pickled arrays)."""
    if unsafe_globals(path) == [UNSEEN]:
        raise pickle.UnpicklingError  # a few bytes may unpickle to gigabytes
    dtypes = [type(np.dtype(kind)) for kind in ("float16", "float32", "float64")]
    rebuild = np.ndarray(0).__reduce__()[0]  # NumPy's own private function, wherever this version keeps it
    allowed: list[Any] = [
        rebuild,
        (rebuild, "numpy.core.multiarray._reconstruct"),  # as files of NumPy 1 spell it
        np.ndarray,
        np.dtype,
        *dtypes,
        codecs.encode,
    ]
    with torch.serialization.safe_globals(allowed):
        return torch.load(path, map_location="cpu", weights_only=True)


def _checked(tensor: Tensor, path: Path, name: str) -> Tensor:
    """The matrix in float32. Raises UserError for another shape, no rows, or numbers that are none."""
    if tensor.ndim != 2:
        raise UserError(f"{path}: {name} must be a matrix of questions by width, but has shape {tuple(tensor.shape)}.")
    if 0 in tensor.shape:
        raise UserError(f"{path}: {name} is empty, with shape {tuple(tensor.shape)}.")
    tensor = tensor.float()
    bad = (~torch.isfinite(tensor)).any(dim=1)
    if bad.any():
        first = int(bad.nonzero()[0])
        raise UserError(f"{path}: {name} has {int(bad.sum())} rows with NaN or infinity, the first at row {first}.")
    return tensor
