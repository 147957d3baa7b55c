"""Figures of many tables put together: one matrix for each thing that was evaluated, and what is said twice kept once."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from engine.figures.fields import FULL_SIZE
from engine.figures.reading import Figure, LeftOut, Matrix
from engine.figures.tables.cells import Cell, TableCells
from engine.figures.tables.words import label, same_name


@dataclass(slots=True)
class Group:
    """Figures of one thing: of one label, data set, model, sampler and day."""

    label: str
    named: bool
    """A row or header names it; else it is called as its heading is."""
    dataset: str
    vlm: str
    sampler: str
    date: str
    dated: bool
    """A row or header has this day; else it is that of the report."""
    section: str
    checkpoint: str
    line: int
    figures: dict[tuple[int, int], Figure] = field(default_factory=dict)

    def same(self, other: Group) -> bool:
        """Whether both are of the same thing, as far as is told."""
        alike = (self.dataset, self.vlm, self.sampler) == (other.dataset, other.vlm, other.sampler)
        return alike and same_name(self.label) == same_name(other.label) and self.date == other.date

    def agrees(self, other: Group) -> bool:
        """Whether no figure of the one contradicts one of the other."""
        return all(self.figures.get(key, figure) == figure for key, figure in other.figures.items())

    def repeats(self, other: Group) -> bool:
        """Whether all of these figures stand in the other too, which may be of the same thing."""
        if not self.figures or not self.figures.items() <= other.figures.items():
            return False
        if (self.dataset, self.vlm, self.sampler) != (other.dataset, other.vlm, other.sampler):
            return False
        days = self.date == other.date or not (self.dated and other.dated)
        return days and (not self.named or same_name(self.label) == same_name(other.label))


def matrices_of(tables: Iterable[TableCells], source: str) -> tuple[list[Matrix], list[LeftOut]]:
    """One matrix for each thing, in the order of the file, and what was found to be said more than once."""
    groups: list[Group] = []
    left_out: list[LeftOut] = []
    for table in tables:
        for group in _groups(table):
            home = next((one for one in groups if one.same(group) and one.agrees(group)), None)
            if home is None:
                groups.append(group)
                continue
            if repeated := len(group.figures.keys() & home.figures.keys()):
                left_out.append(_repeated(group, home, repeated))
            home.figures = group.figures | home.figures
    kept = _without_repeats(groups, left_out)
    return [_matrix(group, source) for group in kept], left_out


def _repeated(group: Group, home: Group, count: int) -> LeftOut:
    what = f"{count} figures of {group.label}"
    return LeftOut(group.line, what, f"they repeat those of {home.label} from line {home.line}, and are kept once")


def _without_repeats(groups: Sequence[Group], left_out: list[LeftOut]) -> list[Group]:
    """Without tables that are called as their heading is and say again what a named column says."""
    kept = list(groups)
    for group in groups:
        home = next((one for one in kept if one is not group and group.repeats(one)), None)
        if home is not None:
            left_out.append(_repeated(group, home, len(group.figures)))
            if group.dated > home.dated:
                home.date, home.dated = group.date, True
            home.checkpoint = home.checkpoint or group.checkpoint
            kept.remove(group)
    return kept


def _groups(table: TableCells) -> list[Group]:
    """The figures of one table by what they are of; one that is there twice with another value begins a group of its own."""
    decimals = max((cell.decimals for cell in table.cells), default=2)
    groups: list[Group] = []
    for cell in table.cells:
        fresh = _group(cell, table)
        figure = Figure(_size(cell, fresh.dataset), cell.shot, cell.value, cell.line, 0.5 * float(10**-decimals))
        key = (figure.n, figure.shot)
        home = next((one for one in groups if one.same(fresh) and one.figures.get(key, figure) == figure), fresh)
        if home is fresh:
            groups.append(fresh)
        home.figures.setdefault(key, figure)
    return groups


def _group(cell: Cell, table: TableCells) -> Group:
    context = table.context
    own = label(cell.label)
    section = next((text for text in table.table.around[1:] if text), "")
    return Group(
        own or context.label, bool(own), cell.dataset or context.dataset, cell.vlm or context.vlm, cell.sampler or context.sampler,
        cell.date or context.date, bool(cell.date), section, context.checkpoint, cell.line,
    )  # fmt: skip


def _size(cell: Cell, dataset: str) -> int:
    return FULL_SIZE.get(dataset, 0) if cell.n == 0 else cell.n or 0


def _matrix(group: Group, source: str) -> Matrix:
    figures = tuple(figure for _, figure in sorted(group.figures.items()))
    return Matrix(
        source, group.label, group.dataset, vlm=group.vlm, date=group.date, sampler=group.sampler, section=group.section,
        checkpoint=group.checkpoint, states_dataset=bool(group.dataset), figures=figures,
    )  # fmt: skip
