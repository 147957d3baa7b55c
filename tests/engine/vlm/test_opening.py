"""Presence and strict loading of local models: said before anything heavy is loaded, and never by way of the network."""

from __future__ import annotations

import json
import shutil
import socket
from pathlib import Path
from typing import Any, NoReturn

import pytest

from db.specs import DecodeSpec, UserError
from engine.common.models.model_files import find_model, weight_files
from engine.vlm.opening import open_vlm
from engine.vlm.protocol import VLM
from tests.helpers_vlm import save_tiny_qwen


@pytest.fixture
def broken(qwen: Path, tmp_path: Path) -> Path:
    """A copy to break."""
    return Path(shutil.copytree(qwen, tmp_path / "copy"))


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: Any) -> NoReturn:
        raise AssertionError("a test of local models must not touch the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    monkeypatch.setattr(socket, "getaddrinfo", refuse)


def opened(name: str, **more: Any) -> VLM:
    return open_vlm(name, decode=DecodeSpec(), **more)


def test_a_hub_id_that_is_not_here_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    with pytest.raises(UserError, match=r"vlm: Some/Model-3B .* hf download Some/Model-3B$"):
        opened("Some/Model-3B")


@pytest.mark.parametrize("name", ["./nowhere", "/nowhere/at/all", "a/b/c", "with blank"])
def test_a_path_that_is_not_there(name: str) -> None:
    with pytest.raises(UserError, match="does not exist"):
        opened(name)


def test_a_file_is_no_model_directory(qwen: Path) -> None:
    with pytest.raises(UserError, match="is a file"):
        opened(str(qwen / "config.json"))


@pytest.mark.parametrize(
    ("file", "said"),
    [
        ("config.json", "config.json is missing"),
        ("model.safetensors", "model.safetensors is missing"),
        ("tokenizer.json", "tokenizer.json is missing"),
        ("preprocessor_config.json", "preprocessor_config.json is missing"),
        ("chat_template.jinja", "the chat template"),
    ],
)
def test_an_incomplete_directory_names_what_is_missing(broken: Path, file: str, said: str) -> None:
    (broken / file).unlink()
    with pytest.raises(UserError, match=said) as caught:
        opened(str(broken))
    assert str(broken) in str(caught.value)


def test_a_missing_shard_is_named(broken: Path) -> None:
    (broken / "model.safetensors").rename(broken / "model-00001-of-00002.safetensors")
    shards = {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}
    (broken / "model.safetensors.index.json").write_text(json.dumps({"weight_map": shards}))
    assert [file.name for file in weight_files(broken)] == sorted(shards.values())
    with pytest.raises(UserError, match=r"model-00002-of-00002\.safetensors is missing"):
        find_model(str(broken))


@pytest.mark.parametrize(("keep", "said"), [(0, "truncated"), (40, "truncated"), (-100, "truncated")])
def test_half_a_download_is_noticed_by_its_header(broken: Path, keep: int, said: str) -> None:
    weights = broken / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:keep])
    with pytest.raises(UserError, match=f"model.safetensors is {said}"):
        opened(str(broken))


def test_weights_that_are_something_else(broken: Path) -> None:
    (broken / "model.safetensors").write_bytes((20).to_bytes(8, "little") + b"not JSON at all......" + b"x" * 50)
    with pytest.raises(UserError, match="not a safetensors file"):
        opened(str(broken))


def test_a_broken_config_is_named(broken: Path) -> None:
    (broken / "tokenizer_config.json").write_text("{")
    (broken / "chat_template.jinja").unlink()
    with pytest.raises(UserError, match=r"tokenizer_config.json is not readable as JSON"):
        opened(str(broken))


def test_a_language_model_is_refused(broken: Path) -> None:
    (broken / "config.json").write_text(json.dumps({"model_type": "gpt2", "n_embd": 8, "n_layer": 1, "n_head": 1}))
    with pytest.raises(UserError, match="gpt2 model, which takes no images"):
        opened(str(broken))


def test_an_unknown_architecture_is_refused_in_one_sentence(broken: Path) -> None:
    (broken / "config.json").write_text(json.dumps({"model_type": "made-up"}))
    with pytest.raises(UserError, match="cannot be loaded"):
        opened(str(broken))


