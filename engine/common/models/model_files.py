"""Finding a model on this machine before anything is loaded: which directory, and is it complete. Never the network."""

from __future__ import annotations

import os
import re
import struct
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from db.specs.base import UserError
from engine.common.extras import require
from engine.common.files.gate import MOST_JSON, is_folder, is_there, opened, parse_json, read_bytes
from engine.common.models.adapters import refuse_adapter

_HUB_ID = re.compile(r"[\w.\-]+(/[\w.\-]+)?")
_TEMPLATES = ("chat_template.jinja", "chat_template.json")
_TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"), ("tokenizer.model",))
_IMAGE_CONFIGS = ("preprocessor_config.json", "processor_config.json")
_WEIGHTS = ("model.safetensors", "pytorch_model.bin")


WITHOUT_TEMPLATE = frozenset({"paligemma"})
"""Families whose checkpoints have no chat template, because they are prompted with plain text."""
NEEDS = {"mistral3": "torchvision", "pixtral": "torchvision", "mistral_large4": "torchvision"}
"""Family -> the package that transformers' own processor asks for."""
MODULES = "modules.json"
"""What a sentence-transformers folder is known by: it lists how texts are pooled."""
TEXTS_ONLY = (
    "embeds texts alone, and images are to be compared; choose --retriever t2t, or name a CLIP or SigLIP --encoder"
)


def find_model(name: str, *, field: str = "vlm", chat: bool = True) -> Path:
    """The complete local directory of the model `name`: a directory, or a hub id in the local hub cache.

    `chat` asks for a chat template too. Raises UserError, in well under a second, when it is not there or incomplete.
    """
    directory = Path(name).expanduser()
    if is_folder(directory):
        return _complete(directory.resolve(), name, field, chat)
    if is_there(directory):
        raise UserError(f"{field}: {name} is a file; give the directory that holds config.json and the weights.")
    if not is_hub_id(name):
        raise UserError(f"{field}: the directory {name} does not exist.")
    return _complete(_in_hub_cache(name, field), name, field, chat)


def is_hub_id(name: str) -> bool:
    """Whether the name can be one of the hub: `owner/model` or `model`."""
    return bool(_HUB_ID.fullmatch(name)) and not name.startswith(".")


def cached_model(name: str) -> Path | None:
    """The newest folder of a hub model in the local cache, complete or not; none where it was never downloaded.

    Looked up by the names of folders: importing the hub client takes longer than everything before a run.
    """
    folder = _hub_cache() / f"models--{name.replace('/', '--')}"
    try:
        newest = folder / "snapshots" / (folder / "refs" / "main").read_text(encoding="utf-8").strip()
    except OSError:
        return folder if folder.is_dir() else None
    return newest if newest.is_dir() else folder


def cached_models() -> list[tuple[str, str]]:
    """Hub models of the local cache with what their configurations call their type; empty where that cannot be read."""
    try:
        folders = sorted(path for path in _hub_cache().iterdir() if path.name.startswith("models--"))
    except OSError:
        return []
    names = [path.name.removeprefix("models--").replace("--", "/", 1) for path in folders]
    return [(name, _type_or_none(cached_model(name))) for name in names]


def _type_or_none(directory: Path | None) -> str:
    try:
        return _model_type(directory) if directory is not None else ""
    except UserError:
        return ""


