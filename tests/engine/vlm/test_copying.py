"""Rules that stand for a model: what they answer, and that they have no features."""

from __future__ import annotations

from pathlib import Path

import pytest

from db.specs import DecodeSpec, PromptSpec, UserError
from db.specs.evaluate import WITHOUT_MODEL
from engine.data.sample import Sample
from engine.vlm.copying import RULES
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import build
from engine.vlm.protocol import answers_in_order


def sample(label: str) -> Sample:
    return Sample(1, 1, "what?", (label,), label, Path("x.jpg"))


@pytest.mark.parametrize(
    ("name", "labels", "answer"),
    [
        ("copy-nearest", ["cat", "cat", "dog"], "dog"),
        ("majority", ["cat", "cat", "dog"], "cat"),
        ("majority", ["cat", "dog"], "dog"),
        ("copy-nearest", [], ""),
        ("majority", [], ""),
    ],
)
def test_a_rule_answers_with_what_is_shown(name: str, labels: list[str], answer: str) -> None:
    rule = open_vlm(name, decode=DecodeSpec())
    prompt = build(PromptSpec(), [sample(label) for label in labels], sample("owl"))
    assert [one.raw for one in answers_in_order(rule, [prompt])] == [answer]


def test_every_rule_can_be_named_and_has_no_features() -> None:
    assert set(RULES) == WITHOUT_MODEL
    rules = [open_vlm(name, decode=DecodeSpec()) for name in sorted(RULES)]
    prompt = build(PromptSpec(), [sample("cat")], sample("owl"))
    assert len({rule.request_sha(prompt) for rule in rules}) == len(rules)
    with pytest.raises(UserError, match="is a rule and has no features"):
        rules[0].embed_texts(["a"])
