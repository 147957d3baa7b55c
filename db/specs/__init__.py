"""Specifications: what a job is. Command-line flags, the launch form and the stored run all come from these models."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, TypeAdapter

from db.specs.base import Finding, Report, Severity, Spec, UserError, canonical_json, sha256_text
from db.specs.embed import EmbedSpec
from db.specs.evaluate import DecodeSpec, EvalSpec, PromptSpec
from db.specs.generate import GenerateSpec
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

__all__ = [
    "JOB_SPEC", "SPEC_OF_KIND", "DecodeSpec", "EmbedSpec", "EvalSpec", "Finding", "GenerateSpec", "JobSpec",
    "PromptSpec", "Report", "SelectorParts", "Severity", "Spec", "TrainSpec", "UserError", "canonical_json",
    "sha256_text",
]  # fmt: skip
