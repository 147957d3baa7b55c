"""Blocks of prompts one after the other, each laid into its own tree, the next one while the one before is still computed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from engine.packed.schedule import Group, Schedule

Ask = TypeVar("Ask")


@dataclass
class Block(Generic[Ask]):
    """Prompts whose prefixes are sought together."""

    number: int
    asked: Sequence[Ask]
    schedule: Schedule


class Blocks(Generic[Ask]):
    """Hands out groups of one block after the other."""

    def __init__(
        self, following: Callable[[], Sequence[Ask] | None], lay_out: Callable[[Sequence[Ask]], Schedule]
    ) -> None:
        """`following` gives the next block, None while there is none; `lay_out` finds its prefixes."""
        self._following, self._lay_out = following, lay_out
        self._number = -1
        self._block: Block[Ask] | None = None
        self._next: Block[Ask] | None = None

    def prepare(self, group: Group) -> None:
        """Lays the next block out where `group` is the last of its own."""
        if self._next is None and self._block is not None and self._block.schedule.is_last(group):
            self._next = self._laid_out()

    def next_group(self) -> tuple[Block[Ask], Group] | None:
        """The group to compute next with its block; None where no block follows."""
        while True:
            group = self._block.schedule.next_group() if self._block is not None else None
            if group is not None and self._block is not None:
                return self._block, group
            self._block, self._next = self._next or self._laid_out(), None
            if self._block is None:
                return None

    def _laid_out(self) -> Block[Ask] | None:
        asked = self._following()
        if asked is None:
            return None
        self._number += 1
        return Block(self._number, asked, self._lay_out(asked))
