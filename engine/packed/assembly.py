"""Puts an engine together for a loaded model: which kernels, how much memory."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from engine.packed.decoding import Decoding
from engine.packed.engine import Engine
from engine.packed.images.disk import OnDisk
from engine.packed.images.encoding import Features, Pixels, Reader
from engine.packed.images.kept import Kept
from engine.packed.images.shared import Shared
from engine.packed.kernels.attention import Attention, PaddedAttention
from engine.packed.kernels.fp8 import PlainRounding
from engine.packed.kernels.pointwise import PlainPointwise, Pointwise
from engine.packed.model.language import Language, Stack
from engine.packed.model.memory import KeyValues
from engine.packed.model.other_precisions import fp8_stack
from engine.packed.model.source import Source
from engine.packed.model.tower import OwnTower, PackedTower, Tower
from engine.packed.model.weights import LanguageWeights, language_weights, tower_weights
from engine.packed.model.whole_tower import WholeTower, whole_tower_weights

WITH_WINDOWS = "qwen2_5_vl"
"""The family whose tower reads most layers window by window."""
TOKENS_ALIVE = 3 << 17
"""Tokens in memory at most; more would not make the groups faster."""
HOST_BYTES = 1 << 30
"""Memory for keys and values, and again for visual tokens, on a machine without a GPU."""
SHARE = 0.35
"""Share of a GPU's free memory for keys and values."""
SHARE_OF_FEATURES = 0.2
"""Share of a GPU's free memory for visual tokens."""
SPILLED_BYTES = 16 << 30
"""Host memory for visual tokens that a GPU has no room for."""


def build(
    source: Source,
    processor: Any,
    decoding: Decoding,
    *,
    memory_bytes: int | None = None,
    shared: tuple[int, int] | None = None,
    disk: Path | None = None,
) -> Engine:
    """The engine for a model that `weights.unsupported` has nothing against. It takes the weights of the source.

    `memory_bytes`: for keys and values, in place of a share of what is free. `shared`: memory for visual tokens that other
    processes of this model read and write too, in place of host memory of its own. `disk`: a folder for visual tokens of this
    model, precision, card and version; those of others lie beside it.
    """
    weights = language_weights(source)
    device = weights.embedding.device
    if device.type == "cuda":
        torch.set_num_threads(1)  # they would only copy, and wait for one another while images are read on all cores
    attention, pointwise = _kernels(device, weights.embedding.dtype)
    pixels = Pixels(processor.image_processor, device)
    tower = _tower(source, attention, pointwise)
    common = Shared(*shared, weights.embedding.dtype) if shared else None
    spilled = SPILLED_BYTES if device.type == "cuda" and not common else 0
    stored = OnDisk(disk.parent, disk.name, weights.embedding.dtype, pinned=device.type == "cuda") if disk else None
    kept = Kept(device, _share(device, SHARE_OF_FEATURES), spilled, common, stored)
    memory = _memory(weights, device, memory_bytes or _share(device, SHARE))
    return Engine(
        language=Language(weights, memory, attention, pointwise),
        features=Features(Reader(pixels, processes=device.type == "cuda"), tower, kept),
        decoding=decoding,
        device=device,
        image_token=int(processor.image_token_id),
        ahead=device.type == "cuda",
    )


def _tower(source: Source, attention: Attention, pointwise: Pointwise) -> Tower:
    if source.tower_rotary is None:
        return OwnTower(source.model)
    if source.config.model_type == WITH_WINDOWS:
        return PackedTower(tower_weights(source, source.tower_rotary), attention, pointwise)
    return WholeTower(whole_tower_weights(source, source.tower_rotary), attention, pointwise)


def read_in_fp8(language: Language) -> Stack:
    """What its prompts can be read through in fp8, see `engine.packed.model.other_precisions`."""
    if language.weights.embedding.device.type != "cuda":
        return fp8_stack(language, PlainRounding(language.pointwise))
    # Triton is there on a GPU only
    from engine.packed.kernels.fp8_cuda import FusedRounding

    return fp8_stack(language, FusedRounding())


def _kernels(device: torch.device, dtype: torch.dtype) -> tuple[Attention, Pointwise]:
    """Fused kernels on a GPU with Triton: in half precision all of them, in float32 the pointwise ones."""
    if device.type != "cuda":
        return PaddedAttention(device), PlainPointwise()
    try:
        # Triton is there on a GPU only
        from engine.packed.kernels.cuda import FusedPointwise
        from engine.packed.kernels.fused import FusedAttention
    except ImportError:  # no Triton
        return PaddedAttention(device), PlainPointwise()
    fused = dtype in (torch.bfloat16, torch.float16)
    return FusedAttention(device) if fused else PaddedAttention(device), FusedPointwise()


def _share(device: torch.device, share: float) -> int:
    """Bytes: a share of a GPU's free memory, or what a machine without one gives."""
    if device.type == "cuda":
        return int(share * torch.cuda.mem_get_info(device)[0])
    return HOST_BYTES


def _memory(weights: LanguageWeights, device: torch.device, limit: int) -> KeyValues:
    shape: dict[str, Any] = {
        "layers": len(weights.layers), "heads": weights.kept_heads, "width": weights.head_width,
        "dtype": weights.embedding.dtype,
    }  # fmt: skip
    size = min(TOKENS_ALIVE, limit // KeyValues.bytes_per_token(**shape))
    return KeyValues(max(1, size), **shape, device=device)
