"""Reads YAML as OmegaConf does: `1e-5` is a number, interpolations are resolved, `???` is a value that is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from omegaconf import MISSING, DictConfig, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from db.specs import UserError
from engine.common.files.gate import MOST_SPEC, NotReadable, read_text

MOST_NODES, MOST_DEPTH = 20_000, 50
"""A composed configuration of the published code has some hundred values, five deep. Aliases count as what they repeat."""


def read_yaml(path: Path) -> dict[str, Any]:
    """The values of a YAML file as plain data. Raises UserError naming the file and what to do."""
    try:
        text = read_text(path, MOST_SPEC)
        _refuse_crowds(text)
    except NotReadable as error:
        raise UserError(f"--spec {error}") from None
    except (yaml.YAMLError, RecursionError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"--spec {path} is not YAML: {said}") from None
    try:
        found = OmegaConf.create(text)
        if not isinstance(found, DictConfig):
            raise UserError(f"--spec {path} holds a list: write fields with their values, such as `rce_lr: 1e-4`")
        values = OmegaConf.to_container(found, resolve=True)
    except (OmegaConfBaseException, yaml.YAMLError, ValueError) as error:
        said = " ".join(str(error).split())[:200]
        raise UserError(f"--spec {path} cannot be read as a configuration: {said}") from None
    return _present(values, MISSING) if isinstance(values, dict) else {}


def _present(values: dict[Any, Any], missing: str) -> dict[str, Any]:
    return {
        str(name): _present(value, missing) if isinstance(value, dict) else value
        for name, value in values.items()
        if value != missing
    }


def _refuse_crowds(text: str) -> None:
    """Refuse what unfolds: aliases of aliases double with each line."""
    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.AliasEvent):
            total += sizes.get(event.anchor, MOST_NODES)
        elif isinstance(event, yaml.CollectionStartEvent):
            total += 1
            open_nodes.append((event.anchor, total))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor is not None:
                sizes[anchor] = total - before + 1
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor is not None:
                sizes[event.anchor] = 1
        if total > MOST_NODES or len(open_nodes) > MOST_DEPTH:
            raise yaml.YAMLError(f"it unfolds to more than {MOST_NODES:,} values, or nests more than {MOST_DEPTH} deep")
