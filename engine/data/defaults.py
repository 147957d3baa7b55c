"""What a specification leaves open, settled once for preflight and job: which retriever, which selector, which features.

Free of torch, so that it can be asked before a job is started.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from db.specs.evaluate import COMPARED, SELECTING, WITHOUT_MODEL, EvalSpec
from db.specs.generate import GenerateSpec
from engine.demo import shipped


class Features(NamedTuple):
    """Whose features a selector looks at."""

    encoder: str
    """`vlm`, or the directory or hub id of an encoder."""
    model: str
    """The vision-language model, where the encoder is `vlm`."""


def resolve_retriever(spec: EvalSpec) -> str:
    """The retriever that `spec` means: what it names, else `selector` where one is given or built in, else `random`."""
    if spec.retriever is not None:
        return spec.retriever
    if spec.selector:
        return "selector"
    at_home = spec.dataset in shipped.WORLDS and spec.vlm == shipped.BUILTIN
    return "selector" if at_home and shipped.selector_path(spec.dataset) else "random"


def reads_selector(spec: EvalSpec, retriever: str) -> bool:
    """Whether the retriever asks a selector, or compares the embeddings of the one that `spec` names."""
    if retriever in SELECTING:
        return True
    return bool(spec.selector) and any(field == "both" for _, field in COMPARED.get(retriever, ()))


def selector_file(spec: EvalSpec | GenerateSpec) -> Path | None:
    """The checkpoint that a selector is read from: what is named, else the built-in one; none where there is none."""
    if spec.selector in ("", "builtin"):
        return shipped.selector_path(spec.dataset)
    return Path(spec.selector).expanduser()


def features_of(spec: EvalSpec | GenerateSpec) -> str:
    """The model whose features `encoder=vlm` means; a rule has none, so that in the built-in world its model's count."""
    return shipped.BUILTIN if spec.vlm in WITHOUT_MODEL and spec.dataset in shipped.WORLDS else spec.vlm


def selector_features(embedding: Mapping[str, Any], *, encoder: str, vlm: str) -> Features:
    """What a selector whose manifest has this `embedding` entry is fed with: what it was trained on where the entry says
    so, else what the specification asks for."""
    return Features(str(embedding.get("encoder") or encoder), str(embedding.get("encoder_model") or vlm))
