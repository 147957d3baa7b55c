"""Whether learning pays in the built-in world (SYNTHETIC): trained selectors against every control, over seeds.

Each world seed draws other pictures, words and questions; each training seed other weights and orders. In a world the trainings
share RL data and embeddings. All 500 validation questions are asked, with demonstrations from all 1,000 train questions.
What is done already is read from `--out`, so that a stopped benchmark goes on.

    python benchmarks/honest_world.py --out /tmp/honest [--worlds 0 1 2 3 4] [--trainings 42 43 44] [--table]
"""

from __future__ import annotations

import argparse
import itertools
import json
import shutil
import statistics
import time
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scipy import stats

import engine.recipes.train
from db.rows import Candidate, Checkpoint, Metric, Prediction, Row, StoredAnswer
from db.specs import EvalSpec, TrainSpec
from engine.demo import recipe
from engine.demo.shipped import SYNTHETIC_NOTE
from engine.demo.world import world_entries, write_world
from engine.recipes.embed import embed
from engine.recipes.evaluate import evaluate
from engine.recipes.generate import generate
from engine.recipes.run_context import RunContext
from engine.recipes.train import train
from engine.statistics.paired import paired

SHOTS = (1, 2)
DATA_SEED = 42
PLAIN = ("random", "fixed", "i2i", "t2t", "qi2qi")
ON_EMBEDDINGS = ("coreset", "qi2qi", "mmices", "mmr")
TRAINED = "selector B"
LINEAR: dict[str, Any] = {"variant": "v4_2", "parts": None, "rce_epochs": 1}
GRPO: dict[str, Any] = {
    "kind": "grpo", "variant": "v3", "parts": None, "rce_epochs": 0, "grpo_epochs": 5, "grpo_lr": 1e-4
}  # fmt: skip
"""After RCE; what the selector is made of is told by the checkpoint that it starts from."""
Scores = dict[int, dict[int, float]]
"""For each number of shots the score of each question."""


