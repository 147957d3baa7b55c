"""How times and durations are written, on the command line and on every screen."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from leverplus_tui.text.language import shown

TODAY_S = 12 * 3600
"""Seconds up to which it is said how long ago something was."""


def now() -> datetime:
    """The present, in one place, so that pictures of screens can hold it still."""
    return datetime.now(UTC)


def duration(seconds: float | None) -> str:
    """`8s`, `4m12`, `2h11`, `3d04h`; `-` where unknown."""
    if seconds is None:
        return "-"
    whole = max(0, int(seconds))
    if whole < 60:
        return f"{whole}s"
    minutes, rest = divmod(whole, 60)
    if minutes < 60:
        return f"{minutes}m{rest:02d}"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}h{minutes:02d}"
    return f"{hours // 24}d{hours % 24:02d}h"


MOST_DIGITS = 7
"""Of a number in `seconds`: more would be no time that a job is given, and no number that is stored."""


def seconds(text: str) -> int | None:
    """`90`, `90s`, `15m`, `2h`, `2h30m`, `1d` as whole seconds; None for anything else, and for a number of more than 7 digits."""
    parts = re.findall(r"(\d+)([smhd]?)", text.lower())
    if not parts or any(len(amount) > MOST_DIGITS for amount, _ in parts):
        return None
    if "".join(amount + unit for amount, unit in parts) != text.lower().replace(" ", ""):
        return None
    return sum(int(amount) * {"": 1, "s": 1, "m": 60, "h": 3600, "d": 86400}[unit] for amount, unit in parts)


def moment(time: datetime | None) -> str:
    """A time in local time, to the minute: `2026-06-12 14:02`."""
    return "-" if time is None else time.astimezone().strftime("%Y-%m-%d %H:%M")


def clock(microseconds: int) -> str:
    """A stored time of today in local time: `14:02:11`."""
    return datetime.fromtimestamp(microseconds / 1e6, UTC).astimezone().strftime("%H:%M:%S")


def since(time: datetime) -> float:
    """Seconds from a time until now."""
    return (now() - time).total_seconds()


def age(time: datetime | None) -> str:
    """`4m12 ago` for what was half a day ago at most; before that `06-12 14:02`, in another year `2025-06-12`."""
    if time is None:
        return "-"
    if since(time) < TODAY_S:
        return shown(f"{duration(since(time))} ago")
    local = time.astimezone()
    return local.strftime("%m-%d %H:%M" if local.year == now().astimezone().year else "%Y-%m-%d")


def iso(time: datetime | None) -> str | None:
    """A time as ISO 8601, for JSON."""
    return None if time is None else time.isoformat()


def utc(time: datetime | None) -> str:
    """A time in UTC, to the minute, for what must be the same text on every machine."""
    return "-" if time is None else time.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
