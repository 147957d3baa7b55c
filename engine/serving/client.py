"""JSON over HTTP with patience: repeats what may pass (429, 5xx, time-outs, broken connections), says clearly what will not.

The key comes from LEVERPLUS_API_KEY or OPENAI_API_KEY, is sent and never kept, logged or shown.
"""

from __future__ import annotations

import http.client
import json
import os
import random
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from datetime import datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any
from urllib.parse import urlsplit

from db.specs.base import UserError

ATTEMPTS = 7
FIRST_DELAY = 1.0
LONGEST_DELAY = 60.0
LONGEST_WAIT = 120.0
"""A server that asks for more patience than this gets no more."""
TIMEOUT = 300.0
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}


class Unanswered(Exception):
    """One attempt failed in a way that may pass."""

    def __init__(self, reason: str, wait: float | None = None) -> None:
        super().__init__(reason)
        self.wait = wait
        """Seconds that the server asked to wait."""


class _StayHere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key is meant for the server that was named, and for no other."""

    def redirect_request(self, *_: object, **__: object) -> None:
        return None


class JsonClient:
    """Speaks JSON to one server; safe to use from several threads."""

    def __init__(self, base: str, pause: Callable[[float], object], attempts: int = ATTEMPTS) -> None:
        """`pause` waits for so many seconds; when it returns something true, no further attempt is made."""
        self.base = base.rstrip("/")
        self._pause = pause
        self._attempts = attempts
        host = urlsplit(self.base).hostname or ""
        no_proxy = [urllib.request.ProxyHandler({})] if host in _LOOPBACK else []  # a proxy cannot reach our loopback
        self._opener = urllib.request.build_opener(_StayHere, *no_proxy)

    def ask(self, path: str, body: Any = None, *, about: str = "", attempts: int | None = None) -> Any:
        """The JSON answer to POST (with a body) or GET.

        Raises UserError with the address, `about`, the status and the server's words.
        """
        where = f"{self.base}{path}{about and f' ({about})'}"
        reason = ""
        for delay in delays(attempts or self._attempts):
            try:
                return self._once(path, body, where)
            except Unanswered as failure:
                reason = str(failure)
                if delay is None or self._pause(delay if failure.wait is None else min(failure.wait, LONGEST_WAIT)):
                    break
        tries = attempts or self._attempts
        raise UserError(
            f"vlm: no answer from {where} after {tries} {'attempt' if tries == 1 else 'attempts'}: {reason}."
        )

    def _once(self, path: str, body: Any, where: str) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.base + path, data=data, headers=_headers())
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                content = response.read()
        except urllib.error.HTTPError as error:
            raise _refusal(where, error) from None
        except urllib.error.URLError as error:
            raise Unanswered(f"{error.reason}") from None
        except (http.client.HTTPException, OSError) as error:  # reset, half an answer, time-out while reading
            raise Unanswered(f"{type(error).__name__} {error}".strip()) from None
        try:
            return json.loads(content)
        except ValueError:
            raise UserError(f"vlm: {where} did not answer in JSON; is it an OpenAI-compatible server?") from None


def delays(attempts: int) -> Iterator[float | None]:
    """Seconds to wait after each failed attempt: doubling, with jitter so that requests do not return together."""
    for number in range(attempts - 1):
        yield min(FIRST_DELAY * 2**number, LONGEST_DELAY) * random.uniform(0.5, 1.0)
    yield None


def _headers() -> dict[str, str]:
    headers = {"Content-Type": "application/json", "Accept": "application/json"}
    key = os.environ.get("LEVERPLUS_API_KEY") or os.environ.get("OPENAI_API_KEY")
    return headers | ({"Authorization": f"Bearer {key}"} if key else {})


def _refusal(where: str, error: urllib.error.HTTPError) -> Exception:
    said = _server_words(error)
    status = f"{error.code} {_phrase(error.code)}"
    if error.code in (408, 429) or error.code >= 500:
        return Unanswered(f"{status}, {said}" if said else status, _retry_after(error.headers.get("Retry-After")))
    hint = " (set LEVERPLUS_API_KEY or OPENAI_API_KEY)" if error.code in (401, 403) else ""
    return UserError(f"vlm: {where} answered {status}{hint}: {said or 'no reason given'}")


def _phrase(code: int) -> str:
    try:
        return HTTPStatus(code).phrase
    except ValueError:
        return "(unknown status)"


def _server_words(error: urllib.error.HTTPError) -> str:
    """The server's message in one line, wherever the common servers put it."""
    try:
        text = error.read().decode("utf-8", "replace")
    except (http.client.HTTPException, OSError):
        return ""
    try:
        found = json.loads(text)
    except ValueError:
        found = text
    for field in ("error", "message", "detail"):
        if isinstance(found, dict) and found.get(field):
            found = found[field]
    return " ".join(str(found).split())[:500]


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
