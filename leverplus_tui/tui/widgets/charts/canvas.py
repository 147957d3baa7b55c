"""Dots in cells of text: 2 x 4 dots of braille in each, or 1 x 2 signs of ASCII, with one colour for a cell."""

from __future__ import annotations

from collections.abc import Iterator

from leverplus_tui.text.glyphs import ascii_only

_BITS = ((0x01, 0x08), (0x02, 0x10), (0x04, 0x20), (0x40, 0x80))
"""Bit of the dot at [row][column] of a braille cell."""
_PLAIN = (" ", "'", ".", ":")
BRAILLE = 0x2800


class Canvas:
    """Cells of dots. Coordinates are dots from the top left; a colour is any number, what is drawn last has its way."""

    def __init__(self, width: int, height: int) -> None:
        """`width` x `height` cells."""
        self.width, self.height = width, height
        self.plain = ascii_only()
        self.across, self.down = (1, 2) if self.plain else (2, 4)
        self._bits = [[0] * width for _ in range(height)]
        self._colours = [[-1] * width for _ in range(height)]
        self._signs: dict[tuple[int, int], tuple[str, int]] = {}

    @property
    def size(self) -> tuple[int, int]:
        """Dots across and down."""
        return self.width * self.across, self.height * self.down

    def dot(self, x: int, y: int, colour: int) -> None:
        """Set a dot; outside is nothing."""
        column, row = x // self.across, y // self.down
        if x >= 0 and y >= 0 and column < self.width and row < self.height:
            self._bits[row][column] |= 1 << (y % 2) if self.plain else _BITS[y % 4][x % 2]
            self._colours[row][column] = colour

    def line(self, x0: int, y0: int, x1: int, y1: int, colour: int) -> None:
        """A straight line of dots."""
        steps = max(abs(x1 - x0), abs(y1 - y0), 1)
        for step in range(steps + 1):
            self.dot(x0 + round((x1 - x0) * step / steps), y0 + round((y1 - y0) * step / steps), colour)

    def shade(self, x: int, y0: int, y1: int, colour: int) -> None:
        """Every second dot of a column, so that a band is seen and what lies on it too."""
        for y in range(min(y0, y1), max(y0, y1) + 1):
            if (x + y) % 2 == 0:
                self.dot(x, y, colour)

    def dashes(self, y: int, colour: int) -> None:
        """A level line, broken so that it is no curve."""
        for x in range(self.size[0]):
            if x % 6 < 3:
                self.dot(x, y, colour)

    def sign(self, column: int, row: int, text: str, colour: int) -> None:
        """Put text over the dots, from this cell on, as far as there is room."""
        for offset, character in enumerate(text):
            if 0 <= column + offset < self.width and 0 <= row < self.height:
                self._signs[row, column + offset] = character, colour

    def row(self, row: int) -> Iterator[tuple[str, int]]:
        """Parts of a line of cells with their colours; -1 is none."""
        text, before = "", -1
        for column in range(self.width):
            bits = self._bits[row][column]
            character = _PLAIN[bits] if self.plain else chr(BRAILLE + bits) if bits else " "
            colour = self._colours[row][column] if bits else before
            character, colour = self._signs.get((row, column), (character, colour))
            if colour != before and text:
                yield text, before
                text = ""
            text, before = text + character, colour
        if text:
            yield text, before
