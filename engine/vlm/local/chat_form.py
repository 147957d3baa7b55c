"""How a model wants its chat: templates differ in what they take as content, and some have no system role or are missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jinja2 import TemplateError

from engine.vlm.prompt import Message, Prompt

_PROBE = Prompt("?system?", ("?first?", "?second?"), (Path("first"), Path("second")), 1, 1)


@dataclass(frozen=True)
class ChatForm:
    """One way to put a prompt to a chat template, or without one."""

    template: bool = True
    """A chat template makes the text; else the parts stand one below the other."""
    as_text: bool = False
    """Content is one text that holds the placeholders, not a list of parts."""
    own_system: bool = True
    """The system message is one of its own; else it stands in front of the user's text."""

    @property
    def described(self) -> str:
        """In words, for the facts of a run; empty for the usual form."""
        if not self.template:
            return "no chat template: parts one below the other"
        said = ["content as one text"] if self.as_text else []
        return ", ".join(said + ([] if self.own_system else ["system message in front of the user's text"]))

    def text(self, processor: Any, prompt: Prompt, placeholder: str) -> str:
        """The prompt as one text with a placeholder for each image. Raises what a template raises."""
        if not self.template:
            parts = [placeholder + text for text in prompt.texts]
            return "\n".join([prompt.system, *parts] if prompt.system else parts)
        messages = [self._message(one, placeholder) for one in self._spoken(prompt.messages)]
        template = None if processor.chat_template else processor.tokenizer.chat_template
        return str(processor.apply_chat_template(messages, template, tokenize=False, add_generation_prompt=True))

    def _spoken(self, messages: list[Message]) -> list[Message]:
        first, *rest = messages
        if self.own_system or not rest:
            return messages
        [user] = rest
        return [{**user, "content": [*first["content"], *user["content"]]}]

    def _message(self, message: Message, placeholder: str) -> Message:
        if not self.as_text:
            return message
        return {**message, "content": "".join(part.get("text", placeholder) for part in message["content"])}


def fitting(processor: Any, placeholder: str) -> tuple[ChatForm, str]:
    """The first form that shows all of a prompt with two images, or the usual one and what it made instead."""
    if not (processor.chat_template or processor.tokenizer.chat_template):
        return ChatForm(template=False), ""
    said = [_fault(form, processor, placeholder) for form in _forms()]
    for form, fault in zip(_forms(), said, strict=True):
        if not fault:
            return form, ""
    return ChatForm(), said[0]


def _forms() -> Iterator[ChatForm]:
    for own_system in (True, False):
        for as_text in (False, True):
            yield ChatForm(as_text=as_text, own_system=own_system)


def _fault(form: ChatForm, processor: Any, placeholder: str) -> str:
    """What is wrong with the text that a form makes of a probe; empty where nothing is."""
    try:
        made = form.text(processor, _PROBE, placeholder)
    except (TemplateError, TypeError, ValueError, KeyError, AttributeError) as error:
        return f"cannot be used: {' '.join(str(error).split())[:200]}"
    placed = made.count(placeholder)
    if placed != len(_PROBE.images):
        return f"puts {placed} placeholders ({placeholder}) for {len(_PROBE.images)} images"
    wanted = [_PROBE.system, placeholder, "?first?", placeholder, "?second?"]
    return "" if _in_order(made, wanted) else "leaves out the system message or a text, or changes their order"


def _in_order(text: str, parts: list[str]) -> bool:
    at = 0
    for part in parts:
        at = text.find(part, at)
        if at < 0:
            return False
        at += len(part)
    return True
