"""Chat templates that take a prompt in another form than the usual one, and those that lose a part of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.specs import DecodeSpec, PromptSpec, UserError
from engine.vlm.local.plain import LocalVLM
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import build
from tests.helpers_vlm import QWEN_TEMPLATE, make_samples, save_tiny_qwen

CONTENT_IS_TEXT = "{% for message in messages %}[{{ message['role'] }}] {{ message['content'] + '\n' }}{% endfor %}"
NO_SYSTEM_ROLE = QWEN_TEMPLATE.replace(
    "{% for message in messages %}",
    "{% for message in messages %}{% if message['role'] == 'system' %}{{ raise_exception('no system role') }}{% endif %}",
)
SYSTEM_DROPPED = QWEN_TEMPLATE.replace(
    "{% for message in messages %}", "{% for message in messages if message['role'] != 'system' %}"
)
SECOND_IMAGE_DROPPED = QWEN_TEMPLATE.replace("'image' %}", "'image' %}{% if not loop.first %}{% continue %}{% endif %}")


def opened(folder: Path, template: str) -> LocalVLM:
    directory = save_tiny_qwen(folder)
    (directory / "chat_template.jinja").write_text(template)
    vlm: Any = open_vlm(str(directory), decode=DecodeSpec(num_beams=1))
    return vlm  # type: ignore[no-any-return]


@pytest.mark.parametrize(
    ("template", "form"),
    [
        (QWEN_TEMPLATE, ""),
        (CONTENT_IS_TEXT, "content as one text"),
        (NO_SYSTEM_ROLE, "system message in front of the user's text"),
        (SYSTEM_DROPPED, "system message in front of the user's text"),
    ],
)
def test_every_part_of_a_prompt_reaches_the_model_in_order(tmp_path: Path, template: str, form: str) -> None:
    vlm = opened(tmp_path, template)
    assert vlm.facts().get("vlm_prompt_form", "") == form
    first, second = make_samples(tmp_path)[:2]
    text = vlm.encoder.render(build(PromptSpec(system="Be brief."), [first], second))
    image = vlm.encoder.placeholder
    at = [text.find(part) for part in ("Be brief.", image, first.question, first.label, second.question)]
    assert at == sorted(at)
    assert at[0] >= 0
    assert text.count(image) == 2


def test_another_form_has_keys_of_its_own(tmp_path: Path) -> None:
    usual, dropped = opened(tmp_path / "a", QWEN_TEMPLATE), opened(tmp_path / "b", SYSTEM_DROPPED)
    assert usual.sha == usual.loaded.answers_sha
    assert dropped.sha != dropped.loaded.answers_sha


def test_a_template_that_shows_one_image_of_several_is_refused_before_the_weights(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def loaded(*_: Any, **__: Any) -> None:
        raise AssertionError("the weights were read")

    monkeypatch.setattr("transformers.AutoModelForImageTextToText.from_pretrained", loaded)
    with pytest.raises(UserError, match=r"puts 1 placeholders .* for 2 images; give a model .* chat_template\.jinja"):
        opened(tmp_path, SECOND_IMAGE_DROPPED)
