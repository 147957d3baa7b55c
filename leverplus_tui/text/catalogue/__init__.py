"""The texts of the program in English and Chinese: one catalogue, which reports read and any screen can.

`report.toml` has the words of reports by key, `findings.toml` what findings and comparisons say: these are stored as English
sentences, so that their Chinese is found by the sentence's pattern, with its figures put in. `screens.toml`, `pages.toml` and
`forms.toml` have the words of the terminal program, found in the same way.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Any, Literal

from leverplus_tui.text.counts import count

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")
SCREENS = ("screens.toml", "pages.toml", "forms.toml")
"""Of these the terminal program alone is made."""
HOLE = re.compile(r"\\\{(\w+)\\\}")
PLACE = re.compile(r"\{\w+\}")
ANYTHING = ".*?"
HOLES = {"n": r"\d[\d ,]*", "run": r"r\d+"}
"""What may stand in a hole of this name; in others anything."""
COUNTED = r"[-+*?]?\d.*?|示例数未知"
SHOWN_HOLES = {
    "n": r"\d[\d ,]*", "m": r"\d[\d ,]*", "k": r"\d[\d ,]*", "run": r"r\d+", "state": r"[a-z]+|[\u4e00-\u9fff]+",
    "time": r"\d[\d.smhd]*|-", "size": r"[\d.]+ [kMG]?B", "age": r".*?前|[\d: -]+", "file": r"[^/\n]+\.\w+",
    "word": r"[\w.:@/-]+(?: desc| asc)?", "other": r"另外.*", "sign": r"\S",
    **dict.fromkeys(("share", "figure", "shots", "queries", "lines", "columns", "groups", "retries"), COUNTED),
}  # fmt: skip
"""The same for what the program shows: a sentence of anybody else must not be taken for one of these."""
SEPARATORS = (("; ", "；"), (", ", "，"), (" and ", " 和 "))
"""What stands between the parts of a hole, each of which may have a pattern of its own."""
NUMBERS = re.compile(r"[\d, ]+ and \d+")


class Catalogue:
    """The texts in one language."""

    def __init__(self, language: Language) -> None:
        self.language = language

    def __call__(self, key: str, **values: object) -> str:
        """The text of a key with its values put in."""
        return str(_texts()[key][self.language]).format(**values)

    def columns(self, key: str) -> list[str]:
        """The heads of a table, which stand under one key with bars between them."""
        return self(key).split("|")

    def word(self, name: str) -> str:
        """A state, a severity, a verdict or a kind of run; what has no word stays as it is."""
        found = _texts().get(f"word.{name}")
        return str(found[self.language]) if found else name

    def counted(self, noun: str, number: int) -> str:
        """`1 shot`, `2 shots`; `2 个示例`."""
        return self(f"{noun}.{'one' if number == 1 else 'many'}", n=count(number))

    def listed(self, parts: Sequence[str]) -> str:
        """`a, b and c`; `a、b和c`."""
        comma, last = (", ", " and ") if self.language == "en" else ("、", " 和 ")
        return last.join([comma.join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)

    def joined(self, sentences: Sequence[str]) -> str:
        """Sentences as a paragraph."""
        return (" " if self.language == "en" else "").join(sentences)

    def said(self, text: str) -> str:
        """A sentence of a finding or a comparison in this language; the English one where it has no other."""
        return text if self.language == "en" else self._patterns.translated(text) or text

    def shown(self, text: str) -> str:
        """Words of the terminal program in this language; the English ones where there are no others."""
        if self.language == "en":
            return text
        if (told := _screens(text)) is not None:
            return told
        words = text.strip()
        told = _screens(words)
        return text if told is None else text.replace(words, told, 1)

    def is_known(self, text: str) -> bool:
        """Whether `said` has the sentence in this language."""
        return self.language == "en" or self._patterns.translated(text) is not None

    def meaning(self, code: str) -> str:
        """What a code of a finding means; empty in English, where the sentence itself says it, and for an unknown code."""
        return "" if self.language == "en" else str(_findings()["codes"].get(code, ""))

    @cached_property
    def _patterns(self) -> _Patterns:
        return _Patterns([(one["en"], one[self.language]) for one in _findings()["said"]])


class _Patterns:
    """English sentences with holes, and what they are in another language."""

    def __init__(
        self, pairs: Sequence[tuple[str, str]], *, nested: bool = True, holes: Mapping[str, str] = HOLES
    ) -> None:
        """`nested`: what stands in a hole may be a sentence itself. Of several patterns the one that says most is taken."""
        self._exact = {english: other for english, other in pairs if "{" not in english}
        told = sorted((pair for pair in pairs if "{" in pair[0]), key=lambda pair: -len(PLACE.sub("", pair[0])))
        self._open = [(_pattern(english, holes), other) for english, other in told]
        self._nested = nested

    def translated(self, text: str) -> str | None:
        if text in self._exact:
            return self._exact[text]
        for pattern, other in self._open:
            if found := pattern.fullmatch(text):
                values = found.groupdict()
                return other.format(
                    **({name: self._inner(one) for name, one in values.items()} if self._nested else values)
                )
        return None

    def _inner(self, text: str) -> str:
        """What stands in a hole: a pattern itself, or several with commas between."""
        for english, other in SEPARATORS:
            parts = _outside_brackets(text, english)
            known = [self.translated(part) for part in parts]
            if len(parts) > 1 and any(known):
                return other.join(one or part for one, part in zip(known, parts, strict=True))
        if NUMBERS.fullmatch(text):
            return text.replace(" and ", " 和 ")
        return self.translated(text) or text


def _outside_brackets(text: str, separator: str) -> list[str]:
    """The parts between separators that stand in no brackets."""
    parts = [""]
    for piece in re.split(f"({re.escape(separator)})", text):
        if piece == separator and parts[-1].count("(") == parts[-1].count(")"):
            parts.append("")
        else:
            parts[-1] += piece
    return parts


def _pattern(english: str, holes: Mapping[str, str]) -> re.Pattern[str]:
    return re.compile(
        HOLE.sub(lambda hole: f"(?P<{hole[1]}>{holes.get(hole[1], ANYTHING)})", re.escape(english)), re.DOTALL
    )


@cache
def _texts() -> Mapping[str, Mapping[str, str]]:
    """Key -> language -> text; a key is `section.name`."""
    sections = _read("report.toml")
    return {f"{section}.{name}": text for section, texts in sections.items() for name, text in texts.items()}


def screens() -> Mapping[str, Mapping[str, str]]:
    """What the terminal program says, by section: English and Chinese."""
    return {section: texts for name in SCREENS for section, texts in _read(name).items()}


@cache
def _screen_patterns() -> _Patterns:
    """Holes of these are filled where they are said: names stay as they are, and counts come in the language already."""
    return _Patterns(
        [pair for section in screens().values() for pair in section.items()], nested=False, holes=SHOWN_HOLES
    )


@lru_cache(4096)
def _screens(text: str) -> str | None:
    return _screen_patterns().translated(text)


@cache
def _findings() -> Mapping[str, Any]:
    return _read("findings.toml")


def _read(name: str) -> dict[str, Any]:
    import tomllib  # 2 ms, which English need not wait

    return tomllib.loads((Path(__file__).parent / name).read_text(encoding="utf-8"))
