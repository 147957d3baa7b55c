"""Spending a budget of answers on queries: a window of them is asked at once, so that batches stay full, and each gets as
many candidates as its scores call for. Which candidates those are does not depend on batches, window or interruptions."""

from __future__ import annotations

import math
from collections import Counter, deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, islice

from db.rows import Candidate, Metric, Progress, Question, Row, Settle
from db.specs.base import UserError
from db.specs.generate import GenerateSpec
from engine.common.accuracy import clean_answer, vqa_accuracy
from engine.data.sample import Sample, Split
from engine.recipes.cached_answers import CachedAnswers, Reply
from engine.recipes.dataset_rows import QuestionRows
from engine.recipes.proposals import Pointer, Proposal
from engine.recipes.used_images import UsedImages
from engine.rl.rewards import alike
from engine.vlm.opening import is_server
from engine.vlm.prompt import Prompt, build

ROUND = 2
"""Candidates asked at a time for a query whose group has no signal yet."""
QUERIES_TOGETHER = 16
"""Queries whose pairs are asked side by side, where all pairs are: a pair is then read once for all of them."""


@dataclass
class OpenGroup:
    """One query on its way through the budget."""

    row: int
    """Index in the train split."""
    query: Sample
    proposals: Sequence[Proposal]
    place: int
    """Position among the queries."""
    stored: dict[Pointer, Candidate]
    """Candidates of an earlier process, until their proposal comes up again."""
    asked: int = 0
    """Proposals that were taken so far."""
    awaited: int = 0
    """Answers that were asked for and have not come yet."""
    found: dict[Pointer, Candidate] = field(default_factory=dict)

    @property
    def signal(self) -> bool:
        """Two candidates have different scores, so that the group can teach something."""
        scores = [one.score for one in self.found.values()]
        return len(scores) > 1 and not alike(max(scores), min(scores))

    def take(self, spec: GenerateSpec) -> Sequence[Proposal]:
        """The proposals to ask next; none when the query is done."""
        if spec.all_pairs or not spec.adaptive or not self.asked:
            number = spec.min_candidates if spec.adaptive and not spec.all_pairs else len(self.proposals)
        else:
            number = 0 if self.signal else ROUND
        taken = self.proposals[self.asked : self.asked + number]
        self.asked += len(taken)
        return taken

    def in_order(self) -> list[Candidate]:
        """The candidates in the order of the proposals, then those of an earlier process that are proposed no more."""
        return [self.found[one.pointer] for one in self.proposals if one.pointer in self.found] + [
            *self.stored.values()
        ]


Request = tuple[tuple[OpenGroup, Proposal], Prompt]


