"""Reasoning is told apart from answers however models and templates mark it."""

from __future__ import annotations

import pytest

from engine.common.reasoning import apart, begun, enough_tokens
from engine.vlm.protocol import Answer, spoken


@pytest.mark.parametrize(
    ("text", "answer", "reasoning"),
    [
        ("circle", "circle", ""),
        ("", "", ""),
        ("<think>\nIt is round, so\n</think>\n\ncircle", "circle", "It is round, so"),
        ("<think>\n\n</think>\n\ncircle", "circle", ""),
        ("It is round.</think>circle", "circle", "It is round."),
        (" <thinking>a</thinking> b", "b", "a"),
        ("[THINK]a[/THINK]b", "b", "a"),
        ("<think>a</think>b</think>c", "c", "a</think>b"),
        ("<think>round</think><answer>circle</answer>", "circle", "round"),
        ("<think>round</think><answer>circle", "circle", "round"),
        ("<think>It is rou", "", "It is rou"),
        ("what is <think>?", "what is <think>?", ""),
    ],
)
def test_reasoning_is_told_apart(text: str, answer: str, reasoning: str) -> None:
    assert apart(text) == (answer, reasoning)


def test_a_prompt_may_open_the_reasoning_itself() -> None:
    assert begun("user\nQ?<|im_end|>\n<|im_start|>assistant\n<think>\n")
    assert not begun("assistant\n<think>\n\n</think>\n\n")
    assert apart("It is rou", inside=True) == ("", "It is rou")
    assert apart("It is round.</think>circle", inside=True) == ("circle", "It is round.")


def test_reasoning_alone_is_no_answer_but_cut() -> None:
    for said in (
        spoken("<think>It", cut=True),
        spoken("", cut=True, reasoning="It"),
        spoken("It", cut=True, inside=True),
    ):
        assert (said.raw, said.cut, said.silent, said.reasoning) == ("", True, True, "It")
        assert "decode.max_new_tokens" in said.error
    assert spoken("circle", cut=False, reasoning="It") == Answer("circle", reasoning="It")
    assert spoken("It</think>", cut=False).silent, "a turn that ends with its reasoning answers nothing"


@pytest.mark.parametrize(("needed", "limit"), [(5, 64), (64, 128), (342, 1024), (1366, 2048 + 2048), (None, 4096)])
def test_the_limit_that_is_named_has_room_for_half_as_many_tokens_more(needed: int | None, limit: int) -> None:
    assert f"decode.max_new_tokens={limit}," in enough_tokens(needed)
