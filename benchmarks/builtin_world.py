"""What demonstrations are worth to the shipped tiny model (SYNTHETIC), measured in the built-in world of earlier versions.

Its validation questions have twins in train (`builtin-2`), so that one demonstration can tell everything.

Every condition sees the same questions and, per seed, the same random pools of 64 candidates. Reader, prompts,
decoding and scoring are the program's own with their defaults (three beams, at most five tokens).

    python benchmarks/builtin_world.py [--model DIR] [--questions 400] [--seeds 0 1 2] [--searched 60]
"""

import argparse
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.nn import functional

from db.specs.evaluate import DecodeSpec, PromptSpec
from engine.common.accuracy import clean_answer, vqa_accuracy
from engine.data.datasets import Sample, open_dataset
from engine.demo.language import Kind, Question
from engine.demo.scene import VALUES
from engine.demo.shipped import SYNTHETIC_NOTE
from engine.demo.world import HABITS, WITH_TWINS, reference_answers, world_conventions, world_entries
from engine.vlm.opening import open_vlm
from engine.vlm.prompt import build
from engine.vlm.protocol import VLM, answers_in_order

POOL = 64
Picks = list[int]  # rows of the training split, most useful last
SOURCES: dict[int, Question] = {
    entry.question_id: entry.question
    for split in ("train", "val")
    for entry in world_entries(split, generator=WITH_TWINS)
}


def source(sample: Sample) -> Question:
    """What the generator knows of a question that it wrote."""
    return SOURCES[sample.question_id]


def answers(vlm: VLM, prompts: Sequence[tuple[Sequence[Sample], Sample]]) -> list[float]:
    """Official accuracy of the model's answer to each prompt of demonstrations and query."""
    built = [build(PromptSpec(), demonstrations, query) for demonstrations, query in prompts]
    said = answers_in_order(vlm, built)
    return [
        vqa_accuracy(clean_answer(answer.raw), query.answers) for answer, (_, query) in zip(said, prompts, strict=True)
    ]


def features(vlm: VLM, samples: Sequence[Sample]) -> tuple[Tensor, Tensor]:
    """Standardised mean visual tokens and question embeddings, (n, d) each."""
    images = vlm.embed_images([sample.image for sample in samples])
    texts = vlm.embed_texts([sample.question for sample in samples])
    return standardise(images), standardise(texts)


def standardise(values: Tensor) -> Tensor:
    """Zero mean and unit spread per dimension."""
    spread: Tensor = (values - values.mean(0)) / (values.std(0) + 1e-6)
    return spread


def neighbours(queries: Tensor, candidates: Tensor, pools: list[Picks], shots: int) -> list[Picks]:
    """Per query the most similar candidates of its pool by cosine, most similar last; ties in pool order."""
    similarity = functional.normalize(queries, dim=1) @ functional.normalize(candidates, dim=1).T
    picks = []
    for row, pool in zip(similarity, pools, strict=True):
        order = row[pool].sort(descending=True, stable=True).indices[:shots].tolist()
        picks.append([pool[position] for position in reversed(order)])
    return picks


def best_known(query: Question, candidates: list[Sample], pool: Picks, shots: int) -> Picks:
    """The picks that teach most, by the construction of the world: no model is asked.

    Where nothing is left to teach, the next pick is what teaches most alone, then what sounds most alike.
    """
    alone = {c: ideal_score(query, [source(candidates[c])]) for c in pool}
    alike = {c: source(candidates[c]).text == query.text for c in pool}
    picks: Picks = []
    for _ in range(shots):
        shown = [source(candidates[p]) for p in picks]
        gains = {c: ideal_score(query, [*shown, source(candidates[c])]) for c in pool if c not in picks}
        picks.append(max(gains, key=lambda c: (gains[c], alone[c], alike[c])))
    return picks[::-1]


def ideal_score(query: Question, demonstrations: Sequence[Question]) -> float:
    """What a listener without fault scores after these demonstrations."""
    conventions = world_conventions()
    habits = frozenset(d.speaker for d in demonstrations if d.kind == "habit")
    words = frozenset(key for d in demonstrations for key in d.word_keys)
    said = " ".join(conventions.parts(query, habits, words))
    return vqa_accuracy(said, reference_answers(query, conventions))


class Chooser:
    """The ways of choosing demonstrations; pools depend on the seed only, so that all conditions share them."""

    def __init__(self, vlm: VLM, train: list[Sample], queries: list[Sample]) -> None:
        self.train, self.queries = train, queries
        image, text = features(vlm, train)
        self._candidates = {"image": image, "question": text, "question + image": torch.cat([image, text], 1)}
        image, text = features(vlm, queries)
        self._queries = {"image": image, "question": text, "question + image": torch.cat([image, text], 1)}

    def pools(self, seed: int) -> list[Picks]:
        """64 random rows of the training split per query."""
        rng = random.Random(f"pool {seed}")
        return [rng.sample(range(len(self.train)), POOL) for _ in self.queries]

    def random(self, seed: int, shots: int) -> list[Picks]:
        """The first rows of every pool, which is in random order."""
        return [pool[:shots] for pool in self.pools(seed)]

    def near(self, seed: int, shots: int, by: str) -> list[Picks]:
        """The nearest of the pool by question, image or both."""
        return neighbours(self._queries[by], self._candidates[by], self.pools(seed), shots)

    def nearest_of_all(self, seed: int, shots: int, by: str) -> list[Picks]:
        """The nearest of the whole training split; the seed changes nothing."""
        everything = [list(range(len(self.train)))] * len(self.queries)
        return neighbours(self._queries[by], self._candidates[by], everything, shots)

    def ideal(self, seed: int, shots: int) -> list[Picks]:
        """The picks that teach most."""
        known = zip(self.queries, self.pools(seed), strict=True)
        return [best_known(source(query), self.train, pool, shots) for query, pool in known]

    def conditions(self) -> Iterator[tuple[str, Callable[[int], list[Picks]]]]:
        """Name of every condition and, given a seed, its picks per query."""
        yield "zero-shot", partial(self.random, shots=0)
        for shots in (1, 2, 4, 8):
            yield f"random, {shots}", partial(self.random, shots=shots)
        for by in self._queries:
            for shots in (1, 2):
                yield f"{by} neighbours, {shots}", partial(self.near, shots=shots, by=by)
        for by in ("question", "question + image"):
            yield f"{by} neighbours of all 1,000, 2", partial(self.nearest_of_all, shots=2, by=by)
        for shots in (1, 2):
            yield f"oracle by construction, {shots}", partial(self.ideal, shots=shots)


