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
from typing import TYPE_CHECKING, Any, NoReturn

from db.specs.base import Finding, UserError, canonical_json, sha256_text
from db.specs.evaluate import DecodeSpec
from engine.common.images import ImageProblem, load_image, open_image, within_pixels
from engine.common.reasoning import MOST_TOKENS, apart
from engine.serving.chat import LONGEST, ChatServer, Completion
from engine.vlm.probes import MAX_TOKENS, probes
from engine.vlm.prompt import Message, Prompt, request_sha, sampling_seed
from engine.vlm.protocol import Answer, always, spoken

if TYPE_CHECKING:
    from torch import Tensor

ROUNDS_AT_ONCE = 4
"""Times the requests in flight that are worth handing over together."""
_SENT_AS_THEY_ARE = {"JPEG": "image/jpeg", "PNG": "image/png"}
_ORIENTATION = 0x0112


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
        self._ended = threading.Event()
        self._concurrency = concurrency
        self._unmarked: bool | None = None
        self._asking = threading.Lock()
        self._server = ChatServer(url, served_model=served_model, decode=decode, pause=pause or self._ended.wait)
        self.sha = self.features_sha = sha256_text(canonical_json([self._server.client.base, self._server.model]))

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
            "vlm_served_model": self._server.model,
            "vlm_unverified": "served: weights, precision and image size limits are the server's, and were not checked",
            "vlm_concurrency": self._concurrency,
            "vlm_key_source": self._server.client.key.source,
        }
        if not self._server.extended:
            facts["vlm_decoding_left_to_server"] = "top_k, repetition_penalty, min_new_tokens"
        return facts

    def fingerprint(self) -> Mapping[str, Any]:
        """What the server says of itself, and two answers to each fixed prompt (null where it gave none)."""
        said: list[Completion] = []

        def ask(content: Any) -> str | None:
            plain = {"max_tokens": MAX_TOKENS, "temperature": 0.0, "top_p": 1.0} | (
                {"min_tokens": 0} if self._server.extended else {}
            )
            try:
                found = self._server.complete([{"role": "user", "content": content}], attempts=1, **plain)
            except UserError:
                return None  # a server may take no text alone, or no images: that probe does not count
            said.append(found)
            return (found.choices[0].text or found.choices[0].reasoning)[:LONGEST]

        with ThreadPoolExecutor(max_workers=min(self._concurrency, len(probes()))) as pool:
            twice = [list(pool.map(ask, probes().values())) for _ in range(2)]
        model = self._server.served
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
        seed = {"seed": sampling_seed(self.request_sha(prompt))} if self._samples else {}
        choice = self._server.complete(messages, **seed).choices[0]
        if choice.fault:
            return Answer("", error=choice.fault, silent=True)
        said = spoken(choice.text, cut=choice.finish_reason == "length", reasoning=choice.reasoning)
        if not said.cut or said.reasoning or not self._reasons_unmarked(messages):
            return said
        return spoken(choice.text, cut=True, inside=True)

    def _reasons_unmarked(self, messages: list[Message]) -> bool:
        """Whether the server's template opens the reasoning, so that what is cut before its end looks like an answer: asked once,
        with room to think, when a first reply is cut."""
        with self._asking:
            if self._unmarked is None:
                try:
                    whole = self._server.complete(messages, attempts=1, max_tokens=MOST_TOKENS)
                    self._unmarked = bool(apart(whole.choices[0].text)[1])
                except UserError:  # such as a context too short for it
                    self._unmarked = False
            return self._unmarked

    def tokens_for(self, prompt: Prompt) -> int | None:
        """New tokens that a whole answer to the prompt takes; None where `MOST_TOKENS` are not enough, or nobody counts."""
        found = self._server.complete(chat_messages(prompt), max_tokens=MOST_TOKENS)
        return found.tokens if found.choices[0].finish_reason != "length" else None

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
            "name a CLIP or SigLIP directory or hub id (--set encoder=DIR), or a local model."
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
