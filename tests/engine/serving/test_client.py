"""JSON over HTTP against a real server on the loopback, which fails in the ways that servers do."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from email.utils import formatdate
from itertools import count
from typing import Any

import pytest

from db.specs import UserError
from engine.serving import client, deadline
from engine.serving.client import ATTEMPTS, JsonClient
from tests.helpers_server import Reply, ScriptedServer, failure, scripted_server

BODY = {"messages": [{"content": [{"text": "hello"}]}]}


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as told:
        yield told


@pytest.fixture
def waited() -> list[float]:
    """Seconds that would have been waited."""
    return []


def ask(server: ScriptedServer, waited: list[float], **more: Any) -> str:
    found = JsonClient(server.url, waited.append, **more).ask("/chat/completions", dict, BODY, about="model m")
    return str(found["choices"][0]["message"]["content"])


CUT: Reply = (200, {"Content-Length": "5000"}, b'{"choices"')
MALFORMED: Reply = (200, {}, b'{"choices": [{"mess')


def test_passing_failures_are_repeated(server: ScriptedServer, waited: list[float]) -> None:
    server.scripted = [failure(503), "hang up", failure(500), CUT, MALFORMED, failure(429, Retry_After="7")]
    assert ask(server, waited) == "re hello"
    assert len(waited) == 6
    assert waited[-1] == 7.0
    assert all(0.5 * 2**n <= delay <= 2**n for n, delay in enumerate(waited[:5]))


def test_retry_after_as_a_date_and_beyond_all_patience(server: ScriptedServer, waited: list[float]) -> None:
    past, far = formatdate(0, usegmt=True), "86400"
    server.scripted = [failure(503, Retry_After=past), failure(503, Retry_After=far), failure(503, Retry_After="soon")]
    ask(server, waited)
    assert waited[:2] == [0.0, 120.0]
    assert 2 <= waited[2] <= 4


def test_a_server_that_never_recovers_is_given_up(server: ScriptedServer, waited: list[float]) -> None:
    server.scripted = [failure(503, "warming up")] * ATTEMPTS
    with pytest.raises(UserError, match=rf"{server.url}.* after {ATTEMPTS} attempts: 503 .*warming up"):
        ask(server, waited)
    assert len(waited) == ATTEMPTS - 1


def test_who_is_told_to_stop_while_waiting_asks_no_more(server: ScriptedServer) -> None:
    server.scripted = [failure(503)] * ATTEMPTS
    patient = JsonClient(server.url, lambda seconds: True)
    with pytest.raises(UserError, match="was not asked again, because the run was asked to stop"):
        patient.ask("/chat/completions", dict, BODY)
    assert len(server.bodies) == 1


def test_delays_double_up_to_a_limit(server: ScriptedServer, waited: list[float]) -> None:
    server.scripted = [failure(503)] * 11
    ask(server, waited, attempts=12)
    assert len(waited) == 11
    assert all(30 <= delay <= 60 for delay in waited[6:])
    assert len(set(waited[6:])) > 1, "requests that failed together must not return together"


@pytest.mark.parametrize(
    ("status", "body", "said"),
    [
        (400, b'{"error": {"message": "at most 4 images"}}', "400 Bad Request: at most 4 images"),
        (404, b'{"message": "no such model"}', "404 Not Found: no such model"),
        (401, b"", r"401 Unauthorized \(set LEVERPLUS_API_KEY; OPENAI_API_KEY .*\): no reason given"),
        (422, b'{"detail": [{"loc": ["body"], "msg": "bad field"}]}', "422 .*bad field"),
        (400, b"\x1b[2Jgone\r\nnow", r"400 Bad Request: \[2Jgone now$"),
    ],
)
def test_other_refusals_end_at_once_with_the_servers_words(
    server: ScriptedServer, waited: list[float], status: int, body: bytes, said: str
) -> None:
    server.scripted = [(status, {}, body)]
    with pytest.raises(UserError, match=said) as caught:
        ask(server, waited)
    assert f"{server.url}/chat/completions (model m)" in str(caught.value)
    assert waited == []


@pytest.mark.parametrize(
    "content", [b"<html>hello</html>", b"\xff", b'{"a": "\xff"}', b'{"a":' * 10**5, b""], ids=range(5)
)
def test_what_is_no_json_is_asked_for_again_and_then_said(
    server: ScriptedServer, waited: list[float], content: bytes
) -> None:
    server.scripted = [(200, {}, content)] * 2
    with pytest.raises(UserError, match="after 2 attempts: it did not answer in JSON"):
        ask(server, waited, attempts=2)


def test_an_answer_of_another_shape_is_one_sentence(server: ScriptedServer, waited: list[float]) -> None:
    server.scripted = [(200, {}, b'["something\nelse"]')]
    with pytest.raises(UserError, match=r'does \(Expected `object`, got `array`\); it said: \["something else"\]$'):
        ask(server, waited)
    assert waited == []


@pytest.mark.parametrize("packed", [False, True])
def test_a_body_without_end_is_not_kept(
    server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(client, "LARGEST_BODY", 2**20)
    content = json.dumps("x" * 2**20).encode()
    server.scripted = [
        (200, {"Content-Encoding": "gzip"} if packed else {}, gzip.compress(content) if packed else content)
    ]
    with pytest.raises(UserError, match="sent more than 1 MB"):
        ask(server, waited)
    assert waited == []


TRICKLES = [b"HT", b"HTTP/1.1 200 OK\r\nX-Slow", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n "]


@pytest.mark.parametrize("said", TRICKLES, ids=["status", "headers", "body"])
def test_an_answer_that_trickles_in_is_cut_off_wherever_it_is(
    server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    """The clock says that the time is over as soon as the server begins to answer."""
    monkeypatch.setattr(deadline, "monotonic", lambda: client.TIMEOUT_S + 1 if server.bodies else 0.0)
    server.scripted = [said]
    with pytest.raises(UserError, match="after 1 attempt: its answer was not whole after 300 s"):
        ask(server, waited, attempts=1)


def test_each_attempt_has_its_own_time(
    server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = count(step=client.TIMEOUT_S + 1)
    monkeypatch.setattr(deadline, "monotonic", lambda: next(seconds))  # a long time between two looks at the clock
    with pytest.raises(UserError, match="after 2 attempts: it was not reached in 30 s"):
        ask(server, waited, attempts=2)
    monkeypatch.undo()
    assert ask(server, waited) == "re hello"


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_requests_through_a_proxy_have_the_same_time(
    server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("ALL_PROXY", server.url.removesuffix("/v1"))
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    seconds = count(step=client.TIMEOUT_S + 1)
    monkeypatch.setattr(deadline, "monotonic", lambda: next(seconds))
    with pytest.raises(UserError, match="after 1 attempt: it was not reached in 30 s"):
        JsonClient(f"{scheme}://model.example/v1", waited.append).ask("/models", dict, attempts=1)


def test_no_redirect_is_followed(server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LEVERPLUS_API_KEY", "sk-secret")
    server.scripted = [(302, {"Location": f"{server.url}/elsewhere"}, b"")]
    with pytest.raises(UserError, match=rf"302 Found \(give the address .*: {server.url}/elsewhere\)"):
        ask(server, waited)
    assert server.paths == ["/v1/chat/completions"]


def test_a_proxy_of_the_environment_is_asked_but_not_for_loopback_addresses(
    server: ScriptedServer, waited: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    assert ask(server, waited) == "re hello"
    monkeypatch.setenv("http_proxy", server.url.removesuffix("/v1"))
    JsonClient("http://models.example/v1", waited.append).ask("/models", dict)
    assert server.paths[-1] == "http://models.example/v1/models"


@pytest.mark.parametrize(
    ("address", "proxy"), [("http://host:port/v1", ""), ("http://models.example/v1", "telnet://127.0.0.1")]
)
def test_an_address_or_a_proxy_that_cannot_be_used_is_named(
    monkeypatch: pytest.MonkeyPatch, address: str, proxy: str
) -> None:
    monkeypatch.setenv("http_proxy", proxy)
    with pytest.raises(UserError, match=f"vlm: {address} cannot be asked"):
        JsonClient(address, lambda seconds: None)
