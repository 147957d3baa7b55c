"""Which model a kind of job has, and reading any of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, TypeAdapter, ValidationError

from db.specs.ask import AskSpec
from db.specs.base import Spec
from db.specs.embed import EmbedSpec
from db.specs.evaluate import EvalSpec
from db.specs.generate import GenerateSpec
from db.specs.imported import ImportSpec
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


LATER_FIELDS = ("prefill",)
"""Fields that specifications have gained: a run stored before has none, which is the default."""
AnySpec = EvalSpec | TrainSpec | GenerateSpec | EmbedSpec | ImportSpec


def read_spec(kind: str, text: str) -> AnySpec:
    """The specification of a run of any kind from its JSON. Raises pydantic's ValidationError."""
    model = UNREPEATED.get(kind)
    return model.model_validate_json(text) if model is not None else JOB_SPEC.validate_json(text)


def whole_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A stored specification with the defaults of fields that it is too old to have; as it is where no job can be made of it."""
    try:
        return JOB_SPEC.validate_python(dict(spec)).model_dump(mode="json")
    except ValidationError:  # of a newer version, imported, or asked
        return dict(spec)
