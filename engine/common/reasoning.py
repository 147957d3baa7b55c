"""What a reasoning model thinks before it answers, told apart from the answer itself."""

from __future__ import annotations

import re

ONLY_REASONING = "the reply holds the model's reasoning and no answer; decode.max_new_tokens limits both together"
"""What is said of a reply without an answer."""
MOST_TOKENS = 2048
"""Tokens that a reasoning model is given to see how many it needs."""
TAGS = ("<think>", "</think>", "<thinking>", "</thinking>", "[THINK]", "[/THINK]")
_OPEN = re.compile(r"\s*(?:<think>|<thinking>|\[THINK\])")
_CLOSE = re.compile(r"</think>|</thinking>|\[/THINK\]")
_WRAPPED = re.compile(r"\s*<answer>(.*?)(?:</answer>\s*)?", re.DOTALL)


def begun(text: str) -> bool:
    """Whether a prompt ends inside the reasoning, as templates of some models leave it: the reply then opens no tag."""
    last = [*_OPEN.finditer(text)][-1:]
    return bool(last) and not text[last[0].end() :].strip()


def apart(text: str, *, inside: bool = False) -> tuple[str, str]:
    """(answer, reasoning) of a reply; both unchanged where nothing was reasoned.

    `inside` says that the prompt had opened the reasoning. Without a closing tag all of it is reasoning, and the answer empty.
    """
    opened = _OPEN.match(text)
    closed = [*_CLOSE.finditer(text)][-1:]
    if not (opened or closed or inside):
        return text, ""
    start = opened.end() if opened else 0
    if not closed:
        return "", text[start:].strip()
    answer = text[closed[0].end() :].lstrip()
    wrapped = _WRAPPED.fullmatch(answer)
    return (wrapped[1].strip() if wrapped else answer), text[start : closed[0].start()].strip()


def enough_tokens(needed: int | None) -> str:
    """The way on from answers that were cut in their reasoning; `needed` tokens were enough for one, None says that
    `MOST_TOKENS` were not, or that it is unknown."""
    limit = 2 * MOST_TOKENS if needed is None else max(64, 1 << (needed * 3 // 2 - 1).bit_length())
    return f"give --set decode.max_new_tokens={limit}, or serve the model without reasoning"
