"""What the beams of prompts read while they are answered: which slots, of the prompt and of their own."""

from __future__ import annotations

from dataclasses import dataclass

from torch import Tensor


@dataclass(frozen=True)
class Answering:
    """What the beams of B prompts read; all on the device."""

    slots: Tensor
    """(N,) slots of prompts, int32."""
    begins: Tensor
    """(B,) where each prompt's begin among them, int32."""
    lengths: Tensor
    """(B,) how many they are, int32."""
    longest: int
    """No prompt is longer."""
    own: Tensor
    """(B, W, S) slots of each beam's answer, the newest token included, int32."""
