"""What is said to and by an OpenAI-compatible server (vLLM, SGLang and others): models, requests, completions. Free of torch."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import sleep
from typing import Annotated, Any

import msgspec

from db.specs.base import UserError
from db.specs.evaluate import DecodeSpec
from engine.serving.client import TIMEOUT_S, JsonClient

# Servers that take decoding fields beyond OpenAI's own, and otherwise fill them from the checkpoint's generation config.
_EXTENDED = ("vllm", "sglang")
OLDER_LIMIT, NEWER_LIMIT = "max_tokens", "max_completion_tokens"
"""Names of the limit of new tokens."""
LONGEST = 200
"""Letters of a server's words that are kept."""
_ABANDONED = ("abort", "error", "content_filter")
"""Reasons of ending that are not the model's own."""


class Model(msgspec.Struct):
    """An entry of the list of models."""

    id: str
    owned_by: Any = None
    root: Any = None
    max_model_len: Any = None
    version: Any = None


class _Models(msgspec.Struct):
    data: list[Model] = []


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None


class _Usage(msgspec.Struct):
    completion_tokens: Any = None


class Choice(msgspec.Struct):
    """What a model said."""

    message: _Message
    finish_reason: str | None = None

    @property
    def text(self) -> str:
        """The content, which may hold reasoning in tags."""
        content = self.message.content
        if isinstance(content, list):
            content = "".join(part.text or "" for part in content)
        return content or ""

    @property
    def reasoning(self) -> str:
        """Reasoning that the server told apart."""
        told = self.message.reasoning_content or self.message.reasoning
        return told if isinstance(told, str) else ""

    @property
    def fault(self) -> str:
        """Why this is no final answer; empty when it is one, or reasoning."""
        if self.message.refusal:
            return f"the server refused to answer ({str(self.message.refusal)[:LONGEST]})"
        if self.finish_reason in _ABANDONED:
            return f"the server broke the answer off (finish_reason {self.finish_reason})"
        if self.text.strip() or self.reasoning:
            return ""
        if self.finish_reason == "length":
            return (
                "the server returned an empty answer at the token limit (finish_reason length): "
                "raise decode.max_new_tokens"
            )
        return f"the server returned an empty answer (finish_reason {self.finish_reason})"


class Completion(msgspec.Struct):
    """The reply to a request."""

    choices: Annotated[list[Choice], msgspec.Meta(min_length=1)]
    system_fingerprint: Any = None
    usage: _Usage | None = None

    @property
    def tokens(self) -> int | None:
        """New tokens, reasoning included, where the server counts them."""
        counted = self.usage.completion_tokens if self.usage else None
        return counted if isinstance(counted, int) else None


class ChatServer:
    """One model of a server, asked with one decoding; safe to use from several threads."""

    def __init__(
        self,
        url: str,
        *,
        served_model: str,
        decode: DecodeSpec,
        pause: Callable[[float], object] = sleep,
        patience: float = TIMEOUT_S,
    ) -> None:
        """Asks the server for its models. `pause` waits between attempts, `patience` is the longest wait for a reply, in
        seconds. Raises UserError."""
        self.client = JsonClient(url.removesuffix("/").removesuffix("/chat/completions"), pause, patience=patience)
        self.served = _find_served(self.client, served_model)
        self.model = self.served.id
        self.extended = self.served.owned_by in _EXTENDED
        self._limit = OLDER_LIMIT
        self.decoding = _decoding(decode, self.client.base, self.extended)

    def complete(self, messages: list[dict[str, Any]], *, attempts: int | None = None, **more: Any) -> Completion:
        """What the server makes of a request; `more` replaces fields of it. Raises UserError.

        Some models take the limit of tokens by its newer name alone, and say so.
        """
        body: Mapping[str, Any] = {"model": self.model, "messages": messages, **self.decoding, **more}
        rest = {name: value for name, value in body.items() if name != OLDER_LIMIT}
        while True:
            limit = self._limit
            request = {**rest, limit: body[OLDER_LIMIT]}
            try:
                return self.client.ask(
                    "/chat/completions", Completion, request, about=f"model {self.model}", attempts=attempts
                )
            except UserError as refusal:
                if limit == NEWER_LIMIT or NEWER_LIMIT not in str(refusal):
                    raise
                self._limit = NEWER_LIMIT


def _find_served(client: JsonClient, wanted: str) -> Model:
    """The model to ask: the wanted one, else the only one served. Raises UserError."""
    try:
        listed = client.ask("/models", _Models, attempts=1)
    except UserError as error:
        raise UserError(f"{error} Is the server running, and does its address end in /v1?") from None
    models = {one.id: one for one in listed.data}
    served = ", ".join(sorted(models)) or "none"
    if wanted and wanted in models:
        return models[wanted]
    if wanted:
        raise UserError(f"served_model: {client.base} does not serve {wanted}; it serves: {served}.")
    if not models:
        raise UserError(f"vlm: {client.base}/models lists no model; is it an OpenAI-compatible server, fully started?")
    if len(models) != 1:
        raise UserError(
            f"served_model: name one of the models that {client.base} serves (--set served_model=ID): {served}."
        )
    return next(iter(models.values()))


def _decoding(decode: DecodeSpec, base: str, extended: bool) -> dict[str, Any]:
    """The decoding fields of a request. Refuses what the server could not honour; nothing is dropped silently."""
    if decode.num_beams > 1:
        raise UserError(
            f"decode: {base} decodes without beams, so num_beams={decode.num_beams} cannot be honoured; "
            "ask for greedy decoding with --set decode.num_beams=1, or use a local model."
        )
    fields: dict[str, Any] = {
        OLDER_LIMIT: decode.max_new_tokens,
        "temperature": decode.temperature if decode.do_sample else 0.0,
        "top_p": decode.top_p if decode.do_sample else 1.0,
        "n": 1,
        "stream": False,
    }
    if extended:
        top_k = decode.top_k if decode.do_sample and decode.top_k else -1  # -1 keeps all
        more = {"top_k": top_k, "repetition_penalty": decode.repetition_penalty, "min_tokens": decode.min_new_tokens}
        return fields | more
    for name, value, neutral in (
        ("repetition_penalty", decode.repetition_penalty, 1.0),
        ("min_new_tokens", decode.min_new_tokens, 0),
        ("top_k", decode.top_k if decode.do_sample else 0, 0),
    ):
        if value != neutral:
            raise UserError(
                f"decode: {base} is no vLLM or SGLang server, so {name}={value} cannot be honoured; "
                f"give --set decode.{name}={neutral:g}."
            )
    return fields
