"""The line above every screen (modes, what is going on) and the one below (keys that work here)."""

from __future__ import annotations

from typing import Any

from rich.cells import cell_len
from rich.segment import Segment
from textual.binding import Binding
from textual.content import Content
from textual.reactive import reactive
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget
from textual.widgets import Input, Static

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.tui.widgets.text import pad

MODES = (("runs", "Runs"), ("compare", "Compare"), ("data", "Data"), ("jobs", "Jobs"))


class ModeBar(Static):
    """`leverplus  [1 Runs] 2 Compare 3 Data 4 Jobs` and, at the right, what is going on."""

    DEFAULT_CSS = """
    ModeBar {
        height: 1;
        background: $panel;
        color: $foreground;
        padding: 0 1;
        link-style: none;
        link-color: $foreground;
        link-background-hover: $panel;
        link-color-hover: $primary;
        link-style-hover: bold;
    }
    """

    status: reactive[str] = reactive("")
    jobs: reactive[str] = reactive("")
    errands: reactive[str] = reactive("")

    def __init__(self, mode: str, jobs: str = "", errands: str = "", *, read_only: bool = False) -> None:
        super().__init__()
        self.read_only = read_only
        self.mode = mode
        self.set_reactive(ModeBar.jobs, jobs)
        self.set_reactive(ModeBar.errands, errands)

    def render(self) -> Content:
        """The line, as wide as there is room; the status gives way first."""
        width = self.size.width - 2
        parts: list[Content | str | tuple[str, str]] = [("leverplus", "bold $primary"), "  "]
        for number, (mode, english) in enumerate(MODES, start=1):
            title = shown(english)
            if mode == self.mode:
                parts.append((f" {number} {title} ", "bold $background on $primary"))
            else:
                parts.append(Content.from_markup(f"[@click=app.mode('{mode}')] {number} {title} [/]"))
        if self.read_only:
            parts.append((f" {shown('read-only')}", "bold $warning"))
        left = Content.assemble(*parts)
        room = width - left.cell_length
        if room < 3:
            return left
        told = self._told(room)
        status = pad(" " + self.status, room - cell_len(told), "right")
        return Content.assemble(left, (status, "$faint"), (told, "$accent"))

    def _told(self, room: int) -> str:
        """Jobs and errands; of both, where there is little room, errands, which nothing else shows."""
        jobs = "" if "running" in self.status else self.jobs
        both = ", ".join(words for words in (jobs, self.errands) if words)
        lines = (f"  {glyph('running')} {words}" for words in (both, self.errands, jobs) if words)
        return next((line for line in lines if cell_len(line) <= room), "")


def display_key(binding: Binding) -> str:
    """A key as it stands on the keyboard: `space`, `^p`, `?`."""
    key = binding.key_display or binding.key.split(",")[0]
    names = {
        "question_mark": "?",
        "slash": "/",
        "escape": "esc",
        "minus": "-",
        "percent_sign": "%",
        "plus": "+",
        "underscore": "_",
        "equals_sign": "=",
    }
    names |= {"comma": ",", "full_stop": ".", "greater_than_sign": ">", "less_than_sign": "<"}
    names |= {"right_square_bracket": "]", "left_square_bracket": "["}
    names |= {"right_curly_bracket": "}", "left_curly_bracket": "{"}
    if key.startswith("ctrl+"):
        return "^" + key.removeprefix("ctrl+")
    if key.startswith("shift+"):
        return key.removeprefix("shift+").upper() if len(key) == 7 else key
    return names.get(key, key)


def offered(screen: Screen[Any], action: str) -> bool:
    """Whether a page would name the key of this action now; windows name all of theirs."""
    offers = getattr(screen, "offers", None)
    return offers is None or bool(offers(action.partition("(")[0].rpartition(".")[2]))


class KeyBar(Widget):
    """As many of the keys that work now as fit, and always `? keys`."""

    DEFAULT_CSS = """
    KeyBar { height: 1; dock: bottom; background: $footer-background; color: $foreground; padding: 0 1; }
    KeyBar > .key-bar--key { color: $primary; text-style: bold; }
    KeyBar > .key-bar--word { color: $faint; }
    """
    COMPONENT_CLASSES = {"key-bar--key", "key-bar--word"}  # noqa: RUF012  # Textual declares the type

    def on_mount(self) -> None:
        """Draw again when the focus, and so the keys, change."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _: self.refresh())

    def pairs(self) -> list[tuple[str, str]]:
        """Keys and words in the order of their binding tables, the screen's before the app's."""
        found: dict[str, tuple[str, str]] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and active.enabled and binding.description and offered(self.screen, binding.action):
                found.setdefault(binding.action, (display_key(binding), shown(binding.description)))
        found.pop("help", None)
        return list(found.values())

    def render_line(self, _: int) -> Strip:
        """Pairs until the room ends."""
        base, width = self.rich_style, self.size.width
        key_style = base + self.get_component_rich_style("key-bar--key", partial=True)
        word_style = base + self.get_component_rich_style("key-bar--word", partial=True)
        typing = isinstance(self.screen.focused, Input)  # where `?` is a letter like any other
        tail = [] if typing else [Segment("?", key_style), Segment(f" {shown('keys')}", word_style)]
        room = width - sum(cell_len(part.text) for part in tail)
        segments: list[Segment] = []
        for key, word in self.pairs():
            need = cell_len(key) + 1 + cell_len(word) + 2
            if need > room:
                break
            room -= need
            segments += [Segment(key, key_style), Segment(f" {word}  ", word_style)]
        return Strip([*segments, Segment(" " * room, base), *tail]).adjust_cell_length(width, base)
