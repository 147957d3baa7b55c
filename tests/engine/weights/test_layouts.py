"""Names and shapes of checkpoints: prefixes, legacy names, which selector it is, what is missing."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.specs.selector import EARLIER, PUBLISHED, SelectorParts, Shape, expected_tensors
from engine.weights.containers import open_weights
from engine.weights.layouts import compare, legacy_name, modern_name, read_names, split_prefix
from engine.weights.recognition import Recognised, declared_variant, expected_of, recognise
from tests.helpers_checkpoints import (
    layer_gap,
    legacy_names,
    make_tensors,
    mixed_names,
    prefixed,
    vocabulary_model,
    with_lora,
    without,
    write_converted,
    write_lightning,
    write_upstream,
)
from tests.helpers_selector import TABLES


def shapes_of(tensors: dict[str, Any]) -> dict[str, Shape]:
    return {name: tuple(tensors[file].shape) for name, file in read_names(tensors).own.items()}


def recognised(tensors: dict[str, Any], **declared: Any) -> Recognised:
    found = recognise(shapes_of(tensors), declared)
    assert isinstance(found, Recognised)
    return found


@pytest.mark.parametrize(
    "prefix", ["", "pointer_selector.", "lever_lm.pointer_selector.", "model.", "module._orig_mod."]
)
def test_known_prefixes_are_stripped(prefix: str) -> None:
    naming = read_names(prefixed(make_tensors(), prefix))
    assert set(naming.own) == set(make_tensors())
    assert naming.prefix == prefix
    assert not naming.problems
    assert split_prefix(f"{prefix}query_proj.weight") == (prefix, "query_proj.weight")


def test_unknown_prefixes_are_named() -> None:
    naming = read_names(prefixed(make_tensors(), "student.net."))
    assert naming.problems == (("prefix-mismatch", "the names start with 'student.net.', a prefix that is not known"),)
    assert set(naming.foreign.values()) == set(make_tensors())


def test_names_that_only_resemble_a_selector_are_no_prefix_problem() -> None:
    """Other networks have a projection of the query in every layer."""
    names = [f"encoder.layer.{layer}.attention.query_proj.weight" for layer in range(2)]
    assert read_names(names).problems == ()
    assert read_names(["encoder.cross_attn.weight", "encoder.mlp.weight"]).problems == ()


def test_the_encoder_beside_the_selector_is_told_apart() -> None:
    naming = read_names(with_lora(make_tensors()))
    assert set(naming.own) == set(make_tensors())
    assert len(naming.beside) == 3


def test_legacy_names_become_layer_zero_and_back() -> None:
    naming = read_names(legacy_names(make_tensors()))
    assert set(naming.own) == set(make_tensors())
    assert len(naming.legacy) == 6
    for name in make_tensors():
        assert modern_name(legacy_name(name)) == name


def test_mixed_names_and_repeated_names_are_ambiguous() -> None:
    (problem,) = read_names(mixed_names(make_tensors())).problems
    assert problem[0] == "mixed-keys"
    (problem,) = read_names(make_tensors() | prefixed(make_tensors(), "module.")).problems
    assert problem[0] == "mixed-keys"
    assert "occur twice" in problem[1]


@pytest.mark.parametrize("variant", PUBLISHED)
def test_every_published_file_is_recognised(variant: str, tmp_path: Path) -> None:
    for layers, shots in ((1, 2), (3, 4)):
        tensors = make_tensors(variant, num_layers=layers, shots=shots)
        anatomy = open_weights(write_upstream(tmp_path / "a.pt", tensors, variant))
        shapes = {name: info.shape for name, info in anatomy.tensors().items()}
        found = recognise(shapes, anatomy.metadata)
        assert isinstance(found, Recognised)
        assert found.parts == PUBLISHED[variant]
        assert variant in found.names
        assert found.problems == ()
        assert found.sizes.num_layers == (0 if variant == "v1" else layers)
        assert compare(shapes, expected_of(found)).complete


@pytest.mark.parametrize(("variant", "parts"), EARLIER.items())
def test_earlier_forms_are_recognised_by_their_tensors(variant: str, parts: SelectorParts) -> None:
    found = recognised(make_tensors(parts=parts))
    assert found.parts == parts
    assert variant in found.names


@pytest.mark.parametrize(("part", "name"), [(part, name) for part, table in TABLES.items() for name in table])
def test_every_form_of_a_part_is_recognised(part: str, name: str) -> None:
    change = {part: name} | ({"step_embedding": False} if name == "slots" else {})
    for more in ({}, {"refine_type": "mlp"}, {"num_topics": 5, "dpp_rank": 7, "slot_layers": 1}):
        parts = SelectorParts.model_validate(PUBLISHED["v4_10"].model_dump() | change | more)
        shapes = expected_tensors(parts, 12, 8, 2, 3)
        # a form without tensors is known by what is declared, the others need nothing
        found = recognise(shapes, {} if TABLES[part][name].words else {part: name})
        assert isinstance(found, Recognised)
        # of published files, later parts without an update of their own weigh by 0.6
        assert getattr(found.parts, part) == {"static": "weighted"}.get(name, name)
        assert compare(shapes, expected_of(found)).complete


def test_no_two_forms_share_a_word() -> None:
    words = [word for table in TABLES.values() for form in table.values() for word in form.words]
    assert len(set(words)) == len(words)
    assert all(list(table.values())[-1].words == () for table in TABLES.values())


def test_what_no_tensor_shows_is_listed_and_can_be_declared() -> None:
    found = recognised(make_tensors("v4_9"))
    assert found.assumed == {"num_heads": 1, "top_m": 8}
    told = recognised(make_tensors("v4_9"), top_m=4, num_heads=2)
    assert (told.parts.top_m, told.sizes.num_heads, told.assumed) == (4, 2, {})
    assert recognised(make_tensors("v4_3")).assumed == {"num_heads": 1, "mmr_reduction": "max"}
    assert recognised(make_tensors("v4_3"), mmr_reduction="mean").parts.mmr_reduction == "mean"


def test_undecidable_names_are_all_given() -> None:
    assert recognised(make_tensors("v2")).names == ("v3", "v2", "v4_1")
    assert recognised(make_tensors("v2"), variant="v2").names[0] == "v2"
    assert recognised(make_tensors("v4_2")).names == ("v4_2", "v4_5")
    assert recognised(make_tensors("v4_2"), model_type="v4_5").problems == ()
    stripped = recognised(without(make_tensors("v4_7"), "dpp_"))
    assert stripped.problems[0][0] == "unverifiable"
    assert recognised(make_tensors("v4_2", shots=8), variant="v4_2").problems == ()
    assert recognised(make_tensors("v4_2", shots=7)).problems == ()


def test_names_of_versions() -> None:
    assert declared_variant({"model_type": "v4_7_converted_to_v2"}) == "v4_7"
    assert declared_variant({"model_type": "v4_10"}) == "v4_10"
    assert declared_variant({"variant": "v2", "model_type": "v3"}) == "v2"
    assert declared_variant({"model_type": "v4_99"}) == declared_variant({"model_type": "v3000"}) == ""


@pytest.mark.parametrize(
    ("variant", "lost", "declared", "code"),
    [
        ("v4_7", "dpp_", {"model_type": "v4_7"}, "head-missing"),
        ("v4_6", ("topic_", "query_topic", "cover"), {"model_type": "v4_6"}, "head-missing"),
        ("v4_4", "cand_encoder", {"model_type": "v4_4"}, "head-missing"),
        ("v4_9", "decoder_gru", {"model_type": "v4_9", "use_gru": True}, "head-missing"),
        ("v4_3", "nothing", {"model_type": "v4_2"}, "variant-mismatch"),
        ("v4_3", "nothing", {"variant": "v3"}, "variant-mismatch"),
        ("v1", "nothing", {"variant": "v3"}, "family-mismatch"),
        ("v3", "nothing", {"variant": "v1"}, "family-mismatch"),
        ("v4_6", "nothing", {"num_topics": 8}, "hyperparameter-mismatch"),
        ("v4_5", "nothing", {"attention_type": "bilinear"}, "hyperparameter-mismatch"),
        ("v3", "nothing", {"hidden_dim": 256}, "hyperparameter-mismatch"),
    ],
)
def test_contradictions(variant: str, lost: str | tuple[str, ...], declared: dict[str, Any], code: str) -> None:
    starts = (lost,) if isinstance(lost, str) else lost
    assert recognised(without(make_tensors(variant), *starts), **declared).problems[0][0] == code


def test_values_that_no_selector_can_have_are_not_taken() -> None:
    found = recognised(make_tensors("v4_9"), top_m=0, num_heads="many", temperature=None, shots=3)
    assert (found.parts.top_m, found.sizes.num_heads, found.parts.temperature) == (8, 1, 0.1)
    assert [code for code, _ in found.problems] == ["metadata-conflict"] * 3
    assert recognised(make_tensors(), num_heads=3).problems == (
        ("metadata-conflict", "num_heads cannot be 3, which does not divide hidden_dim 16"),
    )


def test_foreign_files() -> None:
    assert recognise(shapes_of(vocabulary_model()))[0] == "family-mismatch"  # type: ignore[index]
    assert recognise({"conv.weight": (3, 3)})[0] == "not-a-checkpoint"  # type: ignore[index]
    assert recognise({})[0] == "not-a-checkpoint"  # type: ignore[index]


def test_gaps_and_partial_parts_are_missing_tensors() -> None:
    gap = layer_gap(make_tensors(num_layers=3))
    coverage = compare(shapes_of(gap), expected_of(recognised(gap)))
    assert len(coverage.missing) == 6
    assert not coverage.complete
    half = without(make_tensors(), "query_update_gate.bias")
    assert compare(shapes_of(half), expected_of(recognised(half))).missing == ("query_update_gate.bias",)


def test_coverage_counts_parameters() -> None:
    """The published case: converted names against a one-layer model at d=512, H=256."""
    expected = expected_tensors(PUBLISHED["v3"], 512)
    converted = {legacy_name(name): shape for name, shape in expected.items()}
    coverage = compare(converted, expected)
    assert (len(coverage.missing), len(coverage.unexpected)) == (6, 6)
    assert coverage.parameters - coverage.parameters_matched == 263_680
    assert coverage.parameters_random == pytest.approx(0.401, abs=5e-4)
    assert coverage.sentence().startswith("263,680 of 657,152 parameters (40.1 %) would stay random")
    three = compare(converted, expected_tensors(PUBLISHED["v3"], 512, 256, 3))
    assert (len(three.missing), len(three.unexpected)) == (18, 6)
    assert compare({"a": (2, 3)}, {"a": (3, 2)}).sentence() == ("a has the shape [2, 3], not [3, 2]")


def test_converters_are_understood(tmp_path: Path) -> None:
    for variant in PUBLISHED:
        if variant in ("v1", "v4_7"):
            continue
        anatomy = open_weights(write_converted(tmp_path / f"{variant}.ckpt", make_tensors(variant), variant))
        shapes = shapes_of(anatomy.tensors())
        found = recognise(shapes, anatomy.metadata)
        assert isinstance(found, Recognised)
        assert found.parts == PUBLISHED[variant]
        assert compare(shapes, expected_of(found)).complete
    stripped = open_weights(write_converted(tmp_path / "v4_7.ckpt", make_tensors("v4_7"), "v4_7"))
    found = recognise(shapes_of(stripped.tensors()), stripped.metadata)
    assert isinstance(found, Recognised)
    assert found.problems == (("head-missing", "it says v4_7, but the diversity term dpp is not in it"),)


def test_lightning_files_hold_the_selector_beside_its_encoder(tmp_path: Path) -> None:
    anatomy = open_weights(write_lightning(tmp_path / "a.ckpt", make_tensors()))
    naming = read_names(anatomy.tensors())
    assert set(naming.own) == set(make_tensors())
    assert len(naming.beside) == 2
