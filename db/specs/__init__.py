"""Specifications: what a job is. Command-line flags, the launch form and the stored run all come from these models.

They are imported when the first of them is named: pydantic and the models cost more than the rest of a list of runs.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from db.canonical import canonical_json, sha256_text
from db.user_error import Severity, UserError

if TYPE_CHECKING:
    from db.specs.ask import AskSpec, TrialSpec
    from db.specs.base import Finding, Report, Spec, worst_first
    from db.specs.embed import EmbedSpec
    from db.specs.evaluate import DecodeSpec, EvalSpec, PromptSpec
    from db.specs.generate import GenerateSpec
    from db.specs.imported import ImportSpec
    from db.specs.kinds import JOB_SPEC, LATER_FIELDS, SPEC_OF_KIND, UNREPEATED, AnySpec, JobSpec, read_spec, whole_spec
    from db.specs.selector import SelectorParts
    from db.specs.train import TrainSpec

HOMES = {
    "ask": ("AskSpec", "TrialSpec"),
    "base": ("Finding", "Report", "Spec", "worst_first"),
    "embed": ("EmbedSpec",),
    "evaluate": ("DecodeSpec", "EvalSpec", "PromptSpec"),
    "generate": ("GenerateSpec",),
    "imported": ("ImportSpec",),
    "kinds": (
        "JOB_SPEC",
        "LATER_FIELDS",
        "SPEC_OF_KIND",
        "UNREPEATED",
        "AnySpec",
        "JobSpec",
        "read_spec",
        "whole_spec",
    ),
    "selector": ("SelectorParts",),
    "train": ("TrainSpec",),
}
"""Names by the module that has them."""

__all__ = [
    "JOB_SPEC", "LATER_FIELDS", "SPEC_OF_KIND", "UNREPEATED", "AnySpec", "AskSpec", "DecodeSpec", "EmbedSpec", "EvalSpec",
    "Finding", "GenerateSpec", "ImportSpec", "JobSpec", "PromptSpec", "Report", "SelectorParts", "Severity", "Spec", "TrainSpec",
    "TrialSpec", "UserError", "canonical_json", "read_spec", "sha256_text", "whole_spec", "worst_first",
]  # fmt: skip


def __getattr__(name: str) -> object:
    home = next((module for module, names in HOMES.items() if name in names), None)
    if home is None:
        raise AttributeError(f"module {__name__} has no attribute {name}")
    return getattr(importlib.import_module(f"{__name__}.{home}"), name)
