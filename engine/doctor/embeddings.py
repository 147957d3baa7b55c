"""Judges an embedding file: rows, width, norms, NaN, and which encoder made it. Read without torch; large files by sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from db.specs.base import Finding
from engine.doctor.anatomy import TensorInfo, Unreadable, read_values
from engine.doctor.containers import open_weights
from engine.doctor.findings import error, info, warning

ROW_TENSORS = ("embeddings", "candidates", "queries", "val", "tensor")
SAMPLED_ROWS = 50_000
"""Larger matrices are sampled evenly, and the facts say so."""

Rows = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Embeddings:
    """An embedding file as far as its header tells."""

    path: Path
    matrices: dict[str, TensorInfo | npt.NDArray[Any]]
    manifest: dict[str, Any]

    @property
    def main(self) -> TensorInfo | npt.NDArray[Any]:
        """The matrix of the train rows."""
        return next(self.matrices[name] for name in ROW_TENSORS if name in self.matrices)

    @property
    def rows(self) -> int:
        """Number of train rows."""
        return self.main.shape[0]

    @property
    def width(self) -> int:
        """Width of a vector."""
        return self.main.shape[1] if len(self.main.shape) == 2 else 0

    @property
    def encoder(self) -> str:
        """The encoder by the manifest; empty when there is none."""
        return str((self.manifest.get("embedding") or self.manifest).get("encoder") or "")


def open_embeddings(path: Path) -> Embeddings:
    """Open `.npy`, `.pt`, `.pth` or safetensors by its header. Raises Unreadable naming what is wrong."""
    if path.suffix == ".npy":
        try:
            return Embeddings(path, {"embeddings": np.load(path, mmap_mode="r", allow_pickle=False)}, {})
        except (OSError, ValueError, EOFError) as failure:
            raise Unreadable("truncated", f"{path} is no readable array ({str(failure)[:80]})") from failure
    anatomy = open_weights(path)
    named = {name: info for name, info in anatomy.tensors().items() if name in ROW_TENSORS}
    if not named:
        raise Unreadable("not-a-checkpoint", f"{path} has no tensor named {', '.join(ROW_TENSORS)}")
    manifest = anatomy.metadata.get("manifest")
    return Embeddings(path, dict(named), manifest if isinstance(manifest, dict) else {})


def embedding_report(found: Embeddings) -> tuple[dict[str, Any], list[Finding]]:
    """(facts, findings) of an embedding file."""
    subject = str(found.path)
    if any(len(matrix.shape) != 2 for matrix in found.matrices.values()):
        shape = list(found.main.shape)
        return {"shape": shape}, [
            error("d-model", subject, f"The shape is {shape}; rows of vectors are needed.", "Save [N, d].")
        ]
    sample, step = _sample(found.main)
    norms = np.linalg.norm(np.nan_to_num(sample), axis=1)
    facts: dict[str, Any] = {
        "rows": found.rows,
        "d_model": found.width,
        "norm_mean": round(float(norms.mean()), 6) if len(norms) else 0.0,
        "unit_norm": bool(len(norms)) and bool(np.abs(norms - 1).max() < 1e-3),
        "encoder": found.encoder or "cannot be verified",
        "rows_read": len(sample),
        "matrices": {name: list(matrix.shape) for name, matrix in found.matrices.items()},
    }
    return facts, [*_values(subject, sample, norms, step), *_origin(found)]


def _sample(matrix: TensorInfo | npt.NDArray[Any]) -> tuple[Rows, int]:
    values = read_values(matrix) if isinstance(matrix, TensorInfo) else matrix
    step = max(1, -(-len(values) // SAMPLED_ROWS))
    return np.asarray(values[::step], dtype=np.float64), step


def _values(subject: str, sample: Rows, norms: Rows, step: int) -> Iterator[Finding]:
    seen = "" if step == 1 else f" (one row in {step} was read)"
    bad = ~np.isfinite(sample).all(axis=1)
    if bad.any():
        text = f"{int(bad.sum()):,} of {len(sample):,} rows hold NaN or infinity, first row {int(bad.argmax()) * step}{seen}."
        yield error("non-finite", subject, text, "Embed again; look for broken images.")
    zero = (norms == 0) & ~bad
    if zero.any():
        text = f"{int(zero.sum()):,} of {len(sample):,} rows are all zero, first row {int(zero.argmax()) * step}{seen}."
        yield warning(
            "zero-rows", subject, text, "Embed again: such a row stands for a question that was never encoded."
        )
    if len(sample) > 1 and not np.ptp(sample, axis=0).any():
        yield error("constant-tensor", subject, "All rows are equal: nothing can be told apart.", "Embed again.")


def _origin(found: Embeddings) -> Iterator[Finding]:
    subject = str(found.path)
    if not found.encoder:
        text = f"No manifest says which encoder made these vectors; their width {found.width} cannot tell."
        yield warning(
            "encoder-unverified", subject, text, "Make embeddings with `leverplus run embed`, which writes a manifest."
        )
    names = [name for name in ("candidates", "queries") if name in found.matrices]
    if len(names) == 2 and _equal(*(found.matrices[name] for name in names)):
        text = "Query and candidate vectors are identical; that is right only when both are the same train rows."
        yield info("identical-embeddings", subject, text, "Nothing to do when queries come from the train split.")


def _equal(a: TensorInfo | npt.NDArray[Any], b: TensorInfo | npt.NDArray[Any]) -> bool:
    return tuple(a.shape) == tuple(b.shape) and np.array_equal(_sample(a)[0], _sample(b)[0])
