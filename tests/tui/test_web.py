"""The program in a real browser: the page opens by its link alone, a key moves the cursor, nothing can be changed."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from db import store
from db.home import Home
from db.session import open_database, writing
from db.user_error import UserError
from leverplus_tui.commands.home import web
from leverplus_tui.keeping.backup import back_up
from tests.helpers_cli import make_desk
from tests.helpers_tui import draw_images, evaluation, fill, make_home
from tests.helpers_web import PATIENCE_S, Tab, tab

PROGRAM = (sys.executable, "-c", "from leverplus_tui.cli import app; app()")
served = pytest.mark.usefixtures("_extra")


@pytest.fixture(name="_extra")
def extra() -> None:
    pytest.importorskip("textual_serve", reason="the extra `web` is not installed")


@asynccontextmanager
async def link(home: Home, *words: str) -> AsyncIterator[str]:
    """The link that the command prints, for as long as the block lasts."""
    command = [*PROGRAM, "--home", str(home.root), "tui", "--web", "--port", "0", *words]
    environment = {**os.environ, "COLUMNS": "100"}
    process = await asyncio.create_subprocess_exec(*command, stdout=asyncio.subprocess.PIPE, env=environment)
    assert process.stdout is not None
    try:
        yield (await asyncio.wait_for(process.stdout.readline(), PATIENCE_S)).decode().strip()
    finally:
        process.terminate()
        await process.wait()


async def shown(page: Tab, words: str, since: int = 0) -> None:
    """Wait until the terminal of the page was sent these words."""
    await page.until(lambda: any(words in frame for frame in page.frames[since:]))


@served
async def test_a_page_opens_and_a_key_moves_the_cursor(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=10)
    async with link(home) as address, tab(tmp_path) as page:
        await page.ask("Page.navigate", url=address)
        await shown(page, "❯  r6")
        await shown(page, "read-only")
        await page.becomes("document.activeElement.className == 'xterm-helper-textarea'")
        assert "token" not in await page.evaluated("location.href")
        since = len(page.frames)
        await page.press("j")
        await shown(page, "❯  r5", since)
        await page.press("t")
        await shown(page, "Read-only: this window changes nothing", since)


@served
async def test_without_its_token_nothing_is_served(tmp_path: Path) -> None:
    import aiohttp

    home = fill(tmp_path / "home", n=10)
    async with link(home) as address, aiohttp.ClientSession(cookie_jar=aiohttp.CookieJar(unsafe=True)) as session:
        place, _, token = address.partition("?token=")
        assert len(token) >= 32
        for path in ("", "ws", "static/js/textual.js", "download/x", "?token=", "?token=" + token[:-1]):
            async with session.get(place + path) as answer:
                assert answer.status == 403, path
                assert "link that `leverplus tui --web` printed" in await answer.text()
        async with session.get(address) as answer:
            assert answer.status == 200
            assert "token" not in str(answer.url)
            assert "http" not in await answer.text(), "something would be fetched from elsewhere"
        async with session.get(place + "ws", headers={"Origin": "http://127.0.0.1:1"}) as answer:
            assert answer.status == 403, "a page of another server on this machine"


async def test_another_page_may_write_only_when_asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("aiohttp", reason="the extra `web` is not installed")
    pytest.importorskip("textual_serve", reason="the extra `web` is not installed")
    commands: list[str] = []
    monkeypatch.setattr(web, "application", lambda command, token: commands.append(command))
    monkeypatch.setattr("aiohttp.web.run_app", lambda *_, **__: None)
    for write in (False, True):
        web.serve(Home(tmp_path), host="127.0.0.1", port=0, write=write, links=["--run=2"])
    assert ["--read-only" in command for command in commands] == [True, False]
    assert all(command.endswith("--run=2") for command in commands)


@pytest.mark.parametrize("given", ["", "\udcff", "漢字", "right "])
def test_a_token_that_is_no_text_is_a_wrong_one(given: str) -> None:
    assert not web._same(given, "right")
    assert web._same("right", "right")


def test_what_is_wrong_is_said_in_a_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(web, "find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'leverplus\[web\]'"):
        web.serve(Home(tmp_path), host="127.0.0.1", port=0, write=False, links=[])
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(UserError, match="cannot be listened on"):
        web._listening("127.0.0.1", taken.getsockname()[1])
    assert web._is_loopback("::1")
    assert web._is_loopback("localhost")
    assert not web._is_loopback("0.0.0.0")
    desk = make_desk(tmp_path, monkeypatch)
    assert "belongs to --web" in desk.call("tui", "--write", code=2).stderr


@served
async def test_a_backup_is_put_back_and_the_next_page_says_so(tmp_path: Path) -> None:
    """The page ends with the program that is left for it."""
    home = make_home(tmp_path / "home")
    images = draw_images(tmp_path / "images", 2)
    evaluation(open_database(home.database), images, name="first", retriever="random", skill=(0.5,), n=4)
    file = back_up(home, tmp_path / "monday.tar").path
    with writing(open_database(home.database)) as session:
        store.rename(session, run_id=1, name="later")
    async with link(home, "--write") as address, tab(tmp_path) as page:
        await page.ask("Page.navigate", url=address)
        await shown(page, "later")
        await page.becomes("document.activeElement.className == 'xterm-helper-textarea'")
        await page.chord("p")
        await page.type("restore: put")
        await shown(page, "the present one is kept beside it")
        await page.enter()
        await shown(page, "Refused while")
        await page.chord("u")
        await page.type(str(file))
        await page.enter()
        await shown(page, "This page ends meanwhile")
        await page.press("y")
        await page.becomes("document.body.classList.contains('-closed')")
        since = len(page.frames)
        await page.ask("Page.navigate", url=address.partition("?")[0])
        await shown(page, "This is what", since)
