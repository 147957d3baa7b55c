"""Curves of the command line: braille, within the width asked for, and without what is no number."""

from __future__ import annotations

import math

from leverplus_tui.text.plot import curve


def test_a_curve_is_plain_text_of_the_size_asked_for() -> None:
    drawn = curve("rce val_loss", [(epoch, 5.0 - epoch) for epoch in range(1, 9)], width=50, height=10)
    assert max(map(len, drawn.splitlines())) <= 50
    assert len(drawn.splitlines()) <= 10
    assert "rce val_loss" in drawn
    assert "\x1b" not in drawn
    assert any("\u2800" < sign <= "\u28ff" for sign in drawn)


def test_values_that_are_no_numbers_are_left_out() -> None:
    assert curve("kl", [(1, math.nan)]) == "kl: no value is a number"
    assert curve("kl", [(1, 2.0), (2, math.inf), (3, 1.0)]) == curve("kl", [(1, 2.0), (3, 1.0)])


def test_epochs_are_whole() -> None:
    axis = curve("loss", [(float(epoch), 1 / epoch) for epoch in range(1, 11)]).splitlines()[-1]
    assert axis.split() == ["2", "4", "6", "8", "10"]
