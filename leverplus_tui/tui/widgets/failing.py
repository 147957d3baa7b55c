"""Workers of widgets that fail are told upwards; Textual itself would keep silent about them."""

from __future__ import annotations

from textual.message_pump import MessagePump
from textual.worker import Worker, WorkerState

from leverplus_tui.tui.messages import WorkFailed


class TellsFailures(MessagePump):
    """Mix-in for a widget with workers."""

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed becomes a message that bubbles up to the program."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self.post_message(WorkFailed(event.worker.error))
