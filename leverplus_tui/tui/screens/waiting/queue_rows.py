"""How the queue page writes devices, runs, and what a run waits for."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leverplus_tui.text.glyphs import glyph
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural
from leverplus_tui.text.states import STATE_ROLES, shown_state, state_text
from leverplus_tui.text.times import duration
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.run.info import Part
from leverplus_tui.tui.widgets.table import Cell, Column

if TYPE_CHECKING:
    from leverplus_tui.tui.reading.rows import Device, Queue

COLUMNS = (
    Column("place", "", 3, align="right"),
    Column("id", "id", 5),
    Column("name", "name", 14, flex=14),
    Column("state", "state", 11),
    Column("why", "waits for", 18, flex=60),
    Column("device", "device", 7, priority=1),
    Column("priority", "prio", 4, align="right", priority=2),
    Column("memory", "memory", 7, align="right", priority=4),
    Column("tries", "tries", 5, align="right", priority=3),
    Column("limit", "limit", 6, align="right", priority=5),
)


def device_parts(devices: tuple[Device, ...]) -> list[Part]:
    """What runs on each device, and how many wait for it."""
    parts: list[Part] = []
    for device in devices:
        names = ", ".join(f"r{run_id}" for run_id in device.at_work)
        parts += [(f"{device.name} ", "bold"), (names or shown("free"), "$accent" if names else "$success")]
        parts += [(shown(f" +{device.waiting} waiting" if device.waiting else ""), "$faint"), "   "]
    return parts


def queue_row(queue: Queue, run_id: int, place: str) -> dict[str, Cell | str]:
    """One run as a line; `place` among those that wait, empty for the others."""
    run, ticket = queue.rows[run_id], queue.tickets.get(run_id)
    state = Cell(state_text(run, short=True), STATE_ROLES[shown_state(run)])
    why = _why(run.waiting).removeprefix(shown("waits for "))
    if ticket is not None and ticket.paused and place:
        state, why = Cell(f"{glyph('queued')} {shown('paused')}", "warn"), shown("p lets it go on")
    device = ",".join(queue.on.get(run_id, ())) or (ticket.device if ticket else "")
    return {
        "place": Cell(place, "faint"),
        "id": Cell(run.ref, "accent"),
        "name": clean(run.name),
        "state": state,
        "why": Cell(why if place else _left(queue, run_id), "faint"),
        "device": device,
        "priority": str(ticket.priority) if ticket else "",
        "memory": f"{ticket.memory_mb / 1024:g} GB" if ticket and ticket.memory_mb else "alone" if ticket else "",
        "tries": f"{ticket.tried + 1}/{ticket.retries + 1}" if ticket else "",
        "limit": duration(ticket.time_limit_s) if ticket and ticket.time_limit_s else "",
    }


def _left(queue: Queue, run_id: int) -> str:
    """How long a job at work still takes; that what left can come back."""
    progress = queue.rows[run_id].progress
    if run_id in queue.running:
        return shown(f"{duration(progress.eta_s)} left") if progress and progress.eta_s is not None else ""
    return shown("nothing: R queues it again")


def _why(waiting: str) -> str:
    """What a run waits for, without the command that this page has a key for."""
    return shown(clean(waiting.split(": `leverplus", 1)[0]) or "its turn")


def said_of(queue: Queue, run_id: int) -> list[Part]:
    """The run under the cursor in words."""
    run, ticket = queue.rows[run_id], queue.tickets.get(run_id)
    parts: list[Part] = [
        (f"{run.ref} ", "bold $accent"),
        (clean(run.name), "bold"),
        f"  {state_text(run).partition(',')[0]}",
    ]
    if run_id in queue.waiting:
        hint = shown("p lets it go on") if ticket and ticket.paused else _hint(run.waiting)
        why = shown("paused") if ticket and ticket.paused else _why(run.waiting)
        parts += ["\n", (why, "$warning"), (f": {hint}" if hint else "", "$faint")]
    if ticket is None:
        return [*parts, (shown("\nstarted at once: the queue waits for it"), "$faint")]
    told = [
        shown(f"asks for {ticket.device}"),
        f"{ticket.memory_mb} MB" if ticket.memory_mb else shown("shares with nobody"),
    ]
    told += [shown(f"after {', '.join(f'r{one}' for one in ticket.needs)}")] if ticket.needs else []
    told += [shown(f"{plural(ticket.retries, 'retry', 'retries')} after a failure")] if ticket.retries else []
    told += [shown(f"stopped after {duration(ticket.time_limit_s)}")] if ticket.time_limit_s else []
    told += [shown(f"on {ticket.runner}")] if ticket.runner else []
    return [*parts, ("\n" + ", ".join(told), "$faint")]


def _hint(waiting: str) -> str:
    """The way out in this program, of what waits for something that does not come by itself."""
    if "`leverplus resume" in waiting:
        return shown("R on that run goes on with it, X here gives up")
    return shown("X gives up") if "`leverplus queue cancel" in waiting else ""
