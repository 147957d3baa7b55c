"""What a start found out about a model, kept for the next one: for each model, precision, card and version of the code."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from importlib import metadata
from pathlib import Path
from typing import Any

import msgspec
import torch

from db.specs.base import canonical_json, sha256_text
from engine.common.files.atomic import write_text
from engine.common.files.gate import NotReadable, read_json

VISUAL_TOKENS = "visual_tokens"
HERE = Path(__file__).parent
PARTS = ("packed.py", "quick.py", "selftest.py", "starts.py", "fp8.py", "chat_form.py", "processor.py")
"""Files beside the packed engine that what is found depends on."""


@dataclass(frozen=True)
class Start:
    """One start."""

    distance: float
    """What the self-test found."""
    quick: dict[str, Any] | None
    """What a start from the files alone needs, see `engine.vlm.local.quick`; None where it would not be equal."""
    reason: str = ""
    """Why it would not be."""
    agreements: dict[str, dict[str, Any]] = field(default_factory=dict)
    """Hash of decoding -> how answers agree where prompts are read in fp8, see `engine.packed.agreement.Agreement`."""


class Starts:
    """The starts of one model, in a file of the cache."""

    def __init__(self, sha: str, dtype: torch.dtype, device: torch.device, cache_dir: Path | None) -> None:
        """`sha`: content hash of the model's files."""
        self.sha, self.dtype, self.device, self.cache_dir = sha, dtype, device, cache_dir
        self._path = cache_dir / "selftests.json" if cache_dir else None
        card = torch.cuda.get_device_name(device) if device.type == "cuda" else device.type
        versions = [torch.__version__, str(torch.version.cuda), metadata.version("transformers")]
        self._key = sha256_text(canonical_json([sha, str(dtype), card, versions, _code()]))

    @property
    def visual_tokens(self) -> Path | None:
        """A folder of the cache for what the tower makes of images: other weights, cards and versions round otherwise."""
        return self.cache_dir / VISUAL_TOKENS / self._key[:24] if self.cache_dir else None

    def get(self) -> Start | None:
        """What the last one found, where that is known."""
        try:
            return msgspec.convert(self._all().get(self._key), Start)
        except msgspec.ValidationError:
            return None  # absent, or of another version

    def put(self, start: Start) -> None:
        """Remembers a start whose distance is no reason to doubt."""
        if self._path is not None:
            write_text(self._path, json.dumps({**self._all(), self._key: asdict(start)}))

    def _all(self) -> dict[str, object]:
        try:
            known = read_json(self._path) if self._path is not None else {}
        except NotReadable:
            return {}  # a cache may be absent or broken
        return known if isinstance(known, dict) else {}


def _code() -> str:
    """Hash of everything that the packed engine, its self-test and a quick start are made of."""
    files = [*sorted((HERE.parent.parent / "packed").rglob("*.py")), *(HERE / name for name in PARTS)]
    return sha256_text("".join(path.read_text() for path in files))
