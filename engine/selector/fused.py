"""What a step does between its matrix products, in plain PyTorch and, for float32 on a GPU, as one kernel each.

The kernels round differently in the last digit; the CPU and the compiler take the plain formulas.
"""

from __future__ import annotations

import importlib.util
from functools import cache
from subprocess import SubprocessError
from types import ModuleType
from typing import Any

import torch
import torch.nn.functional as F
from loguru import logger
from torch import Tensor

LEAST = 1e-12
"""Vectors shorter than this are divided by it, so that a zero vector stays zero."""


def unit(vectors: Tensor) -> Tensor:
    """Vectors (..., H) of length one; a zero vector stays zero."""
    kernels = _kernels(vectors)
    result: Tensor = kernels.unit(vectors, LEAST) if kernels else F.normalize(vectors, dim=-1, eps=LEAST)
    return result


def gated_unit(of_state: Tensor, of_chosen: Tensor, state: Tensor, chosen: Tensor) -> Tensor:
    """norm(g⊙state + (1-g)⊙chosen), g = sigmoid(of_state + of_chosen), for states (..., 1 or P, H), choices (..., P, H)."""
    kernels = _kernels(of_state, of_chosen, state, chosen)
    if kernels:
        result: Tensor = kernels.gated_unit(of_state, of_chosen, state, chosen, LEAST)
        return result
    share = torch.sigmoid(of_state + of_chosen)
    return unit(share * state + (1 - share) * chosen)


def masked(scores: Tensor, blocked: Tensor | None, mask: Tensor | None, fill: float, padding: float) -> Tensor:
    """Scores (B, P, K) with `fill` where `blocked` (B, P, K), and `padding` where `mask` (B, K) says nothing is there."""
    if blocked is not None:
        scores = scores.masked_fill(blocked, fill)
    return scores if mask is None else scores.masked_fill(~mask[:, None], padding)


def picked_log_probs(
    scores: Tensor, labels: Tensor, blocked: Tensor | None, mask: Tensor | None, fill: float, padding: float
) -> Tensor:
    """Log-probabilities (B, P) of labels (B, P) under the softmax of the `masked` scores (B, 1 or P, K)."""
    kernels = _kernels(scores)
    if kernels:
        scores = scores if blocked is None else scores.expand_as(blocked)
        result: Tensor = kernels.picked_log_probs(scores, labels, blocked, mask, fill, padding)
        return result
    log_probs = masked(scores, blocked, mask, fill, padding).log_softmax(-1).expand(*labels.shape, -1)
    return log_probs.gather(-1, labels[..., None]).squeeze(-1)


def _kernels(*tensors: Tensor) -> Any:
    """The kernels, where they can work on these tensors."""
    if not all(tensor.is_cuda and tensor.dtype == torch.float32 for tensor in tensors):
        return None
    if not on_this_gpu(tensors[0].device):
        return None
    kernels = None if torch.compiler.is_compiling() else gpu_kernels()
    fits = kernels is not None and all(tensor.shape[-1] <= kernels.LARGEST_ROW for tensor in tensors)
    return kernels if fits else None


def on_this_gpu(device: torch.device) -> bool:
    """Whether this is the GPU of the process: kernels are launched there, whatever their tensors are on."""
    return device.type == "cuda" and device.index in (None, torch.cuda.current_device())


@cache
def gpu_kernels() -> ModuleType | None:
    """The module of GPU kernels; none where Triton is not installed or cannot build them, as without a C compiler."""
    if not importlib.util.find_spec("triton"):
        return None
    try:
        kernels = importlib.import_module("engine.selector.kernels")
        built: bool = torch.allclose(
            kernels.unit(torch.full((1, 4), 2.0, device="cuda"), LEAST).cpu(), torch.tensor(0.5)
        )
        reason = "they compute something else"
    except (ImportError, OSError, RuntimeError, SubprocessError) as error:
        built, reason = False, str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
    if not built:
        logger.warning(
            "GPU kernels cannot be used ({}): PyTorch's own are slower, the numbers agree to float32", reason
        )
    return kernels if built else None
