"""VQA accuracy exactly as the official evaluator computes it, and the clean-up of generated answers.

Pure Python: the same function scores evaluations, RL candidates and imported answers.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from functools import lru_cache

METRIC = "vqa accuracy, leave one out by position, always normalised"

_PUNCTUATION = ';/[]"{}()=+\\_-><@`,?!'
_DIGIT_COMMA_DIGIT = re.compile(r"\d,\d")
_PERIOD_NOT_BEFORE_DIGIT = re.compile(r"\.(?!\d)")
_MOST_PERIODS = 32  # the reference passes a flag where a count is expected, and the flag's value is 32
_MARKERS = re.compile("Question|Answer|Short")
_ARTICLES = frozenset({"a", "an", "the"})
_NUMBERS = {
    "none": "0", "zero": "0", "one": "1", "two": "2", "three": "3", "four": "4", "five": "5",
    "six": "6", "seven": "7", "eight": "8", "nine": "9", "ten": "10",
}  # fmt: skip

_ONE_APOSTROPHE = """
    ain't aren't can't could've couldn't didn't doesn't don't hadn't hasn't haven't he'd he's how'd how'll how's I'm
    I've isn't it'd it'll ma'am might've mightn't must've mustn't needn't not've o'clock oughtn't shan't should've
    shouldn't somebody'll somebody's someone'd someone'll someone's something'd something'll that's there'd there're
    there's they'd they'll they're they've 'twas wasn't we've weren't what'll what're what's what've when's where'd
    where's where've who'd who'll who's who've why'll why're why's won't would've wouldn't y'all you'd you'll you're
    you've
"""
_BEFORE_NT_VE = "could had might should would"
_BEFORE_D_VE = "he it she somebody someone something there they we who you I"
_SEVERAL_APOSTROPHES = (
    *(f"{word}n't've" for word in _BEFORE_NT_VE.split()),
    *(f"{word}'d've" for word in _BEFORE_D_VE.split()),
    "y'all'll",
    "y'all'd've",
    "'ow's'at",
)


def _missing_one_apostrophe(word: str) -> Iterator[str]:
    for at, character in enumerate(word):
        if character == "'":
            yield word[:at] + word[at + 1 :]


# Keys with a capital I never match, because the text is lower-case by then: the reference has them too.
CONTRACTIONS: dict[str, str] = {
    **{short: word for word in _ONE_APOSTROPHE.split() for short in _missing_one_apostrophe(word)},
    **{short: word for word in _SEVERAL_APOSTROPHES for short in _missing_one_apostrophe(word)},
    "let's": "let's",
    "she's": "she's",
    "somebody'd": "somebodyd",
}


def vqa_accuracy(prediction: str, references: Sequence[str]) -> float:
    """VQA accuracy (0..1) of one answer against its reference answers, ten as a rule.

    Each reference in turn is left out, by position; the answer earns min(1, matches among the others / 3); the mean
    counts. Both sides are normalised. Source: the official VQA evaluator (Antol et al. 2015), without its habit of
    comparing references by value. Raises ValueError if there are no references.
    """
    n = len(references)
    if n == 0:
        raise ValueError("vqa_accuracy needs at least one reference answer, got none")
    answer = normalise(prediction)
    matches = sum(normalise(reference) == answer for reference in references)
    # Whole numbers until the last division, so that 0.3, 0.6, 0.9 and 1 come out exactly.
    thirds = matches * min(3, matches - 1) + (n - matches) * min(3, matches)
    return thirds / (3 * n)


def clean_answer(generated: str) -> str:
    """The answer in a generated text: what precedes `Question`, `Answer` or `Short`, then what precedes a `, `."""
    return _MARKERS.split(generated, maxsplit=1)[0].split(", ", 1)[0]


def majority(labels: Sequence[str]) -> str:
    """The most frequent answer; of equals the one that stands last, next to the question. Empty for none."""
    if not labels:
        return ""
    counted = Counter(map(normalise, labels))
    most = max(counted.values())
    return next(label for label in reversed(labels) if counted[normalise(label)] == most)


@lru_cache(maxsize=1 << 17)
def normalise(text: str) -> str:
    """The form that answers are compared in: punctuation, case, number words, articles and contractions evened out."""
    text = text.replace("\n", " ").replace("\t", " ").strip()
    words = _without_punctuation(text).lower().split()
    numbers = (_NUMBERS.get(word, word) for word in words)
    return " ".join(CONTRACTIONS.get(word, word) for word in numbers if word not in _ARTICLES)


def _without_punctuation(text: str) -> str:
    delete_all = _DIGIT_COMMA_DIGIT.search(text) is not None
    bare = text
    for mark in _PUNCTUATION:
        if mark in text:  # each mark is judged by the original text, not by what is left of it
            deleted = delete_all or f"{mark} " in text or f" {mark}" in text
            bare = bare.replace(mark, "" if deleted else " ")
    return _PERIOD_NOT_BEFORE_DIGIT.sub("", bare, count=_MOST_PERIODS)
