"""The control `untrained`: the weights that a training of the same recipe starts from."""

from __future__ import annotations

from pathlib import Path

import torch

from db.specs import EvalSpec, TrainSpec
from engine.demonstrations.choose import open_selector
from engine.selector import PointerSelector
from engine.selector.checkpoint import save_selector
from engine.training.inputs import build_selectors


def test_an_untrained_selector_has_the_weights_that_its_training_drew(tmp_path: Path) -> None:
    recipe = TrainSpec(kind="rce", rl_data="x", embeddings="x", variant="v4_2", hidden_dim=16, seed=7)
    [start] = build_selectors([recipe], 12, 2)
    trained = PointerSelector(start.parts, **start.sizes.model_dump())
    path = tmp_path / "a.safetensors"
    save_selector(path, trained, lineage={"spec": recipe.model_dump(mode="json")})
    spec = EvalSpec(selector=str(path), seed=1)
    before, after = open_selector(spec, trained=False), open_selector(spec)
    assert isinstance(before.network, PointerSelector)
    for name, tensor in before.network.state_dict().items():
        assert torch.equal(tensor, start.state_dict()[name])
    assert before.sha != after.sha
