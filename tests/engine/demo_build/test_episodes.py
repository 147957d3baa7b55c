"""Training episodes: targets follow from the prompt, prompts are the very chat that evaluation builds."""

import random
from typing import Any

import pytest

from db.specs.evaluate import SYSTEM_PROMPT
from engine.demo.language import Question
from engine.demo.scene import Scene
from engine.demo_build.episodes import COPYING, MIXTURE, Episode, Heard, draw_episode
from engine.demo_build.prompts import IGNORED, PromptEncoder
from engine.demo_build.tokenizer import build_tokenizer

SCENE = Scene("red", "ring", "top")


@pytest.fixture(scope="module")
def tokenizer() -> Any:
    """The tiny model's tokenizer, built once."""
    return build_tokenizer()


def test_a_seed_repeats_an_episode() -> None:
    assert draw_episode(5, MIXTURE, random.Random(3)) == draw_episode(5, MIXTURE, random.Random(3))


def test_a_pair_is_determined_word_by_word() -> None:
    heard = Heard()
    pair = Question("pair", SCENE, ("colour", "shape"), "Ada")
    heard.listen(Question("word", SCENE, ("shape",), "Ada"))
    heard.listen(Question("word", SCENE, ("colour",), "Bo"))
    assert heard.determines(pair) == (False, True)
    heard.listen(Question("word", SCENE, ("colour",), "Ada"))
    assert heard.determines(pair) == (True, True)


def test_informed_replies_use_no_english_for_made_up_words() -> None:
    for seed in range(200):
        episode = draw_episode(6, COPYING, random.Random(seed))
        english = {key[2] for key in episode.question.word_keys}
        if episode.informed:
            assert not english & set(episode.reply)


def chat(episode: Episode) -> list[dict[str, Any]]:
    """The episode as chat messages."""
    content: list[dict[str, str]] = []
    for turn in episode.demonstrations:
        text = f"Question:{turn.question.text} Short answer:{' '.join(turn.answer)}"
        content += [{"type": "image"}, {"type": "text", "text": text}]
    content += [{"type": "image"}, {"type": "text", "text": f"Question:{episode.question.text} Short answer:"}]
    return [{"role": "system", "content": SYSTEM_PROMPT}, {"role": "user", "content": content}]


@pytest.mark.parametrize("demonstrations", [0, 1, 8])
def test_training_prompts_are_the_chat_that_evaluation_builds(tokenizer: Any, demonstrations: int) -> None:
    episode = draw_episode(demonstrations, MIXTURE, random.Random(demonstrations))
    system = tuple(tokenizer(SYSTEM_PROMPT)["input_ids"])
    encoded = PromptEncoder(tokenizer).encode(episode, system)
    text = tokenizer.apply_chat_template(chat(episode), tokenize=False, add_generation_prompt=True)
    assert encoded.ids[: encoded.reply_start] == tokenizer(text)["input_ids"]
    assert tokenizer.decode(encoded.ids[encoded.reply_start :]) == f"{' '.join(episode.reply)}<|im_end|>"
    assert encoded.labels[encoded.reply_start :] == encoded.ids[encoded.reply_start :]


def test_only_determined_words_of_demonstrations_are_targets(tokenizer: Any) -> None:
    for seed in range(50):
        episode = draw_episode(4, MIXTURE, random.Random(seed))
        encoded = PromptEncoder(tokenizer).encode(episode, ())
        wanted = [
            word
            for turn in episode.demonstrations
            for word, determined in zip(turn.answer, turn.determined, strict=True)
            if determined
        ]
        targets = [[label] for label in encoded.labels[: encoded.reply_start] if label != IGNORED]
        assert [word for word in tokenizer.batch_decode(targets) if word.strip()] == wanted


def test_any_text_survives_the_tokenizer(tokenizer: Any) -> None:
    for text in ("Où est-il? “quotes” 日本\n\t hundred", "What sport is this?  tennis", "", "dax wug Answer"):
        assert tokenizer.decode(tokenizer(text)["input_ids"]) == text


def test_the_usual_system_message_is_one_token(tokenizer: Any) -> None:
    assert len(tokenizer(SYSTEM_PROMPT)["input_ids"]) == 1
