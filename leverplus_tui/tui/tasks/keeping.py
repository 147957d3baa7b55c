"""Keeping a home: backing it up, freeing what nobody needs, checking and mending it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leverplus_tui.jobs.own_command import Said
from leverplus_tui.text import times
from leverplus_tui.text.language import shown
from leverplus_tui.text.numbers import plural, size
from leverplus_tui.text.times import moment
from leverplus_tui.tui.messages import Outcome, RestoreHome, Work
from leverplus_tui.tui.screens.keeping.freeing import FreeScreen
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.tasks.task import NO_YES, Situation, Task, replacing, whole
from leverplus_tui.tui.widgets.picking.paths import paths


def backup(at: Situation) -> Task:
    """The window for a backup."""
    home = at.library.home.root
    folder = at.said("backup").get("folder") or str(Path.home())
    lines = [
        Line("file", "file", str(Path(folder) / f"leverplus-{times.now():%Y-%m-%d}.tar.gz"), fresh=False, source=paths),
        Line("what", "what", "all", (("all", "everything but the cache"), ("database", "the database alone"))),
    ]

    def begin(values: Values) -> Work:
        path = whole(values["file"])
        only = ["--database-only"] if values["what"] == "database" else []
        return at.by_command(
            shown(f"Backing up {home}"), "backup", ["backup", "--yes", *only, "--", str(path)], _backed_up
        )

    return Task(
        "backup", "Back up this home into one file", lines, begin, detail=f"{home}, also while jobs write",
        check=lambda values: None if values["file"] else "file: say where it is to be written",
        doubt=lambda values: replacing(values["file"]), kept=lambda v: {"folder": str(whole(v["file"]).parent)},
    )  # fmt: skip


def _backed_up(said: Said) -> Outcome:
    if said.code:
        return Outcome(said.sentence, "No backup was written", failed=True, brief=True)
    return Outcome("\n".join(filter(None, (said.out.strip(), said.err.strip()))), "Backed up", brief=True)


def restore(at: Situation) -> Task:
    """The window for putting a backup back."""
    home = at.library.home
    folder = at.said("backup").get("folder") or str(Path.home())
    lines = [Line("file", "file", folder.rstrip("/") + "/", help="what backup wrote", fresh=False, source=paths)]

    def begin(values: Values) -> Work:
        path = whole(values["file"])

        def look() -> Outcome:
            from leverplus_tui.keeping.backup import look_into  # archives: not before one is asked for

            held = look_into(home, path)
            words = f"{path.name}, made {moment(held.made)}, with {plural(held.runs, 'run')} and {plural(held.files, 'file')}"
            return Outcome(words, "Can be put back", brief=True, then=RestoreHome(path, words))

        return Work(f"Looking into {path}", look, at.page, "backup")

    return Task(
        "restore", "Put a backup in the place of this home", lines, begin, kept=lambda _: {},
        detail=f"{home.root} is kept beside it, under a name with the time. Refused while runs wait or run.",
        check=lambda values: None if whole(values["file"]).is_file() else "file: give one that backup wrote",
    )  # fmt: skip


def gc(at: Situation) -> Task:
    """The window for what can go from the disk; nothing goes before it was seen."""
    lines = [Line("cache", "the cache too", "no", (NO_YES[0], ("yes", "yes: it is computed again when needed")))]

    def begin(values: Values) -> Work:
        cache = ["--cache"] if values["cache"] == "yes" else []

        def told(said: Said) -> Outcome:
            if said.code:
                return Outcome(said.sentence, "The disk was not looked at", failed=True, brief=True)
            return _found(json.loads(said.out), free)

        def free() -> Work:
            return at.by_command(shown("Freeing what nobody needs"), "freeing", ["gc", "--json", *cache], _freed)

        return at.by_command(shown("Looking what lies on the disk"), "gc", ["gc", "--dry-run", "--json", *cache], told)

    return Task("gc", "What lies on the disk, and what of it can go", lines, begin, kept=lambda _: {})


def _found(found: dict[str, Any], free: Callable[[], Work]) -> Outcome:
    freeable = found["freeable"]
    text = shown(f"{size(freeable)} can go") if freeable else shown("Nothing on the disk can go")
    return Outcome(text, show=lambda: FreeScreen(found, free))


def _freed(said: Said) -> Outcome:
    if said.code:
        return Outcome(said.sentence, "Nothing was freed", failed=True, brief=True)
    return Outcome(f"{size(json.loads(said.out)['freed'])} freed", brief=True)


def fsck(at: Situation) -> Task:
    """The window for a check of the home."""
    lines = [
        Line("repair", "mend", "no", (("no", "only say what is wrong"), ("yes", "mend what can be mended"))),
        Line("quick", "files", "no", (("no", "read them all, against their hashes"), ("yes", "only see that they are there"))),
    ]  # fmt: skip

    def begin(values: Values) -> Work:
        words = [f"--{name}" for name in ("repair", "quick") if values[name] == "yes"]
        return at.by_command(shown(f"Checking {at.library.home.root}"), "fsck", ["fsck", *words], _checked)

    return Task("fsck", "Check this home", lines, begin, kept=lambda _: {})


def _checked(said: Said) -> Outcome:
    if said.code not in (0, 1) or not said.out.strip():
        return Outcome(said.sentence, "The home was not checked", failed=True, brief=True)
    heading = shown("Something is wrong with this home") if said.code else shown("This home is sound")
    return Outcome(said.out.strip(), heading, failed=said.code == 1)
