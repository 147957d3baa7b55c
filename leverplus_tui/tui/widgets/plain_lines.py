"""Frames, scroll bars and the like in ASCII, where the terminal has no other signs: Textual itself knows only the others."""

from __future__ import annotations

from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

LYING, STANDING = (
    "\u2500\u2501\u2504\u2505\u2508\u2509\u254c\u254d\u2550",
    "\u2502\u2503\u2506\u2507\u250a\u250b\u254e\u254f\u2551",
)
EDGES = "\u2580\u2581\u2594"
"""Blocks that Textual draws lines with."""
PLAIN = {
    **{sign: "+" for sign in range(0x2500, 0x2580)},
    **{sign: "#" for sign in range(0x2580, 0x25A0)},
    **{ord(sign): "-" for sign in (*LYING, *EDGES)},
    **{ord(sign): "|" for sign in (*STANDING, *"\u258a\u258e\u258c\u2590\u258d\u258f\u2595")},
    **{ord("\u00b7"): ".", ord("\u2022"): "*", ord("\u2026"): "~"},
}
"""Box drawing and blocks, all of one cell."""


class PlainLines(LineFilter):
    """Puts an ASCII sign in the place of each."""

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The same line in ASCII, but for what people wrote."""
        return [
            segment
            if segment.text.isascii()
            else Segment(segment.text.translate(PLAIN), segment.style, segment.control)
            for segment in segments
        ]
