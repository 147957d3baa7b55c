"""Few-shot answers: the packed engine against generate, batched and as published, on one machine in one run.

python -m benchmarks.vlm gpu [--out FILE.json] [--questions 400]     # a GPU, Qwen2.5-VL-3B with random weights
python -m benchmarks.vlm cpu                                         # the built-in model, batched generate against packed
python -m benchmarks.vlm exact [--prompts 1000]                      # float32: equal tokens on random prompts
python -m benchmarks.vlm fp8 [--questions 200]                       # prompts read in fp8 against bfloat16, on a GPU

Whole jobs through the command line, with a model and a data set in folders:

python benchmarks/qwen_shape.py /tmp/qwen --device cuda
python -m benchmarks.vlm data --out /tmp/okvqa --questions 800
python -m benchmarks.vlm startup [--against CHECKOUT]                # 8 questions
python -m benchmarks.vlm evaluations --questions 800                 # and again, with visual tokens on disk
python -m benchmarks.vlm devices --questions 800                     # one GPU and all
python -m benchmarks.vlm pairs [--against CHECKOUT]                  # all pairs of a pool of 16 for 16 queries
python -m benchmarks.vlm bench
"""

from __future__ import annotations

import argparse
import random
import statistics
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch
from torch import Tensor

from benchmarks.qwen_shape import shape_config
from benchmarks.vlm_cpu import BEAMS, GREEDY, SHOTS, cpu, exact
from benchmarks.vlm_fp8 import fp8
from benchmarks.vlm_jobs import JOBS
from benchmarks.vlm_sides import (
    COCO_SIZES,
    OKVQA_QUESTIONS,
    Published,
    coco_like,
    evaluation,
    forget,
    packed,
    plain,
    random_model,
    write_okvqa,
)
from benchmarks.vlm_timing import BLOCKS, CUDA, MANY, Table, alternating, seconds
from db.specs.evaluate import PromptSpec
from engine.demo.shipped import model_dir
from engine.packed.engine import Ask
from engine.vlm.local.packed import PackedVLM
from engine.vlm.local.plain import LocalVLM
from engine.vlm.prompt import Prompt, build
from engine.vlm.protocol import always, answers_in_order
from tests.helpers_vlm import Sample

TOWER_IMAGES = 32 if CUDA else 4


def _gpu(table: Table, questions: int, folder: Path) -> None:
    from transformers import AutoTokenizer

    device = torch.device("cuda" if CUDA else "cpu")
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    rehearsal = device.type != "cuda"
    config = shape_config(AutoTokenizer.from_pretrained(model_dir()), small=rehearsal)
    loaded = random_model(config, device, dtype, folder)
    count = questions + round(questions * 9009 / OKVQA_QUESTIONS)
    samples = coco_like(folder, count, ((112, 84), (84, 112)) if rehearsal else COCO_SIZES)
    table.put("machine", torch.cuda.get_device_name() if device.type == "cuda" else "cpu")
    table.put(
        "versions", {"torch": torch.__version__, "attention of the baseline": loaded.model.config._attn_implementation}
    )
    _exactness(table, loaded, samples, folder)
    greedy, beams = packed(loaded, GREEDY), packed(loaded, BEAMS)
    published = Published(loaded, BEAMS)
    _end_to_end(table, published, beams, samples, questions)
    _single(table, published, greedy, beams, samples)
    _batched(table, plain(loaded, GREEDY, 8), greedy, samples)
    _tower(table, loaded, beams, samples)
    _pairs(table, published, beams, samples)


