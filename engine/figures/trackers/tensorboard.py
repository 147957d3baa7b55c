"""Scalars of TensorBoard's event files: records with their length before and a checksum behind, each an event."""

from __future__ import annotations

import datetime
import struct
from collections.abc import Iterator
from pathlib import Path

from engine.common.files.gate import MEBIBYTE, read_bytes
from engine.figures.fields import BadValue, text
from engine.figures.reading import LeftOut, Reading, TrackedRun
from engine.figures.source import Source
from engine.figures.trackers.points import Point, metrics_of, step_of
from engine.figures.trackers.wire import fields_of, float32, float64, inner, signed, words

MOST_EVENTS = 512 * MEBIBYTE
MOST_FILES = 1000
FLOAT, DOUBLE = 1, 2
"""Types of a tensor that hold one scalar."""


def is_events(source: Source) -> bool:
    """An event file by its name, or a folder with some in it or in the folders below."""
    return bool(_files(source.path)) if source.is_folder else "tfevents" in source.path.name


def _files(path: Path) -> list[Path]:
    found = [*path.glob("*tfevents*"), *path.glob("*/*tfevents*")]
    return sorted(one for one in found if one.is_file())[:MOST_FILES]


def read_events(source: Source) -> Reading:
    """One run for each folder of event files, as TensorBoard has them; a file that ends inside a record is read up to there."""
    folders: dict[Path, list[Path]] = {}
    for path in _files(source.path) if source.is_folder else [source.path]:
        folders.setdefault(path.parent, []).append(path)
    runs, left_out = [], []
    for folder, paths in folders.items():
        points, day = list[Point](), ""
        for path in paths:
            events = _Events(read_bytes(path, MOST_EVENTS))
            points += events.points()
            day = day or events.day
            if events.cut:
                left_out.append(LeftOut(0, f"the end of {path.name}", "it is cut in the middle of a record"))
            if events.others:
                left_out.append(LeftOut(0, f"{path.name}: {', '.join(sorted(events.others))[:200]}", "no scalars"))
        if points:
            name = folder.name if source.is_folder else source.path.parent.name or source.path.name
            runs.append(
                TrackedRun(text(name), f"tensorboard:{folder.absolute()}", metrics=metrics_of(points), date=day)
            )
    if not runs:
        raise BadValue("event files of TensorBoard without a scalar", "give one that holds scalars")
    return Reading(source.path, runs=tuple(runs), left_out=tuple(left_out))


class _Events:
    """One event file."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.cut = False
        self.day = ""
        self.others: set[str] = set()
        """Tags of what is no scalar."""

    def points(self) -> Iterator[Point]:
        """The scalars in their order."""
        for record in self._records():
            step, summary = 0, list[bytes]()
            for number, value in fields_of(record):
                if number == 1 and not self.day:
                    self.day = _day(float64(value))
                elif number == 2:
                    step = signed(value)
                elif number == 5:
                    summary.append(inner(value))
            for message in summary:
                yield from self._values(message, step_of(step, "events"))

    def _records(self) -> Iterator[bytes]:
        at, whole = 0, len(self._content)
        while at + 12 <= whole:
            (length,) = struct.unpack_from("<Q", self._content, at)
            if length > whole - at - 16:
                break
            yield self._content[at + 12 : at + 12 + length]
            at += 16 + length
        self.cut = at < whole

    def _values(self, message: bytes, step: int) -> Iterator[Point]:
        for number, value in fields_of(message):
            if number != 1:
                continue
            tag, scalar = "", None
            for field, entry in fields_of(inner(value)):
                if field == 1:
                    tag = words(entry)
                elif field == 2:
                    scalar = float32(entry)
                elif field == 8:
                    scalar = _tensor(inner(entry))
            if scalar is None:
                self.others.add(text(tag)[:60])
            else:
                yield tag, step, scalar


def _tensor(message: bytes) -> float | None:
    """The one number of a tensor without dimensions; None of any other."""
    kind, content, dimensions, value = 0, b"", False, None
    for number, entry in fields_of(message):
        if number == 1 and isinstance(entry, int):
            kind = entry
        elif number == 2:
            dimensions = any(field == 2 for field, _ in fields_of(inner(entry)))
        elif number == 4:
            content = inner(entry)
        elif number in (5, 6):
            value = _single(inner(entry), number == 6)
    if dimensions or kind not in (FLOAT, DOUBLE):
        return None
    return value if value is not None else _single(content, kind == DOUBLE)


def _single(content: bytes, double: bool) -> float | None:
    if len(content) != (8 if double else 4):
        return None
    return float64(content) if double else float32(content)


def _day(seconds: float) -> str:
    if not 1e8 < seconds < 4e9:
        return ""
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d")
