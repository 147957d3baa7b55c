"""`leverplus init`."""

from __future__ import annotations

from pathlib import Path

from db.home import LOCAL_NAME, Home
from db.session import open_database
from db.specs import UserError
from leverplus_tui.commands.options import HomeOption, JsonOption
from leverplus_tui.text.output import put, put_json, say


def init(as_json: JsonOption = False, home: HomeOption = None) -> None:
    """Make `./.leverplus/`: runs started in this folder and below are kept there.

    Example:
    cd my-project && leverplus init
    """
    place = Home((home or Path.cwd() / LOCAL_NAME).absolute())
    existed = place.database.exists()
    try:
        place.runs.mkdir(parents=True, exist_ok=True)
        ignored = place.root / ".gitignore"
        if not ignored.exists():
            ignored.write_text("*\n")
    except OSError as error:
        raise UserError(f"{place.root} cannot be made ({error.strerror}): choose another folder with --home") from error
    open_database(place.database)
    if as_json:
        put_json({"home": str(place.root), "made": not existed})
        return
    put(str(place.root))
    say("it was there already" if existed else "made; next: leverplus run eval --shot 2")
