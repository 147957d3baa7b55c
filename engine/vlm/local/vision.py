"""What the vision tower makes of images: each distinct image goes through it once while memory lasts."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from engine.common.images import ByteStore
from engine.vlm.local.processor import PatchEncoder

FEATURE_BYTES = 2 << 30
"""Memory for visual tokens: about 1,300 images of 640x480 pixels for a width of 2,048 in bfloat16."""
PATCHES_AT_ONCE = 16_384
"""Patches in one pass of the vision tower: about 10 images of 640x480 pixels."""
POOLED = "pooler_output"
UNREAD = {"last_hidden_state", "hidden_states", "attentions"}
"""Fields that every tower may return and no language model reads."""
TOLERANCE = 1e-4
"""Relative distance of an image's features alone from those beside another image, in float32; wrong ones are far beyond it."""


class NotSeparable(Exception):
    """A tower's output cannot be told apart image by image."""


@dataclass(frozen=True)
class Seen:
    """What the tower made of one image."""

    tokens: Tensor
    """(places, width), as the language model reads them (after the merger)."""
    layers: dict[str, list[Tensor]]
    """Further fields of the output, layer by layer, each (places, width): what deeper layers of the language model are given."""

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.tokens.nbytes + sum(layer.nbytes for layers in self.layers.values() for layer in layers)


class VisionTower:
    """The tower's output by image key."""

    def __init__(self, model: Any, encoder: PatchEncoder, to_device: Callable[[Tensor], Tensor]) -> None:
        self._model = model
        self.encoder = encoder
        self._to_device = to_device
        self._store: ByteStore[Seen] = ByteStore(FEATURE_BYTES, lambda seen: seen.nbytes)
        self._output: Any = None  # class of the model's output
        self._in_one: set[str] = set()  # fields whose layers hold all images in one tensor

    def tokens(self, keys: Sequence[str]) -> list[Tensor]:
        """Visual tokens (places, width) for each key, in order. Raises ImageProblem."""
        return [seen.tokens for seen in self._seen(keys)]

    def output(self, keys: Sequence[str]) -> Any:
        """What the model's own `get_image_features` returns for these images, as far as the language model reads it.

        Raises ImageProblem.
        """
        seen = self._seen(keys)
        fields: dict[str, Any] = {
            name: [self._joined(name, layer) for layer in zip(*(one.layers[name] for one in seen), strict=True)]
            for name in seen[0].layers
        }
        return self._output(**{POOLED: tuple(one.tokens for one in seen), **fields})

    def _joined(self, name: str, layer: Sequence[Tensor]) -> Any:
        return torch.cat(list(layer)) if name in self._in_one else list(layer)

    def _seen(self, keys: Sequence[str]) -> list[Seen]:
        found = {key: self._store.get(key) for key in dict.fromkeys(keys)}
        for chunk in self._chunks([key for key, seen in found.items() if seen is None]):
            for key, made in zip(chunk, self._apart(self._run(chunk)), strict=True):
                found[key] = made
                self._store.put(key, made)
        return [seen for key in keys if (seen := found[key]) is not None]

    def _run(self, keys: Sequence[str]) -> Any:
        inputs = {name: self._to_device(value) for name, value in self.encoder.image_inputs(keys).items()}
        return self._model.get_image_features(**inputs)

    def _apart(self, made: Any) -> list[Seen]:
        """One for each image."""
        self._output = type(made)
        tokens = list(made[POOLED])
        sizes = [len(one) for one in tokens]
        fields = {}
        for name, value in made.items():
            layers = self._layers(name, value, sizes) if name != POOLED and isinstance(value, list | tuple) else None
            if layers is not None:
                fields[name] = layers
        return [
            Seen(one, {name: [layer[at] for layer in fields[name]] for name in fields}) for at, one in enumerate(tokens)
        ]

    def _layers(self, name: str, value: Sequence[Any], sizes: list[int]) -> list[list[Tensor]] | None:
        found = []
        for layer in value:
            if isinstance(layer, Tensor) and len(layer) == sum(sizes):
                self._in_one.add(name)
                layer = torch.split(layer, sizes)
            if not isinstance(layer, list | tuple) or [len(one) for one in layer] != sizes:
                return None
            found.append(list(layer))
        return found

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

    def check(self, keys: Sequence[str]) -> None:
        """Raises NotSeparable where images apart, put together, are not what the model makes of them at once."""
        alone = [self._apart(self._run([key]))[0] for key in keys]
        for key, seen in zip(keys, alone, strict=True):
            self._store.put(key, seen)
        ours, own = self.output(keys), self._run(keys)
        for name, value in ours.items():
            for mine, theirs in zip(_tensors(value), _tensors(own[name]), strict=True):
                far = float((mine - theirs).norm() / theirs.norm().clamp(min=1e-12))
                if mine.dtype == torch.float32 and far > TOLERANCE:
                    raise NotSeparable(f"its {name} of an image depends on the images beside it")
        if other := set(own) - set(ours) - UNREAD:
            raise NotSeparable(f"its {min(other)} cannot be told apart image by image")


def _tensors(value: Any) -> list[Tensor]:
    return [value] if isinstance(value, Tensor) else [one for part in value for one in _tensors(part)]
