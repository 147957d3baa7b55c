"""What `leverplus run ... --then KIND` asks for: a run behind another one, on what that will write."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.home import Home
from db.user_error import UserError
from leverplus_tui.commands.lazy import Leaf, load
from leverplus_tui.jobs.named_paths import resolved
from leverplus_tui.jobs.spec_building import build_spec
from leverplus_tui.jobs.spec_options import options
from leverplus_tui.text.output import say

FUNCTIONS = {"eval": "evaluate", "rce": "rce", "grpo": "grpo", "generate": "generate", "embed": "embed"}
"""Kind of a run -> the function of `commands.run` that begins it."""
KEPT = {"spec_file", "preset", "assignments", "name"}
"""Options that a following run takes beside the fields of its specification."""
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
        if kind not in FUNCTIONS:
            raise UserError(
                f"--then {words}: give one of {', '.join(FUNCTIONS)}, with options of `leverplus run` after it"
            )
        command = load(kind, Leaf(f"running.run:{FUNCTIONS[kind]}", ""))
        values = command.make_context(f"run {kind}", given).params
        fields = {option.field for option in options(kind)}
        lost = [one.opts[0] for one in command.params if one.name not in fields | KEPT and values.get(one.name)]
        if lost:
            raise UserError(f"--then {words}: {', '.join(lost)} cannot be given to a run that follows: leave it out")
        given_fields = {field: values[field] for field in fields}
        flags = {field: value for field, value in given_fields.items() if value not in (None, ())}
        takes = TAKES.get(first, {}).get(kind, "")
        found = cls(
            kind, flags, values["spec_file"], values["assignments"] or (), values["preset"], values["name"] or "", takes
        )
        found.spec(1)  # so that a wrong option is refused now
        return found

    def spec(self, run_id: int) -> Any:
        """The specification, on what a run wrote."""
        flags = dict(self.flags)
        if self.takes and flags.get(self.takes) is None:
            flags[self.takes] = f"r{run_id}"
        return build_spec(self.kind, flags, self.spec_file, self.assignments, preset=self.preset)

    def queue(self, place: Home, run_id: int, force: bool) -> None:
        """Queue it behind a run, on what that will write."""
        # the database, a third of a second
        from leverplus_tui.queue.submit import Entry, Wish, submit

        spec, waits = self.spec(run_id), {run_id}
        named = getattr(spec, self.takes, "") if self.takes else ""
        of_the_first = {self.takes: named} if named == f"r{run_id}" else {}
        others = resolved(spec.model_copy(update=dict.fromkeys(of_the_first, "")), place, waits)
        entry = Entry(others.model_copy(update=of_the_first), self.name, forced=force, waits=frozenset(waits))
        (following,) = submit(place, [entry], Wish(needs=(run_id,)))
        say(f"r{following} ({self.kind}) waits for r{run_id}")
