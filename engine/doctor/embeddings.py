"""Judges an embedding file: rows, width, norms, NaN, and which encoder made it. Read without torch; large files by sample."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import numpy.typing as npt

from db.specs.base import Finding
from engine.common.files.first_bytes import stand_in
from engine.common.files.gate import NotReadable, read_head
from engine.common.findings import error, info, warning
from engine.weights.anatomy import FLOATS, ITEM_SIZE, TensorInfo, Unreadable, read_values
from engine.weights.containers import open_weights

ROW_TENSORS = ("embeddings", "candidates", "queries", "val", "tensor")
SAMPLED_ROWS = 50_000
"""Larger matrices are sampled evenly, and the facts say so."""
NORM_TOLERANCE = 0.01
"""How far a norm may be from 1 (16-bit floats stay inside)."""
PARTNERS = (("query", "candidate"), ("queries", "candidates"))
"""Words by which two files of one data set are told apart, such as query_embeddings.pt and candidate_embeddings.pt."""

ARRAY_DAMAGE = (
    OSError, ValueError, EOFError, OverflowError, TypeError, KeyError, SyntaxError, TokenError, RecursionError, MemoryError,
)  # fmt: skip
"""What NumPy raises for a damaged header, which it reads as Python."""

Matrix = TensorInfo | npt.NDArray[Any]
Rows = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Embeddings:
    """An embedding file as far as its header tells."""

    path: Path
    matrices: dict[str, Matrix]
    manifest: dict[str, Any]

    @property
    def main(self) -> Matrix:
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
    def recipe(self) -> dict[str, Any]:
        """What the manifest says of how the vectors were made; empty when there is none."""
        recipe = self.manifest.get("embedding") or self.manifest
        return recipe if isinstance(recipe, dict) else {}

    @property
    def encoder(self) -> str:
        """The encoder by the manifest; empty when there is none."""
        return str(self.recipe.get("encoder") or "")


def open_embeddings(path: Path) -> Embeddings:
    """Open `.npy`, `.pt`, `.pth` or safetensors by its header. Raises Unreadable naming what is wrong."""
    if path.suffix == ".npy":
        return Embeddings(path, {"embeddings": _mapped_array(path)}, {})
    anatomy = open_weights(path)
    named = {name: info for name, info in anatomy.tensors().items() if name in ROW_TENSORS}
    if not named:
        raise Unreadable("not-a-checkpoint", f"{path} has no tensor named {', '.join(ROW_TENSORS)}")
    manifest = anatomy.metadata.get("manifest")
    return Embeddings(path, dict(named), manifest if isinstance(manifest, dict) else {})


def _mapped_array(path: Path) -> npt.NDArray[Any]:
    try:
        head = read_head(path, 512)
    except NotReadable as failure:
        raise Unreadable("not-a-checkpoint", str(failure)) from failure
    if found := stand_in(head):
        raise Unreadable("not-a-checkpoint", f"{path} is {found[0]}; {found[1]}")
    try:
        return np.lib.format.open_memmap(path, mode="r")
    except ARRAY_DAMAGE as failure:
        code = "truncated" if "mmap length" in str(failure) or "EOF" in str(failure) else "malformed"
        raise Unreadable(code, f"{path} is no readable array ({str(failure)[:80]})") from failure


def embedding_report(found: Embeddings) -> tuple[dict[str, Any], list[Finding]]:
    """(facts, findings) of an embedding file."""
    subject = str(found.path)
    if any(len(matrix.shape) != 2 for matrix in found.matrices.values()):
        shape = list(found.main.shape)
        return {"shape": shape}, [
            error("d-model", subject, f"The shape is {shape}; rows of vectors are needed.", "Save [N, d].")
        ]
    if wrong := _no_vectors(found):
        return {"shape": list(found.main.shape)}, [error("not-embeddings", subject, wrong, "Give a file of vectors.")]
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
    return facts, [
        *_values(subject, sample, norms, step),
        *_norms(found, sample, norms),
        *_origin(found),
        *_partner(found),
    ]


def _no_vectors(found: Embeddings) -> str:
    """Why a matrix holds no vectors, in a sentence; empty where it does."""
    for name, matrix in found.matrices.items():
        kind = str(matrix.dtype)
        if 0 in matrix.shape:
            return f"The matrix {name} is empty ({matrix.shape[0]:,} rows of width {matrix.shape[1]:,})."
        if kind.lstrip("<>=") not in FLOATS and getattr(matrix.dtype, "kind", "") != "f":
            return f"The matrix {name} holds {kind}, not floating-point numbers: these are no vectors."
    return ""


def _sample(matrix: Matrix) -> tuple[Rows, int]:
    """(evenly spaced rows, their distance); only these are read. Raises Unreadable for more numbers than the file has."""
    step = max(1, -(-matrix.shape[0] // SAMPLED_ROWS))
    if not isinstance(matrix, TensorInfo):
        with np.errstate(invalid="ignore"):
            return np.asarray(matrix[::step], dtype=np.float64), step
    size = matrix.file.stat().st_size
    if matrix.numel * ITEM_SIZE.get(matrix.dtype, 1) > size:
        shape = " x ".join(f"{n:,}" for n in matrix.shape)
        raise Unreadable(
            "malformed", f"{matrix.file}: {matrix.name} claims {shape} numbers, more than its {size:,} bytes can hold"
        )
    rows = -(-matrix.shape[0] // step)
    thinned = replace(matrix, shape=(rows, matrix.shape[1]), stride=(matrix.stride[0] * step, matrix.stride[1]))
    with np.errstate(invalid="ignore"):  # a signalling NaN is told as a finding, not on standard error
        return np.asarray(read_values(thinned), dtype=np.float64), step


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
    if _constant(sample):
        yield error("constant-tensor", subject, "All rows are equal: nothing can be told apart.", "Embed again.")


def _constant(sample: Rows) -> bool:
    return len(sample) > 1 and not np.ptp(sample, axis=0).any()


def _norms(found: Embeddings, sample: Rows, norms: Rows) -> Iterator[Finding]:
    """Published vectors have norm 1; standardised ones need not, and their manifest says so."""
    seen = norms[norms > 0]
    if found.recipe.get("standardize") or not len(seen) or _constant(sample):
        return
    # Image and text one behind the other, as encoders without a shared space are used, have the norm of two unit vectors.
    sound = (1.0, math.sqrt(2)) if found.encoder else (1.0,)
    off = np.min([np.abs(seen - norm) for norm in sound], axis=0) > NORM_TOLERANCE
    if off.any():
        between = f"{seen.min():.4g} to {seen.max():.4g}"
        text = f"{int(off.sum()):,} of {len(seen):,} rows do not have norm 1 (norms from {between}), as published vectors do."
        yield warning(
            "not-unit-norm", str(found.path), text, "Normalise the rows, or train and evaluate with these very vectors."
        )


def _partner(found: Embeddings) -> Iterator[Finding]:
    """Query and candidate vectors in two files side by side must be of one width; as a rule they are of one split."""
    path = partner_path(found.path)
    if path is None:
        return
    try:
        yield from pair_findings(found, open_embeddings(path))
    except Unreadable:
        return  # said of that file when it is examined itself


def partner_path(path: Path) -> Path | None:
    """The file beside this one that holds the other role's vectors, by its name; None where there is none."""
    for words in (*PARTNERS, *(pair[::-1] for pair in PARTNERS)):
        other = path.with_name(path.name.replace(*words))
        if other != path and other.is_file():
            return other
    return None


def pair_findings(found: Embeddings, other: Embeddings) -> Iterator[Finding]:
    """What is wrong between a file of query vectors and one of candidate vectors, told of `found`."""
    subject, name = str(found.path), other.path.name
    if found.width != other.width:
        text = f"The vectors are {found.width} wide, those of {name} {other.width}: a query cannot be compared with a candidate."
        yield error("d-model", subject, text, "Make both with one encoder (`leverplus run embed`).")
    elif found.rows != other.rows:
        text = (
            f"It has {found.rows:,} rows, {name} has {other.rows:,}: row i is no longer the same question in both, and "
            "published code then uses one shared table of candidates."
        )
        yield warning("rows-uneven", subject, text, "Embed the same train split for both, unless that is meant.")
    elif _equal(found.main, other.main):
        text = f"Its vectors are identical to those of {name}; that is right only when both are the same train rows."
        yield info("identical-embeddings", subject, text, "Nothing to do when queries come from the train split.")


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


def _equal(a: Matrix, b: Matrix) -> bool:
    return tuple(a.shape) == tuple(b.shape) and np.array_equal(_sample(a)[0], _sample(b)[0])
