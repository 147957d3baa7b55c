"""Fields of an evaluation and of a generation that exclude each other, each with a sentence that names both."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from db.specs import EvalSpec, GenerateSpec, Spec

KINDS: list[type[Spec]] = [EvalSpec, GenerateSpec]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"engine": "plain"}, "prefill=fp8 is the packed engine's, and engine=plain takes the other"),
        ({"dtype": "float32"}, "prefill=fp8 stands beside bfloat16, not float32: give dtype=bfloat16 or auto"),
        ({"decode": {"do_sample": True}}, "decode.do_sample=true takes the plain one"),
        ({"vlm": "http://localhost:1/v1"}, "a model that is computed here, and vlm is http://localhost:1/v1"),
        ({"vlm": "majority"}, "a model that is computed here, and vlm is majority"),
    ],
)
def test_what_cannot_be_read_in_fp8_is_refused(kind: type[Spec], fields: dict[str, Any], said: str) -> None:
    kind.model_validate(fields)
    with pytest.raises(ValidationError, match=said):
        kind.model_validate({**fields, "prefill": "fp8"})


@pytest.mark.parametrize("kind", KINDS)
def test_it_stands_beside_what_is_left_open_and_what_fits(kind: type[Spec]) -> None:
    for fields in ({}, {"engine": "packed", "dtype": "bfloat16"}):
        assert kind.model_validate({**fields, "prefill": "fp8"}).model_dump()["prefill"] == "fp8"
