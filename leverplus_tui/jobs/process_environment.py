"""Environment variables by which this program tells libraries what it wants, and those for its jobs."""

from __future__ import annotations

import os

OURS = {"PYDANTIC_DISABLE_PLUGINS": "__all__", "OPENBLAS_NUM_THREADS": "1"}
"""Looking for plugins reads every package installed here, and starting threads for products that nobody asks for takes
longer than the rest of importing numpy."""
JOBS = {"TQDM_DISABLE": "1", "OMP_WAIT_POLICY": "PASSIVE"}
"""Bars of other libraries are carriage returns in a log file; threads that spin while they wait starve other jobs."""
_added: set[str] = set()


def settle() -> None:
    """Set ours where the user set nothing; to be called before pydantic or numpy is imported."""
    _added.update(OURS.keys() - os.environ.keys())
    os.environ.update({name: OURS[name] for name in _added})


def of_jobs() -> dict[str, str]:
    """The environment of a job: the user's, without what was set for this program alone."""
    return JOBS | {name: value for name, value in os.environ.items() if name not in _added}
