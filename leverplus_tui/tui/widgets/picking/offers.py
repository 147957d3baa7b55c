"""What can be put into a text field: entries with what each is, and how far they agree with one another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Entry:
    """One thing that a field takes."""

    value: str
    """As it would be typed."""
    about: str = ""
    """What it is, in a few words."""
    label: str = ""
    """How the list calls it, where that is shorter."""

    @property
    def shown(self) -> str:
        """What stands in the list."""
        return self.label or self.value

    @property
    def goes_on(self) -> bool:
        """A folder, behind which more is typed."""
        return self.value.endswith("/")


Source = Callable[[str], Sequence[Entry]]
"""What a field takes for a text typed so far; called in a thread."""


def narrowed(entries: Sequence[Entry], text: str) -> list[Entry]:
    """Those that begin with the text, then those that hold all of its words in what they are called or are."""
    sought = text.strip().lower()
    first = [entry for entry in entries if entry.value.lower().startswith(sought)]
    words = sought.split()
    rest = [
        entry
        for entry in entries
        if entry not in first and all(word in f"{entry.value} {entry.about}".lower() for word in words)
    ]
    return [*first, *rest]


def agreed(entries: Sequence[Entry], text: str) -> str:
    """As far as all entries that go on from the text agree: what a shell puts in for tab. The text itself where none does."""
    values = [entry.value for entry in entries]
    fitting = [value for value in values if value.startswith(text)] or [
        value
        for value in values
        if value.lower().startswith(text.lower())  # typed in the wrong case, which is mended
    ]
    if not fitting:
        return text
    least, most = min(fitting), max(fitting)
    same = next((i for i, (a, b) in enumerate(zip(least, most, strict=False)) if a != b), len(least))
    return least[:same] if same >= len(text) else text
