"""What is told to the person: messages, which are kept, and errors, in a sentence or in a window with the traceback."""

from __future__ import annotations

import traceback
from collections import deque

from textual.worker import Worker, WorkerState

from db.user_error import UserError
from leverplus_tui.text.language import shown
from leverplus_tui.tui import messages
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.program.read_only import ReadOnlyKeys
from leverplus_tui.tui.screens.dialogs import Tell
from leverplus_tui.tui.ways import in_app

MESSAGES_KEPT = 200


class TellingApp(ReadOnlyKeys):
    """The part of the program that speaks."""

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._messages: deque[str] = deque(maxlen=MESSAGES_KEPT)

    @property
    def at_work(self) -> list[str]:
        """What the program is doing now, a line for each."""
        return []

    def action_messages(self) -> None:
        """Show the messages so far."""
        text = "\n".join([*self.at_work, *reversed(self._messages)]) or "No messages yet"
        self.push_screen(Tell("Messages, newest first", text))

    def notify(
        self,
        message: str,
        *,
        title: str = "",
        severity: str = "information",
        timeout: float | None = None,
        markup: bool = False,
    ) -> None:
        """As Textual's, but text is never markup unless said so, names keys beside commands, and is kept for `m`."""
        message, title = in_app(shown(message)), shown(title)
        self._messages.append(f"{title}: {message}" if title else message)
        super().notify(message, title=title, severity=severity, timeout=timeout, markup=markup)  # type: ignore[arg-type]  # severity is checked there

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The app's own workers that failed."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.show_error(event.worker.error)

    def on_work_failed(self, event: messages.WorkFailed) -> None:
        """Workers of pages that failed."""
        self.show_error(event.error)

    def show_error(self, error: BaseException) -> None:
        """One sentence for the user's fault; for ours a window with the traceback, which is also written to a file."""
        if isinstance(error, UserError):
            self.notify(str(error), severity="error", timeout=10)
            return
        trace = "".join(traceback.format_exception(error))
        path = self._keep(trace)
        self.push_screen(
            Tell("Something went wrong in this program", f"The whole report is in {path}\n\n{trace}", error=True)
        )

    def _keep(self, trace: str) -> str:
        path = self.library.home.root / "tui-errors.log"
        try:
            with path.open("a", encoding="utf-8") as file:
                file.write(trace + "\n")
        except OSError as refused:
            return f"nowhere, because {path} cannot be written: {refused.strerror}"
        return str(path)
