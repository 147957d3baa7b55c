"""What stands where there is nothing yet: the cause, and the keys that change it. Never a blank pane."""

from __future__ import annotations

from collections.abc import Sequence

from textual.content import Content
from textual.widgets import Static

from leverplus_tui.text.language import shown


class Empty(Static):
    """A heading, sentences, and choices as (key, what it does)."""

    DEFAULT_CSS = """
    Empty {
        width: 1fr;
        height: 1fr;
        content-align: center middle;
        text-align: left;
        color: $foreground;
        padding: 1 2;
    }
    """

    def __init__(
        self,
        heading: str = "",
        sentences: Sequence[str] = (),
        choices: Sequence[tuple[str, str]] = (),
        *,
        id: str | None = None,  # noqa: A002  # Textual's name
    ) -> None:
        super().__init__(_content(heading, sentences, choices), id=id)

    def say(self, heading: str, sentences: Sequence[str] = (), choices: Sequence[tuple[str, str]] = ()) -> None:
        """Say something else."""
        self.update(_content(heading, sentences, choices))


def _content(heading: str, sentences: Sequence[str], choices: Sequence[tuple[str, str]]) -> Content:
    parts: list[str | tuple[str, str]] = [(shown(heading), "bold"), "\n"]
    for sentence in sentences:
        parts += [(shown(sentence), "$faint"), "\n"]
    if choices:
        parts.append("\n")
    width = max((len(key) for key, _ in choices), default=0)
    for key, words in choices:
        parts += [(key.rjust(width), "bold $primary"), "  ", shown(words), "\n"]
    return Content.assemble(*parts)
