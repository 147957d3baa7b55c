"""One latest moment for a whole request: name look-up aside, everything that is waited for on the wire ends by it.

httpx bounds each silence alone, so that a server which drips a byte now and then, in its headers as in its body, is waited
for without end. Its connections are httpcore's, whose network backend may be replaced; httpx passes none on.
"""

from __future__ import annotations

import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

import httpcore
import httpx

PIECE = 1 << 14
"""Bytes that are written between two looks at the clock."""
TOO_LONG = "the whole request took too long"


class _Latest(threading.local):
    """The latest moment of the request that this thread is making."""

    moment: float | None = None


_latest = _Latest()


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """What this thread asks inside ends after so many seconds, with a time-out."""
    _latest.moment = monotonic() + seconds
    try:
        yield
    finally:
        _latest.moment = None


def bounded(client: httpx.Client) -> httpx.Client:
    """The client, its connections (through proxies too) held to the moment that `within` sets."""
    for transport in (client._transport, *client._mounts.values()):
        if isinstance(transport, httpx.HTTPTransport):
            transport._pool._network_backend = _Network()
    return client


def _left(timeout: float | None, late: type[httpcore.TimeoutException]) -> float | None:
    if _latest.moment is None:
        return timeout
    left = _latest.moment - monotonic()
    if left <= 0:
        raise late(TOO_LONG)
    return left if timeout is None else min(timeout, left)


class _Network(httpcore.SyncBackend):
    def connect_tcp(self, host: str, port: int, timeout: float | None = None, *args: Any, **kwargs: Any) -> Any:
        left = _left(timeout, httpcore.ConnectTimeout)
        return _Stream(super().connect_tcp(host, port, left, *args, **kwargs))


class _Stream(httpcore.NetworkStream):
    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout, httpcore.ReadTimeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        for start in range(0, len(buffer), PIECE):
            self._stream.write(buffer[start : start + PIECE], _left(timeout, httpcore.WriteTimeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _Stream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout, httpcore.ConnectTimeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
