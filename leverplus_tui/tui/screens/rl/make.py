"""Making new files from the RL data in view: other formats, and filtered or repaired copies. The original stays as it is."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from pathlib import Path

from textual import work

from leverplus_tui.data.registering import register_made
from leverplus_tui.jobs.programs import Program, command
from leverplus_tui.tui.messages import Work
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.dialogs import AskPath
from leverplus_tui.tui.screens.rl.opening import RLFilePage

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

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_export(self) -> None:
        """Ask for a format and a place, then write and read back."""
        choices = [(name, f"{name:<8} {words}") for name, (_, words) in FORMATS.items()]
        chosen = await self.app.push_screen_wait(Choose("Export as", choices))
        if chosen:
            await self._make(Program.EXPORT, [FORMATS[chosen][0]], lambda out: [out, "--format", chosen])

    @work(group="dialog", exclusive=True, exit_on_error=False)
    async def action_derive(self) -> None:
        """Ask for the steps and a place, then derive."""
        choices = [(name, f"{name:<15} {words}") for name, words in STEPS.items()]
        chosen = await self.app.push_screen_wait(ChooseMany("Derive a new file by", choices, ("balanced",)))
        steps = [name for name in STEPS if name in (chosen or ())]
        if steps:
            words = [word for step in steps for word in ("--step", step)]
            await self._make(Program.DERIVE, [*steps, "json"], lambda out: ["--out", out, *words])

    async def _make(self, program: Program, ending: list[str], words: Callable[[str], list[str]]) -> None:
        """Run the program that makes the file, register what it made, and show what it says."""
        proposed = self.library.home.root / "exports" / ".".join([Path(self.row.path).stem, *ending])
        out = await self.app.push_screen_wait(AskPath("Write to", detail=self.row.path, value=str(proposed)))
        if out is None:
            return
        path = Path(out).expanduser().absolute()
        source, engine = self.row.path, self.library.database.engine

        def make() -> tuple[str, str, bool]:
            output, failed = _run(program, source, words(str(path)), path)
            row = None if failed else register_made(engine, path)
            registered = "" if row is None else f"\n\nregistered as {row.ref} {row.name}"
            return "Nothing was written" if failed else "Written", output.strip() + registered, failed

        self.post_message(Work(f"Writing {path.name}", make, self))


def _run(program: Program, source: str, words: list[str], out: Path) -> tuple[str, bool]:
    """(what the program says, whether it failed)."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return f"{out.parent} cannot be made: {error.strerror}", True
    ended = subprocess.run(
        command(program, source, *words), stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    return (ended.stderr if ended.returncode else ended.stdout) or ended.stderr, ended.returncode != 0
