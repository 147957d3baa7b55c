"""One device and several in turn, without store and command line: seconds of a first and of later calls, and where they go.

python benchmarks/qwen_shape.py /tmp/qwen --device cuda
python -m benchmarks.vlm_devices --vlm /tmp/qwen --plan "cuda:0 cuda:all cuda:all,kernels" --sizes 400,400

Each entry of the plan opens the model in new processes and asks so many questions (four shot counts, three beams) in calls that
share no image: a first call against an equal later one tells what a process pays once, two sizes what a call pays. `kernels` adds
what the GPUs did, and in which gaps they waited for what.
"""

from __future__ import annotations

import argparse
import json
import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.vlm_cpu import BEAMS, SHOTS
from benchmarks.vlm_sides import OKVQA_QUESTIONS, coco_like, evaluation
from db.specs.evaluate import PromptSpec
from engine.vlm.local.loading import devices
from engine.vlm.prompt import Prompt
from engine.vlm.spread import processes
from engine.vlm.spread.asking import SpreadVLM
from engine.vlm.spread.messages import Embedded, Texts

GAP_NS = 1_000_000
KINDS = {
    "flash": "attention", "nvjet": "product", "gemm": "product", "cutlass": "product", "_attend": "beams", "_norm": "norm",
    "_gate": "gate", "_rotate": "rotate", "HtoD": "to device", "DtoH": "to host", "index": "index", "gather": "index",
}  # fmt: skip
"""Part of a kernel's name -> what it does; the first that fits."""


def images_for(questions: int) -> int:
    """Images that so many questions see, as many for each as in OKVQA."""
    return questions + round(questions * 9009 / OKVQA_QUESTIONS)


def prompts_of(folder: Path, sizes: Sequence[int]) -> list[list[Prompt]]:
    """Of each call, with images of its own."""
    samples = coco_like(folder, sum(map(images_for, sizes)))
    calls, start = [], 0
    for size in sizes:
        calls.append(evaluation(samples[start : start + images_for(size)], size, SHOTS))
        start += images_for(size)
    return calls


def opened(vlm: str, where: str, cache: Path) -> SpreadVLM:
    """The model in processes of its own, of one device too; no visual tokens lie on disk."""
    rmtree(cache / "visual_tokens", ignore_errors=True)
    return SpreadVLM(
        devices(where), name=vlm, directory=Path(vlm), decode=BEAMS, prompt=PromptSpec(), dtype="auto", batch_size=8,
        engine="packed", cache_dir=cache, quick=True,
    )  # fmt: skip


def ask(vlm: SpreadVLM, prompts: Sequence[Prompt]) -> str:
    """Asks once, and waits until the processes have told where the time went."""
    begin = time.perf_counter()
    answered = sum(map(len, vlm.answer(prompts)))
    seconds = time.perf_counter() - begin
    for process in vlm._processes:
        process.send(Texts(["done"]))
        process.expect(Embedded)
    encoded = vlm.facts().get("engine_images_encoded")
    return f"{answered} answers in {seconds:.2f} s, {answered / seconds:.1f}/s, {encoded} images encoded so far"


def report(path: Path) -> None:
    """A stream of shards in a few lines."""
    told = json.loads(path.read_text())
    seconds = (told["end"] - told["begin"]) / 1e9
    print(f"  {told['device']}: {seconds:.2f} s, counted {told['counted']:.2f}, {told['answers']} answers and "
          f"{told['images encoded']} images so far, memory {told['memory']}")  # fmt: skip
    spans: dict[str, list[float]] = defaultdict(list)
    for name, begin, end in told["spans"]:
        spans[name].append((end - begin) / 1e9)
    for name, each in sorted(spans.items(), key=lambda one: -sum(one[1])):
        print(f"    {name}: {len(each)} in {sum(each):.2f} s, the longest {max(each):.3f}")
    if told.get("kernels"):
        _kernels(told)


def _kernels(told: dict[str, Any]) -> None:
    """How long the GPU was busy with what, and its longest gaps with what was done in them."""
    rows = sorted(told["kernels"], key=lambda one: one[1])
    times: Counter[str] = Counter()
    gaps: list[tuple[int, int]] = []
    end = first = rows[0][1]
    for name, begin, length in rows:
        times[_kind(told["names"][name])] += length
        if begin > end:
            gaps.append((end, begin))
        end = max(end, begin + length)
    idle = sum(after - before for before, after in gaps)
    long = [one for one in gaps if one[1] - one[0] > GAP_NS]
    print(f"    GPU: {(end - first) / 1e9:.2f} s, idle {idle / 1e9:.2f}, of which {len(long)} gaps above 1 ms "
          f"{sum(after - before for before, after in long) / 1e9:.2f}")  # fmt: skip
    print("    " + ", ".join(f"{kind} {spent / 1e9:.2f} s" for kind, spent in times.most_common()))
    for before, after in sorted(long, key=lambda one: one[0] - one[1])[:10]:
        within: Counter[str] = Counter()
        for name, begin, finish in told["spans"]:
            within[name] += max(0, min(finish, after) - max(begin, before))
        names = ", ".join(name for name, spent in within.most_common(4) if spent)
        print(f"      idle {(after - before) / 1e6:.0f} ms at {(before - told['begin']) / 1e9:.2f} s: {names}")
    for name, calls in sorted(told["calls"].items(), key=lambda one: -sum(length for _, length in one[1]))[:10]:
        print(f"      {name}: {len(calls)} in {sum(length for _, length in calls) / 1e9:.2f} s")


def _kind(name: str) -> str:
    return next((kind for part, kind in KINDS.items() if part in name), "other")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vlm", default="/tmp/qwen", help="folder of a model")
    parser.add_argument("--plan", default="cuda:0 cuda:all", help="devices, each with `,kernels` where they are wanted")
    parser.add_argument("--sizes", default="400,400", help="questions of each call")
    arguments = parser.parse_args()
    with TemporaryDirectory() as folder:
        places = {name: Path(folder, name) for name in ("images", "cache", "told")}
        for place in places.values():
            place.mkdir()
        calls = prompts_of(places["images"], [int(size) for size in arguments.sizes.split(",")])
        first = arguments.plan.split()[0].removesuffix(",kernels")
        for process in opened(arguments.vlm, first, places["cache"])._processes:  # the first start of a home learns
            process.end()
        for turn, entry in enumerate(arguments.plan.split()):
            where = entry.removesuffix(",kernels")
            told = places["told"] / str(turn)
            told.mkdir()
            processes.COMMAND[:] = [
                "-m",
                "benchmarks.vlm_timeline",
                str(told),
                "kernels" if where != entry else "spans",
            ]
            begin = time.perf_counter()
            vlm = opened(arguments.vlm, where, places["cache"])
            print(f"{entry}: opened in {time.perf_counter() - begin:.1f} s", flush=True)
            for prompts in calls:
                print(f"{entry}: {ask(vlm, prompts)}", flush=True)
            del vlm
            for path in sorted(told.iterdir(), key=lambda one: one.stat().st_mtime):
                report(path)


if __name__ == "__main__":
    main()
