"""An OpenAI-compatible server on the loopback that holds its answers back when told to, and counts what it was asked."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

HELD_AT_MOST_S = 60.0


@dataclass
class HoldingServer:
    """Answers `free` requests at once, and the others when `release` is set."""

    free: int
    url: str = ""
    asked: list[str] = field(default_factory=list)
    """Hash of each request in the order of arrival."""
    release: threading.Event = field(default_factory=threading.Event)
    _arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, number: int) -> None:
        """Until so many requests have arrived."""
        with self._arrived:
            assert self._arrived.wait_for(lambda: len(self.asked) >= number, timeout=HELD_AT_MOST_S), "waited in vain"

    def take(self, body: bytes) -> None:
        """Note a request, and return when it may be answered."""
        with self._arrived:
            self.asked.append(hashlib.sha256(body).hexdigest())
            held = len(self.asked) > self.free
            self._arrived.notify_all()
        if held:
            self.release.wait(HELD_AT_MOST_S)


@contextmanager
def holding_server(free: int) -> Iterator[HoldingServer]:
    """A server that is up inside the block."""
    told = HoldingServer(free)

    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._send({"data": [{"id": "held", "owned_by": "vllm"}]})

        def do_POST(self) -> None:
            told.take(self.rfile.read(int(self.headers["Content-Length"])))
            self._send({"choices": [{"message": {"content": "red"}, "finish_reason": "stop"}]})

        def _send(self, document: dict[str, Any]) -> None:
            content = json.dumps(document).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    class Quiet(ThreadingHTTPServer):
        def handle_error(self, *_: Any) -> None:
            """A killed asker is no error here."""

    http = Quiet(("127.0.0.1", 0), Handler)
    told.url = f"http://127.0.0.1:{http.server_address[1]}/v1"
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield told
    finally:
        told.release.set()
        http.shutdown()
        http.server_close()
