"""What a pointer selector is made of. The published variants are combinations of these parts; this table is the only place that knows their names."""

from __future__ import annotations

from db.specs.base import Spec


class SelectorParts(Spec):
    """The named parts of a pointer selector."""
