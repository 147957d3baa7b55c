"""Tells a command or a web address that a job has ended. What goes wrong with that is said, and never harms the job."""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from collections.abc import Mapping

VARIABLE = "LEVERPLUS_NOTIFY"
PATIENCE_S = 10.0


def notify(event: Mapping[str, str], target: str | None = None) -> str:
    """Hand an event (`run`, `name`, `state`, `reason`) to what LEVERPLUS_NOTIFY names; why that failed, or nothing.

    A command gets it as JSON on its standard input and as variables (LEVERPLUS_RUN, LEVERPLUS_STATE, ...); no shell reads
    it. A web address (https://, http://) gets the JSON by POST.
    """
    target = os.environ.get(VARIABLE, "") if target is None else target
    if not target.strip():
        return ""
    return _post(target, event) if target.startswith(("http://", "https://")) else _call(target, event)


def _call(target: str, event: Mapping[str, str]) -> str:
    told = {f"LEVERPLUS_{name.upper()}": value.replace("\0", "") for name, value in event.items()}
    try:
        done = subprocess.run(
            shlex.split(target),
            input=json.dumps(dict(event)),
            env={**os.environ, **told},
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
    except (OSError, ValueError, subprocess.TimeoutExpired) as error:
        return f"{VARIABLE}={target}: {error}"
    return f"{VARIABLE}={target} ended with {done.returncode}: {done.stderr.strip()[:200]}" if done.returncode else ""


def _post(target: str, event: Mapping[str, str]) -> str:
    import httpx  # 60 ms, for a job that tells nobody

    try:
        httpx.post(target, json=dict(event), timeout=PATIENCE_S, follow_redirects=False).raise_for_status()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"{VARIABLE}={target}: {error}"
    return ""
