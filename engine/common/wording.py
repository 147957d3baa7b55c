"""How the doctor words what it found: sentences, counts and shares, commands to paste, and text that a file supplied."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

UNSHOWN = re.compile(
    r"[\x00-\x1f\x7f-\x9f\xad\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
"""What a terminal acts on, what hides or turns text, and what has no encoding."""
LAYOUT = "\n\t"
"""What our own text consists of beside printable characters."""


def printable(text: str, keep: str = "") -> str:
    r"""`text` with control characters, text direction and lone surrogates as `\u001b`, except those in `keep`.

    The form is that of JSON, so that the text of a JSON document remains one.
    """
    return UNSHOWN.sub(lambda found: found[0] if found[0] in keep else _escaped(found[0]), text)


def _escaped(character: str) -> str:
    units = character.encode("utf-16-be", "surrogatepass").hex()
    return "".join(f"\\u{units[i : i + 4]}" for i in range(0, len(units), 4))


def printable_facts(value: Any) -> Any:
    """Facts with every text in them `printable`, names as well."""
    if isinstance(value, str):
        return printable(value)
    if isinstance(value, Mapping):
        return {printable(str(name)): printable_facts(inner) for name, inner in value.items()}
    if isinstance(value, list | tuple):
        return [printable_facts(item) for item in value]
    return value


def capital(text: str) -> str:
    """With a capital, whatever it begins with."""
    return text[:1].upper() + text[1:]


def parted(refusal: str) -> tuple[str, str]:
    """(what is wrong, way out) of a refusal, which names the way out after its last semicolon; no way out otherwise."""
    what, _, way_out = refusal.rpartition("; ")
    return (what, way_out) if what else (refusal, "")


def sentence(text: str) -> str:
    """With a capital, unless it begins with the name of a file or field, and a full stop."""
    first = text.split(" ", 1)[0]
    begun = capital(text) if first.replace("-", "").isalpha() else text
    return begun if begun.endswith(".") else f"{begun}."


def counted(number: int, noun: str) -> str:
    """`1 tensor`, `6 tensors`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def share(part: int, whole: int) -> str:
    """`40.1 %`; neither is a little called nothing, nor almost all called all."""
    if part in (0, whole):
        return "0 %" if not part else "100 %"
    percent = 100 * part / whole
    if 0.05 <= percent < 99.95:
        return f"{percent:.1f} %"
    return "less than 0.1 %" if percent < 1 else "more than 99.9 %"


def parameters(part: int, whole: int) -> str:
    """`263,680 of 657,152 parameters (40.1 %)`."""
    return f"{part:,} of {whole:,} parameters ({share(part, whole)})"


def convert_command(source: Path, out: str = "OUT.safetensors") -> str:
    """What to paste, in backquotes."""
    return f"`leverplus convert {shlex.quote(str(source))} {out}`"
