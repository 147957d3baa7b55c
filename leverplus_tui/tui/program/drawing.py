"""Pictures in the program: the terminal is asked, the way chosen, and pixels that text cannot hold are drawn over each frame."""

from __future__ import annotations

from typing import Any

from rich.console import RenderableType
from textual._compositor import ChopsUpdate
from textual.driver import Driver
from textual.geometry import Region
from textual.screen import Screen

from leverplus_tui.tui.graphics import kitty
from leverplus_tui.tui.graphics.asking import AskingDriver, taken, with_answers
from leverplus_tui.tui.graphics.way import CHOICES, Terminal, draw, drawing, to_be_asked
from leverplus_tui.tui.key_reader import Answered
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.requests import RequestApp
from leverplus_tui.tui.widgets.picture import CABINET, Picture

COVERING = "Toast, Tooltip"
"""What Textual lays over pages."""


class DrawingApp(RequestApp):
    """The part of the program that draws pictures."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self.terminal = Terminal(colours=self.console.color_system)
        self.pictures_asked = ""
        """How pictures are to be drawn as the command line says; empty where it does not."""
        self._frame: RenderableType | None = None
        self._over: dict[Picture, tuple[str, Region]] = {}
        """Sixel pictures that stand on the screen."""

    def get_driver_class(self) -> type[Driver]:
        """Textual's, which understands what a terminal says of itself."""
        return with_answers(super().get_driver_class())

    @property
    def pictures(self) -> str:
        """How pictures are to be drawn: auto, kitty, sixel, cells or off."""
        asked = self.pictures_asked or self.library.memory.now.pictures
        return asked if asked in CHOICES else "auto"

    def begin_pictures(self) -> None:
        """The first frame is out: ask the terminal, where its answer matters."""
        self.terminal.is_ours = isinstance(self._driver, AskingDriver) and not self.is_headless
        self.terminal.still = self.animation_level == "none"
        self._measure()
        CABINET.tell = self._tell_terminal
        self.app_resume_signal.subscribe(self, lambda _: self._come_back())
        self.choose_pictures()

    def _measure(self) -> None:
        if self.terminal.is_ours and isinstance(self._driver, AskingDriver):
            self.terminal.cell = self._driver.cell_pixels() or self.terminal.cell

    def on_resize(self) -> None:
        """Other letters may have come with another size."""
        self._measure()
        self._draw()

    def choose_pictures(self) -> None:
        """Draw as is wanted now."""
        if isinstance(self._driver, AskingDriver) and to_be_asked(self.pictures, self.terminal):
            self._driver.ask()
        self._draw()

    def settle_pictures(self) -> None:
        """Before the first frame: as is wanted, of a terminal that has said nothing yet."""
        draw(self.pictures, self.terminal)

    def on_answered(self, event: Answered) -> None:
        """The terminal said what it can; with its last answer pictures become what it can draw."""
        if taken(self.terminal, event.text):
            self._draw()

    def _draw(self) -> None:
        if draw(self.pictures, self.terminal):
            CABINET.redraw()
            self.screen.refresh()

    def _tell_terminal(self, text: str) -> None:
        if self._driver is not None and self.terminal.is_ours:
            self._driver.write(kitty.through_tmux(text) if self.terminal.is_nested else text)

    def _come_back(self) -> None:
        """A program that had the terminal meanwhile may have emptied its memory."""
        CABINET.forget()
        CABINET.redraw()

    def end_pictures(self) -> None:
        """Leave nothing in the terminal's memory."""
        CABINET.forget()
        CABINET.tell = lambda text: None

    def action_pictures(self) -> None:
        """The next way of drawing pictures, kept for the next time."""
        wanted = CHOICES[(CHOICES.index(self.pictures) + 1) % len(CHOICES)]
        self.pictures_asked = ""
        self.library.memory.keep(pictures=wanted)
        self.choose_pictures()

    # Sixel: pixels lie over text and go where the text below is written anew, so they follow each frame

    def _display(self, screen: Screen[Any], renderable: RenderableType | None) -> None:
        self._frame = renderable
        super()._display(screen, renderable)

    def _end_update(self) -> None:
        if self.terminal.is_ours and drawing().way == "sixel":
            self._draw_over(self._frame)
        super()._end_update()

    def _draw_over(self, frame: RenderableType | None) -> None:
        """Draw the pictures in view that this frame wrote over, and those that are new or moved."""
        covers = [cover.region for cover in self.screen.query(COVERING)]
        here: dict[Picture, tuple[str, Region]] = {}
        for picture in CABINET.shown:
            found = picture.pixels() if picture.is_attached and picture.screen is self.screen else None
            if found is None:
                continue
            sixel, region = found
            if any(region.overlaps(cover) for cover in covers):
                continue
            here[picture] = found
            if self._over.get(picture) != found or _writes_over(frame, region):
                self._driver_write(f"\x1b7\x1b[{region.y + 1};{region.x + 1}H{sixel}\x1b8")
        self._over = here

    def _driver_write(self, text: str) -> None:
        if self._driver is not None:
            self._driver.write(text)


def _writes_over(frame: RenderableType | None, region: Region) -> bool:
    """Whether a frame writes text on part of a region. All but partial frames may."""
    if not isinstance(frame, ChopsUpdate):
        return frame is not None
    return any(region.y <= y < region.bottom and x1 < region.right and x2 > region.x for y, x1, x2 in frame.spans)
