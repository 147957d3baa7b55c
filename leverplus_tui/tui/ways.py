"""What a sentence asks for, by the keys of this program: errors and findings are written where no keys are known, so that they
name commands and options."""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache

from leverplus_tui.text.language import shown

OF_A_RUN = {
    "resume": "R", "rerun": "A", "stop": "X", "delete": "D", "ask": "M", "logs": "4", "queue cancel": "X",
}  # fmt: skip
"""Beginning of a command -> the key that does the same to the run that is meant."""
ELSEWHERE = {
    "runs --where deleted": "T", "runs": "1", "trash": "T", "queue": "Q", "sweep": "W", "data list": "3", "data add": "o",
    "data derive": "3, then d", "unpause": "Q, then p", "doctor": "O", "import": "I", "run eval": "e", "run ": "n", "gc": "^p gc",
    "fsck": "^p fsck", "restore": "^p restore", "backup": "^p backup",
}  # fmt: skip
"""The same of a page, or of a key that needs no run; `^p` opens the palette, in which the word is found."""
COMMAND = re.compile(r"`leverplus ([^`]+)`|^leverplus (.+)$")
RUN = re.compile(r"r\d+")
NEEDS = re.compile(r"^`run \w+` needs ")
OPTION = re.compile(r"--set (?=\w)|--([a-z][a-z0-9-]+)")


def in_app(sentence: str) -> str:
    """A sentence with the key that does the same before each command: ``R on r3 (`leverplus resume r3` in a shell)``."""
    return COMMAND.sub(_with_key, sentence)


def _with_key(command: re.Match[str]) -> str:
    words = command[1] or command[2]
    runs = RUN.findall(words)
    key = next((key for begin, key in OF_A_RUN.items() if words.startswith(begin)), "")
    if key and len(runs) == 1:
        key = shown(f"{key} on {runs[0]}")
    if not (
        words.startswith("run ") and "--" in words and "..." not in words
    ):  # else a run as it was, which no key makes
        key = key or next((key for begin, key in ELSEWHERE.items() if words.startswith(begin)), "")
    return f"{key} ({shown(f'`leverplus {words}` in a shell')})" if key else command[0]


def by_keys(sentence: str, keys: Mapping[str, str]) -> str:
    """A sentence with keys in the place of options that ask for the same."""
    return OPTION.sub(lambda option: keys.get(option[0], option[0]), sentence)


def by_form(sentence: str) -> str:
    """A sentence with the fields of the launch form in the place of options: `rl_data` for `--data`."""
    fields = _fields()
    return in_app(NEEDS.sub("fill in ", OPTION.sub(lambda option: fields.get(option[1] or "", option[0]), sentence)))


@cache
def _fields() -> dict[str, str]:
    """Option -> the field that it sets; what stands before an assignment goes."""
    from db.specs import SPEC_OF_KIND  # pydantic, 200 ms
    from leverplus_tui.jobs.spec_options import options
    from leverplus_tui.tui.widgets.spec_fields import WAITING

    named = {option.flag.removeprefix("--"): option.field for kind in SPEC_OF_KIND for option in options(kind)}
    return {"": ""} | named | {name.replace("_", "-"): name for name in WAITING}
