"""What `--then KIND` asks for: a run behind another one, on what that will write."""

from __future__ import annotations

import argparse
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from db.home import Home
from db.specs import SPEC_OF_KIND
from db.user_error import UserError
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.jobs.spec_options import options

TRAINED = {"eval": "selector", "generate": "selector", "rce": "init", "grpo": "init"}
TAKES = {
    "generate": {"rce": "rl_data", "grpo": "rl_data"},
    "embed": {"rce": "embeddings", "grpo": "embeddings"},
    "rce": TRAINED,
    "grpo": TRAINED,
}
"""Kind of a run -> kind of a run after it -> the field that takes what the first one wrote."""


@dataclass(frozen=True)
class Following:
    """A run that `--then` asks for."""

    kind: str
    flags: Mapping[str, Any]
    spec_file: Path | None
    assignments: Sequence[str]
    preset: str | None
    name: str
    takes: str
    """The field for what the first run writes; empty where it takes nothing of it."""

    @classmethod
    def read(cls, words: str, first: str) -> Following:
        """From the words of `--then`, after a run of the kind `first`. Raises UserError before anything is started."""
        try:
            kind, *given = shlex.split(words) or [""]
        except ValueError as error:
            raise UserError(f"--then {words}: {error}: close the quotes") from None
        if kind not in SPEC_OF_KIND:
            raise UserError(
                f"--then {words}: give one of {', '.join(SPEC_OF_KIND)}, with options of `leverplus run` after it"
            )
        values, lost = _parser(words, kind).parse_known_args(given)
        if lost:
            raise UserError(f"--then {words}: {lost[0]} cannot be given to a run that follows: leave it out")
        flags = {option.field: getattr(values, option.field) for option in options(kind)}
        flags = {field: value for field, value in flags.items() if value is not None}
        takes = TAKES.get(first, {}).get(kind, "")
        found = cls(kind, flags, values.spec_file, values.assignments, values.preset, values.name, takes)
        found.spec(1)  # so that a wrong option is refused now
        return found

    def spec(self, run_id: int) -> Any:
        """The specification, on what a run wrote."""
        flags = dict(self.flags)
        if self.takes and flags.get(self.takes) is None:
            flags[self.takes] = f"r{run_id}"
        return build_spec(self.kind, flags, self.spec_file, self.assignments, preset=self.preset)

    def queue(self, place: Home, run_id: int, force: bool) -> int:
        """Queue it behind a run, on what that will write, and where that works. Returns its number."""
        # the database, a third of a second
        from leverplus_tui.queue.submit import Entry, behind, submit

        spec, waits = self.spec(run_id), {run_id}
        named = getattr(spec, self.takes, "") if self.takes else ""
        of_the_first = {self.takes: named} if named == f"r{run_id}" else {}
        others = resolved(spec.model_copy(update=dict.fromkeys(of_the_first, "")), place, waits)
        entry = Entry(others.model_copy(update=of_the_first), self.name, forced=force, waits=frozenset(waits))
        return submit(place, [entry], behind(place, run_id))[0]


class _Parser(argparse.ArgumentParser):
    """What it refuses is told as all that is refused."""

    def error(self, message: str) -> NoReturn:
        raise UserError(f"{self.prog}: {message}")


def _parser(words: str, kind: str) -> argparse.ArgumentParser:
    """The options of `leverplus run KIND` that make a specification, and the name."""
    parser = _Parser(f"--then {words}", add_help=False, allow_abbrev=False)
    for option in options(kind):
        action: Any = {"flag": argparse.BooleanOptionalAction, "list": "append", "text": "store"}[option.kind]
        parser.add_argument(option.flag, dest=option.field, action=action)
    parser.add_argument("--spec", dest="spec_file", type=Path)
    parser.add_argument("--set", dest="assignments", action="append", default=[])
    parser.add_argument("--preset")
    parser.add_argument("--name", default="")
    return parser
