"""Errors and findings name commands; in the program the key that does the same stands before each."""

from __future__ import annotations

from pathlib import Path

import pytest

from docs.make_keys import bindings, nodes
from leverplus_tui.tui import messages
from leverplus_tui.tui.program.palette import TASKS
from leverplus_tui.tui.ways import ELSEWHERE, OF_A_RUN, by_form, by_keys, in_app
from tests.helpers_tui import fill, opened, text_of, until


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        (
            "r3 is done: `leverplus rerun r3` repeats it",
            "r3 is done: A on r3 (`leverplus rerun r3` in a shell) repeats it",
        ),
        ("leverplus resume r3", "R on r3 (`leverplus resume r3` in a shell)"),
        ("`leverplus resume` those", "R (`leverplus resume` in a shell) those"),
        ("see `leverplus runs --where deleted:yes`", "see T (`leverplus runs --where deleted:yes` in a shell)"),
        ("make it with `leverplus run embed`", "make it with n (`leverplus run embed` in a shell)"),
        ("it was: `leverplus run rce --data x`", "it was: `leverplus run rce --data x`"),
        ("`leverplus nodes` shows it", "`leverplus nodes` shows it"),
        ("nothing to say of it", "nothing to say of it"),
    ],
)
def test_a_key_stands_before_the_command_that_it_replaces(sentence: str, told: str) -> None:
    assert in_app(sentence) == told


def test_every_key_that_is_named_is_bound() -> None:
    keys = {key.strip() for kind in nodes() for one in bindings(kind) for key in one.key.split(",")}
    named = {part for way in (*OF_A_RUN.values(), *ELSEWHERE.values()) for part in way.split(", then ")}
    assert {one.removeprefix("^p ") for one in named} - keys - {*TASKS} == set()


def test_options_become_fields_of_the_form_or_keys_of_the_window() -> None:
    assert by_form("Give --pool-size 20 or less, or --pool all.") == "Give pool_size 20 or less, or pool all."
    assert by_form("Give --set decode.num_beams=1, or vLLM: --max-model-len") == (
        "Give decode.num_beams=1, or vLLM: --max-model-len"
    )
    assert by_form("`run rce` needs --data: RL data") == "fill in rl_data: RL data"
    assert by_keys("say it with --vlm, or --shot", {"--vlm": "m"}) == "say it with m, or --shot"


async def test_going_on_with_a_run_that_is_done_names_the_key_that_repeats_it(tmp_path: Path) -> None:
    home = fill(tmp_path / "home", n=8)
    async with opened(home, (120, 36)) as pilot:
        pilot.app.post_message(messages.ResumeRun(1))
        await until(pilot, lambda: "A on r1" in text_of(pilot))
