"""Which tokens an answer is made of: greedy, sampling and beam search as transformers' `generate` defines them.

The states hold the answers of B prompts, W of each (W = 1 without beams). A prompt leaves as soon as its answer is known, so
that no prompt depends on the others beside it. The rules are those of `generation/utils.py` (`_sample`, `_beam_search`) with
early_stopping=False; penalties and warpers are transformers' own classes.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from db.specs.evaluate import DecodeSpec

Processor = Callable[[Tensor, Tensor], Tensor]
"""Tokens so far (n, S) and scores (n, V) to scores."""
NEVER = -1.0e9
"""Score of what must not be chosen, as transformers has it."""


@dataclass(frozen=True)
class Decoding:
    """How answers are decoded."""

    spec: DecodeSpec
    ends: tuple[int, ...]
    """Tokens that end an answer."""

    @property
    def width(self) -> int:
        """Answers under way for each prompt."""
        return self.spec.num_beams


class Scores:
    """Turns logits into what tokens are chosen by, in the order of transformers."""

    def __init__(self, decoding: Decoding, prompts: Sequence[Sequence[int]], device: torch.device) -> None:
        """`prompts`: all tokens of each prompt, which repetitions are counted in; only read where they are punished."""
        spec = decoding.spec
        self._ends = torch.tensor(decoding.ends, device=device)
        self._least = spec.min_new_tokens
        self._penalty, self._warpers = _penalty(spec), _warpers(decoding)
        self._prompts: Tensor | None = None
        if self._penalty is not None:
            # Filled up with a token of their own, since a token counts once however often it stands there.
            longest = max(map(len, prompts))
            filled = [[*one, *(one[:1] * (longest - len(one)))] for one in map(list, prompts)]
            self._prompts = torch.tensor(filled, device=device)  # (B, L)

    def __call__(self, scores: Tensor, prompts: Tensor, tokens: Tensor) -> Tensor:
        """(B W, V) processed: `prompts` (B,) says whose rows they are, `tokens` (B, W, S) what has been chosen."""
        seen = tokens.flatten(0, 1)
        if self._prompts is not None and self._penalty is not None:
            before = self._prompts[prompts].repeat_interleave(tokens.shape[1], 0)
            scores = self._penalty(torch.cat((before, seen), 1), scores)
        if tokens.shape[2] < self._least:
            scores = scores.index_fill(1, self._ends, float("-inf"))
        for warp in self._warpers:
            scores = warp(seen, scores)
        return scores


def _penalty(spec: DecodeSpec) -> Processor | None:
    if spec.repetition_penalty == 1:
        return None
    # hub access is cut (vlm.loading) before transformers is imported, which takes seconds
    from transformers import RepetitionPenaltyLogitsProcessor

    penalty: Processor = RepetitionPenaltyLogitsProcessor(spec.repetition_penalty)
    return penalty


def _warpers(decoding: Decoding) -> list[Processor]:
    spec = decoding.spec
    if not spec.do_sample:
        return []
    # as above
    from transformers import TemperatureLogitsWarper, TopKLogitsWarper, TopPLogitsWarper

    kept = len(decoding.ends) + 1 if spec.num_beams > 1 else 1
    warpers: list[Processor] = []
    if spec.temperature != 1:
        warpers.append(TemperatureLogitsWarper(spec.temperature))
    if spec.top_k:
        warpers.append(TopKLogitsWarper(spec.top_k, min_tokens_to_keep=kept))
    if spec.top_p < 1:
        warpers.append(TopPLogitsWarper(spec.top_p, min_tokens_to_keep=kept))
    return warpers


@dataclass
class Step:
    """What the states tell after a token was chosen."""

    known: dict[int, tuple[int, ...]]
    """Answers that are complete, by prompt."""
    alive: Tensor
    """(b,) which rows of the state before go on."""
    parents: Tensor
    """(b, W) which of its answers each one of now continues."""


class Answers:
    """Greedy decoding and sampling."""

    def __init__(self, decoding: Decoding, prompts: int, scores: Scores, device: torch.device) -> None:
        self._decoding = decoding
        self._scores = scores
        self._ends = torch.tensor(decoding.ends, device=device)
        self.prompts = torch.arange(prompts, device=device)
        """(b,) the prompts whose answers are not known yet."""
        self.tokens = torch.empty(prompts, 1, 0, dtype=torch.long, device=device)  # (b, 1, S)

    def advance(self, logits: Tensor) -> Step:
        """Chooses the next token of each by (b, V) float32 logits."""
        scores = self._scores(logits, self.prompts, self.tokens)
        drawn = self._decoding.spec.do_sample
        token = torch.multinomial(scores.softmax(-1), 1) if drawn else scores.argmax(-1, keepdim=True)
        self.tokens = torch.cat((self.tokens, token[:, None]), 2)
        full = self.tokens.shape[2] == self._decoding.spec.max_new_tokens
        done = torch.isin(token[:, 0], self._ends) | full
        known = _by_prompt(self.prompts[done], self.tokens[done, 0])
        alive = (~done).nonzero()[:, 0]
        self.prompts, self.tokens = self.prompts[alive], self.tokens[alive]
        return Step(known, alive, torch.zeros(len(alive), 1, dtype=torch.long, device=alive.device))


class Beams:
    """Beam search, also with sampling."""

    def __init__(self, decoding: Decoding, prompts: int, scores: Scores, device: torch.device) -> None:
        spec = decoding.spec
        self._decoding = decoding
        self._scores = scores
        self._ends = torch.tensor(decoding.ends, device=device)
        self._kept = max(2, 1 + len(decoding.ends)) * spec.num_beams  # enough that num_beams of them have not ended
        self.prompts = torch.arange(prompts, device=device)
        self.tokens = torch.empty(prompts, 1, 0, dtype=torch.long, device=device)  # (b, 1 then W, S)
        self._running = torch.zeros(prompts, 1, device=device)  # (b, 1 then W) sums of log-probabilities
        self._best = torch.zeros(prompts, spec.num_beams, spec.max_new_tokens, dtype=torch.long, device=device)
        self._lengths = torch.zeros(prompts, spec.num_beams, dtype=torch.long, device=device)
        self._best_scores = torch.full((prompts, spec.num_beams), NEVER, device=device)
        self._ended = torch.zeros(prompts, spec.num_beams, dtype=torch.bool, device=device)

    def advance(self, logits: Tensor) -> Step:
        """Chooses the next tokens by (b W, V) float32 logits; (b, V) the first time."""
        spec, width = self._decoding.spec, self._decoding.width
        rows, beams, length = self.tokens.shape
        found = self._scores(logits.log_softmax(-1), self.prompts, self.tokens).view(rows, beams, -1)
        vocabulary = found.shape[-1]
        scores, at = self._pick((found + self._running[:, :, None]).flatten(1))  # (b, kept)
        parents, token = at // vocabulary, at % vocabulary
        tokens = torch.cat((_taken(self.tokens, parents), token[:, :, None]), 2)
        length += 1
        stops = torch.isin(token, self._ends) | (length == spec.max_new_tokens)
        self._finish(tokens, scores / (length**spec.length_penalty), stops)
        self._running, going = (scores + stops * NEVER).topk(width)
        self.tokens, parents = _taken(tokens, going), parents.gather(1, going)
        return self._leave(parents, done=self._hopeless(length) | (length == spec.max_new_tokens))

    def _pick(self, scores: Tensor) -> tuple[Tensor, Tensor]:
        if not self._decoding.spec.do_sample:
            best: tuple[Tensor, Tensor] = scores.topk(self._kept)
            return best
        drawn = torch.multinomial(scores.softmax(-1), self._kept)
        ordered, places = scores.gather(1, drawn).sort(-1, descending=True)
        return ordered, drawn.gather(1, places)

    def _finish(self, tokens: Tensor, scores: Tensor, stops: Tensor) -> None:
        """Keeps the best of the answers that ended before and those that end now among the first W."""
        width, length = self._decoding.width, tokens.shape[2]
        now = stops & (torch.arange(self._kept, device=tokens.device) < width)
        new = tokens.new_zeros(len(tokens), self._kept, self._best.shape[2])
        new[:, :, :length] = tokens
        scores = torch.cat((self._best_scores, scores + ~now * NEVER), 1)
        self._best_scores, kept = scores.topk(width)
        self._best = _taken(torch.cat((self._best, new), 1), kept)
        lengths = torch.cat((self._lengths, torch.full_like(now, length, dtype=torch.long)), 1)
        self._lengths = lengths.gather(1, kept)
        self._ended = torch.cat((self._ended, now), 1).gather(1, kept)

    def _hopeless(self, length: int) -> Tensor:
        """(b,) no running answer can still beat the worst that ended, judged at the present length."""
        reachable = self._running[:, :1] / (length**self._decoding.spec.length_penalty)
        worst = torch.where(self._ended, self._best_scores.amin(1, keepdim=True), NEVER)
        hopeful: Tensor = (reachable > worst).any(1)
        return ~hopeful

    def _leave(self, parents: Tensor, done: Tensor) -> Step:
        known = _by_prompt(self.prompts[done], self._best[done, 0], self._lengths[done, 0])
        alive = (~done).nonzero()[:, 0]
        for name in ("prompts", "tokens", "_running", "_best", "_lengths", "_best_scores", "_ended"):
            setattr(self, name, getattr(self, name)[alive])
        return Step(known, alive, parents[alive])


def start(decoding: Decoding, prompts: Sequence[Sequence[int]], device: torch.device) -> Answers | Beams:
    """The state before the first token; `prompts` are the tokens of each."""
    scores = Scores(decoding, prompts, device)
    kind = Beams if decoding.width > 1 else Answers
    return kind(decoding, len(prompts), scores, device)


def _taken(x: Tensor, places: Tensor) -> Tensor:
    """(b, n, S) rows at `places` (b, m): (b, m, S)."""
    return x.gather(1, places[:, :, None].expand(-1, -1, x.shape[2]))


def _by_prompt(prompts: Tensor, tokens: Tensor, lengths: Tensor | None = None) -> dict[int, tuple[int, ...]]:
    cut = lengths.tolist() if lengths is not None else [tokens.shape[1]] * len(tokens)
    answers = zip(prompts.tolist(), tokens.tolist(), cut, strict=True)
    return {prompt: tuple(row[:length]) for prompt, row, length in answers}
