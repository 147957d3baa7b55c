"""What turns images and texts into vectors: a vision-language model's own features, CLIP and its kin, or a text encoder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import Tensor

from db.specs.base import UserError, canonical_json, sha256_text
from engine.common.images import load_image
from engine.common.importing import hide_broken
from engine.common.models.fingerprint import file_shas, model_sha
from engine.common.models.model_files import TEXTS_ONLY, find_model, go_offline, module_files, reads_texts_only
from engine.vlm.local.loading import check_weights, choose_device, choose_dtype, in_a_line, unloadable
from engine.vlm.protocol import VLM


class Encoder(Protocol):
    """Makes one vector per image and per text."""

    @property
    def name(self) -> str:
        """What `open_encoder` takes: `vlm`, or the encoder's directory or hub id."""
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
    """`vlm` for the features of `vlm`, else a directory or a hub id in the local cache: of CLIP, SigLIP or SigLIP 2, or a
    sentence-transformers folder, which embeds texts alone. Presence is checked before anything is loaded. Raises UserError."""
    if name == "vlm":
        if vlm is None:
            raise UserError("encoder: `vlm` takes the features of the vision-language model, but none is given.")
        return VLMEncoder(vlm)
    directory = find_model(name, field="encoder", chat=False)
    place = choose_device(device)
    precision = choose_dtype(dtype, place)
    kind = TextEncoder if reads_texts_only(directory) else DualEncoder
    return kind(name, directory, device=place, precision=precision, batch_size=batch_size, cache_dir=cache_dir)


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


class DualEncoder:
    """CLIP, SigLIP and SigLIP 2: a tower for images and one for texts, whose projections, normalised to length 1, share a
    space. Texts beyond the context are cut at the end."""

    joint = True

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        device: torch.device,
        precision: torch.dtype,
        batch_size: int,
        cache_dir: Path | None,
    ) -> None:
        """Raises UserError for a model that is of another kind, or cannot be loaded."""
        self.name = self.model = name
        self._device, self._precision = device, precision
        self._model, self._processor = _load_towers(directory, name, precision)
        self._model.to(device)
        self._batch_size = batch_size
        text = self._model.config.text_config
        # SigLIP was trained on texts padded to the whole context
        padding = "max_length" if self._model.config.model_type in ("siglip", "siglip2") else True
        self._cut = {"padding": padding, "truncation": True, "max_length": int(text.max_position_embeddings)}
        self.dtype = str(precision).removeprefix("torch.")
        self.width = self._projected(self._text_features, ["?"]).shape[1]
        self.sha = model_sha(directory, cache_dir)

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Image projections. Raises ImageProblem."""
        return self._project(self._image_features, paths)

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Text projections."""
        return self._project(self._text_features, texts)

    def _image_features(self, paths: Sequence[Path]) -> Any:
        inputs = self._processor.image_processor(images=[load_image(path) for path in paths], return_tensors="pt")
        return self._model.get_image_features(**self._placed(inputs))

    def _text_features(self, texts: Sequence[str]) -> Any:
        inputs = self._processor.tokenizer(list(texts), return_tensors="pt", **self._cut)
        return self._model.get_text_features(**self._placed(inputs))

    def _placed(self, inputs: Any) -> dict[str, Tensor]:
        return {
            name: value.to(self._device, self._precision) if value.is_floating_point() else value.to(self._device)
            for name, value in inputs.items()
        }

    def _project(self, features: Any, items: Sequence[Any]) -> Tensor:
        made = [torch.empty(0, self.width)]
        for start in range(0, len(items), self._batch_size):
            made.append(self._projected(features, items[start : start + self._batch_size]))
        return torch.cat(made)

    @torch.inference_mode()
    def _projected(self, features: Any, items: Sequence[Any]) -> Tensor:
        found = features(items)
        vectors: Tensor = getattr(found, "pooler_output", found)  # transformers 5 wraps the projection
        return torch.nn.functional.normalize(vectors.float(), dim=-1).cpu()


def _load_towers(directory: Path, name: str, precision: torch.dtype) -> tuple[Any, Any]:
    go_offline()
    hide_broken("torchvision")
    # seconds that only such an encoder needs, and hub access is cut before
    from transformers import AutoConfig, AutoModel, AutoProcessor
    from transformers.models.auto.modeling_auto import MODEL_MAPPING

    offline = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(directory, **offline)
        towers = MODEL_MAPPING.get(type(config), None)
        if not (hasattr(towers, "get_text_features") and hasattr(towers, "get_image_features")):
            raise UserError(
                f"encoder: {name} is a {config.model_type} model; give `vlm`, a CLIP, SigLIP or SigLIP 2 directory or hub id, "
                "or a sentence-transformers folder (which holds modules.json) for texts alone."
            )
        model, report = AutoModel.from_pretrained(
            directory, dtype=precision, output_loading_info=True, ignore_mismatched_sizes=True, **offline
        )
        processor = AutoProcessor.from_pretrained(directory, backend="pil", **offline)
    except unloadable() as error:
        raise UserError(f"encoder: {name} cannot be loaded from {directory}: {in_a_line(error)}") from error
    check_weights(name, config.model_type, report, field="encoder")
    return model.eval().requires_grad_(False), processor


class TextEncoder:
    """A sentence-transformers folder: texts alone, of length 1, pooled as its modules say."""

    joint = False

    def __init__(
        self,
        name: str,
        directory: Path,
        *,
        device: torch.device,
        precision: torch.dtype,
        batch_size: int,
        cache_dir: Path | None,
    ) -> None:
        """Raises UserError."""
        go_offline()
        hide_broken("torchvision")
        self.name = self.model = name
        try:
            # seconds that only a text encoder needs, and hub access is cut before
            from sentence_transformers import SentenceTransformer

            self._model = SentenceTransformer(
                str(directory), device=str(device), trust_remote_code=False, local_files_only=True,
                model_kwargs={"dtype": precision},
            )  # fmt: skip
        except unloadable() as error:
            raise UserError(f"encoder: {name} cannot be loaded from {directory}: {in_a_line(error)}") from error
        self._model.requires_grad_(False)
        self._batch_size = batch_size
        self.dtype = str(precision).removeprefix("torch.")
        self.width = int(self.texts(["?"]).shape[1])
        modules = file_shas(module_files(directory), cache_dir)
        told = {str(path.relative_to(directory)): sha for path, sha in modules.items()}
        self.sha = sha256_text(canonical_json([model_sha(directory, cache_dir), told]))

    def images(self, paths: Sequence[Path]) -> Tensor:
        """Raises UserError: it has no tower for images."""
        raise UserError(f"encoder: {self.name} {TEXTS_ONLY}")

    def texts(self, texts: Sequence[str]) -> Tensor:
        """Sentence embeddings."""
        if not texts:
            return torch.empty(0, self.width)
        made = self._model.encode(
            list(texts), batch_size=self._batch_size, convert_to_tensor=True, normalize_embeddings=True,
            show_progress_bar=False,
        )  # fmt: skip
        return made.float().cpu()  # type: ignore[no-any-return]
