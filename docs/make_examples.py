"""Makes the example reports in docs/examples: trains and evaluates on the built-in world (minutes on two cores), writes them.

    python -m docs.make_examples [--home DIR]

With --home the runs of an earlier call are taken where they are there, and only the reports are written anew.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from db import store
from db.home import Home
from db.session import open_database, reading
from engine.common.files.atomic import write_text
from engine.demo import recipe
from leverplus_tui.jobs.spec_command import command_of
from leverplus_tui.report.gather import gather
from leverplus_tui.report.privacy import Shown
from leverplus_tui.report.writing import Form, written
from leverplus_tui.text.catalogue import LANGUAGES

EXAMPLES = Path(__file__).parent / "examples"
TRAINING = tuple(command_of(recipe.selector_b("builtin", "builtin", 42))[2:])
"""The recipe of the shipped selector, on the RL data that are shipped."""
RUNS = {
    "training": TRAINING,
    "random": ("eval", "--shot", "0", "--shot", "1", "--shot", "2", "--retriever", "random"),
    "fixed pair": ("eval", "--shot", "1", "--shot", "2", "--retriever", "fixed"),
    "nearest": ("eval", "--shot", "1", "--shot", "2", "--retriever", "qi2qi", "--selector", "r1"),
    "nearest in two steps": ("eval", "--shot", "1", "--shot", "2", "--retriever", "mmices", "--selector", "r1"),
    "untrained": ("eval", "--shot", "1", "--shot", "2", "--retriever", "untrained", "--selector", "r1"),
    "selector": ("eval", "--shot", "1", "--shot", "2", "--selector", "r1"),
}
"""Name -> what is run; the last is compared with all other evaluations."""


def make(home: Home) -> None:
    """Run what is not there yet, in its order: the training is r1."""
    for number, (name, words) in enumerate(RUNS.items(), start=1):
        with reading(open_database(home.database)) as session:
            if store.count_runs(session, where="state:done") >= number:
                continue
        program = [sys.executable, "-c", "from leverplus_tui.cli import app; app()", "--home", str(home.root)]
        subprocess.run([*program, "run", *words, "--name", name], check=True)


def write(home: Home) -> None:
    """The reports, without what tells of this machine."""
    forms: tuple[Form, ...] = ("md", "html")
    with reading(open_database(home.database)) as session:
        found = gather(session, range(2, len(RUNS) + 1), against=len(RUNS))
    for language in LANGUAGES:
        for form in forms:
            path = EXAMPLES / f"selector.{language}.{form}"
            write_text(path, written(found, form, language, Shown(command=True)))
            sys.stdout.write(f"{path}\n")


def main() -> None:
    """Make the runs, then the reports."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="keep the runs here; else in a folder that goes away")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = Home((given.home or Path(folder)).absolute())
        make(home)
        write(home)


if __name__ == "__main__":
    main()
