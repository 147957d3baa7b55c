"""A package that is installed and cannot be imported: what does without it goes on, and what needs it says so."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from engine.demo.shipped import model_dir

SCRIPT = """
import sys
from db.specs import DecodeSpec, UserError
from engine.vlm.opening import open_vlm

assert open_vlm("builtin", decode=DecodeSpec(), device="cpu").facts()["vlm_engine"] == "plain"
assert sys.modules["torchvision"] is None
try:
    open_vlm(sys.argv[1], decode=DecodeSpec(), device="cpu")
except UserError as error:
    print(error)
"""


def test_a_torchvision_of_another_torch_harms_only_the_families_that_need_it(tmp_path: Path) -> None:
    package = tmp_path / "packages" / "torchvision"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    folder = shutil.copytree(model_dir(), tmp_path / "model")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "mistral3"}))
    paths = os.pathsep.join([str(package.parent), *sys.path])
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(folder)], env={**os.environ, "PYTHONPATH": paths}, capture_output=True,
        text=True, timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "is a mistral3 model, which needs the package torchvision" in done.stdout
    assert "operator torchvision::nms does not exist" in done.stdout
    assert "install the one of the same build as torch" in done.stdout
