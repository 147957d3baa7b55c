"""Which key is sent where."""

from __future__ import annotations

import httpx
import pytest

from db.specs import UserError
from engine.serving.key import key_for

OPENAI = "https://api.openai.com/v1"
ELSEWHERE = (
    "http://api.openai.com/v1", "https://api.openai.com:8443/v1", "https://api.openai.com.example/v1",
    "https://example/api.openai.com", "http://127.0.0.1:8000/v1",
)  # fmt: skip


def sent(address: str) -> str | None:
    return key_for(httpx.URL(address)).headers.get("Authorization")


def test_the_key_for_openai_goes_nowhere_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    assert sent(OPENAI) == "Bearer sk-openai"
    assert {sent(address) for address in ELSEWHERE} == {None}
    assert {key_for(httpx.URL(address)).source for address in ELSEWHERE} == {"none"}


def test_the_key_that_the_user_named_for_us_comes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-openai")
    monkeypatch.setenv("LEVERPLUS_API_KEY", "sk-ours\n")
    assert {sent(address) for address in (OPENAI, *ELSEWHERE)} == {"Bearer sk-ours"}
    assert key_for(httpx.URL(OPENAI)).source == "LEVERPLUS_API_KEY"
    assert "sk-" not in repr(key_for(httpx.URL(OPENAI)))


@pytest.mark.parametrize("key", ["sk-one\nsk-two", "sk-ключ"])
def test_a_key_that_no_header_can_carry_is_refused_and_not_shown(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("LEVERPLUS_API_KEY", key)
    with pytest.raises(UserError, match="LEVERPLUS_API_KEY holds characters") as caught:
        sent(OPENAI)
    assert "sk-" not in str(caught.value)


def test_a_password_in_an_address_is_refused_and_not_shown() -> None:
    with pytest.raises(UserError, match="holds a password") as caught:
        sent("https://me:secret@example/v1")
    assert "secret" not in str(caught.value)
