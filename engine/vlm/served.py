"""A vision-language model behind an OpenAI-compatible server (vLLM, SGLang and others): chat completions, images inline."""

from __future__ import annotations

import base64
import io
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import msgspec

from db.specs.base import Finding, UserError, canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.images import ImageProblem, load_image, open_image, within_pixels
from engine.serving.client import JsonClient
from engine.vlm.probes import LONGEST, MAX_TOKENS, probes
from engine.vlm.prompt import Message, Prompt, request_sha, sampling_seed
from engine.vlm.protocol import Answer, always

if TYPE_CHECKING:
    from torch import Tensor

# Servers that take decoding fields beyond OpenAI's own, and otherwise fill them from the checkpoint's generation config.
_EXTENDED = ("vllm", "sglang")
ROUNDS_AT_ONCE = 4
"""Times the requests in flight that are worth handing over together."""
_SENT_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png"}
_ORIENTATION = 0x0112
_ABANDONED = ("abort", "error", "content_filter")
"""Reasons of ending that are not the model's own."""


class _Model(msgspec.Struct):
    id: str
    owned_by: Any = None
    root: Any = None
    max_model_len: Any = None
    version: Any = None


class _Models(msgspec.Struct):
    data: list[_Model] = []


class _Part(msgspec.Struct):
    text: str | None = None


class _Message(msgspec.Struct):
    content: str | list[_Part] | None = None
    refusal: Any = None
    reasoning: Any = None
    reasoning_content: Any = None


class _Choice(msgspec.Struct):
    message: _Message
    finish_reason: str | None = None


class _Completion(msgspec.Struct):
    choices: Annotated[list[_Choice], msgspec.Meta(min_length=1)]
    system_fingerprint: Any = None


OLDER_LIMIT, NEWER_LIMIT = "max_tokens", "max_completion_tokens"
"""Names of the limit of new tokens."""


