"""What demonstrations are worth in the built-in world (SYNTHETIC), measured on the shipped tiny model.

Every condition sees the same questions and, per seed, the same random pools of 64 candidates. Prompts, decoding and
scoring are those of the evaluation: one chat with alternating images and texts, three beams, at most five tokens,
leave-one-out VQA accuracy.

    python benchmarks/builtin_world.py [--model DIR] [--questions 400] [--seeds 0 1 2] [--markdown FILE]
"""

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch import Tensor
from torch.nn import functional

from db.specs.evaluate import SYSTEM_PROMPT
from engine.demo import SYNTHETIC_NOTE, ensure_world, model_dir
from engine.demo.language import DEFAULT_HABIT, Kind, Question
from engine.demo.scene import VALUES
from engine.demo.world import HABITS, reference_answers, world_conventions, world_entries

POOL = 64
Picks = list[int]  # rows of the training split, most useful last


@dataclass(frozen=True)
class Row:
    """One question of the data set as the files hold it, with what the generator knows of it."""

    text: str
    answers: tuple[str, ...]
    image: Path
    source: Question

    @property
    def label(self) -> str:
        """The commonest answer, first in file order among equals: what a demonstration shows."""
        return max(self.answers, key=self.answers.count)


def read_split(world: Path, split: str) -> list[Row]:
    """The rows of one split in the order of their question ids."""
    questions = json.loads((world / f"OpenEnded_mscoco_{split}2014_questions.json").read_text())["questions"]
    notes = json.loads((world / f"mscoco_{split}2014_annotations.json").read_text())["annotations"]
    answers = {note["question_id"]: tuple(a["answer"] for a in note["answers"]) for note in notes}
    sources = {entry.question_id: entry.question for entry in world_entries(split)}
    folder = world / "mscoco2014" / f"{split}2014"
    return [
        Row(
            row["question"],
            answers[row["question_id"]],
            folder / f"COCO_{split}2014_{row['image_id']:012d}.jpg",
            sources[row["question_id"]],
        )
        for row in sorted(questions, key=lambda row: int(row["question_id"]))
    ]


def score(prediction: str, answers: Sequence[str]) -> float:
    """Leave-one-out VQA accuracy; the world's answers need no normalisation but blanks."""
    matches = answers.count(prediction.strip())
    return (0.0, 0.3, 0.6, 0.9)[matches] if matches < 4 else 1.0


class Vlm:
    """The tiny model with the pieces of its processor."""

    def __init__(self, directory: Path) -> None:
        from transformers import AutoImageProcessor, AutoModelForImageTextToText, AutoTokenizer

        self.model: Any = AutoModelForImageTextToText.from_pretrained(directory, dtype=torch.float32).eval()
        self.tokenizer: Any = AutoTokenizer.from_pretrained(directory)
        self.tokenizer.padding_side = "left"
        self.processor: Any = AutoImageProcessor.from_pretrained(directory, use_fast=False)
        self.image_token: int = self.model.config.image_token_id
        self._pixels: dict[Path, Tensor] = {}

    def pixels(self, row: Row) -> Tensor:
        """Patches of a row's picture, (16, patch values)."""
        if row.image not in self._pixels:
            picture = Image.open(row.image).convert("RGB")
            self._pixels[row.image] = self.processor(images=[picture], return_tensors="pt")["pixel_values"]
        return self._pixels[row.image]

    def chat(self, demonstrations: Sequence[Row], query: Row) -> str:
        """The prompt as text."""
        content: list[dict[str, str]] = []
        for row in demonstrations:
            content += [{"type": "image"}, {"type": "text", "text": f"Question:{row.text} Short answer:{row.label}"}]
        content += [{"type": "image"}, {"type": "text", "text": f"Question:{query.text} Short answer:"}]
        messages = [
            {"role": "system", "content": [{"type": "text", "text": SYSTEM_PROMPT}]},
            {"role": "user", "content": content},
        ]
        return str(self.tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=True))

    @torch.inference_mode()
    def answers(self, prompts: Sequence[tuple[Sequence[Row], Row]], beams: int = 3, batch: int = 100) -> list[str]:
        """What the model says to each prompt of demonstrations and query."""
        said: list[str] = []
        for start in range(0, len(prompts), batch):
            said += self._answer_batch(prompts[start : start + batch], beams)
        return said

    def _answer_batch(self, prompts: Sequence[tuple[Sequence[Row], Row]], beams: int) -> list[str]:
        tokens = self.tokenizer([self.chat(*p) for p in prompts], return_tensors="pt", padding=True)
        pictures = [self.pixels(row) for demonstrations, query in prompts for row in (*demonstrations, query)]
        out = self.model.generate(
            **tokens,
            mm_token_type_ids=(tokens["input_ids"] == self.image_token).int(),
            pixel_values=torch.cat(pictures),
            image_grid_thw=torch.tensor([[1, 4, 4]]).expand(len(pictures), 3),
            max_new_tokens=5,
            num_beams=beams,
            length_penalty=0.0,
            do_sample=False,
        )
        new = out[:, tokens["input_ids"].shape[1] :]
        return list(self.tokenizer.batch_decode(new, skip_special_tokens=True))

    @torch.inference_mode()
    def features(self, rows: Sequence[Row]) -> tuple[Tensor, Tensor]:
        """Standardised mean-pooled vision tokens and question embeddings, (N, width) each."""
        pictures = torch.cat([self.pixels(row) for row in rows])
        grid = torch.tensor([[1, 4, 4]]).expand(len(rows), 3)
        images = torch.stack([t.mean(0) for t in self.model.get_image_features(pictures, grid).pooler_output])
        embed = self.model.get_input_embeddings()
        texts = [embed(self.tokenizer(row.text, return_tensors="pt")["input_ids"][0]).mean(0) for row in rows]
        return standardise(images), standardise(torch.stack(texts))


