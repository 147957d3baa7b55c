"""The terminal program in a browser: textual-serve behind a token, one process of the program for each page that is open."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
import shlex
import socket
import sys
from importlib.util import find_spec
from pathlib import Path
from string import Template

from db.home import Home
from db.user_error import UserError
from leverplus_tui.text.output import put, say

PAGE = Path(__file__).with_name("web_page.html")
POLICY = (
    "default-src 'self'; script-src 'self' 'nonce-{}'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "frame-ancestors 'none'"
)
"""Nothing is fetched from elsewhere, and no other page can hold this one in a frame."""
REFUSED = "The link that `leverplus tui --web` printed holds a token; this address has none, or one of another start.\n"


def serve(home: Home, *, host: str, port: int, write: bool, links: list[str]) -> None:
    """Serve until ctrl+c. Raises UserError where the extra is missing or the address cannot be had."""
    if find_spec("textual_serve") is None:
        raise UserError("tui --web needs textual-serve, which is not installed: pip install 'leverplus[web]'")
    from aiohttp import web  # an extra

    with _listening(host, port) as listener:
        shown = f"[{host}]" if ":" in host else host
        token = secrets.token_urlsafe(24)
        if not _is_loopback(host):
            say(
                f"Warning: other machines can reach {host}, and http hides nothing: whoever sees the link sees these runs"
                f"{' and can start programs here' if write else ''}. `ssh -L` reaches a loopback address safely."
            )
        rights = "it can start, stop and delete" if write else "read-only; --write lets it start, stop and delete"
        put(f"http://{shown}:{listener.getsockname()[1]}/?token={token}")
        say(f"Open this link in a browser ({rights}). ctrl+c ends it; jobs go on.")
        sys.stdout.flush()
        command = shlex.join([*_program(home), *([] if write else ["--read-only"]), *links])
        # no access log: it would hold the token
        web.run_app(application(command, token), sock=listener, print=None, access_log=None)


def _program(home: Home) -> list[str]:
    start = "from leverplus_tui.cli import app; app()"
    return [sys.executable, "-c", start, "--home", str(home.root.absolute()), "tui"]


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family)
    except (OSError, OverflowError) as error:
        raise UserError(
            f"--host {host} --port {port} cannot be listened on ({error}): choose another, or --port 0 for any free one"
        ) from error


def application(command: str, token: str):  # type: ignore[no-untyped-def]  # aiohttp is an extra
    """The web application: a page, its socket and its files, all behind the token.

    The token comes once in the address, is then a cookie, and the address loses it, so that no history and no log keeps it.
    """
    from aiohttp import web
    from textual_serve.server import Server

    @web.middleware
    async def guard(request, handler):  # type: ignore[no-untyped-def]
        name = f"leverplus-{request.url.port}"  # cookies of one host are shared by its ports
        given = request.query.get("token")
        if given is not None and _same(given, token):
            answer = web.HTTPSeeOther("/")
            answer.set_cookie(name, token, httponly=True, samesite="Strict")
            return _closed(answer)
        known = _same(request.cookies.get(name, ""), token)
        origin = request.headers.get("Origin")
        own = origin is None or origin.partition("://")[2] == request.host
        if given is not None or not known or not own:
            return _closed(web.Response(status=403, text=REFUSED))
        return await handler(request)

    async def index(request):  # type: ignore[no-untyped-def]
        socket_url = f"{'wss' if request.scheme == 'https' else 'ws'}://{request.host}/ws"
        page = Template(PAGE.read_text(encoding="utf-8")).substitute(
            socket=socket_url, nonce=(nonce := secrets.token_urlsafe(16))
        )
        return _closed(web.Response(text=page, content_type="text/html"), nonce)

    server = Server(command)
    app = web.Application(middlewares=[guard])
    app.add_routes(
        [
            web.get("/", index),
            web.get("/ws", server.handle_websocket),
            web.get("/download/{key}", server.handle_download),
            web.static("/static", server.statics_path),
        ]
    )
    return app


def _same(given: str, token: str) -> bool:
    """In constant time; what a stranger sends need not be text."""
    return hmac.compare_digest(given.encode(errors="surrogateescape"), token.encode())


def _closed(answer, nonce: str = ""):  # type: ignore[no-untyped-def]
    policy = POLICY.format(nonce)
    answer.headers.update(
        {"Content-Security-Policy": policy, "Referrer-Policy": "no-referrer", "Cache-Control": "no-store"}
    )
    return answer
