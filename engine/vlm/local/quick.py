"""A start without transformers' model class and processor, whose imports take longer than everything else: weights go from their
files to the device, prompts through the tokenizer and the chat template alone.

`learn` looks, once for each model, precision, card and version, whether all of that is equal to what transformers makes: every
weight, every rotary angle, every rendered prompt. What it notes is all that `load` trusts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import torch

from engine.common.importing import no_collections
from engine.common.models.model_files import go_offline, weight_files
from engine.packed.model import files
from engine.packed.model.rotary import TextRotary, TowerRotary
from engine.packed.model.source import HEAD, Source, has_tower
from engine.vlm.local.loading import Described, Loaded, check_memory, end_tokens_of, load_model, spare_threads
from engine.vlm.local.processor import KnownPatches, check_prompts
from engine.vlm.prompt import Prompt

OFFLINE = {"local_files_only": True, "trust_remote_code": False}
PICTURES = (
    "patch_size", "merge_size", "temporal_patch_size", "resample", "rescale_factor", "image_mean", "image_std",
    "model_input_names",
)  # fmt: skip
"""Settings of an image processor that the packed engine reads."""
AT_ONCE = 1 << 30
"""Bytes of weights that are compared at a time."""
PROBES = (
    Prompt("", ("Is it <so>?",), (Path("one"),), 1, 1),
    Prompt("System: {{ x }}\n", ("First?\nSecond.", " '\"", "Ünïcode 漢字"), (Path("a"), Path("b"), Path("c")), 1, 1),
)


class QuickProcessor(KnownPatches):
    """What the packed engine asks of a processor, from the tokenizer and what `learn` noted."""

    def __init__(self, tokenizer: Any, noted: Mapping[str, Any]) -> None:
        self.tokenizer = tokenizer
        self.image_token = str(noted["image_token"])
        self.image_token_id = int(noted["image_token_id"])
        self.chat_template = noted["chat_template"]
        self.image_processor = SimpleNamespace(**noted["pictures"])

    def apply_chat_template(
        self, messages: Sequence[Any], template: str | None = None, *, tokenize: bool, add_generation_prompt: bool
    ) -> str:
        """The chat as one text, as transformers' processors render it."""
        # hub access is cut before transformers is imported
        from transformers.utils.chat_template_utils import render_jinja_template

        assert not tokenize, "prompts are tokenized part by part"
        rendered, _ = render_jinja_template(
            conversations=[list(messages)],
            chat_template=template or self.chat_template,
            add_generation_prompt=add_generation_prompt,
            **self.tokenizer.special_tokens_map,
        )
        return str(rendered[0])


def load(
    directory: Path,
    noted: Mapping[str, Any],
    *,
    name: str,
    sha: str,
    dtype: torch.dtype,
    device: torch.device,
    cache_dir: Path | None,
) -> tuple[Loaded, Source]:
    """The model of a directory that `learn` has `noted`: what is told of it, and what an engine is built of.

    Raises UserError where it does not fit into memory, and what readers raise where a file is not what it was.
    """
    go_offline()
    check_memory(directory, name, dtype, device)
    with ThreadPoolExecutor(1) as pool:
        reading = pool.submit(_read, weight_files(directory), device, dtype)
        with no_collections():
            # 1 s that passes while weights are read
            from transformers import AutoConfig, AutoTokenizer

        config = AutoConfig.from_pretrained(directory, **OFFLINE)
        processor = QuickProcessor(AutoTokenizer.from_pretrained(directory, **OFFLINE), noted)
        check_prompts(processor, name)
        tensors = reading.result()
    described = Described(**noted["described"])
    spare_threads(described.parameters, device)
    precision = str(dtype).removeprefix("torch.")
    again = partial(load_model, directory, name=name, dtype=precision, device=str(device), cache_dir=cache_dir)
    loaded = Loaded(
        name, None, processor, sha, device, dtype, int(noted["unused"]), end_tokens_of(directory, processor.tokenizer), "",
        config, described, again,
    )  # fmt: skip
    return loaded, Source.of_tensors(config, tensors, device)


def _read(paths: Sequence[Path], device: torch.device, dtype: torch.dtype) -> dict[str, torch.Tensor]:
    with torch.inference_mode(False), torch.no_grad():
        return files.read(files.stored(paths), device, dtype)


class NotQuick(Exception):
    """Why a start from the files alone would be another one, as the rest of a sentence about the model."""


