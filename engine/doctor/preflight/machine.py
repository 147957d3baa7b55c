"""What a request needs of this machine, by file names and small headers: data set, models, device."""

from __future__ import annotations

import os
import re
import struct
import sys
from pathlib import Path
from typing import Any

from db.specs.base import Finding, UserError
from db.specs.embed import EmbedSpec
from db.specs.evaluate import WITHOUT_MODEL
from engine.common.findings import error, warning
from engine.common.models.memory import GIGABYTE, memory_of_machine, too_large, weight_bytes
from engine.common.models.model_files import (
    TEXTS_ONLY,
    cached_model,
    find_model,
    is_hub_id,
    read_json,
    reads_texts_only,
)
from engine.common.wording import capital, parted
from engine.demo.shipped import WORLDS, model_dir
from engine.doctor.preflight.table import Preflight, refusal

SERVER = ("http://", "https://")
DEVICES = ("cpu", "cuda", "mps", "xpu", "hpu", "xla", "mtia", "meta")
GPU_NODES = ("nvidia*", "nvhost*", "nvmap", "dxg", "kfd")
"""Below /dev, one of these stands for a GPU that `cuda` may mean: NVIDIA, Jetson, WSL, ROCm."""


def dataset(spec: Any, result: Preflight) -> None:
    """The data set, and the one that demonstrations come from, is there and of a known layout; it is not read."""
    _dataset("data set", spec.dataset, result)
    _dataset("demonstrations", getattr(spec, "support", "") or "builtin", result)
    if spec.images and spec.dataset in WORLDS and not getattr(spec, "support", ""):
        text = f"images = {spec.images}: the built-in data set brings its own images, so that none of these would be shown."
        result.add("images", "own", spec.images, error("unused", "images", text, "Leave it out, or name a --dataset."))


def _dataset(what: str, name: str, result: Preflight) -> None:
    if name in WORLDS:
        return
    from engine.data.datasets import is_dataset  # only where a folder is named: it imports every layout's reader

    root = Path(name).expanduser()
    if not root.exists():
        text = f"There is no data set at {name}."
        result.add(what, "missing", name, error("not-found", name, text, "Give a folder or a registered name."))
    elif not is_dataset(root):
        from engine.data.names import renames  # the same

        text = f"{root} holds no files named as those of OKVQA, VQAv2 or a Hugging Face data set."
        way_on = capital(renames(root).removeprefix("; ")) or "Give the folder that holds the questions"
        result.add(what, "unknown", name, error("not-found", name, text, f"{way_on}."))


def model(spec: Any, result: Preflight) -> None:
    """The vision-language model is complete on this disk, and fits into memory."""
    _complete(result, "model", spec.vlm, field="vlm", chat=True)
    place = _place(spec.vlm)
    if place is not None and not result.blocked and spec.vlm not in WITHOUT_MODEL and spec.vlm != "builtin":
        _fits(spec, place, result)


def _fits(spec: Any, folder: Path, result: Preflight) -> None:
    """On a CPU of this machine; what a GPU has is asked by the job, before it reads the weights."""
    there = memory_of_machine()
    if there is None or result.on or spec.device.startswith("cuda") or (spec.device == "auto" and _has_gpu()):
        return
    dtype = "float32" if spec.dtype == "auto" else spec.dtype
    try:
        needed = weight_bytes(folder, dtype)
    except (UserError, ValueError, TypeError, KeyError, struct.error):  # the job names what is wrong with the file
        return
    whole, free = there
    kind, room, where = (
        (error, whole, "this machine") if needed > whole else (warning, free, "this machine at the moment")
    )
    if needed > room:
        what, way_on = parted(too_large(spec.vlm, needed, room, where, dtype))
        result.add(
            "memory",
            f"{room / GIGABYTE:.1f} GB",
            f"{needed / GIGABYTE:.1f} GB",
            kind("memory", "vlm", f"{what}.", capital(way_on)),
        )


def embedded_model(spec: EmbedSpec, result: Preflight) -> None:
    """The model whose features are taken; a CLIP encoder needs none."""
    if spec.encoder == "vlm":
        model(spec, result)


def embedding(spec: EmbedSpec, result: Preflight) -> None:
    """There is something to embed, and something that embeds."""
    if not (spec.use_image or spec.use_text):
        text = "use_image and use_text are both false: there is nothing to embed."
        result.add(
            "embedding", "nothing", "no image, no text", error("no-features", "use_image", text, "Set one of them.")
        )
    encoder(result, spec.encoder, spec.vlm, images=spec.use_image)


