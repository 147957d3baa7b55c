"""Asking a model many things without asking twice: stored answers, equal requests and batches in one place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from db.rows import StoredAnswer
from db.specs.base import UserError
from engine.common.images import MISSING_SHA, image_sha
from engine.common.reasoning import apart
from engine.recipes.run_context import RunContext
from engine.vlm.prompt import Prompt
from engine.vlm.protocol import VLM, Answer, Reasoning

Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Reply(Generic[Key]):
    """The answer to one request, under the asker's own key."""

    key: Key
    prompt_sha: str
    request_sha: str
    raw: str
    cut: bool
    reused: bool
    error: str
    silent: bool
    """The error is that the model was asked and gave no answer."""
    source: int | None
    """The run that computed the answer; None where that is unknown, or where there is none."""
    log_probs: tuple[float, ...]
    """Of the prompt's references; see `Answer`."""
    reasoning: str
    """What the model thought before it answered."""


class CachedAnswers:
    """Answers requests in any number: what is stored, or was asked before in this run, is not computed again."""

    def __init__(self, vlm: VLM, context: RunContext, *, at_once: int, shared: bool) -> None:
        """`at_once` is the number of prompts handed to the model together, a few times its batch; `shared`, whether
        answers of other runs are taken."""
        self._vlm = vlm
        self._context = context
        self._at_once = at_once
        self._shared = shared
        self._known = dict(context.own_answers)
        self._log_probs: dict[str, dict[str, float]] = {}
        """Request -> reference answer -> its log-probability."""
        self._only_reasoned: Prompt | None = None

    def ask(self, requests: Sequence[tuple[Key, Prompt]]) -> Iterator[list[Reply[Key]]]:
        """Replies in lists as they become known, the stored ones first; a bad image makes a reply with `error`.

        When the run is asked to stop, what the model has begun still comes, and what it has not never does.
        """
        waiting: dict[str, list[tuple[Key, Prompt]]] = {}
        for key, prompt in requests:
            waiting.setdefault(self._name(prompt, len(waiting)), []).append((key, prompt))
        if self._shared:
            found = self._context.find_answers([sha for sha in waiting if sha not in self._known])
            self._known |= {sha: answer for sha, one in found.items() if (answer := _told_apart(one)) is not None}
        stored = [sha for sha, group in waiting.items() if self._is_known(sha, _joined(group))]
        if stored:
            yield [reply for sha in stored for reply in self._replies(sha, waiting.pop(sha), first_is_new=False)]
        names = list(waiting)
        for start in range(0, len(names), self._at_once):
            block = names[start : start + self._at_once]
            stop = self._context.stop
            with stop.defer():
                for known in self._vlm.answer([_joined(waiting[name]) for name in block], stop.go_on):
                    yield [
                        reply
                        for place, answer in known.items()
                        for reply in self._answered(block[place], waiting[block[place]], answer)
                    ]

    def _is_known(self, sha: str, prompt: Prompt) -> bool:
        """Answers are stored, probabilities of references are not."""
        return sha in self._known and self._log_probs.get(sha, {}).keys() >= set(prompt.references)

    def tokens_needed(self) -> int | None:
        """New tokens that would have been enough where a first answer was all reasoning, asked for now; None where none was, or
        it cannot be told."""
        if self._only_reasoned is None or not isinstance(self._vlm, Reasoning):
            return None
        try:
            return self._vlm.tokens_for(self._only_reasoned)
        except UserError:  # the finding says what there is to say without it
            return None

    def _name(self, prompt: Prompt, place: int) -> str:
        """The request's hash. Prompts with missing images hash alike but are not alike: each gets a name of its own."""
        missing = any(image_sha(path) == MISSING_SHA for path in prompt.images)
        return f"{MISSING_SHA} {place}" if missing else self._vlm.request_sha(prompt)

    def _answered(self, name: str, group: Sequence[tuple[Key, Prompt]], answer: Answer) -> list[Reply[Key]]:
        if answer.error:
            if answer.reasoning and self._only_reasoned is None:
                self._only_reasoned = group[0][1]
            return [
                Reply(
                    key, prompt.sha, self._vlm.request_sha(prompt), "", cut=answer.cut, reused=False, error=answer.error,
                    silent=answer.silent, source=None, log_probs=(), reasoning=answer.reasoning,
                )
                for key, prompt in group
            ]  # fmt: skip
        self._known[name] = StoredAnswer(answer.raw, answer.cut, self._context.run_id, answer.reasoning)
        if answer.log_probs:
            self._log_probs[name] = dict(zip(_joined(group).references, answer.log_probs, strict=True))
        return self._replies(name, group, first_is_new=True)

    def _replies(self, sha: str, group: Sequence[tuple[Key, Prompt]], *, first_is_new: bool) -> list[Reply[Key]]:
        known, log_probs = self._known[sha], self._log_probs.get(sha, {})
        return [
            Reply(
                key, prompt.sha, sha, known.raw, known.cut, reused=not first_is_new or place > 0, error="", silent=False,
                source=known.source, log_probs=tuple(log_probs[one] for one in prompt.references if one in log_probs),
                reasoning=known.reasoning,
            )
            for place, (key, prompt) in enumerate(group)
        ]  # fmt: skip


def _joined(group: Sequence[tuple[Key, Prompt]]) -> Prompt:
    """The one prompt of a group, with the references of all that ask it: they are no part of its hash."""
    prompt = group[0][1]
    references = tuple(dict.fromkeys(text for _, one in group for text in one.references))
    return prompt if references == prompt.references else replace(prompt, references=references)


def _told_apart(stored: StoredAnswer) -> StoredAnswer | None:
    """A stored answer without its reasoning, which older versions kept in it; None where it was nothing else."""
    answer, reasoning = apart(stored.raw)
    if answer == stored.raw:
        return stored
    return replace(stored, raw=answer, reasoning=reasoning) if answer.strip() else None
