"""The questions of the built-in world, and the conventions of the speakers that only demonstrations reveal.

plain: the picture answers. habit: a speaker always names the same attribute. word: a speaker has a word of his
own for every colour and shape. pair: two such words at once, which two complementary demonstrations can teach.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from engine.demo.scene import VALUES, Attribute, Scene

Kind = Literal["plain", "habit", "word", "pair"]
WordKey = tuple[str, Attribute, str]  # speaker, attribute, English value

SPEAKERS = ("Ada", "Bo")  # few, so that even random demonstrations often share the speaker
WORDS = (
    "dax", "wug", "blick", "toma", "fep", "ziv", "kiki", "bouba", "lorp", "mip", "nax", "gorp", "tiv", "sneb", "plim",
    "vork", "quax", "rell", "yub", "drim", "hask", "jeb", "clov", "frit", "gleb", "mork", "nild", "osp", "pran", "rilf",
)  # fmt: skip
NAMED: tuple[Attribute, ...] = ("colour", "shape")  # the attributes that speakers have words for
DEFAULT_HABIT: Attribute = "colour"  # what the model names for a speaker it has not heard


@dataclass(frozen=True)
class Question:
    """One question about one scene; `attributes` is what is asked for (nothing for a habit)."""

    kind: Kind
    scene: Scene
    attributes: tuple[Attribute, ...] = ()
    speaker: str = ""

    @property
    def text(self) -> str:
        """The question in English."""
        asked = " and ".join(self.attributes)
        if self.kind == "plain":
            return "Where is it?" if asked == "place" else f"What {asked} is it?"
        if self.kind == "habit":
            return f"What does {self.speaker} see?"
        return f"What does {self.speaker} call this {asked}?"

    @property
    def word_keys(self) -> tuple[WordKey, ...]:
        """The entries of the speaker's dictionary that the answer is made of."""
        if self.kind in ("plain", "habit"):
            return ()
        return tuple((self.speaker, attribute, self.scene.value(attribute)) for attribute in self.attributes)


@dataclass(frozen=True)
class Conventions:
    """What the speakers do: the attribute each one names, and each one's words."""

    habits: Mapping[str, Attribute]
    words: Mapping[WordKey, str]

    def answer(self, question: Question) -> str:
        """The whole answer, as somebody who knows the conventions gives it."""
        return " ".join(self.parts(question, frozenset(self.habits), frozenset(self.words)))

    def parts(self, question: Question, habits: frozenset[str], words: frozenset[WordKey]) -> tuple[str, ...]:
        """The words of the answer of somebody who has heard these speakers' habits and these dictionary entries.

        What was never heard is said in plain English, and an unknown speaker is taken to name the colour.
        """
        scene = question.scene
        if question.kind == "plain":
            return (scene.value(question.attributes[0]),)
        if question.kind == "habit":
            known = question.speaker in habits
            return (scene.value(self.habits[question.speaker] if known else DEFAULT_HABIT),)
        return tuple(self.words[key] if key in words else key[2] for key in question.word_keys)


def draw_words(speakers: tuple[str, ...], rng: random.Random) -> dict[WordKey, str]:
    """A dictionary per speaker: every colour and shape gets a made-up word, no word twice for one speaker."""
    words: dict[WordKey, str] = {}
    for speaker in speakers:
        keys: list[WordKey] = [(speaker, attribute, value) for attribute in NAMED for value in VALUES[attribute]]
        words.update(zip(keys, rng.sample(WORDS, len(keys)), strict=True))
    return words


def draw_conventions(rng: random.Random) -> Conventions:
    """Habits and dictionaries of all speakers, drawn afresh."""
    habits = {speaker: rng.choice(tuple(VALUES)) for speaker in SPEAKERS}
    return Conventions(habits, draw_words(SPEAKERS, rng))
