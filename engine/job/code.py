"""What a run was made with beyond versions: the changes of its folder against the commit, and every installed package."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import threading
from pathlib import Path

MOST = 2 << 20
"""Bytes of a diff that are kept; what is beyond is said to be cut."""
MOST_NAMES = 1000
PATIENCE_S = 10.0
CUT = "\n[cut: the changes are larger than {} bytes]\n"
PACKAGE = re.compile(r"(?P<name>.+?)-(?P<version>[^-]+?)(-py[\d.]+)?\.(dist|egg)-info")


def changes(folder: Path) -> str:
    """`git diff HEAD` of the repository around `folder`, then the names of its files that git does not know; empty without
    changes, or without git."""
    diff = _some_output(folder, "diff", "HEAD", "--no-color", "--no-ext-diff", "--no-textconv", "--binary")
    unknown = _some_output(folder, "ls-files", "--others", "--exclude-standard", "--full-name").splitlines()
    listed = [f"# not in git: {name}" for name in unknown[:MOST_NAMES]]
    if len(unknown) > MOST_NAMES:
        listed.append(f"# and {len(unknown) - MOST_NAMES} more")
    return diff + "".join(f"{line}\n" for line in listed)


def packages() -> str:
    """Every installed package as `name==version`, one a line, by name; read from the names of folders, which takes a moment."""
    found: dict[str, str] = {}
    for place in sys.path:
        try:
            names = os.listdir(place or ".")
        except OSError:
            continue
        for name in names:
            if told := PACKAGE.fullmatch(name):
                found.setdefault(told["name"].lower().replace("_", "-"), told["version"])
    return "".join(f"{name}=={found[name]}\n" for name in sorted(found))


def _some_output(folder: Path, *words: str) -> str:
    """At most so many bytes of what git says; nothing where it is missing, fails or hangs, for a run must not depend on it."""
    if shutil.which("git") is None:
        return ""
    try:
        process = subprocess.Popen(
            ["git", "-C", str(folder), *words],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
        )
    except OSError:
        return ""
    clock = threading.Timer(PATIENCE_S, process.kill)
    clock.start()
    try:
        assert process.stdout is not None, "a pipe was asked for"
        found = process.stdout.read(MOST + 1)
        if len(found) > MOST:
            process.kill()
    finally:
        clock.cancel()
        process.stdout.close() if process.stdout else None
        code = process.wait()
    if code and len(found) <= MOST:
        return ""
    text = found[:MOST].decode("utf-8", "replace")
    return text + CUT.format(MOST) if len(found) > MOST else text