def standardise(features: Tensor) -> Tensor:
    """Zero mean and unit spread per dimension."""
    spread: Tensor = (features - features.mean(0)) / (features.std(0) + 1e-6)
    return spread


def neighbours(queries: Tensor, candidates: Tensor, pools: list[Picks], shots: int) -> list[Picks]:
    """Per query the most similar candidates of its pool by cosine, most similar last; ties in pool order."""
    similarity = functional.normalize(queries, dim=1) @ functional.normalize(candidates, dim=1).T
    picks = []
    for row, pool in zip(similarity, pools, strict=True):
        order = row[pool].sort(descending=True, stable=True).indices[:shots].tolist()
        picks.append([pool[position] for position in reversed(order)])
    return picks


def best_known(query: Question, candidates: list[Row], pool: Picks, shots: int) -> Picks:
    """The picks that teach most, by the construction of the world: no model is asked."""
    picks: Picks = []
    for _ in range(shots):
        gains = {c: ideal_score(query, [candidates[p].source for p in (*picks, c)]) for c in pool if c not in picks}
        picks.append(max(gains, key=lambda c: gains[c]))
    return picks


def ideal_score(query: Question, demonstrations: Sequence[Question]) -> float:
    """What a listener without fault scores after these demonstrations."""
    conventions = world_conventions()
    habits = frozenset(d.speaker for d in demonstrations if d.kind == "habit")
    words = frozenset(key for d in demonstrations for key in d.word_keys)
    return score(" ".join(conventions.parts(query, habits, words)), reference_answers(query, conventions))


class Chooser:
    """The ways of choosing demonstrations; pools depend on the seed only, so that all conditions share them."""

    def __init__(self, vlm: Vlm, train: list[Row], queries: list[Row]) -> None:
        self.train, self.queries = train, queries
        image, text = vlm.features(train)
        self._candidates = {"image": image, "question": text, "question + image": torch.cat([image, text], 1)}
        image, text = vlm.features(queries)
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
        return [best_known(query.source, self.train, pool, shots) for query, pool in known]

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


def measure(vlm: Vlm, train: list[Row], queries: list[Row], picks: list[Picks]) -> list[float]:
    """Score per query."""
    prompts = [([train[p] for p in chosen], query) for chosen, query in zip(picks, queries, strict=True)]
    return [score(said, query.answers) for said, query in zip(vlm.answers(prompts), queries, strict=True)]