def _hub_cache() -> Path:
    home = Path(os.environ.get("HF_HOME") or Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache") / "huggingface")
    cache = Path(os.environ.get("HF_HUB_CACHE") or os.environ.get("HUGGINGFACE_HUB_CACHE") or home / "hub")
    return cache.expanduser()


def go_offline() -> None:
    """Keep the hub client from the network in this process: what is not on this disk is answered at once."""
    os.environ["HF_HUB_OFFLINE"] = "1"
    constants: Any = sys.modules.get("huggingface_hub.constants")
    if constants is not None:
        constants.HF_HUB_OFFLINE = True


def _in_hub_cache(name: str, field: str) -> Path:
    go_offline()
    # 0.5 s that only a hub id needs, and it reads its offline switch when it is imported
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError

    try:
        return Path(snapshot_download(name, local_files_only=True))
    except (LocalEntryNotFoundError, HFValidationError, FileNotFoundError):
        raise UserError(
            f"{field}: {name} is neither a directory here nor in the local hub cache; give a directory, "
            f"or download it first with: hf download {name}"
        ) from None


def _complete(directory: Path, name: str, field: str, chat: bool) -> Path:
    refuse_adapter(directory, name, field, whole=bool(weight_files(directory)))
    missing = next(_missing(directory, chat), None)
    if missing:
        again = f"hf download {name}" if not Path(name).expanduser().is_dir() else f"hf download ID --local-dir {name}"
        raise UserError(f"{field}: {name} is incomplete: {missing} (in {directory}); complete it with: {again}")
    if chat:
        require_family(directory, name, field)
    if not chat and reads_texts_only(directory):
        require("sentence_transformers", f"{field}: {name} is a sentence-transformers folder")
    return directory


def require_family(directory: Path, name: str, field: str = "vlm") -> None:
    """Raises MissingExtra for a family whose processor asks for a package that is not here, or cannot be imported."""
    family = _model_type(directory)
    if family in NEEDS:
        require(NEEDS[family], f"{field}: {name} is a {family} model")


def _missing(directory: Path, chat: bool) -> Iterator[str]:
    """What is not there, in words, most telling first."""
    if not (directory / "config.json").is_file():
        yield "config.json is missing"
    yield from _missing_weights(directory)
    if not any(all((directory / part).is_file() for part in parts) for parts in _TOKENIZERS):
        yield "tokenizer.json is missing"
    if (chat or not reads_texts_only(directory)) and not any((directory / part).is_file() for part in _IMAGE_CONFIGS):
        yield "preprocessor_config.json is missing"
    if chat and not _has_chat_template(directory) and _model_type(directory) not in WITHOUT_TEMPLATE:
        yield "the chat template (chat_template.jinja, or chat_template in tokenizer_config.json) is missing"


def reads_texts_only(directory: Path) -> bool:
    """Whether the model in a folder is a text encoder, as sentence-transformers writes them."""
    return (directory / MODULES).is_file()


def module_files(directory: Path) -> list[Path]:
    """What decides how a text encoder pools, beside its weights and tokenizer."""
    return sorted([directory / MODULES, *directory.glob("*/config.json"), *directory.glob("sentence_*_config.json")])


def weight_files(directory: Path) -> list[Path]:
    """The weight files that are loaded: safetensors before pickles, a single file before shards. Empty if none."""
    for single in _WEIGHTS:
        index = directory / f"{single}.index.json"
        if (directory / single).is_file():
            return [directory / single]
        if index.is_file():
            return [directory / shard for shard in _shards(index)]
    return []


def _shards(index: Path) -> list[str]:
    shards = read_json(index).get("weight_map")
    if not isinstance(shards, dict) or not all(isinstance(name, str) and name for name in shards.values()):
        raise UserError(f"{index} has no weight_map of tensors and files; download the model again.")
    return sorted(set(shards.values()))


def _missing_weights(directory: Path) -> Iterator[str]:
    files = weight_files(directory)
    if not files:
        yield "model.safetensors is missing"
    for file in files:
        if not file.is_file():
            yield f"the weight file {file.name} is missing"
        elif file.suffix == ".safetensors" and (reason := _truncated(file)):
            yield f"the weight file {file.name} is {reason}"


def _truncated(file: Path) -> str:
    """Why a safetensors file cannot be whole, judged by its header; empty when it can."""
    with opened(file) as stream:
        size = os.fstat(stream.fileno()).st_size
        start = stream.read(8)
        length = struct.unpack("<Q", start)[0] if len(start) == 8 else size
        if length > size - 8:
            return f"truncated ({size} bytes)"
        if length > MOST_JSON:
            return "not a safetensors file"
        try:
            header = parse_json(stream.read(length))
            end = max((entry["data_offsets"][1] for key, entry in header.items() if key != "__metadata__"), default=0)
            needed = 8 + length + int(end)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            return "not a safetensors file"
    return f"truncated ({size} of {needed} bytes)" if needed > size else ""


def end_tokens(directory: Path) -> set[int]:
    """Every token that ends an answer by the model's own configuration, its generation's or that of its text part."""
    stated: set[int] = set()
    for name in ("generation_config.json", "config.json"):
        if (directory / name).is_file():
            found = read_json(directory / name)
            text = found.get("text_config")
            for part in (found, text if isinstance(text, dict) else {}):
                ids = part.get("eos_token_id")
                stated |= {one for one in (ids if isinstance(ids, list) else [ids]) if type(one) is int and one >= 0}
    return stated


def _model_type(directory: Path) -> str:
    return str(read_json(directory / "config.json").get("model_type", ""))


def _has_chat_template(directory: Path) -> bool:
    if any((directory / file).is_file() for file in _TEMPLATES) or (directory / "additional_chat_templates").is_dir():
        return True
    configs = ("tokenizer_config.json", "processor_config.json")
    return any(read_json(directory / file).get("chat_template") for file in configs if (directory / file).is_file())


def read_json(path: Path) -> dict[str, Any]:
    """The JSON object in a model's file. Raises UserError naming the file."""
    content = read_bytes(path, MOST_JSON)
    try:
        value = parse_json(content)
    except ValueError as error:
        raise UserError(f"{path} is not readable as JSON ({error}); download the model again.") from None
    if not isinstance(value, dict):
        raise UserError(f"{path} does not hold a JSON object; download the model again.")
    return value
