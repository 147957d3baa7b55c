"""What a selector is given, held against what it can take: a sentence instead of an error from deep inside."""

from __future__ import annotations

import torch
from torch import Tensor

from db.specs.base import UserError
from db.specs.selector import MAX_SHOTS

SHAPES = {"queries": "(B, d)", "pools": "(B, K, d)", "pointers": "(B, P, S)"}


def batch_size(**tensors: Tensor) -> int:
    """How many rows tensors have that have either this number of them, or one, which serves all. Raises UserError."""
    for name, tensor in tensors.items():
        if tensor.ndim != SHAPES[name].count(",") + 1:
            raise UserError(f"the {name} have the shape {[*tensor.shape]}, but {SHAPES[name]} is wanted")
    sizes = {name: len(tensor) for name, tensor in tensors.items()}
    others = {*sizes.values()} - {1}
    if len(others) > 1:
        given = ", ".join(f"{size} {name}" for name, size in sizes.items())
        raise UserError(f"{given} do not go together; give as many of each, or one for all")
    return others.pop() if others else 1


def check_widths(queries: Tensor, pools: Tensor, width: int) -> None:
    """UserError unless both have the width that the selector was trained on."""
    for name, tensor in (("query", queries), ("candidate", pools)):
        if tensor.shape[-1] != width:
            raise UserError(
                f"the {name} embeddings are {tensor.shape[-1]} wide, but the selector was trained on {width}; "
                "embed with the encoder it was trained with"
            )


def check_shots(shots: int, most: int) -> None:
    """UserError unless the selector can go on for so many steps."""
    if not 1 <= shots <= MAX_SHOTS:
        raise UserError(f"shots must be 1 to {MAX_SHOTS}, not {shots}")
    if shots > most:
        raise UserError(
            f"the selector has trained vectors for {most} shots, {shots} were asked for; "
            f"ask for at most {most}, or train with more shots"
        )


def check_pointers(pointers: Tensor, pool: int) -> None:
    """UserError for pointers (B, P, S) that leave the pool. Not on a GPU, which would wait for the answer, nor where there
    are no numbers to look at yet: in the compiler, and where many runs are one."""
    if torch.compiler.is_compiling() or pointers.device.type != "cpu" or not pointers.numel():
        return
    if torch._C._functorch.is_batchedtensor(pointers):
        return
    lowest, highest = (int(value) for value in pointers.aminmax())
    if lowest < 0 or highest >= pool:
        stray = lowest if lowest < 0 else highest
        raise UserError(f"a pointer holds {stray}, but positions in a pool of {pool} are 0 to {pool - 1}")
