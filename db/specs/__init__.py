"""Specifications: what a job is. Command-line flags, the launch form and the stored run all come from these models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from db.specs.ask import AskSpec, TrialSpec
from db.specs.base import Finding, Report, Severity, Spec, UserError, canonical_json, sha256_text
from db.specs.embed import EmbedSpec
from db.specs.evaluate import DecodeSpec, EvalSpec, PromptSpec
from db.specs.generate import GenerateSpec
from db.specs.imported import ImportSpec
from db.specs.selector import SelectorParts
from db.specs.train import TrainSpec

JobSpec = Annotated[EvalSpec | TrainSpec | GenerateSpec | EmbedSpec, Field(discriminator="kind")]
JOB_SPEC: TypeAdapter[EvalSpec | TrainSpec | GenerateSpec | EmbedSpec] = TypeAdapter(JobSpec)
SPEC_OF_KIND: dict[str, type[Spec]] = {
    "eval": EvalSpec,
    "rce": TrainSpec,
    "grpo": TrainSpec,
    "generate": GenerateSpec,
    "embed": EmbedSpec,
}
UNREPEATED: dict[str, type[ImportSpec] | type[AskSpec]] = {"import": ImportSpec, "ask": AskSpec}
"""Kinds of runs that no form starts and that have nothing to repeat."""


def read_spec(kind: str, text: str) -> EvalSpec | TrainSpec | GenerateSpec | EmbedSpec | ImportSpec:
    """The specification of a run of any kind from its JSON. Raises pydantic's ValidationError."""
    model = UNREPEATED.get(kind)
    return model.model_validate_json(text) if model is not None else JOB_SPEC.validate_json(text)


__all__ = [
    "JOB_SPEC", "SPEC_OF_KIND", "UNREPEATED", "AskSpec", "DecodeSpec", "EmbedSpec", "EvalSpec", "Finding", "GenerateSpec",
    "ImportSpec", "JobSpec", "PromptSpec", "Report", "SelectorParts", "Severity", "Spec", "TrainSpec", "TrialSpec",
    "UserError", "canonical_json", "read_spec", "sha256_text",
]  # fmt: skip
