"""Importing large libraries."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import import_module
from importlib.util import find_spec

from engine.common.collecting import uncollected

HIDDEN: dict[str, str] = {}
"""Package -> why it was hidden in this process."""


@contextmanager
def no_collections() -> Iterator[None]:
    """For importing torch or transformers: a fifth of the time would go into looking for garbage among what is imported,
    none of which is ever dropped. It is left out of later collections too."""
    with uncollected():
        try:
            yield
        finally:
            gc.freeze()


def hide_broken(package: str) -> None:
    """Makes an installed package that cannot be imported as good as none, and keeps the reason in `HIDDEN`.

    Transformers imports torchvision wherever it lies, and would load no model beside one that was built for another torch.
    """
    if package in sys.modules or find_spec(package) is None:
        return
    try:
        import_module(package)
    except (ImportError, RuntimeError, OSError, AttributeError) as error:
        for name in [one for one in sys.modules if one.split(".")[0] == package]:
            del sys.modules[name]
        vars(sys)["modules"][package] = None  # found by nobody
        HIDDEN[package] = " ".join(str(error).split())[:200] or type(error).__name__
