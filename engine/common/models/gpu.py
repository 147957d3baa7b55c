"""A GPU's context, begun while torch is still imported: half a second that nobody then waits for. Free of torch."""

from __future__ import annotations

import ctypes
import threading
from contextlib import suppress

DRIVER = "libcuda.so.1"


def begin_context(device: str) -> threading.Thread | None:
    """Begins the context of the GPU that `device` (`auto`, `cuda`, `cuda:1`) seems to mean, in a thread that nobody waits for; None
    where it means another device, or several. Nothing happens on a machine without NVIDIA's driver."""
    number = _number(device)
    if number is None:
        return None
    thread = threading.Thread(target=_begin, args=(number,), name="context of a GPU", daemon=True)
    thread.start()
    return thread


def _number(device: str) -> int | None:
    if device in ("auto", "cuda"):
        return 0
    number = device.removeprefix("cuda:")
    return int(number) if number != device and number.isdecimal() else None


def _begin(number: int) -> None:
    """torch takes the primary context, which one driver call makes; whatever fails here is said by torch later."""
    with suppress(OSError, AttributeError):
        driver = ctypes.CDLL(DRIVER)
        gpu = ctypes.c_int()
        if driver.cuInit(0) == 0 and driver.cuDeviceGet(ctypes.byref(gpu), number) == 0:
            driver.cuDevicePrimaryCtxRetain(ctypes.byref(ctypes.c_void_p()), gpu)