def learn(loaded: Loaded, directory: Path) -> dict[str, Any]:
    """What `load` needs of a model that was loaded whole. Raises NotQuick."""
    model, processor = loaded.model, loaded.processor
    if not has_tower(model.config):
        raise NotQuick(f"its vision tower has the activation {model.config.vision_config.hidden_act}")
    if loaded.adapter:
        raise NotQuick("an adapter is merged into its weights")
    if not isinstance(processor.chat_template, str | None):
        raise NotQuick("it has several chat templates")
    # hub access is cut (loading.load_model) before transformers is imported
    from transformers import AutoTokenizer

    pictures = {name: getattr(processor.image_processor, name) for name in PICTURES}
    noted = {
        "described": asdict(loaded.described),
        "unused": loaded.unused,
        "image_token": processor.image_token,
        "image_token_id": processor.image_token_id,
        "chat_template": processor.chat_template,
        "pictures": {name: list(one) if isinstance(one, tuple) else one for name, one in pictures.items()},
    }
    quick = QuickProcessor(AutoTokenizer.from_pretrained(directory, **OFFLINE), noted)
    check_prompts(quick, loaded.name)
    _same_tokens(quick, processor)
    _same_prompts(quick, processor)
    _same_angles(loaded)
    _same_weights(loaded, directory)
    return noted


def _same_tokens(quick: QuickProcessor, own: Any) -> None:
    ours, theirs = (
        (type(one), one.backend_tokenizer.to_str(), one.special_tokens_map, one.all_special_tokens, one.pad_token_id)
        for one in (quick.tokenizer, own.tokenizer)
    )
    if ours != theirs:
        raise NotQuick("its tokenizer alone is another one than its processor's")


def _same_prompts(quick: QuickProcessor, own: Any) -> None:
    def rendered(processor: Any, messages: Any) -> str:
        return str(
            processor.apply_chat_template(
                messages, None if processor.chat_template else processor.tokenizer.chat_template,
                tokenize=False, add_generation_prompt=True,
            )
        )  # fmt: skip

    if any(rendered(quick, one.messages) != rendered(own, one.messages) for one in PROBES):
        raise NotQuick("its chat template alone makes other prompts than its processor")


def _same_angles(loaded: Loaded) -> None:
    config, device, model = loaded.config, loaded.device, loaded.model.model
    x = torch.empty(0, dtype=loaded.dtype, device=device)
    positions = torch.arange(3 * 4096, device=device).view(3, 1, -1) % 4099
    places = torch.stack((torch.arange(300, device=device), torch.arange(300, device=device) % 7), 1)
    pairs = (
        (TextRotary(config.get_text_config(), device)(x, positions), model.language_model.rotary_emb(x, positions)),
        (TowerRotary(config.vision_config, device)(x, places), model.visual.rotary_pos_emb(x, places)),
    )
    if not all(torch.equal(ours, own) for made in pairs for ours, own in zip(*made, strict=True)):
        raise NotQuick("its rotary positions are not those that its configuration alone gives")


def _same_weights(loaded: Loaded, directory: Path) -> None:
    own = dict(loaded.model.named_parameters(remove_duplicate=False))
    paths = weight_files(directory)
    if odd := [path.name for path in paths if path.suffix != ".safetensors"]:
        raise NotQuick(f"its weights are no safetensors files ({odd[0]})")
    there = files.stored(paths)
    tied = {HEAD} if loaded.config.tie_word_embeddings else set()
    if strange := ({one.place for one in there} | tied) ^ own.keys():
        raise NotQuick(f"its files and transformers' model do not have the same tensors ({min(strange)})")
    if turned := [one.place for one in there if own[one.place].shape != one.shape]:
        raise NotQuick(f"transformers' model has another shape than its files ({turned[0]})")
    for some in _portions(there):
        for place, tensor in files.read(some, loaded.device, loaded.dtype).items():
            if not torch.equal(tensor, own[place]):
                raise NotQuick(f"transformers' model has other numbers than its files ({place})")


def _portions(tensors: Sequence[files.Stored]) -> Iterator[list[files.Stored]]:
    portion: list[files.Stored] = []
    size = 0
    for one in tensors:
        portion.append(one)
        size += torch.Size(one.shape).numel() * one.dtype.itemsize
        if size >= AT_ONCE:
            yield portion
            portion, size = [], 0
    yield portion
