"""Tells the kinds of JSON files apart by their first entries, without reading the rest."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Literal

from engine.common.files.first_bytes import BYTE_ORDER_MARK

HEAD = 64 * 1024
"""Bytes that tell a kind."""
RL_FIELDS = frozenset({"query", "pointer_candidates", "candidate_pool_ids", "candidate_pool_indices", "id_list"})
BLANK = re.compile(r"[\s,]*")
COLON = re.compile(r"\s*:\s*")
_IDS = re.compile(r"\[\s*(-?\d|\])")
_DECODER = json.JSONDecoder()


def json_kind(head: bytes) -> Literal["rl-data", "sampler-cache", "matrix"]:
    """The kind that a file beginning with `head` looks like; `matrix` stands for every other result file.

    Entries whose key starts with an underscore say nothing, wherever they stand; where they are all there is to be seen,
    the file is RL data, because no other kind has them.
    """
    text = head.removeprefix(BYTE_ORDER_MARK).decode("utf-8", "replace")
    if text.lstrip()[:1] not in ("{", "["):
        return "matrix"
    if text.lstrip().startswith("["):
        return "rl-data" if _is_record(text, skip_past(BLANK, text, text.index("[") + 1)) else "matrix"
    remarks = others = False
    for key, at in _entries(text, 0):
        remarks, others = remarks or key.startswith("_"), others or not key.startswith("_")
        if key.startswith("_"):
            continue
        if key.isdigit() and _IDS.match(text, at):
            return "sampler-cache"
        if _is_record(text, at):
            return "rl-data"
    return "rl-data" if remarks and not others else "matrix"


def _is_record(text: str, at: int) -> bool:
    return any(key in RL_FIELDS or key.startswith("_fix") for key, _ in _entries(text, at))


def _entries(text: str, at: int) -> Iterator[tuple[str, int]]:
    """(key, where its value begins) of the object at `at`, as far as the text goes; none where there is no object."""
    at = skip_past(BLANK, text, at)
    if text[at : at + 1] != "{":
        return
    at += 1
    while True:
        try:
            key, at = _DECODER.raw_decode(text, skip_past(BLANK, text, at))
            at = skip_past(COLON, text, at)
            if not isinstance(key, str):
                return
            yield key, at
            _, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            return


def skip_past(pattern: re.Pattern[str], text: str, at: int) -> int:
    """Where the match of `pattern` at `at` ends; `at` where there is none."""
    found = pattern.match(text, at)
    return found.end() if found else at