class ServedVLM:
    """See `engine.vlm.protocol.VLM`. What model the server really runs cannot be verified from here; `facts` says so."""

    def __init__(
        self,
        url: str,
        *,
        decode: DecodeSpec,
        served_model: str = "",
        concurrency: int = 8,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        """Asks the server for its models. `pause` waits between attempts (seconds). Raises UserError."""
        self.name = url
        self.decode_sha = decode.sha()
        self._samples = decode.do_sample
        self._limit = OLDER_LIMIT
        self._ended = threading.Event()
        self._client = JsonClient(url.removesuffix("/").removesuffix("/chat/completions"), pause or self._ended.wait)
        self._concurrency = concurrency
        self._served = _find_served(self._client, served_model)
        self._model = self._served.id
        self._extended = self._served.owned_by in _EXTENDED
        self._decoding = _decoding(decode, self._client.base, self._extended)
        self.sha = self.features_sha = sha256_text(canonical_json([self._client.base, self._model]))

    @property
    def at_once(self) -> int:
        """Prompts worth handing over together."""
        return ROUNDS_AT_ONCE * self._concurrency

    def request_sha(self, prompt: Prompt) -> str:
        """SHA-256 (hex) over server, model name, prompt and decoding."""
        return request_sha(self.sha, prompt.sha, self.decode_sha)

    def facts(self) -> Mapping[str, Any]:
        """What a run should record of the server."""
        facts = {
            "vlm": self.name,
            "vlm_served_model": self._model,
            "vlm_unverified": "served: weights, precision and image size limits are the server's, and were not checked",
            "vlm_concurrency": self._concurrency,
            "vlm_key_source": self._client.key.source,
        }
        if not self._extended:
            facts["vlm_decoding_left_to_server"] = "top_k, repetition_penalty, min_new_tokens"
        return facts

    def fingerprint(self) -> Mapping[str, Any]:
        """What the server says of itself, and two answers to each fixed prompt (null where it gave none)."""
        said: list[_Completion] = []

        def ask(content: Any) -> str | None:
            body = {"model": self._model, "messages": [{"role": "user", "content": content}], **self._decoding}
            body |= {"max_tokens": MAX_TOKENS, "temperature": 0.0, "top_p": 1.0} | (
                {"min_tokens": 0} if self._extended else {}
            )
            try:
                found = self._complete(body, attempts=1)
            except UserError:
                return None  # a server may take no text alone, or no images: that probe does not count
            said.append(found)
            return _text(found.choices[0])[:LONGEST]

        with ThreadPoolExecutor(max_workers=min(self._concurrency, len(probes()))) as pool:
            twice = [list(pool.map(ask, probes().values())) for _ in range(2)]
        model = self._served
        return {
            "model": model.id,
            "root": model.root,
            "max_model_len": model.max_model_len,
            "owned_by": model.owned_by,
            "version": model.version,
            "system_fingerprint": next((one.system_fingerprint for one in said), None),
            "probes": {name: list(answers) for name, *answers in zip(probes(), *twice, strict=True)},
        }

    def answer(self, prompts: Sequence[Prompt], go_on: Callable[[], bool] = always) -> Iterator[dict[int, Answer]]:
        """One answer per prompt by its position, each as it comes; a request is sent only when one of at most `concurrency`
        has been answered and its answer taken. Raises UserError, after handing over what was in flight."""
        self._ended.clear()
        pool = ThreadPoolExecutor(max_workers=self._concurrency)
        waiting, flying = iter(enumerate(prompts)), _Flying()
        try:
            while True:
                if go_on() and flying.failure is None:
                    for place, prompt in islice(waiting, self._concurrency - len(flying.places)):
                        flying.places[pool.submit(self._answer_one, prompt)] = place
                else:
                    self._ended.set()  # whoever waits between attempts stops waiting
                if not flying.places:
                    break
                if landed := flying.landed():
                    yield landed
        finally:
            self._ended.set()
            pool.shutdown(wait=False, cancel_futures=True)
        if flying.failure is not None and go_on():
            raise flying.failure

    def _answer_one(self, prompt: Prompt) -> Answer:
        try:
            messages = chat_messages(prompt)
        except ImageProblem as problem:
            return Answer("", error=str(problem))
        body = {"model": self._model, "messages": messages, **self._decoding}
        if self._samples:
            body["seed"] = sampling_seed(self.request_sha(prompt))
        return _read_answer(self._complete(body).choices[0])

    def _complete(self, body: Mapping[str, Any], *, attempts: int | None = None) -> _Completion:
        """What the server makes of a request. Some models take the limit of tokens by its newer name alone, and say so."""
        rest = {name: value for name, value in body.items() if name != OLDER_LIMIT}
        while True:
            limit = self._limit
            request = {**rest, limit: body[OLDER_LIMIT]}
            try:
                return self._client.ask(
                    "/chat/completions", _Completion, request, about=f"model {self._model}", attempts=attempts
                )
            except UserError as refusal:
                if limit == NEWER_LIMIT or NEWER_LIMIT not in str(refusal):
                    raise
                self._limit = NEWER_LIMIT

    def findings(self) -> Sequence[Finding]:
        """None: what a server does is the server's."""
        return ()

    def embed_images(self, paths: Sequence[Path]) -> Tensor:
        """A server gives no features: always raises UserError."""
        self._no_features()

    def embed_texts(self, texts: Sequence[str]) -> Tensor:
        """A server gives no features: always raises UserError."""
        self._no_features()

    def _no_features(self) -> NoReturn:
        raise UserError(
            f"encoder: the server {self.name} answers questions but gives no features; "
            "name a CLIP directory or hub id (--set encoder=DIR), or a local model."
        )


@dataclass
class _Flying:
    """Requests that were sent and not answered yet."""

    places: dict[Future[Answer], int] = field(default_factory=dict)
    """Position of the prompt of each."""
    failure: BaseException | None = None
    """What the first one failed by."""

    def landed(self) -> dict[int, Answer]:
        """Wait until something is known, and take it; empty where that was a failure."""
        done, _ = wait(self.places, return_when=FIRST_COMPLETED)
        answers: dict[int, Answer] = {}
        for place, request in sorted(((self.places.pop(request), request) for request in done), key=lambda one: one[0]):
            problem = request.exception()
            self.failure = self.failure or problem
            if problem is None:
                answers[place] = request.result()
        return answers


def chat_messages(prompt: Prompt) -> list[Message]:
    """The prompt in OpenAI's form, images as data URLs. Raises ImageProblem."""
    return [
        {"role": message["role"], "content": [_chat_part(part, prompt) for part in message["content"]]}
        if message["role"] == "user"
        else {"role": message["role"], "content": message["content"][0]["text"]}
        for message in prompt.messages
    ]


def _chat_part(part: Message, prompt: Prompt) -> Message:
    if part["type"] == "text":
        return part
    url = data_url(Path(part["path"]), prompt.min_pixels, prompt.max_pixels)
    return {"type": "image_url", "image_url": {"url": url}}


def data_url(path: Path, min_pixels: int, max_pixels: int) -> str:
    """The image inline: its own bytes if it is an upright JPEG or PNG within the pixel caps, else a PNG made of it.

    Raises ImageProblem for a file that is missing or cannot be decoded whole.
    """
    image = load_image(path)
    fitted = within_pixels(image, min_pixels, max_pixels)
    kind = _kind_as_it_is(path) if fitted is image else None
    if kind is not None:
        return _inline(kind, path.read_bytes())
    buffer = io.BytesIO()
    fitted.save(buffer, "PNG")
    return _inline("image/png", buffer.getvalue())


def _kind_as_it_is(path: Path) -> str | None:
    """The media type of a file whose bytes every server reads alike, else None."""
    with open_image(path) as image:
        plain = (
            image.mode in ("RGB", "L")
            and "transparency" not in image.info
            and image.getexif().get(_ORIENTATION, 1) == 1
        )
        return _SENT_AS_THEY_ARE.get(image.format or "") if plain else None


def _inline(kind: str, content: bytes) -> str:
    return f"data:{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _find_served(client: JsonClient, wanted: str) -> _Model:
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
        "max_tokens": decode.max_new_tokens,
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


def _read_answer(choice: _Choice) -> Answer:
    text = _text(choice)
    if reason := _no_answer(choice, text):
        return Answer("", error=reason, silent=True)
    return Answer(text, cut=choice.finish_reason == "length")


def _text(choice: _Choice) -> str:
    content = choice.message.content
    if isinstance(content, list):
        content = "".join(part.text or "" for part in content)
    return content or ""


def _no_answer(choice: _Choice, text: str) -> str:
    """Why a reply is no final answer; empty when it is one."""
    message, ended = choice.message, choice.finish_reason
    if message.refusal:
        return f"the server refused to answer ({str(message.refusal)[:LONGEST]})"
    if ended in _ABANDONED:
        return f"the server broke the answer off (finish_reason {ended})"
    if text.strip():
        return ""
    if message.reasoning or message.reasoning_content:
        return f"the server returned no content, only reasoning, with max_new_tokens used up (finish_reason {ended})"
    if ended == "length":
        return (
            "the server returned an empty answer at the token limit (finish_reason length): raise decode.max_new_tokens"
        )
    return f"the server returned an empty answer (finish_reason {ended})"
