"""The processes of devices. Free of torch: they are started while the asking process still imports."""

from __future__ import annotations

import os
import subprocess
import sys
import weakref
from collections.abc import Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from socket import socketpair
from typing import Any, TypeVar

from engine.vlm.spread.messages import Failed

SHARED_BYTES = 16 << 30
"""Host memory for visual tokens that all devices have in common, at most; a quarter of the machine's where that is less."""

Reply = TypeVar("Reply")
COMMAND = ["-m", "engine.vlm.spread"]
"""What Python runs as the process of a device."""
_ready: list[Process] = []


def begin(device: str, *, whole: bool) -> None:
    """Starts a process for each device that seems to be meant, to be had from `take`; none for a single one. `whole`: with
    transformers' model classes, which a quick start leaves out."""
    devices = [f"cuda:{number}" for number in range(_gpus())] if device == "cuda:all" else device.split(",")
    if len(devices) > 1:
        _begin(devices, whole=whole)


def take(devices: Sequence[str]) -> list[Process]:
    """A process for each device: those that were begun, where they were begun for just these."""
    if [one.device for one in _ready] != list(devices):
        end_begun()
        _begin(devices, whole=False)
    taken = _ready[:]
    _ready.clear()
    return taken


def _begin(devices: Sequence[str], *, whole: bool) -> None:
    shared = _shared_memory()
    _ready.extend(Process(device.strip(), shared, whole=whole) for device in devices)


def end_begun() -> None:
    """Nobody will ask those that were begun."""
    while _ready:
        _ready.pop().end()


class Process:
    """A device's process with the pipe to it."""

    def __init__(self, device: str, shared: tuple[int, int] | None, *, whole: bool) -> None:
        """`shared`: descriptors of the memory that it has in common with others. `whole`: see `begin`."""
        self.device = device
        self.shared = shared
        ours, its = socketpair()
        # A session of its own: a signal that stops the job goes to the job, which asks its devices to stop.
        self._process = subprocess.Popen(
            [sys.executable, "-P", *COMMAND, str(its.fileno()), device, *(["whole"] if whole else [])],
            pass_fds=[its.fileno(), *(shared or ())], stdin=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        its.close()
        self.pipe: Connection[Any, Any] = Connection(ours.detach())
        self.end = weakref.finalize(self, _end, self._process, self.pipe)

    def send(self, message: Any) -> None:
        """Raises RuntimeError where the process is gone."""
        try:
            self.pipe.send(message)
        except OSError:
            raise self._gone() from None

    def receive(self) -> Any:
        """The next message; what failed there is raised here, RuntimeError where the process is gone."""
        try:
            message = self.pipe.recv()
        except (EOFError, OSError):
            raise self._gone() from None
        if isinstance(message, Failed):
            raise message.error
        return message

    def expect(self, kind: type[Reply]) -> Reply:
        """The next message, which is of this kind."""
        message = self.receive()
        assert isinstance(message, kind), f"{kind.__name__} was awaited, not {type(message).__name__}"
        return message

    def _gone(self) -> RuntimeError:
        return RuntimeError(f"the process on {self.device} ended (exit code {self._process.poll()}); the log says more")


def _end(process: subprocess.Popen[bytes], pipe: Connection[Any, Any]) -> None:
    pipe.close()
    process.kill()
    process.wait()


def _gpus() -> int:
    """By the kernel's device files; torch knows better, but later."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    return len(visible.split(",")) if visible else sum(1 for _ in Path("/dev").glob("nvidia[0-9]*"))


def _shared_memory() -> tuple[int, int] | None:
    """Two files in memory that are gone with the last process that holds them; none where the system has no such files."""
    if not hasattr(os, "memfd_create"):
        return None
    index, tokens = os.memfd_create("leverplus-index"), os.memfd_create("leverplus-tokens")
    own = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    os.ftruncate(tokens, min(SHARED_BYTES, own // 4))  # takes no memory until it is written
    return index, tokens
