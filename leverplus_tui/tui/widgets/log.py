"""The end of a log file: lines are added as they come, the view follows until somebody scrolls up; long lines are wrapped."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from itertools import islice
from operator import itemgetter
from typing import ClassVar

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import count, plural
from leverplus_tui.text.words import clean
from leverplus_tui.tui.widgets.text import pad, wrapped

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
        Binding("f", "screen.follow", "follow", id="log.follow"),
        Binding("slash", "screen.find", "find", id="log.find"),
        Binding("n", "screen.match(1)", "next match", show=False, id="log.next-match"),
        Binding("N", "screen.match(-1)", "previous match", show=False, id="log.previous-match"),
        Binding("w", "wrap", "wrap", tooltip="wrap long lines, or scroll them sideways", id="log.wrap"),
        Binding("E", "screen.first_error", "first error", id="log.first-error"),
        Binding("o", "screen.pager", "pager", tooltip="read the whole log in $PAGER", id="log.pager"),
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
        self.live = True
        """Whether more lines are to be expected."""
        self.wrap = True
        self.dropped = 0
        self.unseen = 0
        self.needle = ""
        self._found: int | None = None
        """Number of the line that was found; lines are numbered from the first that ever came, those dropped too."""
        self._drawn: list[tuple[int, str]] = []
        """What each row on the screen shows: the number of the line that it belongs to, and the part of it."""
        self._width = 0
        """Cells that the rows were wrapped to."""

    def clear(self, empty: str = "") -> None:
        """Forget all lines."""
        self.lines.clear()
        self.dropped = self.unseen = 0
        self.empty = empty or self.empty
        self.needle, self._found = "", None
        self.follow = True
        self._draw_anew()

    def add(self, lines: Iterable[str]) -> None:
        """Add lines; those beyond the newest 5,000 are dropped and counted."""
        fresh = [clean(line.rsplit("\r", 1)[-1]) for line in (text.rstrip("\r") for text in lines)]
        known = self.dropped + len(self.lines)
        self.dropped += max(0, len(self.lines) + len(fresh) - MOST_LINES)
        self.lines.extend(fresh)
        if not self.follow:
            self.unseen += len(fresh)
        del self._drawn[: bisect_left(self._drawn, self.dropped, key=itemgetter(0))]
        self._draw(max(known, self.dropped))

    def expect(self, *, more: bool) -> None:
        """Say whether the job behind the log goes on."""
        if more != self.live:
            self.live = more
            self.border_title = self.status

    def _draw_anew(self) -> None:
        self._drawn = []
        self._draw(self.dropped)

    def _draw(self, begin: int) -> None:
        """Add rows for the lines from number `begin` on; where the width is no longer that of the others, all rows."""
        width = max(1, self.scrollable_content_region.width)
        if width != self._width:
            begin, self._drawn, self._width = self.dropped, [], width
        lines = enumerate(islice(self.lines, begin - self.dropped, None), begin)
        self._drawn += [(number, part) for number, line in lines for part in self._parts(line, width)]
        if not self.wrap:
            width = 1 + max(map(cell_len, self.lines), default=0)
        self.virtual_size = Size(width, len(self._drawn))
        self._show()

    def _show(self) -> None:
        self.call_after_refresh(self._show_end)
        self.border_title = self.status
        self.refresh()

    def _parts(self, line: str, width: int) -> list[str]:
        return wrapped(line, width) if self.wrap else [line]

    def _show_end(self) -> None:
        if self.follow:
            self.scroll_end(animate=False, immediate=True, force=True)  # a view without its bar yet would refuse
        if self.show_vertical_scrollbar:  # a layout tells it of new lines only where the size of the view changes too
            bar = self.vertical_scrollbar
            bar.window_virtual_size, bar.window_size = self.virtual_size.height, self.scrollable_content_region.height
            bar.position = self.scroll_y

    @property
    def status(self) -> str:
        """What is not in view: lines dropped in front, new lines below; where the text that is looked for stands."""
        if not self.lines:
            return ""
        many = plural(len(self.lines), "line")
        parts = [shown(f"last {many}, {count(self.dropped)} before") if self.dropped else many]
        if not self.live:
            parts.append(shown("the job has ended"))
        elif self.follow:
            parts.append(shown("following the end"))
        else:
            parts.append(shown(f"paused, {plural(self.unseen, 'new line')} (f follows)"))
        if self.needle and self._found is not None:
            matches = self._matches()
            parts.append(
                shown(f"'{self.needle}' {sum(1 for index in matches if index <= self._found)} of {len(matches)} (n N)")
            )
        return " · ".join(parts)

    def watch_follow(self, follow: bool) -> None:
        """Following again shows the end."""
        if follow:
            self.unseen = 0
        self._show()

    def watch_show_vertical_scrollbar(self) -> None:
        """A bar that comes late knows nothing of what it stands for."""
        self.call_after_refresh(self._show_end)

    # Scrolling

    def _leave_end(self, target: float) -> None:
        self.follow = target >= self.max_scroll_y
        self.scroll_to(y=max(0, min(self.max_scroll_y, target)), animate=False)

    def _go_to_line(self, number: int) -> None:
        self.follow = False
        row = bisect_left(self._drawn, number, key=itemgetter(0))
        self.scroll_to(y=max(0, min(self.max_scroll_y, row)), animate=False)

    def action_by(self, lines: int) -> None:
        """Scroll by lines; away from the end the view stops following."""
        self._leave_end(self.scroll_offset.y + lines)

    def action_by_page(self, direction: int) -> None:
        """Scroll by what is in view."""
        self.action_by(direction * max(1, self.size.height - 1))

    def action_to_end(self, direction: int) -> None:
        """Go to the first or last line."""
        self._leave_end(0 if direction < 0 else self.max_scroll_y)

    def action_wrap(self) -> None:
        """Wrap long lines, or leave them long."""
        self.wrap = not self.wrap
        self.scroll_to(x=0, animate=False)
        self._draw_anew()

    def action_sideways(self, columns: int) -> None:
        """Scroll long lines, which are no longer wrapped then."""
        if self.wrap:
            self.action_wrap()
        self.scroll_to(x=max(0, self.scroll_offset.x + columns), animate=False)

    def action_follow(self) -> None:
        """Follow the end, or stop following."""
        self.follow = not self.follow

    # Searching

    def action_first_error(self) -> None:
        """Go to the first line that reports an error."""
        index = next((index for index, line in enumerate(self.lines) if level_of(line) == "error"), None)
        if index is None:
            self.notify("No error in these lines")
        else:
            self._go_to_line(self.dropped + index)

    def find(self, needle: str) -> None:
        """Go to the first line at or below the top of the view that has this text, capitals aside."""
        self.needle = needle
        top = self._drawn[self.scroll_offset.y][0] if self._drawn else 0
        self._found = top - 1
        self.action_match(1)

    def action_match(self, step: int) -> None:
        """Go to the next or previous line that has the text, round the end."""
        matches = self._matches()
        if not matches:
            self.notify(f"No line has '{self.needle}'" if self.needle else "Nothing is looked for: / asks for a text")
            self._found = None
        else:
            here = -1 if self._found is None else self._found
            ahead = [index for index in matches if (index > here if step > 0 else index < here)]
            self._found = (ahead or matches)[0 if step > 0 else -1]
            self._go_to_line(self._found)
        self.border_title = self.status
        self.refresh()

    def _matches(self) -> list[int]:
        wanted = self.needle.casefold()
        lines = enumerate(self.lines, self.dropped)
        return [number for number, line in lines if wanted in line.casefold()] if wanted else []

    # Drawing

    def on_mouse_scroll_up(self) -> None:
        """Scrolling up stops following."""
        self.follow = False

    def on_resize(self) -> None:
        """Wrap anew and keep the end in view."""
        self._draw_anew()

    def render_line(self, y: int) -> Strip:
        """One row, coloured by the level of its line."""
        x, row = self.scroll_offset.x, self.scroll_offset.y + y
        base, width = self.rich_style, self.size.width
        if not self.lines and y == 0:
            style = base + self.get_component_rich_style("log-view--faint", partial=True)
            return Strip([Segment(pad(self.empty, width), style)])
        if row >= len(self._drawn):
            return Strip.blank(width, base)
        number, text = self._drawn[row]
        level = level_of(self.lines[number - self.dropped])
        style = base + (self.get_component_rich_style(f"log-view--{level}", partial=True) if level else base)
        return Strip(self._marked(text, style)).crop_extend(x, x + width, style)

    def _marked(self, text: str, style: Style) -> list[Segment]:
        """The text with what is looked for in reverse."""
        if not self.needle:
            return [Segment(text, style)]
        parts = re.split(f"({re.escape(self.needle)})", text, flags=re.IGNORECASE)
        return [Segment(part, style + Style(reverse=place % 2 == 1)) for place, part in enumerate(parts)]
