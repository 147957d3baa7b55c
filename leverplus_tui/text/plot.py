"""Curves for the command line, drawn in characters. The app has a canvas of its own (`tui/widgets`)."""

from __future__ import annotations

import math
from collections.abc import Sequence

from leverplus_tui.text.scale import ticks

WIDTH, HEIGHT = 78, 14
X_TICKS = 6


def curve(title: str, points: Sequence[tuple[float, float]], *, width: int = WIDTH, height: int = HEIGHT) -> str:
    """A curve in braille with axes, without colours: `points` are (epoch, y), of which those that are no numbers are left out."""
    # 60 ms that no other command waits for
    import plotext

    known = [(x, y) for x, y in points if math.isfinite(y)]
    if not known:
        return f"{title}: no value is a number"
    plotext.clear_figure()
    plotext.plotsize(width, height)
    plotext.title(title)
    epochs = [x for x, _ in known]
    plotext.xticks(ticks(min(epochs), max(epochs), X_TICKS, whole=True))
    plotext.plot(epochs, [y for _, y in known], marker="braille")
    return "\n".join(line.rstrip() for line in plotext.uncolorize(plotext.build()).splitlines())
