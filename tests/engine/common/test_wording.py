"""How the doctor words counts, shares, commands, and what files supplied."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from engine.common.wording import convert_command, counted, parameters, printable, printable_facts, sentence, share


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("the file is cut", "The file is cut."),
        ("m23.pt is cut", "m23.pt is cut."),
        ("dpp_rank is 3", "dpp_rank is 3."),
        ("/a b/c is cut.", "/a b/c is cut."),
        ("single-layer names", "Single-layer names."),
    ],
)
def test_names_are_not_capitalised(text: str, said: str) -> None:
    assert sentence(text) == said


def test_counts_and_shares() -> None:
    assert (counted(1, "tensor"), counted(1200, "tensor")) == ("1 tensor", "1,200 tensors")
    assert [share(part, 10_000) for part in (0, 1, 4012, 9999, 10_000)] == [
        "0 %", "less than 0.1 %", "40.1 %", "more than 99.9 %", "100 %"
    ]  # fmt: skip
    assert parameters(263_680, 657_152) == "263,680 of 657,152 parameters (40.1 %)"


def test_commands_can_be_pasted() -> None:
    assert convert_command(Path("a b/c'd.pt")) == "`leverplus convert 'a b/c'\"'\"'d.pt' OUT.safetensors`"


def test_what_steers_a_terminal_is_escaped_and_stays_json() -> None:
    text = "\x1b[2J\x07\x9b\u202e\ud800\U000e0041 über 中文 \u200d\n"
    assert printable(text) == r"\u001b[2J\u0007\u009b\u202e\ud800\udb40\udc41 über 中文 " + "\u200d" + r"\u000a"
    assert json.loads(printable(json.dumps(["\ud800\x7f"], indent=1, ensure_ascii=False), "\n")) == ["\ud800\x7f"]
    assert printable_facts({"a\x1b": ["\x1b", 1, None, (2.5,)]}) == {r"a\u001b": [r"\u001b", 1, None, [2.5]]}
