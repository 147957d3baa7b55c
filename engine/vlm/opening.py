"""Opening a vision-language model by name: the built-in one, a directory, a hub id, or the address of a server."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from db.specs.evaluate import WITHOUT_MODEL, DecodeSpec, Prefill, PromptSpec
from engine.common.models.fingerprint import begin_model_sha
from engine.common.models.gpu import begin_context
from engine.common.models.model_files import find_model
from engine.demo.shipped import BUILTIN, model_dir
from engine.vlm.copying import CopyingVLM
from engine.vlm.protocol import VLM
from engine.vlm.spread import processes


def is_server(name: str) -> bool:
    """Whether the name is the address of an OpenAI-compatible server."""
    return name.startswith(("http://", "https://"))


def open_vlm(
    name: str,
    *,
    decode: DecodeSpec,
    prompt: PromptSpec | None = None,
    dtype: str = "auto",
    device: str = "auto",
    batch_size: int = 8,
    engine: str = "plain",
    prefill: Prefill = "dtype",
    served_model: str = "",
    concurrency: int = 8,
    cache_dir: Path | None = None,
    quick: bool = True,
) -> VLM:
    """The model `name`: `builtin`, a directory, a hub id in the local cache, http(s)://host/v1 of a server, or a rule.

    `device` may be several, such as `cuda:all`: then each has a process of its own (`engine.vlm.spread`).
    `engine` is `plain` (transformers' generate), `packed`, or `auto` (packed where it can run). `prefill` is `dtype`, or `fp8`
    for prompts that the packed engine reads in fp8 on a GPU that multiplies it.
    `prompt` gives the pixel caps of `embed_images`; prompts carry their own. `cache_dir` keeps hashes of weight files.
    `quick`: whether a start without transformers' model will do, where an earlier one saw it to be equal.
    Presence and completeness are checked before anything heavy is loaded. Raises UserError.
    """
    if name in WITHOUT_MODEL:
        return CopyingVLM(name, decode=decode)
    if is_server(name):
        # 40 ms that a local model does not need
        from engine.vlm.served import ServedVLM

        return ServedVLM(name, decode=decode, served_model=served_model, concurrency=concurrency)
    directory = model_directory(name)
    # 2.5 s (torch, transformers) that a served model does not need
    from engine.vlm.local.choosing import open_local
    from engine.vlm.local.loading import devices
    from engine.vlm.spread.asking import SpreadVLM
    from engine.vlm.spread.cluster import ClusterVLM, address

    options: dict[str, Any] = {
        "name": name, "directory": directory, "decode": decode, "prompt": prompt or PromptSpec(), "dtype": dtype,
        "batch_size": batch_size, "engine": engine, "prefill": prefill, "cache_dir": cache_dir, "quick": quick,
    }  # fmt: skip
    if (cluster := address()) is not None:
        return ClusterVLM(cluster, **options)
    where = devices(device)
    return SpreadVLM(where, **options) if len(where) > 1 else open_local(**options, device=where[0])


def begin(name: str, device: str, cache_dir: Path) -> None:
    """Begins what opening a local model will wait for: a GPU's context, hashes of the weights and, for several devices, their
    processes.
    What is wrong with a name or device is said when it is opened."""
    if name not in WITHOUT_MODEL and not is_server(name):
        with suppress(UserError, OSError):
            begin_context(device)
            begin_model_sha(model_directory(name), cache_dir)
            processes.begin(device, whole=not (cache_dir / "selftests.json").is_file())


def model_directory(name: str) -> Path:
    """The complete local directory of `builtin`, a directory or a hub id. Raises UserError."""
    return find_model(str(model_dir()) if name == BUILTIN else name)
