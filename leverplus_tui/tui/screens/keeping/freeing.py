"""What lies on the disk, by run, and what of it can go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural, size
from leverplus_tui.text.words import clean
from leverplus_tui.tui.messages import Work
from leverplus_tui.tui.screens.dialogs import YesOrNo, keys_line
from leverplus_tui.tui.screens.run.info import Part

MOST = 12
"""Runs that are listed, the largest."""


class FreeScreen(YesOrNo[None]):
    """Shows it; frees it after a yes."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "free", "free it", id="gc.free"),
        Binding("n,escape", "dismiss", "leave it", key_display="n", id="gc.leave"),
    ]

    def __init__(self, found: Mapping[str, Any], free: Callable[[], Work]) -> None:
        """`found` is what `leverplus gc --dry-run --json` says."""
        super().__init__()
        self.found, self._free = found, free

    def compose(self) -> ComposeResult:
        """What can go, then what there is."""
        freeable = self.found["freeable"]
        with Vertical(classes="dialog wide"):
            yield Static(Content.styled(shown(f"{size(freeable)} can go" if freeable else "Nothing can go"), "bold"))
            with VerticalScroll():
                yield Static(Content.assemble(*_parts(self.found)))
            yield keys_line(*((("y", "free it"), ("n", "leave it")) if freeable else (("esc", "close"),)))

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """There may be nothing to free."""
        return action != "free" or bool(self.found["freeable"])

    def action_free(self) -> None:
        """Close, and free."""
        self.app.post_message(self._free())
        self.dismiss()


def _parts(found: Mapping[str, Any]) -> list[Part]:
    parts: list[Part] = []
    for one in found["waste"]:
        parts += [f"{size(one['bytes']):>9}  {clean(one['path'])}", (f"  {clean(one['why'])}\n", "$faint")]
    whole = ", ".join(f"{name} {size(found[name])}" for name in ("database", "cache", "backups"))
    parts += ["\n" if parts else "", f"{whole}\n"]
    runs = list(found["runs"].items())
    parts += [(f"{size(octets):>9}  {run}\n", "$faint") for run, octets in runs[:MOST]]
    if len(runs) > MOST:
        parts.append((shown(f"the {MOST} largest of {plural(len(runs), 'run')}\n"), "$faint"))
    return parts
