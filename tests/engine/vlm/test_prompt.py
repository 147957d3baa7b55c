"""The prompt's form, its texts and its hash."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from db.specs import PromptSpec
from engine.common.images import image_sha, shown_sha
from engine.vlm.prompt import Prompt, build, fill, request_sha
from tests.helpers_vlm import Sample, make_samples


def test_messages_alternate_image_and_text_in_one_user_turn(tmp_path: Path) -> None:
    first, second, query = make_samples(tmp_path)[:3]
    prompt = build(PromptSpec(system="Be brief."), [first, second], query)
    system, user = prompt.messages
    assert system == {"role": "system", "content": [{"type": "text", "text": "Be brief."}]}
    assert user["role"] == "user"
    assert user["content"] == [
        {"type": "image", "path": str(first.image)},
        {"type": "text", "text": f"Question:{first.question} Short answer:{first.label}"},
        {"type": "image", "path": str(second.image)},
        {"type": "text", "text": f"Question:{second.question} Short answer:{second.label}"},
        {"type": "image", "path": str(query.image)},
        {"type": "text", "text": f"Question:{query.question} Short answer:"},
    ]


def test_without_system_text_there_is_no_system_message(tmp_path: Path) -> None:
    prompt = build(PromptSpec(system=""), [], make_samples(tmp_path)[0])
    assert [message["role"] for message in prompt.messages] == ["user"]


def test_braces_in_data_stay_text() -> None:
    values = {"question": "is {answer} or {0} or {question!r} in it?", "answer": "{question}"}
    filled = fill("Question:{question} Short answer:{answer}", values)
    assert filled == "Question:is {answer} or {0} or {question!r} in it? Short answer:{question}"


def test_other_braces_of_a_template_stay_and_blanks_around_are_stripped() -> None:
    assert fill(" {other} {question} ", {"question": "  why? "}) == "{other} why?"
    assert fill("{question} {answer}", {"question": "a"}) == "a {answer}"


def test_sha_depends_on_everything_shown_and_on_nothing_else(tmp_path: Path) -> None:
    samples = make_samples(tmp_path)
    spec = PromptSpec()
    base = build(spec, samples[:2], samples[2]).sha
    copy = tmp_path / "elsewhere.png"
    copy.write_bytes(samples[2].image.read_bytes())
    moved = Sample(99, samples[2].question, "other label", copy)
    assert build(spec, samples[:2], moved).sha == base
    others = [
        build(spec, samples[1::-1], samples[2]),
        build(spec, samples[:1], samples[2]),
        build(spec, samples[:2], samples[3]),
        build(PromptSpec(system="Other."), samples[:2], samples[2]),
        build(PromptSpec(max_pixels=200704), samples[:2], samples[2]),
        build(spec, samples[:2], Sample(1, "Another?", "x", samples[2].image)),
    ]
    assert len({base, *(one.sha for one in others)}) == 7


def test_a_changed_image_changes_the_hash_and_a_missing_one_has_a_hash_too(tmp_path: Path) -> None:
    image = make_samples(tmp_path)[0].image
    before = image_sha(image)
    status = image.stat()
    image.write_bytes(image.read_bytes() + b"more")
    os.utime(image, ns=(status.st_atime_ns, status.st_mtime_ns + 1))
    assert image_sha(image) != before
    prompt = Prompt("", ("text",), (tmp_path / "none.png",), 1, 2)
    assert len(prompt.sha) == 64


def test_request_sha_separates_its_parts() -> None:
    shas = {
        request_sha("a", "b", "c"),
        request_sha("ab", "", "c"),
        request_sha("a", "c", "b"),
        request_sha("a", "b", "d"),
    }
    assert len(shas) == 4
    assert request_sha("a", "b", "c") == request_sha("a", "b", "c")


def test_prompt_and_vlm_import_without_torch() -> None:
    code = "import sys, engine.vlm.prompt, engine.vlm.protocol, engine.vlm.served; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_an_image_that_is_brought_to_rgb_by_a_rule_of_its_own_has_the_rule_in_its_hash(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make_samples(tmp_path)[:2]
    plain = [build(PromptSpec(), [], one).sha for one in (first, second)]
    monkeypatch.setattr("engine.common.images.conversion", lambda path: "white-ground" if path == first.image else "")
    assert build(PromptSpec(), [], first).sha != plain[0]
    assert build(PromptSpec(), [], second).sha == plain[1]
    assert shown_sha(first.image) == f"{image_sha(first.image)}:white-ground"
    assert shown_sha(second.image) == image_sha(second.image)
