"""What people ask of the queue for a run, as they type it: options of the command line, fields of the launch form."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, field_validator

from db.home import Home
from db.specs import Spec
from leverplus_tui.jobs.spec_options import FieldRefused, explain, path_of, plain
from leverplus_tui.queue import MOST
from leverplus_tui.text.times import seconds

if TYPE_CHECKING:
    from leverplus_tui.queue.submit import Wish


class Wishes(Spec):
    """When a run starts, and what it may take."""

    queue: bool = False
    """Wait in the queue for a free device, and return."""
    after: tuple[str, ...] = ()
    """Start when this run is done."""
    priority: int = Field(default=0, ge=-MOST, le=MOST)
    """Higher ones start first."""
    memory: float = Field(default=0, ge=0, le=MOST)
    """GB of memory it needs: small jobs share a device."""
    retries: int = Field(default=0, ge=0, le=MOST)
    """Try so often again after a failure."""
    time_limit: str = ""
    """Stop it after 90s, 15m, 2h, 1d; resumable."""

    @field_validator("time_limit")
    @classmethod
    def _is_time(cls, text: str) -> str:
        if text.strip() and not seconds(text):
            raise ValueError("write a time such as 90s, 15m, 2h30m or 1d")
        return text

    @classmethod
    def read(cls, values: Mapping[str, Any]) -> Wishes:
        """From values as they are typed. Raises FieldRefused."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            first = error.errors()[0]
            raise FieldRefused(explain("", cls, first), path_of(first)) from None

    @property
    def queues(self) -> bool:
        """Whether the run waits in the queue; any wish asks for that."""
        return self != Wishes()

    def words(self) -> list[str]:
        """The options of a command line that say the same."""
        found: list[str] = []
        for name, value in self.model_dump(mode="json", exclude_defaults=True).items():
            flag = f"--{name.replace('_', '-')}"
            items = value if isinstance(value, list) else [value]
            found += [flag] if value is True else [word for item in items for word in (flag, _plain(item))]
        return found

    def wish(self, home: Home, **elsewhere: Any) -> Wish:
        """As the queue takes it. Raises UserError for a run to be waited for that is not there, or will never be done."""
        # the database costs a third of a second, which a command that queues nothing need not wait
        from leverplus_tui.queue.submit import Wish, needed

        return Wish(
            priority=self.priority,
            memory_mb=round(1024 * self.memory),
            needs=needed(home, self.after),
            retries=self.retries,
            time_limit_s=seconds(self.time_limit) if self.time_limit.strip() else None,
            **elsewhere,
        )


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else plain(value)
