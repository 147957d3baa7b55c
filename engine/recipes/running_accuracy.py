"""The figures of a running evaluation: cells with their intervals, at any moment, and what is odd about the whole."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from db.rows import Cell, Fact, Row, Subset, Withdrawn
from db.specs.base import Finding
from engine.common.reasoning import ONLY_REASONING, enough_tokens
from engine.data.sample import Sample
from engine.demonstrations.retrieve import ALIKE, Demonstrations
from engine.recipes.dataset_rows import NoAnswers
from engine.statistics.intervals import interval

EMPTY_WORTH_KNOWING, EMPTY_WARNING = 0.01, 0.05
CUT_WORTH_KNOWING, CUT_WARNING = 0.05, 0.25


@dataclass(frozen=True)
class _Part:
    """A subset as positions in the list of questions."""

    subset: Subset
    places: np.ndarray[tuple[int], np.dtype[np.intp]]
    images: np.ndarray[tuple[int], np.dtype[np.int64]]


class RunningAccuracy:
    """Scores by question and number of shots."""

    def __init__(
        self,
        questions: Sequence[Sample],
        subsets: Sequence[Subset],
        shots: Sequence[int],
        chosen: Mapping[int, Sequence[Demonstrations]],
    ) -> None:
        self._questions = questions
        self._chosen = chosen
        place = {question.question_id: at for at, question in enumerate(questions)}
        images = np.array([question.image_id for question in questions], dtype=np.int64)
        places = [np.array([place[one] for one in subset.question_ids], dtype=np.intp) for subset in subsets]
        self._parts = [_Part(subset, at, images[at]) for subset, at in zip(subsets, places, strict=True)]
        self._scores = {shot: np.full(len(questions), np.nan) for shot in shots}
        self._empty = {shot: np.zeros(len(questions), dtype=bool) for shot in shots}
        self._cut = {shot: np.zeros(len(questions), dtype=bool) for shot in shots}
        self._errors: dict[tuple[int, int], str] = {}
        self._silent: dict[tuple[int, int], str] = {}
        self._used = {
            (shot, row): self._histogram(shot, part) for shot in shots for row, part in enumerate(self._parts)
        }

    def record(self, place: int, shot: int, score: float, *, empty: bool, cut: bool) -> None:
        """Note an answer to the question at `place`."""
        self._scores[shot][place] = score
        self._empty[shot][place] = empty
        self._cut[shot][place] = cut

    def record_error(self, place: int, shot: int, error: str, *, silent: bool) -> None:
        """Note that the question at `place` could not be asked, or was and got no answer; it counts in no figure."""
        (self._silent if silent else self._errors)[place, shot] = error

    def cells(self) -> list[Cell]:
        """One cell for each subset and number of shots that has an answer, as of now; questions on one image count as a
        cluster. A figure over no answer is no figure."""
        made = (self._cell(shot, row) for row in range(len(self._parts)) for shot in self._scores)
        return [cell for cell in made if cell.n_done]

    def _cell(self, shot: int, row: int) -> Cell:
        part = self._parts[row]
        scores = self._scores[shot][part.places]
        known = ~np.isnan(scores)
        found = interval(scores[known].tolist(), part.images[known].tolist())
        used, distinct = self._used[shot, row]
        return Cell(
            subset_sha=part.subset.sha,
            shot=shot,
            n=len(scores),
            n_done=found.n,
            accuracy=found.mean,
            ci_low=found.low,
            ci_high=found.high,
            shots_used=used,
            distinct_sets=distinct,
        )

    def _histogram(self, shot: int, part: _Part) -> tuple[dict[int, int], int]:
        lists = [self._chosen[shot][int(place)] for place in part.places]
        return dict(sorted(Counter(map(len, lists)).items())), len(set(lists))

    def summary(self, retriever: str, tokens_needed: int | None = None) -> Iterator[Row]:
        """Facts and findings of the whole run; `tokens_needed` are enough for an answer that was cut in its reasoning."""
        answered = sum(int((~np.isnan(scores)).sum()) for scores in self._scores.values())
        empty, cut = (sum(int(flags.sum()) for flags in kind.values()) for kind in (self._empty, self._cut))
        yield Fact("empty_share", empty / max(1, answered))
        yield Fact("cut_share", cut / max(1, answered))
        yield Fact("flagged_questions", len({place for place, _ in (*self._errors, *self._silent)}))
        yield from self._degenerate(retriever)
        yield from self._truncated(retriever)
        yield from _empty_answers(empty, answered)
        yield from _cut_answers(cut, answered)
        yield from self._missing()
        if self._silent:
            first = next(iter(self._silent.values()))
            yield silent_answers(len(self._silent), answered + len(self._silent), first, tokens_needed)
        yield from self._without_answers(answered)

    def _without_answers(self, answered: int) -> Iterator[Row]:
        """Raises NoAnswers after its finding: such a run has failed."""
        if answered:
            yield Withdrawn("no-answers", "answers")
            return
        reason = next(iter([*self._errors.values(), *self._silent.values()]), "no question was asked")
        text = f"None of the {len(self._questions)} questions was answered, so there is no figure: {reason}."
        fix = "Mend that and resume the run."
        yield Finding(code="no-answers", severity="error", subject="answers", message=text, fix=fix)
        raise NoAnswers(f"{text.rstrip('.')}; {fix}")

    def _degenerate(self, retriever: str) -> Iterator[Finding]:
        """Whatever the order: the same demonstrations in two orders teach a model hardly more than in one."""
        asked = [shot for shot in self._scores if shot]
        if retriever in ALIKE or len(self._questions) < 2:
            return
        alike = [shot for shot in asked if len({frozenset(rows) for rows in self._chosen[shot]}) == 1]
        shots = [shot for shot in alike if self._chosen[shot][0]]
        if not shots:
            return
        orders = max(len(set(self._chosen[shot])) for shot in shots)
        yield Finding(
            code="pool-degenerate",
            severity="warning",
            subject=retriever,
            message=(
                f"all {len(self._questions)} questions got the same demonstrations at {_listed(shots)} shots, "
                f"in {orders} {'order' if orders == 1 else 'orders'}, although {retriever} chooses for each question"
            ),
            fix="give a larger pool (--set pool=all, or a larger pool_size), or compare with --retriever fixed",
        )

    def _truncated(self, retriever: str) -> Iterator[Finding]:
        for shot in self._scores:
            used = Counter(len(rows) for rows in self._chosen[shot])
            fewer = sum(count for length, count in used.items() if length < shot)
            if fewer:
                told = ", ".join(f"{length} shots: {used[length]}" for length in sorted(used))
                yield Finding(
                    code="shots-truncated",
                    severity="warning",
                    subject=f"shot {shot}",
                    message=(
                        f"{fewer} of {len(self._questions)} questions got fewer than the {shot} demonstrations asked for "
                        f"from {retriever} ({told})"
                    ),
                    fix="ask for no more shots than the pool and the selector can give, or enlarge the pool",
                )

    def _missing(self) -> Iterator[Row]:
        if not self._errors:
            yield from (Withdrawn("images-missing", subject) for subject in ("images", "train images"))
            return
        flagged = {place for place, _ in self._errors}
        place, first = min((place, error) for (place, _), error in self._errors.items())
        yield Finding(
            code="images-missing",
            severity="warning",
            subject="images",
            message=(
                f"{len(flagged)} of {len(self._questions)} questions were left out of the figures for want of an image, "
                f"such as question {self._questions[place].question_id}: {first}"
            ),
            fix="put the images in place and resume the run, or stop at the first one with --set strict=true",
        )


def silent_answers(silent: int, asked: int, first: str, tokens_needed: int | None = None) -> Finding:
    """What is to be said of answers that never came; `tokens_needed` were enough for one that was cut in its reasoning."""
    said = f"{silent} of {asked} requests got no answer and count in no figure, such as: {first}"
    code, fix = "answers-missing", "see the server's log, then `leverplus rerun` the run, which asks for them again"
    if ONLY_REASONING in first:
        code, fix = "reasoning-cut", enough_tokens(tokens_needed)
        if tokens_needed:
            said += f"; asked again without hurry, one took {tokens_needed} tokens"
    return Finding(code=code, severity="warning", subject="answers", message=said, fix=fix)


def _empty_answers(empty: int, answered: int) -> Iterator[Finding]:
    if empty and empty >= EMPTY_WORTH_KNOWING * answered:
        yield Finding(
            code="empty-answers",
            severity="warning" if empty >= EMPTY_WARNING * answered else "info",
            subject="answers",
            message=f"{empty} of {answered} answers ({empty / answered:.1%}) are empty after post-processing and score 0",
            fix="look at the raw answers: the model may repeat the prompt's words, or stop at once",
        )


def _cut_answers(cut: int, answered: int) -> Iterator[Finding]:
    if cut and cut >= CUT_WORTH_KNOWING * answered:
        yield Finding(
            code="answers-cut",
            severity="warning" if cut >= CUT_WARNING * answered else "info",
            subject="answers",
            message=f"{cut} of {answered} answers ({cut / answered:.1%}) were ended by the token limit",
            fix="raise it with --set decode.max_new_tokens=10, or see whether the demonstrations ask for long answers",
        )


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, numbers)) if len(numbers) < 3 else ", ".join(map(str, numbers))
