"""Text that changes with every key: of its lines only those that became others are painted."""

from __future__ import annotations

from itertools import zip_longest
from typing import Self

from textual.content import Content
from textual.geometry import Region
from textual.strip import Strip
from textual.visual import Visual
from textual.widgets import Static


class Lines(Static):
    """One line of the text is one line of the screen, unless some line is longer than the pane; then all are painted."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__("", id=id)
        self._lines: list[Content] = []
        self._others: tuple[Region, ...] = ()

    def show(self, content: Content) -> None:
        """Paint what is new, and lay the page out again only for a text that is longer than the pane."""
        before, lines = self._lines, list(content.split())
        if len(before) == len(lines) and all(new.is_same(old) for new, old in zip(lines, before, strict=True)):
            return
        single = self._is_unwrapped(lines)
        height = len(lines) if single else content.get_height({}, max(1, self.size.width))
        room = self.container_size.height
        fits = max(self.size.height, height) <= room
        if fits and before and single and self._is_unwrapped(before):
            self._others = tuple(self._changed(before, lines))
        self._lines = lines
        self.update(content, layout=not fits)
        self._others = ()

    def _is_unwrapped(self, lines: list[Content]) -> bool:
        return all(line.cell_length <= self.size.width for line in lines)

    def _changed(self, before: list[Content], lines: list[Content]) -> list[Region]:
        pairs = zip_longest(before, lines, fillvalue=Content())
        return [Region(0, y, self.size.width, 1) for y, (old, new) in enumerate(pairs) if not new.is_same(old)]

    def render_line(self, y: int) -> Strip:
        """One line of the text is drawn alone where none is wrapped and none is selected."""
        if y < len(self._lines) and self.text_selection is None and self._is_unwrapped(self._lines):
            return Visual.to_strips(self, self._lines[y], self.size.width, 1, self.visual_style)[0]
        return super().render_line(y)

    def refresh(self, *regions: Region, repaint: bool = True, layout: bool = False, recompose: bool = False) -> Self:
        """As Textual's; while a text is exchanged, of the lines that changed."""
        return super().refresh(*(self._others or regions), repaint=repaint, layout=layout, recompose=recompose)
