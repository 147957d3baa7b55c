"""From prompts to model inputs: chat template, image placeholders, pixels; each distinct image is processed once."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from PIL import Image
from torch import Tensor

from db.specs.base import UserError
from engine.common.images import MISSING_SHA, ByteStore, ImageProblem, image_sha, load_image, within_pixels
from engine.common.reasoning import TAGS
from engine.packed.images.reading import ImageFile
from engine.vlm.local.chat_form import fitting
from engine.vlm.prompt import Prompt

PIXEL_BYTES = 2 << 30
"""Memory for processed images: about 290 of 640x480 pixels."""


@dataclass(frozen=True)
class Pixels:
    """One processed image."""

    patches: Tensor  # (patches, patch values)
    grid: Tensor  # (1, 3): frames, patch rows, patch columns


@dataclass(frozen=True)
class Encoded:
    """A prompt made ready for batching."""

    text: str
    """The rendered chat."""
    images: tuple[str, ...]
    """Keys of its images, in order."""
    ids: tuple[int, ...] = ()
    """Token ids, images included; empty where only the whole processor can make them."""

    @property
    def length(self) -> int:
        """What batches are sorted by: tokens, or characters where tokens are not known."""
        return len(self.ids) or len(self.text)


def check_prompts(processor: Any, name: str) -> None:
    """Raises UserError for a tokenizer or chat template that cannot make prompts; gives a tokenizer that pads with nothing its
    end token for it."""
    tokenizer = processor.tokenizer
    if tokenizer.eos_token_id is None:
        raise UserError(f"vlm: the tokenizer of {name} has no end token (eos_token), so no answer would ever end.")
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token
    _, fault = fitting(processor, placeholder_of(processor))
    if fault:
        raise UserError(
            f"vlm: the chat template of {name} {fault}; give a model whose template takes several images, or put one that does "
            "into its folder as chat_template.jinja."
        )


def placeholder_of(processor: Any) -> str:
    """What stands for an image in a rendered chat."""
    return str(getattr(processor, "image_token", "<image>"))


class PromptEncoder:
    """Makes model inputs of prompts by calling the whole processor: works for every model, keeps decoded images only."""

    def __init__(self, processor: Any, store_bytes: int = PIXEL_BYTES) -> None:
        self.processor = processor
        self.tokenizer = processor.tokenizer
        self.tokenizer.padding_side = "left"
        special = sorted({*self.tokenizer.all_special_tokens, *_image_tokens(processor)}, key=len, reverse=True)
        self._special = re.compile("|".join(map(re.escape, special)))
        self.form, _ = fitting(processor, self.placeholder)
        """How prompts are put to the chat template."""
        added = self.tokenizer.added_tokens_decoder
        self._unsaid = {row for row, token in added.items() if token.special and token.content not in TAGS}
        self._sources: dict[str, ImageFile] = {}
        self._images: ByteStore[Image.Image] = ByteStore(store_bytes, lambda image: 3 * image.width * image.height)

    @property
    def placeholder(self) -> str:
        """What stands for an image in a rendered chat."""
        return placeholder_of(self.processor)

    def encode(self, prompt: Prompt) -> Encoded:
        """The prompt made ready. Raises ImageProblem."""
        keys = self._keys(prompt)
        for key in keys:
            self._image(key)
        return Encoded(self.render(prompt), keys)

    def inputs(self, batch: Sequence[Encoded]) -> dict[str, Tensor]:
        """Everything that the model takes, left padded. Raises ImageProblem."""
        images = [[self._image(key) for key in one.images] for one in batch]
        made = self.processor(images=images, text=[one.text for one in batch], padding=True, return_tensors="pt")
        return {name: value for name, value in made.items() if name != "labels"}  # which are for training

    def images(self, paths: Sequence[Path], min_pixels: int, max_pixels: int) -> dict[str, Tensor]:
        """What the model's vision part takes for these images. Raises ImageProblem."""
        keys = [self.key(path, min_pixels, max_pixels) for path in paths]
        return dict(self.processor.image_processor(images=[self._image(key) for key in keys], return_tensors="pt"))

    def render(self, prompt: Prompt) -> str:
        """The chat as one text, ready for the model's turn, with one placeholder per image.

        Control tokens inside questions and answers are broken by a blank, so that data cannot forge turns or images.
        """
        texts = tuple(self._special.sub(lambda token: f"{token[0][0]} {token[0][1:]}", text) for text in prompt.texts)
        return self.form.text(self.processor, replace(prompt, texts=texts), self.placeholder)

    def decode(self, rows: Sequence[Sequence[int]]) -> list[str]:
        """The texts of generated tokens, special ones left out but for the marks of reasoning."""
        said = [[token for token in row if token not in self._unsaid] for row in rows]
        return list(self.tokenizer.batch_decode(said, skip_special_tokens=False, clean_up_tokenization_spaces=False))

    def _keys(self, prompt: Prompt) -> tuple[str, ...]:
        return tuple(self.key(image, prompt.min_pixels, prompt.max_pixels) for image in prompt.images)

    def key(self, path: Path, min_pixels: int, max_pixels: int) -> str:
        """What identifies an image as the model sees it: content and pixel caps."""
        sha = image_sha(path)
        if sha == MISSING_SHA:
            load_image(path)  # raises the reason
        key = f"{sha}:{min_pixels}:{max_pixels}"
        self._sources[key] = ImageFile(path, min_pixels, max_pixels)
        return key

    def _image(self, key: str) -> Image.Image:
        kept = self._images.get(key)
        if kept is None:
            source = self._sources[key]
            kept = within_pixels(load_image(source.path), source.min_pixels, source.max_pixels)
            self._images.put(key, kept)
        return kept


