"""The end of a log file: lines are added as they come, the view follows until somebody scrolls up."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leverplus_tui.widgets.text import clean, count, pad, plural

MOST_LINES = 5000
_LEVEL = re.compile(r"\b(ERROR|CRITICAL|WARN(?:ING)?|Traceback|[A-Z]\w*(?:Error|Exception))\b")


def level_of(line: str) -> str:
    """`error`, `warning` or nothing, by the words in the line."""
    found = _LEVEL.search(line)
    if found is None:
        return ""
    return "warning" if found.group(1).startswith("WARN") else "error"


class LogView(ScrollView, can_focus=True, inherit_bindings=False):
    """Lines of a log; `follow` keeps the end in view."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("down,j", "by(1)", "Down", show=False, id="log.down"),
        Binding("up,k", "by(-1)", "Up", show=False, id="log.up"),
        Binding("pagedown,ctrl+d", "by_page(1)", "Page down", show=False, id="log.page-down"),
        Binding("pageup,ctrl+u", "by_page(-1)", "Page up", show=False, id="log.page-up"),
        Binding("home,g", "to_end(-1)", "First line", show=False, id="log.first"),
        Binding("end,G", "to_end(1)", "Last line", show=False, id="log.last"),
        Binding("left,h", "sideways(-8)", "Left", show=False, id="log.left"),
        Binding("right,l", "sideways(8)", "Right", show=False, id="log.right"),
        Binding("f", "follow", "follow", id="log.follow"),
        Binding("E", "first_error", "first error", id="log.first-error"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {"log-view--error", "log-view--warning", "log-view--faint"}
    DEFAULT_CSS = """
    LogView {
        height: 1fr;
        background: $background;
        border-top: solid $rule;
        border-title-color: $faint;
        padding: 0 1;
        scrollbar-size-vertical: 1;
        scrollbar-size-horizontal: 0;
        & > .log-view--error { color: $error; }
        & > .log-view--warning { color: $warning; }
        & > .log-view--faint { color: $faint; }
    }
    """

    follow: reactive[bool] = reactive(True, repaint=False)

    def __init__(self, *, empty: str = "Nothing logged yet", id: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id)
        self.lines: deque[str] = deque(maxlen=MOST_LINES)
        self.empty = empty
        self.dropped = 0
        self.unseen = 0

    def clear(self, empty: str = "") -> None:
        """Forget all lines."""
        self.lines.clear()
        self.dropped = self.unseen = 0
        self.empty = empty or self.empty
        self.follow = True
        self._grew()

    def add(self, lines: Iterable[str]) -> None:
        """Add lines; those beyond the newest 5,000 are dropped and counted."""
        fresh = [clean(line.rsplit("\r", 1)[-1]) for line in (text.rstrip("\r") for text in lines)]
        self.dropped += max(0, len(self.lines) + len(fresh) - MOST_LINES)
        self.lines.extend(fresh)
        if not self.follow:
            self.unseen += len(fresh)
        self._grew()

    def _grew(self) -> None:
        width = max((len(line) for line in self.lines), default=0)
        self.virtual_size = Size(width + 1, len(self.lines))
        if self.follow:
            self.call_after_refresh(self._show_end)
        self.border_title = self.status
        self.refresh()

    def _show_end(self) -> None:
        if self.follow:
            self.scroll_end(animate=False, immediate=True)

    @property
    def status(self) -> str:
        """What is not in view: lines dropped in front, new lines below."""
        if not self.lines:
            return ""
        parts = []
        if self.dropped:
            parts.append(f"last {plural(len(self.lines), 'line')}, {count(self.dropped)} before")
        else:
            parts.append(plural(len(self.lines), "line"))
        parts.append("following the end" if self.follow else f"paused, {plural(self.unseen, 'new line')} (f follows)")
        return " · ".join(parts)

    def watch_follow(self, follow: bool) -> None:
        """Following again shows the end."""
        if follow:
            self.unseen = 0
        self._grew()

    def _leave_end(self, target: float) -> None:
        self.follow = target >= self.max_scroll_y
        self.scroll_to(y=max(0, min(self.max_scroll_y, target)), animate=False)

    def action_by(self, lines: int) -> None:
        """Scroll by lines; away from the end the view stops following."""
        self._leave_end(self.scroll_offset.y + lines)

    def action_by_page(self, direction: int) -> None:
        """Scroll by what is in view."""
        self.action_by(direction * max(1, self.size.height - 1))

    def action_to_end(self, direction: int) -> None:
        """Go to the first or last line."""
        self._leave_end(0 if direction < 0 else self.max_scroll_y)

    def action_sideways(self, columns: int) -> None:
        """Scroll long lines."""
        self.scroll_to(x=max(0, self.scroll_offset.x + columns), animate=False)

    def action_follow(self) -> None:
        """Follow the end, or stop following."""
        self.follow = not self.follow

    def action_first_error(self) -> None:
        """Go to the first line that reports an error."""
        index = next((index for index, line in enumerate(self.lines) if level_of(line) == "error"), None)
        if index is None:
            self.notify("No error in these lines")
        else:
            self._leave_end(index)
            self.follow = False

    def on_mouse_scroll_up(self) -> None:
        """Scrolling up stops following."""
        self.follow = False

    def on_resize(self) -> None:
        """Keep the end in view."""
        self._grew()

    def render_line(self, y: int) -> Strip:
        """One line, coloured by its level."""
        x, index = self.scroll_offset.x, self.scroll_offset.y + y
        base, width = self.rich_style, self.size.width
        if not self.lines and y == 0:
            style = base + self.get_component_rich_style("log-view--faint", partial=True)
            return Strip([Segment(pad(self.empty, width), style)])
        if index >= len(self.lines):
            return Strip.blank(width, base)
        line = self.lines[index]
        level = level_of(line)
        style = base + (self.get_component_rich_style(f"log-view--{level}", partial=True) if level else base)
        return Strip([Segment(line, style)]).crop_extend(x, x + width, style)
