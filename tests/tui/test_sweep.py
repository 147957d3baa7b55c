"""Sweeps: values and ranges, one preflight for what is shared, queued whole, followed, stopped, resumed, and their best."""

from __future__ import annotations

import re
import shlex
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from db import rows, store
from db.home import Home
from db.session import reading, writing
from db.specs import UserError
from db.store import Pace
from leverplus_tui.commands.running.sweep import EXAMPLES
from leverplus_tui.jobs import preflight
from leverplus_tui.queue import dispatcher, submit
from leverplus_tui.queue import sweep as sweeping
from leverplus_tui.queue.dispatcher import Dispatcher
from leverplus_tui.queue.estimate import estimate
from leverplus_tui.queue.grid import grid, values_of
from leverplus_tui.queue.submit import Wish
from tests.helpers_cli import Desk, make_desk

TRAINING = {"rl_data": "builtin", "embeddings": "builtin"}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = make_desk(tmp_path, monkeypatch)
    for module in (submit, sweeping):
        monkeypatch.setattr(module, "ensure_dispatcher", lambda home, database: None)
    monkeypatch.setattr(dispatcher, "lanes", lambda _: {"cpu": 16_000})
    return desk


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("a,b", ["a", "b"]),
        ("1..4", ["1", "2", "3", "4"]),
        ("0..1:5", ["0", "0.25", "0.5", "0.75", "1"]),
        ("1e-4..1e-2:3log", ["0.0001", "0.001", "0.01"]),
        ("[1,2],[4]", ["[1,2]", "[4]"]),
        ("../data,./x..y", ["../data", "./x..y"]),
        ("0,1e-3..3e-3:3", ["0", "0.001", "0.002", "0.003"]),
    ],
)
def test_values_are_listed_or_ranges(text: str, values: list[str]) -> None:
    assert values_of("field", text) == values


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("1,1", "1 is listed twice"),
        ("0.1..0.5", "how many values, such as 0.1..0.5:5"),
        ("5..1", "whole numbers in order"),
        ("0..1:3log", "above 0"),
        ("1..9:1", "2 to 1000 values"),
        ("[1,2],[2,4", "bracket of .* has no partner"),
    ],
)
def test_values_that_make_no_list_are_refused(text: str, said: str) -> None:
    with pytest.raises(UserError, match=said):
        values_of("field", text)


@pytest.mark.parametrize(
    ("kind", "assignments", "seeds", "said"),
    [
        (
            "eval",
            ["decode.temperature=0.5,0.7"],
            None,
            r"decode\.temperature: it has no effect .* decode\.do_sample is false",
        ),
        (
            "eval",
            ["decode.do_sample=true,false", "decode.top_p=0.8,0.9"],
            None,
            r"come to the same: decode\.top_p has no",
        ),
        ("eval", ["retriever=t2t"], "3", "seed: it has no effect in any of these runs: .* without drawing"),
        ("rce", ["kl_beta=0.1,0.2"], None, "kl_beta: it has no effect in any of these runs: grpo_epochs is 0"),
        ("grpo", ["use_kl=false", "kl_beta=0.1,0.2"], None, "use_kl is false"),
    ],
)
def test_a_field_that_is_varied_in_vain_is_refused(
    kind: str, assignments: list[str], seeds: str | None, said: str
) -> None:
    with pytest.raises(UserError, match=said):
        grid(kind, TRAINING if kind != "eval" else {}, None, assignments, seeds)


def test_a_field_that_has_an_effect_in_some_runs_is_varied() -> None:
    assert len(grid("eval", {}, None, ["decode.do_sample=true", "decode.temperature=0.5,0.7"], None).members) == 2
    assert len(grid("eval", {}, None, ["retriever=t2t", "limit=20"], "3").members) == 3
    assert len(grid("grpo", TRAINING, None, ["kl_beta=0.1,0.2"], None).members) == 2