def measure(vlm: VLM, train: list[Sample], queries: list[Sample], picks: list[Picks]) -> list[float]:
    """Score per query."""
    return answers(vlm, [([train[p] for p in chosen], query) for chosen, query in zip(picks, queries, strict=True)])


def searched_oracle(vlm: VLM, chooser: Chooser, count: int, seed: int) -> tuple[float, float]:
    """Mean score of the best single pick, and with the best second pick before or after it, by asking for all."""
    first_total = second_total = 0.0
    for query, pool in list(zip(chooser.queries, chooser.pools(seed), strict=True))[:count]:
        singles = measure(vlm, chooser.train, [query] * len(pool), [[c] for c in pool])
        best = max(range(len(pool)), key=singles.__getitem__)
        rest = [c for c in pool if c != pool[best]]
        pairs = [[c, pool[best]] for c in rest] + [[pool[best], c] for c in rest]
        first_total += singles[best]
        second_total += max(measure(vlm, chooser.train, [query] * len(pairs), pairs))
    return first_total / count, second_total / count


def probe(vlm: VLM, train: list[Sample], val: list[Sample]) -> dict[str, float]:
    """Share of validation rows whose facts a linear map, fitted on the training rows, reads off the features."""
    image, text = features(vlm, train + val)
    sources = [source(sample) for sample in train + val]
    facts: dict[str, tuple[Tensor, list[str]]] = {
        name: (image, [question.scene.value(name) for question in sources]) for name in VALUES
    }
    facts["kind"] = (text, [question.kind for question in sources])
    facts["speaker"] = (text, [question.speaker for question in sources])
    facts["asked"] = (text, [" ".join(question.attributes) for question in sources])
    return {name: _linear_accuracy(values, said, len(train)) for name, (values, said) in facts.items()}


def _linear_accuracy(values: Tensor, facts: list[str], fitted: int) -> float:
    names = sorted(set(facts))
    targets = torch.tensor([names.index(fact) for fact in facts])
    inputs = torch.cat([values, torch.ones(len(values), 1)], 1)
    gram = inputs[:fitted].T @ inputs[:fitted] + torch.eye(inputs.shape[1])
    weights = torch.linalg.solve(gram, inputs[:fitted].T @ functional.one_hot(targets[:fitted]).float())
    right = (inputs[fitted:] @ weights).argmax(1) == targets[fitted:]
    return float(right.float().mean())


def by_kind(scores: list[float], queries: list[Sample]) -> str:
    """Mean score per kind of question."""
    kinds: tuple[Kind, ...] = ("plain", "habit", "word", "pair")
    means = []
    for kind in kinds:
        chosen = [value for value, query in zip(scores, queries, strict=True) if source(query).kind == kind]
        means.append(f"{100 * sum(chosen) / max(1, len(chosen)):.1f}")
    return " | ".join(means)


def main() -> None:
    """Measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="builtin", help="`builtin` or a folder")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--searched", type=int, default=60, help="questions of the oracle that asks the model")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        dataset = open_dataset("builtin-2", cache_dir=Path(cache))
        vlm = open_vlm(given.model, decode=DecodeSpec(), device="cpu", batch_size=100)
        queries = random.Random(0).sample(dataset.val.questions, given.questions)
        report(vlm, dataset.train.questions, queries, given.seeds, given.searched)


def report(vlm: VLM, train: list[Sample], queries: list[Sample], seeds: list[int], searched: int) -> None:
    """Print the probes and the table, one line per condition as it is known."""
    print(SYNTHETIC_NOTE)
    print(f"n = {len(queries)} questions, pools of {POOL}, seeds {seeds}, habits {HABITS}")
    shares = probe(vlm, train, queries)
    print("linear probes: " + ", ".join(f"{name} {100 * share:.1f}" for name, share in shares.items()))
    print(
        "| demonstrations | " + " | ".join(f"seed {s}" for s in seeds) + " | mean | plain | habit | word | pair | s |"
    )
    print("|---" * (len(seeds) + 7) + "|")
    chooser = Chooser(vlm, train, queries)
    for name, choose in chooser.conditions():
        started = time.perf_counter()
        per_seed = [measure(vlm, train, queries, choose(seed)) for seed in seeds]
        means = [100 * sum(scores) / len(scores) for scores in per_seed]
        pooled = [sum(column) / len(seeds) for column in zip(*per_seed, strict=True)]
        cells = " | ".join(f"{mean:.1f}" for mean in (*means, sum(means) / len(means)))
        seconds = (time.perf_counter() - started) / len(seeds)
        print(f"| {name} | {cells} | {by_kind(pooled, queries)} | {seconds:.1f} |", flush=True)
    for seed in seeds if searched else []:
        one, two = searched_oracle(vlm, chooser, searched, seed)
        print(f"searched oracle, n = {searched}, seed {seed}: one {100 * one:.1f}, two {100 * two:.1f}", flush=True)


if __name__ == "__main__":
    main()
