"""transformers' own server with the built-in model, as a process: `python -m tests.serve_builtin`; it says its address.

Its loader of processors wants torchvision for a video part that nobody shows; ours takes its place. All else is the server's.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import AutoConfig
from transformers.cli.serve import Serve
from transformers.cli.serving.model_manager import ModelManager

from engine.demo.shipped import model_dir
from engine.vlm.local.image_only import load_processor


def _processor(_: Any, model: str, **__: Any) -> Any:
    directory = Path(model.rpartition("@")[0] or model)
    return load_processor(directory, AutoConfig.from_pretrained(directory))


if __name__ == "__main__":
    ModelManager._load_processor = _processor
    Serve(force_model=str(model_dir()), host="127.0.0.1", port=0, device="cpu", dtype="float32")