def _image_tokens(processor: Any) -> list[str]:
    tokens = (getattr(processor, f"{kind}_token", None) for kind in ("image", "video"))
    return [str(token) for token in tokens if token]


class PatchEncoder(PromptEncoder):
    """For families whose images are rows of patches (Qwen-VL and its kin): each distinct image is processed alone, once."""

    def __init__(self, processor: Any, store_bytes: int = PIXEL_BYTES) -> None:
        super().__init__(processor, store_bytes)
        self._pixels: ByteStore[Pixels] = ByteStore(store_bytes, lambda pixels: pixels.patches.nbytes)
        self._grids: dict[str, Tensor] = {}  # (1, 3) of every image seen

    def encode(self, prompt: Prompt) -> Encoded:
        """Token ids with every image placeholder repeated as often as the image has places. Raises ImageProblem."""
        keys = self._keys(prompt)
        text, *parts = self.render(prompt).split(self.placeholder)
        for key, part in zip(keys, parts, strict=True):
            text += self.placeholder * self._places(key) + part
        return Encoded(text, keys, tuple(self.tokenizer(text)["input_ids"]))

    def inputs(self, batch: Sequence[Encoded]) -> dict[str, Tensor]:
        """input_ids, attention_mask, mm_token_type_ids (B, L), pixel_values, image_grid_thw. Raises ImageProblem."""
        return self.text_inputs(batch) | self.image_inputs([key for one in batch for key in one.images])

    def images(self, paths: Sequence[Path], min_pixels: int, max_pixels: int) -> dict[str, Tensor]:
        """pixel_values and image_grid_thw of these images. Raises ImageProblem."""
        return self.image_inputs([self.key(path, min_pixels, max_pixels) for path in paths])

    def text_inputs(self, batch: Sequence[Encoded]) -> dict[str, Tensor]:
        """Left-padded input_ids, attention_mask and mm_token_type_ids, each (B, L)."""
        padded = self.tokenizer.pad({"input_ids": [list(one.ids) for one in batch]}, return_tensors="pt")
        ids, mask = padded["input_ids"], padded["attention_mask"]
        kinds = (ids == self.processor.image_token_id).long()  # 0 text, 1 image
        return {"input_ids": ids, "attention_mask": mask, "mm_token_type_ids": kinds}

    def image_inputs(self, keys: Sequence[str]) -> dict[str, Tensor]:
        """pixel_values (patches of all images, patch values) and image_grid_thw (images, 3). Raises ImageProblem."""
        made = [self.pixels(key) for key in keys]
        return {
            "pixel_values": torch.cat([one.patches for one in made]),
            "image_grid_thw": torch.cat([one.grid for one in made]),
        }

    def grids(self, keys: Sequence[str]) -> Tensor:
        """(images, 3): frames, patch rows, patch columns of images seen before; no file is read again."""
        return torch.cat([self._grids[key] for key in keys])

    def pixels(self, key: str) -> Pixels:
        """The processed image of a key, from the store or read again. Raises ImageProblem."""
        kept = self._pixels.get(key)
        if kept is None:
            kept = self._process(self._sources[key])
            self._pixels.put(key, kept)
            self._grids[key] = kept.grid
        return kept

    def _process(self, source: ImageFile) -> Pixels:
        image_processor = self.processor.image_processor
        size = {"shortest_edge": source.min_pixels, "longest_edge": source.max_pixels}
        image = load_image(source.path)
        try:
            made = image_processor(images=[image], size=size, return_tensors="pt")
        except ValueError as error:  # such as an aspect ratio above 200
            raise ImageProblem(source.path, f"the image cannot be processed ({error})") from None
        return Pixels(made["pixel_values"], made["image_grid_thw"])

    def _places(self, key: str) -> int:
        """Tokens that the image takes in the prompt."""
        grid = self._grids[key] if key in self._grids else self.pixels(key).grid
        return int(grid.prod()) // int(self.processor.image_processor.merge_size) ** 2


