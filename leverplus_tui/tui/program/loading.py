"""Pages are imported when they are first asked for."""

from __future__ import annotations

import asyncio
import gc
import sys
from importlib import import_module


async def load(module: str) -> None:
    """Import in a thread, beside which the screen goes on. What is loaded stays until the end: looking through it for
    garbage would stop the screen for tens of milliseconds while the page is painted."""
    if module not in sys.modules:
        await asyncio.to_thread(import_module, module)
        gc.freeze()
