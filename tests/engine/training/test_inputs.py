"""What a training starts from: a checkpoint decides variant, parts and sizes, and contradictions are refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from db.rows import Fact
from db.specs import TrainSpec, UserError
from db.specs.selector import PUBLISHED
from engine.selector import PointerSelector
from engine.selector.checkpoint import save_selector
from engine.training.inputs import as_trained, build_selectors, trained_facts

WIDTH = 12


@pytest.fixture
def start(tmp_path: Path) -> str:
    path = tmp_path / "v42.safetensors"
    save_selector(path, PointerSelector(PUBLISHED["v4_2"], WIDTH, hidden_dim=8))
    return str(path)


def asking(start: str, **fields: Any) -> TrainSpec:
    return TrainSpec.model_validate({"rl_data": "rl.json", "embeddings": "e.npy", "init": start, **fields})


def test_what_nobody_asked_for_comes_from_the_checkpoint(start: str) -> None:
    spec = asking(start)
    [selector] = build_selectors([spec], WIDTH, 2)
    assert (selector.parts, selector.sizes.hidden_dim) == (PUBLISHED["v4_2"], 8)
    used = as_trained(spec, selector)
    assert (used.variant, used.hidden_dim, used.parts) == ("v4_2", 8, None)
    facts = {row.name: row.value for row in trained_facts(used, selector) if isinstance(row, Fact)}
    assert (facts["variant"], facts["sizes"]["hidden_dim"]) == ("v4_2", 8)


def test_a_stored_specification_trains_the_same(start: str) -> None:
    stored = TrainSpec.model_validate_json(asking(start).canonical())
    assert build_selectors([stored], WIDTH, 2)[0].parts == PUBLISHED["v4_2"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"variant": "v2"}, "v2"),
        ({"variant": "v4_2", "parts": {"diversity": "mmr"}}, "has diversity=none, but diversity=mmr was asked for"),
        ({"num_layers": 1, "hidden_dim": 32}, "has hidden_dim=8, but hidden_dim=32"),
    ],
)
def test_what_contradicts_the_checkpoint_is_refused(start: str, fields: dict[str, Any], said: str) -> None:
    with pytest.raises(UserError, match=said):
        build_selectors([asking(start, **fields)], WIDTH, 2)


def test_a_new_selector_is_what_the_specification_says(start: str) -> None:
    spec = asking("", variant="v2", hidden_dim=8)
    [selector] = build_selectors([spec], WIDTH, 2)
    assert as_trained(spec, selector) is spec


def test_a_diversity_term_starts_where_it_is_told(start: str) -> None:
    asked = TrainSpec(rl_data="r", embeddings="e", variant="v4_6", hidden_dim=8, diversity_init=-0.5)
    [selector] = build_selectors([asked], 12, 2)
    assert dict(selector.named_parameters())["cover_lambda"].item() == -0.5
    for fields, said in (({"variant": "v3"}, "no diversity term"), ({"variant": "v4_6", "init": start}, "new weights")):
        with pytest.raises(ValidationError, match=said):
            TrainSpec.model_validate({"rl_data": "r", "embeddings": "e", "diversity_init": 1.0, **fields})
