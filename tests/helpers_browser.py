"""A browser without a screen, for pages that we write."""

from __future__ import annotations

import html
import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def browser() -> str:
    """The program; the test is skipped where there is none."""
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        pytest.skip(f"no browser on PATH ({', '.join(NAMES)})")
    return found


def measured(page: Path, script: str, *, width: int, dark: bool = False) -> Any:
    """What `script` (a JavaScript expression) is on a page that was opened as a file, `width` pixels wide.

    The page stands in a frame of that width, because a browser's window has a least width of its own. Nothing can be fetched.
    """
    folder = page.parent / f"look-{width}-{dark}"
    folder.mkdir(exist_ok=True)
    probe = f"<script>addEventListener('load', () => parent.postMessage(JSON.stringify({script}), '*'))</script></body>"
    (folder / "page.html").write_text(page.read_text(encoding="utf-8").replace("</body>", probe), encoding="utf-8")
    frame = folder / "frame.html"
    frame.write_text(
        "<body><pre id=out></pre><script>onmessage = e => { document.getElementById('out').textContent = e.data }</script>"
        f"<iframe src=page.html style='width:{width}px;height:800px;border:0'></iframe></body>"
    )
    command = [
        browser(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1600,900",
        "--host-resolver-rules=MAP * ~NOTFOUND", f"--user-data-dir={folder / 'profile'}", "--virtual-time-budget=5000",
        *(["--blink-settings=preferredColorScheme=0"] if dark else []), "--dump-dom", frame.as_uri(),
    ]  # fmt: skip
    shown = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True).stdout
    told = re.search(r"<pre id=\"out\">(.*?)</pre>", shown, re.DOTALL)
    assert told is not None, shown[:500]
    return json.loads(html.unescape(told[1]))
