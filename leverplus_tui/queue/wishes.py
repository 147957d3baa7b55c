"""What people ask of the queue for a run, as they type it: options of the command line, fields of the launch form."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import Field, ValidationError, ValidationInfo, field_validator

from db.home import Home
from db.specs import Spec
from engine.common.where import SLURM, check_place, check_words
from leverplus_tui.jobs.spec_options import FieldRefused, explain, path_of, plain
from leverplus_tui.queue import MOST
from leverplus_tui.text.times import seconds

if TYPE_CHECKING:
    from db.store import TicketRow
    from leverplus_tui.queue.submit import Wish


HERE = "home"
"""As a place: this machine."""


class Wishes(Spec):
    """When a run starts, what it may take, and where."""

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
    on: str = ""
    """Run it elsewhere: slurm, slurm:PARTITION, ray or ray:ADDRESS; see `leverplus nodes` and docs/cluster.md."""
    gpus: int | None = Field(default=None, ge=0, le=MOST)
    """With --on: GPUs."""
    cpus: int | None = Field(default=None, ge=1, le=MOST)
    """With --on: CPUs."""
    account: str = ""
    """With --on slurm: who pays."""
    sbatch: tuple[str, ...] = ()
    """With --on slurm: any option of sbatch or submitit, such as qos=long or array_parallelism=8."""
    shared: str = ""
    """With --on: folder that nodes see too, where they do not see the home's disk."""

    @field_validator("time_limit")
    @classmethod
    def _is_time(cls, text: str) -> str:
        if text.strip() and not seconds(text):
            raise ValueError("write a time such as 90s, 15m, 2h30m or 1d")
        return text

    @field_validator("on")
    @classmethod
    def _is_place(cls, text: str) -> str:
        if text.strip() == HERE:
            return ""
        check_words(text)
        return text

    @field_validator("sbatch")
    @classmethod
    def _are_options(cls, words: tuple[str, ...]) -> tuple[str, ...]:
        for word in words:
            if not word.removeprefix("--").partition("=")[0] or any(sign.isspace() for sign in word):
                raise ValueError("write an option and its value, such as qos=long, or exclusive")
        return words

    @field_validator("gpus", "cpus", "account", "sbatch", "shared")
    @classmethod
    def _has_a_place(cls, value: Any, info: ValidationInfo) -> Any:
        """A place that is itself refused is what is said then."""
        wanted = SLURM if info.field_name in ("account", "sbatch") else ""
        if value not in (None, "", ()) and not info.data.get("on", SLURM).startswith(wanted or ("slurm", "ray")):
            raise ValueError(f"a cluster is asked for it: give --on {wanted or 'slurm or --on ray'} with it")
        return value

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

    def wish(self, home: Home) -> Wish:
        """As the queue takes it. Raises UserError for a run to be waited for that is not there, or will never be done, and
        for a place that cannot be reached from here."""
        if self.on:
            check_place(self.on)
        # the database costs a third of a second, which a command that queues nothing need not wait
        from leverplus_tui.queue.submit import Wish, needed

        return Wish(
            priority=self.priority,
            memory_mb=round(1024 * self.memory),
            needs=needed(home, self.after),
            retries=self.retries,
            time_limit_s=seconds(self.time_limit) if self.time_limit.strip() else None,
            runner=self.on,
            resources=self._resources(),
        )

    def _resources(self) -> dict[str, Any]:
        """What was asked of a cluster, as it is kept with the run."""
        asked = self.model_dump(include=set(RESOURCES), exclude_defaults=True)
        if "shared" in asked:
            asked["shared"] = str(Path(self.shared).expanduser().absolute())
        if "sbatch" in asked:
            asked["sbatch"] = {
                word.removeprefix("--").partition("=")[0]: word.partition("=")[2] for word in self.sbatch
            }
        return asked


RESOURCES = ("gpus", "cpus", "account", "sbatch", "shared")
"""What is asked of a cluster beside memory and time."""
CLUSTER = ("on", *RESOURCES)
"""Wishes about another place than this machine."""


def of_run(ticket: TicketRow | None, resources: Mapping[str, Any]) -> Wishes:
    """Where a run works and what it takes there, as it was asked, from what is stored of it."""
    if ticket is None or not ticket.runner:
        return Wishes()
    options = tuple(f"{name}={value}" if value else name for name, value in resources.get("sbatch", {}).items())
    about = {name: value for name, value in resources.items() if name in RESOURCES}
    limit = _time(ticket.time_limit_s) if ticket.time_limit_s else ""
    return Wishes(memory=ticket.memory_mb / 1024, time_limit=limit, on=ticket.runner, **about | {"sbatch": options})


def _time(length_s: int) -> str:
    """As people type it."""
    unit, letter = next((unit, letter) for unit, letter in ((3600, "h"), (60, "m"), (1, "s")) if not length_s % unit)
    return f"{length_s // unit}{letter}"


def _plain(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else plain(value)
