"""Lines of widgets that stand still: of a painting, Textual asks every widget whose place it may touch for all of its lines."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from textual._styles_cache import StylesCache
from textual.color import Color
from textual.geometry import Region
from textual.strip import Strip
from textual.style import Style
from textual.widget import Widget


class KeptLines(StylesCache):
    """Textual's cache of a widget's lines, which also keeps them as they were painted last, until one of them is refreshed."""

    def __init__(self) -> None:
        super().__init__()
        self._painted: tuple[object, list[Strip]] | None = None

    def set_dirty(self, *regions: Region) -> None:
        """Some lines are others now."""
        self._painted = None
        super().set_dirty(*regions)

    def clear(self) -> None:
        """All lines are others now."""
        self._painted = None
        super().clear()

    def render_widget(self, widget: Widget, crop: Region) -> list[Strip]:
        """The lines in `crop`; links under the mouse are drawn anew each time."""
        asked = crop, widget.get_line_filters(), widget.hover_style
        if self._painted is None or self._painted[0] != asked:
            strips = super().render_widget(widget, crop)
            self._painted = asked, strips
        return self._painted[1]


@lru_cache(1024)
def _inner_and_outer(base: Color, background: Color) -> tuple[Style, Style]:
    return Style(background=base + background), Style(background=base)


def forget_the_gone() -> None:
    """Textual remembers these colours by the cache that asked, and with it the lines of a thousand widgets that are gone."""
    StylesCache.get_inner_outer = staticmethod(_inner_and_outer)  # type: ignore[assignment,method-assign]


def keep_lines(widgets: Iterable[Widget]) -> None:
    """Let these widgets keep their lines from now on."""
    for widget in widgets:
        widget._styles_cache = KeptLines()
