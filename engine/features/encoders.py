"""What turns images and texts into vectors: a vision-language model's own features, or CLIP."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from db.specs.base import UserError
from engine.common.fingerprint import model_sha
from engine.common.images import load_image
from engine.common.model_files import find_model, go_offline
from engine.vlm.loading import check_weights, choose_device, choose_dtype, in_a_line, unloadable
from engine.vlm.protocol import VLM


class Encoder(Protocol):
    """Makes one vector per image and per text."""

    @property
    def name(self) -> str:
        """What `open_encoder` takes: `vlm`, or the CLIP directory or hub id."""
        ...

    @property
    def model(self) -> str:
        """The model whose features these are."""
        ...

    @property
    def sha(self) -> str:
        """Hash of what decides the vectors, up to rounding: weights and pixel caps."""
        ...

    @property
    def dtype(self) -> str:
        """Precision that the vectors were computed in."""
        ...

    @property
    def width(self) -> int:
        """Width of one vector."""
        ...

    @property
    def joint(self) -> bool:
        """Whether images and texts share one space, so that they can be compared and averaged."""
        ...

    def images(self, paths: Sequence[Path]) -> Tensor:
        """(n, width) float32 on the CPU. Raises ImageProblem for the first image that is missing or broken."""
        ...

    def texts(self, texts: Sequence[str]) -> Tensor:
        """(n, width) float32 on the CPU."""
        ...


def open_encoder(
    name: str,
    vlm: VLM | None = None,
    *,
    device: str = "auto",
    dtype: str = "auto",
    batch_size: int = 32,
    cache_dir: Path | None = None,
) -> Encoder:
    """`vlm` for the features of `vlm`, else a CLIP directory or a hub id in the local cache. Raises UserError."""
    if name == "vlm":
        if vlm is None:
            raise UserError("encoder: `vlm` takes the features of the vision-language model, but none is given.")
        return VLMEncoder(vlm)
    return ClipEncoder(name, device=device, dtype=dtype, batch_size=batch_size, cache_dir=cache_dir)


class VLMEncoder:
    """A vision-language model's own features: images after the vision tower, texts as they enter the language model.

    The two do not share a space: compare images with images and texts with texts.
    """

    joint = False

    def __init__(self, vlm: VLM) -> None:
        """Raises UserError for a model behind a server, which gives no features."""
        self.width = int(vlm.embed_texts([""]).shape[1])
        self.name = "vlm"
        self.model = vlm.name
        self.sha = vlm.features_sha
        self.dtype = str(vlm.facts().get("vlm_dtype", ""))
        self._vlm = vlm

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Mean of each image's visual tokens. Raises ImageProblem."""
        return self._vlm.embed_images(paths)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Mean of each text's input token embeddings."""
        return self._vlm.embed_texts(texts)


class ClipEncoder:
    """CLIP's projections, normalised to length 1; texts beyond its context are cut at the end."""

    joint = True

    def __init__(
        self,
        name: str,
        *,
        device: str = "auto",
        dtype: str = "auto",
        batch_size: int = 32,
        cache_dir: Path | None = None,
    ) -> None:
        """Presence is checked before anything is loaded. Raises UserError."""
        directory = find_model(name, field="encoder", chat=False)
        self.name = self.model = name
        self._device = choose_device(device)
        self._precision = choose_dtype(dtype, self._device)
        self._model, self._processor = _load_clip(directory, name, self._precision)
        self._model.to(self._device)
        self._batch_size = batch_size
        self._longest = int(self._model.config.text_config.max_position_embeddings)
        self.dtype = str(self._precision).removeprefix("torch.")
        self.width = int(self._model.config.projection_dim)
        self.sha = model_sha(directory, cache_dir)

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Image projections. Raises ImageProblem."""

        def project(chunk: Sequence[Path]) -> Any:
            pixels = self._processor(images=[load_image(path) for path in chunk], return_tensors="pt")["pixel_values"]
            return self._model.get_image_features(pixel_values=pixels.to(self._device, self._precision))

        return self._project(project, paths)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Text projections."""

        def project(chunk: Sequence[str]) -> Any:
            tokens = self._processor(
                text=list(chunk), padding=True, truncation=True, max_length=self._longest, return_tensors="pt"
            )
            ids, mask = tokens["input_ids"].to(self._device), tokens["attention_mask"].to(self._device)
            return self._model.get_text_features(input_ids=ids, attention_mask=mask)

        return self._project(project, texts)

    @torch.inference_mode()
    def _project(self, project: Any, items: Sequence[Any]) -> Tensor:
        made = [torch.empty(0, self.width)]
        for start in range(0, len(items), self._batch_size):
            found = project(items[start : start + self._batch_size])
            features = getattr(found, "pooler_output", found)  # transformers 5 wraps the projection
            made.append(torch.nn.functional.normalize(features.float(), dim=-1).cpu())
        return torch.cat(made)


def _load_clip(directory: Path, name: str, precision: torch.dtype) -> tuple[Any, Any]:
    go_offline()
    # seconds that only a CLIP encoder needs, and hub access is cut before
    from transformers import AutoConfig, CLIPModel, CLIPProcessor

    offline = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(directory, **offline)
        if config.model_type != "clip":
            raise UserError(
                f"encoder: {name} is a {config.model_type} model; give `vlm` or a CLIP directory or hub id."
            )
        model, report = CLIPModel.from_pretrained(
            directory, dtype=precision, output_loading_info=True, ignore_mismatched_sizes=True, **offline
        )
        processor = CLIPProcessor.from_pretrained(directory, backend="pil", **offline)
    except unloadable() as error:
        raise UserError(f"encoder: {name} cannot be loaded from {directory}: {in_a_line(error)}") from error
    check_weights(name, config.model_type, report, field="encoder")
    return model.eval().requires_grad_(False), processor
