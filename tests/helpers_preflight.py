"""For tests of preflight: selectors as wide as the built-in model's features, and what a result says, briefly."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from db.specs import EvalSpec
from db.specs.selector import PUBLISHED
from engine.doctor.preflight import Preflight
from engine.selector import PointerSelector
from engine.selector.checkpoint import save_selector
from tests import helpers_checkpoints as make

WIDTH = 192
"""Of the built-in model's image and text features, one behind the other."""


def levels(result: Preflight) -> dict[str, str]:
    """Row of the table -> its level."""
    return {check.what: check.level for check in result.checks}


def codes(result: Preflight) -> set[str]:
    """What was found to be wrong, or may be."""
    return {finding.code for finding in result.findings if finding.severity != "info"}


def message(result: Preflight, code: str) -> str:
    """The sentence of the one finding with this code."""
    [finding] = [finding for finding in result.findings if finding.code == code]
    return finding.message


def published(path: Path, **sizes: Any) -> Path:
    """A selector as upstream writes it: nothing says how it was embedded."""
    return make.write_upstream(path, make.make_tensors(**{"d_model": WIDTH, **sizes}))


def trained(
    path: Path,
    *,
    made: Mapping[str, Any] | None = None,
    rl_data: str = "",
    encoder: str = "vlm",
    pool: Mapping[str, Any] | None = None,
    width: int = WIDTH,
    variant: str = "v3",
) -> Path:
    """A selector of ours whose manifest says what its RL data were made with; by default as an evaluation does it."""
    asked = EvalSpec()
    alike = {"prompt_sha": asked.prompt.sha(), "decode_sha": asked.decode.sha()}
    lineage = {"rl_meta": alike if made is None else dict(made), "rl_data": {"path": rl_data}}
    selector = PointerSelector(PUBLISHED[variant], width, 16)
    pools = {"rule": "shared"} if pool is None else dict(pool)
    save_selector(path, selector, lineage=lineage, embedding={"encoder": encoder}, pool=pools)
    return path
