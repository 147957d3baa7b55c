"""Images that an earlier process of a run has shown: each is held against what it was when it is to be shown again."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Generic, TypeVar

from engine.common.images import MISSING_SHA, image_sha
from engine.recipes.changed import InputChanged
from engine.vlm.prompt import Prompt

Key = TypeVar("Key")
LOOKED_AT = 20
"""Prompts that show an image and are looked at to tell which image of a changed prompt it was."""


class UsedImages(Generic[Key]):
    """The hash of a stored prompt holds the content of its images, so nothing more need be stored to compare them."""

    def __init__(
        self, run: str, stored: Mapping[Key, str], prompt: Callable[[Key], Prompt], sha: Callable[[Prompt], str]
    ) -> None:
        """`stored` has the hash of each prompt that was answered; `prompt` builds it anew, and `sha` hashes it."""
        self._run, self._stored, self._prompt, self._sha = run, stored, prompt, sha
        self._shown: dict[Path, list[Key]] = {}
        for key in stored:
            for image in prompt(key).images:
                self._shown.setdefault(image, []).append(key)
        self._alike: dict[Key, bool] = {}

    def compare(self, prompts: Iterable[Prompt]) -> None:
        """Raises InputChanged where an image of these was another one before."""
        for image in dict.fromkeys(image for prompt in prompts for image in prompt.images):
            keys = self._shown.get(image, ())
            if keys and not self._is_alike(keys[0]):
                raise self._changed(keys[0])

    def _is_alike(self, key: Key) -> bool:
        """A missing image is flagged with its question: it cannot answer for another one."""
        if key not in self._alike:
            prompt = self._prompt(key)
            missing = any(image_sha(image) == MISSING_SHA for image in prompt.images)
            self._alike[key] = missing or self._sha(prompt) == self._stored[key]
        return self._alike[key]

    def _changed(self, key: Key) -> InputChanged:
        """Names the image that most of the changed prompts show and no unchanged one does."""
        prompt = self._prompt(key)
        votes = {
            image: len(self._shown[image])
            for image in dict.fromkeys(prompt.images)
            if not any(self._is_alike(other) for other in self._shown[image][:LOOKED_AT])
        }
        first, *rest = sorted(votes or {prompt.images[-1]: 0}, key=lambda image: -votes.get(image, 0))
        further = f" (or {', '.join(map(str, rest))})" if rest else ""
        return InputChanged(self._run, "image", f"{first}{further}", self._stored[key], self._sha(prompt))
