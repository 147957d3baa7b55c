"""Whether the figures of a file are percent or shares of one: decided once for the whole file, and checked."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from engine.figures.fields import BadValue

SCORE_STEP = {"OKVQA": 0.2, "VQAv2": 0.1}
"""Data set -> a question's score is a multiple of this, so an accuracy over n questions is a multiple of 100/n times it."""
PRINTED = 0.005
"""Half a unit of the second decimal: how far a printed percentage may be from the exact one."""
LEAST_SURE = 3.0
"""A file whose largest figure is above 1 and below this many percent is more likely another measure."""
OTHER_MEASURES = re.compile(r"cider|bleu|meteor|rouge|spice|perplexity|bertscore|wups", re.IGNORECASE)


class Printed(NamedTuple):
    """A figure as it stands in a file."""

    place: str
    """Where, in words."""
    value: float
    n: int
    """Questions behind it; 0 where that is not told."""
    dataset: str


def percent_factor(figures: Sequence[Printed]) -> float:
    """What all figures of a file are multiplied by to be percent: 1 where they are, 100 where they are shares of one.

    Raises BadValue, naming the first figure that is at fault, where they are no accuracies or of both units.
    """
    _refuse_other_measures(figures)
    largest = max((figure.value for figure in figures), default=0.0)
    if largest <= 1:
        return 100.0
    if largest < LEAST_SURE and not all(figure.dataset in SCORE_STEP and figure.n for figure in figures):
        worst = max(figures, key=lambda figure: figure.value)
        raise BadValue(
            f"{worst.place} is {worst.value:g}, more than a share of one can be and too little for percent; "
            "import accuracies, from 0 to 1 or from 0 to 100"
        )
    _refuse_both_units(figures)
    return 1.0


def off_by(value: float, n: int, step: float, half_unit: float = PRINTED) -> float:
    """How far a percentage is from the nearest possible sum of scores over n questions, beyond what printing rounds."""
    total = value * n / 100
    return abs(total - round(total / step) * step) - half_unit * n / 100


def _refuse_other_measures(figures: Sequence[Printed]) -> None:
    for figure in figures:
        named = OTHER_MEASURES.search(figure.place)
        if named:
            raise BadValue(f"{figure.place} is a figure of {named[0]}, not an accuracy")
        if not 0 <= figure.value <= 100:
            raise BadValue(
                f"{figure.place} is {figure.value:g}, and an accuracy is 0 to 100 percent: is it another measure, such as CIDEr?"
            )


def _refuse_both_units(figures: Sequence[Printed]) -> None:
    """In a file of percentages a figure that only a share can be, as far as the data set tells."""
    for figure in figures:
        step = SCORE_STEP.get(figure.dataset)
        small = 0 < figure.value <= 1
        if (
            step
            and figure.n
            and small
            and off_by(figure.value, figure.n, step) > 1e-6 >= off_by(100 * figure.value, figure.n, step)
        ):
            largest = max(one.value for one in figures)
            raise BadValue(
                f"{figure.place} is {figure.value:g}, a share of one beside percentages such as {largest:g}; write all in one unit"
            )
