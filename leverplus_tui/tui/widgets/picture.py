"""An image in the way that the terminal can draw it, decoded in a worker, debounced, the last 64 kept."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from weakref import WeakSet

from rich.segment import Segment
from textual import events, work
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.widget import Widget
from textual.worker import get_current_worker

from leverplus_tui.text.language import shown
from leverplus_tui.text.words import clean
from leverplus_tui.tui.graphics import kitty
from leverplus_tui.tui.graphics.finished import HALF_CELL, Finished, Key, Unreadable, finished
from leverplus_tui.tui.graphics.way import drawing
from leverplus_tui.tui.widgets.failing import TellsFailures
from leverplus_tui.tui.widgets.text import pad, shorten_path, wrapped

DEBOUNCE_S = 0.08
KEPT = 64
LARGEST = (60, 22)
"""Cells; larger pictures cost more than they show."""


class Cabinet:
    """Finished pictures, the terminal's knowledge of them, and the widgets that show some."""

    def __init__(self) -> None:
        self.shown: WeakSet[Picture] = WeakSet()
        self.tell: Callable[[str], None] = lambda text: None
        """Says something to the terminal; nothing where nobody listens to pictures."""
        self._finished: OrderedDict[Key, Finished] = OrderedDict()
        self._known: set[int] = set()
        """Numbers of pictures that the terminal knows."""

    def get(self, key: Key) -> Finished | None:
        """The picture, told to the terminal."""
        if (found := self._finished.get(key)) is None:
            return None
        self._finished.move_to_end(key)
        if found.sent and found.number not in self._known:
            self._known.add(found.number)
            self.tell(found.sent)
        return found

    def put(self, key: Key, picture: Finished) -> None:
        """Keep a picture; the one that was not looked at for longest goes, in the terminal too."""
        self._finished[key] = picture
        while len(self._finished) > KEPT:
            self._free(self._finished.popitem(last=False)[1])

    def forget(self) -> None:
        """Free the terminal's memory; what is shown again is told again."""
        for picture in self._finished.values():
            self._free(picture)

    def _free(self, picture: Finished) -> None:
        if picture.number in self._known:
            self._known.remove(picture.number)
            self.tell(kitty.forgotten(picture.number))

    def redraw(self) -> None:
        """Every picture again, in another way or for a terminal that forgot them."""
        for one in list(self.shown):
            one.again()


CABINET = Cabinet()


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
        picture: Finished | None
        reason: str

    def __init__(self, *, id: str | None = None, classes: str | None = None) -> None:  # noqa: A002  # Textual's name
        super().__init__(id=id, classes=classes)
        self.path = ""
        self.note = ""
        self._note = ""
        """What is said in the place of the image now."""
        self._picture: Finished | None = None
        self._timer: Timer | None = None

    def on_mount(self) -> None:
        """Another way of drawing concerns it from now on."""
        CABINET.shown.add(self)

    def on_unmount(self) -> None:
        """Nothing concerns it any more."""
        CABINET.shown.discard(self)

    def show(self, path: str, note: str = "") -> None:
        """Show the image of this path soon; an empty path shows `note` instead."""
        if path != self.path or note != self.note:
            self.path, self.note = path, note
            self.again()

    def again(self) -> None:
        """Draw what is shown anew, from what was kept if it was."""
        self._picture, self._note = None, self.note
        if self._timer is not None:
            self._timer.stop()
            self._timer = None
        named = bool(self.path) and drawing().way == "off"
        self.set_class(named, "-named")
        if named:
            self._note = shown(f"image: {shorten_path(clean(self.path), max(8, self.size.width - 7))}")
        elif self.path:
            self._picture = CABINET.get(self._key())
            if self._picture is None:
                self._timer = self.set_timer(DEBOUNCE_S, self._start)
        self.refresh()

    def _key(self) -> Key:
        now = drawing()
        room = min(self.size.width, LARGEST[0]), min(self.size.height, LARGEST[1])
        return Key(self.path, *room, now.way, HALF_CELL if now.way == "cells" else now.cell)

    def _start(self) -> None:
        self._timer = None
        key = self._key()
        if key.columns >= 4 and key.rows >= 2:
            self._decode(key)

    @work(thread=True, exclusive=True, group="picture", exit_on_error=False)
    def _decode(self, key: Key) -> None:
        try:
            picture, reason = finished(key), ""
        except Unreadable as error:
            picture, reason = None, error.reason
        if not get_current_worker().is_cancelled:
            self.post_message(self.Decoded(key, picture, reason))

    def on_picture_decoded(self, event: Decoded) -> None:
        """Take what the worker made, if it is still asked for."""
        event.stop()
        if event.picture is not None:
            CABINET.put(event.key, event.picture)
        if event.key == self._key():
            self._picture, self._note = CABINET.get(event.key), clean(event.reason)
            self.refresh()

    def on_resize(self, _: events.Resize) -> None:
        """Decode again for the new size."""
        self.again()

    def pixels(self) -> tuple[str, Region] | None:
        """A sixel picture and the part of the screen that it covers; None where it is not whole in view."""
        if self._picture is None or not self._picture.sixel or not self.is_on_screen:
            return None
        place = self.screen.find_widget(self)
        strips = self._picture.strips
        covered = Region(place.region.x, place.region.y, strips[0].cell_length, len(strips))
        return (self._picture.sixel, covered) if place.visible_region.contains_region(covered) else None

    def render_line(self, y: int) -> Strip:
        """A line of the image, or of the sentence."""
        base = self.rich_style
        width = self.size.width
        if self._picture is not None:
            strips = self._picture.strips
            strip = strips[y] if y < len(strips) else Strip.blank(width, base)
            return strip.adjust_cell_length(width, base)
        words = wrapped(self._note, max(2, width))
        return Strip([Segment(pad(words[y] if y < len(words) else "", width), base)])
