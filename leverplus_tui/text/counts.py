"""How a count is written, in every language."""

from __future__ import annotations


def count(value: int) -> str:
    """Thousands apart: `41 200`."""
    return f"{value:,}".replace(",", " ")
