"""What a data set is made of: questions with their answers and images, in two splits sorted by question_id."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from db.specs.base import UserError, canonical_json, sha256_text

IDS_NAMED = 10


class SplitMissing(UserError):
    """A split is not there, or its images are not: refused when the split is asked for, not when the folder is opened."""

    code = "split-missing"


class RepeatedIds(UserError):
    """Question ids stand for more than one question: answers are stored and compared by question id."""

    code = "duplicate-ids"

    def __init__(self, place: str, ids: Iterable[int]) -> None:
        counts = {i: count for i, count in Counter(ids).items() if count > 1}
        repeated = sorted(counts)
        named = ", ".join(map(str, repeated[:IDS_NAMED])) + (", ..." if len(repeated) > IDS_NAMED else "")
        what = f"{len(repeated):,} question_ids occur more than once ({named})"
        if len(repeated) == 1:
            times = counts[repeated[0]]
            what = f"question_id {named} occurs {'twice' if times == 2 else f'{times:,} times'}"
        super().__init__(f"{place}: {what}; remove the repeats, because answers are stored by question_id")


class Sample(msgspec.Struct, frozen=True, gc=False):
    """One question. The image is a path: nothing is opened before it is needed."""

    question_id: int
    image_id: int
    question: str
    answers: tuple[str, ...]
    label: str
    """The answer shown when the question is a demonstration."""
    image: Path
    question_type: str = ""


class Split:
    """The questions of one split, sorted by question_id: a question's position here is its index everywhere."""

    def __init__(self, name: str, questions: Sequence[Sample]) -> None:
        self.name = name
        self.questions = sorted(questions, key=lambda sample: sample.question_id)

    def __len__(self) -> int:
        return len(self.questions)

    @cached_property
    def ids(self) -> tuple[int, ...]:
        """Question ids in order."""
        return tuple(sample.question_id for sample in self.questions)

    @cached_property
    def index_of(self) -> Mapping[int, int]:
        """Index of each question id."""
        return {question_id: index for index, question_id in enumerate(self.ids)}

    @cached_property
    def order_sha(self) -> str:
        """SHA-256 (hex) of the comma-joined ids in order: what indices into this split refer to."""
        return sha256_text(",".join(map(str, self.ids)))

    @cached_property
    def sha(self) -> str:
        """SHA-256 (hex) of ids, image ids, questions, answers and labels; image files are hashed with each prompt."""
        digest = hashlib.sha256()
        for one in self.questions:
            fields = (one.question_id, one.image_id, one.question, one.answers, one.label)
            digest.update(msgspec.json.encode(fields))
        return digest.hexdigest()


class Dataset:
    """Questions to ask (val) and to demonstrate with (train). A split that is not there is refused when it is asked for."""

    def __init__(
        self, name: str, splits: Mapping[str, Split], *, missing: Mapping[str, str] | None = None, kind: str = ""
    ) -> None:
        self.name = name
        """`builtin`, `okvqa`, `vqav2`, or the folder's name."""
        self.kind = kind or name
        """The layout's family: `okvqa`, `vqav2` or `huggingface`."""
        self._splits = splits
        self._missing = missing or {}

    @property
    def train(self) -> Split:
        """Where demonstrations come from. Raises UserError where the data set has none."""
        return self.split("train")

    @property
    def val(self) -> Split:
        """What is asked. Raises UserError where the data set has none."""
        return self.split("val")

    def split(self, name: str) -> Split:
        """The split `train` or `val`. Raises UserError where the data set has none."""
        if name not in self._splits:
            raise SplitMissing(self._missing.get(name, f"the data set {self.name} has no {name} split"))
        return self._splits[name]

    def has(self, name: str) -> bool:
        """Whether the data set has this split."""
        return name in self._splits

    def completed(self, other: Dataset) -> Dataset:
        """This data set with the splits that it lacks taken from another."""
        return Dataset(self.name, {**other._splits, **self._splits}, missing=self._missing, kind=self.kind)

    @cached_property
    def sha(self) -> str:
        """SHA-256 (hex) over the splits' contents."""
        return sha256_text(canonical_json({name: split.sha for name, split in self._splits.items()}))


def most_frequent(answers: Sequence[str]) -> str:
    """The answer given most often; of equals, the first in file order."""
    return Counter(answers).most_common(1)[0][0]