def test_seeds_repeat_retrievers_that_draw_beside_one_that_does_not() -> None:
    assert len(grid("eval", {}, None, ["retriever=random,t2t"], "3").members) == 6


def _sweeps_told() -> list[str]:
    """What README and the help of the command tell people to type."""
    readme = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    return [
        *EXAMPLES.values(),
        *re.findall(r"^ +(leverplus sweep (?:eval|rce|grpo|generate) .*?)(?:  +#.*)?$", readme, re.M),
    ]


@pytest.mark.parametrize("line", _sweeps_told())
def test_no_sweep_that_is_told_as_an_example_is_refused(line: str) -> None:
    words = shlex.split(line)
    seeds = words[words.index("--seeds") + 1] if "--seeds" in words else None
    assignments = [after for word, after in pairwise(words) if word == "--set"]
    assert (
        len(grid(words[2], {} if words[2] in ("eval", "generate") else TRAINING, None, assignments, seeds).members) > 1
    )


def test_every_combination_is_a_run_and_what_has_one_value_is_fixed() -> None:
    found = grid("eval", {}, None, ["retriever=random,fixed", "shots=[1,2],[4]", "limit=20"], "2")
    assert found.axes == {"retriever": ["random", "fixed"], "shots": [[1, 2], [4]], "seed": [42, 43]}
    assert [member.label for member in found.members][:3] == [
        "retriever=random shots=1,2 seed=42",
        "retriever=random shots=1,2 seed=43",
        "retriever=random shots=4 seed=42",
    ]
    assert {member.spec.limit for member in found.members} == {20}  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("assignments", "seeds", "said"),
    [
        (["retriever=random"], None, "give --set FIELD=V1,V2 or --seeds N"),
        (["retriever=random,nearest"], None, "retriever = 'nearest'"),
        (["retreiver=a,b"], None, "did you mean retriever"),
        (["seed=1,2"], "2", "both vary the seed"),
        (["limit=1,2", "limit=3"], None, "limit is given twice"),
        (["decode.temperature=1,1.0"], None, "are the same run"),
        ([], "0", "--seeds 0"),
        (["seed=1..500", "batch_size=1..500"], None, "1,000 at most"),
    ],
)
def test_a_grid_that_is_none_is_refused(assignments: list[str], seeds: str | None, said: str) -> None:
    with pytest.raises(UserError, match=said):
        grid("eval", {}, None, assignments, seeds)


def test_what_is_shared_is_checked_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []

    def check(spec: Any, place: Any, quiet: bool = False, on: str = "") -> preflight.Checked:
        asked.append(spec)
        return preflight.Checked(())

    monkeypatch.setattr(preflight, "check", check)
    found = grid("rce", TRAINING, None, ["rce_lr=1e-4,1e-3", "dropout=0,0.1", "attn_dropout=0"], "3")
    prepared = sweeping.prepare(desk.home, found, "")
    assert (len(found.members), len(asked)) == (12, 2), "once for each dropout"
    batches = [entry.batch for entry in prepared.entries]
    assert len({b for b in batches if b is not None}) == 1, "what draws no dropout trains in one process"
    assert sum(b is None for b in batches) == 6
    asked.clear()
    sweeping.prepare(desk.home, grid("eval", {}, None, ["limit=10", "retriever=random,fixed"], "2"), "")
    assert len(asked) == 4, "a seed draws the questions"