KNOWN = frozenset({"Qwen2VLProcessor", "Qwen2_5_VLProcessor", "Qwen3VLProcessor"})
"""Processors that are known to make of several images what they make of each alone: tests say so, a start need not."""


class KnownPatches:
    """Base of a processor of our own that stands for one of `KNOWN`."""


UNTRIED = (KeyError, TypeError, ValueError, AttributeError, RuntimeError, IndexError)
"""What classes raise that are of another shape than the ones that were known."""
PROBED = ((84, 112), (140, 56))
"""Sizes of the images that an encoder is tried with."""


def prompt_encoder(processor: Any) -> tuple[PromptEncoder, str]:
    """The encoder that processes each image once, where it makes what the whole processor makes; else why it is not taken."""
    pictures = processor.image_processor
    if not hasattr(pictures, "merge_size") or "image_grid_thw" not in pictures.model_input_names:
        return PromptEncoder(processor), "its images are not rows of patches"
    if isinstance(processor, KnownPatches) or type(processor).__name__ in KNOWN:
        return PatchEncoder(processor), ""
    ours, own = PatchEncoder(processor), PromptEncoder(processor)
    try:
        made = _tried(ours, own)
    except UNTRIED as error:
        return (
            own,
            f"it cannot be tried with each image alone ({type(error).__name__}: {' '.join(str(error).split())[:200]})",
        )
    if made[0].keys() != made[1].keys() or not all(_alike(made[0][name], made[1][name]) for name in made[0]):
        return own, "its processor makes something else of several images than of each alone"
    return ours, ""


def _tried(ours: PatchEncoder, own: PromptEncoder) -> list[dict[str, Tensor]]:
    """What two encoders make of a batch with one image and with two, in the sizes that the processor gives them."""
    size = ours.processor.image_processor.size
    caps = ((size["shortest_edge"], size["longest_edge"]), (1, sys.maxsize))  # the latter leaves sizes to the processor
    with probe_images() as images:
        return [
            one.inputs([one.encode(Prompt("", ("?",) * len(some), some, *cap)) for some in (images[:1], images)])
            for one, cap in zip((ours, own), caps, strict=True)
        ]


def _alike(one: Tensor, other: Tensor) -> bool:
    return one.shape == other.shape and torch.equal(one, other.to(one.dtype))


@contextmanager
def probe_images() -> Iterator[tuple[Path, ...]]:
    """Two pictures of different sizes, as files that live as long as the block."""
    with TemporaryDirectory() as folder:
        paths = []
        for number, size in enumerate(PROBED):
            picture = Image.linear_gradient("L").resize(size)
            paths.append(Path(folder) / f"{number}.png")
            Image.merge("RGB", (picture, picture.rotate(90), picture.rotate(180))).save(paths[-1])
        yield tuple(paths)