class World:
    """One seed of the world: its files, the answers that are known, and the scores of each condition."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.folder, self.seed = folder / f"world{seed}", seed
        self.data = self.folder / "data"
        write_world(self.data, seed)
        self._stored = self.folder / "answers.json"
        known = json.loads(self._stored.read_text()) if self._stored.is_file() else {}
        self._answers = {sha: StoredAnswer(raw, cut, None, "") for sha, (raw, cut) in known.items()}

    def measure(self, seed: int) -> None:
        """Controls, selector A, and selector B of one training seed, as far as they are not there yet."""
        for name in PLAIN:
            self._evaluate(name, retriever=name)
        one = self._generated("one-shot", recipe.one_shot_data(DATA_SEED, dataset=str(self.data)))
        first = self._best("A", recipe.selector_a(one, self._embedded(), DATA_SEED))
        two = self._generated("two-shot", recipe.two_shot_data(first, DATA_SEED, dataset=str(self.data)))
        # only its recipe is asked for: what most published variants are, one linear map and a product
        linear = self._best("linear", recipe.selector_b(two, self._embedded(), DATA_SEED, **LINEAR))
        for name in ON_EMBEDDINGS:
            self._evaluate(f"{name}, selector's embeddings", retriever=name, selector=first)
        self._evaluate("untrained v4_2", retriever="untrained", selector=linear)
        self._evaluate("untrained A", retriever="untrained", selector=first)
        self._evaluate("selector A, best greedy reward", retriever="selector", selector=first)
        second = self._best(f"B{seed}", recipe.selector_b(two, self._embedded(), seed))
        self._evaluate(f"untrained B {seed}", retriever="untrained", selector=second)
        self._evaluate(f"{TRAINED}, best greedy reward {seed}", retriever="selector", selector=second)

    def look_further(self, seed: int) -> None:
        """Other ways of choosing the epoch, and GRPO after RCE."""
        two, second = str(self.folder / "two-shot" / "rl_data.json"), str(self._checkpoint(f"B{seed}"))
        self._epochs("selector A", str(self._checkpoint("A")))
        self._epochs(TRAINED, second, f" {seed}")
        best = self._best(f"G{seed}", recipe.selector_b(two, self._embedded(), seed, init=second, **GRPO))
        self._evaluate(f"{TRAINED} and GRPO {seed}", retriever="selector", selector=best)

    def _checkpoint(self, name: str, phase: str = "rce") -> Path:
        return self.folder / name / "checkpoints" / f"{phase}_best.safetensors"

    def _epochs(self, name: str, best: str, ending: str = "") -> None:
        """A selector by three ways of choosing the epoch."""
        chosen = json.loads(Path(best).with_name("epochs.json").read_text())
        for way, epoch in chosen.items():
            path = str(Path(best).with_name(f"rce_{epoch}.safetensors"))
            self._evaluate(f"{name}, {way}{ending}", retriever="selector", selector=path)

    def _context(self, name: str) -> RunContext:
        def find(shas: Iterable[str]) -> dict[str, StoredAnswer]:
            return {sha: self._answers[sha] for sha in shas if sha in self._answers}

        return RunContext(run_dir=self.folder / name, cache_dir=self.folder / "cache", find_answers=find)

    def _follow(self, rows: Iterator[Row]) -> list[Row]:
        """Run a recipe to its end and keep its answers."""
        kept = []
        for row in rows:
            if isinstance(row, Prediction | Candidate) and row.request_sha not in self._answers:
                self._answers[row.request_sha] = StoredAnswer(row.raw, row.cut, None, row.reasoning)
            kept.append(row)
        self._stored.write_text(json.dumps({sha: (one.raw, one.cut) for sha, one in self._answers.items()}))
        return kept

    def _generated(self, name: str, spec: Any) -> str:
        path = self.folder / name / "rl_data.json"
        if not path.is_file():
            self._follow(_timed(f"world {self.seed}: {name} data", generate(spec, self._context(name))))
        return str(path)

    def _embedded(self) -> str:
        path = self.folder / "embeddings" / "embeddings.safetensors"
        if not path.is_file():
            list(embed(recipe.embeddings(dataset=str(self.data)), self._context("embeddings")))
        return str(path)

    def _best(self, name: str, spec: TrainSpec) -> str:
        """The checkpoint that a training calls the best; beside it those of all epochs, and which were best in what."""
        phase = "grpo" if spec.grpo_epochs else "rce"
        path = self._checkpoint(name, phase)
        if (path.parent / "epochs.json").is_file():
            return str(path)
        found: dict[str, list[float]] = {"val_loss": [], "greedy_reward": []}
        for row in _timed(f"world {self.seed}: training {name}", train(spec, self._context(name))):
            if isinstance(row, Metric) and row.name in found:
                found[row.name].append(row.value)
            if isinstance(row, Checkpoint) and not row.is_best:
                for end in ("", ".json"):
                    shutil.copyfile(f"{row.path}{end}", path.with_name(f"{phase}_{row.epoch}.safetensors{end}"))
        losses, rewards = found["val_loss"], found["greedy_reward"]
        epochs = {"best loss": 1 + losses.index(min(losses)), "last epoch": len(losses)}
        epochs["best greedy reward"] = len(rewards) - rewards[::-1].index(max(rewards))
        (path.parent / "epochs.json").write_text(json.dumps(epochs))
        return str(path)

    def _evaluate(self, label: str, **fields: Any) -> None:
        path = self.folder / "scores" / f"{label}.json"
        if path.is_file():
            return
        spec = EvalSpec(dataset=str(self.data), shots=SHOTS, **fields)
        scores: Scores = {shot: {} for shot in SHOTS}
        for row in self._follow(evaluate(spec, self._context("evaluation"))):
            if isinstance(row, Prediction):
                scores[row.shot][row.question_id] = row.score
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(scores))
        means = " / ".join(f"{100 * statistics.fmean(one.values()):.1f}" for one in scores.values())
        print(f"world {self.seed}: {label}: {means}", flush=True)

    def scores(self) -> dict[str, Scores]:
        """The scores of each condition that was measured."""
        found = {}
        for path in sorted((self.folder / "scores").glob("*.json")):
            content = json.loads(path.read_text())
            found[path.stem] = {
                int(shot): {int(one): value for one, value in scores.items()} for shot, scores in content.items()
            }
        return found


def _timed(what: str, rows: Iterator[Row]) -> Iterator[Row]:
    started = time.perf_counter()
    yield from rows
    print(f"{what}: {time.perf_counter() - started:.0f} s", flush=True)


class Table:
    """The figures over all worlds; the unit of every interval is a world, because its questions are its own."""

    def __init__(self, worlds: list[World], trainings: list[int]) -> None:
        self._seeds = [str(seed) for seed in trainings]
        self._found = [world.scores() for world in worlds]
        self._kinds = [{e.question_id: e.question.kind for e in world_entries("val", world.seed)} for world in worlds]
        labels = dict.fromkeys(self._condition(label) for found in self._found for label in found)
        self.conditions = sorted(labels, key=lambda name: statistics.fmean(self._means(name, 2)))

    def _condition(self, label: str) -> str:
        name, _, seed = label.rpartition(" ")
        return name if seed in self._seeds else label

    def _runs(self, found: dict[str, Scores], name: str) -> dict[str, Scores]:
        """The runs of a condition in one world by training seed, which controls have not."""
        return {label.removeprefix(name): scores for label, scores in found.items() if self._condition(label) == name}

    def _both(self, a: str, b: str) -> Iterator[tuple[list[Scores], list[Scores]]]:
        """The runs of two conditions in each world that has both, of the same training seeds where both have some."""
        for found in self._found:
            one, other = self._runs(found, a), self._runs(found, b)
            shared = one.keys() & other.keys()
            if one and other:
                yield tuple([runs[s] for s in runs if s in shared or not shared] for runs in (one, other))  # type: ignore[misc]

    def _means(self, name: str, shot: int) -> list[float]:
        """In percent, one for each run of each world."""
        runs = [run for found in self._found for run in self._runs(found, name).values()]
        return [100 * statistics.fmean(run[shot].values()) for run in runs]

    def _by_kind(self, name: str, shot: int) -> Iterator[str]:
        for kind in ("plain", "habit", "word", "pair"):
            values = [
                value
                for found, kinds in zip(self._found, self._kinds, strict=True)
                for run in self._runs(found, name).values()
                for one, value in run[shot].items()
                if kinds[one] == kind
            ]
            yield f"{100 * statistics.fmean(values):.0f}"

    def rows(self, judged: str) -> Iterator[str]:
        """Mean and deviation over runs at one and two shots; then what `judged` has more, and how often that is `better`."""
        yield "| demonstrations by | 1 shot | 2 shots | by kind, 2 shots | trained minus it, 1 | 2 shots | `better` at 1, 2 |"
        yield "|---" * 7 + "|"
        for name in self.conditions:
            cells = [self._level(name, shot) for shot in SHOTS]
            differences = [self._difference(judged, name, shot) for shot in SHOTS] if name != judged else ["", ""]
            won = "" if name == judged else self._won(judged, name)
            kinds = " / ".join(self._by_kind(name, 2))
            yield f"| {name} | {' | '.join([*cells, kinds, *differences, won])} |"

    def _level(self, name: str, shot: int) -> str:
        means = self._means(name, shot)
        return f"{statistics.fmean(means):.1f} ± {statistics.stdev(means):.1f}" if len(means) > 1 else f"{means[0]:.1f}"

    def _difference(self, a: str, b: str, shot: int) -> str:
        return _interval([_mean(one, shot) - _mean(other, shot) for one, other in self._both(a, b)])

    def _won(self, a: str, b: str) -> str:
        """How often one run is distinguishably better than another, question by question, at one and at two shots."""
        told = []
        for shot in SHOTS:
            runs = [pair for one, other in self._both(a, b) for pair in itertools.product(one, other)]
            pairs = [paired(other[shot], one[shot]) for one, other in runs]
            told.append(f"{sum(pair.low > 0 and pair.p < 0.05 for pair in pairs)} of {len(pairs)}")
        return ", ".join(told)

    def second_pick(self, name: str) -> str:
        """What two shots are worth against one."""
        return _interval([_mean(runs, 2) - _mean(runs, 1) for runs, _ in self._both(name, name)])

    def of_two(self, a: str, b: str) -> str:
        """What `a` is worth against `b`, at one and two shots, and in how many worlds both were measured."""
        worlds = len(list(self._both(a, b)))
        return (
            f"{self._difference(a, b, 1)} and {self._difference(a, b, 2)} ({worlds} worlds)"
            if worlds
            else "not measured"
        )


def _mean(runs: list[Scores], shot: int) -> float:
    return statistics.fmean(100 * statistics.fmean(run[shot].values()) for run in runs)


def _interval(values: list[float]) -> str:
    """Mean and half-width of the 95 % interval by Student's t over worlds."""
    if len(values) < 2:
        return f"{values[0]:+.1f}"
    half = stats.t.ppf(0.975, len(values) - 1) * statistics.stdev(values) / len(values) ** 0.5
    return f"{statistics.fmean(values):+.1f} ± {half:.1f}"


