"""An image as half cells (two pixels in one character), decoded in a worker, debounced, the last 64 kept."""

from __future__ import annotations

import textwrap
from collections import OrderedDict
from dataclasses import dataclass
from pathlib import Path

from rich.segment import Segment
from rich.style import Style
from textual import events, work
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import get_current_worker

from leverplus_tui.text.glyphs import ascii_only
from leverplus_tui.text.words import clean
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.text import pad, shorten_path

DEBOUNCE_S = 0.08
KEPT = 64
LARGEST = (60, 22)
"""Cells; larger pictures cost more than they show."""

Key = tuple[str, int, int]
_finished: OrderedDict[Key, list[Strip]] = OrderedDict()


@dataclass(frozen=True, slots=True)
class Unreadable(Exception):
    """Why an image is not shown."""

    reason: str


def half_cells(path: Path, columns: int, rows: int) -> list[Strip]:
    """The image in at most `columns` x `rows` cells, its shape kept. Raises Unreadable with the reason."""
    # 36 ms (Pillow) that the first frame need not wait for
    from PIL import Image

    # Pillow again
    from engine.common.images import ImageProblem, as_rgb, open_image

    try:
        with open_image(path) as image:
            image.draft("RGB", (columns * 4, rows * 8))
            scale = min(columns / image.width, 2 * rows / image.height)
            width = max(1, round(image.width * scale))
            height = max(2, 2 * round(image.height * scale / 2))
            way = Image.Resampling.NEAREST if width > image.width else Image.Resampling.BOX
            small = as_rgb(image)[0].resize((width, height), way)
    except ImageProblem as error:
        found = path.exists()
        raise Unreadable(
            f"{path.name} cannot be read: {error.reason}" if found else f"{path.name} not found under {path.parent}"
        ) from None
    data = small.tobytes()
    return [_strip(data, 2 * row * width * 3, width) for row in range(height // 2)]


def _strip(data: bytes, offset: int, width: int) -> Strip:
    below = offset + width * 3
    segments: list[Segment] = []
    for x in range(0, width * 3, 3):
        top, bottom = data[offset + x : offset + x + 3], data[below + x : below + x + 3]
        style = Style(color=f"#{top.hex()}", bgcolor=f"#{bottom.hex()}")
        if segments and segments[-1].style == style:
            segments[-1] = Segment(segments[-1].text + "▀", style)
        else:
            segments.append(Segment("▀", style))
    return Strip(segments, width)


class Picture(TellsFailures, Widget):
    """One image, or one sentence why there is none."""

    DEFAULT_CSS = """
    Picture { height: 11; width: 1fr; color: $faint; }
    Picture.-named { height: 1 !important; }
    """

    @dataclass
    class Decoded(Message):
        """A worker finished with an image."""

        key: Key
        strips: list[Strip] | None
        reason: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.path = ""
        self.note = ""
        self._strips: list[Strip] = []
        self._timer: Timer | None = None

    def show(self, path: str, note: str = "") -> None:
        """Show the image of this path soon; an empty path shows `note` instead."""
        if path == self.path and note == self.note:
            return
        self.path, self.note, self._strips = path, note, []
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        drawable = not ascii_only() and self.app.console.color_system not in (None, "standard")
        self.set_class(bool(path) and not drawable, "-named")
        if path and not drawable:
            self.note = f"image: {shorten_path(clean(path), max(8, self.size.width - 7))}"
        elif (key := self._key()) in _finished:
            self._strips = _finished[key]
        elif path:
            self._timer = self.set_timer(DEBOUNCE_S, self._start)
        self.refresh()

    def _key(self) -> Key:
        return (self.path, min(self.size.width, LARGEST[0]), min(self.size.height, LARGEST[1]))

    def _start(self) -> None:
        self._timer = None
        key = self._key()
        if key[1] < 4 or key[2] < 2:
            return
        self._decode(key)

    @work(thread=True, exclusive=True, group="picture", exit_on_error=False)
    def _decode(self, key: Key) -> None:
        try:
            strips, reason = half_cells(Path(key[0]), key[1], key[2]), ""
        except Unreadable as error:
            strips, reason = None, error.reason
        if not get_current_worker().is_cancelled:
            self.post_message(self.Decoded(key, strips, reason))

    def on_picture_decoded(self, event: Decoded) -> None:
        """Take what the worker made, if it is still asked for."""
        event.stop()
        if event.strips is not None:
            _finished[event.key] = event.strips
            while len(_finished) > KEPT:
                _finished.popitem(last=False)
        if event.key == self._key():
            self._strips, self.note = event.strips or [], clean(event.reason)
            self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Decode again for the new size."""
        path, self.path = self.path, ""
        self.show(path, self.note)

    def render_line(self, y: int) -> Strip:
        """A line of the image, or of the sentence."""
        base = self.rich_style
        width = self.size.width
        if self._strips:
            strip = self._strips[y] if y < len(self._strips) else Strip.blank(width, base)
            return strip.adjust_cell_length(width, base)
        words = _wrapped(self.note, width)
        return Strip([Segment(pad(words[y] if y < len(words) else "", width), base)])


def _wrapped(text: str, width: int) -> list[str]:
    return textwrap.wrap(text, max(1, width)) if text else []
