"""The keys that work now, read from the same tables that the keys themselves come from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from textual.app import App, ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen, Screen
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.tui.widgets.charts.bars import display_key

PAGE, EVERYWHERE = "This page", "Everywhere"
Sections = dict[str, dict[str, tuple[list[str], str]]]


def sections(bindings: Iterable[ActiveBinding]) -> Sections:
    """Title -> action -> (keys, words), in the order focus, page, everywhere.

    Every binding of ours has an id; what Textual itself binds (scrolling, focus) has none and would only be noise.
    """
    found: Sections = {}
    for active in bindings:
        binding = active.binding
        if not binding.description or not active.enabled or binding.id is None:
            continue
        actions = found.setdefault(_title(active), {})
        keys, _ = actions.setdefault(binding.action, ([], _sentence(binding)))
        if (key := display_key(binding)) not in keys:
            keys.append(key)
    return {title: actions for title, actions in found.items() if actions}


NAMES = {
    "LineTable": "In the table",
    "FieldTable": "In the form",
    "LogView": "In the log",
    "Matrix": "In the matrix of figures",
    "CurveGrid": "In the charts",
    "Metrics": "On this tab",
    "Answers": "On this tab",
    "Input": "In the text field",
    "Editor": "In the text field",
    "Narrow": "In the text field",
    "OptionList": "In the list of choices",
    "VerticalScroll": "In the text",
}
"""What is in focus, in words."""


def _title(active: ActiveBinding) -> str:
    if isinstance(active.node, App):
        return EVERYWHERE
    if isinstance(active.node, Screen):
        return PAGE
    kinds = (kind.__name__ for kind in type(active.node).__mro__)
    return next((NAMES[kind] for kind in kinds if kind in NAMES), "In focus")


def _sentence(binding: Binding) -> str:
    return shown(binding.tooltip or binding.description)


class HelpScreen(ModalScreen[None]):
    """`?`: every key of the focus, the page and the program."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "close", id="help.close"),
        Binding("j,down", "scroll(1)", show=False),
        Binding("k,up", "scroll(-1)", show=False),
        Binding("pagedown,ctrl+d,space", "page(1)", show=False),
        Binding("pageup,ctrl+u", "page(-1)", show=False),
        Binding("g,home", "to_end(-1)", show=False),
        Binding("G,end", "to_end(1)", show=False),
    ]

    def __init__(self, bindings: Iterable[ActiveBinding]) -> None:
        super().__init__()
        self.sections = sections(bindings)

    def compose(self) -> ComposeResult:
        """One block for each section."""
        with Vertical(classes="dialog wide"):
            yield Static(
                Content.assemble((shown("Keys"), "bold"), ("   " + shown("esc closes   j k g G scroll"), "$faint"))
            )
            with VerticalScroll(can_focus=False):
                for title, actions in self.sections.items():
                    yield Static(_block(title, actions))

    def action_scroll(self, lines: int) -> None:
        """j and k, as everywhere."""
        self.query_one(VerticalScroll).scroll_relative(y=lines, animate=False)

    def action_page(self, direction: int) -> None:
        """Scroll by what is in view."""
        self.action_scroll(direction * max(1, self.query_one(VerticalScroll).size.height - 1))

    def action_to_end(self, direction: int) -> None:
        """Go to the first or last line."""
        place = self.query_one(VerticalScroll)
        place.scroll_to(y=0 if direction < 0 else place.max_scroll_y, animate=False)


def _block(title: str, actions: dict[str, tuple[list[str], str]]) -> Content:
    parts: list[str | tuple[str, str]] = [(shown(title), "bold $primary"), "\n"]
    for keys, words in actions.values():
        together = " ".join(keys[:4])
        parts += [(f"  {together:<14}", "bold"), f" {words}\n"]
    return Content.assemble(*parts)
