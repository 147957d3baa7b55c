"""The terminal program under the name by which others import it."""

from leverplus_tui.tui.app import LeverplusApp

__all__ = ["LeverplusApp"]