def edit(file: Path, **changes: Any) -> None:
    """Change fields of a JSON file, or of its text_config."""
    content = json.loads(file.read_text())
    content.get("text_config", content).update(changes)
    file.write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"hidden_size": "wide"}, "cannot be loaded .*hidden_size"),
        ({"hidden_size": 64}, "lack [0-9]+ tensors .* in another shape"),
        ({"num_hidden_layers": 3, "layer_types": None}, "lack [0-9]+ tensors .*layers.2"),
        ({"vocab_size": 50}, "cannot be loaded|in another shape"),
    ],
)
def test_a_config_that_does_not_fit_the_weights(broken: Path, changes: dict[str, Any], said: str) -> None:
    edit(broken / "config.json", **changes)
    with pytest.raises(UserError, match=said) as caught:
        opened(str(broken))
    assert "\n" not in str(caught.value)


def test_layers_that_are_left_out_are_counted(broken: Path) -> None:
    edit(broken / "config.json", num_hidden_layers=1, layer_types=None)
    assert opened(str(broken)).facts()["vlm_unused_tensors"] == 12


@pytest.mark.parametrize(
    ("template", "said"),
    [("{% if", "chat template .* cannot be used"), ("{{ messages[0]['role'] }}", "puts 0 placeholders")],
)
def test_a_chat_template_that_makes_no_prompt(broken: Path, template: str, said: str) -> None:
    (broken / "chat_template.jinja").write_text(template)
    with pytest.raises(UserError, match=said):
        opened(str(broken))


def test_a_tokenizer_without_an_end_is_refused_and_one_without_padding_gets_it(broken: Path) -> None:
    edit(broken / "tokenizer_config.json", pad_token=None)
    opened(str(broken))
    edit(broken / "tokenizer_config.json", eos_token=None)
    with pytest.raises(UserError, match="no end token"):
        opened(str(broken))


def test_missing_tensors_are_an_error_not_random_weights(broken: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(broken / "model.safetensors")
    dropped = next(name for name in tensors if "layers.1.mlp.up_proj" in name)
    del tensors[dropped]
    save_file(tensors, broken / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(UserError, match=r"lack 1 tensors .*layers\.1\.mlp\.up_proj"):
        opened(str(broken))


def test_a_device_that_is_not_there(qwen: Path) -> None:
    with pytest.raises(UserError, match=r"cuda:7 was asked for"):
        opened(str(qwen), device="cuda:7")
    with pytest.raises(UserError, match=r"gpu0 is no device"):
        opened(str(qwen), device="gpu0")


def test_a_hub_id_in_the_local_cache_opens(qwen: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
    repository = tmp_path / "models--Some--Model"
    (repository / "refs").mkdir(parents=True)
    (repository / "refs" / "main").write_text("abc")
    shutil.copytree(qwen, repository / "snapshots" / "abc")
    by_id, by_path = opened("Some/Model"), opened(str(qwen))
    assert by_id.sha == by_path.sha
    assert by_id.facts()["vlm"] == "Some/Model"


def test_sha_follows_weights_and_precision_but_not_the_generation_config(qwen: Path, broken: Path) -> None:
    first = opened(str(qwen)).sha
    (broken / "generation_config.json").write_text(json.dumps({"do_sample": True}))
    (broken / "README.md").write_text("words")
    assert opened(str(broken)).sha == first
    assert opened(str(broken), dtype="bfloat16").sha != first
    save_tiny_qwen(broken, seed=1)
    assert opened(str(broken)).sha != first


def test_facts_say_what_ran(qwen: Path) -> None:
    facts = opened(str(qwen), batch_size=3).facts()
    assert facts["vlm_class"] == "Qwen2_5_VLForConditionalGeneration"
    assert (facts["vlm_dtype"], facts["vlm_device"], facts["vlm_attention"]) == ("float32", "cpu", "sdpa")
    assert facts["vlm_image_processor"] == "Qwen2VLImageProcessorPil"
    assert facts["vlm_batch_size"] == 3
