"""Which fields of a training were asked for, and which stand at their defaults because nobody spoke of them."""

from __future__ import annotations

from db.specs import TrainSpec
from db.specs.selector import PUBLISHED, SelectorParts

FILES = {"rl_data": "rl.json", "embeddings": "e.npy"}


def test_a_field_is_asked_for_when_it_is_given_or_differs_from_its_default() -> None:
    spec = TrainSpec.model_validate({**FILES, "variant": "v3", "hidden_dim": 8})
    assert [spec.asked(name) for name in ("variant", "hidden_dim", "num_layers")] == [True, True, False]


def test_what_a_stored_specification_or_the_form_says_at_its_default_was_not_asked_for() -> None:
    stored = TrainSpec.model_validate_json(TrainSpec.model_validate({**FILES, "hidden_dim": 8}).canonical())
    assert (stored.asked("variant"), stored.asked("hidden_dim")) == (False, True)
    form = TrainSpec.model_validate(stored.model_dump(exclude={"parts"}))
    assert (form.asked("variant"), form.asked("hidden_dim")) == (False, True)


def test_the_parts_asked_for_are_those_that_differ_from_the_variant() -> None:
    assert TrainSpec.model_validate(FILES).asked_parts == {}
    spec = TrainSpec.model_validate({**FILES, "variant": "v4_2", "parts": {"diversity": "mmr"}})
    assert spec.asked_parts == {"diversity": "mmr"}
    assert TrainSpec.model_validate_json(spec.canonical()).asked_parts == {"diversity": "mmr"}
    custom = TrainSpec.model_validate({**FILES, "variant": "custom", "parts": PUBLISHED["v4_2"]})
    assert custom.asked_parts.keys() == SelectorParts.model_fields.keys()
