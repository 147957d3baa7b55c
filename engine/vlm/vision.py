"""Visual tokens of images: each distinct image goes through the vision tower once while memory for its tokens lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from torch import Tensor

from engine.common.images import ByteStore
from engine.vlm.processor import PatchEncoder

FEATURE_BYTES = 2 << 30
"""Memory for visual tokens: about 1,300 images of 640x480 pixels for a width of 2,048 in bfloat16."""
PATCHES_AT_ONCE = 16_384
"""Patches in one pass of the vision tower: about 10 images of 640x480 pixels."""


class VisionTower:
    """Visual tokens by image key, as the language model reads them (after the merger)."""

    def __init__(self, model: Any, encoder: PatchEncoder, to_device: Callable[[Tensor], Tensor]) -> None:
        self._model = model
        self.encoder = encoder
        self._to_device = to_device
        self._store: ByteStore[Tensor] = ByteStore(FEATURE_BYTES, lambda tokens: tokens.nbytes)

    def tokens(self, keys: Sequence[str]) -> list[Tensor]:
        """Visual tokens (places, width) for each key, in order. Raises ImageProblem."""
        found = {key: self._store.get(key) for key in dict.fromkeys(keys)}
        for chunk in self._chunks([key for key, tokens in found.items() if tokens is None]):
            inputs = {name: self._to_device(value) for name, value in self.encoder.image_inputs(chunk).items()}
            for key, tokens in zip(chunk, self._model.get_image_features(**inputs).pooler_output, strict=True):
                found[key] = tokens
                self._store.put(key, tokens)
        return [tokens for key in keys if (tokens := found[key]) is not None]

    def _chunks(self, keys: Sequence[str]) -> Iterator[list[str]]:
        chunk: list[str] = []
        patches = 0
        for key in keys:
            size = len(self.encoder.pixels(key).patches)
            if chunk and patches + size > PATCHES_AT_ONCE:
                yield chunk
                chunk, patches = [], 0
            chunk.append(key)
            patches += size
        if chunk:
            yield chunk
