"""OpenAI-compatible servers on the loopback: one that holds its answers back and counts what it was asked, one that says
what it is told to say, failures too."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from engine.vlm.probes import probes

HELD_AT_MOST_S = 300.0
Reply = tuple[int, dict[str, str], bytes]


def is_probe(body: Mapping[str, Any]) -> bool:
    """Whether a request is one of the fixed prompts that tell servers apart."""
    return body["messages"][-1]["content"] in probes().values()


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
        """Note a request, and return when it may be answered; what is asked of every server does not count."""
        if is_probe(json.loads(body)):
            return
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

    with _up(Handler) as told.url:
        try:
            yield told
        finally:
            told.release.set()


@dataclass
class ScriptedServer:
    """What the loopback server says, and what it was asked."""

    url: str = ""
    models: Any = field(default_factory=lambda: {"data": [{"id": "tiny-vl", "owned_by": "vllm"}]})
    scripted: list[Reply | str | bytes] = field(default_factory=list)
    """Replies given before the usual one, in order; `hang up` closes the connection, bytes are sent as they are before."""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    probes: list[dict[str, Any]] = field(default_factory=list)
    """Fixed prompts that it was asked; they count in no other way."""
    paths: list[str] = field(default_factory=list)
    keys: list[str | None] = field(default_factory=list)
    lock: threading.Lock = field(default_factory=threading.Lock)
    meet: threading.Barrier | None = None
    """When given, no request is answered before so many are in flight."""


def failure(status: int, message: str = "", **headers: str) -> Reply:
    """A refusal as OpenAI's servers send it."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return status, named, json.dumps({"error": {"message": message}}).encode()


def usual(body: dict[str, Any]) -> Reply:
    """Echo the last text, so that answers can be told apart."""
    content = body["messages"][-1]["content"]
    text = content if isinstance(content, str) else content[-1]["text"]
    choice = {"message": {"role": "assistant", "content": f"re {text}"}, "finish_reason": "stop"}
    return 200, {}, json.dumps({"choices": [choice]}).encode()


def handler_of(server: ScriptedServer) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_: Any) -> None:
            pass

        def do_GET(self) -> None:
            self._note()
            self._send((200, {}, json.dumps(server.models).encode()))

        def do_POST(self) -> None:
            self._note()
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            with server.lock:
                (server.probes if is_probe(body) else server.bodies).append(body)
                probed = is_probe(body)
                reply = server.scripted.pop(0) if server.scripted and not probed else usual(body)
            if server.meet is not None and not probed:
                server.meet.wait(HELD_AT_MOST_S)
            if isinstance(reply, str | bytes):
                self.wfile.write(reply if isinstance(reply, bytes) else b"")
                self.close_connection = True
                return
            self._send(reply)

        def _note(self) -> None:
            with server.lock:
                server.paths.append(self.path)
                server.keys.append(self.headers.get("Authorization"))

        def _send(self, reply: Reply) -> None:
            status, headers, content = reply
            self.send_response(status)
            for name, value in {"Content-Length": str(len(content)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(content)

    return Handler


@contextmanager
def scripted_server() -> Iterator[ScriptedServer]:
    """A server that is up inside the block."""
    told = ScriptedServer()
    with _up(handler_of(told)) as told.url:
        yield told


@contextmanager
def _up(handler: type[BaseHTTPRequestHandler]) -> Iterator[str]:
    http = _Quiet(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{http.server_address[1]}/v1"
    finally:
        http.shutdown()
        http.server_close()
        thread.join()


class _Quiet(ThreadingHTTPServer):
    def handle_error(self, *_: Any) -> None:
        """An asker that was killed, or that heard enough, is no error here."""
