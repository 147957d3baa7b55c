"""What is set for this program alone reaches no job, and what the user set is left as it is."""

from __future__ import annotations

import os

import pytest

from leverplus_tui.jobs import process_environment


def test_jobs_get_the_users_environment_and_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    plugins, threads = process_environment.OURS
    monkeypatch.setattr(process_environment, "_added", set())
    monkeypatch.delenv(plugins, raising=False)
    monkeypatch.setenv(threads, "3")
    monkeypatch.setenv("TQDM_DISABLE", "0")
    process_environment.settle()
    assert (os.environ[plugins], os.environ[threads]) == (process_environment.OURS[plugins], "3")
    jobs = process_environment.of_jobs()
    assert plugins not in jobs
    assert (jobs[threads], jobs["TQDM_DISABLE"], jobs["OMP_WAIT_POLICY"]) == ("3", "0", "PASSIVE")
