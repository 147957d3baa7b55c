"""JSON over HTTP with patience: repeats what may pass (429, 5xx, time-outs, broken connections, cut answers), says clearly
what will not. Connections and proxies are httpx's, repeating is tenacity's."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import Any, TypeVar

import httpx
import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random_exponential

from db.specs.base import UserError
from engine.serving.deadline import bounded, within
from engine.serving.key import Key, key_for

ATTEMPTS = 7
FIRST_DELAY_S = 1.0
LONGEST_DELAY_S = 60.0
LONGEST_WAIT_S = 120.0
"""A server that asks for more patience than this gets no more."""
TIMEOUT_S = 300.0
"""Of one attempt, from connecting until the whole body is there, unless another is given."""
CONNECT_S = 30.0
LARGEST_BODY = 16 * 2**20
"""Bytes of an answer; one that is larger is no answer to a question."""
_LOOPBACK = ("localhost", "127.0.0.1", "[::1]")
# Half the delay is fixed and half is drawn, so that requests that failed together do not return together.
_DELAY = wait_exponential(FIRST_DELAY_S / 2, LONGEST_DELAY_S / 2) + wait_random_exponential(
    FIRST_DELAY_S / 2, LONGEST_DELAY_S / 2
)
Shape = TypeVar("Shape")


class NoAnswer(UserError):
    """No attempt was answered, although it might have been."""


class Unanswered(Exception):
    """One attempt failed in a way that may pass."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the server asked to wait."""


class JsonClient:
    """Speaks JSON to one server; safe to use from several threads."""

    def __init__(
        self, base: str, pause: Callable[[float], object], attempts: int = ATTEMPTS, patience: float = TIMEOUT_S
    ) -> None:
        """`pause` waits for so many seconds; when it returns something true, no further attempt is made. `patience` is the
        longest silence, and the longest time until the whole body is there, in seconds.

        Raises UserError for an address or a proxy that cannot be used.
        """
        self.base = base.rstrip("/")
        self._pause = pause
        self._attempts = attempts
        self._patience = patience
        try:
            self.key = key_for(httpx.URL(self.base))
            self._http = _connections(self.base, self.key, patience)
        except (httpx.InvalidURL, ValueError, ImportError) as error:  # the last two: a proxy of an unknown kind
            raise UserError(
                f"vlm: {base} cannot be asked ({error}): correct the address, or the proxy variables"
            ) from None

    def ask(
        self, path: str, shape: type[Shape], body: Any = None, *, about: str = "", attempts: int | None = None
    ) -> Shape:
        """The answer of this shape to POST (with a body) or GET.

        Raises UserError with the address, `about`, the status and the server's words; NoAnswer where a later attempt may be
        answered.
        """
        where = f"{self.base}{path}{about and f' ({about})'}"
        patience = Retrying(
            retry=retry_if_exception_type(Unanswered),
            stop=stop_after_attempt(attempts or self._attempts),
            wait=_seconds,
            sleep=lambda seconds: self._rest(seconds, where),
            reraise=True,
        )
        try:
            found: Shape = patience(self._once, path, shape, body, where)
            return found
        except Unanswered as failure:
            tries = patience.statistics["attempt_number"]
            raise NoAnswer(
                f"vlm: no answer from {where} after {tries} {'attempt' if tries == 1 else 'attempts'}: {failure}."
            ) from None

    def _rest(self, seconds: float, where: str) -> None:
        if self._pause(seconds):
            raise UserError(f"vlm: {where} was not asked again, because the run was asked to stop.")

    def _once(self, path: str, shape: type[Shape], body: Any, where: str) -> Shape:
        method, content = ("GET", None) if body is None else ("POST", json.dumps(body).encode())
        try:
            with within(self._patience), self._http.stream(method, path, content=content) as response:
                said = _whole_body(response, where)
        except httpx.TimeoutException as error:
            raise Unanswered(_too_late(error, self._patience)) from None
        except httpx.RequestError as error:  # refused, reset, half an answer
            raise Unanswered(f"{type(error).__name__} {error}".strip(" .")) from None
        if not response.is_success:
            raise self._refusal(where, response, said)
        return _shaped(said, shape, where)

    def _refusal(self, where: str, response: httpx.Response, content: bytes) -> Exception:
        said = _server_words(content)
        status = f"{response.status_code} {response.reason_phrase or '(unknown status)'}"
        if response.status_code in (408, 429) or response.status_code >= 500:
            return Unanswered(
                f"{status}, {said}" if said else status, _retry_after(response.headers.get("Retry-After"))
            )
        if response.status_code in (401, 403):
            status += f" ({self.key.hint})"
        if response.has_redirect_location:  # the key is meant for the server that was named, and for no other
            status += f" (give the address that it points to, if you trust it: {response.headers['Location']})"
        return UserError(f"vlm: {where} answered {status}: {said or 'no reason given'}")


def _connections(base: str, key: Key, patience: float) -> httpx.Client:
    return bounded(
        httpx.Client(
            base_url=base,
            headers={"Content-Type": "application/json", "Accept": "application/json", **key.headers},
            timeout=httpx.Timeout(patience, connect=min(patience, CONNECT_S)),
            limits=httpx.Limits(max_connections=None),  # who asks decides how many requests are in flight
            mounts={f"all://{host}": None for host in _LOOPBACK},  # a proxy cannot reach our loopback
        )
    )


def _seconds(state: RetryCallState) -> float:
    """How long to wait after a failed attempt: as long as the server asked, else twice as long as the last time."""
    failure = state.outcome.exception() if state.outcome else None
    asked = failure.wait if isinstance(failure, Unanswered) else None
    return _DELAY(state) if asked is None else min(asked, LONGEST_WAIT_S)


def _whole_body(response: httpx.Response, where: str) -> bytes:
    """The body, within a bound of size."""
    body = bytearray()
    for piece in response.iter_bytes():
        body += piece
        if len(body) > LARGEST_BODY:
            raise UserError(f"vlm: {where} sent more than {LARGEST_BODY >> 20} MB; is it an OpenAI-compatible server?")
    return bytes(body)


def _too_late(error: httpx.TimeoutException, patience: float) -> str:
    if isinstance(error, httpx.ConnectTimeout):
        return f"it was not reached in {min(patience, CONNECT_S):.0f} s"
    return f"its answer was not whole after {patience:.0f} s"


def _shaped(content: bytes, shape: type[Shape], where: str) -> Shape:
    try:
        return msgspec.json.decode(content, type=shape)
    except msgspec.ValidationError as problem:
        said = _one_line(content[:300].decode("utf-8", "replace"))
        raise UserError(
            f"vlm: {where} did not answer as an OpenAI-compatible server does ({problem}); it said: {said}"
        ) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise Unanswered("it did not answer in JSON; is it an OpenAI-compatible server?") from None


def _server_words(content: bytes) -> str:
    """The server's message in one line, wherever the common servers put it."""
    found: Any = content.decode("utf-8", "replace")
    with suppress(ValueError, RecursionError):
        found = json.loads(found)
    for field in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(field):
            found = found[field]
    return _one_line(str(found))[:500]


def _one_line(text: str) -> str:
    """Without what would move the cursor of a terminal."""
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())


def _retry_after(value: str | None) -> float | None:
    """Seconds of a Retry-After header, which holds seconds or a date."""
    if not value:
        return None
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return None
    return max(0.0, (when - datetime.now(when.tzinfo)).total_seconds())