def _exactness(table: Table, loaded: Any, samples: Sequence[Sample], folder: Path) -> None:
    """Distances of scores to those of a float32 copy, and how often tokens agree."""
    from copy import deepcopy
    from dataclasses import replace

    prompts = evaluation(samples[:24], 6, SHOTS)
    batched = plain(loaded, GREEDY, 8)
    alone = Published(loaded, GREEDY)
    own = torch.stack([_scores(loaded, alone.inputs(prompt)) for prompt in prompts])
    exact_model = replace(loaded, model=deepcopy(loaded.model).float(), dtype=torch.float32)
    exact = torch.stack([_scores(exact_model, alone.inputs(prompt)) for prompt in prompts])
    del exact_model
    generated = answers_in_order(batched, prompts)
    one_by_one = answers_in_order(plain(loaded, GREEDY, 1), prompts)
    vlm = packed(loaded, GREEDY)
    ours = vlm.engine.logits([vlm.path(prompt) for prompt in prompts])
    gap = exact.topk(2).values.diff(dim=-1).abs()[:, 0]
    table.put("distance to float32", {"generate": _distance(own, exact), "packed": _distance(ours, exact)})
    table.put("first token as in float32 (top two further apart than 1e-4)", {
        "generate": _agreement(own, exact, gap), "packed": _agreement(ours, exact, gap),
    })  # fmt: skip
    mine = answers_in_order(vlm, prompts)
    table.put("equal answers of 24", {
        "generate batch 8 against 1": sum(a == b for a, b in zip(generated, one_by_one, strict=True)),
        "packed against generate batch 1": sum(a == b for a, b in zip(mine, one_by_one, strict=True)),
    })  # fmt: skip


@torch.inference_mode()
def _scores(loaded: Any, inputs: dict[str, Tensor]) -> Tensor:
    return loaded.model(**inputs, logits_to_keep=1).logits[0, -1].float()  # type: ignore[no-any-return]


def _distance(found: Tensor, exact: Tensor) -> float:
    return round(float(((found - exact).norm(dim=-1) / exact.norm(dim=-1)).mean()), 4)


def _agreement(found: Tensor, exact: Tensor, gap: Tensor) -> float:
    clear = gap > 1e-4
    return round(float((found.argmax(-1) == exact.argmax(-1))[clear].float().mean()), 3)


