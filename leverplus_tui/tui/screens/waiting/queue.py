"""The queue: what runs and what waits, for which device and why, in the order in which it will start."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from textual import on, work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.widgets import Static

from leverplus_tui.text.language import shown
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import OpenRun, ResumeRun, StopRuns
from leverplus_tui.tui.screens.run.actions import RUN_KEYS, RunActions, named
from leverplus_tui.tui.screens.waiting.queue_rows import COLUMNS, device_parts, queue_row, said_of
from leverplus_tui.tui.widgets.empty import Empty
from leverplus_tui.tui.widgets.table import LineTable

if TYPE_CHECKING:
    from db.store import RunRow
    from leverplus_tui.tui.reading.rows import Queue

HELD_BACK = ("pause", "shift", "first", "prioritise")
"""What can be done to runs that wait."""


class QueueScreen(RunActions):
    """One line for each run; the one under the cursor in words below."""

    MODE = "jobs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "mark", "mark", id="queue.mark"),
        Binding("p", "pause", "pause", tooltip="pause what waits, or let it wait again", id="queue.pause"),
        Binding("K", "shift(-1)", "up", tooltip="start it before the one above", id="queue.earlier"),
        Binding("J", "shift(1)", "down", tooltip="start it after the one below", id="queue.later"),
        Binding("F", "first", "first", tooltip="start it before all others", id="queue.first"),
        Binding("greater_than_sign", "prioritise(1)", "priority", tooltip="a higher priority", id="queue.higher"),
        Binding("less_than_sign", "prioritise(-1)", "lower", tooltip="a lower priority", show=False, id="queue.lower"),
        Binding("Z", "pause_all", "pause all", tooltip="pause all that waits, or let all wait again", id="queue.pause-all"),
        *RUN_KEYS,
    ]  # fmt: skip

    def __init__(self, library: Library) -> None:
        super().__init__(library)
        self._queue: Queue | None = None

    def body(self) -> ComposeResult:
        """Devices, runs, the one under the cursor."""
        yield Static("", id="devices")
        yield Empty("Reading the queue", id="empty")
        yield LineTable(COLUMNS, id="queue")
        yield Static("", id="queue-said")

    def on_mount(self) -> None:
        """Nothing is read yet."""
        self.table.display = False

    @property
    def table(self) -> LineTable:
        """The runs."""
        return self.query_one("#queue", LineTable)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Keys for waiting runs are offered where one waits."""
        if action in (*HELD_BACK, "pause_all", "mark"):
            return bool(self._queue and self._queue.waiting)
        return bool(self._queue and self._queue.rows) or action in ("back", "grow")

    # Reading

    async def reload(self) -> None:
        """Read the queue."""
        first = self._queue is None or not self._queue.rows
        queue = self._queue = await asyncio.to_thread(self.library.database.queue)
        keys = [*queue.running, *queue.waiting, *queue.ended]
        self.refresh_bindings()
        self.query_one("#empty").display = not keys
        self.query_one("#empty", Empty).say(
            "Nothing runs and nothing waits",
            ["What is queued starts by itself when its device is free, also when this program is closed"],
            [("A", "on a run: repeat it, now or in the queue"), ("W", "sweeps: many runs at once"), ("esc", "back")],
        )
        self.table.display = bool(keys)
        self.query_one("#queue-said").display = bool(keys)
        self.show_ages()
        self.table.set_keys(keys)
        self.query_one("#devices", Static).update(Content.assemble(*device_parts(queue.devices)))
        self.bar.status = shown(f"queue: {len(queue.running)} running, {len(queue.waiting)} waiting")
        self._say()
        if first and keys:
            self.table.focus()

    def show_ages(self) -> None:
        """Write the rows again."""
        if (queue := self._queue) is not None:
            places = {run_id: str(place) for place, run_id in enumerate(queue.waiting, start=1)}
            self.table.put_rows(
                {run_id: queue_row(queue, run_id, places.get(run_id, "")) for run_id in self._keys(queue)}, fresh=True
            )

    def _keys(self, queue: Queue) -> list[int]:
        return [*queue.running, *queue.waiting, *queue.ended]

    @on(LineTable.Moved)
    def moved(self, event: LineTable.Moved) -> None:
        """The words follow the cursor."""
        event.stop()
        self._say()

    def _say(self) -> None:
        run_id, queue = self.table.cursor_key, self._queue
        if queue is not None and run_id in queue.rows and run_id is not None:
            self.query_one("#queue-said", Static).update(Content.assemble(*said_of(queue, run_id)))
        self.follow_state()

    # What can be done

    def here(self) -> int | None:
        """The run under the cursor."""
        return self.table.cursor_key

    def run_here(self) -> RunRow | None:
        """The row under the cursor."""
        return self._queue.rows.get(key) if self._queue is not None and (key := self.here()) is not None else None

    def offers(self, action: str) -> bool:
        """What waits can have its next try at once."""
        run = self.run_here()
        waits = action == "resume" and run is not None and self._queue is not None and run.id in self._queue.waiting
        return waits or super().offers(action)

    def meant(self) -> tuple[int, ...]:
        """The marked runs, or the one under the cursor."""
        return tuple(self.table.marked) or super().meant()

    def action_mark(self) -> None:
        """Mark or unmark."""
        self.table.toggle_mark()

    @on(LineTable.Chosen)
    def chosen(self, event: LineTable.Chosen) -> None:
        """Enter opens the run."""
        event.stop()
        self.post_message(OpenRun(event.key))

    def _waiting(self) -> tuple[int, ...]:
        """Of the runs that are meant, those that wait; says so where none does."""
        assert self._queue is not None, "keys come after reading"
        found = tuple(run_id for run_id in self.meant() if run_id in self._queue.waiting)
        if not found:
            self.notify("This run does not wait: it runs already, or has ended")
        return found

    @work(group="queue", exit_on_error=False)
    async def _change(self, change: Callable[[], None], words: str) -> None:
        """Write, let the dispatcher see it, say it."""
        await asyncio.to_thread(change)
        await asyncio.to_thread(self.library.tend)
        self.notify(words)

    def action_stop(self) -> None:
        """Stop what is meant, whether it runs or waits."""
        if run_ids := self.meant():
            self.post_message(StopRuns(run_ids))

    def action_pause(self) -> None:
        """Hold runs back, or let them wait again."""
        if run_ids := self._waiting():
            assert self._queue is not None, "something waits"
            paused = not all(self._queue.tickets[run_id].paused for run_id in run_ids)
            self._pause(run_ids, paused=paused)

    def action_pause_all(self) -> None:
        """Hold all back, or let all wait again."""
        if self._queue is not None and self._queue.waiting:
            paused = not all(self._queue.tickets[run_id].paused for run_id in self._queue.waiting)
            self._pause(self._queue.waiting, paused=paused)

    def _pause(self, run_ids: tuple[int, ...], *, paused: bool) -> None:
        words = f"{named(run_ids)} {'paused' if paused else 'waits again' if len(run_ids) == 1 else 'wait again'}"
        self._change(lambda: self.library.database.pause(run_ids, paused=paused), words)

    def action_prioritise(self, step: int) -> None:
        """Another priority."""
        if run_ids := self._waiting():
            assert self._queue is not None, "something waits"
            now = self._queue.tickets[run_ids[0]].priority + step
            words = (
                shown(f"{named(run_ids)}: priority {now}")
                if len(run_ids) == 1
                else shown(f"{named(run_ids)}: priority {step:+d}")
            )
            self._change(lambda: self.library.database.prioritise(run_ids, step), words)

    def action_shift(self, step: int) -> None:
        """Let the run under the cursor change places with a neighbour."""
        run_id, queue = self.here(), self._queue
        if queue is None or run_id not in queue.waiting or run_id is None:
            self._waiting()
            return
        line = queue.waiting
        place = line.index(run_id) + step
        if not 0 <= place < len(line):
            self.notify(f"r{run_id} is the {'first' if step < 0 else 'last'} of those that wait")
            return
        first, second = (run_id, line[place]) if step < 0 else (line[place], run_id)
        self._change(
            lambda: self.library.database.move_before(first, second), shown(f"r{first} starts before r{second}")
        )

    def action_first(self) -> None:
        """Before all."""
        if run_ids := self._waiting():
            one = run_ids[0]
            self._change(lambda: self.library.database.move_before(one, None), shown(f"r{one} starts first"))

    def action_resume(self) -> None:
        """What left the queue waits in it again; what waits for its next try has it now."""
        run_id, queue = self.here(), self._queue
        if queue is None or run_id is None:
            return
        if run_id in queue.waiting:
            self._change(
                lambda: self.library.database.at_once(run_id), shown(f"r{run_id} waits for its device alone now")
            )
        else:
            self.post_message(ResumeRun(run_id, queued=True))
