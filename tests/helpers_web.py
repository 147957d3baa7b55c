"""One tab of a browser without a screen, spoken to over its debugging socket: opens a page, types, sees what comes and is drawn."""

from __future__ import annotations

import asyncio
import base64
import itertools
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from tests.helpers_browser import browser

PATIENCE_S = 120.0
ESCAPE = re.compile(r"\x1b\[[0-9;?<>=]*[A-Za-z]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Tab:
    """What the page was sent, and what it shows."""

    def __init__(self, socket: Any) -> None:
        self._socket = socket
        self._numbers = itertools.count(1)
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._came = asyncio.Event()
        self.status: dict[str, int] = {}
        """HTTP status of every address that was answered."""
        self.frames: list[str] = []
        """What came through web sockets, without the escape sequences of a terminal."""

    async def listen(self) -> None:
        """Take what the browser tells, until it is closed."""
        async for message in self._socket:
            told = message.json()
            if "id" in told:
                self._answers.pop(told["id"]).set_result(told.get("result", told))
            elif told["method"] == "Network.responseReceived":
                answer = told["params"]["response"]
                self.status[answer["url"]] = answer["status"]
            elif told["method"] == "Network.webSocketFrameReceived":
                self.frames.append(_plain(told["params"]["response"]))
            self._came.set()

    async def ask(self, method: str, **values: Any) -> Any:
        """The browser's answer to one command of its debugging protocol."""
        number = next(self._numbers)
        self._answers[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": values})
        return await asyncio.wait_for(self._answers[number], PATIENCE_S)

    async def until(self, condition: Callable[[], object]) -> None:
        """Wait until something holds of what came."""
        async with asyncio.timeout(PATIENCE_S):
            while not condition():
                self._came.clear()
                await self._came.wait()

    async def press(self, key: str) -> None:
        """One key, down and up."""
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" else {}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=ord(key.upper()), **text)

    async def type(self, text: str) -> None:
        """Text, as it is put in by an input method."""
        await self.ask("Input.insertText", text=text)

    async def enter(self) -> None:
        """The key that says yes."""
        for kind in ("rawKeyDown", "char", "keyUp"):
            await self.ask("Input.dispatchKeyEvent", type=kind, key="Enter", text="\r", windowsVirtualKeyCode=13)

    async def chord(self, letter: str) -> None:
        """A letter with ctrl."""
        for kind in ("rawKeyDown", "keyUp"):
            code = {"windowsVirtualKeyCode": ord(letter.upper()), "code": f"Key{letter.upper()}"}
            await self.ask("Input.dispatchKeyEvent", type=kind, key=letter, modifiers=2, **code)

    async def becomes(self, condition: str) -> None:
        """Wait until an expression is true on the page."""
        look = f"const look = () => ({condition}) ? done(true) : requestAnimationFrame(look); look()"
        await self.ask("Runtime.evaluate", expression=f"new Promise(done => {{ {look} }})", awaitPromise=True)

    async def evaluated(self, script: str) -> Any:
        """What an expression is on the page."""
        return (await self.ask("Runtime.evaluate", expression=script))["result"].get("value")


def _plain(frame: Any) -> str:
    data = frame["payloadData"]
    return ESCAPE.sub("", base64.b64decode(data).decode(errors="replace") if frame["opcode"] == 2 else data)


@asynccontextmanager
async def tab(folder: Path) -> AsyncIterator[Tab]:
    """A fresh browser with one empty page. It ends with the block; no name but this machine's is resolved."""
    import aiohttp

    program = await asyncio.create_subprocess_exec(
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--remote-debugging-port=0",
        "--window-size=1200,700", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
        f"--user-data-dir={folder / 'profile'}", "about:blank",
        stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert program.stderr is not None
    try:
        async with asyncio.timeout(PATIENCE_S):
            found = None
            while found is None:
                line = (await program.stderr.readline()).decode()
                assert line, "the browser ended"
                found = re.search(r"ws://[^/]+", line)
        async with aiohttp.ClientSession() as session:
            pages = await (await session.get(found[0].replace("ws:", "http:") + "/json/list")).json()
            address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
            async with session.ws_connect(address, max_msg_size=0) as socket:
                opened = Tab(socket)
                listening = asyncio.create_task(opened.listen())
                await opened.ask("Network.enable")
                await opened.ask("Page.enable")
                yield opened
                listening.cancel()
    finally:
        program.terminate()
        await program.wait()
