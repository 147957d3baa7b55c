"""Reads a published shell script: which Python scripts it calls, with which flags, and what could not be read.

Nothing is executed. Variables are followed through plain assignments and defaults (`x=${1:-800}`); what a branch, a loop or
a command would decide is listed, never guessed.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from db.specs import UserError
from engine.common.files.gate import MOST_SPEC, NotReadable, read_text
from leverplus_tui.jobs.published.names import Scope
from leverplus_tui.jobs.published.presets import published
from leverplus_tui.jobs.published.scopes import VARIANT_SCRIPTS, ours, scope_of

ASSIGNMENT = re.compile(r"(?:export\s+|local\s+|readonly\s+)?([A-Za-z_]\w*)=(.*)", re.DOTALL)
VARIABLE = re.compile(r"\$(?:([A-Za-z_]\w*|\d)|\{([A-Za-z_]\w*|\d)(?::?-([^{}]*))?\})")
BRANCHES = ("if", "elif", "else", "for", "while", "until", "case", "function")
SWITCHES_SHUT = ("fi", "done", "esac", "then", "do", "{", "}", ";;")


@dataclass(frozen=True)
class Left:
    """What was not read, and why."""

    line: int
    text: str
    why: str


@dataclass
class Call:
    """One call of a published Python script, as a job of ours."""

    script: str
    line: int
    scope: Scope
    fields: dict[str, str] = field(default_factory=dict)
    """Our dotted fields with their values as typed: the script's defaults, and what it was called with."""

    @property
    def kind(self) -> str:
        """The kind of job; a training with GRPO epochs is one of GRPO."""
        if "grpo" in self.scope.kinds:
            return "grpo" if int(float(self.fields.get("grpo_epochs", "0") or 0)) else "rce"
        return self.scope.kinds[0]


def read_script(path: Path) -> tuple[list[Call], list[Left]]:
    """(calls, what was left out) of a shell script. Raises UserError for what is no readable text."""
    try:
        text = read_text(path, MOST_SPEC)
    except NotReadable as error:
        raise UserError(f"--from-script {error}") from None
    known: dict[str, str] = {}
    calls: list[Call] = []
    left: list[Left] = []
    for number, line in _lines(text):
        try:
            words = shlex.split(line, comments=True)
        except ValueError as error:
            left.append(Left(number, line, f"not readable as words: {error}"))
            continue
        if not words or words[0].rstrip(";") in SWITCHES_SHUT:
            continue
        if words[0] in BRANCHES:
            left.append(
                Left(number, line, "branches and loops are not followed; what stands inside is read as it stands")
            )
        elif (found := ASSIGNMENT.fullmatch(line)) and not _called(words):
            word = next((word for word in words if word.startswith(f"{found[1]}=")), "")
            value = "$(" if "$(" in line or "`" in line else word.partition("=")[2].rstrip(";")
            _assign(known, found[1], value, number, line, left)
        elif name := _called(words):
            call = _call(words, name, number, known, left)
            calls += [call] if call is not None else []
    return calls, left


def _lines(text: str) -> Iterator[tuple[int, str]]:
    """(number of its first line, line) with continued lines joined."""
    joined, first = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        first = first if joined else number
        joined += line.rstrip("\\") if line.endswith("\\") else line
        if not line.endswith("\\"):
            yield first, joined.strip()
            joined = ""
    if joined.strip():
        yield first, joined.strip()


def _assign(known: dict[str, str], name: str, value: str, number: int, line: str, left: list[Left]) -> None:
    expanded = _expanded(value, known)
    if expanded is None:
        known.pop(name, None)
        left.append(Left(number, line, f"the value of {name} is decided when the script runs"))
    else:
        known[name] = expanded


def _expanded(text: str, known: Mapping[str, str]) -> str | None:
    """The text with its variables filled in; None where one is unknown or a command would be run."""
    for _ in range(9):  # defaults may hold variables themselves
        found = VARIABLE.search(text)
        if found is None:
            break
        name: str = found[1] or found[2]
        value: str | None = known[name] if name in known else found[3]
        if value is None:
            return None
        text = text[: found.start()] + value + text[found.end() :]
    return None if "$" in text or "`" in text else text


def _called(words: list[str]) -> str:
    """The published Python script that a line calls; empty where it calls none."""
    for word in words:
        name = word.rpartition("/")[2] if word.endswith(".py") else f"{word.rpartition('.')[2]}.py"
        scope = scope_of(name) if not word.startswith("-") else None
        if scope is not None and (word.endswith(".py") or "-m" in words):
            return name
    return ""


def _call(words: list[str], name: str, number: int, known: Mapping[str, str], left: list[Left]) -> Call | None:
    scope = scope_of(name)
    assert scope is not None, "a line calls a published script"
    if not scope.kinds:
        left.append(Left(number, name, f"`leverplus {scope.command}` does this work"))
        return None
    variant = VARIANT_SCRIPTS.get(name)
    call = Call(name, number, scope, published(scope.kinds[0], variant or "v3"))
    if variant is not None:
        call.fields["variant"] = variant
    at = next(place for place, word in enumerate(words) if word.rpartition("/")[2] == name or word.endswith(name[:-3]))
    for flag, values in _flags(words[at + 1 :]):
        _set(call, flag, values, number, known, left)
    return call


def _flags(words: list[str]) -> Iterator[tuple[str, list[str]]]:
    """(flag, its values); what stands before the first flag is none."""
    flag = ""
    values: list[str] = []
    for word in words:
        if word in ("&&", "||", "|", ">", ">>", "2>&1", "&", ";"):
            break
        if word.startswith("--") or (word.startswith("-") and not word[1:2].isdigit()):
            if flag:
                yield flag, values
            flag, _, value = word.partition("=")
            values = [value] if value else []
        else:
            values.append(word)
    if flag:
        yield flag, values


def _set(call: Call, flag: str, values: list[str], number: int, known: Mapping[str, str], left: list[Left]) -> None:
    entry = call.scope.find(flag)
    told = " ".join([flag, *values])
    if entry is None:
        left.append(Left(number, told, f"{call.script} has no such flag"))
        return
    expanded = [_expanded(value, known) for value in values]
    if None in expanded:
        left.append(Left(number, told, "its value is decided when the script runs"))
        return
    text = ",".join(value for value in expanded if value is not None) if values else None
    if not entry.field:
        left.append(Left(number, told, entry.why))
    call.fields |= dict(ours(entry, text))
