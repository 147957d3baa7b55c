"""Which waiting jobs start, on what, and what is said to the others: a table of what is known, and no process."""

from __future__ import annotations

from dataclasses import replace

import pytest

from db.store import TicketRow
from leverplus_tui.queue import lanes
from leverplus_tui.queue.lanes import Gpu, choices, environment
from leverplus_tui.queue.plan import LONGEST_PAUSE_S, Occupant, Plan, plan

LANES = {"cpu": 16_000, "cuda:0": 80_000, "cuda:1": 80_000}
BASE = TicketRow(
    run_id=1, name="", kind="eval", state="queued", priority=0, place=0, device="cpu", memory_mb=0, needs=(), retries=0,
    tried=0, time_limit_s=None, paused=False, not_before=0, runner="", lane="", batch=None, waiting="",
)  # fmt: skip


def ticket(run_id: int, **fields: object) -> TicketRow:
    return replace(BASE, run_id=run_id, **fields)  # type: ignore[arg-type]


def planned(
    *tickets: TicketRow, at_work: tuple[Occupant, ...] = (), states: dict[int, str] | None = None, now: int = 0,
    lanes: dict[str, int] = LANES,
) -> Plan:  # fmt: skip
    return plan(tickets, occupants=at_work, lanes=lanes, states=states or {}, now=now)


def started(found: Plan) -> dict[int, tuple[str, ...]]:
    return {run: start.lanes for start in found.starts for run in start.run_ids}


def test_one_job_takes_the_processor_and_the_next_waits_for_it() -> None:
    found = planned(ticket(1), ticket(2))
    assert started(found) == {1: ("cpu",)}
    assert found.waiting == {2: "waits for cpu: r1 at work"}


def test_small_jobs_share_a_device_by_declared_memory() -> None:
    small = [ticket(run, device="cuda:0", memory_mb=30_000) for run in (1, 2, 3)]
    found = planned(*small, ticket(4, device="cuda:1", memory_mb=90_000))
    assert started(found) == {1: ("cuda:0",), 2: ("cuda:0",)}
    assert found.waiting[4] == "declares 90000 MB, and cuda:1 has 80000 MB: queue it with less --memory"


def test_a_job_that_declares_nothing_shares_with_nobody() -> None:
    at_work = (Occupant(9, ("cpu",), 1_000),)
    assert planned(ticket(1), at_work=at_work).waiting == {1: "waits for cpu: r9 at work"}
    assert started(planned(ticket(1, memory_mb=1_000), at_work=at_work)) == {1: ("cpu",)}
    assert not planned(ticket(1, memory_mb=1_000), at_work=(Occupant(9, ("cpu",), 0),)).starts


def test_a_big_job_is_not_overtaken_by_small_ones_for_ever() -> None:
    at_work = (Occupant(9, ("cpu",), 1_000),)
    found = planned(ticket(1, memory_mb=15_900), ticket(2, memory_mb=1_000), at_work=at_work)
    assert found.starts == []
    assert found.waiting[2] == "waits for cpu: r9 at work, r1 before it"


def test_jobs_spread_over_the_gpus_and_one_may_take_all() -> None:
    found = planned(ticket(1, device="cuda"), ticket(2, device="auto"), ticket(3, device="cuda:all"), ticket(4))
    assert started(found) == {1: ("cuda:0",), 2: ("cuda:1",), 4: ("cpu",)}
    assert found.waiting == {3: "waits for cuda:0 or cuda:1: r1, r2 at work"}
    assert started(planned(ticket(3, device="cuda:all"))) == {3: ("cuda:0", "cuda:1")}


@pytest.mark.parametrize(
    ("state", "said", "goes_on"),
    [
        ("running", "waits for r7, which is running", True),
        ("failed", "waits for r7, which failed: `leverplus resume r7` goes on with it", False),
        ("lost", "waits for r7, which was lost: `leverplus resume r7` goes on with it", False),
        ("deleted", "waits for r7, which was deleted: `leverplus queue cancel r1` gives up", False),
    ],
)
def test_a_run_waits_for_those_before_it(state: str, said: str, goes_on: bool) -> None:
    found = planned(ticket(1, needs=(7,)), states={7: state})
    assert (found.waiting[1], found.goes_on, found.starts) == (said, goes_on, [])
    assert planned(ticket(1, needs=(7,)), states={7: "done"}).starts


def test_a_paused_run_waits_for_a_person_and_holds_nobody_up() -> None:
    found = planned(ticket(1, paused=True), ticket(2))
    assert started(found) == {2: ("cpu",)}
    assert "leverplus unpause r1" in found.waiting[1]
    assert not planned(ticket(1, paused=True)).goes_on


