"""Who answers behind an address: what a server says of itself, and what it answers to three fixed prompts.

An address and a name stay the same when other weights are loaded behind them; answers to fixed prompts seldom do.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Mapping
from functools import cache
from typing import Any

from PIL import Image, ImageDraw

MAX_TOKENS = 8
STATED = ("model", "root", "max_model_len", "owned_by", "version", "system_fingerprint")
_SHOWN_IMAGE = "What is drawn here, and in which colours?"


@cache
def probes() -> dict[str, Any]:
    """Name -> content of the user's message."""
    return {
        "continue": "Continue this list with the next four words: apple, river, candle,",
        "explain": "Why is the sky dark at night? Answer in one short sentence.",
        "image": [
            {"type": "image_url", "image_url": {"url": _drawn()}},
            {"type": "text", "text": _SHOWN_IMAGE},
        ],
    }


def difference(before: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """What shows that another server answers now; empty when nothing does. Of the probes only those count that two
    askings at the start answered alike."""
    for name in STATED:
        if before.get(name) != now.get(name):
            return f"its {name} was {before.get(name)}, and is {now.get(name)}"
    present = now.get("probes", {})
    for name, (first, second) in before.get("probes", {}).items():
        told = [answer for answer in present.get(name, ()) if answer is not None]
        other = next((answer for answer in told if answer != first), None)
        if first is not None and first == second and other is not None:
            return f"the fixed prompt '{name}' was answered {first!r}, and is answered {other!r}"
    return ""


def _drawn() -> str:
    """A red disc and a blue square on white, 56 pixels wide, as a data URL."""
    image = Image.new("RGB", (56, 56), "white")
    draw = ImageDraw.Draw(image)
    draw.ellipse((4, 4, 28, 28), fill=(220, 30, 30))
    draw.rectangle((30, 30, 50, 50), fill=(30, 60, 210))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
