"""Looking without changing: which keys and requests change something, and the one place that refuses them."""

from __future__ import annotations

from typing import Any

from textual.dom import DOMNode
from textual.message import Message

from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.ordered_keys import OrderedKeys

CHANGES = frozenset(
    {
        "add", "add_data", "again", "ask", "ask_model", "bring_back", "delete", "demo", "derive", "empty", "erase", "evaluate",
        "export", "first", "force", "forget", "free", "import_file", "launch", "note", "pager", "pause",
        "pause_all", "prioritise", "rename", "repeat", "resume", "resume_missing", "stop", "stop_all", "submit", "sweep",
        "tag", "task", "train",
    }
)  # fmt: skip
"""Actions that start, stop, delete, name or write something, or leave the program (a pager can start a shell)."""
REQUESTS = (
    messages.AddData, messages.EditLaunch, messages.ImportFile, messages.LaunchDemo, messages.RepeatRun, messages.ResumeRun,
    messages.StopRuns, messages.Begin, messages.Work,
)  # fmt: skip
"""What pages ask the app to do, by whatever way they came to ask."""
WORDS = "Read-only: this window changes nothing"


class ReadOnlyKeys(OrderedKeys):
    """The part of the program that refuses what changes something, where the home is opened for looking alone.

    A third wall stands in the database file itself, which begins no transaction that writes.
    """

    def __init__(self, library: Library) -> None:
        super().__init__()
        self.library = library

    def _refuses(self, action: Any, namespace: DOMNode, namespaces: Any = None) -> bool:
        return self.library.read_only and self._parse_action(action, namespace, namespaces)[1] in CHANGES

    def _check_action_state(self, action: Any, default_namespace: DOMNode) -> bool | None:
        """Keys that are refused stand in no footer and no help."""
        return not self._refuses(action, default_namespace) and super()._check_action_state(action, default_namespace)

    async def run_action(
        self, action: Any, default_namespace: DOMNode | None = None, namespaces: Any = None
    ) -> bool:  # every key, click and command of the palette comes through here
        """As Textual's, but what would change something is refused in a sentence."""
        if self._refuses(action, default_namespace or self, namespaces):
            self.notify(WORDS, severity="warning")
            return True
        return await super().run_action(action, default_namespace, namespaces)

    def check_message_enabled(self, message: Message) -> bool:
        """Requests of pages, which come by here on their way to the app."""
        if self.library.read_only and isinstance(message, REQUESTS):
            self.notify(WORDS, severity="warning")
            return False
        return super().check_message_enabled(message)
