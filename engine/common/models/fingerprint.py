"""Content hashes of model directories: equal hashes mean equal weights, configuration, tokenizer and processor.

Hashing gigabytes takes seconds, so each file's hash is kept in the cache under its path and all that the file system says
changes with its content: size, times of modification and of change, and inode.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from db.specs.base import canonical_json, sha256_text
from engine.common.files.atomic import write_text
from engine.common.files.gate import NotReadable, read_json
from engine.common.models.model_files import weight_files

# generation_config.json is left out on purpose: every decoding argument is stated by the run itself.
_DESCRIPTIONS = (
    "config.json", "preprocessor_config.json", "processor_config.json", "chat_template.jinja", "chat_template.json",
    "tokenizer.json", "tokenizer_config.json", "tokenizer.model", "special_tokens_map.json", "added_tokens.json",
    "vocab.json", "merges.txt",
    "adapter_config.json", "adapter_model.safetensors", "adapter_model.bin",
)  # fmt: skip
_CACHE_FILE = "fingerprints.json"
SETTLED_NS = 1_000_000_000
"""A file that changed less than this before it was hashed is not remembered: a second change could bear the same time."""


def model_sha(directory: Path, cache_dir: Path | None = None) -> str:
    """SHA-256 (hex) over names and contents of the files that decide what the model in `directory` answers."""
    shas = file_shas(_deciding(directory), cache_dir)
    return sha256_text(canonical_json({path.name: sha for path, sha in shas.items()}))


def begin_model_sha(directory: Path, cache_dir: Path | None = None) -> None:
    """Begins to hash the weights that `model_sha` will ask for, while the caller does other things: gigabytes take seconds."""
    known, settled = _read(cache_dir), time.time_ns() - SETTLED_NS
    for path in weight_files(directory):
        key = file_key(path)
        if key not in known and key not in _begun and path.stat().st_ctime_ns <= settled:
            _begin(path)


def _deciding(directory: Path) -> list[Path]:
    named = [directory / name for name in _DESCRIPTIONS if (directory / name).is_file()]
    return [*named, *weight_files(directory)]


def file_shas(paths: Iterable[Path], cache_dir: Path | None = None) -> dict[Path, str]:
    """SHA-256 (hex) of each file, taken from the cache where the file system says that it is unchanged."""
    paths = list(paths)
    keys = {path: file_key(path) for path in paths}
    known = _read(cache_dir)
    fresh = [path for path, key in keys.items() if key not in known]
    if fresh:
        begun = time.time_ns()
        with ThreadPoolExecutor(max_workers=min(4, len(fresh))) as pool:  # hashlib lets go of the interpreter lock
            known |= {keys[path]: sha for path, sha in zip(fresh, pool.map(_sha_begun, fresh), strict=True)}
        unsettled = {keys[path] for path in fresh if path.stat().st_ctime_ns > begun - SETTLED_NS}
        _write(cache_dir, {key: sha for key, sha in known.items() if key not in unsettled})
    return {path: known[key] for path, key in keys.items()}


def files_sha(paths: Sequence[Path], cache_dir: Path | None = None) -> str:
    """SHA-256 (hex) of one file; of several, over their names and contents."""
    shas = file_shas(paths, cache_dir)
    if len(shas) == 1:
        return next(iter(shas.values()))
    return sha256_text(canonical_json({path.name: sha for path, sha in shas.items()}))


_begun: dict[str, Future[str]] = {}


def _begin(path: Path) -> None:
    """Hashes a file in a thread that nobody waits for when the process ends."""
    found: Future[str] = Future()
    _begun[file_key(path)] = found

    def work() -> None:
        try:
            found.set_result(file_sha(path))
        except OSError as error:
            found.set_exception(error)

    threading.Thread(target=work, name=f"hash of {path.name}", daemon=True).start()


def _sha_begun(path: Path) -> str:
    """The hash that was begun, if the file is still the same when it is done; else a new one."""
    key = file_key(path)
    begun = _begun.pop(key, None)
    if begun is None:
        return file_sha(path)
    sha = begun.result()
    return sha if file_key(path) == key else file_sha(path)


def file_sha(path: Path) -> str:
    """SHA-256 (hex) of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def file_key(path: Path) -> str:
    """Changes whenever the file's content does: real path (files of the hub cache are links), size, times, inode."""
    real = path.resolve()
    return f"{real}|{content_key(real.stat())}"


def content_key(status: os.stat_result) -> str:
    """What a file system changes with a file's content. The time of change and the inode cannot be set back by copying."""
    return f"{status.st_size}|{status.st_mtime_ns}|{status.st_ctime_ns}|{status.st_ino}"


def _read(cache_dir: Path | None) -> dict[str, str]:
    if cache_dir is None:
        return {}
    try:
        known = read_json(cache_dir / _CACHE_FILE)
    except NotReadable:
        return {}  # a cache may be absent, deleted or broken: everything is hashed again
    return {str(key): str(sha) for key, sha in known.items()} if isinstance(known, dict) else {}


def _write(cache_dir: Path | None, known: Mapping[str, str]) -> None:
    """Replace the cache; two writers at once lose nothing but time."""
    if cache_dir is not None:
        write_text(cache_dir / _CACHE_FILE, json.dumps(dict(known)))
