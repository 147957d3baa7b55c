"""What is declared beside the tensors of a checkpoint: our manifest, training's configuration, and which values are possible.

Lightning keeps the whole configuration of a supervised training under `datamodule_hyper_parameters`.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from db.specs.selector import SelectorParts, SelectorSizes
from engine.common.files.gate import NotReadable, is_folder, read_bytes
from engine.weights.anatomy import Anatomy, bounded_int
from engine.weights.layouts import Problem

MOST_BYTES = 1024 * 1024
"""Of a manifest beside a file."""
PLACES = ("datamodule_hyper_parameters", "hyper_parameters")


def manifest_of(anatomy: Anatomy) -> dict[str, Any]:
    """Our manifest where the file carries one, else empty."""
    for value in anatomy.metadata.values():
        if isinstance(value, dict) and value.get("format") == "leverplus-selector":
            return value
    return {}


def beside(path: Path) -> Path:
    """Where the manifest of a file or folder lies."""
    return path / "manifest.json" if is_folder(path) else path.with_name(f"{path.name}.json")


def manifest_beside(path: Path) -> dict[str, Any]:
    """Our manifest beside a file or in a folder, which may hold a few fields only; empty if there is none."""
    try:
        content = table(json.loads(read_bytes(beside(path), MOST_BYTES), parse_int=bounded_int))
    except (NotReadable, ValueError, RecursionError):
        return {}
    return content if content.get("format") == "leverplus-selector" else {}


def told(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """What a manifest knows, parts and sizes beside its other fields, less what its conversion only assumed."""
    parts, sizes, lineage = (table(manifest.get(name)) for name in ("parts", "sizes", "lineage"))
    assumed = table(lineage.get("assumed"))
    return {name: value for name, value in (dict(manifest) | parts | sizes).items() if name not in assumed}


def table(value: Any) -> dict[str, Any]:
    """The value if it is a table of fields, else an empty one."""
    return value if isinstance(value, dict) else {}


def possible(declared: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    """The declarations without values that no selector can have, and what is to be said of those."""
    sound, problems = dict(declared), list[Problem]()
    for name, value in declared.items():
        spec = SelectorParts if name in SelectorParts.model_fields else SelectorSizes
        if name in spec.model_fields and not _allowed(spec, name, value):
            del sound[name]
            problems.append(("metadata-conflict", f"{name} cannot be {repr(value)[:80]} in a selector"))
    return sound, problems


def _allowed(spec: type[SelectorParts | SelectorSizes], name: str, value: Any) -> bool:
    try:
        spec.model_validate({"d_model": 1} | {name: value} if spec is SelectorSizes else {name: value})
    except ValidationError:
        return False
    return True


def stored_config(metadata: Mapping[str, Any]) -> dict[str, Any]:
    """Leaves of the stored configuration by their last name, the outermost where a name occurs twice."""
    leaves: dict[str, Any] = {}
    for place in PLACES:
        for name, value in _breadth_first(metadata.get(place)):
            leaves.setdefault(name, value)
    return leaves


def declared_by_config(config: Mapping[str, Any]) -> dict[str, Any]:
    """Encoder and pool under the names of our manifest."""
    declared: dict[str, Any] = {}
    encoder, size = config.get("clip_name"), config.get("K")
    if isinstance(encoder, str) and not encoder.startswith("${"):
        declared["embedding"] = {"encoder": encoder}
    if isinstance(size, int) and not isinstance(size, bool):
        declared["pool"] = {"size": size}
    return declared


def _breadth_first(value: Any) -> Iterator[tuple[str, Any]]:
    level = [("", value)]
    while level:
        pairs = [
            (f"lora_{name}" if "lora" in parent and name == "r" else str(name), inner)
            for parent, mapping in level
            if isinstance(mapping, Mapping)
            for name, inner in mapping.items()
        ]
        yield from (pair for pair in pairs if not isinstance(pair[1], Mapping))
        level = pairs
