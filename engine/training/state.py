"""Where a training stands at the end of an epoch, in one file: after a kill it goes on from there, to the bit."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor

from db.specs import UserError
from engine.common.files.atomic import replacing
from engine.common.files.gate import NotReadable, parse_json, size_of

FILE = "training.safetensors"
MOST_BYTES = 64 << 30
"""Far beyond the weights and moments of any selector."""


@dataclass
class Standing:
    """How far each run has come, beside its tensors."""

    phase: str = ""
    epoch: int = 0
    step: int = 0
    """Steps since the beginning of the phase."""
    best: list[float] = field(default_factory=list)
    """Best value of what the phase is judged by, one for each run; lower is better."""
    best_epoch: list[int] = field(default_factory=list)
    stale: list[int] = field(default_factory=list)
    """Epochs since the best one."""
    stopped: list[bool] = field(default_factory=list)
    """Runs that patience has ended."""
    raised: list[list[str]] = field(default_factory=list)
    """Findings that each run has raised, so that a resumed one does not raise them again."""
    above: list[int] = field(default_factory=list)
    """Epochs in a row whose validation loss was above the uniform one."""


def state_file(directory: Path, runs: int, spec_sha: str) -> Path:
    """Where the state of a training is kept; of several runs under what they are, so that a part of them begins anew."""
    return directory / (FILE if runs == 1 else f"training-{spec_sha[:16]}.safetensors")


def save_state(path: Path, standing: Standing, tensors: dict[str, Tensor], spec_sha: str) -> None:
    """Replace the state file; readers see the old or the new one."""
    metadata = {"standing": json.dumps(asdict(standing)), "spec": spec_sha}
    held = {name: tensor.detach().cpu().contiguous() for name, tensor in tensors.items()}
    try:
        with replacing(path) as draft:
            save_file(held, draft, metadata)
    except (OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be written ({error}); free some space and resume the run") from None


def load_state(path: Path, spec_shas: Sequence[str], device: torch.device) -> tuple[Standing, dict[str, Tensor]] | None:
    """The state of an interrupted training of one of these specifications, or none. UserError where it is another's."""
    if not path.exists():
        return None
    try:
        size_of(path, MOST_BYTES)
        with safe_open(str(path), framework="pt", device=str(device)) as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a dict
    except (NotReadable, OSError, SafetensorError) as error:
        raise UserError(f"{path} cannot be read ({error}); delete it to train from the beginning") from None
    if metadata.get("spec") not in spec_shas:
        raise UserError(
            f"{path} belongs to a training with another specification; delete it to train from the beginning"
        )
    try:
        return Standing(**parse_json(metadata["standing"].encode())), tensors
    except (ValueError, TypeError, KeyError) as error:
        raise UserError(
            f"{path} does not say where it stands ({error}); delete it to train from the beginning"
        ) from None
