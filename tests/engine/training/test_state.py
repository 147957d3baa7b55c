"""The state of a training is read from a regular file of ours, or refused in one sentence."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import save_file

from db.specs import UserError
from engine.training.state import FILE, Standing, load_state, save_state

CPU = torch.device("cpu")


def test_what_was_saved_comes_back(tmp_path: Path) -> None:
    save_state(tmp_path / FILE, Standing(phase="rce", epoch=3, best=[0.5]), {"w": torch.ones(2)}, "sha")
    found = load_state(tmp_path / FILE, ["other", "sha"], CPU)
    assert found is not None
    assert (found[0].phase, found[0].epoch, found[0].best) == ("rce", 3, [0.5])
    assert torch.equal(found[1]["w"], torch.ones(2))


@pytest.mark.parametrize("kind", ["pipe", "device", "folder", "text"])
def test_only_a_regular_file_is_opened(tmp_path: Path, kind: str) -> None:
    """A pipe would be waited for without end, a device read without end."""
    path = tmp_path / FILE
    if kind == "pipe":
        os.mkfifo(path)
    elif kind == "device":
        path.symlink_to("/dev/zero")
    elif kind == "folder":
        path.mkdir()
    else:
        path.write_text("no tensors")
    with pytest.raises(UserError, match=r"cannot be read .*; delete it to train from the beginning"):
        load_state(tmp_path / FILE, ["sha"], CPU)


@pytest.mark.parametrize("standing", ["", "[]", "{", '{"later": 1}', "[" * 9000, None])
def test_a_state_that_does_not_say_where_it_stands_is_refused(tmp_path: Path, standing: str | None) -> None:
    told = {"spec": "sha"} | ({} if standing is None else {"standing": standing})
    save_file({"w": torch.ones(2)}, tmp_path / FILE, told)
    with pytest.raises(UserError, match=r"does not say where it stands .*; delete it"):
        load_state(tmp_path / FILE, ["sha"], CPU)
