"""Which fields of a training were asked for, and which stand at their defaults because nobody spoke of them."""

from __future__ import annotations

from db.specs import TrainSpec
from db.specs.selector import PUBLISHED, SelectorParts

FILES = {"rl_data": "rl.json", "embeddings": "e.npy"}


def test_a_field_is_asked_for_when_it_differs_from_its_default_however_the_specification_was_made() -> None:
    typed = TrainSpec.model_validate({**FILES, "variant": "v3", "hidden_dim": 8})
    stored = TrainSpec.model_validate_json(typed.canonical())
    form = TrainSpec.model_validate(stored.model_dump(exclude={"parts"}))
    changed = TrainSpec.model_validate(FILES).model_copy(update={"hidden_dim": 8})
    for spec in (typed, stored, form, changed):
        assert [spec.asked(name) for name in ("variant", "hidden_dim", "num_layers")] == [False, True, False]


def test_the_parts_asked_for_are_those_that_differ_from_the_variant() -> None:
    assert TrainSpec.model_validate(FILES).asked_parts == {}
    spec = TrainSpec.model_validate({**FILES, "variant": "v4_2", "parts": {"diversity": "mmr"}})
    assert spec.asked_parts == {"diversity": "mmr"}
    assert TrainSpec.model_validate_json(spec.canonical()).asked_parts == {"diversity": "mmr"}
    custom = TrainSpec.model_validate({**FILES, "variant": "custom", "parts": PUBLISHED["v4_2"]})
    assert custom.asked_parts.keys() == SelectorParts.model_fields.keys()
