"""Why a resumed run cannot go on: what it is computed from is no longer what its first process saw."""

from __future__ import annotations

from db.specs.base import Finding, UserError
from engine.common.findings import error

SHOWN = 12
"""Digits of a hash that people are shown."""


class Changed(UserError):
    """An input or a server is another one than the stored part of the run was computed with."""

    code = "input-changed"

    def __init__(self, subject: str, sentence: str, ways_on: str) -> None:
        super().__init__(f"{sentence}: {ways_on}")
        self._finding = error(self.code, subject, f"{sentence}.", ways_on)

    @property
    def finding(self) -> Finding:
        """The same as a finding of the run."""
        return self._finding


class InputChanged(Changed):
    """A file, a data set or a model was replaced."""

    def __init__(self, run: str, role: str, path: str, then: str, now: str) -> None:
        """`then` and `now` are hashes, or what stands for them."""
        sentence = (
            f"{role}: {path} is not what {run} began with (sha256 {then[:SHOWN]} then, "
            f"{f'{now[:SHOWN]} now' if now else 'nothing now'})"
        )
        super().__init__(role, sentence, f"put it back and `leverplus resume {run}`, or begin anew with {_again(run)}")


class ServerChanged(Changed):
    """Another model answers behind the same address and name."""

    code = "server-changed"

    def __init__(self, run: str, difference: str) -> None:
        sentence = f"server: it is not the one that {run} began with ({difference})"
        super().__init__(
            "server", sentence, f"serve that model again and `leverplus resume {run}`, or begin anew with {_again(run)}"
        )


def _again(run: str) -> str:
    return f"`leverplus rerun {run}`"