def encoder(result: Preflight, name: str, vlm: str, what: str = "encoder", *, images: bool = True) -> None:
    """What makes the vectors is complete on this disk and gives features: a server answers questions only, and a text encoder
    has none of `images`."""
    if name != "vlm":
        _complete(result, what, name, field="encoder", chat=False)
        place = _place(name)
        if images and place is not None and reads_texts_only(place):
            text, way_on = parted(f"{name} {TEXTS_ONLY}")
            result.add(what, "texts only", name, error("no-features", "encoder", f"{text}.", capital(f"{way_on}.")))
    elif vlm.startswith(SERVER) or vlm in WITHOUT_MODEL:
        result.add(what, "none", name, _no_features(vlm))


def _no_features(name: str) -> Finding:
    what = f"The rule {name}" if name in WITHOUT_MODEL else f"The server {name}"
    text = f"{what} answers questions but gives no features, which encoder=vlm takes from it."
    return error("no-features", "encoder", text, "Name a CLIP model (--encoder openai/clip-vit-base-patch32).")


def _complete(result: Preflight, what: str, name: str, *, field: str, chat: bool) -> None:
    """A row where the job would refuse the model. A hub name is looked for in the local cache, as the job does."""
    if name == "builtin" or name in WITHOUT_MODEL or name.startswith(SERVER):
        return
    try:
        if Path(name).expanduser().exists() or not is_hub_id(name):
            find_model(name, field=field, chat=chat)
        elif cached_model(name) is None:
            text = f"{field}: {name} is neither a directory here nor in the local hub cache"
            raise UserError(f"{text}; give a directory, or download it with: hf download {name}")
    except UserError as failure:
        result.add(
            what,
            "not here",
            name,
            refusal("not-found" if failure.code == UserError.code else failure.code, name, failure),
        )


def width(name: str, vlm: str, *, parts: int) -> int | None:
    """Width of the vectors that an encoder will make of `parts` (image, text) of a question; None where it is not told.

    CLIP averages the parts in its own space, a vision-language model's features stand one behind the other.
    """
    if name != "vlm":
        return _number(_config(name).get("projection_dim"))
    config = _config(vlm)
    text = config.get("text_config")
    hidden = _number(text.get("hidden_size") if isinstance(text, dict) else None) or _number(config.get("hidden_size"))
    return hidden * parts if hidden else None


def _config(name: str) -> dict[str, Any]:
    if name.startswith(SERVER):
        return {}
    if name == "builtin":
        return read_json(model_dir() / "config.json")
    place = _place(name)
    try:
        return read_json(place / "config.json") if place is not None else {}
    except UserError:
        return {}


def _place(name: str) -> Path | None:
    """The folder of a model: a directory, or one of the local hub cache; none where there is neither."""
    folder = Path(name).expanduser()
    return folder if folder.is_dir() else cached_model(name) if is_hub_id(name) else None


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def device(spec: Any, result: Preflight) -> None:
    """The device is one that this machine can have."""
    name = str(spec.device)
    reason = ""
    if not all(_is_device(one) for one in name.split(",")) and name != "cuda:all":
        reason = f"device={name} is no device."
    elif "cuda" in name and not result.on and not _has_gpu():
        reason = f"device={name} was asked for, but this machine shows no GPU."
    if reason:
        result.add(
            "device", "none", name, error("not-found", "device", reason, "Give --device auto, cpu, cuda:1 or cuda:all.")
        )


def prefill(spec: Any, result: Preflight) -> None:
    """Prompts are read in fp8 on a GPU alone; whether it multiplies fp8 is asked by the job, before it loads anything."""
    if spec.prefill == "fp8" and not ("cuda" in spec.device or (spec.device == "auto" and _has_gpu())):
        text = f"prefill=fp8 needs a GPU, and device={spec.device} is none here."
        result.add("prefill", "no GPU", "fp8", error("not-found", "prefill", text, "Leave --prefill out."))


def _is_device(name: str) -> bool:
    return name == "auto" or bool(re.fullmatch(r"[a-z]+(:\d+)?", name) and name.partition(":")[0] in DEVICES)


def _has_gpu() -> bool:
    """Whether there can be a GPU; asked of the kernel's device files, because a driver takes longer to answer."""
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return not sys.platform.startswith("linux") or any(next(Path("/dev").glob(node), None) for node in GPU_NODES)
