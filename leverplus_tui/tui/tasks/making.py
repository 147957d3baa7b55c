"""New files from RL data: other formats, and filtered, repaired or merged copies. The original stays as it is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Protocol

from db.store import DataRow
from db.user_error import UserError
from engine.rl.writing.steps import STEPS, parse_steps
from leverplus_tui.data.registering import register_made
from leverplus_tui.jobs.named_paths import rl_data_path
from leverplus_tui.jobs.own_command import Said, call
from leverplus_tui.jobs.programs import Program, command
from leverplus_tui.text.language import shown
from leverplus_tui.tui.messages import Outcome, Work
from leverplus_tui.tui.screens.choosing import Choose, ChooseMany
from leverplus_tui.tui.screens.sheet import Line, Values
from leverplus_tui.tui.tasks.task import Situation, Task, replacing, whole
from leverplus_tui.tui.widgets.picking.offers import Entry, narrowed
from leverplus_tui.tui.widgets.picking.paths import is_path, paths

Begin = Callable[[Values], Work]
Check = Callable[[Values], None]


class Asking(Protocol):
    """The program, as far as it is asked here."""

    async def push_screen_wait(self, screen: Any) -> Any:
        """What a window answers."""


FORMATS = {
    "r2": ("r2.json", "published JSON with train rows"),
    "r3": ("r3.json", "published JSON with pools and positions"),
    "jsonl": ("jsonl", "a query on each line"),
    "parquet": ("parquet", "a candidate on each row (needs pyarrow)"),
}
"""Name of a format -> (ending, words)."""
WORDS = {
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


async def asked(app: Asking, at: Situation, row: DataRow, what: str) -> Task | None:
    """Ask for the format (`export`) or for the steps (`derive`); the window that asks for the rest."""
    if what == "export":
        formats = [(name, f"{name:<8} {shown(words)}") for name, (_, words) in FORMATS.items()]
        chosen = await app.push_screen_wait(Choose("Export as", formats))
        return export(at, row, chosen) if chosen else None
    steps = [(name, f"{name:<15} {shown(words)}") for name, words in WORDS.items()]
    taken = await app.push_screen_wait(ChooseMany("Derive a new file by", steps, ("balanced",)))
    return None if taken is None else derivation(at, row, [name for name in WORDS if name in taken])


def export(at: Situation, row: DataRow, form: str) -> Task:
    """The window that asks where the file in another format is to be written."""
    lines = [_place(at, row, FORMATS[form][0])]

    def begin(values: Values) -> Work:
        return _making(at, row, values, Program.EXPORT, [str(whole(values["out"])), "--format", form])

    return _task(row, shown(f"Export {row.name} as {form}: {FORMATS[form][1]}"), lines, begin, lambda _: None)


def derivation(at: Situation, row: DataRow, steps: Sequence[str]) -> Task:
    """The window that asks for the parameters of these steps, for what is merged in before them, and for a place."""
    merge = Line("merge", "--merge", help="other RL data, put in before the steps: r12, a name, a path",
                 source=lambda text: _others(at, row, text), listed=True)  # fmt: skip
    parameters = {
        f"{step}.{name}": (str(info.default), info.description or "")
        for step in steps
        for name, info in STEPS[step].model_fields.items()
    }
    lines = [
        _place(at, row, ".".join([*steps, "json"]) if steps else "merged.json"),
        merge,
        *(Line(_name(path), path, value, help=words) for path, (value, words) in parameters.items()),
    ]

    def changed(values: Values) -> list[str]:
        typed = {path: values[_name(path)] for path in parameters}
        return [f"{path}={typed[path]}" for path, (value, _) in parameters.items() if typed[path] != value]

    def check(values: Values) -> None:
        if not steps and not values["merge"]:
            raise UserError("there is nothing to do: name RL data to be merged in, or go back and choose steps")
        parse_steps(steps, changed(values), needed=False)
        for one in _listed(values["merge"]):
            rl_data_path(one, at.library.home)

    def begin(values: Values) -> Work:
        others = [str(rl_data_path(one, at.library.home)) for one in _listed(values["merge"])]
        given = {"--step": steps, "--merge": others, "--set": changed(values)}
        words = [word for option, several in given.items() for one in several for word in (option, one)]
        return _making(at, row, values, Program.DERIVE, ["--out", str(whole(values["out"])), *words])

    return _task(row, shown(f"Derive from {row.name}: {', '.join(steps) or 'merge'}"), lines, begin, check)


def _name(path: str) -> str:
    """A parameter as the name of a line."""
    return path.replace(".", "-")


def _listed(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _place(at: Situation, row: DataRow, ending: str) -> Line:
    folder = at.said("made").get("folder") or str(at.library.home.root / "exports")
    return Line("out", "file", str(Path(folder) / f"{Path(row.path).stem}.{ending}"), fresh=False, source=paths)


def _others(at: Situation, row: DataRow, text: str) -> Sequence[Entry]:
    if is_path(text):
        return paths(text)
    rows = at.library.database.data_files("rl-data")
    return narrowed([Entry(one.name, one.path) for one in rows if one.path != row.path and one.missing is None], text)


def _making(at: Situation, row: DataRow, values: Values, program: Program, words: Sequence[str]) -> Work:
    """The work that runs the program, registers what it made, and tells what it says."""
    path, engine = whole(values["out"]), at.library.database.engine
    overwrite = ["--overwrite"] if path.exists() else []  # there was a question

    def make() -> Outcome:
        said = _run(path, command(program, row.path, *words, *overwrite))
        if said.code:
            return Outcome(said.sentence, "Nothing was written", failed=True)
        made = register_made(engine, path)
        registered = "" if made is None else f"registered as {made.ref} {made.name}"
        return Outcome("\n\n".join(filter(None, ((said.out or said.err).strip(), registered))), "Written")

    return Work(f"Writing {path.name}", make, at.page, path.name)


def _run(out: Path, argv: Sequence[str]) -> Said:
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        return Said(1, "", f"{out.parent} cannot be made: {error.strerror}")
    return call(argv)


def _task(row: DataRow, heading: str, lines: Sequence[Line], begin: Begin, check: Check) -> Task:
    def checked(values: Values) -> None:
        if not values["out"]:
            raise UserError("file: say where it is to be written")
        if whole(values["out"]) == Path(row.path):
            raise UserError(f"{row.path} is the original, which stays as it is: give another name")
        check(values)

    return Task(
        "made", heading, lines, begin, detail=row.path, check=checked, doubt=lambda values: replacing(values["out"]),
        kept=lambda values: {"folder": str(whole(values["out"]).parent)},
    )  # fmt: skip
