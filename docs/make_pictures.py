"""Draws the program for README.md: its four modes and curves, over the runs of `leverplus demo load`.

    python -m docs.make_pictures [--home DIR]

Without --home these runs are made in a folder that goes away (some minutes on two cores).
"""

import argparse
import asyncio
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from db.home import Home
from engine.common.files.atomic import write_text
from leverplus_tui.tui.app import LeverplusApp
from tests.helpers_tui import opened, settled

PICTURES = Path(__file__).parent / "pictures"
SIZE = (120, 32)
TYPED = {
    "runs": "j j j",
    "compare": "j j j j space j space j space v",
    "data": "3",
    "jobs": "4",
    "curves": "slash k i n d : g r p o enter C",
}
"""Picture -> the keys that lead there from the list of runs."""
SEED = re.compile(r"terminal-\d+")
"""Rich names a drawing by its content and time: it would be another file at each call."""


async def draw(home: Home) -> None:
    """Each picture in a program of its own."""
    for name, keys in TYPED.items():
        async with opened(home, SIZE) as pilot:
            for key in keys.split():
                await pilot.press(key)
                await settled(pilot)
            assert isinstance(pilot.app, LeverplusApp)
            path = PICTURES / f"{name}.svg"
            write_text(path, SEED.sub("terminal", pilot.app.export_screenshot(title="leverplus")))
            sys.stdout.write(f"{path}\n")


def main() -> None:
    """Make the runs, then the pictures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--home", type=Path, help="a home that `leverplus demo load` filled")
    given = parser.parse_args()
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        home = Home((given.home or Path(folder)).absolute())
        if given.home is None:
            program = [sys.executable, "-c", "from leverplus_tui.cli import app; app()", "--home", str(home.root)]
            subprocess.run([*program, "demo", "load"], check=True)
        asyncio.run(draw(home))


if __name__ == "__main__":
    main()