def test_a_retry_waits_for_its_time_but_not_for_a_clock_that_was_set_back() -> None:
    soon, never = int(5e6), int(2 * LONGEST_PAUSE_S * 1e6)
    assert "try 2 of 3 starts at" in planned(ticket(1, not_before=soon, tried=1, retries=2)).waiting[1]
    assert started(planned(ticket(1, not_before=soon), now=soon)) == {1: ("cpu",)}
    assert started(planned(ticket(1, not_before=never))) == {1: ("cpu",)}


def test_a_device_that_is_not_there_is_named() -> None:
    found = planned(ticket(1, device="cuda:7"))
    assert (found.waiting, found.goes_on) == ({1: "waits for cuda:7, which this machine lacks"}, False)


def test_runs_of_one_batch_start_as_one_process() -> None:
    found = planned(ticket(1, batch=5), ticket(2), ticket(3, batch=5), ticket(4, batch=5, paused=True))
    assert [start.run_ids for start in found.starts] == [(1, 3)]
    assert set(found.waiting) == {2, 4}


def test_on_unequal_cards_a_big_job_waits_for_those_that_can_hold_it_and_leaves_the_others_alone() -> None:
    """A job that waits for the big card must not keep small ones from the small card, which it can never use."""
    unequal = {"cpu": 16_000, "cuda:0": 24_000, "cuda:1": 80_000}
    at_work = (Occupant(9, ("cuda:1",), 0),)
    jobs = [
        ticket(1, device="cuda", memory_mb=50_000),
        ticket(2, device="cuda", memory_mb=20_000),
        ticket(3, device="cuda"),
    ]
    found = planned(*jobs, at_work=at_work, lanes=unequal)
    assert started(found) == {2: ("cuda:0",)}
    assert found.waiting == {
        1: "waits for cuda:1: r9 at work",
        3: "waits for cuda:0 or cuda:1: r2, r9 at work, r1 before it",
    }
    assert started(planned(*jobs[:2], lanes=unequal)) == {1: ("cuda:1",), 2: ("cuda:0",)}


def test_what_can_never_start_says_so_and_holds_nobody_up() -> None:
    unequal = {"cpu": 16_000, "cuda:0": 24_000, "cuda:1": 80_000}
    found = planned(
        ticket(1, device="cuda:all", memory_mb=50_000), ticket(2, device="cuda", memory_mb=90_000),
        ticket(3, device="cuda"), lanes=unequal,
    )  # fmt: skip
    assert started(found) == {3: ("cuda:0",)}
    assert found.waiting == {
        1: "declares 50000 MB, and cuda:0 and cuda:1 has 24000 MB: queue it with less --memory",
        2: "declares 90000 MB, and cuda:0 or cuda:1 has 80000 MB: queue it with less --memory",
    }
    assert not planned(ticket(2, device="cuda", memory_mb=90_000), lanes=unequal).goes_on


def test_a_device_of_unknown_memory_is_taken_alone() -> None:
    unknown = {"cpu": 16_000, "cuda:0": 0}
    found = planned(*(ticket(run, device="cuda", memory_mb=1_000) for run in (1, 2)), lanes=unknown)
    assert started(found) == {1: ("cuda:0",)}
    assert found.waiting == {2: "waits for cuda:0: r1 at work"}


def test_a_card_that_vanished_takes_no_job_and_keeps_the_names_of_the_others() -> None:
    left = {"cpu": 16_000, "cuda:0": 80_000, "cuda:2": 80_000}
    at_work = (Occupant(8, ("cuda:1",), 0), Occupant(9, ("cuda:2",), 0))
    found = planned(
        *(ticket(run, device="cuda") for run in (1, 2)), ticket(3, device="cuda:1"), at_work=at_work, lanes=left
    )
    assert started(found) == {1: ("cuda:0",)}
    assert found.waiting[3] == "waits for cuda:1, which this machine lacks"


def test_a_given_gpu_is_the_only_one_that_a_job_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    cards = [Gpu("cuda:0", "GPU-a", 80_000), Gpu("cuda:1", "GPU-b", 80_000)]
    monkeypatch.setattr(lanes, "gpus", lambda here: cards)
    assert environment("auto", ("cuda:1",), {}) == {"CUDA_VISIBLE_DEVICES": "GPU-b"}
    assert environment("cuda", ("cuda:2",), {}) == {"CUDA_VISIBLE_DEVICES": "2"}, "the driver has become silent"
    assert environment("cuda:1", ("cuda:1",), {}) == {}, "it names its device itself"
    assert environment("auto", ("cpu",), {}) == {}
    assert choices("auto", ["cpu"]) == (("cpu",),)
    assert choices("cuda", ["cpu"]) == choices("cuda:all", ["cpu"]) == ()
