"""What of a run tells about its machine and its user, and how that is left out before others read it."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from db.specs import Finding

HOST = ("host", "platform")
PATHS = ("folder",)
COMMAND = ("argv",)
DIFF = ("git_diff", "diff")
PATH = re.compile(r"(?<![\w/.:<])(?:~|[A-Za-z]:)?[/\\](?:[^\s/\\'\"`:,;)(]+[/\\])+(?P<last>[^\s/\\'\"`:,;)(]+)")
"""An absolute path; what it is called there is its last part."""
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
    names = {host, *_hosts(value)} - {"", "-", "localhost"}
    dropped = {
        *(() if shown.host else HOST),
        *(() if shown.paths else PATHS),
        *(() if shown.command else COMMAND),
        *(() if shown.diff else DIFF),
    }
    changed: T = _mapped(
        value if shown.command else _without_commands(value), lambda text: _text(text, shown, names), dropped
    )
    return changed


def _text(text: str, shown: Shown, hosts: set[str]) -> str:
    if not shown.host:
        text = SERVER.sub(r"\g<scheme>://server", text)
        for name in sorted(hosts, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", "host", text)
    return text if shown.paths else PATH.sub(r"\g<last>", text)


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


def _hosts(value: Any) -> set[str]:
    """Names of machines in environments and processes."""
    if isinstance(value, Mapping):
        own = {value["host"]} if isinstance(value.get("host"), str) else set()
        return own.union(*map(_hosts, value.values()))
    if isinstance(value, list | tuple):
        return set().union(*map(_hosts, value))
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        fields = {field.name: getattr(value, field.name) for field in dataclasses.fields(value)}
        return _hosts(fields)
    return set()


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
