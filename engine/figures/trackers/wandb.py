"""Runs of W&B that were written offline: a log of records in blocks of 32 KiB, as LevelDB has them, after a header of its own."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from engine.common.files.gate import MEBIBYTE, is_folder, parse_json, read_bytes
from engine.common.models.fingerprint import file_sha
from engine.figures.fields import BadValue, text
from engine.figures.reading import LeftOut, Reading, TrackedRun
from engine.figures.source import Source
from engine.figures.tables.words import date_in
from engine.figures.trackers.points import Point, metrics_of, number_of, parameters_of
from engine.figures.trackers.wire import fields_of, inner, signed, words

HEADER = b":W&B"
HEADER_BYTES = 7
BLOCK = 32 * 1024
RECORD_HEADER = 7
FULL, FIRST, MIDDLE, LAST = 1, 2, 3, 4
MOST_LOG = 512 * MEBIBYTE
HISTORY, SUMMARY, CONFIG, RUN = 2, 3, 5, 17
"""Fields of a record."""
ITEM_KEY, ITEM_NESTED, ITEM_JSON = 1, 2, 16


def is_offline(source: Source) -> bool:
    """The log of a run, its folder, or the folder of several."""
    if source.is_folder:
        return bool(_logs(source.path))
    return source.suffix == ".wandb" and source.head.startswith(HEADER)


def _logs(path: Path) -> list[Path]:
    """Logs in the folder of a run, in one of many, or in `wandb/` below it."""
    if not is_folder(path):
        return []
    found = [*path.glob("run-*.wandb"), *path.glob("*run-*/run-*.wandb"), *path.glob("wandb/*run-*/run-*.wandb")]
    return sorted(set(one.resolve() for one in found if one.is_file()))


def read_offline(source: Source) -> Reading:
    """One run for each log. A log that ends in the middle of a record, as of a run that was killed, is read up to there."""
    runs, left_out = [], []
    for path in _logs(source.path) if source.is_folder else [source.path]:
        content = read_bytes(path, MOST_LOG)
        if not content.startswith(HEADER):
            left_out.append(LeftOut(0, path.name, "it does not begin as a log of W&B"))
            continue
        run, cut = _run(path, content)
        runs.append(run)
        if cut:
            left_out.append(LeftOut(0, f"the end of {path.name}", "it is cut in the middle of a record"))
    if not runs:
        raise BadValue("no log of W&B that can be read", "copy it again")
    return Reading(source.path, runs=tuple(runs), left_out=tuple(left_out))


def _run(path: Path, content: bytes) -> tuple[TrackedRun, bool]:
    told: dict[str, Any] = {}
    config: dict[str, Any] = {}
    points: list[Point] = []
    log = _Log(content)
    for record in log.records():
        for number, value in fields_of(record):
            if number == HISTORY:
                points += _history(inner(value))
            elif number == CONFIG:
                config |= _items(inner(value), 1)
            elif number == RUN:
                for field, entry in fields_of(inner(value)):
                    told[str(field)] = entry
                    config |= _items(inner(entry), 1) if field == 4 else {}
    name = words(told.get("8", b"")) or words(told.get("1", b"")) or path.stem
    run_id = words(told.get("1", b"")) or path.stem
    values = {
        key: value["value"] if isinstance(value, dict) and "value" in value else value for key, value in config.items()
    }
    date = date_in(path.parent.name.replace("_", " ").replace("-", " "))
    run = TrackedRun(
        text(name), f"wandb:{text(run_id)}", parameters_of(values), metrics_of(points), date, "", text(words(told.get("3", b""))),
        file_sha(path),
    )  # fmt: skip
    return run, log.cut


class _Log:
    """The records of a log; `cut` once it ended inside of one."""

    def __init__(self, content: bytes) -> None:
        self._content = content
        self.cut = False

    def records(self) -> Iterator[bytes]:
        """Whole records, put together from their parts."""
        at, whole, parts = HEADER_BYTES, len(self._content), b""
        while at + RECORD_HEADER <= whole:
            left = BLOCK - at % BLOCK
            if left < RECORD_HEADER:  # the rest of a block is filled up
                at += left
                continue
            _, length, kind = struct.unpack_from("<IHB", self._content, at)
            at += RECORD_HEADER
            if kind not in (FULL, FIRST, MIDDLE, LAST) or at + length > whole:
                self.cut = kind != 0 or at + length > whole
                return
            parts = (
                self._content[at : at + length] if kind in (FULL, FIRST) else parts + self._content[at : at + length]
            )
            at += length
            if kind in (FULL, LAST):
                yield parts
                parts = b""
        self.cut = bool(parts)


def _history(message: bytes) -> Iterator[Point]:
    """The numbers of one step; what W&B logs of itself begins with an underscore."""
    values: dict[str, Any] = {}
    step = 0
    for number, value in fields_of(message):
        if number == 1:
            values |= _item(inner(value))
        elif number == 2:
            step = next((signed(entry) for field, entry in fields_of(inner(value)) if field == 1), 0)
    step = values.get("_step", step) if isinstance(values.get("_step", step), int) else step
    for name, entry in _flat(values):
        found = number_of(entry)
        if found is not None and not name.startswith("_"):
            yield name, step, found


def _flat(values: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, dict):
            yield from ((f"{name}.{key}", entry) for key, entry in value.items())
        else:
            yield name, value


def _items(message: bytes, field: int) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for number, value in fields_of(message):
        if number == field:
            found |= _item(inner(value))
    return found


def _item(message: bytes) -> dict[str, Any]:
    keys: list[str] = []
    value: Any = None
    for number, entry in fields_of(message):
        if number in (ITEM_KEY, ITEM_NESTED):
            keys.append(words(entry))
        elif number == ITEM_JSON:
            try:
                value = parse_json(inner(entry))
            except ValueError:
                value = words(entry)
    return {".".join(keys): value} if keys else {}
