"""A local model whose chat template opens the reasoning: what it says before closing it is no answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from db.specs import DecodeSpec, PromptSpec
from engine.vlm.local import plain as local
from engine.vlm.local.plain import LocalVLM
from engine.vlm.local.processor import PromptEncoder
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import build
from engine.vlm.protocol import answers_in_order
from tests.helpers_vlm import QWEN_TEMPLATE, make_samples, save_tiny_qwen

THINKS = QWEN_TEMPLATE.replace("<|im_start|>assistant\n{% endif %}", "<|im_start|>assistant\n<think>\n{% endif %}")


def opened(directory: Path, engine: str) -> LocalVLM:
    vlm: Any = open_vlm(str(directory), decode=DecodeSpec(num_beams=1), engine=engine)
    return vlm  # type: ignore[no-any-return]


@pytest.mark.parametrize("engine", ["plain", "packed"])
def test_reasoning_without_an_end_is_no_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, engine: str) -> None:
    directory = save_tiny_qwen(tmp_path)
    (directory / "chat_template.jinja").write_text(THINKS)
    vlm = opened(directory, engine)
    samples = make_samples(tmp_path)
    prompt = build(PromptSpec(), samples[:1], samples[1])
    [answer] = answers_in_order(vlm, [prompt])
    monkeypatch.setitem(vars(vlm), "_reasons", False)
    [plain] = answers_in_order(vlm, [prompt])
    assert plain.raw.strip()
    assert not plain.error
    assert (answer.raw, answer.cut, answer.silent, answer.reasoning) == ("", True, True, plain.raw.strip())


def test_how_many_tokens_a_whole_answer_takes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    vlm = opened(save_tiny_qwen(tmp_path), "plain")
    samples = make_samples(tmp_path)
    prompts = [build(PromptSpec(), samples[:at], samples[at]) for at in range(4)]
    monkeypatch.setattr(local, "MOST_TOKENS", 12)
    monkeypatch.setattr(vlm._generation, "max_new_tokens", 12)
    cut = [answer.cut for answer in answers_in_order(vlm, prompts)]
    needed = [vlm.tokens_for(prompt) for prompt in prompts]
    assert [one is None for one in needed] == cut
    assert all(one is None or 1 <= one <= 12 for one in needed)


def test_marks_of_reasoning_are_kept_where_they_are_special_tokens(tmp_path: Path) -> None:
    vlm = opened(save_tiny_qwen(tmp_path), "plain")
    tokenizer = vlm.encoder.tokenizer
    tokenizer.add_special_tokens(
        {"additional_special_tokens": ["<think>", "</think>"]}, replace_extra_special_tokens=False
    )
    encoder = PromptEncoder(vlm.encoder.processor)
    said = "<think>It is round</think>circle<|im_end|><|endoftext|>"
    assert encoder.decode([tokenizer(said)["input_ids"]]) == ["<think>It is round</think>circle"]
