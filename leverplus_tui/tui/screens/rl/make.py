"""Making new files from the RL data in view: other formats, and filtered or repaired copies. The original stays as it is."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from leverplus_tui.data.registering import register_made
from leverplus_tui.jobs.own_command import call
from leverplus_tui.jobs.programs import Program, command
from leverplus_tui.tui.library import Library
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.dialogs import AskPath
from leverplus_tui.tui.screens.rl.opening import RLFilePage

if TYPE_CHECKING:
    from textual.screen import Screen

    from db.store import DataRow


class Asking(Protocol):
    """The program, as far as it is asked here."""

    @property
    def screen(self) -> Screen[Any]:
        """The page in view."""

    async def push_screen_wait(self, screen: Any) -> Any:
        """What a window answers."""


FORMATS = {
    "r2": ("r2.json", "published JSON with train rows"),
    "r3": ("r3.json", "published JSON with pools and positions"),
    "jsonl": ("jsonl", "a query on each line"),
    "parquet": ("parquet", "a candidate on each row (needs pyarrow)"),
}
"""Name of a format -> (ending, words)."""
STEPS = {
    "rescore": "score the answers again, officially",
    "drop-transfers": "drop labels copied from other queries",
    "drop-fallback": "drop what was not scored officially",
    "drop-self": "drop what shows the query itself",
    "drop-repeats": "drop what shows a demonstration twice",
    "pool-repair": "mend pools, drop pointers outside",
    "deduplicate": "one candidate for each set shown",
    "balanced": "queries with right and wrong ones",
    "strict": "queries with a bounded share of right ones",
}
"""Steps of a derivation in the order in which they are taken: labels first, then candidates, then queries."""


class RLMakePage(RLFilePage):
    """A page of an RL file from which others can be made."""

    def action_export(self) -> None:
        """Write the file in another format."""
        self.call_later(self.app.run_action, "app.derive('export')")

    def action_derive(self) -> None:
        """Filter or repair the file into a new one."""
        self.call_later(self.app.run_action, "app.derive('derive')")


async def ask_export(app: Asking, library: Library, row: DataRow) -> Work | None:
    """Ask for a format and a place; the work that writes and reads back."""
    choices = [(name, f"{name:<8} {words}") for name, (_, words) in FORMATS.items()]
    chosen = await app.push_screen_wait(Choose("Export as", choices))
    if chosen:
        return await _ask_place(
            app, library, row, Program.EXPORT, FORMATS[chosen][0], lambda out: [out, "--format", chosen]
        )
    return None


async def ask_derivation(app: Asking, library: Library, row: DataRow) -> Work | None:
    """Ask for the steps and a place; the work that derives."""
    choices = [(name, f"{name:<15} {words}") for name, words in STEPS.items()]
    chosen = await app.push_screen_wait(ChooseMany("Derive a new file by", choices, ("balanced",)))
    steps = [name for name in STEPS if name in (chosen or ())]
    if not steps:
        return None
    words = [word for step in steps for word in ("--step", step)]
    ending = ".".join([*steps, "json"])
    return await _ask_place(app, library, row, Program.DERIVE, ending, lambda out: ["--out", out, *words])


async def _ask_place(
    app: Asking, library: Library, row: DataRow, program: Program, ending: str, words: Callable[[str], list[str]]
) -> Work | None:
    """The work that runs the program, registers what it made, and tells what it says."""
    page = app.screen
    proposed = library.home.root / "exports" / f"{Path(row.path).stem}.{ending}"
    out = await app.push_screen_wait(AskPath("Write to", detail=row.path, value=str(proposed)))
    if out is None:
        return None
    path = Path(out).expanduser().absolute()
    engine = library.database.engine

    def make() -> Outcome:
        output, failed = _run(program, row.path, words(str(path)), path)
        made = None if failed else register_made(engine, path)
        registered = "" if made is None else f"\n\nregistered as {made.ref} {made.name}"
        return Outcome(output.strip() + registered, "Nothing was written" if failed else "Written", failed)

    return Work(f"Writing {path.name}", make, page, path.name)


def _run(program: Program, source: str, words: list[str], out: Path) -> tuple[str, bool]:
    """(what the program says, whether it failed)."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{out.parent} cannot be made: {error.strerror}", True
    ended = call(command(program, source, *words))
    return (ended.err if ended.code else ended.out) or ended.err, ended.code != 0
