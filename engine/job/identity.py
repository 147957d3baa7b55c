"""Holds what a process opens against what the first process of its run saw, before anything of it is computed or stored.

A run that older versions began has no inputs stored: it is compared by the hashes that it stated as facts.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from db.rows import Fact, Input, Row
from db.specs import Finding
from engine.common.findings import info
from engine.recipes.answering_model import SERVER
from engine.recipes.changed import InputChanged, ServerChanged
from engine.vlm.probes import difference

CODES = ("input-changed", "server-changed", "inputs-unrecorded")
"""Findings that every process judges anew."""
FACTS = {
    "dataset_sha": "dataset",
    "vlm_files_sha": "vlm",
    "vlm_sha": "vlm (files and precision)",
    "selector_sha": "selector",
    "encoder_sha": "encoder",
    "selector_encoder_sha": "selector encoder",
    "metric": "metric",
    "pool_sha": "pool",
    "demonstrations_sha": "demonstrations",
}
"""Hashes among the facts, and what each is of. They also tell what follows from inputs, such as the demonstrations."""
COUNTS = {"rl_data": "rl_data", "groups": "rl_data", "signal_rate": "rl_data"}
"""What older versions stated of a training in place of hashes."""


class Identity:
    """What is known of a run when a process begins."""

    def __init__(self, run: str, *, inputs: Mapping[str, Input], facts: Mapping[str, Any]) -> None:
        self._run = run
        self._inputs = inputs
        self._facts = facts
        self._seen: dict[str, Input] = {}
        self._opened = False

    def admit(self, row: Row) -> Iterator[Row]:
        """The row, if it may be stored, and what is to be said before it. Raises InputChanged."""
        if isinstance(row, Input):
            yield from self._input(row)
            return
        if not self._opened:
            self._opened = True
            yield from self._all_opened()
        if isinstance(row, Fact):
            self._compare_fact(row)
            row = self._server(row)
        yield row

    def _input(self, row: Input) -> Iterator[Row]:
        assert not self._opened, f"{row.role} is opened after other rows: inputs come first"
        self._seen[row.role] = row
        before = self._inputs.get(row.role)
        if before is None:
            yield row
        elif before.sha256 != row.sha256:
            raise InputChanged(self._run, row.role, row.path, before.sha256, row.sha256)

    def _all_opened(self) -> Iterator[Row]:
        """No input that the first process had may be missing now."""
        for role, before in self._inputs.items():
            if role not in self._seen:
                raise InputChanged(self._run, role, before.path, before.sha256, "")
        if self._facts and self._seen and not self._inputs:
            yield self._unrecorded()

    def _compare_fact(self, fact: Fact) -> None:
        compared = FACTS if self._inputs else FACTS | COUNTS
        before = self._facts.get(fact.name)
        if fact.name in compared and before is not None and before != fact.value:
            role = compared[fact.name]
            opened = self._seen.get(role)
            path = opened.path if opened else fact.name
            raise InputChanged(self._run, role, path, str(before), str(fact.value))

    def _server(self, fact: Fact) -> Fact:
        """What a server showed at the start stays, and what it shows at a later one stands beside it."""
        before = self._facts.get(SERVER)
        if fact.name != SERVER or before is None:
            return fact
        if told := difference(before, fact.value):
            raise ServerChanged(self._run, told)
        return Fact(f"{SERVER}_resumed", fact.value)

    def _unrecorded(self) -> Finding:
        compared = sorted({role for name, role in (FACTS | COUNTS).items() if name in self._facts})
        blind = sorted(self._seen.keys() - set(compared))
        return info(
            "inputs-unrecorded",
            self._run,
            f"{self._run} was begun by an older version, which did not record the bytes of its inputs: it goes on, compared "
            f"by what was recorded ({', '.join(compared) or 'nothing'})"
            + (f"; nothing is known of {', '.join(blind)} at its beginning." if blind else "."),
            f"`leverplus rerun {self._run}` where a file may have been replaced since",
        )