def test_a_blocked_sweep_queues_nothing(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from db.specs import Finding

    bad = Finding(code="d-model", severity="error", subject="x", message="512 is not 768.")
    monkeypatch.setattr(preflight, "check", lambda spec, place, quiet=False, on="": preflight.Checked((bad,)))
    assert "2 runs of 2 would be blocked" in desk.call("sweep", "eval", "--seeds", "2", code=3).stderr
    assert desk.json("runs") == []


def queued_sweep(desk: Desk, *words: str) -> str:
    return desk.call("sweep", "eval", "--device", "cpu", "--detach", *words).stdout.strip()


def test_a_sweep_is_queued_worked_off_and_compared(desk: Desk) -> None:
    assert queued_sweep(desk, "--set", "vlm=plain,gap", "--seeds", "2", "--name", "try") == "s1"
    document = desk.json("sweep", "show", "try")
    assert [run["settings"] for run in document["runs"]][:2] == [
        {"vlm": "plain", "seed": 42},
        {"vlm": "plain", "seed": 43},
    ]
    queue = Dispatcher(desk.home)
    for run_id in (1, 2, 3, 4):
        queue.turn()
        desk.until(run_id, "done")
    assert "4 done" in desk.call("sweep", "show", "s1").stdout
    assert [row["id"] for row in desk.json("runs", "--where", "sweep:s1", "--sort", "id asc")] == [
        "r1",
        "r2",
        "r3",
        "r4",
    ]
    assert "--by acc@9 is none of theirs: acc@2" in desk.call("sweep", "best", "s1", "--by", "acc@9", code=2).stderr
    assert {one["shot"] for one in desk.json("sweep", "best", "s1", "--by", "acc@2")["best_of"]} == {2}
    best = desk.json("sweep", "best", "s1")
    assert (best["best_of"][0]["n"], best["best_of"][0]["shot"]) == (30, 2)
    assert desk.call("sweep", "resume", "s1", "--detach").stderr.startswith("s1: 0 runs queued again")


def test_a_stopped_sweep_goes_on_with_what_is_missing(desk: Desk) -> None:
    queued_sweep(desk, "--set", "vlm=pause,plain,deaf")
    queue = Dispatcher(desk.home)
    queue.turn()
    desk.until_paused(1)
    assert desk.call("sweep", "stop", "s1").stdout == "s1: 3 stopped\n"
    assert not queue.turn()
    desk.call("sweep", "resume", "s1", "--detach")
    queue.turn()
    desk.until(1, "done")
    queue.turn()
    desk.until(2, "done")
    assert len(desk.answers(1)) == 30
    desk.call("sweep", "stop", "s1")


def test_two_terminals_that_resume_one_sweep_queue_each_run_once(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """One is quicker with some run: before, the other ended there, and left those behind it."""
    words = ("sweep", "eval", "--vlm", "plain", "--device", "cpu", "--seeds", "3", "--detach")
    desk.call(*words)
    desk.call("sweep", "stop", "s1")

    def overtaken(home: Home, run_id: int, wish: Wish) -> None:
        if run_id == 1:
            submit.requeue(home, run_id, wish)
        submit.requeue(home, run_id, wish)

    monkeypatch.setattr(sweeping, "requeue", overtaken)
    assert desk.call("sweep", "resume", "s1", "--detach").stderr.startswith("s1: 2 runs queued again")
    assert [desk.state(run_id) for run_id in (1, 2, 3)] == ["queued"] * 3


def test_the_end_of_a_sweep_is_told_by_its_exit_code(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    from leverplus_tui.commands.running import sweep as command

    desk.database.dispose()
    queue = Dispatcher(desk.home)
    monkeypatch.setattr(command, "tend", lambda home, database: queue.turn())
    monkeypatch.setattr(command, "TEND_EVERY_S", 0.0)
    result = desk.call("sweep", "eval", "--device", "cpu", "--set", "vlm=plain,user-error", code=1)
    assert "r1 done: vlm=plain (1 of 2)" in result.stderr
    assert "r2 failed: vlm=user-error (2 of 2)" in result.stderr
    assert "`leverplus sweep resume s1` goes on with what is missing" in result.stderr


def test_a_sweep_says_what_it_would_be(desk: Desk) -> None:
    result = desk.call("sweep", "eval", "--vlm", "plain", "--seeds", "2", "--dry-run")
    assert result.stdout == "seed=42\nseed=43\n"
    assert "nobody knows how long" in result.stderr
    assert desk.json("runs") == []


def test_time_is_told_from_runs_alike_in_proportion() -> None:
    done = [
        Pace(
            60.0,
            0,
            {
                "kind": "eval",
                "dataset": "d",
                "vlm": "v",
                "engine": "auto",
                "device": "auto",
                "limit": 100,
                "shots": [2],
            },
        )
    ]
    like = {**done[0].spec, "limit": 200, "shots": [1, 2]}
    found = estimate([like, {**like, "vlm": "other"}], done)
    assert (found.seconds, found.known, found.of) == (480.0, 1, 2), "one is known, the other is taken to be like it"
    assert estimate([{**like, "limit": None}], done).known == 0, "a part of a data set tells nothing of the whole"


def train(desk: Desk, run_id: int, *values: float) -> None:
    with writing(desk.database) as session:
        made = [rows.Metric("rce", epoch, epoch, "val_loss", value) for epoch, value in enumerate(values, 1)]
        store.add_rows(session, run_id=run_id, process_id=None, rows=made)
        store.set_state(session, run_id=run_id, state="running")
        store.set_state(session, run_id=run_id, state="done")


def test_trainings_are_ranked_by_the_mean_over_seeds_with_its_interval(desk: Desk) -> None:
    words = ["--data", "builtin", "--embeddings", "builtin", "--set", "rce_lr=1e-4,1e-3", "--seeds", "2", "--detach"]
    desk.call("sweep", "rce", *words)
    for run_id, best in enumerate((2.0, 2.2, 1.5, 1.7), 1):
        train(desk, run_id, 3.0, best, best + 0.5)
    found = desk.json("sweep", "best", "s1")
    first = found["settings"][0]
    assert (first["settings"], first["runs"], found["lower_is_better"]) == ("rce_lr=0.001", ["r3", "r4"], True)
    assert first["value"] == pytest.approx(1.6)
    # two values 0.2 apart: standard error 0.1, t with one degree of freedom 12.706
    assert first["ci_high"] - first["value"] == pytest.approx(1.2706, abs=1e-4)
    # the larger of two normal draws is 0.5642 on average
    assert found["gain_by_choice"] == pytest.approx(0.05642, abs=1e-4)
    assert "best by val_loss (lowest): rce_lr=0.001 (r3 r4)" in desk.call("sweep", "best", "s1").stdout
    assert "has nonsense: measured are val_loss" in desk.call("sweep", "best", "s1", "--by", "nonsense", code=2).stderr


def test_one_seed_each_is_called_luck(desk: Desk) -> None:
    words = ["--data", "builtin", "--embeddings", "builtin", "--set", "rce_lr=1e-4,1e-3", "--detach"]
    desk.call("sweep", "rce", *words)
    train(desk, 1, 2.0)
    train(desk, 2, 1.0)
    said = desk.call("sweep", "best", "s1").stdout
    assert "how much seeds differ is unknown, so the best may be the luckiest" in said


def test_of_equal_settings_none_is_best(desk: Desk) -> None:
    words = ["--data", "builtin", "--embeddings", "builtin", "--set", "rce_lr=1e-4,1e-3", "--detach"]
    desk.call("sweep", "rce", *words)
    train(desk, 1, 1.0)
    train(desk, 2, 1.0)
    said = desk.call("sweep", "best", "s1").stdout
    assert "best by val_loss (lowest): none, rce_lr=0.0001 and rce_lr=0.001 are equal" in said


def test_a_sweep_that_is_not_there_is_named(desk: Desk) -> None:
    assert "there is no sweep s9" in desk.call("sweep", "show", "s9", code=2).stderr
    assert "there is no sweep 'x'" in desk.call("sweep", "show", "x", code=2).stderr
    with reading(desk.database) as session:
        assert store.list_sweeps(session) == []
