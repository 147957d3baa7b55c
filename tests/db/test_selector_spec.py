"""The table of published selectors against the published parameter counts."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from db.specs.selector import EARLIER, PUBLISHED, SelectorParts, expected_tensors, parameter_count, published_names

COUNTS = {
    "v2": 657_152, "v3": 657_152, "v4_1": 657_152, "v4_2": 921_088, "v4_3": 921_090, "v4_4": 1_710_850,
    "v4_5": 1_052_672, "v4_6": 930_833, "v4_7": 930_817, "v4_8": 1_318_912, "v4_9": 1_185_025, "v4_10": 921_344,
}  # fmt: skip


@pytest.mark.parametrize("variant", COUNTS)
def test_published_parameter_counts_at_both_widths(variant: str) -> None:
    narrow, wide = (parameter_count(expected_tensors(PUBLISHED[variant], d, 256, 1, 2)) for d in (512, 768))
    assert narrow == COUNTS[variant]
    assert wide == narrow + 65_536


@pytest.mark.parametrize(("d_model", "count"), [(512, 1_054_721), (768, 2_368_513)])
def test_towers_count_whatever_the_hidden_width(d_model: int, count: int) -> None:
    for parts in (PUBLISHED["v1"], EARLIER["v1"]):
        tensors = expected_tensors(parts, d_model, 256, 3)
        assert parameter_count(tensors) == count
        assert len(tensors) == 17


@pytest.mark.parametrize(
    ("d_model", "num_layers", "gated", "static"),
    [(512, 1, 657_152, 525_824), (512, 3, 1_184_512, 1_053_184), (768, 1, 722_688, 591_360)],
)
def test_layers_and_gate(d_model: int, num_layers: int, gated: int, static: int) -> None:
    assert parameter_count(expected_tensors(PUBLISHED["v3"], d_model, 256, num_layers)) == gated
    assert parameter_count(expected_tensors(EARLIER["v3"], d_model, 256, num_layers)) == static


@pytest.mark.parametrize(
    ("variant", "change", "count"),
    [
        ("v4_5", {"scorer": "bilinear"}, 986_624),
        ("v4_5", {"scorer": "dot"}, 921_088),
        ("v4_9", {"refine_type": "mlp"}, 1_052_673),
    ],
)
def test_options_of_the_scorer(variant: str, change: dict[str, str], count: int) -> None:
    parts = SelectorParts.model_validate(PUBLISHED[variant].model_dump() | change)
    assert parameter_count(expected_tensors(parts, 512)) == count


def test_equal_widths_need_no_projection() -> None:
    assert "input_proj.weight" not in expected_tensors(PUBLISHED["v3"], 256, 256)
    assert expected_tensors(PUBLISHED["v3"], 512, 256)["input_proj.weight"] == (256, 512)


def test_names_of_parts() -> None:
    assert published_names(SelectorParts()) == ("v2", "v3", "v4_1")
    assert published_names(EARLIER["v3"]) == ("v2", "v3")
    assert published_names(PUBLISHED["v4_7"]) == ("v4_7",)
    assert published_names(SelectorParts(scorer="bilinear")) == ()


def test_contradictory_parts_are_refused() -> None:
    with pytest.raises(ValidationError, match="slots are the steps"):
        SelectorParts(state_update="slots", step_embedding=True)
    with pytest.raises(ValidationError, match="towers have no attention"):
        SelectorParts(projection="towers", candidate_layers=1)
