"""What the tiny model is trained on: episodes of questions whose conventions are drawn afresh each time.

Because habits and dictionaries never stay the same, they cannot be memorised: they must be read off the prompt.
"""

import random
from dataclasses import dataclass

from engine.demo.language import NAMED, SPEAKERS, Conventions, Kind, Question, WordKey, draw_conventions
from engine.demo.scene import VALUES, Attribute, Scene, random_scene

MOST_DEMONSTRATIONS = 8
KindShares = dict[Kind, float]


@dataclass(frozen=True)
class Mixture:
    """How episodes are drawn."""

    kinds: KindShares
    reuse: float  # how often an item returns to what an earlier one taught
    speakers: int  # how many of them speak in one episode
    counts: tuple[int, ...]  # weights of 0 to 8 demonstrations

    def draw_count(self, rng: random.Random) -> int:
        """How many demonstrations the next batch has."""
        return rng.choices(range(MOST_DEMONSTRATIONS + 1), self.counts)[0]


SEEING = Mixture({"plain": 0.85, "habit": 0.05, "word": 0.10, "pair": 0.0}, 0.9, 1, (0, 0, 1, 1, 1, 0, 0, 0, 0))
COPYING = Mixture({"plain": 0.05, "habit": 0.20, "word": 0.75, "pair": 0.0}, 0.9, 1, (0, 0, 0, 0, 1, 2, 3, 2, 1))
PAIRING = Mixture({"plain": 0.05, "habit": 0.15, "word": 0.40, "pair": 0.40}, 0.85, 1, (0, 1, 2, 3, 3, 2, 2, 1, 1))
MIXTURE = Mixture({"plain": 0.10, "habit": 0.20, "word": 0.30, "pair": 0.40}, 0.65, 2, (1, 2, 4, 3, 3, 2, 1, 1, 1))
# From which share of the training on each mixture is used: to see, to copy, to put pairs together, then everything.
CURRICULUM = ((0.0, SEEING), (0.05, COPYING), (0.22, PAIRING), (0.42, MIXTURE))


@dataclass(frozen=True)
class Turn:
    """One item of an episode: the true answer, and for each of its words whether the prompt so far determines it."""

    question: Question
    answer: tuple[str, ...]
    determined: tuple[bool, ...]


@dataclass(frozen=True)
class Episode:
    """Demonstrations, the question at the end, and what to answer with no more knowledge than they give."""

    demonstrations: tuple[Turn, ...]
    question: Question
    reply: tuple[str, ...]
    informed: bool


class Heard:
    """What a listener knows after some items by these speakers: the habits and the dictionary entries met."""

    def __init__(self, speakers: tuple[str, ...] = SPEAKERS) -> None:
        self.speakers = speakers
        self.habits: set[str] = set()
        self.words: set[WordKey] = set()
        self.items: list[Question] = []

    def listen(self, question: Question) -> None:
        """Learn what this item and its answer show."""
        self.items.append(question)
        self.words.update(question.word_keys)
        if question.kind == "habit":
            self.habits.add(question.speaker)

    def determines(self, question: Question) -> tuple[bool, ...]:
        """For each word of the answer, whether it follows from the picture and what was heard."""
        if question.kind == "plain":
            return (True,)
        if question.kind == "habit":
            return (question.speaker in self.habits,)
        return tuple(key in self.words for key in question.word_keys)


def draw_episode(demonstrations: int, mixture: Mixture, rng: random.Random) -> Episode:
    """An episode with this many demonstrations."""
    conventions = draw_conventions(rng)
    heard = Heard(tuple(rng.sample(SPEAKERS, mixture.speakers)))
    turns = []
    for _ in range(demonstrations):
        question = _draw_question(heard, mixture, rng)
        answer = tuple(conventions.answer(question).split())
        turns.append(Turn(question, answer, heard.determines(question)))
        heard.listen(question)
    question = _draw_question(heard, mixture, rng)
    return Episode(tuple(turns), question, _reply(question, conventions, heard), all(heard.determines(question)))


def _reply(question: Question, conventions: Conventions, heard: Heard) -> tuple[str, ...]:
    return conventions.parts(question, frozenset(heard.habits), frozenset(heard.words))


def _draw_question(heard: Heard, mixture: Mixture, rng: random.Random) -> Question:
    kind = rng.choices(list(mixture.kinds), list(mixture.kinds.values()))[0]
    scene = random_scene(rng)
    if kind == "plain":
        return Question(kind, scene, (rng.choice(list(VALUES)),))
    reuse = rng.random() < mixture.reuse
    speaker = _draw_speaker(kind, heard, reuse, rng)
    if kind == "habit":
        return Question(kind, scene, speaker=speaker)
    attributes = NAMED if kind == "pair" else (rng.choice(NAMED),)
    if reuse:
        attributes, scene = _return_to(kind, speaker, attributes, scene, heard, rng)
    return Question(kind, scene, attributes, speaker)


def _draw_speaker(kind: Kind, heard: Heard, reuse: bool, rng: random.Random) -> str:
    known = [item.speaker for item in heard.items if (item.kind == "habit") == (kind == "habit") and item.speaker]
    return rng.choice(known) if reuse and known else rng.choice(heard.speakers)


def _return_to(
    kind: Kind, speaker: str, attributes: tuple[Attribute, ...], scene: Scene, heard: Heard, rng: random.Random
) -> tuple[tuple[Attribute, ...], Scene]:
    """Make the scene show values whose words were heard from this speaker, where there are any."""
    known = {attribute: _heard_values(speaker, attribute, heard) for attribute in NAMED}
    if kind == "word" and not known[attributes[0]]:
        attributes = tuple(attribute for attribute in NAMED if known[attribute])[:1] or attributes
    shown = {attribute: rng.choice(known[attribute]) for attribute in attributes if known[attribute]}
    return attributes, Scene(shown.get("colour", scene.colour), shown.get("shape", scene.shape), scene.place)


def _heard_values(speaker: str, attribute: Attribute, heard: Heard) -> list[str]:
    return sorted(value for who, what, value in heard.words if (who, what) == (speaker, attribute))
