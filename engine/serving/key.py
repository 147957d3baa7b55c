"""Which key a server gets: it is read from the environment, sent, and never kept, logged or shown."""

from __future__ import annotations

import os
from dataclasses import dataclass, field

import httpx

from db.specs.base import UserError

OURS, OPENAI = "LEVERPLUS_API_KEY", "OPENAI_API_KEY"
OPENAI_HOST = "api.openai.com"


@dataclass(frozen=True)
class Key:
    """A key, or none."""

    source: str
    """Variable that it comes from, or `none`."""
    headers: dict[str, str] = field(default_factory=dict, repr=False)
    """What it adds to a request."""

    @property
    def hint(self) -> str:
        """What to do about a server that refuses it."""
        if self.headers:
            return f"it refused the key of {self.source}"
        return f"set {OURS}; {OPENAI} is sent to https://{OPENAI_HOST} only"


def key_for(url: httpx.URL) -> Key:
    """The key for this address: LEVERPLUS_API_KEY for any, OPENAI_API_KEY for https://api.openai.com alone.

    The second one stands in many environments for other programs, so its owner has not named it for any other address.
    Raises UserError for a key that no header can carry, and for an address that holds a password.
    """
    if url.userinfo:
        raise UserError("vlm: the address holds a password, which would be stored with the run: give it without")
    of_openai = url.scheme == "https" and url.host == OPENAI_HOST and url.port is None
    for source in (OURS, OPENAI) if of_openai else (OURS,):
        if key := os.environ.get(source, "").strip():
            if not (key.isascii() and key.isprintable()):
                raise UserError(f"{source} holds characters that cannot be part of a key: set it again")
            return Key(source, {"Authorization": f"Bearer {key}"})
    return Key("none")
