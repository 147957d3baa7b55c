"""Every flag, environment variable and YAML key of the published scripts, and the field of ours that it sets.

`docs/from-upstream.md` is written from these tables; a test holds them against the published names. Names are read
without dashes and in lower case.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field as kept

RUN = "each run keeps its own folder, log and checkpoints in the home; give it a name with --name"
HARDWARE = "how the published code used its machine; it decides no figure"
HYDRA = "configuration of the published launcher"


@dataclass(frozen=True)
class Name:
    """One published name."""

    name: str
    field: str = ""
    """Our field, dotted; empty where there is none, which `why` explains."""
    default: str = ""
    """The published default, as it was typed; empty where it must be given or is off."""
    why: str = ""
    """Why our default differs, or what to do instead."""
    values: Mapping[str, str] = kept(default_factory=dict)
    """Published value -> ours, where they differ."""
    switch: str = ""
    """What a flag that takes no value sets the field to."""
    also: tuple[tuple[str, str], ...] = ()
    """Further fields that it sets, with their values."""


@dataclass(frozen=True)
class Scope:
    """Scripts that share their names, and the kinds of job that they are here."""

    title: str
    kinds: tuple[str, ...]
    files: tuple[str, ...]
    names: tuple[Name, ...]
    command: str = ""
    """What does the work here."""

    def find(self, name: str) -> Name | None:
        """The entry of a name, however its dashes and capitals are written."""
        wanted = plain_name(name)
        return next((entry for entry in self.names if plain_name(entry.name) == wanted), None)


def plain_name(name: str) -> str:
    """`--RCE-Epochs` as `rce_epochs`."""
    return name.strip().lstrip("-").replace("-", "_").lower()
