"""Every layout loads exactly or is refused with a sentence; what is saved comes back bit for bit."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch import Tensor

from db.specs import UserError
from db.specs.selector import EARLIER, PUBLISHED, SelectorManifest
from engine.selector import PointerSelector
from engine.selector.checkpoint import load_selector, open_selector, read_manifest, save_selector, tensors_sha
from tests import helpers_checkpoints as files
from tests.helpers_selector import VARIANTS

GOLDEN = Path(__file__).parents[2] / "golden"
Write = Callable[[Path, files.Tensors, str], Path]

LAYOUTS: dict[str, Write] = {
    "upstream": lambda path, tensors, variant: files.write_upstream(path / "a.pt", tensors, variant),
    "lightning": lambda path, tensors, _: files.write_lightning(path / "a.ckpt", tensors),
    "converted": lambda path, tensors, variant: files.write_converted(path / "a_v2format.ckpt", tensors, variant),
    "bare": lambda path, tensors, _: files.write_bare(path / "a.pt", tensors),
    "bare, wrapped": lambda path, tensors, _: files.write_bare(path / "a.pt", tensors, "module._orig_mod.model."),
    "bare, legacy names": lambda path, tensors, _: files.write_bare(path / "a.pt", files.legacy_names(tensors)),
    "old pickle": lambda path, tensors, _: files.write_bare(path / "a.pt", tensors, zipped=False),
    "safetensors": lambda path, tensors, _: files.write_safetensors(
        path / "a.safetensors", tensors, "pointer_selector."
    ),
    "sharded": lambda path, tensors, _: files.write_sharded(path / "folder", tensors),
}


def same(selector: PointerSelector, tensors: files.Tensors) -> bool:
    state = selector.state_dict()
    return set(state) == set(tensors) and all(torch.equal(state[name], tensors[name]) for name in tensors)


@pytest.mark.parametrize("variant", PUBLISHED)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_every_selector(layout: str, variant: str, tmp_path: Path) -> None:
    tensors = files.make_tensors(variant)
    path = LAYOUTS[layout](tmp_path, tensors, variant)
    if (layout, variant) == ("converted", "v4_7"):
        with pytest.raises(UserError, match="it says v4_7, but the diversity term dpp is not in it"):
            load_selector(path)
        return
    selector = load_selector(path)
    assert same(selector, tensors)
    assert selector.parts == PUBLISHED[variant]
    assert not selector.training


@pytest.mark.parametrize("name", ["selector_l1", "selector_l1_k64", "selector_l3"])
def test_golden_files_load(name: str) -> None:
    heads = {"selector_l1": 1, "selector_l1_k64": 4, "selector_l3": 2}[name]
    loaded = open_selector(GOLDEN / f"{name}.pt", answers={"num_heads": heads, "shots": 2})
    assert loaded.selector.sizes.num_heads == heads
    assert loaded.assumed == {}
    assert loaded.names == ("v3", "v2", "v4_1")
    assert loaded.metadata["epoch"] == 4
    assert open_selector(GOLDEN / f"{name}.pt").assumed == {"num_heads": 1, "shots": 2}


@pytest.mark.parametrize("name", VARIANTS)
def test_saved_selectors_come_back_bit_for_bit(name: str, tmp_path: Path) -> None:
    parts = VARIANTS[name]
    torch.manual_seed(1)
    selector = PointerSelector(parts, 12, 8, 2, 2, dropout=0.3, attn_dropout=0.2, shots=3)
    saved = save_selector(
        tmp_path / "best.safetensors", selector, lineage={"rl_data": "ab", "seed": 7}, metrics={"val_loss": 1.5},
        embedding={"encoder": "clip", "standardize": {"mean": [0.5] * 12}}, pool={"rule": "random", "size": 64},
    )  # fmt: skip
    loaded = open_selector(tmp_path / "best.safetensors")
    assert same(loaded.selector, dict(selector.state_dict()))
    assert (loaded.selector.parts, loaded.selector.sizes) == (selector.parts, selector.sizes)
    assert loaded.manifest is not None
    assert loaded.manifest.lineage == {"rl_data": "ab", "seed": 7}
    beside = json.loads((tmp_path / "best.safetensors.json").read_text())
    assert SelectorManifest.model_validate(beside) == saved
    assert read_manifest(tmp_path / "best.safetensors") == loaded.manifest
    assert loaded.manifest.embedding["standardize"]["mean"] == [0.5] * 12
    query, candidates = torch.randn(2, 12), torch.randn(2, 5, 12)
    selector.eval()
    assert torch.equal(selector.select(query, candidates, 3), loaded.selector.select(query, candidates, 3))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["best.safetensors", "best.safetensors.json"]


def test_a_saved_file_says_what_it_is_without_its_neighbour(tmp_path: Path) -> None:
    selector = PointerSelector(EARLIER["v3"], 12, 8, num_heads=4)
    save_selector(tmp_path / "a.safetensors", selector)
    (tmp_path / "a.safetensors.json").unlink()
    (tmp_path / "a.safetensors").rename(tmp_path / "moved.safetensors")
    again = load_selector(tmp_path / "moved.safetensors")
    assert again.sizes.num_heads == 4
    manifest = read_manifest(tmp_path / "moved.safetensors")
    assert manifest is not None
    assert manifest.variant == "v3"
    with pytest.raises(UserError, match="the manifest says num_heads=4, not 2"):
        load_selector(tmp_path / "moved.safetensors", answers={"num_heads": 2})


def test_other_programs_files_have_no_manifest_but_may_be_explained_beside(tmp_path: Path) -> None:
    path = files.write_upstream(tmp_path / "a.pt", files.make_tensors("v4_3"), "v4_3")
    assert read_manifest(path) is None
    (tmp_path / "a.pt.json").write_text('{"format": "other"}')
    assert load_selector(path).parts.mmr_reduction == "max"
    told = {"format": "leverplus-selector", "sizes": {"num_heads": 2}, "parts": {"mmr_reduction": "mean"}}
    (tmp_path / "a.pt.json").write_text(json.dumps(told))
    loaded = open_selector(path)
    assert (loaded.selector.parts.mmr_reduction, loaded.selector.sizes.num_heads) == ("mean", 2)
    assert loaded.assumed == {}


def test_a_changed_weight_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_selector(path, PointerSelector(PUBLISHED["v3"], 12, 8))
    data = bytearray(path.read_bytes())
    data[-2] ^= 1
    path.write_bytes(bytes(data))
    with pytest.raises(UserError, match="the weights are not those that its manifest describes"):
        load_selector(path)


def test_the_hash_is_of_the_content(tmp_path: Path) -> None:
    tensors = files.make_tensors()
    assert tensors_sha(tensors) == tensors_sha(dict(reversed(tensors.items())))
    assert tensors_sha(tensors) != tensors_sha(files.changed(tensors, "attn_norms.0.bias", 0.0))


REFUSED: dict[str, tuple[Callable[[files.Tensors], files.Tensors], str]] = {
    "mixed names": (files.mixed_names, "stand beside list names"),
    "unknown prefix": (lambda t: files.prefixed(t, "student."), "start with 'student.', a prefix that is not known"),
    "half a gate": (
        lambda t: files.without(t, "query_update_gate.bias"),
        r"16 of .* parameters \(.*%\) would stay random",
    ),
    "no projection of candidates": (lambda t: files.without(t, "cand_proj"), "cand_proj.weight is missing"),
    "half a layer": (lambda t: files.without(t, "cross_attn_layers.0.in_proj_weight"), "would stay random"),
    "something extra": (lambda t: t | {"value_head.weight": torch.zeros(1)}, "would be ignored: value_head.weight"),
    "wrong shape": (lambda t: t | {"cand_proj.weight": torch.zeros(4, 4)}, r"cand_proj.weight has the shape \[4, 4\]"),
    "NaN": (lambda t: files.changed(t, "cand_proj.weight", float("nan")), "holds NaN or infinity"),
    "integers": (lambda t: files.cast(t, torch.int64), "holds int64"),
    "another family": (lambda _: files.vocabulary_model(), "language-model ancestor"),
    "no selector": (lambda _: {"conv.weight": torch.zeros(3)}, "no selector is in it"),
}


@pytest.mark.parametrize("damage", REFUSED)
def test_damaged_tensors_are_refused(damage: str, tmp_path: Path) -> None:
    change, sentence = REFUSED[damage]
    path = files.write_bare(tmp_path / "a.pt", change(files.make_tensors()))
    with pytest.raises(UserError, match=sentence) as caught:
        load_selector(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("kind", ["lfs", "html", "json", "empty"])
def test_files_that_are_no_checkpoints(kind: str, tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.pt"):
        load_selector(files.write_text(tmp_path / "a.pt", kind))


def test_missing_cut_and_hostile_files(tmp_path: Path) -> None:
    tensors = files.make_tensors()
    with pytest.raises(UserError, match="does not exist"):
        load_selector(tmp_path / "none.pt")
    with pytest.raises(UserError, match="copy it again"):
        load_selector(files.truncate(files.write_upstream(tmp_path / "cut.pt", tensors)))
    with pytest.raises(UserError, match="zip bomb"):
        load_selector(files.write_zip_bomb(tmp_path / "bomb.pt", tensors, 5_000_000))
    marker = tmp_path / "ran"
    for plain in (False, True):
        with pytest.raises(UserError, match="nothing was run"):
            load_selector(files.write_hostile(tmp_path / "bad.pt", marker, tensors, plain=plain))
    assert not marker.exists()
    torch.save({"epoch": 3, "optimizer": {"state": {}}}, tmp_path / "optimizer.pt")
    with pytest.raises(UserError, match="has no model_state_dict or state_dict; it holds epoch"):
        load_selector(tmp_path / "optimizer.pt")


def test_two_containers_must_agree(tmp_path: Path) -> None:
    tensors = files.make_tensors("v4_10")
    other = files.prefixed(files.changed(tensors, "stop_token", 9.0), "lever_lm.pointer_selector.")
    torch.save({"model_state_dict": tensors, "state_dict": other}, tmp_path / "a.pt")
    with pytest.raises(UserError, match="stop_token differs between model_state_dict and state_dict"):
        load_selector(tmp_path / "a.pt")


def test_only_the_user_can_tell(tmp_path: Path) -> None:
    path = files.write_bare(tmp_path / "v4_7.pt", files.make_tensors("v4_2", shots=8))
    with pytest.raises(UserError, match="say variant=v4_2"):
        load_selector(path)
    assert load_selector(path, answers={"variant": "v4_2"}).max_shots == 8


def test_answers_are_checked(tmp_path: Path) -> None:
    path = files.write_bare(tmp_path / "a.pt", files.make_tensors())
    with pytest.raises(UserError, match="heads is no field of a selector"):
        load_selector(path, answers={"heads": 2})
    with pytest.raises(UserError, match="hidden_dim is declared as 512, but the tensors have 16"):
        load_selector(path, answers={"hidden_dim": 512})
    with pytest.raises(UserError, match="num_heads cannot be 'many'"):
        load_selector(path, answers={"num_heads": "many"})
    with pytest.raises(UserError, match="does not divide"):
        load_selector(path, answers={"num_heads": 3})
    with pytest.raises(UserError, match="it says v4_3"):
        load_selector(path, answers={"variant": "v4_3"})


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float64])
def test_other_precisions_become_float32(dtype: torch.dtype, tmp_path: Path) -> None:
    tensors = files.cast(files.make_tensors(), dtype)
    path = files.write_bare(tmp_path / "a.pt", tensors)
    loaded: dict[str, Tensor] = dict(load_selector(path).state_dict())
    assert all(torch.equal(loaded[name], tensors[name].float()) for name in tensors)


def test_views_of_one_storage_load(tmp_path: Path) -> None:
    """Tied or transposed tensors are stored as views with offsets and strides."""
    tensors = files.make_tensors()
    both = torch.stack([tensors["query_proj.weight"], tensors["cand_proj.weight"]])
    views = tensors | {"query_proj.weight": both[0], "cand_proj.weight": both[1].T.contiguous().T}
    path = files.write_bare(tmp_path / "a.pt", views)
    assert same(load_selector(path), tensors)


def test_saving_needs_its_suffix_and_replaces_whole_files(tmp_path: Path) -> None:
    selector = PointerSelector(PUBLISHED["v3"], 12, 8)
    with pytest.raises(UserError, match="a selector is saved as"):
        save_selector(tmp_path / "a.pt", selector)
    for _ in range(2):
        save_selector(tmp_path / "deep" / "a.safetensors", selector.double())
    assert same(load_selector(tmp_path / "deep" / "a.safetensors"), dict(selector.float().state_dict()))


def test_a_newer_manifest_is_named(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    save_selector(path, PointerSelector(PUBLISHED["v3"], 12, 8))
    content = json.loads((tmp_path / "a.safetensors.json").read_text()) | {"novelty": 1}
    foreign = files.write_safetensors(tmp_path / "b.safetensors", files.make_tensors())
    (tmp_path / "b.safetensors.json").write_text(json.dumps(content))
    with pytest.raises(UserError, match=r"b\.safetensors\.json: the manifest's field novelty is not understood"):
        load_selector(foreign)
