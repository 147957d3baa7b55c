"""Names and facts of others, made harmless and short."""

from __future__ import annotations

from leverplus_tui.text.glyphs import GLYPHS
from leverplus_tui.text.states import SEVERITY_ROLES, STATE_ROLES
from leverplus_tui.text.words import clean, fact, short_name, spaced


def test_text_of_others_loses_escapes_and_shows_what_turns_it_round() -> None:
    assert clean("\x1b[31mred\x1b[0m\ttab\x07\x1b]0;title\x07") == "red  tab"
    assert clean("two\nlines \u202egpj.exe") == "two lines \\u202egpj.exe"


def test_facts_are_written_in_words() -> None:
    assert fact({"train": 800, "val": 200}) == "train 800, val 200"
    assert fact({"all": "d" * 64, "half": None}) == "all dddddddddd, half -"
    assert fact({"beam": {"count": 15}, "none": {}}) == "beam (count 15), none -"
    assert fact([0.123456, True]) == "0.1235, yes"
    assert fact(None) == fact({}) == "-"
    assert spaced("lineage.top_share") == "lineage top share"


def test_names_are_short_but_tell_apart() -> None:
    assert short_name("http://127.0.0.1:1/v1") == "127.0.0.1:1"
    assert short_name("nope/nope") == "nope/nope"
    assert short_name("Qwen/Qwen2.5-VL-3B-Instruct") == "Qwen2.5-VL-3B-Instruct"
    assert short_name("/data/models/qwen/") == "qwen"
    assert short_name("/data/a/qwen", ["/data/a/qwen", "/data/b/qwen", ""]) == "a/qwen"
    assert short_name("") == ""


def test_every_state_and_severity_has_a_sign_and_a_plain_one() -> None:
    for name in (*STATE_ROLES, *SEVERITY_ROLES):
        sign, plain = GLYPHS[name]
        assert sign
        assert plain.isascii()