@dataclass
class CandidateBudget:
    """Asks for candidates until every query is done."""

    spec: GenerateSpec
    dataset_sha: str
    train: Split
    queries: Sequence[Sample]
    proposals: Iterator[list[Proposal]]
    """Of each query, in order."""
    stored: Mapping[tuple[int, Pointer], Candidate]
    """Candidates of an earlier process: counted, not asked again."""
    answers: CachedAnswers
    at_once: int
    """Requests handed over together."""
    run: str
    """How the run is called."""
    request_sha: Callable[[Prompt], str]
    """Hash of the request that a prompt makes."""
    done: list[OpenGroup] = field(default_factory=list)
    left_out: int = 0
    """Candidates without an answer, because an image could not be read."""
    first_error: str = ""
    silent: int = 0
    """Candidates that the model gave no answer for."""
    first_silence: str = ""
    _judged: int = 0
    _with_signal: int = 0
    _answers: int = 0
    _right: int = 0
    _waiting: deque[Request] = field(default_factory=deque)

    def __post_init__(self) -> None:
        self._question_rows = QuestionRows(self.dataset_sha)
        stored = {key: candidate.request_sha for key, candidate in self.stored.items() if self._is_shown(key)}
        self._used = UsedImages(self.run, stored, self._stored_prompt, self.request_sha)

    def rows(self) -> Iterator[Row]:
        """Questions, candidates as they become known, progress and the rates so far."""
        groups, served = self._groups_to_fill(), is_server(self.spec.vlm)
        if not self.stored:  # a resumed run must not look as if it began anew
            yield self._progress()
        while True:
            self._fill(groups)
            block = [self._waiting.popleft() for _ in range(min(self.at_once, len(self._waiting)))]
            if not block:
                break
            self._used.compare(prompt for _, prompt in block)
            yield from self._questions(block)
            for replies in self.answers.ask(block):
                yield from self._candidates(replies)
                yield from self._rates()
                if served:
                    yield Settle()  # stored before the next request is sent, so that a kill loses only what is in flight
        yield self._progress()

    def _fill(self, groups: Iterator[OpenGroup]) -> None:
        """Requests of further queries, so that there is enough to ask at once."""
        if self.spec.all_pairs:
            if not self._waiting:
                fresh = [self._next_requests(group) for group in islice(groups, QUERIES_TOGETHER)]
                self._waiting.extend(sorted(chain.from_iterable(fresh), key=lambda one: one[0][1].pointer))
            return
        while len(self._waiting) < self.at_once and (group := next(groups, None)):
            self._waiting.extend(self._next_requests(group))

    def _groups_to_fill(self) -> Iterator[OpenGroup]:
        before: dict[int, dict[Pointer, Candidate]] = {}
        for (row, pointer), candidate in self.stored.items():
            before.setdefault(row, {})[pointer] = candidate
        for place, query in enumerate(self.queries):
            row = self.train.index_of[query.question_id]
            yield OpenGroup(row, query, next(self.proposals), place, before.pop(row, {}))

    def _next_requests(self, group: OpenGroup) -> list[Request]:
        """What is to be asked next for a query; empty when it is done. Decided as if nothing had been stored before."""
        while taken := group.take(self.spec):
            for one in taken:
                if one.pointer in group.stored:
                    self._count(group, group.stored.pop(one.pointer))
            fresh = [one for one in taken if one.pointer not in group.found]
            if fresh:
                group.awaited = len(fresh)
                return [((group, one), self._prompt(group, one)) for one in fresh]
            self._judge(group)
        self.done.append(group)
        return []

    def _prompt(self, group: OpenGroup, proposal: Proposal) -> Prompt:
        prompt = build(self.spec.prompt, self._demonstrations(proposal), group.query)
        if not self.spec.reference_probabilities:
            return prompt
        return replace(prompt, references=tuple(_counted(group.query.answers)))

    def _candidates(self, replies: Sequence[Reply[tuple[OpenGroup, Proposal]]]) -> Iterator[Candidate]:
        for reply in replies:
            group, proposal = reply.key
            if reply.error:
                self._note_error(group, reply)
            else:
                candidate = _candidate(group, proposal, reply)
                self._count(group, candidate)
                yield candidate
            group.awaited -= 1
            if not group.awaited:
                self._judge(group)
                self._waiting.extendleft(reversed(self._next_requests(group)))

    def _count(self, group: OpenGroup, candidate: Candidate) -> None:
        group.found[candidate.pointer] = candidate
        self._answers += 1
        self._right += candidate.score > 0

    def _note_error(self, group: OpenGroup, reply: Reply[tuple[OpenGroup, Proposal]]) -> None:
        if self.spec.strict:
            raise UserError(f"question {group.query.question_id}: {reply.error}; mend it, or run without strict")
        if reply.silent:
            self.silent += 1
            self.first_silence = self.first_silence or reply.error
        else:
            self.left_out += 1
            self.first_error = self.first_error or reply.error

    @property
    def answered(self) -> int:
        """Candidates that have an answer."""
        return self._answers

    def _judge(self, group: OpenGroup) -> None:
        """A round is complete: whether the group has signal counts from its first one on."""
        first = group.asked <= self.spec.min_candidates or not self.spec.adaptive or self.spec.all_pairs
        self._judged += first
        self._with_signal += group.signal

    def _questions(self, block: Sequence[Request]) -> Iterator[Question]:
        """The questions that the block refers to and no earlier one did."""
        for (group, proposal), _ in block:
            yield from self._question_rows.new("train", (group.query, *self._demonstrations(proposal)))

    def _demonstrations(self, proposal: Proposal) -> list[Sample]:
        return [self.train.questions[row] for row in proposal.pointer]

    def _is_shown(self, key: tuple[int, Pointer]) -> bool:
        return all(0 <= row < len(self.train) for row in (key[0], *key[1]))

    def _stored_prompt(self, key: tuple[int, Pointer]) -> Prompt:
        query, *shown = [self.train.questions[row] for row in (key[0], *key[1])]
        return build(self.spec.prompt, shown, query)

    def _progress(self) -> Progress:
        note = f"signal {self._signal_rate:.0%} of {self._judged}, {self._answers} answers" if self._judged else ""
        return Progress(len(self.done), len(self.queries), unit="queries", note=note)

    @property
    def _signal_rate(self) -> float:
        return self._with_signal / max(1, self._judged)

    def _rates(self) -> Iterator[Row]:
        yield self._progress()
        rates = {"signal_rate": self._signal_rate, "positive_rate": self._right / max(1, self._answers)}
        for name, value in rates.items():
            yield Metric("generate", 1, self._answers, name, value)


def _candidate(group: OpenGroup, proposal: Proposal, reply: Reply[tuple[OpenGroup, Proposal]]) -> Candidate:
    """Scored by the official metric on the query's own answers; there is no fallback."""
    answer = clean_answer(reply.raw)
    return Candidate(
        query_id=group.row,
        pointer=proposal.pointer,
        method=proposal.method,
        request_sha=reply.request_sha,
        raw=reply.raw,
        answer=answer,
        score=vqa_accuracy(answer, group.query.answers),
        beam_rank=proposal.beam_rank,
        beam_score=proposal.beam_score,
        logprob_score=proposal.logprob_score,
        temperature=proposal.temperature,
        similarity=proposal.similarity,
        cut=reply.cut,
        source=reply.source,
        gt_prob=_probability(_counted(group.query.answers), reply.log_probs),
        reasoning=reply.reasoning,
    )


def _counted(answers: Sequence[str]) -> Counter[str]:
    """How often each reference answer was given; one without a word has no probability."""
    return Counter(answer for answer in answers if answer.strip())


def _probability(counts: Mapping[str, int], log_probs: Sequence[float]) -> float | None:
    """Sum over the distinct reference answers of min(times given / 3, 1) exp(mean log-probability of its tokens), as published
    RL data define `vqa_gt_prob`, but over the answer's own tokens alone. None where not all of them are known."""
    if not counts or len(log_probs) != len(counts):
        return None
    return sum(min(count / 3, 1) * math.exp(mean) for count, mean in zip(counts.values(), log_probs, strict=True))
