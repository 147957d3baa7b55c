"""Which prompts are alive together: as many as the budget of tokens holds, those of one prefix side by side.

Prompts are taken in the order of the tree, so that a prefix lives from the first group that needs it to the last one and
no longer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from engine.packed.prefixes import Node


@dataclass(frozen=True)
class Group:
    """Prompts that are computed together."""

    ends: list[Node]
    """Where they end."""
    levels: list[list[Node]]
    """The nodes that are not in memory yet, by depth; those of one level are computed together."""

    @property
    def new_tokens(self) -> int:
        """Tokens to be computed."""
        return sum(len(node.segment) for level in self.levels for node in level)


@dataclass
class Schedule:
    """Hands out groups; knows which nodes are in memory."""

    ends: Sequence[Node]
    """All prompts, those of one prefix side by side."""
    budget: int
    """Tokens that may be in memory at a time."""
    beyond: int
    """Tokens that each prompt adds when it is answered."""
    most: int
    """Prompts in a group at most."""
    alive: set[Node] = field(default_factory=set)
    position: int = 0
    """Prompts handed out and finished."""

    def next_group(self) -> Group | None:
        """The prompts to compute next; None at the end. At least one, even where it alone is above the budget."""
        if self.position >= len(self.ends):
            return None
        chosen: list[Node] = []
        new: dict[Node, int] = {}
        tokens = self.tokens_alive
        for end in self.ends[self.position : self.position + self.most]:
            path = end.path
            fresh = [(node, depth) for depth, node in enumerate(path) if node not in self.alive and node not in new]
            needed = sum(len(node.segment) for node, _ in fresh) + self.beyond
            if chosen and tokens + needed > self.budget:
                break
            chosen.append(end)
            new.update(fresh)
            tokens += needed
        levels: list[list[Node]] = [[] for _ in range(max(new.values(), default=-1) + 1)]
        for node, depth in new.items():
            levels[depth].append(node)
        return Group(chosen, [level for level in levels if level])

    @property
    def tokens_alive(self) -> int:
        """Tokens of the nodes in memory."""
        return sum(len(node.segment) for node in self.alive)

    def is_last(self, group: Group) -> bool:
        """Whether no prompt is left behind those of the group."""
        return self.position + len(group.ends) >= len(self.ends)

    def needs(self, group: Group) -> int:
        """Tokens in memory while the group is answered."""
        return self.tokens_alive + group.new_tokens + self.beyond * len(group.ends)

    def computed(self, group: Group) -> None:
        """The group's nodes are in memory now."""
        self.alive.update(node for level in group.levels for node in level)

    def finish(self, group: Group) -> list[Node]:
        """The group is answered. Returns the nodes that nobody needs any more; they count as gone."""
        self.position += len(group.ends)
        kept = set(self.ends[self.position].path) if self.position < len(self.ends) else set()
        return self._drop(self.alive - kept)

    def start_over(self, group: Group) -> list[Node]:
        """The group did not fit: the next one gets half of its prompts. Returns all nodes, which count as gone."""
        self.most = max(1, len(group.ends) // 2)
        return self._drop(set(self.alive))

    def _drop(self, nodes: set[Node]) -> list[Node]:
        self.alive -= nodes
        return list(nodes)