def _end_to_end(table: Table, published: Published, vlm: PackedVLM, samples: Sequence[Sample], questions: int) -> None:
    """Goals 1 and 2: four shot counts, three beams, images decoded, nothing known before."""
    prompts = evaluation(samples, questions, SHOTS)
    few = 24 if CUDA else 4  # answers of the slow side
    answers_in_order(vlm, prompts[:MANY])
    published.answer(prompts[:2])
    step = len(prompts) // BLOCKS // 4 * 4
    times: dict[str, list[float]] = {"published": [], "packed": []}
    for block in range(BLOCKS):
        part = prompts[block * step : (block + 1) * step]
        forget(vlm)
        times["packed"].append(seconds(lambda part=part: answers_in_order(vlm, part)) / step * 4)  # type: ignore[misc]
        some = part[: few // BLOCKS]
        times["published"].append(seconds(lambda some=some: published.answer(some)) / len(some) * 4)  # type: ignore[misc]
    forget(vlm)
    before = dict(vlm.engine.counts.__dict__)
    whole = seconds(lambda: answers_in_order(vlm, prompts))
    counts = vlm.engine.counts
    median = {name: statistics.median(each) for name, each in times.items()}
    table.put("end to end, shots 1-4, 3 beams, s a question", {
        **{name: round(value, 4) for name, value in median.items()}, "blocks": times,
        "ratio": round(median["published"] / median["packed"], 1),
    })  # fmt: skip
    table.put("whole evaluation", {
        "questions": questions, "s": round(whole, 2), "s a question": round(whole / questions, 4),
        "images encoded a question": round((counts.images_encoded - before["images_encoded"]) / questions, 2),
        "OKVQA val extrapolated, s": round(whole / questions * OKVQA_QUESTIONS, 1),
        "OKVQA val as published, s": round(median["published"] * OKVQA_QUESTIONS),
        "tokens computed": counts.tokens_computed - before["tokens_computed"], "of": counts.tokens - before["tokens"],
        "tflops": round((counts.operations - before["operations"]) / whole / 1e12, 1),
    })  # fmt: skip


def _single(table: Table, published: Published, greedy: PackedVLM, beams: PackedVLM, samples: Sequence[Sample]) -> None:
    """Goals 3, 6 and 7: features known."""
    for shots in (2, 4):
        prompts = evaluation(samples, MANY, (shots,), seed=shots)
        inputs = [published.inputs(prompt) for prompt in prompts[:3]]
        for vlm in (greedy, beams):
            answers_in_order(vlm, prompts)
        times = alternating({
            "published": lambda inputs=inputs: [published.tokens(one) for one in inputs],  # type: ignore[misc]
            "greedy": lambda prompts=prompts: answers_in_order(greedy, prompts),  # type: ignore[misc]
            "beams": lambda prompts=prompts: answers_in_order(beams, prompts),  # type: ignore[misc]
        })  # fmt: skip
        rates = {"published": 3 / times["published"], "greedy": MANY / times["greedy"], "beams": MANY / times["beams"]}
        table.put(f"{shots} shots, features known, questions/s", {
            **{name: round(rate, 2) for name, rate in rates.items()},
            "beams against published": round(rates["beams"] / rates["published"], 1),
            "beams to greedy, time": round(times["beams"] / times["greedy"], 3),
        })  # fmt: skip
    nested = evaluation(samples, MANY, SHOTS, seed=9)
    passes = [nested[at :: len(SHOTS)] for at in range(len(SHOTS))]
    answers_in_order(beams, nested)
    times = alternating({
        "tree": lambda: answers_in_order(beams, nested), "four passes": lambda: [answers_in_order(beams, one) for one in passes],
    })  # fmt: skip
    table.put("four shot counts, features known, questions/s", {
        **{name: round(MANY / value, 2) for name, value in times.items()},
        "ratio": round(times["four passes"] / times["tree"], 2),
    })  # fmt: skip
    suffixes = evaluation(samples, MANY, SHOTS, seed=9, nearest_last=True)
    answers_in_order(beams, suffixes)
    times = alternating({"together": lambda: answers_in_order(beams, suffixes)})
    table.put("four shot counts, most similar last, features known, questions/s", round(MANY / times["together"], 2))


def _batched(table: Table, generate: LocalVLM, vlm: PackedVLM, samples: Sequence[Sample]) -> None:
    """Goals 4 and 5: against generate in batches, greedy, with features made anew and with features known."""
    prompts = evaluation(samples, MANY, (2,), seed=5)
    best = {"new": 0.0, "known": 0.0}
    for size in (8, 16, 32) if CUDA else (8,):
        generate.batches.size = size
        if size == 8:
            answers_in_order(generate, prompts[:8])
        forget(generate)
        best["new"] = max(best["new"], MANY / seconds(lambda: answers_in_order(generate, prompts)))
        best["known"] = max(best["known"], MANY / seconds(lambda: answers_in_order(generate, prompts)))
    ours = {"new": [], "known": []}  # type: ignore[var-annotated]
    for _ in range(BLOCKS):
        forget(vlm)
        ours["new"].append(MANY / seconds(lambda: answers_in_order(vlm, prompts)))
        ours["known"].append(MANY / seconds(lambda: answers_in_order(vlm, prompts)))
    for name, rate in best.items():
        mine = statistics.median(ours[name])
        table.put(f"2 shots greedy, features {name}, questions/s", {
            "generate, best batch": round(rate, 2), "packed": round(mine, 2), "ratio": round(mine / rate, 2),
        })  # fmt: skip


def _tower(table: Table, loaded: Any, vlm: PackedVLM, samples: Sequence[Sample]) -> None:
    """Goal 8: 32 images of one size and of all sizes."""
    features = vlm.engine.features
    images = [features.reader.read(features.sources[vlm._key(one.image, _CAPS)]) for one in samples[:TOWER_IMAGES]]
    grids = [(image.shape[0] // 14, image.shape[1] // 14) for image in images]
    patches = features.reader.pixels.patches(images)
    thw = torch.tensor([(1, *grid) for grid in grids], device=patches.device)

    @torch.inference_mode()
    def theirs() -> object:
        return loaded.model.get_image_features(pixel_values=patches.to(loaded.dtype), image_grid_thw=thw)

    @torch.inference_mode()
    def ours() -> object:
        return features.tower(patches, grids)

    theirs(), ours()
    times = alternating({"model's own": theirs, "packed": ours})
    table.put("vision tower, images/s", {
        **{name: round(TOWER_IMAGES / value, 1) for name, value in times.items()},
        "ratio": round(times["model's own"] / times["packed"], 1),
    })  # fmt: skip


_CAPS = Prompt("", (), (), 3136, 12_845_056)


def _pairs(table: Table, published: Published, vlm: PackedVLM, samples: Sequence[Sample]) -> None:
    """Goal 9: 15 pairs a query out of pools of 12, answered by three beams and scored on four references, features known."""
    rng = random.Random(0)
    spec = PromptSpec()
    prompts: list[Prompt] = []
    for query in samples[: MANY // 8 or 1]:
        pool = rng.sample(samples[8:200], 12)
        prompts += [build(spec, [pool[at % 12], rng.choice(pool)], query) for at in range(15)]
    references = tuple(tuple(rng.randint(20, 200) for _ in range(4)) for _ in range(4))
    asked = [Ask(vlm.path(prompt), references=references) for prompt in prompts]
    inputs = [published.inputs(prompt) for prompt in prompts[:2]]

    @torch.inference_mode()
    def score(one: dict[str, Tensor]) -> None:
        for reference in references:
            more = torch.tensor([reference], device=one["input_ids"].device)
            whole = one | {name: torch.cat((one[name], value), 1) for name, value in (
                ("input_ids", more), ("attention_mask", more * 0 + 1), ("mm_token_type_ids", more * 0))}  # fmt: skip
            published._loaded.model(**whole).logits.float().log_softmax(-1)

    def theirs() -> None:
        for one in inputs:
            published.tokens(one)
            score(one)

    def ours() -> None:
        for _ in vlm.engine.answer(asked, always):
            pass

    ours()
    times = alternating({"published": theirs, "packed": ours})
    rates = {"published": 2 / times["published"], "packed": len(asked) / times["packed"]}
    table.put("pairs with references scored, pairs/s", {
        **{name: round(rate, 2) for name, rate in rates.items()},
        "ratio": round(rates["packed"] / rates["published"], 1),
    })  # fmt: skip


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=("gpu", "cpu", "exact", "fp8", "data", *JOBS))
    parser.add_argument("--out", default="")
    parser.add_argument("--questions", type=int, default=400)
    parser.add_argument("--prompts", type=int, default=1000)
    parser.add_argument("--vlm", default="/tmp/qwen", help="folder of a model, for whole jobs")
    parser.add_argument("--dataset", default="/tmp/okvqa", help="data set, for whole jobs")
    parser.add_argument("--against", default="", help="another checkout to take turns with")
    parser.add_argument(
        "--kept", choices=("nothing", "both"), default="both", help="devices: without the second evaluation"
    )
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    table = Table("" if arguments.what == "data" else arguments.out)
    if arguments.what in ("gpu", "fp8"):
        with TemporaryDirectory() as folder:
            (_gpu if arguments.what == "gpu" else fp8)(table, arguments.questions, Path(folder))
    elif arguments.what == "data":
        write_okvqa(Path(arguments.out), arguments.questions)
    elif arguments.what in JOBS:
        JOBS[arguments.what](table.put, arguments)
    elif arguments.what == "cpu":
        cpu(table, min(100, arguments.questions))
    else:
        exact(table, arguments.prompts)


if __name__ == "__main__":
    main()
