"""Episodes as token ids and targets, in exactly the chat that evaluation builds, through the same tokenizer."""

import random
from dataclasses import dataclass
from functools import cache
from typing import Any

from db.specs.evaluate import SYSTEM_PROMPT
from engine.demo_build.episodes import Episode, Turn
from engine.demo_build.tokenizer import (
    END_OF_TEXT,
    FALLBACK_SYSTEM,
    IMAGE,
    TURN_END,
    TURN_START,
    VISION_END,
    VISION_START,
)

IGNORED = -100  # the target of a position that has none, as in torch's cross-entropy
_PICTURE = f"{VISION_START}{IMAGE}{VISION_END}"


@dataclass(frozen=True)
class EncodedPrompt:
    """One episode: token ids, targets of equal length, and where the model's own turn starts."""

    ids: list[int]
    labels: list[int]
    reply_start: int

    def padded(self, length: int, pad: int) -> tuple[list[int], list[int]]:
        """Ids and labels, padded on the right."""
        missing = length - len(self.ids)
        return self.ids + [pad] * missing, self.labels + [IGNORED] * missing


class PromptEncoder:
    """Turns episodes into ids piece by piece; pieces begin and end at tokens of their own, so they just join."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self.pad = int(tokenizer.convert_tokens_to_ids(END_OF_TEXT))
        self.image = int(tokenizer.convert_tokens_to_ids(IMAGE))
        self._plain_tokens = [t for t in range(len(tokenizer)) if t not in tokenizer.all_special_ids]
        self._ids = cache(self._tokenize)

    def _tokenize(self, text: str) -> tuple[int, ...]:
        return tuple(self._tokenizer(text, add_special_tokens=False)["input_ids"])

    def draw_system(self, rng: random.Random) -> tuple[int, ...]:
        """Ids of a system message: mostly the usual one, sometimes another, so that its wording hardly matters."""
        chance = rng.random()
        if chance < 0.85:
            return self._ids(SYSTEM_PROMPT)
        if chance < 0.93:
            return self._ids(FALLBACK_SYSTEM)
        return tuple(rng.choices(self._plain_tokens, k=rng.randint(0, 40)))

    def encode(self, episode: Episode, system: tuple[int, ...]) -> EncodedPrompt:
        """The whole chat and the reply; the demonstrations' answers are targets where the prompt determines them."""
        ids = [*self._ids(f"{TURN_START}system\n"), *system, *self._ids(f"{TURN_END}\n{TURN_START}user\n")]
        labels = [IGNORED] * len(ids)
        for turn in episode.demonstrations:
            self._append(ids, labels, f"{_PICTURE}Question:{turn.question.text} Short answer:")
            self._append_answer(ids, labels, turn)
        self._append(ids, labels, f"{_PICTURE}Question:{episode.question.text} Short answer:")
        self._append(ids, labels, f"{TURN_END}\n{TURN_START}assistant\n")
        reply_start = len(ids)
        reply = [*self._ids(" ".join(episode.reply)), *self._ids(TURN_END)]
        return EncodedPrompt(ids + reply, labels + reply, reply_start)

    def _append(self, ids: list[int], labels: list[int], text: str) -> None:
        piece = self._ids(text)
        ids += piece
        labels += [IGNORED] * len(piece)

    def _append_answer(self, ids: list[int], labels: list[int], turn: Turn) -> None:
        for position, (word, determined) in enumerate(zip(turn.answer, turn.determined, strict=True)):
            piece = self._ids(f" {word}" if position else word)
            ids += piece
            labels += piece if determined else [IGNORED] * len(piece)
