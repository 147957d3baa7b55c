"""The whole report as blocks, in its order."""

from __future__ import annotations

from leverplus_tui.report.blocks import Block, Paragraph
from leverplus_tui.report.gather import Gathered
from leverplus_tui.report.privacy import EVERYTHING, Shown, hidden
from leverplus_tui.report.sections import made, results
from leverplus_tui.text.catalogue import Catalogue


def document(found: Gathered, say: Catalogue, shown: Shown = EVERYTHING) -> list[Block]:
    """The blocks of a report. What `shown` leaves out stands nowhere in it."""
    found = hidden(found, shown)
    return [
        *results.opening(found, say),
        *results.setup(found, say),
        *results.accuracies(found, say),
        *results.comparisons(found, say),
        *results.copied(found, say),
        *made.training(found, say),
        *made.health(found, say),
        *made.findings(found, say),
        *made.cost(found, say),
        *(made.again(found, say) if shown.command else ()),
        *made.environment(found, say),
        *([Paragraph(say("environment.hidden"))] if shown != EVERYTHING else ()),
        *made.limits(say),
    ]
