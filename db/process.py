"""Is a job process still the one that was started? A pid alone lies after reuse, so start time and boot are compared too."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path

_PROC = Path("/proc")


def host() -> str:
    """Name of this machine."""
    return platform.node()


@lru_cache(maxsize=1)
def boot_id() -> str:
    """Names this boot and, on Linux, this pid namespace: `<uuid>/<namespace>`; empty where the system has neither.

    The namespace is part of it because a container sees other pids under the same boot and often the same host name.
    """
    try:
        boot = (_PROC / "sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""
    try:
        namespace = os.readlink(_PROC / "self/ns/pid")
    except OSError:
        namespace = ""
    return f"{boot}/{namespace}"


def pid_start(pid: int) -> str:
    """When the process started, in the system's own words (clock ticks since boot on Linux); empty when there is none."""
    return _start_from_proc(pid) if (_PROC / "self/stat").exists() else _start_from_ps(pid)


def alive(pid: int, pid_start: str, boot_id: str, host: str) -> bool:
    """True while the recorded process runs, and also when that cannot be told from here (other host or pid namespace).

    "Could not check" must never end a healthy job, so only a proof of death gives False.
    """
    if host and host != platform.node():
        return True
    if boot_id and _this_boot():
        recorded, here = boot_id.split("/"), _this_boot().split("/")
        if recorded[0] != here[0]:
            return False  # the machine was restarted
        if recorded[1:] != here[1:]:
            return True  # another container: its pids mean nothing here
    started = _start_of(pid)
    return bool(started) and (not pid_start or started == pid_start)


def age_s(pid_start: str, started: datetime) -> float:
    """Seconds since a process of this machine started: by the kernel's clock, which nobody sets and which goes on while a
    laptop sleeps; where there is none, by the stored time."""
    if pid_start.isdigit() and hasattr(time, "CLOCK_BOOTTIME"):
        return time.clock_gettime(time.CLOCK_BOOTTIME) - int(pid_start) / os.sysconf("SC_CLK_TCK")
    return (datetime.now(UTC) - started).total_seconds()


# `alive` has arguments of these names, because its callers pass the stored columns by keyword.
_this_boot = boot_id
_start_of = pid_start


def _start_from_proc(pid: int) -> str:
    """Field 22 of /proc/PID/stat; a zombie counts as gone, for it computes nothing more."""
    try:
        stat = (_PROC / str(pid) / "stat").read_text()
    except (OSError, UnicodeDecodeError):
        return ""
    fields = stat.rpartition(")")[2].split()  # the command name may hold blanks and brackets
    return "" if fields[0] in "ZX" else fields[19]


def _start_from_ps(pid: int) -> str:
    result = subprocess.run(["ps", "-o", "lstart=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return result.stdout.strip()