def searched_oracle(vlm: Vlm, train: list[Row], queries: list[Row], seed: int) -> tuple[float, float]:
    """Mean score of the best single pick, and of the best second pick before or after it, by asking the model for all."""
    rng = random.Random(f"pool {seed}")
    pools = [rng.sample(range(len(train)), POOL) for _ in queries]
    first_total = second_total = 0.0
    for query, pool in zip(queries, pools, strict=True):
        singles = _scores(vlm, train, query, [[c] for c in pool])
        best = max(range(len(pool)), key=singles.__getitem__)
        rest = [c for c in pool if c != pool[best]]
        pairs = _scores(vlm, train, query, [[c, pool[best]] for c in rest] + [[pool[best], c] for c in rest])
        first_total += singles[best]
        second_total += max(pairs)
    return first_total / len(queries), second_total / len(queries)


def _scores(vlm: Vlm, train: list[Row], query: Row, choices: list[Picks]) -> list[float]:
    said = vlm.answers([([train[c] for c in chosen], query) for chosen in choices], beams=1, batch=128)
    return [score(answer, query.answers) for answer in said]


def probe(vlm: Vlm, train: list[Row], val: list[Row]) -> dict[str, float]:
    """Share of validation rows whose facts a linear map, fitted on the training rows, reads off the features."""
    image, text = vlm.features(train + val)
    sources = [row.source for row in train + val]
    shares: dict[str, float] = {
        name: _linear_accuracy(image, [source.scene.value(name) for source in sources], len(train)) for name in VALUES
    }
    shares["kind"] = _linear_accuracy(text, [source.kind for source in sources], len(train))
    shares["speaker"] = _linear_accuracy(text, [source.speaker for source in sources], len(train))
    shares["asked"] = _linear_accuracy(text, [" ".join(source.attributes) for source in sources], len(train))
    return shares


def _linear_accuracy(features: Tensor, facts: list[str], fitted: int) -> float:
    names = sorted(set(facts))
    targets = torch.tensor([names.index(fact) for fact in facts])
    inputs = torch.cat([features, torch.ones(len(features), 1)], 1)
    gram = inputs[:fitted].T @ inputs[:fitted] + torch.eye(inputs.shape[1])
    weights = torch.linalg.solve(gram, inputs[:fitted].T @ functional.one_hot(targets[:fitted]).float())
    right = (inputs[fitted:] @ weights).argmax(1) == targets[fitted:]
    return float(right.float().mean())


def by_kind(scores: list[float], queries: list[Row]) -> str:
    """Mean score per kind of question."""
    kinds: tuple[Kind, ...] = ("plain", "habit", "word", "pair")
    means = []
    for kind in kinds:
        chosen = [value for value, query in zip(scores, queries, strict=True) if query.source.kind == kind]
        means.append(f"{100 * sum(chosen) / max(1, len(chosen)):.1f}")
    return " | ".join(means)


def main() -> None:
    """Measure, print a Markdown table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", type=Path, default=model_dir())
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--searched", type=int, default=60, help="questions of the oracle that asks the model")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as cache:
        world = ensure_world(Path(cache))
        vlm = Vlm(given.model)
        train, val = read_split(world, "train"), read_split(world, "val")
        report(vlm, train, random.Random(0).sample(val, given.questions), given.seeds, given.searched)


def report(vlm: Vlm, train: list[Row], queries: list[Row], seeds: list[int], searched: int) -> None:
    """Print the table, one line per condition as it is known."""
    print(SYNTHETIC_NOTE)
    print(f"n = {len(queries)}, seeds {seeds}, default habit {DEFAULT_HABIT}, habits {HABITS}")
    print(
        "| demonstrations | " + " | ".join(f"seed {s}" for s in seeds) + " | mean | plain | habit | word | pair | s |"
    )
    print("|---" * (len(seeds) + 7) + "|")
    for name, choose in Chooser(vlm, train, queries).conditions():
        started = time.perf_counter()
        per_seed = [measure(vlm, train, queries, choose(seed)) for seed in seeds]
        means = [100 * sum(scores) / len(scores) for scores in per_seed]
        pooled = [sum(column) / len(seeds) for column in zip(*per_seed, strict=True)]
        cells = " | ".join(f"{mean:.1f}" for mean in (*means, sum(means) / len(means)))
        seconds = (time.perf_counter() - started) / len(seeds)
        print(f"| {name} | {cells} | {by_kind(pooled, queries)} | {seconds:.1f} |", flush=True)
    for seed in seeds if searched else []:
        one, two = searched_oracle(vlm, train, queries[:searched], seed)
        print(f"searched oracle, n = {searched}, seed {seed}: one {100 * one:.1f}, two {100 * two:.1f}", flush=True)


if __name__ == "__main__":
    main()
