"""What RL data tell of how they were made: the prompts that were shown, and the policy that proposed."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from engine.rl.reading.file import RLFile

HEAD_BYTES = 16 << 20
"""How much of a file is searched for stored prompts: a template is the same everywhere."""
UNIFORM_SPREAD = 0.05
"""Nats within which a policy does not tell its candidates apart; a trained one spreads them over several."""
_PROMPT = re.compile(rb'"(?:vqa_)?prompt_text"\s*:\s*"((?:[^"\\]|\\.)*)"')
_LITERAL = re.compile(rb"[{<]\s*(?:question|answer)\s*[}>]", re.IGNORECASE)


def literal_prompts(path: Path) -> tuple[int, int]:
    """(prompts with a placeholder that nothing was put in for, prompts) among those stored at the head of a file."""
    try:
        with path.open("rb") as file:
            head = file.read(HEAD_BYTES)
    except OSError:
        return 0, 0
    prompts = _PROMPT.findall(head)
    return sum(_LITERAL.search(prompt) is not None for prompt in prompts), len(prompts)


def uniform_groups(data: RLFile) -> tuple[int, int]:
    """(groups whose proposals the policy held for equally likely, groups with two proposals of known likelihood)."""
    logprob, group = data.candidates.logprob, data.group()
    known = np.isfinite(logprob)
    values, owners = logprob[known], group[known]
    if not len(values):
        return 0, 0
    starts = np.flatnonzero(np.diff(owners, prepend=-1))
    sizes = np.diff(starts, append=len(owners))
    spread = np.maximum.reduceat(values, starts) - np.minimum.reduceat(values, starts)
    several = sizes >= 2
    return int((spread[several] < UNIFORM_SPREAD).sum()), int(several.sum())