def main() -> None:
    """Measure what is missing, then print the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True, help="folder of everything that is made")
    parser.add_argument("--worlds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--trainings", type=int, nargs="+", default=[42, 43, 44])
    parser.add_argument("--table", action="store_true", help="only print what was measured")
    given = parser.parse_args()
    engine.recipes.train.KEEP_EVERY_S = 0.0  # every epoch's weights
    worlds = [World(given.out, seed) for seed in given.worlds]
    steps = [world.measure for world in worlds], [world.look_further for world in worlds]
    for step in [] if given.table else steps:
        for seed, measure in itertools.product(given.trainings, step):
            measure(seed)
    print(SYNTHETIC_NOTE)
    table = Table(worlds, given.trainings)
    judged = f"{TRAINED}, best greedy reward"
    print("\n".join(table.rows(judged)))
    for name in table.conditions:
        print(f"two shots minus one, {name}: {table.second_pick(name)}")
    for name in ("selector A", TRAINED):
        best = f"{name}, best greedy reward"
        for other in ("best loss", "last epoch"):
            print(f"{name}, best by greedy reward minus {other}: {table.of_two(best, f'{name}, {other}')}")
    print(f"GRPO minus RCE: {table.of_two(f'{TRAINED} and GRPO', judged)}")


if __name__ == "__main__":
    main()
