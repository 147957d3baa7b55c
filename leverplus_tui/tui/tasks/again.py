"""The window of a run that starts again, as it is or as a new run: when, where, and what it may take, as the launch form asks."""

from __future__ import annotations

from functools import partial

from db.home import Home
from db.session import DatabaseFile
from db.store import RunRow
from db.user_error import UserError
from leverplus_tui.jobs.spec_options import plain
from leverplus_tui.queue.wishes import HERE, Wishes
from leverplus_tui.text.language import shown
from leverplus_tui.text.words import clean
from leverplus_tui.tui.screens.launch.known import entries
from leverplus_tui.tui.screens.launch.values import FormValues
from leverplus_tui.tui.screens.sheet import Line, Sheet, Values
from leverplus_tui.tui.ways import by_form
from leverplus_tui.tui.widgets.picking.offers import Entry, narrowed
from leverplus_tui.tui.widgets.spec_fields import Field, typed

WHEN = (("false", "start it now"), ("true", "put it into the queue"))
OFFERED = ("after", "on")
"""Wishes whose values are offered while one types."""


def repeating(home: Home, database: DatabaseFile, row: RunRow, before: Wishes) -> Sheet:
    """For a new run of the same specification; `before`: where the run works and what it takes there."""
    detail = shown(f"It starts on {before.on}, as before, unless the line on is emptied.") if before.on else ""
    heading = shown(f"Repeat {row.ref} {clean(row.name)} with the same specification?")
    return _sheet(home, database, heading, detail, before)


def going_on(home: Home, database: DatabaseFile, row: RunRow) -> Sheet:
    """For the rest of a run."""
    detail = shown("What is left empty stays as it was; what is stored is not computed again.")
    return _sheet(home, database, shown(f"Go on with {row.ref} {clean(row.name)}?"), detail, Wishes())


def wishes_of(values: Values) -> Wishes:
    """What the lines say. Raises FieldRefused."""
    form = FormValues("eval")
    form.load(values, "")
    return form.wishes()


def comes_here(values: Values) -> bool:
    """Whether a run of another place is to go on on this machine."""
    return values["on"] == HERE


def _sheet(home: Home, database: DatabaseFile, heading: str, detail: str, before: Wishes) -> Sheet:
    fields = FormValues("eval").fields
    lines = [Line("queue", "when", "false", WHEN)]
    lines += [_line(database, fields[name], before) for name in Wishes.model_fields if name != "queue"]

    def check(values: Values) -> str | None:
        try:
            wishes_of(values).wish(home)
        except UserError as error:
            return by_form(shown(str(error)))
        return None

    return Sheet(heading, lines, detail=detail, check=check, told=_told)


def _line(database: DatabaseFile, field: Field, before: Wishes) -> Line:
    value = getattr(before, field.path)
    text = "" if value == getattr(Wishes(), field.path) else typed(value) if isinstance(value, tuple) else plain(value)
    offered = partial(_offered, database, field) if field.path in OFFERED else None
    return Line(
        field.path, field.path, text, help=by_form(shown(field.help)), source=offered, listed=field.path == "after"
    )


def _offered(database: DatabaseFile, field: Field, text: str) -> list[Entry]:
    return narrowed(entries(database, field), text)


def _told(values: Values) -> str:
    """What comes of it."""
    if values["on"] and values["on"] != HERE:
        return shown(f"it is sent to {values['on']}")
    waits = values["queue"] == "true" or any(text for name, text in values.items() if name != "queue")
    return shown("it waits in the queue for a free device: Q shows it") if waits else shown("it starts at once")
