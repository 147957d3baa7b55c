"""Trainings that a log or a list of epochs tells of, as runs with metrics: names as our own trainings have them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from db.rows import Metric
from engine.figures.fields import BadValue, text
from engine.figures.reading import Reading, TrackedRun
from engine.figures.source import Source
from engine.figures.tables.words import date_in, plain

EPOCH = re.compile(r"(?:(?P<phase>RCE|GRPO|SFT)\s+)?Epoch\s*\[?(?P<epoch>\d{1,6})(?:\s*/\s*\d{1,6})?\]?", re.IGNORECASE)
NUMBER = r"[-+]?(?:\d{1,20}\.?\d{0,20}(?:[eE][-+]?\d{1,3})?|nan|inf)"
VALUE = re.compile(rf"(?P<name>[^\W\d][\w /-]{{0,30}}?)\s*[=:]\s*(?P<value>{NUMBER})(?![\w.%])", re.IGNORECASE)
ROW = re.compile(rf"\|?\s*(\d{{1,6}})\s*(?:\|\s*{NUMBER}\s*)+\|?", re.IGNORECASE)
PHASE = re.compile(r"(?<![a-z])(RCE|GRPO|SFT)(?![a-z])", re.IGNORECASE)
LONGEST_LINE = 2000
NAMES = {
    "train loss": "loss", "training loss": "loss", "loss": "loss", "val loss": "val_loss", "validation loss": "val_loss",
    "ppo loss": "ppo_loss", "kl loss": "kl_loss", "kl": "kl", "adv std": "std_advantage", "adv max": "max_advantage",
    "beta": "kl_beta", "temperature": "temperature", "mean ratio": "mean_ratio",
}  # fmt: skip
"""As logs print them -> as they are called here; the loss of a phase carries its name."""
HISTORY_FIELDS = ("loss", "kl", "lr", "accuracy", "acc", "reward", "advantage", "ratio")


def is_log(source: Source) -> bool:
    """Text with a line of an epoch and its values, or a table of epochs as a log prints it."""
    if source.is_folder or source.begins_as_json or source.suffix not in (".log", ".txt", ".out", ".err", ""):
        return False
    if b"\0" in source.head or b"poch" not in source.content:
        return False
    return any(True for _ in _points(source.text.splitlines()))


def read_log(source: Source) -> Reading:
    """The metrics of all phases as one training. A value that is printed twice, in a line and in a table, counts once."""
    points: dict[tuple[str, int, str], float] = {}
    for phase, epoch, name, value in _points(source.text.splitlines()):
        points.setdefault((phase, epoch, name), value)
    metrics = tuple(Metric(phase, epoch, epoch, name, value) for (phase, epoch, name), value in points.items())
    run = TrackedRun(source.path.stem, "", metrics=metrics, date=_date(source))
    return Reading(source.path, runs=(run,))


def _date(source: Source) -> str:
    return next((found for line in source.text.splitlines()[:50] if (found := date_in(line[:LONGEST_LINE]))), "")


def _points(lines: Iterable[str]) -> Iterator[tuple[str, int, str, float]]:
    """(phase, epoch, name, value) in the order of the log."""
    phase, header = "", list[str]()
    for raw in lines:
        if len(raw) > LONGEST_LINE or ("|" not in raw and "poch" not in raw and not PHASE.search(raw)):
            continue
        line = plain(raw)
        if cells := _header(line):
            header = cells
            phase = _phase_of(header) or phase
        elif header and ROW.fullmatch(line):
            yield from _row(line, header, phase)
        elif found := EPOCH.search(line):
            phase = (found["phase"] or phase).lower()
            epoch = int(found["epoch"])
            for value in VALUE.finditer(line, found.end()):
                yield phase or "train", epoch, _name(value["name"], phase), float(value["value"])
        elif named := PHASE.search(line):
            phase = named[1].lower()


def _header(line: str) -> list[str]:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    return cells if len(cells) > 1 and cells[0].lower() == "epoch" else []


def _phase_of(header: list[str]) -> str:
    named = {cell.lower() for cell in header}
    return "grpo" if named & {"ppo loss", "kl", "adv std"} else "rce" if "temperature" in named else ""


def _row(line: str, header: list[str], phase: str) -> Iterator[tuple[str, int, str, float]]:
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    for name, cell in list(zip(header, cells, strict=False))[1:]:
        yield phase or "train", int(cells[0]), _name(name, phase), float(cell)


def _name(printed: str, phase: str) -> str:
    known = NAMES.get(printed.strip().lower().replace("_", " "))
    if known == "loss":
        return f"{phase}_loss" if phase in ("rce", "grpo") else "train_loss"
    return known or re.sub(r"\W+", "_", printed.strip().lower()).strip("_")[:60]


def is_history(source: Source) -> bool:
    """A list of epochs, or JSON lines of them, with the metrics of each."""
    rows = _history(source)
    return bool(rows) and all(_is_epoch(row) for row in rows[:100])


def _history(source: Source) -> list[Mapping[str, Any]]:
    content = source.json if not source.rows else [row for _, row in source.rows]
    return content if isinstance(content, list) and all(isinstance(row, dict) for row in content) else []


def _is_epoch(row: Mapping[str, Any]) -> bool:
    return (
        "epoch" in row
        and any(part in str(name).lower() for name in row for part in HISTORY_FIELDS)
        and "shot" not in row
    )


def read_history(source: Source) -> Reading:
    """The metrics of a list of epochs."""
    metrics = []
    for at, row in enumerate(_history(source)):
        epoch = row["epoch"]
        if isinstance(epoch, bool) or not isinstance(epoch, int | float) or not 0 <= epoch < 10**9:
            raise BadValue(f"entry {at}: epoch is no number of an epoch")
        phase = _phase_in(row)
        step = row.get("step", row.get("global_step", int(epoch)))
        step = step if isinstance(step, int) and not isinstance(step, bool) and 0 <= step < 10**15 else int(epoch)
        for name, value in row.items():
            if (
                isinstance(value, int | float)
                and not isinstance(value, bool)
                and name not in ("epoch", "step", "global_step")
            ):
                metrics.append(Metric(phase, int(epoch), step, _name(text(name), phase), float(value)))
    return Reading(source.path, runs=(TrackedRun(source.path.stem, "", metrics=tuple(metrics)),))


def _phase_in(row: Mapping[str, Any]) -> str:
    named = str(row.get("phase", "")).lower()
    if named in ("rce", "grpo", "sft"):
        return named
    return "grpo" if any("ppo" in str(n) or "grpo" in str(n) for n in row) else "rce" if "rce_loss" in row else "train"
