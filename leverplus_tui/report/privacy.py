"""What of a run tells about its machine and its user, and how that is left out before others read it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from pydantic import BaseModel

from db.specs import Finding

HOST = ("host", "platform")
PATHS = ("folder",)
COMMAND = ("argv",)
DIFF = ("git_diff", "diff")
PATH = re.compile(r"(?<![\w/.:<])~?/(?:[^\s/'\"`:,;)(]+/)*(?P<last>[^\s/'\"`:,;)(]+)")
"""An absolute path in a sentence; what it is called there is its last part."""
BELOW = r"(?:/[^\s/'\"`:,;)(]+)*"
"""What may follow a folder."""
PLACES = frozenset({"path", "log_path", "selector", "dataset", "vlm"})
"""Fields of rows that may hold a path and nothing else."""
SERVER = re.compile(r"(?P<scheme>https?)://[^\s/'\"`,;)]+")
T = TypeVar("T")


@dataclass(frozen=True)
class Shown:
    """What others may read."""

    host: bool = False
    """Name and system of the machine, and addresses of servers."""
    paths: bool = False
    """Where files lie; else their names alone."""
    command: bool = False
    """Command lines."""
    diff: bool = False
    """Local changes of the code."""


EVERYTHING = Shown(host=True, paths=True, command=True, diff=True)
"""For the user's own eyes."""


def hidden(value: T, shown: Shown, *, host: str = "") -> T:
    """A value of rows with everything left out that `shown` does not name. `host` is the machine's name, where known."""
    if shown == EVERYTHING:
        return value
    names = {host, *(text for name, text in _texts(value) if name == "host")} - {"", "-", "localhost"}
    places = {text for name, text in _texts(value) if name in PLACES or name == ""}
    known = {text for text in places if text.startswith(("/", "~/")) and "\n" not in text}
    dropped = {
        *(() if shown.host else HOST),
        *(() if shown.paths else PATHS),
        *(() if shown.command else COMMAND),
        *(() if shown.diff else DIFF),
    }
    changes = [] if shown.host else [partial(_without_hosts, names=sorted(names, key=len, reverse=True))]
    changes += [] if shown.paths else [partial(_without_places, known=sorted(known, key=len, reverse=True))]

    def change(text: str) -> str:
        for one in changes:
            text = one(text)
        return text

    changed: T = _mapped(value if shown.command else _without_commands(value), change, dropped)
    return changed


def _without_hosts(text: str, names: Sequence[str]) -> str:
    text = SERVER.sub(r"\g<scheme>://server", text)
    for name in names:
        text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "host", text)
    return text


def _without_places(text: str, known: Sequence[str]) -> str:
    """`known` may hold blanks, and so is looked for as it is; elsewhere a path ends where a word does."""
    for path in known:
        text = re.sub(re.escape(path.rstrip("/")) + BELOW, lambda found: found[0].rpartition("/")[2], text)
    return PATH.sub(r"\g<last>", text)


def _without_commands(value: T) -> T:
    """With the ways out of findings that are commands left out: they may repeat the run's own command line."""
    if isinstance(value, Finding):
        return value.model_copy(update={"fix": ""}) if value.fix.startswith("leverplus ") else value
    if isinstance(value, list | tuple):
        return type(value)([_without_commands(one) for one in value])
    if isinstance(value, Mapping):
        return {key: _without_commands(inner) for key, inner in value.items()}  # type: ignore[return-value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _without_commands(getattr(value, f.name)) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value


def _texts(value: Any, name: str = "-") -> Iterator[tuple[str, str]]:
    """Each text with the name of its field; what stands in a mapping (settings, facts) has none but `host`."""
    if isinstance(value, str):
        yield name, value
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from _texts(inner, "host" if key == "host" else "")
    elif isinstance(value, list | tuple):
        for inner in value:
            yield from _texts(inner, name)
    elif dataclasses.is_dataclass(value) and not isinstance(value, type):
        for field in dataclasses.fields(value):
            yield from _texts(getattr(value, field.name), field.name)


def _mapped(value: Any, change: Callable[[str], str], dropped: set[str]) -> Any:
    """The same structure with each text changed and entries of these names left out."""
    if isinstance(value, str):
        return change(value)
    if isinstance(value, Mapping):
        return {
            _mapped(key, change, dropped): _mapped(inner, change, dropped)
            for key, inner in value.items()
            if key not in dropped
        }
    if isinstance(value, list | tuple):
        return type(value)([_mapped(one, change, dropped) for one in value])
    if isinstance(value, BaseModel):
        return value.model_copy(update={name: _mapped(v, change, dropped) for name, v in value})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {f.name: _mapped(getattr(value, f.name), change, dropped) for f in dataclasses.fields(value)}
        return dataclasses.replace(value, **fields)
    return value
