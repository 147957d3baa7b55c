"""Text that changes with every key: of its lines only those that became others are painted."""

from __future__ import annotations

from itertools import zip_longest
from typing import Self

from textual.content import Content
from textual.geometry import Region
from textual.widgets import Static


class Lines(Static):
    """One line of the text is one line of the screen, unless some line is longer than the pane; then all are painted."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__("", id=id)
        self._shown: Content | None = None
        self._others: tuple[Region, ...] = ()

    def show(self, content: Content) -> None:
        """Paint what is new, and lay the page out again only for a text that is longer than the pane."""
        before, self._shown = self._shown, content
        if before is not None and content.is_same(before):
            return
        room = self.container_size.height
        fits = self.size.height <= room and content.get_height({}, max(1, self.size.width)) <= room
        if fits and before is not None and self._is_unwrapped(before) and self._is_unwrapped(content):
            self._others = tuple(self._changed(before, content))
        self.update(content, layout=not fits)
        self._others = ()

    def _is_unwrapped(self, content: Content) -> bool:
        return all(line.cell_length <= self.size.width for line in content.split())

    def _changed(self, before: Content, content: Content) -> list[Region]:
        pairs = zip_longest(before.split(), content.split(), fillvalue=Content())
        return [Region(0, y, self.size.width, 1) for y, (old, new) in enumerate(pairs) if not new.is_same(old)]

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's; while a text is exchanged, of the lines that changed."""
        return super().refresh(*(self._others or regions), repaint=repaint, layout=layout, recompose=recompose)
